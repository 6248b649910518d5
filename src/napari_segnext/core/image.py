"""Planes of any dtype to the network's RGB input."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["check_plane", "contrast_limits", "normalise"]

_PERCENTILES = (0.1, 99.9)
_MAX_SAMPLES = 1_000_000


def check_plane(plane: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """Return `plane` as an array (H, W) or (H, W, C <= 4) of a real dtype.

    Raises
    ------
    ImageError
        If it has other dimensions, no pixels, or is not made of real numbers.
    """
    array = np.asarray(plane)
    if array.dtype.kind not in "buif":
        raise ImageError(
            f"The image holds {array.dtype} values; convert them to real numbers first."
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise ImageError(
            f"One plane is (H, W) or (H, W, channels up to 4), not {array.shape}; "
            "pick one slice, or put the channels last."
        )
    if not array.size:
        raise ImageError(f"The image has no pixels: its shape is {array.shape}.")
    return array


def contrast_limits(values: npt.ArrayLike) -> tuple[float, float]:
    """Robust range of an array: percentiles 0.1 and 99.9 of its finite values.

    Parameters
    ----------
    values : array of any shape and real dtype
        More than a million values are sampled evenly.

    Returns
    -------
    (float, float)
        Low and high; (0, 1) where no value is finite. The whole range is taken where
        the percentiles coincide, as in a dark plane with few bright pixels.
    """
    flat = np.asarray(values).reshape(-1)
    flat = flat[:: max(1, flat.size // _MAX_SAMPLES)].astype(np.float64)
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return 0.0, 1.0
    low, high = np.percentile(flat, _PERCENTILES)
    if low == high:
        low, high = flat.min(), flat.max()
    return float(low), float(high)


def _rgb(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """(H, W) or (H, W, C) to three channels: grey is repeated, alpha is dropped."""
    if array.ndim == 2:
        array = array[..., None]
    channels = array.shape[2]
    if channels == 1:
        return np.repeat(array, 3, axis=2)
    if channels == 2:  # red and green, as a two-colour overlay is usually shown
        return np.concatenate([array, np.zeros_like(array[..., :1])], axis=2)
    return array[..., :3]


def normalise(
    plane: npt.ArrayLike, limits: tuple[float, float] | None = None
) -> npt.NDArray[np.float32]:
    """Bring a plane to RGB from 0 to 1.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C <= 4), any real dtype
        uint8 RGB and RGBA are taken as they are, which is the paper's input.
        Everything else is stretched between `limits`, channel by channel where they
        are not given. NaN becomes the low limit, infinities the nearer one.
    limits : (float, float), optional
        Values that become 0 and 1; by default robust percentiles of the plane.

    Returns
    -------
    array (H, W, 3) float32

    Raises
    ------
    ImageError
        If the plane or the limits cannot be used.
    """
    array = check_plane(plane)
    if limits is None and array.dtype == np.uint8 and array.shape[2:] in ((3,), (4,)):
        return array[..., :3].astype(np.float32) / np.float32(255)
    if limits is not None and not (np.isfinite(limits).all() and limits[0] < limits[1]):
        raise ImageError(
            f"The contrast limits {limits} are no range; give (low, high), low < high."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        warnings.warn(
            "The image has NaN or infinite pixels; they are taken as the darkest or "
            "brightest value.",
            stacklevel=2,
        )
    if array.ndim == 3 and array.shape[2] == 4:
        array = array[..., :3]
    channels = array if array.ndim == 3 else array[..., None]
    stretched = [
        _stretch(channels[..., index], limits or contrast_limits(channels[..., index]))
        for index in range(channels.shape[2])
    ]
    rgb = _rgb(np.stack(stretched, axis=-1))
    return np.ascontiguousarray(rgb, np.float32)


def _stretch(
    channel: npt.NDArray[np.generic], limits: tuple[float, float]
) -> npt.NDArray[np.float32]:
    low, high = limits
    if low == high:  # a constant plane: nothing to see
        return np.zeros(channel.shape, np.float32)
    # float64 for wide integers, halves would overflow; one channel at a time
    kind = np.float32 if channel.dtype.itemsize <= 2 else np.float64
    values = channel.astype(kind)
    values = np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    values -= low
    values /= high - low
    return np.clip(values, 0, 1, out=values).astype(np.float32)
