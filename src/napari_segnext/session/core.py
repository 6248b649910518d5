"""The inside of a session: its parts, requests and answers, what the outside sees."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from napari.components import ViewerModel
from psygnal import Signal

from napari_segnext.core.worker import Worker
from napari_segnext.errors import ImageError, LayerError, SegNextError
from napari_segnext.session.board import Board
from napari_segnext.session.engine import Engine, Source
from napari_segnext.session.groups import answer_mask
from napari_segnext.session.history import History
from napari_segnext.session.layers import ROLES, unwrapped
from napari_segnext.session.loop import MainLoop, has_window
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.planes import PlaneKey, level_0
from napari_segnext.session.preview import Preview
from napari_segnext.session.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_segnext.core.prediction import Prediction
    from napari_segnext.session.groups import GroupAnswer
    from napari_segnext.session.history import Entry

__all__ = ["SessionCore"]

CONTRASTS = ("percentile", "layer")


class SessionCore:
    """What `Session` is made of; see there."""

    changed = Signal()
    busy = Signal(bool)
    predicted = Signal()
    error = Signal(Exception)
    hinted = Signal(str)
    model_ready = Signal()
    closed = Signal()

    each_once = False

    def __init__(
        self,
        viewer: Any,
        image: Any,
        model: Any,
        adopted: dict[str, Any],
        device: str,
        window: str | None,
        contrast: str,
        auto_run: bool,
    ) -> None:
        if contrast not in CONTRASTS:
            raise ImageError(f"contrast is {contrast!r}; use one of {CONTRASTS}.")
        self._viewer = unwrapped(viewer)
        if not isinstance(self._viewer, ViewerModel):
            raise LayerError(
                f"A session needs a napari viewer, not {type(viewer).__name__}."
            )
        self._thread = (
            threading.main_thread()
            if has_window(self._viewer)
            else threading.current_thread()
        )
        self._check_thread()
        self._image = image
        if self._image not in self._viewer.layers:
            raise ImageError("The image is not in the viewer; add it first.")
        self._contrast = contrast
        self._auto_run = bool(auto_run)
        self._closed = False
        self._is_busy = False
        self._image_changed = False
        self._model_state = "loading"
        self._hint = ""
        self._tool: str | None = None
        self._last_visible: tuple[object, ...] = ()
        self._complaint = ""
        self._errors: list[Exception] = []
        self._asked: set[tuple[int, PlaneKey]] = set()
        self._named: set[PlaneKey] = set()
        self._plane: PlaneKey | None = None
        self._board = Board(self._viewer, self._image, adopted, self._on_layer_changed)
        self._history = History()
        self._preview = Preview(self._board)
        self._target = Target(self._board)
        self._engine = Engine(model, device, window)
        self._source = self._new_source(0)
        self._loop = MainLoop(self._viewer, self._on_loop_turn)
        self._worker = Worker(self._loop.dispatch)
        self._finalizer = weakref.finalize(self, Worker.close, self._worker)

    def _sync(self) -> None:
        """Bring log, requests and preview up to date with the layers and answers."""
        raise NotImplementedError

    def _on_layer_changed(self) -> None:
        self._loop.soon()

    def _on_loop_turn(self) -> None:
        if self._closed:
            return
        try:
            self._sync()
        except SegNextError as error:
            self._report(error)

    def _check_thread(self) -> None:
        if threading.current_thread() is not self._thread:
            raise SegNextError(
                "A session belongs to the thread that made it, and with a window to "
                "the main one; call it there, for instance when a worker has returned."
            )

    def _check_open(self) -> None:
        self._check_thread()
        if self._closed:
            raise LayerError("The session is closed; open a new one for this image.")

    def _renew_source(self) -> None:
        """Answer the open prompts again, from the image as it is now."""
        self._source = self._new_source(self._source.version + 1)
        self._engine.answers.clear(self._source.version)
        self._errors.clear()
        planes = self._history.state.object.planes
        self._show(plane for plane in planes if not self._was_asked(plane))
        self._ask(plane for plane in planes if self._was_asked(plane))

    def _new_source(self, version: int) -> Source:
        limits: tuple[float, float] | None = None
        gamma = 1.0
        if self._contrast == "layer" and not self._image.rgb:
            low, high = self._image.contrast_limits
            limits, gamma = (float(low), float(high)), float(self._image.gamma)
        data = level_0(self._image)
        return Source(data, self._image.ndim, version, limits, gamma)

    # requests and answers -----------------------------------------------------------

    def _is_wanted(self, plane: PlaneKey) -> bool:
        return (
            plane == self._board.plane
            or plane in self._named
            or plane in self._preview.masks  # what is on show must not become stale
        )

    def _was_asked(self, plane: PlaneKey) -> bool:
        entry = self._history.entry(plane)
        return entry is not None and (entry.number, plane) in self._asked

    def _is_settled(self, plane: PlaneKey) -> bool:
        """Whether there is an answer to the prompts on `plane`."""
        entry = self._history.entry(plane)
        if entry is None or not entry.prompts:
            return True
        if self._is_asked_now(plane):
            return False
        if self._engine.answers.get(entry.number, plane) is not None:
            return True
        # answered, and dropped for want of memory
        is_asked = (entry.number, plane) in self._asked
        return is_asked and plane in self._preview.masks

    def _is_asked_now(self, plane: PlaneKey) -> bool:
        return self._worker.is_pending((self._history.state.object.number, plane))

    def _ask(self, planes: Iterable[PlaneKey]) -> None:
        """Request what is not yet answered on `planes`; drop older requests."""
        number = self._history.state.object.number
        for plane in list(planes):
            key = (number, plane)
            entry = self._history.entry(plane)
            if entry is None or not entry.prompts:
                self._worker.cancel(key)
                continue
            self._asked.add((entry.number, plane))
            if self._engine.answers.get(entry.number, plane) is not None:
                self._worker.cancel(key)
                self._show([plane])
                continue
            self._submit(key, entry)
        self._update_busy()

    def _submit(self, key: tuple[int, PlaneKey], entry: Entry) -> None:
        chain, source, engine = self._history.chain(entry), self._source, self._engine
        self._worker.submit(
            key,
            lambda should_stop: engine.predict(source, chain, should_stop),
            lambda _: self._on_answer(entry),
            lambda error: self._on_failure(entry, error),
        )

    def _on_answer(self, entry: Entry) -> None:
        if self._model_state != "ready":  # the first attempt failed, or was dropped
            self._on_model_loaded(None)
        if self._history.entry(entry.plane) == entry and self._show([entry.plane]):
            self.predicted.emit()
        self._update()

    def _on_failure(self, entry: Entry, error: Exception) -> None:
        if self._history.entry(entry.plane) == entry:
            self._preview.show({entry.plane: PlaneMask()})
        self._report(error)

    def _on_model_loaded(self, _: object) -> None:
        self._model_state = "ready"
        self.model_ready.emit()
        self._update()

    def _on_model_failed(self, error: Exception) -> None:
        self._model_state = "failed"
        self._report(error)

    def _report(self, error: Exception) -> None:
        self._errors.append(error)
        self.error.emit(error)
        if not self._closed:
            self._update()

    def _show(self, planes: Iterable[PlaneKey]) -> bool:
        """Show the answers to the prompts on `planes`, as far as they are there."""
        return self._preview.show({plane: self._found(plane) for plane in planes})

    def _found(self, plane: PlaneKey) -> PlaneMask:
        """Return the newest that is there of what `plane` may show."""
        for found in self._history.shown(plane):
            if isinstance(found, PlaneMask):
                return found
            answer = self._engine.answers.get(found.number, plane)
            if answer is not None:
                return self._shown(found, answer)
        return PlaneMask()

    def _shown(self, entry: Entry, answer: Prediction | GroupAnswer) -> PlaneMask:
        """Return what is shown for the answer to `entry`."""
        return answer_mask(answer)

    # what the outside sees ------------------------------------------------------------

    def _update_busy(self) -> None:
        is_busy = not self._worker.is_idle
        if is_busy != self._is_busy:
            self._is_busy = is_busy
            self.busy.emit(is_busy)

    def _update(self) -> None:
        self._update_busy()
        hint = self._find_hint()
        if hint != self._hint:
            self._hint = hint
            self.hinted.emit(hint)
        visible = self._visible()
        if visible != self._last_visible:
            self._last_visible = visible
            self.changed.emit()

    def _visible(self) -> tuple[object, ...]:
        """Return what the outside can see, to be compared."""
        return (
            self._history.revision,
            self._history.state.label,
            self._board.polarity,
            self._board.plane,
            tuple(self._board.has(role) for role in ROLES),
            self._preview.revision,
            self._auto_run,
            self._tool,
            self._is_busy,
            self._model_state,
            self._hint,
            self._closed,
        )

    def _find_hint(self) -> str:
        """Say what to do now, or why nothing happens; "": there is nothing to say."""
        return ""
