"""Which part of a plane the network looks at, and at which scale.

Squashing a whole camera frame to the network's input makes a 20-pixel cell vanish, so
by default the network looks through a window: a tile of a half-overlapping grid on a
pyramid whose levels are powers of two, where negative levels magnify. Level and place
follow from the prompts, the previous mask and the answer alone, never from what was
asked before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

from napari_segnext.core.prompt_map import Grid

__all__ = ["Bounds", "Window", "first_look", "fit", "next_look", "union", "whole"]

Bounds = tuple[
    float, float, float, float
]  # row0, col0, row1, col1 in pixels, inclusive

_Number = TypeVar("_Number", int, float)
_MIN_LEVEL = -2  # magnifies 4 times
_FILL = 0.5  # at most this share of the window's side is taken by the object


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the plane, seen on a square of `size` network pixels.

    Parameters
    ----------
    row, col : int
        Plane pixel of the upper left corner.
    height, width : int
        In plane pixels; may reach beyond the plane, whose outside is filled.
    size : int
        Side of the network's input in pixels.
    is_whole : bool
        Whether this is the paper's squash of the whole plane, with its quirks.
    """

    row: int
    col: int
    height: int
    width: int
    size: int
    is_whole: bool = False

    @property
    def grid(self) -> Grid:
        """Where the network's pixels lie on the plane."""
        return Grid(
            (self.row, self.col),
            (self.size / self.height, self.size / self.width),
            (self.size, self.size),
            corner_aligned=self.is_whole,
        )

    @property
    def level(self) -> int:
        """Power of two by which the plane is reduced (not of the whole squash)."""
        return round(math.log2(self.height / self.size))

    def region(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the part (row0, col0, row1, col1) that lies on a plane of `shape`."""
        row1, col1 = self.row + self.height, self.col + self.width
        return self.row, self.col, min(row1, shape[0]), min(col1, shape[1])


def whole(shape: tuple[int, int], size: int) -> Window:
    """Return the paper's window: the whole plane, squashed without its aspect."""
    return Window(0, 0, shape[0], shape[1], size, is_whole=True)


def _top_level(shape: tuple[int, int], size: int) -> int:
    """Return the lowest level at which one window holds the whole plane."""
    return max(_MIN_LEVEL, math.ceil(math.log2(max(shape) / size)))


def _place(level: int, bounds: Bounds, shape: tuple[int, int], size: int) -> Window:
    """Return the tile of `level` whose middle is nearest to the middle of `bounds`."""
    side = round(size * 2.0**level)
    step = side // 2
    corner = []
    for axis in (0, 1):
        middle = (bounds[axis] + bounds[axis + 2] + 1) / 2
        start = math.floor((middle - side / 2) / step + 0.5) * step
        corner.append(min(max(start, 0), max(shape[axis] - side, 0)))
    return Window(corner[0], corner[1], side, side, size)


def fit(
    bounds: Bounds, shape: tuple[int, int], size: int, least: int = _MIN_LEVEL
) -> Window:
    """Return the window in which `bounds` takes at most half of the side.

    Parameters
    ----------
    bounds : (row0, col0, row1, col1)
        Of the prompts and masks, in plane pixels, both ends included.
    shape : (int, int)
        Of the plane.
    size : int
        Side of the network's input.
    least : int
        Do not magnify beyond this level.
    """
    extent = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) + 1
    level = math.ceil(math.log2(extent / (_FILL * size)))
    top = _top_level(shape, size)
    return _place(max(min(level, top), min(least, top)), bounds, shape, size)


def first_look(bounds: Bounds, shape: tuple[int, int], size: int) -> Window:
    """Return the window for clicks alone, which do not tell how large the object is.

    Natural scale: what the answer covers then decides (:func:`fit`).
    """
    return fit(bounds, shape, size, least=0)


def next_look(
    window: Window,
    seen: Bounds,
    known: Bounds,
    shape: tuple[int, int],
    may_shrink: bool,
) -> Window | None:
    """Return the window to look through after an answer, or None if it was good.

    Parameters
    ----------
    window : Window
        Where the answer was found.
    seen, known : (row0, col0, row1, col1)
        Bounds of the answer's mask alone, and together with prompts and previous mask.
    shape : (int, int)
        Of the plane.
    may_shrink : bool
        Whether to go closer to an object that turned out small.
    """
    if _is_cut(window, seen, shape):
        if window.level >= _top_level(shape, window.size):
            return None
        return _place(window.level + 1, known, shape, window.size)
    closer = fit(known, shape, window.size)
    return closer if may_shrink and closer.level < window.level else None


def _is_cut(window: Window, seen: Bounds, shape: tuple[int, int]) -> bool:
    """Whether a mask touches a border of the window that is not one of the plane."""
    row0, col0, row1, col1 = window.region(shape)
    return (
        (row0 > 0 and seen[0] <= row0)
        or (col0 > 0 and seen[1] <= col0)
        or (row1 < shape[0] and seen[2] >= row1 - 1)
        or (col1 < shape[1] and seen[3] >= col1 - 1)
    )


def union(
    one: tuple[_Number, _Number, _Number, _Number],
    other: tuple[_Number, _Number, _Number, _Number],
) -> tuple[_Number, _Number, _Number, _Number]:
    """Return the smallest bounds, or region, that holds both."""
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )
