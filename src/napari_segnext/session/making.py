"""Slices that are made: which ones, from which keys, and the job that makes them.

Nothing here touches a layer; the job runs on the worker's thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_segnext.errors import Cancelled
from napari_segnext.session.pixels import PlaneMask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.session.engine import Engine, Source
    from napari_segnext.session.planes import PlaneKey

    Keys = dict[int, dict[int, PlaneMask]]
    ShouldStop = Callable[[], bool]

__all__ = [
    "Made",
    "Row",
    "Span",
    "constrained",
    "cross",
    "making",
    "spans_between",
]


@dataclass(frozen=True, slots=True)
class Row:
    """Parallel planes, one behind the other along an axis.

    Parameters
    ----------
    first : PlaneKey
        The plane at index 0 of the axis.
    axis : int
        The data axis.
    size : int
        How many planes.
    """

    first: PlaneKey
    axis: int
    size: int

    @classmethod
    def through(cls, plane: PlaneKey, axis: int, size: int) -> Row:
        """Return the row that `plane` is in."""
        return cls(plane.at(axis, 0), axis, size)

    def at(self, index: int) -> PlaneKey:
        """Return the plane at an index."""
        return self.first.at(self.axis, index)

    @property
    def place(self) -> str:
        """Where it lies along the other axes that are not displayed, in words."""
        return " and ".join(
            f"{position} along axis {axis}"
            for axis, position in zip(self.first.fixed, self.first.index, strict=True)
            if axis != self.axis
        )

    def index(self, plane: PlaneKey) -> int | None:
        """Return where a plane is in the row; None if it is not."""
        if plane.displayed != self.first.displayed:
            return None
        index = plane.index[plane.fixed.index(self.axis)]
        return index if self.at(index) == plane else None


@dataclass(frozen=True, slots=True)
class Span:
    """Slices between two keys that are next to each other, or beyond the last one.

    Parameters
    ----------
    kind : {"propagation", "interpolation", "snap"}
        How they are made.
    row : Row
        The row that they are in.
    indices : range
        The slices on the way.
    written : range
        Those among them that may change.
    keys : dict of int to dict of int to PlaneMask
        Masks by hand by number of the object and index; an empty one says "not here".
    largest : dict of int to dict of int to PlaneMask
        The largest mask by hand of each object, wherever it is: what propagation
        judges by where an object ends.
    """

    kind: str
    row: Row
    indices: range
    written: range
    keys: Keys = field(default_factory=dict)
    largest: Keys = field(default_factory=dict)

    @property
    def planes(self) -> Iterator[PlaneKey]:
        """The planes that may change."""
        return map(self.row.at, self.written)

    @property
    def can_be_made(self) -> bool:
        """Whether there are keys enough: one with a mask, two for interpolation."""
        least = 1 if self.kind == "propagation" else 2
        return all(
            sum(map(bool, masks.values())) >= least for masks in self.keys.values()
        )


def spans_between(
    row: Row, keys: Mapping[int, PlaneMask], limits: range, kind: str, name: int
) -> list[Span]:
    """Return the spans between the keys of one object, and beyond its outermost ones.

    Parameters
    ----------
    row : Row
        The slices.
    keys : dict of int to PlaneMask
        Masks by hand, by index; at least one.
    limits : range
        Which slices may change.
    kind : str
        How they are to be made.
    name : int
        Of the object.
    """
    result = []
    largest = max(keys, key=lambda index: int(keys[index].crop.sum()))
    for low, high in pairwise([None, *sorted(keys), None]):
        start = 0 if low is None else low + 1
        stop = row.size if high is None else high
        written = range(max(start, limits.start), min(stop, limits.stop))
        if not written:
            continue
        if low is None:
            start = written.start
        if high is None:
            stop = written.stop
        ends = {index: keys[index] for index in (low, high) if index is not None}
        known = {name: {largest: keys[largest]}}
        indices = range(start, stop)
        result.append(Span(kind, row, indices, written, {name: ends}, known))
    return result


@dataclass(frozen=True, slots=True)
class Made:
    """What the job tells: one slice, or that a span is done.

    Parameters
    ----------
    span : int
        Number of the span.
    plane : PlaneKey or None
        The slice; None: the span is done.
    masks : dict of int to (PlaneMask, float or None)
        Masks on it, with their scores.
    endings : dict of int to str
        Why objects are not on it.
    done, total : int
        Visits of slices of this span.
    """

    span: int
    plane: PlaneKey | None = None
    masks: dict[int, tuple[PlaneMask, float | None]] = field(default_factory=dict)
    endings: dict[int, str] = field(default_factory=dict)
    done: int = 0
    total: int = 0


def making(
    engine: Engine,
    source: Source,
    spans: tuple[Span, ...],
    shape: tuple[int, ...],
    spacings: Mapping[Row, float],
) -> Callable[[ShouldStop, Callable[[Made], None]], None]:
    """Return the job that makes spans one after the other; it holds no session.

    Parameters
    ----------
    engine, source : Engine, Source
        The model, and where the slices are read.
    spans : tuple of Span
        What to make, in this order.
    shape : tuple of int
        Of the image.
    spacings : dict of Row to float
        How far apart the slices of a row are, in pixels of the plane.
    """

    def make(should_stop: ShouldStop, tell: Callable[[Made], None]) -> None:
        for number, span in enumerate(spans):
            spacing = spacings[span.row]
            for made in _made(engine, source, span, shape, spacing, should_stop):
                if should_stop():
                    raise Cancelled
                if made.plane is None or span.row.index(made.plane) in span.written:
                    tell(replace(made, span=number))
                else:  # on the way to those that may change
                    tell(replace(made, span=number, masks={}))
            tell(Made(number))

    return make


def _made(
    engine: Engine,
    source: Source,
    span: Span,
    shape: tuple[int, ...],
    spacing: float,
    should_stop: ShouldStop,
) -> Iterator[Made]:
    if not span.can_be_made:
        return
    keys = _arrays(span.keys, span.row, shape)
    if span.kind == "interpolation":
        yield from _interpolated(span, keys)
        return
    if span.kind == "propagation":
        for name, known in _arrays(span.largest, span.row, shape).items():
            keys[name] |= known
    from napari_segnext.core.propagation import propagate, snap

    def features(index: int, near: tuple[float, float] | None) -> Features:
        return engine.features(source, span.row.at(index), near, should_stop)

    make = propagate if span.kind == "propagation" else snap
    steps = make(
        cast("Any", engine.predictor),
        features,
        cast("Any", keys),
        span.indices,
        spacing=spacing,
        should_stop=should_stop,
    )
    for step in steps:
        masks: dict[int, tuple[PlaneMask, float | None]] = {
            cast("int", name): (
                PlaneMask.from_crop(found.region, found.crop),
                float(found.score),
            )
            for name, found in step.answers.items()
        }
        endings = {
            cast("int", name): ending.reason for name, ending in step.endings.items()
        }
        plane = span.row.at(step.index)
        yield Made(0, plane, masks, endings, step.done, step.total)


def _interpolated(
    span: Span, keys: dict[int, dict[int, npt.NDArray[Any]]]
) -> Iterator[Made]:
    from napari_segnext.core.interpolation import interpolate

    for done, index in enumerate(span.written, 1):
        masks: dict[int, tuple[PlaneMask, float | None]] = {
            name: (PlaneMask.from_plane(mask), None)
            for name, ends in keys.items()
            for mask in interpolate(ends, [index]).values()
        }
        yield Made(0, span.row.at(index), masks, {}, done, len(span.written))


def _arrays(
    keys: Keys, row: Row, shape: tuple[int, ...]
) -> dict[int, dict[int, npt.NDArray[Any]]]:
    size = row.first.shape_in(shape)
    return {
        name: {index: mask.plane(size) for index, mask in masks.items()}
        for name, masks in keys.items()
    }


def constrained(
    mask: PlaneMask,
    plane: PlaneKey,
    crossing: Mapping[PlaneKey, PlaneMask],
    shape: tuple[int, ...],
) -> PlaneMask:
    """Let planes by hand that cross a made one have their way where they cross it.

    Parameters
    ----------
    mask : PlaneMask
        What was made on `plane`.
    plane : PlaneKey
        Where.
    crossing : dict of PlaneKey to PlaneMask
        Masks by hand on planes of other orientations: on the line that a plane shares
        with this one its mask counts, object and background. Where two of them cross
        each other, a pixel that one of them has is the object's.
    shape : tuple of int
        Of the image.
    """
    result: npt.NDArray[Any] | None = None
    hits: npt.NDArray[Any] | None = None
    for other, own in crossing.items():
        line = _crossing(plane, other)
        if line is None:
            continue
        if result is None or hits is None:
            result = mask.plane(plane.shape_in(shape))
            hits = np.zeros_like(result)
        here, there = line
        result[here] = False
        hits[here] |= own.plane(other.shape_in(shape))[there]
    if result is None or hits is None:
        return mask
    return PlaneMask.from_plane(result | hits)


def cross(plane: PlaneKey, other: PlaneKey) -> bool:
    """Whether two planes of different orientations share pixels."""
    return _crossing(plane, other) is not None


def _crossing(
    plane: PlaneKey, other: PlaneKey
) -> tuple[tuple[int | slice, ...], tuple[int | slice, ...]] | None:
    """Return where two planes share pixels, as indices into each; None if nowhere."""
    if plane.displayed == other.displayed:
        return None
    fixed = dict(zip(plane.fixed, plane.index, strict=True))
    others = dict(zip(other.fixed, other.index, strict=True))
    if any(fixed[axis] != others[axis] for axis in fixed.keys() & others.keys()):
        return None
    return (
        tuple(others.get(axis, slice(None)) for axis in plane.displayed),
        tuple(fixed.get(axis, slice(None)) for axis in other.displayed),
    )
