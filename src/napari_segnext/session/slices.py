"""Slices of an object: which are by hand, how good the others are, locks, the worst."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_segnext.errors import PromptError
from napari_segnext.session.acts import Marked, ObjectChange, SliceChange
from napari_segnext.session.reviewing import Reviewing
from napari_segnext.session.state import PlaneState, SliceMark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from napari_segnext.session.planes import PlaneKey

__all__ = ["SliceInfo", "Slices"]

_KINDS = {"": "keyed", "propagation": "propagated", "interpolation": "interpolated"}


@dataclass(frozen=True, slots=True)
class SliceInfo:
    """What is known of an object on one slice.

    Parameters
    ----------
    kind : {"keyed", "propagated", "interpolated"}
        Where its mask comes from; keyed: from somebody's hand.
    score : float or None
        How good the mask probably is, from 0 to 1; None where nothing says so.
    locked : bool
        Whether propagation leaves the slice as it is; keyed ones it always does.
    reviewed : bool
        Whether somebody looked at it and found it good.
    """

    kind: str
    score: float | None = None
    locked: bool = False
    reviewed: bool = False


def slice_infos(planes: dict[PlaneKey, PlaneState]) -> dict[PlaneKey, SliceInfo]:
    """Return what is known of the slices that are keyed, made or locked, in order."""
    return {
        plane: SliceInfo(
            _KINDS[state.mark.made_by if state.is_made else ""],
            state.mark.score,
            state.mark.locked,
            state.mark.reviewed,
        )
        for plane, state in sorted(planes.items())
        if state.is_keyed or state.is_made or state.mark.locked
    }


class Slices(Reviewing):
    """The part of `Session` that knows an object's slices; see there."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # what is known of an accepted object's slices, until anything changes
        self._infos: tuple[tuple[object, ...], dict[PlaneKey, SliceInfo]] = ((), {})
        self._worst: PlaneKey | None = None  # where `next_worst` went

    @property
    def slices(self) -> dict[PlaneKey, SliceInfo]:
        """What is known of the slices of the open object, or of the one in `focus`.

        Slices without a mask are left out, unless they are locked.
        """
        self._sync()
        current = self._history.state.object
        if not current.is_blank:
            return slice_infos(current.planes)
        label = self._focus
        if label is None or label not in self._target.labels:
            return {}
        key = (label, self._history.revision, self._board.axes)
        if self._infos[0] != key:
            self._infos = key, slice_infos(self._stored_planes(label))
        return dict(self._infos[1])

    def lock(
        self, plane: PlaneKey | int | Sequence[int] | None = None, locked: bool = True
    ) -> None:
        """Keep a slice of the open object as it is; an act if that is new.

        Propagation and interpolation start from locked slices as from those by hand,
        and never change them. One on which the object is not says just that.

        Parameters
        ----------
        plane : PlaneKey, int or sequence of int, optional
            The slice, or its index along the axes that are not displayed; the
            displayed one if not given.
        locked : bool
            Whether to lock or unlock it.

        Raises
        ------
        PromptError
            If no object is open and none in focus, or there is no such slice.
        """
        self._mark_slice(plane, "locked", bool(locked))

    def review_slice(
        self, plane: PlaneKey | int | Sequence[int] | None = None, reviewed: bool = True
    ) -> None:
        """Mark a slice as looked at and found good, or as not; an act if that is new.

        Parameters
        ----------
        plane
            As for `lock`.
        reviewed : bool
            Whether it is.

        Raises
        ------
        PromptError
            If no object is open and none in focus, or it has no mask there.
        """
        self._mark_slice(plane, "reviewed", bool(reviewed))

    def next_worst(self, step: int = 1) -> PlaneKey | None:
        """Go to the slice that most needs a look.

        It is the one of the lowest score that is neither keyed, locked nor reviewed;
        what has no score comes first. Called again there it goes on to the next one.

        Parameters
        ----------
        step : int
            How many further; negative goes back.

        Returns
        -------
        PlaneKey or None
            Where it went; None if there is no such slice.
        """
        infos = self.slices
        waiting = [
            plane
            for plane, info in infos.items()
            if info.kind != "keyed"
            and not (info.locked or info.reviewed)
            and plane.displayed == self._board.axes
        ]
        if not waiting:
            return None
        waiting.sort(key=lambda plane: (infos[plane].score or 0.0, plane))
        shown = self._board.plane
        if shown is not None and shown == self._worst and shown in waiting:
            index = waiting.index(shown) + step
        else:
            index = step - 1 if step > 0 else step
        self._worst = plane = waiting[index % len(waiting)]
        self._go_to((plane,))
        self._update()
        return plane

    def _mark_slice(
        self, plane: PlaneKey | int | Sequence[int] | None, name: str, value: bool
    ) -> None:
        self._sync()
        key = self._named_plane(plane)
        state = self._history.state
        label = state.label if not state.object.is_blank else self._focus
        if label is None or (state.object.is_blank and label not in state.known):
            raise PromptError(
                "No object is open; open the one whose slice you mean first."
            )
        is_open = not state.object.is_blank
        owner = state.object if is_open else state.known[label]
        before = owner.planes.get(key)
        if (before is None or not (before.prompts or before.stored)) and (
            name == "reviewed" or not is_open
        ):
            raise PromptError(
                f"Nothing is known of the object on the slice {key.index}; "
                "choose one on which it has a mask."
            )
        found = before or PlaneState()
        after = replace(found, mark=_marked(found.mark, name, value))
        if after == found:
            return
        kept = None if after == PlaneState() else after
        if is_open:
            act = Marked(label, (SliceChange(key, before, kept),))
        else:
            planes = {**owner.planes, key: after}
            known = ObjectChange(label, owner, replace(owner, planes=planes))
            act = Marked(label, (), (known,))
        self._push(act)
        self._update()


def _marked(mark: SliceMark, name: str, value: bool) -> SliceMark:
    if name == "locked":
        return replace(mark, locked=value)
    return replace(mark, reviewed=value)
