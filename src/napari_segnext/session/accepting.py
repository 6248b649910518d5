"""What the preview shows becomes labels of the target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_segnext.errors import PromptError
from napari_segnext.session import text
from napari_segnext.session.acts import (
    Accepted,
    Edited,
    ObjectChange,
    OpenObject,
)
from napari_segnext.session.compose import compose, compose_together
from napari_segnext.session.overlapping import Overlapping
from napari_segnext.session.pixels import PixelChange
from napari_segnext.session.together import (
    each_apart,
    masks_apart,
    remembered,
    single,
)

if TYPE_CHECKING:
    from napari_segnext.session.acts import PlaneState
    from napari_segnext.session.pixels import PlaneMask
    from napari_segnext.session.planes import PlaneKey

    Masks = dict[PlaneKey, PlaneMask]

__all__ = ["Accepting"]


class Accepting(Overlapping):
    """The part of `Session` that accepts; see there."""

    def accept(self) -> int:
        """Write what the preview shows, on all its planes, into the target.

        One act, and one undo step of the target. The prompts go, and `label` becomes
        the next free one. With `each`, every object gets a label of its own: the
        first one `label`, the others the next free ones; objects that were opened
        together keep theirs. Pixels of other objects are dealt with as `overlap` says.
        Prompts that have no answer yet are left out; `hint` and `error` say so.

        Returns
        -------
        int
            The label that was written; the first one if there are several.

        Raises
        ------
        PromptError
            If nothing is shown, all of it belongs to other objects, or the question
            what to do with theirs was not answered.
        LayerError
            If the target cannot be written or cannot hold the label.
        """
        self._sync()
        self._target.check_shape()
        state = self._history.state
        masks = self._masks_to_accept()
        self._check_anything_shown(masks)
        changes, known = self._composed(masks, self._settled_overlap())
        waiting = sum(not self._is_settled(plane) for plane in state.object.planes)
        is_same = not state.object.each and self._has_own_pixels(masks)
        if not any(changes.values()) and not is_same:
            raise PromptError(
                "All that is shown belongs to other labels, which are kept; to correct "
                "one of them, clear and edit it, or choose that others are overwritten."
            )
        change = PixelChange.joined(changes.values())
        self._target.write(change)
        self._push(
            Accepted(
                label=state.label,
                before=state.object,
                after=self._blank(),
                label_before=state.label,
                label_after=self._target.next_free(changes),
                known=known,
                pixels=change,
            )
        )
        if waiting:
            self._complain(text.ACCEPTED_TOO_EARLY.format(count=waiting))
        self._update()
        return state.label

    def _check_anything_shown(self, masks: Masks) -> None:
        if any(masks.values()):
            return
        opened = self._history.state.object.opened
        if opened and masks:
            raise PromptError(
                f"Nothing is left of label {opened[0]}; delete it, or correct prompts."
            )
        raise PromptError(
            "Nothing is shown that could be accepted; run the prompts, and wait."
            if self.can_run and not self._auto_run
            else "Nothing is shown that could be accepted; add a prompt and wait."
        )

    def _composed(
        self, masks: Masks, overlap: str
    ) -> tuple[dict[int, PixelChange], tuple[ObjectChange, ...]]:
        """Work out what changes in the target, by label, and what is known then."""
        current, label = self._history.state.object, self._history.state.label
        if current.labels:
            return self._composed_together(masks, overlap)
        if not current.each:
            change = self._compose(masks, label, overlap)
            return {label: change}, self._known_after_accept(masks)
        changes: dict[int, PixelChange] = {}
        known: list[ObjectChange] = []
        for found in each_apart(current, masks):
            own = {plane: state.stored for plane, state in found.items()}
            change = self._compose(
                {plane: mask for plane, mask in own.items() if mask}, label, overlap
            )
            if not change:  # all of it belongs to others
                continue
            after = OpenObject(
                self._history.new_object(), remembered(found), reviewed=True
            )
            before = self._history.state.known.get(label)
            known.append(ObjectChange(label, before, after))
            changes[label] = change
            label = self._target.next_free(changes)
        return changes, tuple(known)

    def _composed_together(
        self, masks: Masks, overlap: str
    ) -> tuple[dict[int, PixelChange], tuple[ObjectChange, ...]]:
        """Do the same for accepted objects that were reopened together."""
        current, state = self._history.state.object, self._history.state
        numbers = dict(enumerate(current.labels, 1))
        opened = masks_apart(self._opened() or {}, len(numbers))
        objects = masks_apart(masks, len(numbers))
        change = compose_together(
            self._target.layer,
            {label: objects[number] for number, label in numbers.items()},
            opened={label: opened[number] for number, label in numbers.items()},
            overlap=overlap,
        )
        known = []
        for number, label in numbers.items():
            before = state.known.get(label)
            kept = before.planes if before is not None else {}
            planes = {
                plane: found if found.is_made else kept[plane]
                for plane, found in single(current, number, masks).items()
                if found.is_made or plane in kept
            }
            if planes or before is not None:
                after = OpenObject(self._history.new_object(), planes, reviewed=True)
                known.append(ObjectChange(label, before, after))
        return {current.labels[0]: change}, tuple(known)

    def _compose(self, masks: Masks, label: int, overlap: str) -> PixelChange:
        return compose(
            self._target.layer,
            masks,
            label,
            editing=self._history.state.object.editing,
            opened=self._opened(),
            overlap=overlap,
        )

    def _opened(self) -> Masks | None:
        """Return what the current object was when it was opened for editing."""
        number = self._history.state.object.number
        for act in reversed(self._history.acts):
            if isinstance(act, Edited) and act.after.number == number:
                planes = act.after.planes.items()
                return {plane: found.stored for plane, found in planes if found.stored}
        return None

    def _known_after_accept(self, masks: Masks) -> tuple[ObjectChange, ...]:
        state = self._history.state
        editing = state.object.editing
        before = state.known.get(state.label)
        planes: dict[PlaneKey, PlaneState] = {}
        # what was accepted before under this label, unless it was painted away
        if before is not None and state.label in self._target.labels:
            planes = before.planes if editing != state.label else {}
        accepted = remembered(
            {
                plane: replace(found, stored=masks[plane])
                for plane, found in state.object.planes.items()
                if masks.get(plane)
            }
        )
        after = OpenObject(state.object.number, {**planes, **accepted}, reviewed=True)
        changes = [ObjectChange(state.label, before, after)]
        if editing is not None and editing != state.label:
            changes.append(ObjectChange(editing, state.known.get(editing), None))
        return tuple(changes)
