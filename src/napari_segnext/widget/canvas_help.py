"""What a prompt would mean now, in a corner of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from napari_segnext.widget import text
from napari_segnext.widget.actions import TOOLS
from napari_segnext.widget.overlay import Overlay
from napari_segnext.widget.parts import POLARITY_COLOURS

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_segnext.session.session import Session

__all__ = ["CanvasHelp"]

_MARGIN_PX = 10
_STYLE = """
#help { background-color: rgba(22, 24, 28, 190); border-radius: 6px; }
QLabel { background: transparent; color: #f2f2f2; }
"""
_POLARITY = """
QLabel {{ background-color: {colour}; color: white; border-radius: 3px;
    padding: 1px 6px; font-weight: bold; }}
"""
_LETTERS = 44


class CanvasHelp(Overlay):
    """Polarity, tool, label and hint; takes no mouse.

    It lies in the top right corner, which napari's own overlays leave free unless the
    user moves one there.

    Parameters
    ----------
    canvas : QWidget
        What it lies over.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.setObjectName("help")
        self.setStyleSheet(_STYLE)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.polarity = QLabel()
        self.polarity.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.what = QLabel()
        self.what.setWordWrap(True)
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self.polarity)
        row.addWidget(self.what, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.addLayout(row)
        column.addWidget(self.hint)
        self._shown: tuple[str, ...] | None = None

    def show_session(self, session: Session | None, hint: str | None = None) -> None:
        """Show the state of `session`; without one, nothing is shown.

        Parameters
        ----------
        session : Session or None
            The one that prompts go to.
        hint : str, optional
            What is to be said instead of the session's hint.
        """
        canvas = self.parentWidget()
        if session is None or session.is_closed or canvas is None:
            self.hide()
            return
        state = _state_of(session, session.hint if hint is None else hint)
        if state != self._shown:  # the canvas is painted again when a label changes
            self._shown = state
            polarity, what, hint = state
            style = _POLARITY.format(colour=POLARITY_COLOURS[polarity])
            self.polarity.setText(text.POLARITIES[polarity])
            self.polarity.setStyleSheet(style)
            self.what.setText(what)
            self.hint.setText(hint)
            self.hint.setVisible(bool(hint))
            self.place(canvas)
        self.show()

    def place(self, canvas: QWidget) -> None:
        """Lie in the top right corner, as wide as there is room and need for."""
        letters_px = _LETTERS * self.fontMetrics().horizontalAdvance("n")
        width = min(letters_px, canvas.width() - 2 * _MARGIN_PX)
        self.setFixedWidth(max(1, width))
        column = self.layout()
        if column is not None:
            column.activate()
            self.setFixedHeight(column.heightForWidth(self.width()))
        self.move(canvas.width() - self.width() - _MARGIN_PX, _MARGIN_PX)


def _state_of(session: Session, hint: str) -> tuple[str, str, str]:
    tool = TOOLS.get(session.tool_in_hand or "")
    words = [] if tool is None else [tool.text]
    if session.each:
        words.append(text.SEVERAL_OBJECTS)
    else:
        words.append(text.LABEL_IN_USE.format(label=session.label))
    return session.polarity, " · ".join(words), hint
