"""The benchmark: every figure of the report, image by image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_segnext.errors import SegNextError
from napari_segnext.evaluation.baselines import Scene, available_methods, make_answer
from napari_segnext.evaluation.datasets import choose_objects
from napari_segnext.evaluation.figures import BASELINES_REACH
from napari_segnext.evaluation.items import Item, Plane, Reader
from napari_segnext.evaluation.parallel import Lost, work_through
from napari_segnext.evaluation.scoring import (
    ObjectScores,
    StopRule,
    TransferScores,
    click_curve,
    encode_near,
    object_crop,
    score_object,
    score_transfer,
    truth_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.core.predictor import Predictor

    MakePredictor = Callable[[], Predictor]

__all__ = [
    "BaselineScores",
    "ItemScores",
    "Job",
    "Settings",
    "make_jobs",
    "measure_all",
]

MIN_AREA_PX = 40


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured.

    Parameters
    ----------
    rule : StopRule
        When the robot user leaves an object alone.
    objects : int, optional
        At most so many of an image, drawn by the seed; None takes all.
    seed : int
        Of every draw.
    views : tuple of {"plane", "crop"}
        What the model is given: whole planes, object-centred crops, or both.
    baselines : int
        Classical tools on so many objects of each set, drawn by the seed.
    """

    rule: StopRule = field(default_factory=StopRule)
    objects: int | None = 5
    seed: int = 0
    views: tuple[str, ...] = ("plane", "crop")
    baselines: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """An image, and the objects of it that classical tools are tried on."""

    item: Item
    baseline_labels: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class BaselineScores:
    """IoU after each click of one classical tool, or of the model, on one crop."""

    label: int
    method: str
    ious: tuple[float, ...]


@dataclass(slots=True)
class ItemScores:
    """What was measured on one image.

    Parameters
    ----------
    item : Item
        The image.
    objects, transfers, baselines : lists
        The figures.
    error : str
        Why the image could not be measured to its end; empty if it could.
    """

    item: Item
    objects: list[ObjectScores] = field(default_factory=list)
    transfers: list[TransferScores] = field(default_factory=list)
    baselines: list[BaselineScores] = field(default_factory=list)
    error: str = ""


def make_jobs(items: Sequence[Item], settings: Settings) -> list[Job]:
    """Draw the objects for the classical tools, set by set.

    Parameters
    ----------
    items : sequence of Item
        From :func:`find_items`.
    settings : Settings
        `baselines` is how many of a set; sets of one group count as one.
    """
    if not settings.baselines:
        return [Job(item) for item in items]
    reader = Reader()
    found: dict[str, list[tuple[Item, int]]] = {}
    for item in items:
        try:
            labels = reader.read(item).labels
        except SegNextError:  # will be told when it is measured
            continue
        chosen = choose_objects(labels, settings.objects, MIN_AREA_PX, settings.seed)
        found.setdefault(item.group, []).extend((item, label) for label in chosen)
    drawn: dict[Item, set[int]] = {}
    for pairs in found.values():
        order = np.random.default_rng(settings.seed).permutation(len(pairs))
        for index in order[: settings.baselines]:
            item, label = pairs[index]
            drawn.setdefault(item, set()).add(label)
    return [Job(item, frozenset(drawn.get(item, ()))) for item in items]


def measure_all(
    jobs: Sequence[Job],
    make_predictor: MakePredictor,
    settings: Settings,
    processes: int = 1,
) -> Iterator[ItemScores]:
    """Measure every image; the same figures whatever the number of processes.

    Parameters
    ----------
    jobs : sequence of Job
        From :func:`make_jobs`.
    make_predictor : callable
        Makes the predictor, in each process anew; picklable if there are several.
    settings : Settings
        What to measure.
    processes : int
        How many, each with one torch thread. One is this process itself.

    Yields
    ------
    ItemScores
        In the order of `jobs`, as soon as all before it are there.

    Raises
    ------
    SegNextError
        If `processes` is below 1 or processes do not survive.
    """
    if processes < 1:
        raise SegNextError(f"{processes} processes are too few; use 1 or more.")
    make_work = partial(_make_measurer, make_predictor, settings)
    if processes == 1:
        threads = torch.get_num_threads()
        try:
            yield from map(make_work(), jobs)
        finally:
            torch.set_num_threads(threads)
        return
    done: dict[int, ItemScores] = {}
    following = 0
    for index, result in work_through(make_work, jobs, processes):
        if isinstance(result, Lost):
            error = f"its process ended with exit code {result.exit_code}"
            result = ItemScores(jobs[index].item, error=error)
        done[index] = result
        while following in done:
            yield done.pop(following)
            following += 1


