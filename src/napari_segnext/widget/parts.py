"""What the parts of the panel are made of: buttons, spin boxes, sections that fold."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from qtpy.QtCore import (  # type: ignore[attr-defined]
    QEvent,
    QObject,
    QSignalBlocker,
    Qt,
    Signal,
)
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_segnext.widget.actions import ACTIONS, tooltip

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAX_SPIN",
    "POLARITY_COLOURS",
    "Section",
    "Spin",
    "caption",
    "follow_font",
    "make_action_button",
    "quietly",
    "stretch",
]

Control = TypeVar("Control", bound=QWidget)

# Okabe and Ito's blue, and their vermilion dark enough for white letters: told apart by
# colour-blind people too
POLARITY_COLOURS = {"positive": "#0072B2", "negative": "#B34700"}

MAX_SPIN = 2**31 - 1  # of what Qt's spin boxes can show
_NO_LIMIT_PX = 16_777_215  # Qt's own QWIDGETSIZE_MAX, which qtpy does not name
_FOLDED, _UNFOLDED = "▸", "▾"
# napari underlines nothing by itself; without, the keyboard's place is not to be seen
_TITLE_STYLE = """
QPushButton { text-align: left; border: none; background: transparent;
    font-weight: bold; padding: 4px 0px; }
QPushButton:focus { text-decoration: underline; }
"""


def stretch(control: Control) -> Control:
    """Let a control grow and shrink: a narrow dock with a large font stays usable."""
    control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    control.setMinimumWidth(10)
    return control


@contextmanager
def quietly(*controls: QObject) -> Iterator[None]:
    """Let controls tell nobody that they change meanwhile."""
    blockers = [QSignalBlocker(control) for control in controls]
    try:
        yield
    finally:
        for blocker in blockers:
            blocker.unblock()


def caption(title: str, buddy: QWidget) -> QLabel:
    """Make the label of a control, which names it to a screen reader too."""
    label = QLabel(title)
    label.setBuddy(buddy)
    buddy.setAccessibleName(title)
    return label


def make_action_button(name: str) -> QPushButton:
    """Make the button of the action `name`; its tooltip names the key."""
    button = QPushButton(ACTIONS[name].text)
    button.setAccessibleName(ACTIONS[name].text)
    button.setAccessibleDescription(ACTIONS[name].tip)
    return stretch(button)


_FONT_EVENTS = (QEvent.Type.FontChange, QEvent.Type.StyleChange)


class _FontFollower(QObject):
    def __init__(self, leader: QWidget, followers: tuple[QWidget, ...]) -> None:
        super().__init__(leader)
        self._followers = followers
        leader.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in _FONT_EVENTS:
            if isinstance(watched, QWidget):
                for follower in self._followers:
                    follower.setFont(watched.font())
        return False


def follow_font(leader: QWidget, *followers: QWidget) -> None:
    """Give controls the font of another one, now and later.

    napari's themes and its font size are for some kinds of widgets only.
    """
    _FontFollower(leader, followers)


class Spin(QSpinBox):
    """A spin box that gives way in a narrow dock and tells a number when it is whole.

    Parameters
    ----------
    low, high : int
        Its range.
    tip : str
        Its tooltip.
    """

    def __init__(self, low: int, high: int, tip: str) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setKeyboardTracking(False)
        self.setToolTip(tip)
        stretch(self)


class Section(QCollapsible):
    """A part of the panel that folds; folded at first.

    Parameters
    ----------
    title : str
        Its heading.
    tip : str
        What is in it.

    Attributes
    ----------
    acted : Signal(str)
        Name of an action of `actions.ACTIONS`.
    option_chosen : Signal(str, object)
        Name of a property of the session, and the value that the user chose.
    """

    acted = Signal(str)
    option_chosen = Signal(str, object)

    def __init__(self, title: str, tip: str) -> None:
        super().__init__("", expandedIcon=QIcon(), collapsedIcon=QIcon())
        self._title = title
        self.controls: dict[str, QPushButton | QCheckBox] = {}
        self.body = QWidget()
        self.grid = QGridLayout(self.body)
        self.grid.setContentsMargins(0, 0, 0, 6)
        self.grid.setSpacing(4)
        self.setContent(self.body)
        self.setDuration(0)
        heading = self.toggleButton()
        heading.setStyleSheet(_TITLE_STYLE)
        heading.setAccessibleName(title)
        heading.setToolTip(tip)
        column = self.layout()
        assert isinstance(column, QVBoxLayout)  # noqa: S101 - for the type checker
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        # else it would be no higher than its size hint, which does not know how often
        # sentences wrap in a narrow dock
        column.setAlignment(Qt.AlignmentFlag(0))
        preferred = QSizePolicy.Policy.Preferred
        self.setSizePolicy(preferred, preferred)
        self.toggled.connect(self._on_toggled)
        self._on_toggled(False)

    def add_action(self, name: str) -> QPushButton:
        """Make the button of an action."""
        button = make_action_button(name)
        button.clicked.connect(lambda: self.acted.emit(name))
        self.controls[name] = button
        return button

    def add_switch(self, name: str, title: str) -> QCheckBox:
        """Make a check box for an action that switches something."""
        switch = QCheckBox(title)
        switch.setAccessibleName(title)
        switch.setAccessibleDescription(ACTIONS[name].tip)
        switch.clicked.connect(lambda: self.acted.emit(name))
        self.controls[name] = switch
        return stretch(switch)

    def add_row(self, title: str, control: QWidget) -> None:
        """Put a control with its title below what there is."""
        row = self.grid.rowCount()
        self.grid.addWidget(caption(title, control), row, 0)
        self.grid.addWidget(control, row, 1)
        self.grid.setColumnStretch(1, 1)

    def add_line(self, *controls: QWidget) -> None:
        """Put controls side by side below what there is, as wide as the panel."""
        line = QHBoxLayout()
        line.setSpacing(4)
        for control in controls:
            line.addWidget(control)
        self.grid.addLayout(line, self.grid.rowCount(), 0, 1, 2)

    def show_tips(self) -> None:
        """Show the keys as they are now."""
        for name, control in self.controls.items():
            control.setToolTip(tooltip(name))

    def _on_toggled(self, is_open: bool) -> None:
        # it would cut off what is as high as its width asks for, and leave what is
        # folded in the order of the Tab key
        self.body.setVisible(is_open)
        self.body.setMaximumHeight(_NO_LIMIT_PX)
        self.setText(f"{_UNFOLDED if is_open else _FOLDED} {self._title}")
