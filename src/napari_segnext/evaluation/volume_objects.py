"""Objects of annotated volumes: drawn, measured, tracked with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]

__all__ = ["TrueObject", "overlap_3d", "pick_objects", "track_one_profile"]


@dataclass(frozen=True, slots=True)
class TrueObject:
    """An object of an annotated volume.

    Parameters
    ----------
    label : int
        Its id.
    slices : tuple of int
        Where it is, ascending.
    voxels : int
        How large it is.
    """

    label: int
    slices: tuple[int, ...]
    voxels: int

    @property
    def middle(self) -> int:
        """The slice in the middle of those it is on."""
        return self.slices[len(self.slices) // 2]


def pick_objects(
    labels: npt.NDArray[np.integer],
    *,
    min_voxels: int,
    min_slices: int,
    count: int | None = None,
    seed: int = 0,
) -> list[TrueObject]:
    """Draw objects that are large enough from an annotated volume (Z, H, W).

    Parameters
    ----------
    labels : array (Z, H, W) of int
        Ids above 0 are objects.
    min_voxels, min_slices : int
        Smaller objects are left out.
    count : int, optional
        How many are drawn; all by default.
    seed : int
        Of the draw.
    """
    true_objects = []
    for label, voxels in zip(
        *np.unique(labels[labels > 0], return_counts=True), strict=True
    ):
        slices = np.flatnonzero((labels == label).any(axis=(1, 2)))
        if voxels >= min_voxels and np.ptp(slices) + 1 >= min_slices:
            true_objects.append(
                TrueObject(int(label), tuple(int(z) for z in slices), int(voxels))
            )
    if count is not None and count < len(true_objects):
        drawn = np.random.default_rng(seed).permutation(len(true_objects))[:count]
        true_objects = [true_objects[i] for i in sorted(drawn)]
    return true_objects


def overlap_3d(truth: Bools, found: Bools) -> float:
    """Intersection over union of two masks of any shape; 1 where both are empty."""
    union = np.count_nonzero(truth | found)
    return float(np.count_nonzero(truth & found) / union) if union else 1.0


def track_one_profile(truth: Bools, start: int) -> Bools:
    """Keep one profile of each slice: what tracking it could reach at best.

    Begins with the largest profile of slice `start`; on the slices before and after
    goes on with the one that overlaps most, and stops where none does.
    """
    kept = np.zeros_like(truth)
    parts, count = ndimage.label(truth[start])
    sizes = ndimage.sum_labels(truth[start], parts, range(1, count + 1))
    kept[start] = parts == int(np.argmax(sizes)) + 1
    for step in (1, -1):
        index = start
        while 0 <= index + step < len(truth):
            parts, _ = ndimage.label(truth[index + step])
            shared = np.bincount(parts[kept[index]], minlength=1)
            shared[0] = 0
            if not shared.any():
                break
            index += step
            kept[index] = parts == int(np.argmax(shared))
    return kept
