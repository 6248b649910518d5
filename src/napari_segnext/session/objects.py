"""Accepted objects: known, reopened, erased, joined, cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.prompts import Mask, Prompts
from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.acts import (
    Deleted,
    Edited,
    Merged,
    ObjectChange,
    OpenObject,
    PlaneState,
    Split,
)
from napari_segnext.session.compose import check_label, plain_labels, recolour
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.splitting import cut
from napari_segnext.session.together import opened_together, singles_of
from napari_segnext.session.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_segnext.session.acts import Act
    from napari_segnext.session.planes import PlaneKey

__all__ = ["ObjectInfo", "Objects"]


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object.

    Parameters
    ----------
    label : int
        Its label in the target, or the one it would get.
    state : {"open", "accepted", "found"}
        Being prompted; accepted in this session; or in the target from elsewhere.
    prompts : dict of PlaneKey to Prompts
        The prompts that made it.
    keyed : tuple of PlaneKey
        The planes on which somebody prompted it.
    scores : dict of PlaneKey to float
        How good the masks probably are that were made from those, by plane.
    reviewed : bool
        Whether somebody looked at it and found it good: what was accepted here is,
        what comes from elsewhere is not.
    """

    label: int
    state: str
    prompts: dict[PlaneKey, Prompts] = field(default_factory=dict)
    keyed: tuple[PlaneKey, ...] = ()
    scores: dict[PlaneKey, float] = field(default_factory=dict)
    reviewed: bool = False


def _info(label: int, state: str, found: OpenObject) -> ObjectInfo:
    prompts = {
        plane: known.prompts for plane, known in found.planes.items() if known.prompts
    }
    scores = {
        plane: known.mark.score
        for plane, known in found.planes.items()
        if known.is_made and known.mark.score is not None
    }
    return ObjectInfo(label, state, prompts, tuple(prompts), scores, found.reviewed)


