"""What must hold, worked out again without the session's own helpers.

The log is folded anew, answers are predicted anew from what the log records, and the
layers are read pixel by pixel and row by row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from machine_predictor import answer

from napari_segnext.core.prompts import Box, Mask, Polygon, Prompts, Scribble
from napari_segnext.session.acts import Marked, PromptsChanged, Propagated
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Image, Labels, Points, Shapes

    from napari_segnext.session.pixels import PlaneMask

STEPS_PER_PX = 64


@dataclass(frozen=True)
class PlaneFold:
    """One plane of the current object."""

    prompts: Prompts
    entries: tuple[int, ...]
    stored: PlaneMask | None = None

    @property
    def is_used(self) -> bool:
        """Whether there is anything but a lock."""
        return bool(self.prompts or self.stored or self.entries)


@dataclass
class Fold:
    """The log, folded."""

    planes: dict[PlaneKey, PlaneFold] = field(default_factory=dict)
    entries: dict[tuple[int, PlaneKey], tuple[Prompts, int | None, bool]] = field(
        default_factory=dict
    )
    replaced: dict[tuple[int, PlaneKey], PlaneMask] = field(default_factory=dict)
    editing: int | None = None
    each: bool = False
    labels: tuple[int, ...] = ()

    @classmethod
    def of(cls, acts: Iterable[Any]) -> Fold:
        fold = cls()
        for act in acts:
            if isinstance(act, PromptsChanged):
                for change in act.changes:
                    fold._change(act.number, change)
            elif hasattr(act, "after"):  # another current object
                fold.planes = {
                    plane: PlaneFold(state.prompts, state.entries, state.stored)
                    for plane, state in act.after.planes.items()
                }
                fold.editing, fold.each = act.after.editing, act.after.each
                fold.labels = act.after.labels
            elif isinstance(act, Propagated | Marked):
                fold._make(act.changes)
        return fold

    def _make(self, changes: Iterable[Any]) -> None:
        for change in changes:
            before = self.planes.pop(change.plane, None)
            for state, found in ((change.before, before), (change.after, None)):
                if state is None:
                    continue
                known = PlaneFold(state.prompts, state.entries, state.stored)
                assert found is None or found == known
                self.planes[change.plane] = known
            if change.after is None:
                self.planes.pop(change.plane, None)

    def _change(self, number: int, change: Any) -> None:
        before = self.planes.get(change.plane, PlaneFold(Prompts(), ()))
        assert before.prompts == change.before
        if change.previous is not None:  # only what stands still is fed back
            assert change.previous in before.entries
            fed_back = self.entries[change.previous, change.plane][0]
            assert change.after.contains(fed_back)
        self.planes[change.plane] = PlaneFold(change.after, (*before.entries, number))
        if change.stored is not None:
            self.replaced[number, change.plane] = change.stored
        self.entries[number, change.plane] = change.after, change.previous, self.each

    @property
    def is_crossed(self) -> bool:
        """Whether there are prompts or masks on planes of several orientations."""
        used = [plane for plane, found in self.planes.items() if found.is_used]
        return len({plane.displayed for plane in used}) > 1


class Oracle:
    """Predicts entries of the log anew."""

    def __init__(self) -> None:
        self._kept: dict[Any, np.ndarray] = {}
        self._past: list[dict[Any, np.ndarray]] = []

    def renew(self) -> None:
        """Begin anew: the image or its contrast is another."""
        self._past.append(self._kept)
        self._kept = {}

    def outdated(self, number: int, plane: PlaneKey) -> list[np.ndarray]:
        """The answers to an entry with the image as it was before."""
        key = number, plane
        return [kept[key] for kept in self._past if key in kept]

    def fresh(
        self, fold: Fold, number: int, plane: PlaneKey, data: np.ndarray, low: float
    ) -> np.ndarray:
        """The answer to an entry: (H, W) of 0 and 1, or numbers of several objects."""
        key = number, plane
        if key not in self._kept:
            prompts, previous, each = fold.entries[key]
            pixels = data[plane.slices]
            if not prompts:
                result = np.zeros(pixels.shape[:2], int)
            elif each:
                result = np.zeros(pixels.shape[:2], int)
                for count, single in reversed(list(enumerate(singles(prompts), 1))):
                    result[answer(pixels, low, single, None)] = count
            else:
                before = None
                if previous is not None:
                    before = self.fresh(fold, previous, plane, data, low) > 0
                result = answer(pixels, low, prompts, before).astype(int)
            self._kept[key] = result
        return self._kept[key]


def singles(prompts: Prompts) -> list[Prompts]:
    negative = Prompts().add(*[prompt for prompt in prompts if not prompt.positive])
    result = [negative.add(prompt) for prompt in prompts if prompt.positive]
    if prompts.mask is not None:
        result.append(replace(negative, mask=prompts.mask))
    return result


# what the layers say ----------------------------------------------------------------


def _rounded(value: float) -> float:
    return round(float(value) * STEPS_PER_PX) / STEPS_PER_PX + 0.0


def in_image(layer: Any, image: Image, position: Any) -> np.ndarray:
    """A position in the data of `layer`, in the data of `image`."""
    return np.array(image.world_to_data(layer.data_to_world(position)), float)


def in_layer(layer: Any, image: Image, position: Any) -> np.ndarray:
    """The way back."""
    return np.array(layer.world_to_data(image.data_to_world(position)), float)


def _plane_said(text: Any, default: tuple[int, int]) -> tuple[int, int]:
    parts = str(text).split(",")
    return (int(parts[0]), int(parts[1])) if len(parts) == 2 else default


def _plane_of(
    points: np.ndarray, axes: tuple[int, int], shape: tuple[int, ...]
) -> PlaneKey | None:
    if not np.isfinite(points).all():
        return None
    fixed = [axis for axis in range(points.shape[1]) if axis not in axes]
    index = np.round(points[:, fixed]).astype(int)
    inside = all(
        0 <= place < shape[axis] for axis, place in zip(fixed, index[0], strict=True)
    )
    same = (index == index[0]).all()
    return PlaneKey(tuple(index[0]), axes) if inside and same else None


def _touches(flat: np.ndarray, plane: PlaneKey, shape: tuple[int, ...]) -> bool:
    low, high = flat.min(axis=0), flat.max(axis=0)
    size = np.array([shape[axis] for axis in plane.displayed])
    return bool((high >= -0.5).all() and (low < size - 0.5).all())


def clicks_in(layer: Points, image: Image, axes: tuple[int, int]) -> Counter[Any]:
    """(plane, row, col, positive) of every point that makes sense."""
    found: Counter[Any] = Counter()
    shape = image.data.shape[: image.ndim]
    for position, polarity, text in zip(
        layer.data, layer.features["polarity"], layer.features["plane"], strict=True
    ):
        if not np.isfinite(position).all():
            continue
        point = in_image(layer, image, position)[None]
        plane = _plane_of(point, _plane_said(text, axes), shape)
        if plane is None:
            continue
        flat = np.array([[_rounded(value) for value in plane.drop(point)[0]]])
        if _touches(flat, plane, shape):
            found[plane, flat[0, 0], flat[0, 1], polarity != "negative"] += 1
    return found


def clicks_of(known: dict[PlaneKey, Prompts]) -> Counter[Any]:
    """The same, as the log says."""
    return Counter(
        (plane, click.row, click.col, click.positive)
        for plane, prompts in known.items()
        for click in prompts.clicks
    )


def outlines_in(layer: Shapes, image: Image, axes: tuple[int, int]) -> Counter[Any]:
    """(plane, kind, bounds, positive) of every shape that makes sense."""
    found: Counter[Any] = Counter()
    shape = image.data.shape[: image.ndim]
    for vertices, kind, polarity, text in zip(
        layer.data,
        layer.shape_type,
        layer.features["polarity"],
        layer.features["plane"],
        strict=True,
    ):
        points = np.array([in_image(layer, image, vertex) for vertex in vertices])
        extent = np.ptp(points, axis=0)
        varying = tuple(int(axis) for axis in np.flatnonzero(extent > 1 / 128))
        spanned = varying if len(varying) == 2 else axes
        plane = _plane_of(points, _plane_said(text, spanned), shape)
        if plane is None:
            continue
        flat = np.round(plane.drop(points) * STEPS_PER_PX) / STEPS_PER_PX
        is_flat = np.linalg.matrix_rank(flat - flat[0]) < 2
        is_line = kind in ("line", "path")
        if (is_flat and not is_line) or len(np.unique(flat, axis=0)) < 2:
            continue
        if not _touches(flat, plane, shape):
            continue
        sides = np.abs(np.diff(flat, axis=0, append=flat[:1]))
        is_upright = kind == "rectangle" and (sides.min(axis=1) < 1 / 128).all()
        name = "scribble" if is_line else "box" if is_upright else "polygon"
        bounds = (*flat.min(axis=0), *flat.max(axis=0))
        found[plane, name, bounds, polarity != "negative"] += 1
    return found


def outlines_of(known: dict[PlaneKey, Prompts]) -> Counter[Any]:
    """The same, as the log says."""
    names = {Box: "box", Polygon: "polygon", Scribble: "scribble"}
    return Counter(
        (plane, names[type(prompt)], prompt.bounds, prompt.positive)
        for plane, prompts in known.items()
        for prompt in prompts
        if type(prompt) in names
    )


def painted(known: dict[PlaneKey, Prompts], shape: tuple[int, ...]) -> np.ndarray:
    """What the scribble layer should hold, for planes of one orientation."""
    result = np.zeros(shape, np.uint8)
    for plane, prompts in known.items():
        here = result[plane.slices]
        if isinstance(prompts.mask, Mask):
            here[prompts.mask.array >= 0.5] = 3
        for stroke in prompts.strokes:
            row0, col0, row1, col1 = stroke.region
            here[row0:row1, col0:col1][stroke.crop] = 1 if stroke.positive else 2
    return result


def numbers_on(layer: Labels, plane: PlaneKey) -> np.ndarray:
    return np.asarray(layer.data[plane.slices]).astype(int)
