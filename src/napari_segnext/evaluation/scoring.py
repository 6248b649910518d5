"""One object under the robot user: clicks, first prompts, transfer between slices."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.borders import line_of
from napari_segnext.core.carrying import carry, guess_from
from napari_segnext.core.patches import EMPTY, Patch
from napari_segnext.core.prompts import Mask, Prompts
from napari_segnext.errors import PromptError, SegNextError
from napari_segnext.evaluation.metrics import boundary_iou, iou
from napari_segnext.evaluation.prompting import KINDS, draw_first_prompt
from napari_segnext.evaluation.robot import next_click, play

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.core.predictor import Predictor
    from napari_segnext.evaluation.items import Plane
    from napari_segnext.evaluation.robot import Answer

    Truth = npt.NDArray[np.int8]

__all__ = [
    "ObjectScores",
    "StopRule",
    "TransferScores",
    "click_curve",
    "encode_near",
    "object_crop",
    "score_first_prompts",
    "score_object",
    "score_transfer",
    "truth_of",
]

_MIN_CROP_PX = 64


@dataclass(frozen=True, slots=True)
class StopRule:
    """When the robot user leaves an object alone.

    Parameters
    ----------
    max_clicks : int
        Clicks an object may take.
    target_iou : float
        Done as soon as the IoU is this good, 0 < `target_iou` <= 1.
    enough_iou, enough_clicks : float, int
        Done after `enough_clicks` if the IoU has ever been `enough_iou`: whatever
        comes later changes no NoC up to that IoU.

    Raises
    ------
    SegNextError
        If a value makes no sense.
    """

    max_clicks: int = 20
    target_iou: float = 0.95
    enough_iou: float = 0.9
    enough_clicks: int = 10

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.max_clicks < 1:
            raise SegNextError(f"{self.max_clicks} clicks are too few; use 1 or more.")
        if not 0 < self.target_iou <= 1:
            raise SegNextError(
                f"The target IoU is {self.target_iou}; "
                "use a value above 0 and at most 1."
            )

    def is_done(self, curve: list[float]) -> bool:
        """Whether no click follows after these IoUs."""
        clicks = len(curve)
        return (
            clicks >= self.max_clicks
            or curve[-1] >= self.target_iou
            or (clicks >= self.enough_clicks and max(curve) >= self.enough_iou)
        )

    def knows(self, threshold: float) -> bool:
        """Whether it is known when each object reaches an IoU of `threshold`."""
        cut = self.max_clicks > self.enough_clicks and self.enough_iou < threshold
        return threshold <= self.target_iou and not cut


@dataclass(frozen=True, slots=True)
class ObjectScores:
    """What was measured on one object.

    Parameters
    ----------
    view : {"plane", "crop"}
        What the model was given: the whole plane or a crop around the object.
    label : int
        Id in the annotation.
    area_px : int
        Number of its pixels.
    ious, boundary_ious : tuple of float
        After each click.
    prompt_ious : dict of str to float
        Kind of the first and only prompt -> IoU; kinds the object is too small for
        are missing.
    rough_iou : float
        IoU of the rough mask itself that was the mask prompt.
    """

    view: str
    label: int
    area_px: int
    ious: tuple[float, ...]
    boundary_ious: tuple[float, ...] = ()
    prompt_ious: dict[str, float] = field(default_factory=dict)
    rough_iou: float = float("nan")


@dataclass(frozen=True, slots=True)
class TransferScores:
    """An object's true mask on the slice before, taken as the mask prompt on this one.

    Parameters
    ----------
    label, area_px : int
        Id, and number of pixels on this slice.
    iou : float
        Of the model's answer.
    copied_iou : float
        Of the mask on the slice before, merely copied.
    carried_iou : float
        Of one step of propagation, which looks at both images.
    """

    label: int
    area_px: int
    iou: float
    copied_iou: float
    carried_iou: float


def truth_of(labels: npt.NDArray[np.integer], label: int) -> Truth:
    """Return 1 on the object, 0 elsewhere, -1 where nobody knows."""
    return np.where(labels < 0, -1, labels == label).astype(np.int8)


def encode_near(
    predictor: Predictor,
    image: npt.NDArray[np.generic],
    truth: Truth,
    limits: tuple[float, float] | None = None,
) -> Features:
    """Encode a plane around the robot user's first click on an object."""
    first = next_click(truth, np.zeros(truth.shape, bool))
    return predictor.encode(image, limits, (first.row, first.col))