class Objects(Tools):
    """The part of `Session` that deals with accepted objects; see there."""

    _focus: int | None = None

    @property
    def objects(self) -> dict[int, ObjectInfo]:
        """What is known of every object, by label.

        Those in the target, with the prompts of those accepted here, and the open one.
        """
        self._sync()
        state = self._history.state
        infos = {
            label: ObjectInfo(label, "found") for label in sorted(self._target.labels)
        }
        for label, found in state.known.items():
            if label in infos:
                # what is only reviewed has no planes
                kind = "accepted" if found.planes else "found"
                infos[label] = _info(label, kind, found)
        if not state.object.is_blank:
            for label, found in singles_of(state.object, state.label).items():
                infos[label] = _info(label, "open", found)
        return infos

    def edit(self, label: int) -> None:
        """Open an accepted object again, with its prompts, or its mask as a prompt.

        The stored mask is shown, without inference, until a prompt is added. The
        target stays as it is until accept, which then replaces the label's pixels. An
        open object that was not accepted is dropped in the same act.

        Raises
        ------
        LayerError
            If there is no such label.
        """
        self._sync()
        (label,) = self._known_labels([label])
        opened = OpenObject(
            self._history.new_object(), self._stored_planes(label), editing=label
        )
        self._open(label, opened)

    def _edit_several(self, labels: Sequence[int]) -> None:
        """Open accepted objects together; they take no prompts."""
        labels = self._known_labels(labels)
        planes = {label: self._stored_planes(label) for label in labels}
        opened = opened_together(self._history.new_object(), planes)
        self._open(labels[0], opened)

    def _open(self, label: int, opened: OpenObject) -> None:
        state = self._history.state
        self._push(Edited(label, state.object, opened, state.label, label))
        self._focus = label
        self._go_to(tuple(opened.planes))
        self._update()

    def delete(self, labels: int | Iterable[int]) -> None:
        """Erase objects: accepted ones from the target, and the open one.

        Parameters
        ----------
        labels : int or iterable of int
            One object or several, erased in one act.

        Raises
        ------
        LayerError
            If there is no such label, or the target cannot be written.
        """
        self._sync()
        wanted = sorted(plain_labels(labels))
        state = self._history.state
        is_open = not state.object.is_blank
        opened = set(singles_of(state.object, state.label)) if is_open else set()
        self._known_labels([label for label in wanted if label not in opened])
        if not wanted:
            return
        stored = [label for label in wanted if label in self._target.labels]
        found = {label: self._target.find(label) for label in stored}
        change = recolour(self._target.layer, found, 0) if found else None
        if change is not None:
            self._target.write(change)
        known = self._forgotten(wanted)
        after, next_label = state.object, state.label
        if opened.intersection(wanted):
            after = self._blank()
            if state.object.opened:
                next_label = self._target.next_free()
        label = wanted[0] if len(wanted) == 1 else 0
        self._push(
            Deleted(label, state.object, after, state.label, next_label, known, change)
        )
        self._update()

    def merge(self, labels: Iterable[int]) -> int:
        """Join accepted objects; all get the lowest of their labels.

        Returns
        -------
        int
            The label that all have now.

        Raises
        ------
        LayerError
            If there are not two different ones, one does not exist, or the target
            cannot be written.
        """
        self._sync()
        wanted = sorted(self._known_labels(labels))
        if len(wanted) < 2:
            raise LayerError("Name at least two different labels to merge.")
        self._check_not_open(wanted)
        first = wanted[0]
        others = {label: self._target.find(label) for label in wanted[1:]}
        change = recolour(self._target.layer, others, first)
        self._target.write(change)
        state = self._history.state
        reviewed = all(self._is_reviewed(label) for label in wanted)
        self._push(
            Merged(
                *(first, state.object, state.object, state.label, state.label),
                self._forgotten(wanted, [first] if reviewed else []),
                change,
            )
        )
        if self._focus in wanted:
            self._focus = first
        self._update()
        return first

    def split(self, label: int, line: Sequence[Sequence[float]]) -> int:
        """Cut an accepted object along a line.

        Parameters
        ----------
        label : int
            The object.
        line : sequence of (..., y, x)
            Two or more vertices on one plane. The cut goes through the object on all
            slices parallel to that plane.

        Returns
        -------
        int
            The label that the smaller part got.

        Raises
        ------
        LayerError
            If there is no such label, or the target cannot be written.
        PromptError
            If the line does not cut the object in two.
        """
        self._sync()
        (label,) = self._known_labels([label])
        self._check_not_open([label])
        plane, flat = self._placed(line)
        if len(flat) < 2:
            raise PromptError("A line to split by has two or more positions.")
        state = self._history.state
        new = self._target.next_free([label])
        check_label(self._target.layer, new)
        pixels = np.round(flat).astype(np.intp)
        change = cut(self._target.find(label), plane, pixels, label, new)
        reviewed = self._is_reviewed(label)
        self._target.write(change)
        label_after = self._target.next_free() if state.label == new else state.label
        self._push(
            Split(
                *(label, state.object, state.object, state.label, label_after),
                self._forgotten([label], [label, new] if reviewed else []),
                change,
            )
        )
        self._update()
        return new

    def _known_labels(self, labels: int | Iterable[int]) -> tuple[int, ...]:
        """Return the labels, which are objects in the target.

        Raises
        ------
        LayerError
            If they are not.
        """
        self._target.check_shape()
        known = plain_labels(labels)
        for label in known:
            if label not in self._target.labels:
                raise LayerError(
                    f"There is no object with label {label} in "
                    f"{self._target.layer.name!r}; choose one that is there."
                )
        return known

    def _check_not_open(self, labels: Sequence[int]) -> None:
        opened = set(self._history.state.object.opened) & set(labels)
        if opened:
            raise LayerError(
                f"Label {min(opened)} is open for editing; accept or clear it first."
            )

    def _planes_of(self, act: Act) -> tuple[PlaneKey, ...]:
        """Where there is something to see of an act."""
        if isinstance(act, Deleted | Merged | Split) and act.pixels:
            return (self._target.plane_of(act.pixels),)
        return act.planes

    def _is_reviewed(self, label: int) -> bool:
        return self._history.state.known.get(label, OpenObject()).reviewed

    def _forgotten(
        self, labels: Sequence[int], reviewed: Sequence[int] = ()
    ) -> tuple[ObjectChange, ...]:
        """Forget the prompts of objects; of some it is still known: reviewed."""
        known = self._history.state.known
        kept = {label: OpenObject(reviewed=True) for label in reviewed}
        return tuple(
            ObjectChange(label, known.get(label), kept.get(label))
            for label in dict.fromkeys([*labels, *reviewed])
            if label in known or label in kept
        )

    def _stored_planes(self, label: int) -> dict[PlaneKey, PlaneState]:
        """Return the object's planes, with its pixels in the target as stored masks.

        Where its prompts are known they stand, and what was made from them is known as
        that, unless it was painted over since; elsewhere its mask is the prompt.
        """
        found = self._target.find(label)
        known = self._history.state.known.get(label, OpenObject()).planes
        result: dict[PlaneKey, PlaneState] = {}
        for plane, state in known.items():
            mask = found.on_plane(plane)
            if mask and (not state.is_made or self._is_as_made(plane, state, mask)):
                result[plane] = replace(state, stored=mask)
        for plane in found.keys(self._board.axes):
            if plane in result:
                continue
            own = found.on_plane(plane).plane(plane.shape_in(found.shape))
            for other in result:
                if other.displayed != plane.displayed:
                    own[plane.pixels_on(_pixels(other, result[other]))] = False
            if own.any():
                prompts = Prompts(mask=Mask.from_array(own))
                result[plane] = PlaneState(prompts, (), PlaneMask.from_plane(own))
        return result

    def _is_as_made(self, plane: PlaneKey, state: PlaneState, mask: PlaneMask) -> bool:
        """Whether an accepted slice is as it was made, less what others have of it."""
        made = state.stored or PlaneMask()
        if made == mask:
            return True
        shape = plane.shape_in(self._board.shape)
        before, now = made.plane(shape), mask.plane(shape)
        labels = np.asarray(self._target.layer.data[plane.slices])
        return not (now & ~before).any() and bool(labels[before & ~now].all())


def _pixels(plane: PlaneKey, state: PlaneState) -> tuple[np.ndarray, ...]:
    mask = state.stored or PlaneMask()
    return plane.coordinates_of(mask.region, mask.crop)
