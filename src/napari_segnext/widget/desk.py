"""Which image is worked on, and its session: what the widget stands on, without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from psygnal import Signal

from napari_segnext.errors import SegNextError
from napari_segnext.session.layers import role_of
from napari_segnext.session.recovering import unfinished_journal
from napari_segnext.widget import text
from napari_segnext.widget.keys import KeyBinder
from napari_segnext.widget.layer_list import LayerListWatcher
from napari_segnext.widget.leaving import (
    Left,
    Options,
    adopted_by,
    leave,
    left_on,
    resumed_target,
    take,
)
from napari_segnext.widget.opening import first_image, layers_of, open_session
from napari_segnext.widget.telling import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

    from napari_segnext.session.journal import Recording
    from napari_segnext.session.session import Session
    from napari_segnext.widget.settings import Settings

__all__ = ["Desk"]


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
    on_overlap : callable
        Asked by sessions; see `Session.on_overlap`.

    Attributes
    ----------
    model : str
        Name or path of the model.
    last_label : int or None
        The label accepted last, in this session.
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
        on_overlap: Callable[[dict[int, int]], str | None],
    ) -> None:
        self.viewer = viewer
        self.model = settings.model
        self.last_label: int | None = None
        self._settings = settings
        self._on_overlap = on_overlap
        self._options: Options | None = None
        self._session: Session | None = None
        # weakly: a closed widget must not keep a picture in memory
        self._image: Callable[[], Image | None] = _nothing
        self._refused: Callable[[], Image | None] = _nothing
        self._notice = Notice()
        self._unfinished: Recording | None = None
        self._is_open = False
        self._is_stale = False
        self._keys = KeyBinder(perform, hold)
        self._layer_list = LayerListWatcher(viewer, self._on_layers_changed)

    @property
    def session(self) -> Session | None:
        """The session of the chosen image, or None while there is no image."""
        if self._is_stale:
            self.refresh()
        return self._session

    @property
    def image(self) -> Image | None:
        """The chosen image."""
        return self._image()

    @property
    def adopted(self) -> dict[str, Layer]:
        """The user's own layers that hold the prompts, by role."""
        return {} if self._session is None else adopted_by(self._session)

    @property
    def hint(self) -> str:
        """What was told last, or the session's hint when something else is the case."""
        told = self._notice.hint(self._session)
        is_own = self._session is not None and told == self._session.hint
        return text.RECOVER_FIRST if is_own and self.unfinished is not None else told

    def tell(self, sentence: str) -> None:
        """Show a sentence in the place of the hint until something else is the case."""
        self._notice.tell(sentence, self._session)
        self.changed.emit()

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
        self._layer_list.start()
        self._keys.bind(self.viewer)
        self.refresh()

    def close(self) -> None:
        """Close the session and let go of the viewer; nothing is told any more."""
        if not self._is_open:
            return
        self._is_open = self._is_stale = False
        self._layer_list.stop()
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
            self._image = _nothing
        if self.image is None or (self._session and self._session.is_closed):
            self._close_session()
        if self._session is None:
            image = self.image or first_image(self.viewer)
            if image is not None and image is not self._refused():
                self._open_session(image, resumed_target(layers, image))
        alive = {id(self.viewer), *(id(layer) for layer in layers)}
        self._keys.forget_missing(lambda provider: id(provider) in alive)
        self.changed.emit()

    def choose_image(self, image: Image) -> None:
        """Leave the session and open one for `image`, taking its work up again."""
        self._close_session()
        self._open_session(image, resumed_target(self.viewer.layers, image))
        self.changed.emit()

    @property
    def unfinished(self) -> Recording | None:
        """Work on the chosen image that a crash cut off, until something is done."""
        session = self._session
        return None if session is None or session.can_undo else self._unfinished

    def recover(self) -> None:
        """Take up the work that a crash cut off."""
        session, image, found = self._session, self.image, self.unfinished
        if session is None or image is None or found is None:
            return
        target = session.target
        is_needless = role_of(target) is not None and not session.objects
        self._close_session()
        if is_needless:
            self.viewer.layers.remove(target)
        if not self._open_session(image, None, journal=found.path):
            self._open_session(image, None)
        self.changed.emit()

    def choose_target(self, target: Labels | None) -> None:
        """Write to `target` from now on; None makes a new layer.

        What was done with another target waits there. All stays as it was if `target`
        cannot be one.
        """
        self._reopen(target, self.adopted)

    def choose_model(self, model: str) -> None:
        """Use another model from now on; nothing else changes."""
        self.model = model
        self._reopen(self.target, None)

    def adopt(self, role: str, layer: Layer | None) -> None:
        """Take prompts from a layer of the user's; None: from one made for it.

        The prompts of the open object, and undo and redo, stay. All stays as it was if
        `layer` cannot play the role.

        Parameters
        ----------
        role : {"points", "shapes", "scribbles"}
            Which prompts.
        layer : Layer or None
            Where from.
        """
        adopted = {name: kept for name, kept in self.adopted.items() if name != role}
        if layer is not None:
            adopted[role] = layer
        self._reopen(self.target, adopted)

    def _reopen(
        self, target: Labels | None, adopted: Mapping[str, Layer] | None
    ) -> None:
        image = self.image
        if image is not None:
            before = self.target
            self._close_session()
            if not self._open_session(image, target, adopted):
                self._open_session(image, before)
        self.changed.emit()

    def bind_keys(self) -> None:
        """Bind the keys where they are missing and free: our layers, the viewer."""
        self._keys.bind(self.viewer)  # another widget may have let go of them
        if self._session is not None:
            for layer in layers_of(self._session):
                self._keys.bind(layer)

    @property
    def key_complaints(self) -> tuple[str, ...]:
        """Why some keys are not as the user wants them, a sentence each."""
        return self._keys.complaints

    def rebind_keys(self) -> tuple[str, ...]:
        """Bind the keys as the settings are now; return what is wrong with these."""
        self._keys.rebind()
        self.changed.emit()
        return self._keys.complaints

    def _open_session(
        self,
        image: Image,
        target: Labels | None,
        adopted: Mapping[str, Layer] | None = None,
        journal: Path | None = None,
    ) -> bool:
        """Open a session, and take up what waits for it on `target` or in `journal`.

        With `adopted` None, the layers that were adopted there are adopted again, if
        they still can be.
        """
        self._image = ref(image)
        left = None if target is None else left_on(target, image)
        remembered: Mapping[str, Layer] = {}
        if left is not None and adopted is None:
            adopted = remembered = left.layers(self.viewer.layers)
        options = self._options or (left.options if left else self._first_options)
        if left is not None and self._options is None:
            self.model = left.model
        try:
            session = open_session(
                self.viewer,
                image,
                self.model,
                target,
                self._settings,
                auto_run=options.auto_run,
                adopted=adopted or {},
                journal=journal,
            )
        except SegNextError as error:
            self.failed.emit(error)
            if remembered:  # one may have been painted over, or locked, meanwhile
                return self._open_session(image, target, {}, journal)
            self._refused = ref(image)
            return False
        self._session, self._refused = session, _nothing
        is_new = target is None and journal is None
        self._unfinished = unfinished_journal(image) if is_new else None
        if target is not None and left is not None:
            take(target)
            self._take_up(session, left)
        session.on_overlap = self._on_overlap
        for signal, slot in self._session_slots(session):
            signal.connect(slot)
        options.set_in(session)
        return True

    @property
    def _first_options(self) -> Options:
        return Options(auto_run=self._settings.auto_run)

    def _take_up(self, session: Session, left: Left) -> None:
        # reading one of its layers first would begin the session anew
        self.last_label = left.last_label
        try:
            session.resume(left.work)
        except SegNextError as error:
            self.failed.emit(error)

    def _close_session(self) -> None:
        session, self._session = self._session, None
        last_label, self.last_label = self.last_label, None
        if session is None:
            return
        for signal, slot in self._session_slots(session):
            signal.disconnect(slot)
        if session.image in self.viewer.layers and not session.is_closed:
            self._options = leave(session, self.model, last_label) or self._options
        session.close()

    def _session_slots(self, session: Session) -> tuple[tuple[Any, Any], ...]:
        return (
            (session.changed, self._on_session_changed),
            (session.busy, self._on_session_busy),
            (session.error, self._on_session_error),
            (session.closed, self._on_layers_changed),
        )

    def _on_session_changed(self) -> None:
        if not self._is_stale:
            self.changed.emit()

    def _on_session_busy(self, busy: bool) -> None:
        self.busy.emit(busy)

    def _on_session_error(self, error: Exception) -> None:
        # whoever takes the image away knows, and the panel says how to go on
        if self.image in self.viewer.layers:
            self.failed.emit(error)

    def _on_layers_changed(self) -> None:
        self._is_stale = True
        self.stale.emit()


def _nothing() -> None:
    """Be a reference to nothing."""
