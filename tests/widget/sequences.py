"""A user at the window: what a sequence of steps is, and the hands that do it.

A sequence is a value: named, told in words, played by real mouse and keys on a real
viewer. `sequence_table` lists them, `test_sequences` plays them.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox

import napari_segnext as ns
from napari_segnext.core.prediction import Prediction
from napari_segnext.core.seen import Seen
from napari_segnext.session.layers import role_of
from napari_segnext.widget.actions import ACTIONS, TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[["User"], object]

RADIUS_PX = 8
TIMEOUT_S = 60

# (row, col) in the bundled pictures, by name: nuclei of the flat one (A to H), of
# the stack on slice 45 (P to S)
PLACES = {
    "A": (53, 225),
    "A's lower end": (75, 232),
    "the background beside A": (53, 258),
    "B": (69, 127),
    "C": (171, 117),
    "D": (196, 177),
    "E": (142, 181),
    "F": (338, 204),
    "G": (339, 155),
    "H": (248, 296),
    "H's lower end": (281, 322),
    "the background": (230, 240),
    "P": (64, 62),
    "P's lower end": (72, 54),
    "Q": (17, 68),
    "R": (60, 94),
    "S": (96, 81),
    "P, from the side": (45, 62),
}
# (row0, col0, row1, col1)
BOXES = {
    "A": (21, 198, 88, 250),
    "B": (34, 95, 103, 159),
    "D": (170, 146, 220, 210),
    "E": (115, 155, 173, 207),
    "D and E": (115, 144, 220, 211),
    "G": (315, 128, 359, 182),
    "H": (231, 278, 300, 339),
    "P": (50, 46, 80, 78),
}


@dataclass(frozen=True, eq=False)
class Step:
    """One thing that a user does: in words, and as a function of the user."""

    text: str
    act: Callable[[User], object]


@dataclass(frozen=True, eq=False)
class Sequence:
    """What a user does, and what must be true afterwards.

    Parameters
    ----------
    name : str
        Of the test, and of the picture.
    title : str
        A sentence for the page of pictures.
    steps : tuple of Step
        One after the other; each is answered before the next.
    then : tuple of callable
        Each asserts something about the user that must be true.
    sample : {"nuclei_2d", "nuclei_3d"}
        The picture that is open.
    told : str
        Part of an error that the user must be told; "" if none may be.
    comes_back : bool
        Whether undoing everything gives a blank start, and redoing it the same end.
    shows : {"canvas", "panel", "window"}
        What the picture shows.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    then: tuple[Check, ...]
    sample: str = "nuclei_2d"
    told: str = ""
    comes_back: bool = True
    shows: str = "canvas"


