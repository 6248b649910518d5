"""The dock widget: opens a session for the chosen image, forwards to it, shows it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from napari.utils.notifications import (
    ErrorNotification,
    notification_manager,
    show_error,
)
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QMessageBox, QVBoxLayout, QWidget

from napari_segnext.errors import SegNextError
from napari_segnext.widget import text
from napari_segnext.widget.actions import TOOLS
from napari_segnext.widget.desk import Desk
from napari_segnext.widget.helping import Help
from napari_segnext.widget.panel import Panel
from napari_segnext.widget.settings import read_settings
from napari_segnext.widget.several import SeveralKey

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from qtpy.QtGui import QCloseEvent

    from napari_segnext.session.session import Session

__all__ = ["SegNextWidget"]


class SegNextWidget(QWidget):
    """Segment objects of an image with clicks, boxes, polygons, scribbles and masks.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer, or napari's proxy of it.

    Attributes
    ----------
    panel : Panel
        What is shown: `panel.choices`, `panel.hint`, `panel.controls`.
    """

    def __init__(
        self, napari_viewer: napari.Viewer, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        settings = read_settings()
        # a plugin gets a proxy whose layers are proxies too: not one is identical
        viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._desk = Desk(
            viewer, settings, partial(_perform, ref(self)), partial(_hold, ref(self))
        )
        self._several = SeveralKey()
        self._is_showing = False
        self._refresh_soon = QTimer(self)
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.timeout.connect(self._desk.refresh)
        self.panel = Panel(settings.model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self._connect_view()
        self._desk.changed.connect(self._show)
        self._help = Help(self._desk)
        self._desk.stale.connect(self._on_desk_stale)
        self._desk.busy.connect(self.panel.controls.show_busy)
        self._desk.failed.connect(_notify)
        # however the widget ends: by then neither it nor its methods are there
        self.destroyed.connect(partial(_close, self._desk))
        self._desk.open()

    @property
    def session(self) -> Session | None:
        """The session of the chosen image, or None while there is no image."""
        return self._desk.session

    def perform(self, name: str) -> None:
        """Do what the button or key of the action `name` does."""
        if name == "keys":
            self._help.toggle_sheet()
            return
        session = self.session
        if session is not None:
            acts: dict[str, Callable[[Session], object]] = {
                "polarity": lambda it: it.toggle_polarity(),
                "next_tool": _activate_next_tool,
                "accept": self._accept,
                "undo": lambda it: it.undo(),
                "redo": lambda it: it.redo(),
                "clear": lambda it: it.clear(),
                "run": lambda it: it.run(),
                "same_object": self._take_last_label,
                "preview": _toggle_preview,
            }
            self._try(acts[name], session)

    def hold(self, name: str, held_s: float | None) -> None:
        """Do what the key of an action of `actions.HELD` does.

        Parameters
        ----------
        name : str
            Name of the action.
        held_s : float or None
            None when the key is pressed; the seconds since when it is let go.
        """
        session = self.session
        if session is None:
            return
        if held_s is None:
            self._try(self._several.press, session)
        else:
            self._try(lambda it: self._several.release(it, held_s), session)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Close the session together with the widget."""
        self._desk.close()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:
        """Close when taken out of the window, and open again when put back."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._desk.close()
            else:
                self._desk.open()

    # ---- showing

    def _show(self) -> None:
        # reading a layer of the session syncs it, and it tells that it changed
        if self._is_showing:
            return
        self._is_showing = True
        try:
            if self._desk.session is not None:  # layers that went are seen here
                self._desk.bind_keys()
            self.panel.show_state(self._desk)
        finally:
            self._is_showing = False

    # ---- what the user chose

    def _on_image_chosen(self) -> None:
        image = self.panel.choices.image.layer
        if image is None or image is self._desk.image or not self._may_leave():
            self._show()
        else:
            self._desk.choose_image(image)

    def _on_target_chosen(self) -> None:
        target = self.panel.choices.target.layer
        if target is self._desk.target or not self._may_leave():
            self._show()
        else:
            self._desk.choose_target(target)

    def _on_model_chosen(self, model: str) -> None:
        if self._may_leave():
            self._desk.choose_model(model)
        else:
            self.panel.choices.model.show_model(self._desk.model)

    def _may_leave(self) -> bool:
        """Ask what to do with an open object; accept it if the user says so."""
        session = self.session
        if session is None or not session.can_accept:
            return True
        answer = self._ask()
        if answer == QMessageBox.StandardButton.Yes:
            return self._try(self._accept, session)
        return answer == QMessageBox.StandardButton.No

    def _ask(self) -> QMessageBox.StandardButton:
        return QMessageBox.question(
            self,
            text.ASK_DROP_TITLE,
            text.ASK_DROP,
            QMessageBox.StandardButton.Yes
            | QMessageBox.StandardButton.No
            | QMessageBox.StandardButton.Cancel,
        )

    def _on_tool_chosen(self, tool: str, shape: str) -> None:
        self._forward(lambda session: session.activate(tool, shape=shape or None))

    def _on_polarity_chosen(self, polarity: str) -> None:
        self._forward(lambda session: setattr(session, "polarity", polarity))

    def _on_label_chosen(self, label: int) -> None:
        self._forward(lambda session: setattr(session, "label", label))

    def _on_auto_run_chosen(self, auto_run: bool) -> None:
        self._forward(lambda session: setattr(session, "auto_run", auto_run))

    def _forward(self, act: Callable[[Session], object]) -> None:
        session = self.session
        if session is not None:
            self._try(act, session)

    def _accept(self, session: Session) -> None:
        self._desk.last_label = session.accept()

    def _take_last_label(self, session: Session) -> None:
        if self._desk.last_label is not None:
            session.label = self._desk.last_label

    def _try(self, act: Callable[[Session], object], session: Session) -> bool:
        try:
            act(session)
        except SegNextError as error:
            _notify(error)
            return False
        finally:
            self._show()
        return True

    def _on_desk_stale(self) -> None:
        self._refresh_soon.start(0)

    def _connect_view(self) -> None:
        choices, controls = self.panel.choices, self.panel.controls
        choices.image.chosen.connect(self._on_image_chosen)
        choices.model.chosen.connect(self._on_model_chosen)
        choices.target.chosen.connect(self._on_target_chosen)
        controls.acted.connect(self.perform)
        controls.tool_chosen.connect(self._on_tool_chosen)
        controls.polarity_chosen.connect(self._on_polarity_chosen)
        controls.label_chosen.connect(self._on_label_chosen)
        controls.auto_run_chosen.connect(self._on_auto_run_chosen)


def _activate_next_tool(session: Session) -> None:
    names = list(TOOLS)
    index = names.index(session.tool) + 1 if session.tool in names else 0
    session.activate(names[index % len(names)])


def _toggle_preview(session: Session) -> None:
    if session.has("preview"):
        session.preview.visible = not session.preview.visible


def _notify(error: Exception) -> None:
    if isinstance(error, SegNextError):
        show_error(str(error))
    else:
        notification_manager.dispatch(ErrorNotification(error))


def _perform(widget: ref[SegNextWidget], name: str) -> None:
    # the desk outlives the widget by a moment, and must not keep it alive
    alive = widget()
    if alive is not None:
        alive.perform(name)


def _hold(widget: ref[SegNextWidget], name: str, held_s: float | None) -> None:
    alive = widget()
    if alive is not None:
        alive.hold(name, held_s)


def _close(desk: Desk, *_widget: object) -> None:
    # at the end of the process parts of Qt go before us
    with suppress(RuntimeError):
        desk.close()
