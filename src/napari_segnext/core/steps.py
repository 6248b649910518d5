"""What propagation says about one slice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segnext.core.patches import Patch

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np
    import numpy.typing as npt

    from napari_segnext.core.carrying import Found
    from napari_segnext.core.ending import Ending
    from napari_segnext.core.regions import Region

__all__ = ["Slice", "Step", "scored"]

_SCORE_PER_PX = 0.97  # what a pixel of distance from the nearest key takes off


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One object's mask on one slice.

    Parameters
    ----------
    region : (row0, col0, row1, col1)
        Bounding box of the mask, ends excluded.
    crop : array (row1 - row0, col1 - col0) bool
        The mask in it.
    score : float
        How good it probably is, from 0 to 1.
    confidence : float
        Mean probability inside the mask.
    agreement : float
        IoU of the forward and the backward pass where they met between two keys;
        elsewhere of the network's own answer with what it was given as a prompt.
    """

    region: Region
    crop: npt.NDArray[np.bool_]
    score: float
    confidence: float
    agreement: float

    def mask(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return the mask (H, W) bool on a plane of `shape`."""
        return Patch(self.region, self.crop).plane(shape)


@dataclass(frozen=True, slots=True)
class Step:
    """What became known about one slice.

    Parameters
    ----------
    index : int
        The slice.
    answers : dict of id to Slice
        Objects that are on it. An answer replaces an earlier one of the same run.
    endings : dict of id to Ending
        Objects that turned out not to be on it.
    done, total : int
        Visits of slices so far and in all; equal in the last step.
    """

    index: int
    answers: dict[Hashable, Slice]
    endings: dict[Hashable, Ending] = field(default_factory=dict)
    done: int = 0
    total: int = 0


def scored(patch: Patch, found: Found, agreement: float, away: float) -> Slice:
    """Score an answer `away` pixels from the nearest key."""
    score = found.confidence * found.sureness * agreement * _SCORE_PER_PX**away
    return Slice(patch.region, patch.crop, score, found.confidence, agreement)
