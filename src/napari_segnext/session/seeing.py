"""A session that can show what its model sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segnext.errors import SegNextError
from napari_segnext.session.layers import SEEN_ROLES
from napari_segnext.session.planes import Affine
from napari_segnext.session.seen_layers import SeenLayers, SeenPictures
from napari_segnext.session.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from napari_segnext.session.history import Entry
    from napari_segnext.session.planes import PlaneKey

    # what is shown, or asked for: the image's version, the entry, its plane, its place
    View: TypeAlias = tuple[int, int, PlaneKey, bytes]

__all__ = ["Seeing"]

_JOB = "what the model sees"


class Seeing(Tools):
    """The part of `Session` that shows what the model sees; see there."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._seen_layers = SeenLayers(self._viewer, self._image)
        self._sees = False
        self._view: View | None = None

    @property
    def sees(self) -> bool:
        """Whether two layers show what the model is given.

        Right above the image lie the window that the newest answer on the displayed
        plane was found through, as it is normalised, and the prompt map on it:
        previous mask green, positive blue, negative orange. They follow each answer
        and slice, go when this is set to False, and when one of them is deleted it
        becomes False. With several objects at once they show one of them. Showing
        takes the worker about as long as an answer.
        """
        return self._sees and self._seen_layers.are_there

    @sees.setter
    def sees(self, sees: bool) -> None:
        self._sync()
        if bool(sees) == self.sees:
            return
        self._stop_seeing()
        if sees:
            self._sees = True
            self._seen_layers.add()
        self._update()

    def has(self, role: str) -> bool:
        """Whether the layer of a role is in the viewer; makes none.

        Parameters
        ----------
        role : str
            "points", "shapes", "scribbles", "preview", "target", "cuts", "seen image"
            or "seen prompts".
        """
        if role in SEEN_ROLES:
            return self._seen_layers.has(role)
        return super().has(role)

    def _stop_seeing(self) -> None:
        self._sees, self._view = False, None
        self._worker.cancel(_JOB)
        self._seen_layers.remove()

    def _update(self) -> None:
        if self._sees and not self._closed:
            self._follow_view()
        super()._update()

    def _follow_view(self) -> None:
        """Ask for what is to be shown on the displayed plane, unless it is shown."""
        if not self._seen_layers.are_there:
            self._stop_seeing()
            return
        plane = self._board.plane
        key = (self._history.state.object.number, plane)
        if self._worker.is_pending(key) and self._view and self._view[2] == plane:
            return  # the newest answer so far stays until the next one comes
        entry = self._answered_entry(plane)
        view = None
        if entry is not None:
            to_world = Affine.data_to_world(self._image)
            place = to_world.matrix.tobytes() + to_world.offset.tobytes()
            view = self._source.version, entry.number, entry.plane, place
        if view == self._view:
            return
        self._view = view
        self._worker.cancel(_JOB)
        if entry is None or view is None:
            self._seen_layers.blank()
            return
        self._worker.submit(
            _JOB,
            self._looking(entry),
            lambda pictures: self._on_seen(view, pictures),
            lambda error: self._on_not_seen(view, error),
        )

    def _answered_entry(self, plane: PlaneKey | None) -> Entry | None:
        """Return what the prompts on `plane` stand at, if it has an answer."""
        entry = None if plane is None else self._history.entry(plane)
        if entry is None or not entry.prompts:
            return None
        answer = self._engine.answers.get(entry.number, entry.plane)
        return None if answer is None else entry

    def _looking(self, entry: Entry) -> Callable[[Callable[[], bool]], SeenPictures]:
        """Return the job that looks; it holds nothing of the session."""
        chain, source, engine = self._history.chain(entry), self._source, self._engine

        def look(should_stop: Callable[[], bool]) -> SeenPictures:
            return SeenPictures.of(engine.look(source, chain, should_stop))

        return look

    def _on_seen(self, view: View, pictures: SeenPictures) -> None:
        if view == self._view and self._seen_layers.are_there:
            self._seen_layers.show(pictures, view[2])
        self._update()

    def _on_not_seen(self, view: View, error: Exception) -> None:
        if isinstance(error, SegNextError):  # trying again will not help
            self._stop_seeing()
        elif view == self._view and self._seen_layers.are_there:
            self._seen_layers.blank()
        self._report(error)

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self._sees)

    def _close(self) -> None:
        if not self._closed:
            self._stop_seeing()
        super()._close()
