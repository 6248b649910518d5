"""What of an open object is by hand and what was made: keys, spans, new slices.

All of it is pure: an object, what is shown of it, and values in return. A *part* is
one object on a slice, by its number: 1 where the open object is a single one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segnext.session.groups import GroupMask
from napari_segnext.session.making import Span, spans_between
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.state import PlaneState, SliceMark

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from napari_segnext.session.making import Row
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.state import OpenObject

__all__ = ["Keys", "keys_of", "with_made", "without_parts"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Masks by hand in a row.

    Parameters
    ----------
    masks : dict of int to dict of int to PlaneMask
        By number of the object and index; an empty one says "not here".
    has_parts : bool
        Whether several objects are open.
    """

    masks: dict[int, dict[int, PlaneMask]]
    has_parts: bool

    def spans(self, row: Row, limits: range, kind: str) -> list[Span]:
        """Return what there is to make; nothing that interpolation cannot make.

        Of a single object, what lies between two keys is a span of its own. Several
        objects go in one: their keys lie elsewhere, and they compete for pixels.
        """
        if self.has_parts:
            spans = self._joint(row, limits, kind)
        else:
            spans = [
                span
                for number, masks in self.masks.items()
                for span in spans_between(row, masks, limits, kind, number)
            ]
        return [span for span in spans if span.can_be_made or kind == "propagation"]

    def _joint(self, row: Row, limits: range, kind: str) -> list[Span]:
        least = 1 if kind == "propagation" else 2
        keys = {
            number: masks
            for number, masks in self.masks.items()
            if sum(map(bool, masks.values())) >= least
        }
        if not keys:
            return []
        ends = [index for masks in keys.values() for index in masks]
        indices = range(
            min(limits.start, *(end + 1 for end in ends)),
            max(limits.stop, *ends),
        )
        return [Span(kind, row, indices, limits, keys)]


def keys_of(
    current: OpenObject,
    by_hand: Mapping[int, PlaneKey],
    shown: Mapping[PlaneKey, PlaneMask],
) -> Keys:
    """Return what is by hand.

    Parameters
    ----------
    current : OpenObject
        What is open.
    by_hand : dict of int to PlaneKey
        Slices of a row with something by hand, or locked.
    shown : dict of PlaneKey to PlaneMask
        What is on show.
    """
    masks: dict[int, dict[int, PlaneMask]] = {}
    for index, plane in by_hand.items():
        mask = shown.get(plane, PlaneMask())
        if not current.has_parts:
            masks.setdefault(1, {})[index] = mask
            continue
        state = current.planes[plane]
        made = () if state.mark.locked else state.made_parts
        for number, part in mask.parts.items():
            if number not in made:
                masks.setdefault(number, {})[index] = part
    return Keys(masks, current.has_parts)


def with_made(
    current: OpenObject,
    plane: PlaneKey,
    masks: Mapping[int, tuple[PlaneMask, float | None]],
    kind: str,
) -> PlaneState | None:
    """Return what is known of a plane with masks that were made on it.

    Of several objects, what is by hand keeps its pixels.

    Parameters
    ----------
    current : OpenObject
        What is open.
    plane : PlaneKey
        Where.
    masks : dict of int to (PlaneMask, float or None)
        Masks and scores by number.
    kind : {"propagation", "interpolation"}
        What made them.
    """
    state = current.planes.get(plane, PlaneState())
    if state.mark.locked:
        return current.planes.get(plane)
    if not current.has_parts:
        if state.is_keyed:
            return state
        mask, score = masks[1]
        return PlaneState(stored=mask, mark=SliceMark(kind, score))
    before = {} if state.stored is None else state.stored.parts
    made = {**state.made_parts, **{n: score for n, (_, score) in masks.items()}}
    keyed = {n: mask for n, mask in before.items() if n not in state.made_parts}
    parts = {n: mask for n, mask in before.items() if n in state.made_parts}
    parts |= {n: mask for n, (mask, _) in masks.items() if n not in keyed}
    return _joined(parts, keyed, made, kind)


def without_parts(
    current: OpenObject, plane: PlaneKey, gone: Collection[int]
) -> PlaneState | None:
    """Return what is known of a plane without some of the parts made on it.

    A plane of an accepted object says that nothing is there any more.
    """
    state = current.planes[plane]
    empty = PlaneState() if current.opened else None
    if not current.has_parts or state.stored is None:
        return empty
    before = state.stored.parts
    made = {n: it for n, it in state.made_parts.items() if n not in gone}
    keyed = {n: mask for n, mask in before.items() if n not in state.made_parts}
    parts = {n: mask for n, mask in before.items() if n in made}
    if not (parts or keyed):
        return empty
    return _joined(parts, keyed, made, state.mark.made_by)


def _joined(
    parts: dict[int, PlaneMask],
    keyed: dict[int, PlaneMask],
    made: Mapping[int, float | None],
    kind: str,
) -> PlaneState:
    stored = GroupMask.from_parts({**parts, **keyed})
    left = stored.parts
    rest = {n: made[n] for n in sorted(made) if n in left and n not in keyed}
    if not rest:
        return PlaneState(stored=stored)
    scores = [score for score in rest.values() if score is not None]
    mark = SliceMark(kind, min(scores, default=None), parts=tuple(rest.items()))
    return PlaneState(stored=stored, mark=mark)
