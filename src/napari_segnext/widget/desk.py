"""Which image is worked on, and its session: what the widget stands on, without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal

from napari_segnext.errors import SegNextError
from napari_segnext.widget.keys import KeyBinder
from napari_segnext.widget.opening import (
    images_of,
    leave_target,
    open_session,
    resumed_target,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Labels
    from napari.utils.events import Event

    from napari_segnext.session.session import Session
    from napari_segnext.widget.settings import Settings

__all__ = ["Desk"]

_ROLES = ("points", "shapes", "scribbles", "preview", "target")


class Desk:
    """Follows the layers of a viewer and keeps one session open for one image.

    Parameters
    ----------
    viewer : ViewerModel
        The real one, not a proxy.
    settings : Settings
        What sessions are opened with.
    perform : callable
        Called with the name of an action when its key is pressed.
    hold : callable
        Called for keys that do more while held, as `KeyBinder` says.

    Attributes
    ----------
    changed : Signal()
        Something to be shown may have changed.
    stale : Signal()
        Layers came, went or were renamed: call `refresh` at the next turn of the event
        loop, not at once (napari is in the middle of it).
    busy : Signal(bool)
        The session began or ended to work.
    closed : Signal()
        The desk let go of the viewer; `changed` comes again if it is opened again.
    failed : Signal(Exception)
        A session could not be opened, or one of its jobs failed.
    """

    changed = Signal()
    stale = Signal()
    busy = Signal(bool)
    closed = Signal()
    failed = Signal(Exception)

    def __init__(
        self,
        viewer: ViewerModel,
        settings: Settings,
        perform: Callable[[str], None],
        hold: Callable[[str, float | None], None],
    ) -> None:
        self.viewer = viewer
        self.model = settings.model
        self.image: Image | None = None
        self.last_label: int | None = None
        self._settings = settings
        self._session: Session | None = None
        self._refused: Image | None = None
        self._is_open = False
        self._is_stale = False
        self._keys = KeyBinder(perform, hold)

    @property
    def session(self) -> Session | None:
        """The session of the chosen image, or None while there is no image."""
        if self._is_stale:
            self.refresh()
        return self._session

    @property
    def target(self) -> Labels | None:
        """What the session writes to, if there is one."""
        session = self._session
        return session.target if session is not None and session.has("target") else None

    def open(self) -> None:
        """Follow the layers; open a session if there is an image."""
        if self._is_open:
            return
        self._is_open = True
        for signal, slot in self._layer_slots():
            signal.connect(slot)
        for layer in self.viewer.layers:
            layer.events.name.connect(self._on_layers_changed)
        self._keys.bind(self.viewer)
        self.refresh()

    def close(self) -> None:
        """Close the session and let go of the viewer; nothing is told any more."""
        if not self._is_open:
            return
        self._is_open = self._is_stale = False
        for signal, slot in self._layer_slots():
            signal.disconnect(slot)
        for layer in self.viewer.layers:
            layer.events.name.disconnect(self._on_layers_changed)
        self._close_session()
        self._keys.unbind()
        self.closed.emit()

    def refresh(self) -> None:
        """Follow the layer list: the image may be gone, or the first may have come."""
        self._is_stale = False
        if not self._is_open:
            return
        layers = self.viewer.layers
        if self.image not in layers:
            self.image = None
        if self.image is None or (self._session and self._session.is_closed):
            self._close_session()
        if self._session is None:
            image = self.image or self._first_image()
            if image is not None and image is not self._refused:
                self._open_session(image, resumed_target(layers, image))
        alive = {id(self.viewer), *(id(layer) for layer in layers)}
        self._keys.forget_missing(lambda provider: id(provider) in alive)
        self.changed.emit()

    def choose_image(self, image: Image) -> None:
        """Close the session and open one for `image`, taking its work up again."""
        self._close_session()
        self._open_session(image, resumed_target(self.viewer.layers, image))
        self.changed.emit()

    def choose_target(self, target: Labels | None) -> None:
        """Write to `target` from now on; None makes a new layer.

        The target stays as it was if `target` cannot be one.
        """
        if self.image is not None:
            before = self.target
            self._close_session()
            if not self._open_session(self.image, target):
                self._open_session(self.image, before)
        self.changed.emit()

    def choose_model(self, model: str) -> None:
        """Use another model from now on, for the same image and target."""
        self.model = model
        self.choose_target(self.target)

    def bind_keys(self) -> None:
        """Bind the keys where they are missing and free: our layers, the viewer."""
        self._keys.bind(self.viewer)  # another widget may have let go of them
        if self._session is not None:
            for role in _ROLES:
                if self._session.has(role):
                    self._keys.bind(getattr(self._session, role))

    @property
    def key_complaints(self) -> tuple[str, ...]:
        """Why some keys are not as the user wants them, a sentence each."""
        return self._keys.complaints

    def rebind_keys(self) -> tuple[str, ...]:
        """Bind the keys as the settings are now; return what is wrong with these."""
        self._keys.rebind()
        self.changed.emit()
        return self._keys.complaints

    def _first_image(self) -> Image | None:
        active = self.viewer.layers.selection.active
        images = images_of(self.viewer.layers)
        if isinstance(active, Image):
            return active
        return images[0] if images else None

    def _open_session(self, image: Image, target: Labels | None) -> bool:
        self.image = image
        try:
            session = open_session(
                self.viewer, image, self.model, target, self._settings
            )
        except SegNextError as error:
            self._refused = image
            self.failed.emit(error)
            return False
        self._session, self._refused = session, None
        for signal, slot in self._session_slots(session):
            signal.connect(slot)
        session.activate("point")
        return True

    def _close_session(self) -> None:
        session, self._session, self.last_label = self._session, None, None
        if session is None:
            return
        for signal, slot in self._session_slots(session):
            signal.disconnect(slot)
        if session.image in self.viewer.layers and not session.is_closed:
            leave_target(session)
        session.close()

    def _session_slots(self, session: Session) -> tuple[tuple[Any, Any], ...]:
        return (
            (session.changed, self._on_session_changed),
            (session.busy, self._on_session_busy),
            (session.error, self._on_session_error),
            (session.closed, self._on_layers_changed),
        )

    def _layer_slots(self) -> tuple[tuple[Any, Any], ...]:
        events = self.viewer.layers.events
        return (
            (events.inserted, self._on_layer_inserted),
            (events.removed, self._on_layer_removed),
            (events.reordered, self._on_layers_changed),
        )

    def _on_session_changed(self) -> None:
        if not self._is_stale:
            self.changed.emit()

    def _on_session_busy(self, busy: bool) -> None:
        self.busy.emit(busy)

    def _on_session_error(self, error: Exception) -> None:
        self.failed.emit(error)

    def _on_layer_inserted(self, event: Event) -> None:
        event.value.events.name.connect(self._on_layers_changed)
        self._on_layers_changed()

    def _on_layer_removed(self, event: Event) -> None:
        event.value.events.name.disconnect(self._on_layers_changed)
        self._on_layers_changed()

    def _on_layers_changed(self) -> None:
        self._is_stale = True
        self.stale.emit()