def _make_measurer(
    make_predictor: MakePredictor, settings: Settings
) -> Callable[[Job], ItemScores]:
    torch.set_num_threads(1)  # sums are then the same, however many processes
    return _Measurer(make_predictor(), settings)


class _Measurer:
    """Measures one image after the other."""

    def __init__(self, predictor: Predictor, settings: Settings) -> None:
        self._predictor = predictor
        self._settings = settings
        self._reader = Reader()

    def __call__(self, job: Job) -> ItemScores:
        scores = ItemScores(job.item)
        try:
            plane = self._reader.read(job.item)
            self._measure(job, plane, scores)
        except Exception as error:  # noqa: BLE001 - one image must not lose the others
            scores.error = f"{type(error).__name__}: {error}"
        return scores

    def _measure(self, job: Job, plane: Plane, scores: ItemScores) -> None:
        settings = self._settings
        chosen = self._choose(plane.labels)
        if "plane" in settings.views and chosen:
            self._measure_plane(plane, chosen, scores)
        everywhere = "crop" in settings.views
        in_crops = [it for it in chosen if everywhere or it in job.baseline_labels]
        if not in_crops:
            return
        rgb = plane.rgb
        for label in in_crops:
            truth = truth_of(plane.labels, label)
            part = object_crop(truth)
            crop = Plane(rgb[part], plane.labels[part])
            features = self._encode(crop, label)
            found = self._score("crop", features, crop, label, scores.item)
            if everywhere:
                scores.objects.append(found)
            if label in job.baseline_labels:
                scores.baselines.append(BaselineScores(label, "model", found.ious))
                scene = Scene(rgb[part], truth[part])
                scores.baselines += _classical(scene, truth[part], label, settings.rule)

    def _choose(self, labels: npt.NDArray[np.int32]) -> list[int]:
        settings = self._settings
        return choose_objects(labels, settings.objects, MIN_AREA_PX, settings.seed)

    def _encode(self, plane: Plane, label: int) -> Features:
        truth = truth_of(plane.labels, label)
        return encode_near(self._predictor, plane.image, truth, plane.limits)

    def _score(
        self, view: str, features: Features, plane: Plane, label: int, item: Item
    ) -> ObjectScores:
        return score_object(
            self._predictor,
            features,
            plane.labels,
            label,
            self._settings.rule,
            view=view,
            key=(self._settings.seed, f"{item.set_name}/{item.name}/{label}"),
        )

    def _measure_plane(
        self, plane: Plane, chosen: list[int], scores: ItemScores
    ) -> None:
        features = self._encode(plane, chosen[0])
        for label in chosen:
            scores.objects.append(
                self._score("plane", features, plane, label, scores.item)
            )
        if plane.before is None:
            return
        before = self._predictor.encode(plane.before.image, plane.before.limits)
        ids, areas = np.unique(plane.before.labels, return_counts=True)
        seen = ids[areas >= MIN_AREA_PX]
        both = np.where(np.isin(plane.labels, seen), plane.labels, 0)
        scores.transfers += [
            score_transfer(self._predictor, (before, features), plane, label)
            for label in self._choose(both)
        ]


def _classical(
    scene: Scene, truth: npt.NDArray[np.int8], label: int, rule: StopRule
) -> list[BaselineScores]:
    """Let the robot user click on a crop with each classical tool."""
    rule = replace(rule, enough_iou=BASELINES_REACH)
    return [
        BaselineScores(
            label, name, tuple(click_curve(make_answer(name, scene), truth, rule)[0])
        )
        for name in available_methods()
    ]
