"""The frozen, invertible acts, and the state that they make and unmake.

Whatever changes the annotation is one of these values. The state of a session is the
fold of its acts: ``act.forward(state)`` does the act, ``act.backward(state)`` takes it
back. Both are pure; the pixels of the target that go with an act are in
``act.pixels``, and whoever owns the layer writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from napari_segnext.session import text
from napari_segnext.session.slice_acts import Marked, Propagated, SliceChange
from napari_segnext.session.state import (
    ObjectChange,
    OpenObject,
    PlaneState,
    SliceMark,
    State,
    updated,
)

if TYPE_CHECKING:
    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.pixels import PixelChange, PlaneMask
    from napari_segnext.session.planes import PlaneKey

__all__ = [
    "Accepted",
    "Act",
    "Cleared",
    "Deleted",
    "Edited",
    "Grouped",
    "Marked",
    "Merged",
    "ObjectChange",
    "OpenObject",
    "PlaneChange",
    "PlaneState",
    "PromptsChanged",
    "Propagated",
    "Relabelled",
    "Reviewed",
    "SliceChange",
    "SliceMark",
    "Split",
    "State",
    "TargetEdited",
    "TargetRemoved",
]


@dataclass(frozen=True, slots=True)
class PlaneChange:
    """How the prompts of one plane changed.

    Parameters
    ----------
    plane : PlaneKey
        Where.
    before, after : Prompts
        The prompts that stood, and that stand now.
    previous : int or None
        Number of the earlier entry whose answer is fed back as the previous mask.
    stored : PlaneMask or None
        The stored mask that was shown before.
    mark : SliceMark
        What was marked before.
    """

    plane: PlaneKey
    before: Prompts
    after: Prompts
    previous: int | None = None
    stored: PlaneMask | None = None
    mark: SliceMark = field(default_factory=SliceMark)


@dataclass(frozen=True, slots=True)
class PromptsChanged:
    """Prompts of the current object were added, moved or removed.

    Parameters
    ----------
    number : int
        Number of the entry; rises, is never used twice.
    object : int
        Number of the object.
    changes : tuple of PlaneChange
        One for every plane concerned.
    """

    number: int
    object: int
    changes: tuple[PlaneChange, ...]

    @property
    def planes(self) -> tuple[PlaneKey, ...]:
        """The planes concerned."""
        return tuple(change.plane for change in self.changes)

    @property
    def pixels(self) -> None:
        """No pixel of the target changes."""
        return

    @property
    def text(self) -> str:
        """What the act is called in a tooltip."""
        more = sum(len(change.after) - len(change.before) for change in self.changes)
        return text.count_of_prompts(more)

    def forward(self, state: State) -> State:
        """Do the act."""
        planes = dict(state.object.planes)
        for change in self.changes:
            entries = planes.get(change.plane, PlaneState()).entries
            planes[change.plane] = PlaneState(
                change.after,
                (*entries, self.number),
                mark=SliceMark(locked=change.mark.locked),
            )
        return replace(state, object=replace(state.object, planes=planes))

    def backward(self, state: State) -> State:
        """Take the act back."""
        planes = dict(state.object.planes)
        for change in self.changes:
            entries = planes.pop(change.plane).entries[:-1]
            before = PlaneState(change.before, entries, change.stored, change.mark)
            if before != PlaneState():
                planes[change.plane] = before
        return replace(state, object=replace(state.object, planes=planes))


@dataclass(frozen=True, slots=True)
class _Switch:
    """An act that puts another object in the place of the current one.

    Parameters
    ----------
    label : int
        The label that the act is about (0: none).
    before, after : OpenObject
        The current object.
    label_before, label_after : int
        What accept would write.
    known : tuple of ObjectChange
        What changes in what is known of the accepted objects.
    pixels : PixelChange or None
        What changes in the target.
    """

    label: int
    before: OpenObject
    after: OpenObject
    label_before: int
    label_after: int
    known: tuple[ObjectChange, ...] = ()
    pixels: PixelChange | None = None

    @property
    def planes(self) -> tuple[PlaneKey, ...]:
        """The planes concerned."""
        return tuple(dict.fromkeys([*self.before.planes, *self.after.planes]))

    @property
    def text(self) -> str:
        """What the act is called in a tooltip."""
        return text.act_on_label(type(self).__name__, self.label)

    def forward(self, state: State) -> State:
        """Do the act."""
        known = {change.label: change.after for change in self.known}
        return State(self.after, self.label_after, updated(state.known, known))

    def backward(self, state: State) -> State:
        """Take the act back."""
        known = {change.label: change.before for change in self.known}
        return State(self.before, self.label_before, updated(state.known, known))


class Accepted(_Switch):
    """The preview of the current object was written into the target."""

    __slots__ = ()


class Cleared(_Switch):
    """The current object was dropped."""

    __slots__ = ()


class Edited(_Switch):
    """An accepted object was opened again."""

    __slots__ = ()


class Grouped(_Switch):
    """Prompts to come are for several objects, one each, or for one again."""

    __slots__ = ()


class Deleted(_Switch):
    """An accepted object was erased."""

    __slots__ = ()


class Merged(_Switch):
    """Several accepted objects became one."""

    __slots__ = ()


class Split(_Switch):
    """An accepted object was cut in two."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TargetEdited:
    """The target was changed from outside: painted, filled, or napari's own undo.

    Parameters
    ----------
    plane : PlaneKey
        The plane that was on display.
    pixels : PixelChange
        What changed.
    """

    plane: PlaneKey
    pixels: PixelChange

    @property
    def planes(self) -> tuple[PlaneKey, ...]:
        """The plane concerned."""
        return (self.plane,)

    @property
    def text(self) -> str:
        """What the act is called in a tooltip."""
        return text.PAINTING

    def forward(self, state: State) -> State:
        """Nothing but pixels changes."""
        return state

    def backward(self, state: State) -> State:
        """Nothing but pixels changes."""
        return state


class Reviewed(_Switch):
    """An object was marked as reviewed, or as not."""

    __slots__ = ()

    @property
    def planes(self) -> tuple[PlaneKey, ...]:
        """Nothing is shown otherwise."""
        return ()


class TargetRemoved(_Switch):
    """The layer with the accepted objects was removed, and an empty one was made."""

    __slots__ = ()

    @property
    def planes(self) -> tuple[PlaneKey, ...]:
        """None: all were concerned."""
        return ()


class Relabelled(_Switch):
    """Another label was chosen for the current object."""

    __slots__ = ()

    @property
    def planes(self) -> tuple[PlaneKey, ...]:
        """None: there is nothing to look at."""
        return ()


Act = (
    PromptsChanged
    | Accepted
    | Cleared
    | Edited
    | Grouped
    | Deleted
    | Marked
    | Merged
    | Propagated
    | Relabelled
    | Split
    | TargetEdited
    | Reviewed
    | TargetRemoved
)
