"""Several objects that are open together, and each of them by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_segnext.core.prompts import Prompts
from napari_segnext.session.groups import GroupMask, apart
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.state import OpenObject, PlaneState, SliceMark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segnext.session.planes import PlaneKey

    Planes = dict[PlaneKey, PlaneState]
    Masks = dict[PlaneKey, PlaneMask]

__all__ = [
    "count_apart",
    "each_apart",
    "masks_apart",
    "opened_together",
    "remembered",
    "single",
    "singles_of",
]


def opened_together(number: int, objects: Mapping[int, Planes]) -> OpenObject:
    """Return accepted objects as one open object of several parts.

    Parameters
    ----------
    number : int
        Of the open object.
    objects : dict of int to dict of PlaneKey to PlaneState
        What is stored of each, by label. What was made and locked is by hand.
    """
    parts: dict[PlaneKey, dict[int, PlaneMask]] = {}
    made: dict[PlaneKey, dict[int, float | None]] = {}
    kinds: dict[PlaneKey, str] = {}
    for part, planes in enumerate(objects.values(), 1):
        for plane, state in planes.items():
            if state.stored is None:
                continue
            parts.setdefault(plane, {})[part] = state.stored
            if state.is_made and not state.mark.locked:
                made.setdefault(plane, {})[part] = state.mark.score
                kinds[plane] = state.mark.made_by
    result: Planes = {}
    for plane in sorted(parts):
        mark = SliceMark()
        if plane in made:
            scores = [score for score in made[plane].values() if score is not None]
            mark = SliceMark(
                kinds[plane],
                min(scores, default=None),
                parts=tuple(made[plane].items()),
            )
        result[plane] = PlaneState(stored=GroupMask.from_parts(parts[plane]), mark=mark)
    return OpenObject(number, result, labels=tuple(objects))


def single(current: OpenObject, part: int, masks: Masks | None = None) -> Planes:
    """Return what is known of one part of an open object, as of an object of its own.

    Parameters
    ----------
    current : OpenObject
        Several objects.
    part : int
        The number of the one.
    masks : dict of PlaneKey to PlaneMask, optional
        What is shown, where that is not stored.
    """
    planes: Planes = {}
    for plane, state in current.planes.items():
        shown = (masks or {}).get(plane, state.stored)
        mask = None if shown is None else shown.parts.get(part)
        if mask is None:
            continue
        made = state.made_parts
        if part in made:
            mark = replace(state.mark, score=made[part], parts=())
            planes[plane] = PlaneState(stored=mask, mark=mark)
            continue
        prompts = Prompts()
        if state.prompts:
            alone = apart(state.prompts)
            prompts = alone[part - 1] if part <= len(alone) else prompts
        mark = SliceMark(locked=state.mark.locked, reviewed=state.mark.reviewed)
        planes[plane] = PlaneState(prompts, (), mask, mark)
    return planes


def singles_of(current: OpenObject, label: int) -> dict[int, OpenObject]:
    """Return the open objects by label.

    `label` is that of a single one, or the first of new ones, which are one entry.
    """
    if not current.labels:
        return {label: current}
    return {
        found: replace(current, planes=single(current, part), labels=())
        for part, found in enumerate(current.labels, 1)
    }


def masks_apart(masks: Masks, count: int) -> dict[int, Masks]:
    """Return the masks of each part by number, empty ones where it is not.

    Parameters
    ----------
    masks : dict of PlaneKey to PlaneMask
        Of all parts.
    count : int
        How many parts there are.
    """
    found = {plane: mask.parts for plane, mask in masks.items()}
    return {
        part: {plane: parts.get(part, PlaneMask()) for plane, parts in found.items()}
        for part in range(1, count + 1)
    }


def each_apart(current: OpenObject, masks: Masks) -> list[Planes]:
    """Return what is known of each object of a group that is accepted, one a prompt.

    Objects on several planes are different ones, unless slices were made of them.

    Parameters
    ----------
    current : OpenObject
        The group.
    masks : dict of PlaneKey to PlaneMask
        What is shown.
    """
    if _spans_planes(current):
        numbers = {number for mask in masks.values() for number in mask.parts}
        return [single(current, number, masks) for number in sorted(numbers)]
    return [
        {plane: state}
        for plane, mask in masks.items()
        for number in mask.parts
        for state in [single(current, number, {plane: mask})[plane]]
    ]


def count_apart(current: OpenObject, masks: Masks) -> int:
    """Count the objects of a group that is shown; see :func:`each_apart`."""
    numbers = [number for mask in masks.values() for number in mask.parts]
    return len(set(numbers) if _spans_planes(current) else numbers)


def _spans_planes(current: OpenObject) -> bool:
    """Whether objects of the same number on several planes are the same object."""
    if current.labels:  # accepted before, and opened together
        return True
    return any(state.is_made for state in current.planes.values())


def remembered(planes: Planes) -> Planes:
    """Return what stays known of an accepted object.

    The masks of what was made, to see later whether they were painted over.
    """
    return {
        plane: state if state.is_made else replace(state, stored=None)
        for plane, state in planes.items()
    }
