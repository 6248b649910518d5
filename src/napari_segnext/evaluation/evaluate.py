"""Play the robot user against a model, by the paper's protocol."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from napari_segnext.errors import ImageError, SegNextError
from napari_segnext.evaluation.metrics import boundary_iou, iou
from napari_segnext.evaluation.report import Report, ScoredObject
from napari_segnext.evaluation.robot import play
from napari_segnext.evaluation.scoring import encode_near, truth_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.core.predictor import Predictor

__all__ = ["evaluate"]


def evaluate(
    predictor: Predictor,
    pairs: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
    max_clicks: int = 20,
    target_iou: float = 0.95,
    *,
    progress: bool = True,
) -> Report:
    """Let the robot user segment every annotated object, click by click.

    Each object begins without a previous mask; after that the last answer is fed back.
    The clicks go into the middle of the largest error (:func:`next_click`) until the
    IoU reaches `target_iou` or `max_clicks` are used up. Images are encoded once.

    Parameters
    ----------
    predictor : Predictor
        The model, ready to use.
    pairs : iterable of (image, labels)
        Images as ``predictor.encode`` takes them, and integer arrays (H, W): each id
        above 0 is one object, 0 is background, -1 is not counted.
    max_clicks : int
        Clicks an object may take.
    target_iou : float
        IoU at which an object is done, 0 < `target_iou` <= 1.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    Report
        IoU after each click, NoC, NoF, table, CSV and plot.

    Raises
    ------
    SegNextError
        If a value makes no sense or there is no object at all.
    ImageError
        If labels are no integers or do not have the shape of their image.
    """
    if not (isinstance(max_clicks, (int, np.integer)) and max_clicks >= 1):
        raise SegNextError(f"max_clicks is {max_clicks}; use a whole number from 1.")
    if not 0 < target_iou <= 1:
        raise SegNextError(
            f"target_iou is {target_iou}; use a value above 0 and at most 1."
        )
    ious: list[npt.NDArray[np.float32]] = []
    objects: list[ScoredObject] = []
    with tqdm(unit="object", desc="evaluate", disable=not progress) as bar:
        for index, (image, annotation) in enumerate(pairs):
            labels = _check_labels(annotation, index)
            ids = [int(label) for label in np.unique(labels) if label > 0]
            features: Features | None = None
            for label in ids:
                truth = truth_of(labels, label)
                if features is None:
                    features = _encode(predictor, image, truth, index)
                curve, last = _click_through(
                    predictor, features, truth, int(max_clicks), target_iou
                )
                ious.append(curve)
                area = int(np.count_nonzero(truth > 0))
                boundary = boundary_iou(truth, last)
                objects.append(ScoredObject(index, label, area, boundary))
                bar.update()
    if not ious:
        raise SegNextError(
            "There is no object to evaluate; give labels with ids above 0."
        )
    return Report(ious, objects, int(max_clicks), float(target_iou))


def _click_through(
    predictor: Predictor,
    features: Features,
    truth: npt.NDArray[np.int8],
    max_clicks: int,
    target_iou: float,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """IoU after each click on one object, and the last mask."""
    curve: list[float] = []
    answers = play(partial(predictor.predict, features), truth)
    for _, mask in islice(answers, max_clicks):
        curve.append(iou(truth, mask))
        if curve[-1] >= target_iou:
            break
    return np.array(curve, np.float32), mask


def _encode(
    predictor: Predictor,
    image: npt.ArrayLike,
    truth: npt.NDArray[np.int8],
    index: int,
) -> Features:
    plane = np.asarray(image)
    if plane.shape[:2] != truth.shape:
        raise ImageError(
            f"Image {index} has shape {plane.shape} and its labels {truth.shape}; "
            "give images (H, W) or (H, W, C) with labels (H, W)."
        )
    return encode_near(predictor, plane, truth)


def _check_labels(annotation: npt.ArrayLike, index: int) -> npt.NDArray[np.integer]:
    labels = np.asarray(annotation)
    if labels.dtype == bool:
        labels = labels.astype(np.int8)
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise ImageError(
            f"The labels of image {index} are {labels.dtype} of shape {labels.shape}; "
            "give integers (H, W), one id per object."
        )
    return labels