class ScriptedPredictor:
    """Answers with what was drawn, at once; a click is a disk of `RADIUS_PX`.

    While `gate` is not set predictions wait; `failure` is raised instead of an answer.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()
        self.failure: Exception | None = None
        self._style = ns.PromptStyle(click_radius=RADIUS_PX)

    def encode(self, plane, contrast_limits=None, near=None, *, should_stop=None):
        return SimpleNamespace(shape=np.shape(plane)[:2], nbytes=0)

    def predict(self, features, prompts, previous=None, *, should_stop=None):
        self.started.set()
        assert self.gate.wait(TIMEOUT_S)
        if self.failure is not None:
            raise self.failure
        shape = features.shape
        crop = np.where(self.mask(prompts, shape), 0.9, 0.1).astype(np.float32)
        return Prediction(shape, (0, 0, *shape), crop, 0.5)

    def predict_many(self, features, prompts, *, should_stop=None):
        return [self.predict(features, one) for one in prompts]

    def look(self, features, prompts, previous=None, *, should_stop=None):
        drawn = ns.prompt_map(prompts, features.shape, style=self._style)
        image = np.full((*features.shape, 3), 0.5, np.float32)
        return Seen((0, 0, *features.shape), image, drawn)

    def mask(self, prompts, shape) -> np.ndarray:
        """What it answers: positive prompts and the mask prompt, less the negative."""
        if not prompts:
            return np.zeros(shape, bool)
        mask, positive, negative = ns.prompt_map(prompts, shape, style=self._style)
        return ((mask > 0.5) | (positive > 0)) & (negative == 0)


class User:
    """Somebody at the window, with a mouse and keys.

    Parameters
    ----------
    viewer : napari.Viewer
        Shown, with an image.
    open_widget : callable
        Opens the widget in a dock.
    mouse : Mouse
        Of `conftest`.
    predictor : ScriptedPredictor or None
        None where the real model answers.
    """

    def __init__(self, viewer, open_widget, mouse, predictor) -> None:
        self.viewer = getattr(viewer, "__wrapped__", viewer)
        self.mouse = mouse
        self.predictor = predictor
        self.image = self.viewer.layers[0]
        self.notes: dict[str, Any] = {}  # what a step wants to tell `then`
        self._open_widget = open_widget
        self.widget = open_widget()
        self.settle()

    @property
    def session(self):
        return self.widget.session

    @property
    def target(self) -> np.ndarray:
        """The labels on display."""
        return self.plane_of(self.session.target)

    @property
    def shown(self) -> np.ndarray:
        """The preview on display, of what the layer holds."""
        return self.plane_of(self.session.preview) > 0

    @property
    def buttons(self):
        return self.widget.panel.controls.buttons

    def plane_of(self, layer) -> np.ndarray:
        data = np.asarray(layer.data)
        return data[self.session.plane.slices]

    def settle(self) -> None:
        """Let the window come to rest, and the session have its answers."""
        QApplication.processEvents()
        if self.session is not None and self.is_answering:
            try:
                self.session.wait(TIMEOUT_S)
            except RuntimeError as error:
                if error is not self.notes.get("failure"):
                    raise
        QApplication.processEvents()

    @property
    def is_answering(self) -> bool:
        gate = getattr(self.predictor, "gate", None)
        return gate is None or gate.is_set()

    def at(self, place: str | tuple[float, float]) -> tuple[float, ...]:
        """Data coordinates of a place on the slice on display."""
        row, col = PLACES[place] if isinstance(place, str) else place
        if self.session is None:
            return row, col
        return tuple(self.session.plane.lift((row, col))[0])

    def press(self, key: str) -> None:
        self.mouse.key(key)

    def perform(self, name: str) -> None:
        """Press the key of an action."""
        self.press(ACTIONS[name].key)

    def choose(self, control, text: str) -> None:
        """Choose an entry of one of the panel's lists."""
        control.setCurrentIndex(control.findText(text))
        control.activated.emit(control.currentIndex())

    def press_button(self, button) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def hold_key(self, name: str) -> None:
        key = getattr(Qt.Key, f"Key_{ACTIONS[name].key}")
        QTest.keyPress(self.canvas, key)

    def let_key_go(self, name: str) -> None:
        key = getattr(Qt.Key, f"Key_{ACTIONS[name].key}")
        QTest.keyRelease(self.canvas, key)

    @property
    def canvas(self):
        return self.viewer.window._qt_viewer.canvas.native

    def choose_tool(self, tool: str, shape: str = "") -> None:
        button = self.widget.panel.controls.tools[tool]
        if shape:  # as its menu says
            title = TOOLS[tool].shapes[shape]
            (entry,) = (it for it in button.menu().actions() if it.text() == title)
            entry.trigger()
        else:
            button.click()

    def draw(self, positions: list[tuple[float, float]], held: str = "No") -> None:
        """Press, move and release."""
        layer = self.session.image
        self.mouse.drag(layer, [self.at(it) for it in positions], held=held)

    def click(self, place: str | tuple[float, float], held: str = "No") -> None:
        self.draw([PLACES[place] if isinstance(place, str) else place], held)

    def click_outline(self, corners: list[tuple[float, float]]) -> None:
        """Click corner after corner; the last one twice."""
        for corner in corners:
            self.click(corner)
            wait_for_no_double_click()
        self.mouse.double_click(self.session.image, *self.at(corners[-1]))

    def rest_at(self, place: str) -> None:
        """Move the mouse there, so that what lies there is under the cursor."""
        layer = self.session.image
        row, col = PLACES[place]
        self.mouse.move(layer, *self.at((row + 2, col)))
        self.mouse.move(layer, *self.at((row, col)))

    def answer_dialog(self, act: Callable[[], object], button: str) -> None:
        """Do what opens a dialog, and press one of its buttons."""
        answered: list[str] = []

        def press() -> None:
            box = QApplication.activeModalWidget()
            if not isinstance(box, QMessageBox):
                QTimer.singleShot(20, press)
                return
            texts = {it.text().replace("&", ""): it for it in box.buttons()}
            answered.append(box.text())
            QTest.mouseClick(texts[button], Qt.MouseButton.LeftButton)

        QTimer.singleShot(20, press)
        act()
        QApplication.processEvents()
        assert answered, "no dialog was opened"
        self.notes["dialog"] = answered[0]

    def hold_answers(self) -> None:
        """Let the network take its time, until `let_answers_come`."""
        if self.predictor is not None:
            self.predictor.started.clear()
            self.predictor.gate.clear()

    def let_answers_come(self) -> None:
        if self.predictor is not None:
            self.predictor.gate.set()

    def wait_until_asked(self) -> None:
        """Wait until the network has begun with the newest prompt."""
        if self.predictor is not None:
            end = time.monotonic() + TIMEOUT_S
            while not self.predictor.started.is_set():
                assert time.monotonic() < end
                QApplication.processEvents()

    def close_widget(self) -> None:
        self.viewer.window.remove_dock_widget(self.widget)

    def leave(self) -> None:
        """Close the widget; what the session made must be gone with it."""
        self.let_answers_come()
        if self.widget in self.viewer.window.dock_widgets.values():
            self.close_widget()
        assert not self.viewer.keymap
        assert {role_of(layer) for layer in self.viewer.layers} <= {None, "target"}

    def reopen_widget(self) -> None:
        self.widget = self._open_widget()


