"""Acts on slices of the open object: made by propagation, locked, reviewed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_segnext.session import text
from napari_segnext.session.state import updated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.state import ObjectChange, PlaneState, State

__all__ = ["Marked", "Propagated", "SliceChange"]


@dataclass(frozen=True, slots=True)
class SliceChange:
    """What is known of the open object on a plane, before and after; None: nothing."""

    plane: PlaneKey
    before: PlaneState | None
    after: PlaneState | None


@dataclass(frozen=True, slots=True)
class _OnSlices:
    """An act on some slices of the current object; prompts stay as they are.

    Parameters
    ----------
    label : int
        What accept would write.
    changes : tuple of SliceChange
        One for every plane concerned.
    """

    label: int
    changes: tuple[SliceChange, ...]

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
        return text.act_on_label(type(self).__name__, self.label)

    def forward(self, state: State) -> State:
        """Do the act."""
        after = ((change.plane, change.after) for change in self.changes)
        return _with_planes(state, after)

    def backward(self, state: State) -> State:
        """Take the act back."""
        before = ((change.plane, change.before) for change in self.changes)
        return _with_planes(state, before)


def _with_planes(
    state: State, changes: Iterable[tuple[PlaneKey, PlaneState | None]]
) -> State:
    planes = dict(state.object.planes)
    for plane, found in changes:
        planes.pop(plane, None)
        if found is not None:
            planes[plane] = found
    return replace(state, object=replace(state.object, planes=planes))


@dataclass(frozen=True, slots=True)
class Propagated(_OnSlices):
    """Slices of the current object were made by propagation or interpolation.

    Parameters
    ----------
    follows : bool
        Whether it came of the correction just before: undo and redo take both.
    """

    follows: bool = False

    @property
    def text(self) -> str:
        """What the act is called in a tooltip."""
        made = {change.after.mark.made_by for change in self.changes if change.after}
        name = "Interpolated" if made == {"interpolation"} else "Propagated"
        return text.act_on_label(name, self.label)

    def joined(self, more: Propagated) -> Propagated:
        """Return this act and `more`, which came right after it, as one."""
        changes = {change.plane: change for change in self.changes}
        for change in more.changes:
            first = changes.get(change.plane, change)
            changes[change.plane] = replace(change, before=first.before)
        return replace(self, changes=tuple(changes.values()))


@dataclass(frozen=True, slots=True)
class Marked(_OnSlices):
    """Slices of an object were locked or reviewed, or not any more.

    Parameters
    ----------
    known : tuple of ObjectChange
        What changes in what is known of accepted objects.
    """

    known: tuple[ObjectChange, ...] = ()

    def forward(self, state: State) -> State:
        """Do the act."""
        known = {change.label: change.after for change in self.known}
        state = replace(state, known=updated(state.known, known))
        return _OnSlices.forward(self, state)

    def backward(self, state: State) -> State:
        """Take the act back."""
        known = {change.label: change.before for change in self.known}
        state = replace(state, known=updated(state.known, known))
        return _OnSlices.backward(self, state)
