"""The log of acts and its cursor."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segnext.session.acts import (
    Act,
    OpenObject,
    PlaneState,
    PromptsChanged,
    Propagated,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.pixels import PixelChange, PlaneMask
    from napari_segnext.session.planes import PlaneKey

    OnMoved = Callable[[str, Act | None], None]

__all__ = ["Beginning", "Entry", "History", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One plane of a `PromptsChanged`: what an answer answers.

    A fresh answer is defined by it: predict `prompts`, with the answer to the entry
    `previous` (or nothing) fed back; with `each`, every positive prompt is answered
    as an object of its own. Until it is answered, what was shown before stays: an
    answer to an earlier entry, or the mask that was `stored`.
    """

    number: int
    plane: PlaneKey
    prompts: Prompts
    previous: int | None
    each: bool = False
    stored: PlaneMask | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A history as a value: acts before and after the cursor, and what they made."""

    state: State
    acts: tuple[Act, ...]
    cursor: int
    entries: tuple[Entry, ...]
    last_number: int
    last_object: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a session began with.

    Parameters
    ----------
    image : str
        Name of the image's layer.
    shape : tuple of int
        Its shape, the colour axis not counted.
    model : str
        Name of the model.
    target : str
        Name of the target's layer.
    dtype : str
        Its data type.
    pixels : PixelChange or None
        What was in the target; None if that was too much.
    history : Snapshot
        The acts before, if work was taken up.
    """

    image: str
    shape: tuple[int, ...]
    model: str
    target: str
    dtype: str
    pixels: PixelChange | None
    history: Snapshot


