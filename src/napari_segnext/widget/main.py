"""The dock widget: opens a session for the chosen image, forwards to it, shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
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
from napari_segnext.widget.keys import KeyBinder
from napari_segnext.widget.opening import (
    images_of,
    leave_target,
    open_session,
    resumed_target,
)
from napari_segnext.widget.panel import Panel
from napari_segnext.widget.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Labels
    from napari.utils.events import Event
    from qtpy.QtGui import QCloseEvent

    from napari_segnext.session.session import Session

__all__ = ["SegNextWidget"]

_LAYERS_BOUND = ("points", "shapes", "scribbles", "preview", "target")


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
        # a plugin gets a proxy whose layers are proxies too: not one is identical
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._settings = read_settings()
        self._session: Session | None = None
        self._image: Image | None = None
        self._refused: Image | None = None
        self._last_label: int | None = None
        self._is_open = False
        self._keys = KeyBinder(self.perform)
        self._refresh_soon = QTimer(self)
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.timeout.connect(self._refresh)
        self.panel = Panel(self._settings.model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self._connect_view()
        self._open()

    @property
    def session(self) -> Session | None:
        """The session of the chosen image, or None while there is no image."""
        if self._refresh_soon.isActive():  # layers came or went a moment ago
            self._refresh()
        return self._session

    def perform(self, name: str) -> None:
        """Do what the button or key of the action `name` does."""
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

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Close the session together with the widget."""
        self._close()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:
        """Close when taken out of the window, and open again when put back."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._close()
            else:
                self._open()

    # ---- opening and closing

    def _open(self) -> None:
        if self._is_open:
            return
        self._is_open = True
        events = self._viewer.layers.events
        events.inserted.connect(self._on_layers_inserted)
        events.removed.connect(self._on_layers_removed)
        events.reordered.connect(self._on_layers_changed)
        for layer in self._viewer.layers:
            layer.events.name.connect(self._on_layers_changed)
        self._keys.bind(self._viewer)
        self._refresh()

    def _close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._refresh_soon.stop()
        events = self._viewer.layers.events
        events.inserted.disconnect(self._on_layers_inserted)
        events.removed.disconnect(self._on_layers_removed)
        events.reordered.disconnect(self._on_layers_changed)
        for layer in self._viewer.layers:
            layer.events.name.disconnect(self._on_layers_changed)
        self._close_session()
        self._keys.unbind()

    def _open_session(self, image: Image, target: Labels | None) -> None:
        self._image = image
        try:
            session = open_session(
                self._viewer,
                image,
                self.panel.choices.model.model_name,
                target,
                self._settings,
            )
        except SegNextError as error:
            self._refused = image
            self._on_session_error(error)
            return
        self._session, self._refused = session, None
        for signal, slot in self._slots(session):
            signal.connect(slot)
        self._try(lambda it: it.activate("point"), session)

    def _close_session(self) -> None:
        session, self._session, self._last_label = self._session, None, None
        if session is None:
            return
        for signal, slot in self._slots(session):
            signal.disconnect(slot, missing_ok=True)
        if not session.is_closed:
            leave_target(session)
            session.close()

    def _slots(self, session: Session) -> tuple[tuple[Any, Callable[..., None]], ...]:
        return (
            (session.changed, self._on_session_changed),
            (session.hinted, self._on_session_changed),
            (session.busy, self.panel.controls.show_busy),
            (session.error, self._on_session_error),
            (session.closed, self._on_session_closed),
        )

    # ---- showing

    def _refresh(self) -> None:
        """Follow the layer list: the image may be gone, or the first may have come."""
        self._refresh_soon.stop()
        if not self._is_open:
            return
        layers = self._viewer.layers
        if self._image not in layers:
            self._image = None
        if self._session is not None and self._image is None:
            self._close_session()
        if self._session is None:
            image = self._image or self._first_image()
            if image is not None and image is not self._refused:
                self._open_session(image, resumed_target(layers, image))
        alive = {id(self._viewer), *(id(layer) for layer in layers)}
        self._keys.forget_missing(lambda provider: id(provider) in alive)
        self._show()

    def _first_image(self) -> Image | None:
        active = self._viewer.layers.selection.active
        images = images_of(self._viewer.layers)
        if isinstance(active, Image):
            return active
        return images[0] if images else None

    def _show(self) -> None:
        session = self._session
        self.panel.show_state(
            self._viewer.layers, self._image, session, self._last_label
        )
        if session is not None:
            for role in _LAYERS_BOUND:
                if session.has(role):
                    self._keys.bind(getattr(session, role))

    # ---- what the user chose

    def _on_image_chosen(self) -> None:
        image = self.panel.choices.image.layer
        if isinstance(image, Image) and image is not self._image and self._may_leave():
            self._reopen(image, resumed_target(self._viewer.layers, image))
        self._show()

    def _on_target_chosen(self) -> None:
        target = self.panel.choices.target.layer
        if target is self._target():
            return
        if self._session is not None and self._image is not None and self._may_leave():
            self._reopen(self._image, target)
        self._show()

    def _on_model_chosen(self, _model: str) -> None:
        session = self._session
        if session is not None and self._image is not None and self._may_leave():
            self._reopen(self._image, self._target())
        self._show()

    def _target(self) -> Labels | None:
        session = self._session
        return session.target if session is not None and session.has("target") else None

    def _reopen(self, image: Image, target: Labels | None) -> None:
        self._close_session()
        self._open_session(image, target)

    def _may_leave(self) -> bool:
        """Ask what to do with an open object; accept it if the user says so."""
        session = self._session
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
        self._last_label = session.accept()

    def _take_last_label(self, session: Session) -> None:
        if self._last_label is not None:
            session.label = self._last_label

    def _try(self, act: Callable[[Session], object], session: Session) -> bool:
        try:
            act(session)
        except SegNextError as error:
            self._on_session_error(error)
            return False
        finally:
            self._show()
        return True

    # ---- what layers and session tell

    def _on_layers_inserted(self, event: Event) -> None:
        event.value.events.name.connect(self._on_layers_changed)
        self._refresh_soon.start(0)

    def _on_layers_removed(self, event: Event) -> None:
        event.value.events.name.disconnect(self._on_layers_changed)
        self._refresh_soon.start(0)

    def _on_layers_changed(self) -> None:
        self._refresh_soon.start(0)

    def _on_session_changed(self) -> None:
        self._show()

    def _on_session_closed(self) -> None:
        self._session = None
        self._refresh_soon.start(0)

    def _on_session_error(self, error: Exception) -> None:
        if isinstance(error, SegNextError):
            show_error(str(error))
        else:
            notification_manager.dispatch(ErrorNotification(error))

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