def wait_for_no_double_click() -> None:
    """The canvas takes two quick clicks near each other for a double one."""
    end = time.monotonic() + 0.02
    while time.monotonic() < end:
        QApplication.processEvents()


# ---- steps


def click(place: str, held: str = "") -> Step:
    words = {"": "click", "Alt": "Alt-click", "Control": "Ctrl-click"}[held]
    return Step(f"{words} {place}", lambda user: user.click(place, held or "No"))


def box(name: str, held: str = "No") -> Step:
    row0, col0, row1, col1 = BOXES[name]
    return Step(
        f"drag a box around {name}",
        lambda user: user.draw(
            [(row0, col0), (row1 - 9, col1 - 9), (row1, col1)], held
        ),
    )


def stroke(text: str, *positions: tuple[float, float], held: str = "No") -> Step:
    return Step(text, lambda user: user.draw(list(positions), held))


def outline(text: str, *corners: tuple[float, float]) -> Step:
    return Step(text, lambda user: user.click_outline(list(corners)))


def tool(name: str, shape: str = "") -> Step:
    title = TOOLS[name].shapes[shape] if shape else TOOLS[name].text
    return Step(f"choose {title}", lambda user: user.choose_tool(name, shape))


def key(name: str) -> Step:
    action = ACTIONS[name]
    return Step(f"{action.key} ({action.text})", lambda user: user.perform(name))


def over(place: str, name: str) -> Step:
    """Press the key of an action with the mouse over a place."""

    def act(user: User) -> None:
        user.rest_at(place)
        user.perform(name)

    action = ACTIONS[name]
    return Step(f"mouse over {place}, {action.key} ({action.text})", act)


def slice_(index: int) -> Step:
    return Step(
        f"slider to slice {index}",
        lambda user: user.viewer.dims.set_current_step(0, index),
    )


def do(text: str, act: Callable[[User], object]) -> Step:
    return Step(text, act)


# ---- checks


def shows(*places: str) -> Check:
    """The preview covers the middle of all these places."""

    def check(user: User) -> None:
        for place in places:
            assert user.shown[PLACES[place]], f"{place} is not shown"

    return check


def shows_not(*places: str) -> Check:
    def check(user: User) -> None:
        for place in places:
            assert not user.shown[PLACES[place]], f"{place} is shown"

    return check


def shows_nothing(user: User) -> None:
    assert not user.shown.any()


def labels(**expected: int) -> Check:
    """The target has these labels at the middle of these places."""

    def check(user: User) -> None:
        found = {place: int(user.target[PLACES[place]]) for place in expected}
        assert found == expected, found

    return check


def holds(**counts: int) -> Check:
    """The prompt layers hold as many points, shapes, painted pixels (0 or more)."""

    def check(user: User) -> None:
        session = user.session
        found = {
            role: len(getattr(session, role).data) if session.has(role) else 0
            for role in ("points", "shapes")
        }
        assert found == {"points": 0, "shapes": 0} | counts

    return check


def hints(part: str) -> Check:
    def check(user: User) -> None:
        assert part in user.session.hint, user.session.hint

    return check


def panel_says(part: str) -> Check:
    def check(user: User) -> None:
        hint = user.widget.panel.hint.text()
        assert part in hint, hint

    return check


def focus_is(label: int | None) -> Check:
    def check(user: User) -> None:
        assert user.session.focus == label

    return check
