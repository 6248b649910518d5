"""Planes of any dtype to the network's RGB input."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Limits",
    "check_plane",
    "contrast_limits",
    "normalise",
    "plane_limits",
    "warn_if_not_finite",
]

Limits = tuple[tuple[float, float], ...]

_PERCENTILES = (0.1, 99.9)
_MAX_SAMPLES = 1_000_000


def check_plane(plane: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """Return `plane` as an array (H, W) or (H, W, C <= 4) of a real dtype.

    Raises
    ------
    ImageError
        If it has other dimensions, no pixels, or is not made of real numbers.
    """
    array = _real(plane)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise ImageError(
            f"One plane is (H, W) or (H, W, channels up to 4), not {array.shape}; "
            "pick one slice, or put the channels last."
        )
    if not array.size:
        raise ImageError(f"The image has no pixels: its shape is {array.shape}.")
    return array


def _real(values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise ImageError(
            f"The image holds {array.dtype} values; convert them to real numbers first."
        )
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
        Low < high; (0, 1) where no value is finite. The whole range is taken where
        the percentiles coincide, as in a dark plane with few bright pixels. A constant
        plane gets a range in which it is black.

    Raises
    ------
    ImageError
        If they are no real numbers.
    """
    flat = _real(values).reshape(-1)
    flat = flat[:: max(1, flat.size // _MAX_SAMPLES)].astype(np.float64)
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return 0.0, 1.0
    low, high = np.percentile(flat, _PERCENTILES)
    if low == high:
        low, high = flat.min(), flat.max()
    if low == high:
        high = low + max(1.0, abs(low))
    return float(low), float(high)


def plane_limits(
    plane: npt.ArrayLike, limits: tuple[float, float] | None = None
) -> Limits:
    """Contrast limits of each channel of a plane.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C <= 4), any real dtype
        Alpha (the fourth channel) is ignored.
    limits : (float, float), optional
        To be used for every channel.

    Returns
    -------
    tuple of (float, float)
        (0, 255) for uint8 RGB and RGBA, which are taken as they are: the paper's
        input. Robust percentiles of each channel for everything else.

    Raises
    ------
    ImageError
        If the plane or the limits cannot be used.
    """
    array = check_plane(plane)
    channels = min(array.shape[2], 3) if array.ndim == 3 else 1
    if limits is not None:
        low, high = (float(limit) for limit in limits)
        if not (np.isfinite([low, high]).all() and low < high):
            raise ImageError(
                f"The contrast limits ({low}, {high}) are no range; "
                "give (low, high) with low < high."
            )
        return ((low, high),) * channels
    if array.ndim == 2:
        return (contrast_limits(array),)
    if array.dtype == np.uint8 and array.shape[2] in (3, 4):
        return ((0.0, 255.0),) * channels
    return tuple(contrast_limits(array[..., index]) for index in range(channels))


def warn_if_not_finite(plane: npt.NDArray[np.generic]) -> None:
    """Say so once if NaN or infinity will be replaced."""
    if plane.dtype.kind == "f" and not np.isfinite(plane).all():
        warnings.warn(
            "The image has NaN or infinite pixels; they are taken as the darkest or "
            "brightest value.",
            stacklevel=3,
        )


def normalise(
    plane: npt.ArrayLike, limits: Limits | None = None
) -> npt.NDArray[np.float32]:
    """Bring a plane, or a part of one, to RGB from 0 to 1.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C <= 4), any real dtype
        NaN becomes the low limit, infinities the nearer one. Grey is repeated, two
        channels become red and green, alpha is dropped.
    limits : sequence of (float, float), optional
        Values of each channel that become 0 and 1; by default :func:`plane_limits`.

    Returns
    -------
    array (H, W, 3) float32

    Raises
    ------
    ImageError
        If the plane cannot be used.
    """
    array = check_plane(plane)
    channels = array if array.ndim == 3 else array[..., None]
    stretched = [
        _stretch(channels[..., index], *pair)
        for index, pair in enumerate(limits or plane_limits(array))
    ]
    if len(stretched) == 1:
        stretched *= 3
    elif len(stretched) == 2:  # as a two-colour overlay is usually shown
        stretched.append(np.zeros_like(stretched[0]))
    return np.stack(stretched, axis=-1)


def _stretch(
    channel: npt.NDArray[np.generic], low: float, high: float
) -> npt.NDArray[np.float32]:
    # wide integers and halves would lose or overflow in their own type
    kind = np.float32 if channel.dtype.itemsize <= 2 else np.float64
    values = np.nan_to_num(channel.astype(kind), nan=low, posinf=high, neginf=low)
    stretched: npt.NDArray[np.float32] = (
        ((values - low) / (high - low)).clip(0, 1).astype(np.float32)
    )
    return stretched