def object_crop(truth: Truth) -> tuple[slice, slice]:
    """Return a square of twice the object's extent around it, at least 64 px.

    Shifted, and where the plane is smaller cut, to lie inside the plane.
    """
    found = [np.flatnonzero((truth > 0).any(axis=axis)) for axis in (1, 0)]
    extent = max(int(ends[-1] - ends[0]) + 1 for ends in found)
    side = max(2 * extent, _MIN_CROP_PX)
    slices = []
    for ends, size in zip(found, truth.shape, strict=True):
        start = (int(ends[0]) + int(ends[-1]) + 1 - side) // 2
        start = max(min(start, size - side), 0)
        slices.append(slice(start, min(start + side, size)))
    return slices[0], slices[1]


def click_curve(
    answer: Callable[..., Answer], truth: Truth, rule: StopRule
) -> tuple[list[float], list[float]]:
    """IoU and boundary IoU after each click of the robot user.

    The boundary is a band of 2 % of the diagonal of the object's crop
    (:func:`object_crop`), at least 1 px: the plane's size does not matter.

    Parameters
    ----------
    answer : callable
        Takes all clicks so far and the last answer, None at first.
    truth : array (H, W) int8
        From :func:`truth_of`.
    rule : StopRule
        When to stop.
    """
    rows, cols = object_crop(truth)
    diagonal = np.hypot(rows.stop - rows.start, cols.stop - cols.start)
    width = max(1, round(0.02 * float(diagonal)))
    curve: list[float] = []
    boundary: list[float] = []
    for _, mask in play(answer, truth):
        curve.append(iou(truth, mask))
        boundary.append(boundary_iou(truth, mask, width_px=width))
        if rule.is_done(curve):
            break
    return curve, boundary


def score_first_prompts(
    predictor: Predictor,
    features: Features,
    labels: npt.NDArray[np.int32],
    label: int,
    key: tuple[int, str],
) -> tuple[dict[str, float], float]:
    """IoU after one box, polygon, scribble or rough mask; IoU of that mask itself.

    Parameters
    ----------
    predictor, features
        The model and the plane it encoded.
    labels, label
        The plane's annotation and the object.
    key : (int, str)
        Seed and name of the object: what is drawn depends on nothing else.
    """
    truth = truth_of(labels, label)
    drawn: dict[str, Prompts] = {}
    for number, kind in enumerate(KINDS):
        if kind == "click":  # the robot user's first
            continue
        rng = np.random.default_rng([key[0], zlib.crc32(key[1].encode()), number])
        try:
            drawn[kind] = draw_first_prompt(kind, truth > 0, labels, rng)
        except PromptError:  # no person could draw it either
            continue
    answers = predictor.predict_many(features, list(drawn.values()))
    found = {
        kind: iou(truth, answer.mask)
        for kind, answer in zip(drawn, answers, strict=True)
    }
    rough = drawn["mask"].mask
    return found, float("nan") if rough is None else iou(truth, rough.array)


def score_transfer(
    predictor: Predictor,
    features: tuple[Features, Features],
    plane: Plane,
    label: int,
) -> TransferScores:
    """Give the true mask of the slice before as the mask prompt on this one.

    Parameters
    ----------
    predictor : Predictor
        The model.
    features : (Features, Features)
        Of the slice before and of this one.
    plane : Plane
        This slice, with the one before.
    label : int
        An object that is on both.
    """
    assert plane.before is not None  # noqa: S101 - the caller has asked
    earlier, here = features
    truth, old = truth_of(plane.labels, label), plane.before.labels == label
    answer = predictor.predict(here, Prompts(mask=Mask.from_array(old)))
    key = Patch.of(old)
    guess = guess_from(key, earlier, here, line_of(key, earlier))
    carried = carry(predictor, here, {label: guess}, EMPTY, None)[label].patch
    return TransferScores(
        label,
        int(np.count_nonzero(truth > 0)),
        iou(truth, answer.mask),
        iou(truth, old),
        iou(truth, carried.plane(here.shape)),
    )


def score_object(
    predictor: Predictor,
    features: Features,
    labels: npt.NDArray[np.int32],
    label: int,
    rule: StopRule,
    *,
    view: str,
    key: tuple[int, str],
) -> ObjectScores:
    """Click on one object, then prompt it anew in every other way."""
    truth = truth_of(labels, label)
    curve, boundary = click_curve(partial(predictor.predict, features), truth, rule)
    found, rough = score_first_prompts(predictor, features, labels, label, key)
    return ObjectScores(
        view,
        label,
        int(np.count_nonzero(truth > 0)),
        tuple(curve),
        tuple(boundary),
        {"click": curve[0], **found},
        rough,
    )
