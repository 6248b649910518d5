"""The quality strip: all slices of an object side by side, to look at and to jump."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QRect, QSize, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QHelpEvent, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_segnext.widget import text
from napari_segnext.widget.strip_painting import (
    Lanes,
    cells_of,
    columns_of,
    paint_cells,
    paint_shown,
    part_to_show,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtGui import (
        QFocusEvent,
        QKeyEvent,
        QMouseEvent,
        QPaintEvent,
        QResizeEvent,
    )

    from napari_segnext.session.slices import SliceInfo

__all__ = ["QualityStrip", "describe_slice"]

_PAGE = 10
_KEYS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_PageDown: -_PAGE,
    Qt.Key.Key_PageUp: _PAGE,
}
_ROOM_PX = 2  # what the frame around the slice on display needs beside it


class QualityStrip(QWidget):
    """A bar for every slice, as high as its score; marks for what was done to it.

    Of a long stack the part around the object is shown.

    Attributes
    ----------
    chosen : Signal(int)
        The user wants to see this slice.
    paints : int
        How often it was drawn anew; what is on display has not to be for that.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.paints = 0
        self._count = 0
        self._slices: Mapping[int, SliceInfo] = {}
        self._notes: Mapping[int, str] = {}
        self._shown: int | None = None
        self._picture: QPixmap | None = None
        self.setAccessibleName(text.STRIP)
        self.setToolTip(text.STRIP_TIP)
        self.setMouseTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    # ---- what is shown

    def show_slices(
        self,
        count: int,
        slices: Mapping[int, SliceInfo],
        shown: int | None,
        notes: Mapping[int, str] | None = None,
    ) -> None:
        """Show an object; nothing is drawn where nothing changed.

        Parameters
        ----------
        count : int
            Slices of the stack; 0: there is no stack.
        slices : mapping of int to SliceInfo
            Those on which the object is.
        shown : int or None
            The slice on display.
        notes : mapping of int to str, optional
            What is to be said of single slices.
        """
        self._notes = notes or {}
        self.setEnabled(count > 0)
        if count != self._count or slices != self._slices:
            self._count, self._slices = count, dict(slices)
            self._shown = shown
            self._picture = None
            self.update()
        elif shown != self._shown:
            for index in (self._shown, shown):
                if index is not None:
                    self.update(self._room_of(index))
            self._shown = shown
        told = "" if shown is None else self.describe(shown)
        if told != self.accessibleDescription():
            self.setAccessibleDescription(told)

    def describe(self, index: int) -> str:
        """Say what is known of a slice."""
        note = self._notes.get(index)
        told = describe_slice(index, self._slices.get(index))
        return f"{told}\n{note}" if note else told

    def tip_at(self, index: int) -> str:
        """Say what is known of a slice, and what is to be said of any slice."""
        notes = [
            text.ENDED.format(index=place, reason=note)
            for place, note in sorted(self._notes.items())
        ]
        told = [describe_slice(index, self._slices.get(index)), *notes]
        part = self._part
        if len(part) < self._count:
            told.append(text.STRIP_PART.format(first=part[0], last=part[-1]))
        return "\n".join((*told, text.STRIP_TIP))

    def slice_at(self, x: float) -> int | None:
        """Return the slice that is drawn at a column of pixels."""
        if not self._count:
            return None
        part = self._part
        index = part.start + int(x * len(part) // max(1, self.width()))
        return min(max(index, part[0]), part[-1])

    def column_of(self, index: int) -> int:
        """Return the column of pixels in the middle of a slice."""
        return sum(self._columns_of(index)) // 2

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Give way in width; as high as the font asks for."""
        return QSize(200, self._lanes.height)

    def minimumSizeHint(self) -> QSize:
        """See `sizeHint`."""
        return QSize(40, self._lanes.height)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the slices once, and the frame around the one on display each time."""
        if self._picture is None:
            self._picture = self._drawn()
            self.paints += 1
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        if self._shown is not None and self._count:
            paint_shown(painter, self._columns_of(self._shown), self._lanes)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Draw anew."""
        self._picture = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the font."""
        super().changeEvent(event)
        if event is not None and event.type() in (
            QEvent.Type.FontChange,
            QEvent.Type.StyleChange,
        ):
            self._picture = None
            self.updateGeometry()
            self.update()

    def event(self, event: QEvent | None) -> bool:
        """Say in the tooltip what is known of the slice under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.slice_at(event.pos().x())
            if index is not None:
                QToolTip.showText(event.globalPos(), self.tip_at(index), self)
                return True
        return bool(super().event(event))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Jump."""
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Jump while the button is held."""
        self._follow(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Go to the slice beside it, ten further, the first or the last of them."""
        if event is None:
            return
        last = self._count - 1
        shown = self._shown or 0
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
        key = Qt.Key(event.key())
        if key in ends:
            index = ends[key]
        elif key in _KEYS:
            index = min(max(shown + _KEYS[key], 0), last)
        else:
            super().keyPressEvent(event)
            return
        self._choose(index)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show the frame of the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Hide the frame of the focus."""
        super().focusOutEvent(event)
        self.update()

    # ---- inside

    @property
    def _lanes(self) -> Lanes:
        return Lanes.for_font(self.fontMetrics().height())

    def _follow(self, event: QMouseEvent | None) -> None:
        if event is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        index = self.slice_at(event.position().x())
        if index is not None:
            self._choose(index)

    def _choose(self, index: int) -> None:
        if self._count and index != self._shown:
            self.chosen.emit(index)

    @property
    def _part(self) -> range:
        return part_to_show(self._slices, self._count, self.width())

    def _columns_of(self, index: int) -> tuple[int, int]:
        return columns_of(index, self._part, max(1, self.width()))

    def _room_of(self, index: int) -> QRect:
        left, right = self._columns_of(index)
        width = right - left + 2 * (_ROOM_PX + 1)
        return QRect(left - _ROOM_PX - 1, 0, width, self.height())

    def _drawn(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        lanes, width = self._lanes, max(1, self.width())
        picture = QPixmap(round(width * ratio), round(lanes.height * ratio))
        picture.setDevicePixelRatio(ratio)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        part = self._part
        cells = cells_of(self._slices, part, width) if part else []
        paint_cells(
            painter, cells, width, lanes, (part.start > 0, part.stop < self._count)
        )
        painter.end()
        return picture


def describe_slice(index: int, info: SliceInfo | None) -> str:
    """Say in one line what is known of a slice.

    Parameters
    ----------
    index : int
        Its place along the axis.
    info : SliceInfo or None
        None: the object is not there.
    """
    if info is None:
        return text.SLICE_EMPTY.format(index=index)
    parts = [text.SLICE_KINDS.get(info.kind, info.kind)]
    if info.score is not None:
        parts.append(text.SLICE_SCORE.format(score=info.score))
    if info.locked:
        parts.append(text.SLICE_LOCKED)
    if info.reviewed:
        parts.append(text.SLICE_REVIEWED)
    return text.SLICE_TOLD.format(index=index, told=", ".join(parts))
