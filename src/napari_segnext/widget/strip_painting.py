"""How the slices of an object are drawn as a strip: places, colours, marks.

Colour never stands alone: a score is the height of a bar too, and every mark has a
shape and a height of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from napari_segnext.session.slices import SliceInfo

__all__ = [
    "Cell",
    "Lanes",
    "cells_of",
    "columns_of",
    "paint_cells",
    "paint_shown",
    "part_to_show",
    "score_colour",
]

BACKGROUND = QColor("#1E2227")
_FRAME = QColor("#5A626C")
_KEYED = QColor("#F5F5F5")
_UNKNOWN = QColor("#8C939C")
_LOCKED = QColor("#F0E442")
_REVIEWED = QColor("#56B4E9")
_SHOWN = QColor("#F0E442")
_DARK = QColor("#101214")
# scores are rarely above 0.8; from Okabe and Ito's vermilion over a pale yellow to
# their sky blue
_RAMP = ((0.2, (213, 94, 0)), (0.5, (240, 220, 150)), (0.8, (86, 180, 233)))
_LOWEST_BAR = 0.12
_UNKNOWN_BAR = 0.5
_GAP_FROM_PX = 4  # narrower cells touch
_LEAST_PX = 2  # of a slice; a stack that leaves it less is shown in part ...
_SLICE_PX = 4  # ... with that much for a slice, unless the object is long
_AROUND = 1.5  # times the slices that an object is on are shown at least


@dataclass(frozen=True, slots=True)
class Lanes:
    """Heights of the strip's parts in pixels, from top to bottom.

    Parameters
    ----------
    keys, bars, reviewed, locked : int
        Marks of keyed slices; the scores; the lines of reviewed and locked slices.
    """

    keys: int
    bars: int
    reviewed: int
    locked: int

    @classmethod
    def for_font(cls, height_px: int) -> Lanes:
        """Return lanes that go with text of that height."""
        return cls(
            max(5, round(0.45 * height_px)),
            max(12, round(1.4 * height_px)),
            max(4, round(0.3 * height_px)),
            max(4, round(0.3 * height_px)),
        )

    @property
    def height(self) -> int:
        """Height of all, in pixels."""
        return self.keys + self.bars + self.reviewed + self.locked


@dataclass(slots=True)
class Cell:
    """What one place of the strip shows: a slice, or several where room is scarce.

    Parameters
    ----------
    left, right : int
        Its columns of pixels, the last one excluded.
    score : float or None
        The lowest score of what is not keyed.
    keyed, found, interpolated, locked, reviewed : bool
        Whether one of the slices is; `found`: one that is not keyed. `reviewed`:
        whether all are.
    """

    left: int
    right: int
    score: float | None = None
    keyed: bool = False
    found: bool = False
    interpolated: bool = False
    locked: bool = False
    reviewed: bool = True

    def add(self, info: SliceInfo) -> None:
        """Show a further slice here."""
        if info.kind == "keyed":
            self.keyed = True
        else:
            self.found = True
            self.interpolated |= info.kind == "interpolated"
            if info.score is not None:
                low = info.score if self.score is None else self.score
                self.score = min(low, info.score)
        self.locked |= info.locked
        self.reviewed &= info.reviewed


def part_to_show(found: Collection[int], count: int, width: int) -> range:
    """Return the slices that the strip shows: all, or those around a short object.

    A part of a long stack has a length and a beginning that seldom change while an
    object grows: the strip keeps still.

    Parameters
    ----------
    found : collection of int
        The slices that have something to show.
    count, width : int
        All slices, and the pixels for them.
    """
    if not found or count * _LEAST_PX <= width:
        return range(count)
    first, last = min(found), max(found)
    length = max(8, width // _SLICE_PX)
    while length < _AROUND * (last - first + 1):
        length *= 2
    if length >= count:
        return range(count)
    step = length // 4
    start = round(((first + last + 1) / 2 - length / 2) / step) * step
    start = min(max(start, 0), count - length)
    return range(start, start + length)


def columns_of(index: int, part: range, width: int) -> tuple[int, int]:
    """Return the columns of pixels of a slice, the last one excluded; at least one.

    Parameters
    ----------
    index : int
        The slice.
    part, width
        The slices that are shown, and the pixels for them.
    """
    place = index - part.start
    left = place * width // len(part)
    return left, max(left + 1, (place + 1) * width // len(part))


def cells_of(slices: Mapping[int, SliceInfo], part: range, width: int) -> list[Cell]:
    """Share out `width` columns of pixels among slices.

    Parameters
    ----------
    slices : mapping of int to SliceInfo
        The slices that have something to show.
    part, width
        As for :func:`columns_of`.
    """
    cells: dict[int, Cell] = {}
    for index, info in slices.items():
        left, right = columns_of(index, part, width)
        cells.setdefault(left, Cell(left, right)).add(info)
    return list(cells.values())


def score_colour(score: float) -> QColor:
    """Return the colour of a score from 0 to 1."""
    low, middle, high = _RAMP
    start, end = (low, middle) if score < middle[0] else (middle, high)
    part = min(max((score - start[0]) / (end[0] - start[0]), 0.0), 1.0)
    red, green, blue = (
        round(a + part * (b - a)) for a, b in zip(start[1], end[1], strict=True)
    )
    return QColor(red, green, blue)


def paint_cells(
    painter: QPainter,
    cells: list[Cell],
    width: int,
    lanes: Lanes,
    goes_on: tuple[bool, bool],
) -> None:
    """Draw everything but the slice on display.

    Parameters
    ----------
    painter : QPainter
        Of a picture.
    cells : list of Cell
        What is to be seen.
    width, lanes
        Of the picture.
    goes_on : (bool, bool)
        Whether the stack goes on at the left and at the right: the frame is open there.
    """
    top = lanes.keys + lanes.bars
    painter.fillRect(0, 0, width, lanes.height, BACKGROUND)
    painter.setPen(Qt.PenStyle.NoPen)
    for cell in cells:
        gap = 1 if cell.right - cell.left >= _GAP_FROM_PX else 0
        size = cell.right - cell.left - gap
        _paint_bar(painter, cell, size, lanes)
        if cell.reviewed:
            # a thin line: told from the thick one of locked slices without colour
            thin = max(1, lanes.reviewed // 3)
            line = top + (lanes.reviewed - thin) // 2
            painter.fillRect(cell.left, line, size + gap, thin, _REVIEWED)
        if cell.locked:
            line = top + lanes.reviewed
            painter.fillRect(cell.left, line, size + gap, lanes.locked - 1, _LOCKED)
    for cell in cells:  # above all bars: they are wider than a narrow cell
        if cell.keyed:
            _paint_key(painter, (cell.left + cell.right) / 2, lanes)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(_FRAME)
    left, right = (lanes.height * is_open for is_open in goes_on)
    painter.drawRect(
        QRectF(0.5 - left, 0.5, width - 1 + left + right, lanes.height - 1)
    )


def paint_shown(painter: QPainter, columns: tuple[int, int], lanes: Lanes) -> None:
    """Draw the frame around the slice on display."""
    right = columns[1]
    left = min(columns[0], right - 3)
    inner = QRectF(left + 0.5, 0.5, max(2, right - left - 1), lanes.height - 1)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_DARK, 3))
    painter.drawRect(inner)
    painter.setPen(QPen(_SHOWN, 1))
    painter.drawRect(inner)


def _paint_bar(painter: QPainter, cell: Cell, size: int, lanes: Lanes) -> None:
    if cell.found:
        part = _UNKNOWN_BAR if cell.score is None else max(_LOWEST_BAR, cell.score)
        colour = _UNKNOWN if cell.score is None else score_colour(cell.score)
    elif cell.keyed:
        part, colour = 1.0, _KEYED
    else:
        return
    height = round(min(part, 1.0) * lanes.bars)
    bar = (cell.left, lanes.keys + lanes.bars - height, size, height)
    painter.fillRect(*bar, colour)
    if cell.interpolated:
        painter.fillRect(*bar, QBrush(_DARK, Qt.BrushStyle.BDiagPattern))


def _paint_key(painter: QPainter, middle: float, lanes: Lanes) -> None:
    half = lanes.keys * 0.55
    corners = [
        QPointF(middle - half, 1),
        QPointF(middle + half, 1),
        QPointF(middle, lanes.keys),
    ]
    painter.setPen(QPen(_DARK, 1))
    painter.setBrush(_KEYED)
    painter.drawPolygon(QPolygonF(corners))
    painter.setPen(Qt.PenStyle.NoPen)