class History:
    """A log of acts, a cursor in it, and the state at the cursor.

    Undo and redo move the cursor; a new act drops what lies after it.

    Parameters
    ----------
    on_moved : callable, optional
        Told what happened: "do" and the new act, "grow" and what the last act grew by,
        "undo", "redo", or "restart".
    """

    def __init__(self, on_moved: OnMoved | None = None) -> None:
        self.on_moved: OnMoved = on_moved or _tell_nobody
        self.state = State()
        self.revision = 0  # rises with every change
        self._acts: list[Act] = []
        self._cursor = 0
        self._entries: dict[tuple[int, PlaneKey], Entry] = {}
        self._last_number = 0
        self._last_object = 0

    def start(self, label: int) -> None:
        """Begin with a blank object, and with `label` as the one to write."""
        self.state = State(OpenObject(self.new_object()), label)

    def restart(self, state: State) -> None:
        """Go on from a state; what was done before can no longer be undone."""
        self.state = state
        self._acts.clear()
        self._cursor = 0
        self.revision += 1
        self.on_moved("restart", None)

    @classmethod
    def restored(cls, snapshot: Snapshot) -> History:
        """Return the history that `snapshot` was taken of."""
        history = cls()
        history.state = snapshot.state
        history._acts = list(snapshot.acts)
        history._cursor = snapshot.cursor
        history._entries = {(it.number, it.plane): it for it in snapshot.entries}
        history._last_number = snapshot.last_number
        history._last_object = snapshot.last_object
        return history

    def snapshot(self) -> Snapshot:
        """Return all of it as a value."""
        return Snapshot(
            self.state,
            tuple(self._acts),
            self._cursor,
            tuple(self._entries.values()),
            self._last_number,
            self._last_object,
        )

    def copy(self) -> History:
        """Return a history that goes on by itself; the acts are shared."""
        other = copy(self)
        other.on_moved = _tell_nobody
        other._acts = list(self._acts)
        other._entries = dict(self._entries)
        return other

    @property
    def acts(self) -> tuple[Act, ...]:
        """The acts up to the cursor, oldest first."""
        return tuple(self._acts[: self._cursor])

    @property
    def last(self) -> Act | None:
        """The act that undo would take back."""
        return self._acts[self._cursor - 1] if self._cursor else None

    @property
    def next(self) -> Act | None:
        """The act that redo would do again."""
        return self._acts[self._cursor] if self._cursor < len(self._acts) else None

    def new_number(self) -> int:
        """Return a number for a new `PromptsChanged`."""
        self._last_number += 1
        return self._last_number

    def new_object(self) -> int:
        """Return a number for a new object."""
        self._last_object += 1
        return self._last_object

    def push(self, act: Act) -> None:
        """Do a new act; what could have been redone is forgotten."""
        self.state = act.forward(self.state)
        del self._acts[self._cursor :]
        self._acts.append(act)
        self._cursor += 1
        self.revision += 1
        numbers = [self.state.object.number]
        numbers += [it.after.number for it in getattr(act, "known", ()) if it.after]
        self._last_object = max(self._last_object, *numbers)
        if isinstance(act, PromptsChanged):
            self._last_number = max(self._last_number, act.number)
            for change in act.changes:
                self._entries[act.number, change.plane] = Entry(
                    act.number,
                    change.plane,
                    change.after,
                    change.previous,
                    self.state.object.each,
                    change.stored,
                )
        self.on_moved("do", act)

    def grow(self, more: Propagated) -> Propagated:
        """Make `more` a part of the last act, and return what that is now.

        Raises
        ------
        ValueError
            If the last act is no `Propagated`.
        """
        last = self.last
        if not isinstance(last, Propagated):
            raise ValueError("Only what was propagated can grow.")
        self.state = more.forward(self.state)
        grown = last.joined(more)
        self._acts[self._cursor - 1] = grown
        self.revision += 1
        self.on_moved("grow", more)
        return grown

    def step(self, forward: bool) -> list[Act]:
        """Do the next act, or take the last one back, with those that follow it.

        Returns
        -------
        list of Act
            In the order in which they were moved; none if there is none.
        """
        moved: list[Act] = []
        if forward:
            while (act := self.next) is not None and (not moved or _follows(act)):
                self.forth()
                moved.append(act)
            return moved
        while (act := self.back()) is not None:
            moved.append(act)
            if not _follows(act):
                break
        return moved

    def back(self) -> Act | None:
        """Take the last act back and return it; None if there is none."""
        act = self.last
        if act is not None:
            self.state = act.backward(self.state)
            self._cursor -= 1
            self.revision += 1
            self.on_moved("undo", None)
        return act

    def forth(self) -> Act | None:
        """Do the next act again and return it; None if there is none."""
        act = self.next
        if act is not None:
            self.state = act.forward(self.state)
            self._cursor += 1
            self.revision += 1
            self.on_moved("redo", None)
        return act

    def entry(self, plane: PlaneKey) -> Entry | None:
        """Return the entry that the current object's prompts on `plane` stand at."""
        state = self.state.object.planes.get(plane)
        if state is None or state.stored is not None or not state.entries:
            return None
        return self._entries[state.entries[-1], plane]

    def shown(self, plane: PlaneKey) -> Iterator[Entry | PlaneMask]:
        """Yield what the current object may show on `plane`, the newest first.

        Nothing that follows an entry without prompts, or a stored mask.
        """
        state = self.state.object.planes.get(plane, PlaneState())
        if state.stored is not None:
            yield state.stored
            return
        for number in reversed(state.entries):
            entry = self._entries[number, plane]
            if not entry.prompts:
                return
            yield entry
            if entry.stored is not None:
                yield entry.stored
                return

    def chain(self, entry: Entry) -> tuple[Entry, ...]:
        """Return `entry` and all whose answers it builds on, oldest first."""
        result = [entry]
        while result[-1].previous is not None:
            result.append(self._entries[result[-1].previous, entry.plane])
        return tuple(reversed(result))

    def previous_of(
        self, plane: PlaneKey, prompts: Prompts, asked: Collection[tuple[int, PlaneKey]]
    ) -> int | None:
        """Return the number of the entry whose answer new `prompts` build on.

        It is the longest of the object's earlier states whose prompts are all among
        `prompts` still and which a prediction was asked for; the later one of two as
        long; None if there is none, as after the first prompt was moved or the mask
        prompt was changed, or where every prompt is an object of its own.
        """
        if self.state.object.each:
            return None
        state = self.state.object.planes.get(plane)
        best: Entry | None = None
        for number in state.entries if state is not None else ():
            entry = self._entries[number, plane]
            if (
                (number, plane) in asked
                and len(best.prompts if best else ()) <= len(entry.prompts)
                and 0 < len(entry.prompts) < len(prompts)
                and prompts.contains(entry.prompts)
            ):
                best = entry
        return None if best is None else best.number


def _follows(act: Act) -> bool:
    return isinstance(act, Propagated) and act.follows


def _tell_nobody(kind: str, act: Act | None) -> None:
    pass
