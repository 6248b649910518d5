"""The buttons of the widget. They say what was pressed and show what they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QAction  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_segnext.widget import text
from napari_segnext.widget.actions import TOOLS, tooltip, with_key
from napari_segnext.widget.parts import (
    MAX_SPIN,
    POLARITY_COLOURS,
    caption,
    follow_font,
    make_action_button,
    stretch,
)

if TYPE_CHECKING:
    from napari_segnext.session.session import Session

__all__ = ["Controls"]

_TOOLS_PER_ROW = 3
_POLARITY_STYLE = "QPushButton:checked {{ background-color: {}; color: white; }}"
# napari's themes give tool buttons neither a shape nor a checked state
_TOOL_STYLE = """
QToolButton { background-color: rgba(127, 127, 127, 70); border-radius: 2px;
    padding: 3px; }
QToolButton:hover { background-color: rgba(127, 127, 127, 120); }
QToolButton:checked { background-color: #0072B2; color: white; }
QToolButton::menu-button { border: none; width: 14px; }
"""


class Controls(QWidget):
    """Polarity, tools, label, accept, undo, redo, clear, run.

    Attributes
    ----------
    acted : Signal(str)
        Name of an action of `actions.ACTIONS`.
    tool_chosen : Signal(str, str)
        Name of a tool of `actions.TOOLS`, and how to draw it ("" = the usual way).
    polarity_chosen : Signal(str)
        "positive" or "negative".
    label_chosen : Signal(int)
        The label that accept is to write.
    auto_run_chosen : Signal(bool)
        Whether to predict after every prompt.
    """

    acted = Signal(str)
    tool_chosen = Signal(str, str)
    polarity_chosen = Signal(str)
    label_chosen = Signal(int)
    auto_run_chosen = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QPushButton] = {}
        self.tools: dict[str, QToolButton] = {}
        self._progress = (0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(self._make_polarity())
        layout.addLayout(self._make_tools())
        layout.addLayout(self._make_label())
        layout.addLayout(self._make_history())
        layout.addLayout(self._make_run())
        layout.addWidget(self._make_busy())
        follow_font(self.buttons["accept"], *self.tools.values(), self.keys)
        self.show_session(None)

    def show_session(
        self, session: Session | None, last_label: int | None = None
    ) -> None:
        """Show the state of `session`; without one, everything is disabled.

        Parameters
        ----------
        session : Session or None
            What the buttons are for.
        last_label : int, optional
            The label accepted last, which "same again" would go on with.
        """
        children: list[QWidget] = [*self.tools.values(), *self.buttons.values()]
        children += [self.positive, self.negative, self.label, self.auto_run]
        for child in children:
            child.setEnabled(session is not None)
        self._show_tips()
        self.show_busy(session is not None and session.is_busy)
        if session is None:
            self._check_tool(None)
            return
        for name in ("accept", "undo", "redo", "clear", "run"):
            self.buttons[name].setEnabled(getattr(session, f"can_{name}"))
        self.buttons["same_object"].setEnabled(last_label not in (None, session.label))
        for name, what in (("undo", session.undo_text), ("redo", session.redo_text)):
            tip = tooltip(name)
            self.buttons[name].setToolTip(f"{tip}: {what}" if what else tip)
        self.positive.setChecked(session.polarity == "positive")
        self.negative.setChecked(session.polarity == "negative")
        self._check_tool(session.tool_in_hand)
        with QSignalBlocker(self.label), QSignalBlocker(self.auto_run):
            self.label.setValue(min(session.label, MAX_SPIN))
            self.label.setEnabled(session.label <= MAX_SPIN)
            self.auto_run.setChecked(session.auto_run)

    def show_busy(self, busy: bool) -> None:
        """Run or stop the busy indicator; its room stays."""
        done, total = self._progress if busy else (0, 0)
        # an indeterminate bar repaints all the time: only while it is needed
        self.busy.setRange(0, total or int(not busy))
        self.busy.setValue(done)
        self.busy.setProperty("busy", busy)
        self.busy.setToolTip(text.WORKING if busy else "")

    def show_progress(self, done: int, total: int) -> None:
        """Say how far a long run is; 0 of 0: nobody knows, or there is none."""
        self._progress = done, total
        self.show_busy(bool(self.busy.property("busy")))

    def _show_tips(self) -> None:
        # each time: the user may have chosen another key
        for name, button in self.buttons.items():
            button.setToolTip(tooltip(name))
        for polarity in (self.positive, self.negative):
            polarity.setToolTip(tooltip("polarity"))
        for name, tool in self.tools.items():
            tool.setToolTip(with_key(TOOLS[name].tip, "next_tool"))
        self.keys.setToolTip(tooltip("keys"))

    def _check_tool(self, tool: str | None) -> None:
        for name, button in self.tools.items():
            button.setChecked(name == tool)

    def _make_polarity(self) -> QHBoxLayout:
        self.positive = QPushButton(text.OBJECT)
        self.negative = QPushButton(text.BACKGROUND)
        row = QHBoxLayout()
        for button, polarity in (
            (self.positive, "positive"),
            (self.negative, "negative"),
        ):
            button.setCheckable(True)
            button.setStyleSheet(_POLARITY_STYLE.format(POLARITY_COLOURS[polarity]))
            button.setAccessibleName(button.text())
            button.clicked.connect(
                lambda _checked, chosen=polarity: self.polarity_chosen.emit(chosen)
            )
            row.addWidget(stretch(button))
        self.positive.setChecked(True)
        return row

    def _make_tools(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(4)
        for index, (name, tool) in enumerate(TOOLS.items()):
            button = QToolButton()
            button.setStyleSheet(_TOOL_STYLE)
            button.setText(tool.text)
            button.setAccessibleName(tool.text)
            button.setCheckable(True)
            button.clicked.connect(
                lambda _checked, chosen=name: self.tool_chosen.emit(chosen, "")
            )
            if tool.shapes:
                button.setMenu(self._make_menu(name, tool.shapes))
                button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
            self.tools[name] = button
            grid.addWidget(stretch(button), *divmod(index, _TOOLS_PER_ROW))
        self.keys = QToolButton()
        self.keys.setStyleSheet(_TOOL_STYLE)
        self.keys.setText(text.KEYS)
        self.keys.setAccessibleName(text.KEYS)
        self.keys.clicked.connect(lambda: self.acted.emit("keys"))
        grid.addWidget(stretch(self.keys), *divmod(len(TOOLS), _TOOLS_PER_ROW))
        return grid

    def _make_menu(self, tool: str, shapes: dict[str, str]) -> QMenu:
        menu = QMenu(self)
        for shape, title in shapes.items():
            action = QAction(title, menu)
            action.triggered.connect(
                lambda _checked, chosen=shape: self.tool_chosen.emit(tool, chosen)
            )
            menu.addAction(action)
        return menu

    def _make_label(self) -> QHBoxLayout:
        self.label = QSpinBox()
        self.label.setRange(1, MAX_SPIN)
        self.label.setKeyboardTracking(False)
        self.label.setToolTip(text.LABEL_TIP)
        self.label.setMinimumWidth(10)
        self.label.valueChanged.connect(self.label_chosen)
        row = QHBoxLayout()
        row.addWidget(caption(text.LABEL, self.label))
        row.addWidget(stretch(self.label), 3)
        row.addWidget(self._make_button("same_object"), 2)
        return row

    def _make_history(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(self._make_button("accept"), 0, 0, 1, 3)
        for column, name in enumerate(("undo", "redo", "clear")):
            grid.addWidget(self._make_button(name), 1, column)
        return grid

    def _make_run(self) -> QHBoxLayout:
        self.auto_run = QCheckBox(text.AUTO_RUN)
        self.auto_run.setToolTip(text.AUTO_RUN_TIP)
        self.auto_run.setAccessibleName(text.AUTO_RUN)
        self.auto_run.toggled.connect(self.auto_run_chosen)
        row = QHBoxLayout()
        row.addWidget(self.auto_run)
        row.addWidget(self._make_button("run"))
        return row

    def _make_busy(self) -> QProgressBar:
        self.busy = QProgressBar()
        self.busy.setTextVisible(False)
        self.busy.setAccessibleName(text.WORKING)
        self.busy.setFixedHeight(5)
        return self.busy

    def _make_button(self, name: str) -> QPushButton:
        button = make_action_button(name)
        button.clicked.connect(lambda: self.acted.emit(name))
        self.buttons[name] = button
        return button
