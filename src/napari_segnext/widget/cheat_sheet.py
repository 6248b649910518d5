"""All keys and what the mouse does, over the canvas, until a key or a click."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout

from napari_segnext.widget import text
from napari_segnext.widget.actions import ACTIONS, GROUPS, TOOLS, read_keys
from napari_segnext.widget.overlay import Overlay

if TYPE_CHECKING:
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QWidget

__all__ = ["CheatSheet"]

_MARGIN_PX = 16
_NARROW_LETTERS, _WIDE_LETTERS = 46, 62
_MOUSE = "mouse"
_HALVES = (("prompt", "object", "volume"), ("accepted", "look", _MOUSE))
# dark with light letters, whatever napari's theme: a picture lies below
_STYLE = """
#sheet { background-color: rgba(0, 0, 0, 90); }
#card { background-color: rgba(22, 24, 28, 248); border-radius: 8px; }
QLabel { background: transparent; color: #f2f2f2; }
QScrollArea, #body { background: transparent; border: none; }
"""
_HEADING = '<p style="color: #56B4E9;"><b>{title}</b></p>'
_ROW = (
    '<tr><td style="padding: 2px 14px 2px 0px; white-space: pre;"><b>{key}</b></td>'
    '<td style="padding: 2px 0px;">{tip}</td></tr>'
)


class CheatSheet(Overlay):
    """Keys by group, then the mouse.

    It covers the whole canvas, so that the click that closes it is not a prompt.

    Parameters
    ----------
    canvas : QWidget
        What it lies over.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.setObjectName("sheet")
        self.setAccessibleName(text.CHEAT_SHEET)
        self.setStyleSheet(_STYLE)
        self._card = QFrame(self)
        self._card.setObjectName("card")
        self._sections = [QLabel(), QLabel()]
        self._body = QFrame()
        self._body.setObjectName("body")
        self._grid = QGridLayout(self._body)
        self._grid.setHorizontalSpacing(2 * _MARGIN_PX)
        # added later, to what is shown already, they would count in the next turn only
        for column, section in enumerate(self._sections):
            section.setWordWrap(True)
            section.setAlignment(Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(section, 0, column)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidget(self._body)
        self._foot = QLabel(text.CHEAT_SHEET_FOOT)
        self._foot.setWordWrap(True)
        self._column = QVBoxLayout(self._card)
        self._column.addWidget(self._area)
        self._column.addWidget(self._foot)

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return not self.isHidden()

    def toggle(self) -> None:
        """Open it, or close it again."""
        canvas = self.parentWidget()
        if self.is_open or canvas is None:
            self.hide()
            return
        self.refresh()
        self.show()  # before it is placed: only then its fonts are known
        self.place(canvas)
        self.raise_()
        canvas.setFocus()  # there its key and Esc are heard

    def refresh(self) -> None:
        """Show the keys as they are now."""
        for section, groups in zip(self._sections, _HALVES, strict=True):
            section.setText(_table_of(groups))

    def place(self, canvas: QWidget) -> None:
        """Cover the canvas; one column where two would be narrow."""
        self.setGeometry(canvas.rect())
        letter_px = self.fontMetrics().horizontalAdvance("n")
        columns = 2 if canvas.width() > 2 * _NARROW_LETTERS * letter_px else 1
        for index, section in enumerate(self._sections):
            self._grid.removeWidget(section)
            self._grid.addWidget(section, *divmod(index, columns))
            self._grid.setColumnStretch(index, int(index < columns))
        room = canvas.rect().adjusted(_MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX)
        width = min(room.width(), columns * _WIDE_LETTERS * letter_px)
        margins = self._column.contentsMargins()
        bar = self._area.verticalScrollBar()
        inner = width - margins.left() - margins.right()
        body = self._grid.totalHeightForWidth(
            inner - (bar.sizeHint().width() if bar else 0)
        )
        foot = self._foot.heightForWidth(inner) + self._column.spacing()
        rest = foot + margins.top() + margins.bottom()
        body += 2 * self._area.frameWidth()
        self._area.setFixedHeight(max(1, min(body, room.height() - rest)))
        self._card.setFixedSize(width, self._area.height() + rest)
        self._card.move(
            (canvas.width() - width) // 2,
            max(_MARGIN_PX, (canvas.height() - self._card.height()) // 2),
        )

    def on_canvas_event(self, event: QEvent) -> bool:
        """Close at Esc; the layer below does not hear it."""
        is_escape = (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        )
        if not (is_escape and self.is_open):
            return False
        self.hide()
        return True

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Keep the press from the canvas."""
        if event is not None:
            event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Close."""
        if event is not None:
            event.accept()
        self.hide()


def _table_of(groups: tuple[str, ...]) -> str:
    return "".join(
        _section(text.MOUSE, _mouse_rows())
        if group == _MOUSE
        else _section(GROUPS[group], _key_rows(group))
        for group in groups
    )


def _mouse_rows() -> list[tuple[str, str]]:
    return [*((tool.text, tool.tip) for tool in TOOLS.values()), *text.MOUSE_ROWS]


def _key_rows(group: str) -> list[tuple[str, str]]:
    keys = read_keys().keys
    return [
        (keys[name], action.tip)
        for name, action in ACTIONS.items()
        if action.group == group and keys[name]
    ]


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    table = "".join(_ROW.format(key=escape(key), tip=escape(tip)) for key, tip in rows)
    return f"{_HEADING.format(title=escape(title))}<table>{table}</table>"
