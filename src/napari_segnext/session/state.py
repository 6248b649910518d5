"""What is known of objects: the state that acts make and unmake."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segnext.core.prompts import Prompts

if TYPE_CHECKING:
    from napari_segnext.session.pixels import PlaneMask
    from napari_segnext.session.planes import PlaneKey

__all__ = [
    "ObjectChange",
    "OpenObject",
    "PlaneState",
    "SliceMark",
    "State",
    "updated",
]


@dataclass(frozen=True, slots=True)
class SliceMark:
    """Where a slice's mask comes from, and what somebody said about the slice.

    Parameters
    ----------
    made_by : {"", "propagation", "interpolation"}
        What made the mask that is stored; "": somebody prompted it, or it was opened
        as it was in the target.
    score : float or None
        How good it probably is, from 0 to 1; of masks that were made.
    locked : bool
        Whether propagation leaves the slice as it is.
    reviewed : bool
        Whether somebody looked at it and found it good.
    parts : tuple of (int, float or None)
        Where several objects are open: which of them were made, by number, and their
        scores; the others on the slice are by hand.
    """

    made_by: str = ""
    score: float | None = None
    locked: bool = False
    reviewed: bool = False
    parts: tuple[tuple[int, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class PlaneState:
    """What is known of one object on one plane.

    Parameters
    ----------
    prompts : Prompts
        The prompts that stand.
    entries : tuple of int
        Numbers of the `PromptsChanged` entries that led here, oldest first. The
        answer to the last one is what the preview shows.
    stored : PlaneMask or None
        A mask that is shown instead, until the prompts change (after `Edited`, or made
        by propagation). In what is known of an accepted object: what was written.
    mark : SliceMark
        Who made the mask, how good it is, whether it is locked.
    """

    prompts: Prompts = field(default_factory=Prompts)
    entries: tuple[int, ...] = ()
    stored: PlaneMask | None = None
    mark: SliceMark = field(default_factory=SliceMark)

    @property
    def is_made(self) -> bool:
        """Whether the mask, or a part of it, was made from other slices."""
        return bool(self.mark.made_by) and not self.prompts

    @property
    def is_keyed(self) -> bool:
        """Whether all of the mask is by somebody's hand."""
        return bool(self.prompts) or (self.stored is not None and not self.is_made)

    @property
    def made_parts(self) -> dict[int, float | None]:
        """Scores of the objects that were made on this plane, by number."""
        if not self.is_made:
            return {}
        return dict(self.mark.parts) or {1: self.mark.score}

    @property
    def has_keys(self) -> bool:
        """Whether there is something that is never made anew: by hand, or locked."""
        if self.mark.locked or self.is_keyed:
            return True
        parts = self.mark.parts
        return self.stored is not None and 0 < len(parts) < len(self.stored.parts)


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object with its prompts, over any number of planes.

    Parameters
    ----------
    number : int
        Tells this object from all others of the session.
    planes : dict of PlaneKey to PlaneState
        Never changed in place.
    editing : int or None
        The label whose pixels accept replaces, where the object was reopened.
    each : bool
        Whether every positive prompt is an object of its own.
    reviewed : bool
        Whether somebody has looked at it and found it good; of accepted objects.
    labels : tuple of int
        The accepted objects that were opened together; number 1 is the first one.
    """

    number: int = 0
    planes: dict[PlaneKey, PlaneState] = field(default_factory=dict)
    editing: int | None = None
    each: bool = False
    reviewed: bool = False
    labels: tuple[int, ...] = ()

    @property
    def has_parts(self) -> bool:
        """Whether it is several objects, which planes tell apart by number."""
        return self.each or bool(self.labels)

    @property
    def opened(self) -> tuple[int, ...]:
        """The labels whose pixels accept replaces."""
        return self.labels if self.editing is None else (self.editing,)

    @property
    def is_blank(self) -> bool:
        """Whether there is neither a prompt nor a stored mask."""
        return not any(state.prompts or state.stored for state in self.planes.values())

    def by_hand(self, plane: PlaneKey) -> frozenset[int]:
        """Return which of the objects are by hand on a plane, or locked, by number.

        Prompts that are an object each count as one, whose number is 1.
        """
        state = self.planes.get(plane)
        if state is None or not state.has_keys:
            return frozenset()
        if not self.labels:
            return frozenset({1})
        parts = () if state.stored is None else state.stored.parts
        made = () if state.mark.locked else state.made_parts
        return frozenset(parts).difference(made)

    def prompts(self, plane: PlaneKey) -> Prompts:
        """Return the prompts on `plane`, perhaps none."""
        state = self.planes.get(plane)
        return Prompts() if state is None else state.prompts


@dataclass(frozen=True, slots=True)
class State:
    """The fold of a log of acts.

    Parameters
    ----------
    object : OpenObject
        The current object.
    label : int
        What accept would write.
    known : dict of int to OpenObject
        Prompts of the accepted objects by label, and which objects are reviewed (those
        from elsewhere have no planes then). Never changed in place.
    """

    object: OpenObject = field(default_factory=OpenObject)
    label: int = 1
    known: dict[int, OpenObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What is known of a label, before and after an act; None: nothing."""

    label: int
    before: OpenObject | None
    after: OpenObject | None


def updated(
    known: dict[int, OpenObject], changes: dict[int, OpenObject | None]
) -> dict[int, OpenObject]:
    """Return what is known by label after changes; None: nothing any more."""
    merged = {**known, **changes}
    return {label: value for label, value in merged.items() if value is not None}
