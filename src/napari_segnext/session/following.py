"""A session that follows the viewer: what changed in layers and sliders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.prompts import Prompts
from napari_segnext.errors import ImageError, LayerError, PromptError
from napari_segnext.session import text
from napari_segnext.session.acting import Acting
from napari_segnext.session.acts import (
    Cleared,
    ObjectChange,
    State,
    TargetEdited,
    TargetRemoved,
)
from napari_segnext.session.bulk import MOST_PIXELS, clearing

if TYPE_CHECKING:
    from napari_segnext.session.acts import Act
    from napari_segnext.session.pixels import PixelChange

__all__ = ["Following"]

_LOADING = "load the model"
_MOST_ACTS = 50  # back in the log, where napari's own undo is looked for


class Following(Acting):
    """The part of `Session` that follows the viewer; see there."""

    # pixels of a target that was removed, and how it was painted just before
    _lost_target: tuple[Any, TargetEdited | None] | None = None
    # a layer of ours was removed and no other was in use: napari chose one itself
    _lost_in_use = False

    def _start(self) -> None:
        """Make the first layers, watch the viewer, and load the model."""
        for role in ("target", "preview", "points"):
            self._board.get(role)
        self._history.start(self._target.next_free())
        self._loop.start()
        self._look()
        self._connect()
        self._load_model()
        self._update()

    def _load_model(self) -> None:
        self._worker.submit(
            _LOADING, self._engine.load, self._on_model_loaded, self._on_model_failed
        )

    # events of napari: they only say "dirty" ------------------------------------

    def _connect(self) -> None:
        self._viewer.dims.events.point.connect(self._on_dims_changed)
        self._viewer.dims.events.order.connect(self._on_dims_changed)
        self._viewer.dims.events.ndisplay.connect(self._on_dims_changed)
        self._viewer.layers.events.removing.connect(self._on_layer_removing)
        self._viewer.layers.events.removed.connect(self._on_layer_removed)
        self._image.events.data.connect(self._on_image_data)

    def _disconnect(self) -> None:
        self._viewer.dims.events.point.disconnect(self._on_dims_changed)
        self._viewer.dims.events.order.disconnect(self._on_dims_changed)
        self._viewer.dims.events.ndisplay.disconnect(self._on_dims_changed)
        self._viewer.layers.events.removing.disconnect(self._on_layer_removing)
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._image.events.data.disconnect(self._on_image_data)

    def _on_dims_changed(self, event: Any) -> None:
        self._board.refresh_defaults()
        self._loop.soon()

    def _on_layer_removing(self, event: Any) -> None:
        layer = self._viewer.layers[event.index]
        active = self._viewer.layers.selection.active
        # the list in the window has already let go of what is being removed
        if active in (None, layer) and self._board.plays(layer):
            self._lost_in_use = True

    def _on_layer_removed(self, event: Any) -> None:
        if event.value is self._image:
            self._worker.cancel()
        self._loop.soon()

    def _on_image_data(self, event: Any) -> None:
        self._image_changed = True
        self._worker.cancel()
        if self._model_state == "loading":  # that was dropped with the rest
            self._load_model()
        self._loop.soon()

    # looking at the layers --------------------------------------------------------

    def _sync(self) -> None:
        """Bring log, requests and preview up to date with the layers and answers."""
        self._check_open()
        if self._image not in self._viewer.layers:
            self._close()
            raise LayerError(
                "The image was removed from the viewer, and its session is closed; "
                "open the image again and start a new session."
            )
        if self._image_changed:
            self._take_new_image()
        self._look_for_lost_target()
        self._look_for_lost_layers()
        self._look_at_prompts()
        if self._lost_target is not None:
            self._log_lost_target(*self._lost_target)
        elif "target" in self._board.dirty and not self._board.is_being_painted(
            "target"
        ):
            self._look_at_target()
        if self._board.plane != self._plane:
            self._look()
        self._worker.deliver()
        self._update()

    def _look(self) -> None:
        """Take note of the plane on display, and predict it if that is due."""
        self._plane = self._board.plane
        self._target.look_at(self._plane)
        self._board.refresh_defaults()
        if self._plane is not None and self._auto_run:
            self._ask([self._plane])

    def _look_for_lost_layers(self) -> None:
        lost = self._board.lost()
        for role in lost:
            self._board.forget(role)
            self._board.dirty.add(role)
        if "preview" in lost:
            self._preview.forget()
            if not self._history.state.object.is_blank:
                self._drop_object(Cleared)
        for role in lost:
            if role in ("preview", "points"):
                self._board.get(role)

    def _look_for_lost_target(self) -> None:
        """Put an empty layer in the place of a target that was removed."""
        layer = self._board.last("target")
        if layer is None or self._board.has("target"):
            return
        edit = self._target.edited(layer)
        self._target.forget()
        new = self._board.labels("target")
        if new.data.dtype != layer.data.dtype:  # its labels may have to come back
            new.data = np.zeros(new.data.shape, layer.data.dtype)
        new.name = layer.name
        self._target.look_at(self._plane)
        self._board.dirty.discard("target")
        if self._lost_target is None:
            self._lost_target = layer.data, edit

    def _log_lost_target(self, data: Any, edit: TargetEdited | None) -> None:
        self._lost_target = None
        if edit is not None:  # just before
            self._push(edit)
        state = self._history.state
        is_same_shape = tuple(data.shape) == self._board.shape
        change = clearing(data) if is_same_shape else None
        known = tuple(
            ObjectChange(label, found, None) for label, found in state.known.items()
        )
        is_new = not state.object.opened
        label = self._target.next_free() if is_new else state.label
        self._complaint = text.LABELS_REMOVED
        if change is None:
            if is_same_shape:
                millions = MOST_PIXELS // 1_000_000
                self._complaint = text.LABELS_LOST.format(count=millions)
            self._history.restart(State(state.object, label))
            return
        if change:
            self._complaint = text.LABELS_CAN_COME_BACK
        if change or known:
            current = state.object
            self._push(
                TargetRemoved(0, current, current, state.label, label, known, change)
            )

    def _after_move(self, act: Act) -> None:
        self._complaint = ""
        super()._after_move(act)

    def _look_at_prompts(self) -> None:
        known = self._known()
        now, complaints = self._board.read(known)
        if now == known:
            if complaints:
                self._complain(complaints[0])
            return
        self._complaint = ""
        changes = {
            plane: prompts
            for plane, prompts in now.items()
            if prompts != known.get(plane, Prompts())
        }
        if changes:
            self._change(changes)
        if complaints:
            self._complain(complaints[0])

    def _complain(self, sentence: str) -> None:
        if sentence != self._complaint:
            self._complaint = sentence
            self.error.emit(PromptError(sentence))

    def _look_at_target(self) -> None:
        """Log what others did to the target; napari's undo and redo move in the log."""
        edit = self._target.edited()
        last, following = self._history.last, self._history.next
        moves: list[tuple[Act, PixelChange, bool]] = []
        if last is not None and last.pixels is not None:
            moves.append((last, last.pixels, True))
        if following is not None and following.pixels is not None:
            moves.append((following, following.pixels, False))
        found = self._target.found(edit, [move[1:] for move in moves])
        if found is not None:
            act, _, undone = moves[found]
            if undone:
                self._history.back()
            else:
                self._history.forth()
            self._after_move(act)
            return
        taken_back = self._taken_back(edit)
        for change in taken_back:
            self._push(self._target.taken_back(change))
        if edit is not None and not taken_back:
            self._push(edit)

    def _taken_back(self, edit: TargetEdited | None) -> list[PixelChange]:
        """Return what earlier acts did if napari has just taken that back.

        Where nothing is seen to have changed only the newest that is not taken back yet
        can tell; those just before one that was taken back may have been, too.
        """
        found: list[PixelChange] = []
        known: list[PixelChange] = []  # to be taken back already
        for act in reversed(self._history.acts[-_MOST_ACTS:]):
            change = act.pixels
            if change is None or not change:
                continue
            seen = None if found else edit
            if known and change == known[-1]:
                known.pop()
            elif not known and self._target.found(seen, [(change, True)]) is not None:
                found.append(change)
            elif isinstance(act, TargetEdited) and seen is None and not found:
                known.append(change.inverse())
            elif seen is None:
                break
        return found

    def _take_new_image(self) -> None:
        self._image_changed = False
        shape = tuple(self._board.labels("target").data.shape)
        if self._board.shape != shape:
            self._close()
            raise ImageError(
                f"The image now has shape {self._board.shape} instead of {shape}, and "
                "its session is closed; start a new one."
            )
        self._renew_source()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._disconnect()
        self._finalizer.detach()
        self._worker.close()
        self._loop.close()
        self._board.close()
        self._hint = text.CLOSED
        if self._is_busy:
            self._is_busy = False
            self.busy.emit(False)
        self.closed.emit()
        self.changed.emit()
