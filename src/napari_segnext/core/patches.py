"""Masks of a plane as the box around them, which is what moves from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.bits import unpack
from napari_segnext.core.regions import joined_region, moved, placed, region_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from napari_segnext.core.regions import Region

    Bools = npt.NDArray[np.bool_]

__all__ = ["EMPTY", "PackedPatch", "Patch", "overlap", "union_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A mask, stored as its bounding box.

    Parameters
    ----------
    region : (row0, col0, row1, col1)
        Bounding box on the plane, ends excluded; all zero where the mask is empty.
    crop : array (row1 - row0, col1 - col0) bool
        The mask in that box.
    """

    region: Region
    crop: Bools

    @classmethod
    def of(cls, crop: npt.ArrayLike, corner: tuple[int, int] = (0, 0)) -> Patch:
        """Make one from a mask (h, w) whose first pixel lies at `corner`."""
        mask = np.asarray(crop) != 0
        region = region_of(mask)
        if region is None:
            return EMPTY
        row0, col0, row1, col1 = region
        return cls(moved(region, corner), mask[row0:row1, col0:col1].copy())

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.crop))

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the middle of the bounding box."""
        row0, col0, row1, col1 = self.region
        return (row0 + row1 - 1) / 2, (col0 + col1 - 1) / 2

    def on(self, region: Region) -> Bools:
        """Return the mask on another region, False outside the bounding box."""
        return placed(self.crop, self.region, region)

    def plane(self, shape: tuple[int, int]) -> Bools:
        """Return the mask on the whole plane (H, W)."""
        return self.on((0, 0, *shape))


EMPTY = Patch((0, 0, 0, 0), np.zeros((0, 0), bool))


@dataclass(frozen=True, slots=True, eq=False)
class PackedPatch:
    """A patch that is put by: a bit a pixel.

    Parameters
    ----------
    region : (row0, col0, row1, col1)
        As of the patch.
    bits : array (N,) uint8
        The mask in it, row by row.
    """

    region: Region
    bits: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, patch: Patch) -> PackedPatch:
        """Pack a patch."""
        return cls(patch.region, np.packbits(patch.crop))

    @property
    def patch(self) -> Patch:
        """What was packed."""
        return Patch(self.region, unpack(self.bits, self.region))


def overlap(one: Patch, other: Patch) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    region = joined_region([one.region, other.region])
    here, there = one.on(region), other.on(region)
    union = int(np.count_nonzero(here | there))
    return float(np.count_nonzero(here & there) / union) if union else 1.0


def union_of(masks: Iterable[Patch], shape: tuple[int, int]) -> Patch:
    """Return the pixels that are in any of some masks, on a plane of `shape`."""
    masks = list(masks)
    region = joined_region([patch.region for patch in masks], shape)
    crop = EMPTY.on(region)
    for patch in masks:
        crop |= patch.on(region)
    return Patch.of(crop, region[:2])
