"""The robot user on volumes: what one click gives, and where it clicks next.

The protocol is in ``docs/volumes.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.features import Features
from napari_segnext.core.image import check_plane, plane_limits
from napari_segnext.core.prompts import Mask, Prompts
from napari_segnext.core.propagation import interpolate, propagate, snap
from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.robot import next_click
from napari_segnext.evaluation.volume_objects import overlap_3d

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from napari_segnext.core.prediction import Prediction
    from napari_segnext.core.predictor import Predictor
    from napari_segnext.core.propagation import Step
    from napari_segnext.evaluation.volume_objects import TrueObject

    Bools = npt.NDArray[np.bool_]

__all__ = [
    "Corrections",
    "OneClick",
    "Player",
    "slice_by_slice",
]

_MAX_CLICKS_A_SLICE = 20


@dataclass(frozen=True, slots=True)
class OneClick:
    """What propagation made of one key.

    Parameters
    ----------
    iou : float
        3D IoU.
    key_iou : float
        IoU of the keyed mask itself.
    scores, ious : tuple of float
        Score and true IoU of each slice that was propagated and that the object is on.
    ends_off : tuple of int
        Slices between the true and the found end, for each end inside the volume;
        above 0 where the run went too far.
    """

    iou: float
    key_iou: float
    scores: tuple[float, ...]
    ious: tuple[float, ...]
    ends_off: tuple[int, ...]


@dataclass(slots=True)
class Corrections:
    """One object on its way under the robot user.

    Parameters
    ----------
    volume : array (Z, H, W) bool
        The object so far.
    prompts : dict of int to Prompts
        Of the slices that were clicked on.
    keys : dict of int to array (H, W) bool
        The answers to them.
    curve : list of float
        3D IoU after each click.
    slice_ious : list of float
        Mean IoU of the slices that the object is on, after each click.
    scores : dict of int to float
        Scores of the slices that propagation wrote, as they are at the end.
    """

    volume: Bools
    prompts: dict[int, Prompts] = field(default_factory=dict)
    keys: dict[int, Bools] = field(default_factory=dict)
    curve: list[float] = field(default_factory=list)
    slice_ious: list[float] = field(default_factory=list)
    scores: dict[int, float] = field(default_factory=dict)


class Player:
    """A volume with a model, and a robot user who knows the truth.

    Parameters
    ----------
    predictor : Predictor
        The model.
    stack : array (Z, H, W)
        The image.
    labels : array (Z, H, W) of int
        The truth.
    limits : (float, float), optional
        Contrast limits of the whole stack.
    spacing : float
        Distance of two slices over the size of a pixel.
    """

    def __init__(
        self,
        predictor: Predictor,
        stack: npt.NDArray[np.generic],
        labels: npt.NDArray[np.integer],
        limits: tuple[float, float] | None = None,
        spacing: float = 1.0,
    ) -> None:
        if stack.shape[:3] != labels.shape:
            raise SegNextError(
                f"The stack has shape {stack.shape} and its labels {labels.shape}; "
                "give volumes (Z, H, W) of one shape."
            )
        self.predictor, self.stack, self.labels = predictor, stack, labels
        self.limits, self.spacing = limits, spacing
        self._features: dict[int, Features] = {}

    def features(self, index: int, near: tuple[float, float] | None = None) -> Features:
        """Return the features of a slice; every window is encoded once."""
        if index not in self._features:
            plane = check_plane(self.stack[index])
            limits = plane_limits(plane, self.limits)
            digest = self.predictor.model.digest
            self._features[index] = Features(plane, limits, digest)
        return self._features[index]

    def first_mask(self, true_object: TrueObject, index: int) -> Bools:
        """Return the answer to the robot user's first click on a slice."""
        truth = self.labels[index] == true_object.label
        click = next_click(truth, np.zeros(truth.shape, bool))
        return self.predictor.predict(
            self.features(index), Prompts(clicks=[click])
        ).mask

    def propagate_from(self, true_object: TrueObject, key: Bools) -> OneClick:
        """Propagate a key of the middle slice over the whole volume."""
        truth, middle = self.labels == true_object.label, true_object.middle
        volume = np.zeros(truth.shape, bool)
        volume[middle] = key
        scores: dict[int, float] = {}
        if key.any():
            steps = propagate(
                self.predictor,
                self.features,
                {true_object.label: {middle: key}},
                range(len(truth)),
                spacing=self.spacing,
            )
            scores = self._write(volume, true_object.label, steps)
        known = [index for index in true_object.slices if index in scores]
        return OneClick(
            overlap_3d(truth, volume),
            overlap_3d(truth[middle], key),
            tuple(scores[index] for index in known),
            tuple(overlap_3d(truth[index], volume[index]) for index in known),
            _ends_off(true_object, volume),
        )

    def between_keys(
        self, true_object: TrueObject, every: int = 8
    ) -> dict[str, list[float]]:
        """IoU on the slices between true keys, by the way they are filled.

        Parameters
        ----------
        true_object : TrueObject
            The object.
        every : int
            Every so manyth of its slices, and the last, is keyed.

        Returns
        -------
        dict of {"plain", "interpolated", "snapped", "propagated"} to list of float
            One value for each un-keyed slice; "plain" is interpolation that does not
            weigh the keys by their areas.
        """
        truth = self.labels == true_object.label
        keyed = sorted({*true_object.slices[::every], true_object.slices[-1]})
        keys = {index: truth[index] for index in keyed}
        span = range(keyed[0], keyed[-1] + 1)
        plain = interpolate(keys, span, by_size=False)
        volumes = {
            name: np.zeros(truth.shape, bool) for name in ("plain", "interpolated")
        }
        for index, mask in interpolate(keys, span).items():
            volumes["plain"][index] = plain[index]
            volumes["interpolated"][index] = mask
        for name, make in (("snapped", snap), ("propagated", propagate)):
            steps = make(
                self.predictor,
                self.features,
                {true_object.label: keys},
                span,
                spacing=self.spacing,
            )
            volumes[name] = np.zeros(truth.shape, bool)
            self._write(volumes[name], true_object.label, steps)
        return {
            name: [overlap_3d(truth[index], volume[index]) for index in plain]
            for name, volume in volumes.items()
        }

    def correct(
        self, true_object: TrueObject, target_iou: float, max_clicks: int
    ) -> Corrections:
        """Click on the worst slice until the object is good enough in 3D."""
        truth = self.labels == true_object.label
        state = Corrections(np.zeros(truth.shape, bool))
        index = true_object.middle
        while True:
            self._click(state, truth, index)
            self._follow(state, true_object, index)
            state.curve.append(overlap_3d(truth, state.volume))
            state.slice_ious.append(_mean_over(true_object, truth, state.volume))
            if state.curve[-1] >= target_iou or len(state.curve) >= max_clicks:
                return state
            wrong = np.count_nonzero(truth ^ state.volume, axis=(1, 2))
            index = int(np.argmax(wrong))
            if not truth[index].any():  # she scrolls to the end, and says so there
                first, last = true_object.slices[0], true_object.slices[-1]
                index = min(max(index, first - 1), last + 1)

    def _click(self, state: Corrections, truth: Bools, index: int) -> None:
        """Correct one slice by one click, which makes it a key."""
        before, wanted = state.volume[index], truth[index]
        if not wanted.any():  # "it is not here": the slice is cleared
            state.keys[index] = np.zeros_like(before)
        else:
            known = state.prompts.get(index)
            if known is None:
                mask = Mask.from_array(before) if before.any() else None
                known, previous = Prompts(mask=mask), None
            else:
                previous = before.astype(np.float32)
            prompts = known.add(next_click(wanted, before, known.clicks))
            answer = self.predictor.predict(self.features(index), prompts, previous)
            state.prompts[index], state.keys[index] = prompts, answer.mask
        state.volume[index] = state.keys[index]
        state.scores.pop(index, None)

    def _follow(self, state: Corrections, true_object: TrueObject, index: int) -> None:
        """Propagate again between the keys beside a corrected slice."""
        if not any(mask.any() for mask in state.keys.values()):
            return
        below = max((key for key in state.keys if key < index), default=-1)
        above = min(
            (key for key in state.keys if key > index), default=len(state.volume)
        )
        span = [z for z in range(below + 1, above) if z != index]
        for z in span:
            state.volume[z] = False
            state.scores.pop(z, None)
        if span:
            steps = propagate(
                self.predictor,
                self.features,
                {true_object.label: state.keys},
                span,
                spacing=self.spacing,
            )
            state.scores.update(self._write(state.volume, true_object.label, steps))

    @staticmethod
    def _write(volume: Bools, label: int, steps: Iterable[Step]) -> dict[int, float]:
        """Write answers into a volume; return the slices' scores."""
        scores = {}
        for step in steps:
            if label in step.answers:
                answer = step.answers[label]
                volume[step.index] = answer.mask(volume.shape[1:3])
                scores[step.index] = answer.score
        return scores


