"""Strokes and masks: prompts that are pixels of one plane, each a frozen value."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.bits import pack, unpack
from napari_segnext.core.regions import region_of
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.core.regions import Region

__all__ = ["Mask", "Stroke"]

_OBJECT = 0.5


def _crop_to_content(array: np.ndarray) -> tuple[Region, np.ndarray]:
    region = region_of(array)
    if region is None:
        raise PromptError("The mask is empty; give one with at least one pixel.")
    row0, col0, row1, col1 = region
    return region, array[row0:row1, col0:col1]


def _plane(array: npt.ArrayLike) -> np.ndarray:
    plane = np.asarray(array)
    if plane.ndim != 2 or not plane.size:
        raise PromptError(
            f"A mask is one plane (H, W), not an array of shape {plane.shape}."
        )
    return plane


class _Cropped:
    """What strokes and masks share."""

    __slots__ = ()

    shape: tuple[int, int]
    region: Region

    def __post_init__(self) -> None:
        """Validate the region."""
        row0, col0, row1, col1 = self.region
        rows, cols = self.shape
        if not (0 <= row0 < row1 <= rows and 0 <= col0 < col1 <= cols):
            raise PromptError(
                f"The region {self.region} does not lie in a plane of {self.shape}."
            )

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(row0, col0, row1, col1) in pixels, both ends included."""
        row0, col0, row1, col1 = self.region
        return row0, col0, row1 - 1, col1 - 1


@dataclass(frozen=True, slots=True)
class Stroke(_Cropped):
    """Painted pixels of one polarity, as they stand in a Labels layer.

    Make one with :meth:`from_array`. Only the bounding box is stored, one bit a
    pixel, row by row.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the plane in pixels.
    region : (int, int, int, int)
        Bounding box (row0, col0, row1, col1), ends excluded.
    bits : bytes
        ``numpy.packbits`` of the region.
    positive : bool
        True on the object, False on the background.

    Raises
    ------
    PromptError
        If the region does not lie in the plane.
    """

    shape: tuple[int, int]
    region: Region
    bits: bytes
    positive: bool = True

    @classmethod
    def from_array(cls, array: npt.ArrayLike, positive: bool = True) -> Stroke:
        """Make a stroke of the pixels of `array` (H, W) that are not zero.

        Raises
        ------
        PromptError
            If the array is not two-dimensional, or all zero.
        """
        painted = _plane(array) != 0
        region, crop = _crop_to_content(painted)
        return cls(painted.shape, region, pack(crop), bool(positive))

    @property
    def crop(self) -> npt.NDArray[np.bool_]:
        """The painted pixels of the region, bool."""
        return unpack(self.bits, self.region)


@dataclass(frozen=True, slots=True)
class Mask(_Cropped):
    """A rough mask of the object to start from.

    Make one with :meth:`from_array`. Only the bounding box is stored.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the plane in pixels.
    region : (int, int, int, int)
        Bounding box (row0, col0, row1, col1), ends excluded.
    values : bytes
        float32 probabilities of the region, row by row, zlib-compressed.

    Raises
    ------
    PromptError
        If the region does not lie in the plane.
    """

    shape: tuple[int, int]
    region: Region
    values: bytes

    @classmethod
    def from_array(cls, array: npt.ArrayLike) -> Mask:
        """Make a mask of (H, W) bool, labels (not zero = object) or probabilities.

        Raises
        ------
        PromptError
            If the array is not two-dimensional, has no object pixel, or has
            probabilities outside 0..1.
        """
        plane = _plane(array)
        if plane.dtype.kind == "f":
            if not (np.isfinite(plane).all() and 0 <= plane.min() <= plane.max() <= 1):
                raise PromptError(
                    "A floating-point mask holds probabilities from 0 to 1; "
                    "threshold or rescale it first."
                )
        elif plane.dtype.kind in "bui":
            plane = plane != 0
        else:
            raise PromptError(
                f"A mask of type {plane.dtype} is not understood; "
                "give bool, integers or probabilities."
            )
        region, crop = _crop_to_content(plane.astype(np.float32))
        values = zlib.compress(np.ascontiguousarray(crop, "<f4").tobytes(), 1)
        return cls((plane.shape[0], plane.shape[1]), region, values)

    @property
    def crop(self) -> npt.NDArray[np.float32]:
        """Probabilities of the region, float32."""
        row0, col0, row1, col1 = self.region
        values = np.frombuffer(zlib.decompress(self.values), "<f4")
        return values.reshape(row1 - row0, col1 - col0).astype(np.float32)

    @property
    def crop_mask(self) -> npt.NDArray[np.bool_]:
        """The object's pixels of the region: probability 0.5 or more."""
        return self.crop >= _OBJECT

    @property
    def array(self) -> npt.NDArray[np.float32]:
        """The whole plane (H, W), float32."""
        plane = np.zeros(self.shape, np.float32)
        row0, col0, row1, col1 = self.region
        plane[row0:row1, col0:col1] = self.crop
        return plane
