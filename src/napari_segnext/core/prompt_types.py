"""Clicks, boxes, polygons and scribbles, each a frozen value.

Coordinates are (row, column) in pixels of one plane, pixel centres at integers.
Every coordinate is rounded to 1/64 px when a prompt is made, so that prompts read
back from a float32 Shapes layer equal the prompts that were put there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Vertices = Sequence[tuple[float, float]]

__all__ = ["Box", "Click", "Polygon", "Scribble"]

_STEPS_PER_PX = 64  # exact in float32 for coordinates up to 262,144 px
_MAX_COORDINATE_PX = 2**31


def _coordinate(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise PromptError(
            f"The {what} {value!r} is not a number; give pixels as numbers."
        ) from error
    if not math.isfinite(number) or abs(number) > _MAX_COORDINATE_PX:
        raise PromptError(
            f"The {what} {number} is not a finite pixel coordinate; "
            "place the prompt on the image."
        )
    # adding 0.0 turns -0.0 into 0.0, which would print and hash differently
    return round(number * _STEPS_PER_PX) / _STEPS_PER_PX + 0.0


def _vertices(values: Any, what: str, minimum: int) -> Vertices:
    rows = [tuple(value) for value in values]
    if any(len(row) != 2 for row in rows):
        raise PromptError(f"Each vertex of a {what} is a pair (row, column).")
    vertices = tuple(
        (_coordinate(row, f"{what} row"), _coordinate(col, f"{what} column"))
        for row, col in rows
    )
    if len(set(vertices)) < minimum:
        raise PromptError(
            f"A {what} needs at least {minimum} different vertices, "
            f"not {len(set(vertices))}; draw a larger one."
        )
    return vertices


def _set(instance: object, name: str, value: object) -> None:
    object.__setattr__(instance, name, value)


@dataclass(frozen=True, slots=True)
class Click:
    """A point on the object (positive) or off it (negative).

    Parameters
    ----------
    row, col : float
        Position in pixels.
    positive : bool
        True on the object, False on the background.

    Raises
    ------
    PromptError
        If a coordinate is not a finite number.
    """

    row: float
    col: float
    positive: bool = True

    def __post_init__(self) -> None:
        """Validate and round the coordinates."""
        _set(self, "row", _coordinate(self.row, "row"))
        _set(self, "col", _coordinate(self.col, "column"))
        _set(self, "positive", bool(self.positive))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(row0, col0, row1, col1) in pixels, both ends included."""
        return self.row, self.col, self.row, self.col


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle around the object (or around what it is not).

    Parameters
    ----------
    row0, col0, row1, col1 : float
        Two opposite corners in pixels; stored sorted.
    positive : bool
        False says "not here".

    Raises
    ------
    PromptError
        If the box has no area or a coordinate is not a finite number.
    """

    row0: float
    col0: float
    row1: float
    col1: float
    positive: bool = True

    def __post_init__(self) -> None:
        """Validate, round and sort the corners."""
        for axis, what in (("row", "box row"), ("col", "box column")):
            ends = [_coordinate(getattr(self, f"{axis}{end}"), what) for end in (0, 1)]
            if ends[0] == ends[1]:
                raise PromptError(
                    "A box needs a height and a width; drag from one corner "
                    "to the opposite one."
                )
            _set(self, f"{axis}0", min(ends))
            _set(self, f"{axis}1", max(ends))
        _set(self, "positive", bool(self.positive))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(row0, col0, row1, col1) in pixels, both ends included."""
        return self.row0, self.col0, self.row1, self.col1

    @property
    def vertices(self) -> Vertices:
        """The four corners in order."""
        return (
            (self.row0, self.col0),
            (self.row0, self.col1),
            (self.row1, self.col1),
            (self.row1, self.col0),
        )


class _Outlined:
    """What polygons and scribbles share."""

    __slots__ = ()

    vertices: Vertices

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(row0, col0, row1, col1) in pixels, both ends included."""
        rows, cols = zip(*self.vertices, strict=True)
        return min(rows), min(cols), max(rows), max(cols)


@dataclass(frozen=True, slots=True)
class Polygon(_Outlined):
    """A closed outline of the object (or of what it is not).

    Parameters
    ----------
    vertices : sequence of (row, col)
        At least three different points in pixels; closed implicitly.
    positive : bool
        False says "not here".

    Raises
    ------
    PromptError
        If the polygon has no area or a coordinate is not a finite number.
    """

    vertices: Vertices
    positive: bool = True

    def __post_init__(self) -> None:
        """Validate and round the vertices."""
        vertices = _vertices(self.vertices, "polygon", 3)
        points = np.asarray(vertices)
        offsets = points - points[0]
        if np.linalg.matrix_rank(offsets) < 2:
            raise PromptError(
                "The polygon has no area (its vertices lie on one line); "
                "draw around the object."
            )
        _set(self, "vertices", vertices)
        _set(self, "positive", bool(self.positive))


@dataclass(frozen=True, slots=True)
class Scribble(_Outlined):
    """A free line over the object (positive) or over the background (negative).

    Parameters
    ----------
    vertices : sequence of (row, col)
        At least two different points in pixels.
    positive : bool
        True on the object, False on the background.
    width : float
        Width of the line in pixels.

    Raises
    ------
    PromptError
        If the line has no length, the width is not positive, or a coordinate is not
        a finite number.
    """

    vertices: Vertices
    positive: bool = True
    width: float = 3

    def __post_init__(self) -> None:
        """Validate and round the vertices."""
        _set(self, "vertices", _vertices(self.vertices, "scribble", 2))
        _set(self, "positive", bool(self.positive))
        width = _coordinate(self.width, "scribble width")
        if width <= 0:
            raise PromptError(
                f"The scribble width {self.width} is not positive; use 1 px or more."
            )
        _set(self, "width", width)