def slice_by_slice(
    player: Player, true_object: TrueObject, target_iou: float
) -> list[float]:
    """Play without propagation: mean 2D IoU of the object's slices after each click.

    One click on every slice first, then always on the slice that is worst, at most 20
    a slice, until the mean is good enough or no slice has a click left: the cheapest
    that a user without propagation could do. Slices without a click count 0.
    """
    truth = player.labels == true_object.label
    masks: dict[int, Prediction | None] = dict.fromkeys(true_object.slices)
    prompts = {index: Prompts() for index in true_object.slices}
    ious = dict.fromkeys(true_object.slices, 0.0)
    waiting = list(true_object.slices)
    curve: list[float] = []
    while True:
        if waiting:
            index = waiting.pop(0)
        else:
            left = [
                index
                for index, given in prompts.items()
                if len(given.clicks) < _MAX_CLICKS_A_SLICE
            ]
            if curve[-1] >= target_iou or not left:
                return curve
            index = min(left, key=ious.__getitem__)
        last = masks[index]
        shown = np.zeros(truth.shape[1:], bool) if last is None else last.mask
        click = next_click(truth[index], shown, prompts[index].clicks)
        prompts[index] = prompts[index].add(click)
        answer = player.predictor.predict(player.features(index), prompts[index], last)
        masks[index], ious[index] = answer, overlap_3d(truth[index], answer.mask)
        curve.append(float(np.mean(list(ious.values()))))


def _mean_over(true_object: TrueObject, truth: Bools, volume: Bools) -> float:
    return float(
        np.mean(
            [overlap_3d(truth[index], volume[index]) for index in true_object.slices]
        )
    )


def _ends_off(true_object: TrueObject, volume: Bools) -> tuple[int, ...]:
    """How far the found ends lie beyond the true ones that the volume holds."""
    found = np.flatnonzero(volume.any(axis=(1, 2)))
    if not found.size:
        return ()
    off = []
    if true_object.slices[0] > 0:
        off.append(true_object.slices[0] - int(found[0]))
    if true_object.slices[-1] < len(volume) - 1:
        off.append(int(found[-1]) - true_object.slices[-1])
    return tuple(off)
