"""Changes of the open object become acts: logged, then shown and asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segnext.core.prompt_map import check_prompts
from napari_segnext.errors import PromptError
from napari_segnext.session.acts import (
    Cleared,
    OpenObject,
    PlaneChange,
    PlaneState,
    PromptsChanged,
)
from napari_segnext.session.core import SessionCore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.acts import Act
    from napari_segnext.session.planes import PlaneKey

__all__ = ["Acting"]


class Acting(SessionCore):
    """The part of `Session` that logs what is done; see there."""

    def _known(self) -> dict[PlaneKey, Prompts]:
        planes = self._history.state.object.planes
        return {plane: state.prompts for plane, state in planes.items()}

    def _change(self, after: dict[PlaneKey, Prompts]) -> None:
        """Log that prompts of the current object changed, and predict."""
        planes = self._history.state.object.planes
        number = self._history.new_number()
        changes = tuple(
            PlaneChange(
                plane,
                before=planes.get(plane, PlaneState()).prompts,
                after=prompts,
                previous=self._history.previous_of(plane, prompts, self._asked),
                stored=planes.get(plane, PlaneState()).stored,
                mark=planes.get(plane, PlaneState()).mark,
            )
            for plane, prompts in after.items()
        )
        current = self._history.state.object.number
        self._errors.clear()
        self._push(PromptsChanged(number, current, changes))
        self._show(after)
        if self._auto_run:
            self._ask(plane for plane in after if self._is_wanted(plane))

    def _prompt(self, plane: PlaneKey, prompts: Prompts) -> None:
        """Add what a script says, after checking it."""
        shape = self._board.shape
        if not plane.is_in(shape):
            raise PromptError(
                f"The prompt lies outside the image of shape {shape}; place it inside."
            )
        before = self._history.state.object.prompts(plane)
        masks = () if prompts.mask is None else (prompts.mask,)
        check_prompts(prompts, plane.shape_in(shape))
        self._named.add(plane)
        self._change({plane: before.add(*prompts, *masks)})
        self._write_prompts([plane])
        self._update()

    def _blank(self) -> OpenObject:
        each = self._history.state.object.each and not self.each_once
        return OpenObject(self._history.new_object(), each=each)

    def _drop_object(self, kind: type[Cleared]) -> None:
        state = self._history.state
        label = state.label
        if state.object.opened:
            label = self._target.next_free()
        self._push(kind(0, state.object, self._blank(), state.label, label))

    def _push(self, act: Act) -> None:
        """Log a new act whose pixels are in the target already, and show it."""
        before = self._history.state.object
        self._history.push(act)
        if not isinstance(act, PromptsChanged):
            self._after_switch(before)

    def _after_move(self, act: Act) -> None:
        """Show what undo or redo made current."""
        for plane in act.planes:
            self._worker.cancel((self._history.state.object.number, plane))
        self._errors.clear()
        planes = {*act.planes, *self._preview.masks}
        self._write_prompts(planes)
        self._show(planes)
        self._ask(
            plane
            for plane in act.planes
            if self._was_asked(plane) or (self._auto_run and self._is_wanted(plane))
        )

    def _after_switch(self, before: OpenObject) -> None:
        """Show another current object."""
        current = self._history.state.object
        for plane in before.planes:
            if current.number != before.number:
                self._worker.cancel((before.number, plane))
        planes = {*before.planes, *current.planes, *self._preview.masks}
        self._write_prompts(planes)
        self._show(planes)

    def _write_prompts(self, planes: Iterable[PlaneKey]) -> None:
        known = self._known()
        self._board.write(known)
        self._board.paint(known, planes)
