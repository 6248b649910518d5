"""Changed pixels of a Labels layer, and masks of one plane, as compact values."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.bits import pack, unpack
from napari_segnext.core.regions import moved, region_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from napari_segnext.core.regions import Region

    Coordinates = tuple[npt.NDArray[np.intp], ...]

__all__ = ["PixelChange", "PlaneMask", "take"]


@dataclass(frozen=True, slots=True)
class PixelChange:
    """Which pixels of an array changed, from what to what, run-length encoded.

    Make one with :meth:`from_arrays`.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    runs : bytes
        zlib-compressed little-endian int64 table of four rows: first flat index
        (C order), length, value before and value after of every run.
    """

    shape: tuple[int, ...]
    runs: bytes

    @classmethod
    def from_arrays(
        cls,
        shape: tuple[int, ...],
        coordinates: Coordinates,
        before: npt.ArrayLike,
        after: npt.ArrayLike,
    ) -> PixelChange:
        """Encode the pixels at D index arrays; those that stay the same are left out.

        Parameters
        ----------
        shape : tuple of int
            Shape of the array.
        coordinates : tuple of D index arrays
            The pixels; a pixel that is named twice counts once.
        before, after : array-like of int
            Values, one for every pixel or one for all.
        """
        flat = np.ravel_multi_index(coordinates, shape).astype(np.int64)
        old = np.broadcast_to(np.asarray(before).astype(np.int64), flat.shape)
        new = np.broadcast_to(np.asarray(after).astype(np.int64), flat.shape)
        flat, first = np.unique(flat, return_index=True)
        changed = old[first] != new[first]
        flat, first = flat[changed], first[changed]
        old, new = old[first], new[first]
        breaks = np.ones(len(flat), bool)
        breaks[1:] = (np.diff(flat) != 1) | (np.diff(old) != 0) | (np.diff(new) != 0)
        starts = np.flatnonzero(breaks)
        lengths = np.diff(np.append(starts, len(flat)))
        table = np.stack([flat[starts], lengths, old[starts], new[starts]])
        return cls(
            tuple(int(size) for size in shape),
            zlib.compress(table.astype("<i8").tobytes(), 1),
        )

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> PixelChange:
        """Return the change of no pixel of an array of `shape`."""
        none = np.zeros(0, np.intp)
        return cls.from_arrays(shape, (none,) * len(shape), none, none)

    @classmethod
    def joined(cls, changes: Iterable[PixelChange]) -> PixelChange:
        """Return several changes of one array as one; at least one change.

        A pixel that several of them change is changed as the first one says.
        """
        parts = list(changes)
        if len(parts) == 1:
            return parts[0]
        coordinates = zip(*(part.coordinates for part in parts), strict=True)
        return cls.from_arrays(
            parts[0].shape,
            tuple(np.concatenate(axes) for axes in coordinates),
            np.concatenate([part.before for part in parts]),
            np.concatenate([part.after for part in parts]),
        )

    def __bool__(self) -> bool:
        """Whether any pixel changed."""
        return bool(self.table.size)

    def __len__(self) -> int:
        """Count the pixels."""
        return int(self.table[1].sum())

    @property
    def table(self) -> npt.NDArray[np.int64]:
        """First flat index, length, value before and after (4, N) of every run."""
        values = np.frombuffer(zlib.decompress(self.runs), "<i8")
        return values.reshape(4, -1).astype(np.int64)

    @property
    def coordinates(self) -> Coordinates:
        """D index arrays of the pixels, in C order."""
        starts, lengths, _, _ = self.table
        skipped = np.repeat(starts - np.append(0, np.cumsum(lengths)[:-1]), lengths)
        flat = skipped + np.arange(int(lengths.sum()))
        return tuple(np.unravel_index(flat, self.shape))

    @property
    def before(self) -> npt.NDArray[np.int64]:
        """Values before, one for every pixel."""
        _, lengths, before, _ = self.table
        return np.repeat(before, lengths)

    @property
    def after(self) -> npt.NDArray[np.int64]:
        """Values after, one for every pixel."""
        _, lengths, _, after = self.table
        return np.repeat(after, lengths)

    def sample(self, count: int) -> PixelChange:
        """Return the change of the first pixels of up to `count` runs of it."""
        table = self.table
        size = table.shape[1]
        chosen = table[:, np.linspace(0, size - 1, min(count, size)).astype(int)]
        chosen[1] = 1
        return PixelChange(self.shape, zlib.compress(chosen.astype("<i8").tobytes(), 1))

    @property
    def highest(self) -> int:
        """The highest value among those after, or 0."""
        return int(self.table[3].max(initial=0))

    def inverse(self) -> PixelChange:
        """Return the change back."""
        table = self.table[[0, 1, 3, 2]]
        return PixelChange(self.shape, zlib.compress(table.astype("<i8").tobytes(), 1))


def take(array: Any, coordinates: Coordinates) -> npt.NDArray[Any]:
    """Values of a numpy or zarr array at D index arrays."""
    if hasattr(array, "vindex"):  # zarr: plain indexing is orthogonal there
        return np.asarray(array.vindex[coordinates])
    return np.asarray(array[coordinates])


@dataclass(frozen=True, slots=True)
class PlaneMask:
    """A mask of one plane, one bit a pixel inside its bounding box.

    Make one with :meth:`from_crop`.

    Parameters
    ----------
    region : (int, int, int, int)
        Bounding box (row0, col0, row1, col1), ends excluded; of no area where the
        mask is empty.
    bits : bytes
        ``numpy.packbits`` of the region.
    """

    region: Region = (0, 0, 0, 0)
    bits: bytes = b""

    @classmethod
    def from_crop(cls, region: Region, crop: npt.ArrayLike) -> PlaneMask:
        """Make one of the pixels that are not zero in the `crop` of a region."""
        mask = np.asarray(crop) != 0
        found = region_of(mask)
        if found is None:
            return cls()
        row0, col0, row1, col1 = found
        return cls(moved(found, region[:2]), pack(mask[row0:row1, col0:col1]))

    @classmethod
    def from_plane(cls, plane: npt.ArrayLike) -> PlaneMask:
        """Make one of the pixels of (H, W) that are not zero."""
        array = np.asarray(plane)
        return cls.from_crop((0, 0, *array.shape), array)

    def __bool__(self) -> bool:
        """Whether any pixel is set."""
        return bool(self.bits)

    @property
    def crop(self) -> npt.NDArray[np.bool_]:
        """The mask inside the region, bool."""
        return unpack(self.bits, self.region)

    @property
    def values(self) -> npt.NDArray[np.uint8]:
        """What the preview shows in the region, uint8."""
        return self.crop.astype(np.uint8)

    @property
    def parts(self) -> dict[int, PlaneMask]:
        """The mask of every object in it, by number: here of one."""
        return {1: self} if self else {}

    def plane(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return the whole plane (H, W), bool."""
        result = np.zeros(shape, bool)
        row0, col0, row1, col1 = self.region
        result[row0:row1, col0:col1] = self.crop
        return result
