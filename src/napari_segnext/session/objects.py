"""Accepted objects: known, reopened, erased, joined, cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
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
from napari_segnext.session.compose import recolour
from napari_segnext.session.pixels import PixelChange, PlaneMask
from napari_segnext.session.planes import plane_of_points, planes_along, varying_axes
from napari_segnext.session.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
        How well it fits, by plane, where that is known.
    """

    label: int
    state: str
    prompts: dict[PlaneKey, Prompts] = field(default_factory=dict)
    keyed: tuple[PlaneKey, ...] = ()
    scores: dict[PlaneKey, float] = field(default_factory=dict)


def _info(label: int, state: str, found: OpenObject) -> ObjectInfo:
    prompts = {
        plane: known.prompts for plane, known in found.planes.items() if known.prompts
    }
    return ObjectInfo(label, state, prompts, tuple(prompts))


class Objects(Tools):
    """The part of `Session` that deals with accepted objects; see there."""

    @property
    def objects(self) -> dict[int, ObjectInfo]:
        """What is known of every object, by label."""
        self._sync()
        state = self._history.state
        infos = {
            label: ObjectInfo(label, "found") for label in sorted(self._target.labels)
        }
        for label, found in state.known.items():
            if label in infos:
                infos[label] = _info(label, "accepted", found)
        if not state.object.is_blank:
            infos[state.label] = _info(state.label, "open", state.object)
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
        self._check_labels([label])
        state = self._history.state
        opened = OpenObject(
            self._history.new_object(), self._stored_planes(label), editing=label
        )
        self._push(Edited(label, state.object, opened, state.label, label))
        self._go_to(tuple(opened.planes))
        self._update()

    def delete(self, label: int) -> None:
        """Erase an accepted object from the target.

        Raises
        ------
        LayerError
            If there is no such label, or the target cannot be written.
        """
        self._sync()
        self._check_labels([label])
        state = self._history.state
        change = recolour(self._target.layer, [label], 0)
        self._target.write(change)
        known = self._forgotten([label])
        if state.object.editing == label:
            after, next_label = self._blank(), self._target.next_free()
        else:
            after, next_label = state.object, state.label
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
        wanted = sorted({int(label) for label in labels})
        if len(wanted) < 2:
            raise LayerError("Name at least two different labels to merge.")
        self._check_labels(wanted)
        self._check_not_open(wanted)
        first = wanted[0]
        change = recolour(self._target.layer, wanted[1:], first)
        self._target.write(change)
        state = self._history.state
        self._push(
            Merged(
                *(first, state.object, state.object, state.label, state.label),
                self._forgotten(wanted),
                change,
            )
        )
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
        self._check_labels([label])
        self._check_not_open([label])
        state = self._history.state
        new = self._target.next_free([label])
        change = self._cut(label, new, line)
        self._target.write(change)
        label_after = self._target.next_free() if state.label == new else state.label
        self._push(
            Split(
                *(label, state.object, state.object, state.label, label_after),
                self._forgotten([label]),
                change,
            )
        )
        self._update()
        return new

    def _check_labels(self, labels: Sequence[int]) -> None:
        for label in labels:
            if label not in self._target.labels:
                raise LayerError(
                    f"There is no object with label {label} in "
                    f"{self._target.layer.name!r}; choose one that is there."
                )

    def _check_not_open(self, labels: Sequence[int]) -> None:
        if self._history.state.object.editing in labels:
            raise LayerError(
                f"Label {self._history.state.object.editing} is open for editing; "
                "accept or clear it first."
            )

    def _forgotten(self, labels: Sequence[int]) -> tuple[ObjectChange, ...]:
        known = self._history.state.known
        return tuple(
            ObjectChange(label, known[label], None)
            for label in labels
            if label in known
        )

    def _stored_planes(self, label: int) -> dict[PlaneKey, PlaneState]:
        """Return the object's planes, with its pixels in the target as stored masks.

        Where its prompts are known they stand; elsewhere its mask is the prompt.
        """
        data = self._target.layer.data
        known = self._history.state.known.get(label, OpenObject()).planes
        result: dict[PlaneKey, PlaneState] = {}
        for plane, found in known.items():
            mask = PlaneMask.from_plane(np.asarray(data[plane.slices]) == label)
            if mask:
                result[plane] = PlaneState(found.prompts, found.entries, mask)
        for plane in planes_along(self._board.shape, self._board.axes):
            own = np.asarray(data[plane.slices]) == label
            if plane in result or not own.any():
                continue
            for other in result:
                if other.displayed != plane.displayed:
                    own[plane.pixels_on(_pixels(other, result[other]))] = False
            if own.any():
                prompts = Prompts(mask=Mask.from_array(own))
                result[plane] = PlaneState(prompts, (), PlaneMask.from_plane(own))
        return result

    def _cut(
        self, label: int, new: int, line: Sequence[Sequence[float]]
    ) -> PixelChange:
        from scipy.ndimage import label as components
        from skimage.draw import line as line_pixels

        points = np.asarray([np.asarray(vertex, float) for vertex in line], float)
        if points.ndim != 2 or points.shape[1] != self._image.ndim or len(points) < 2:
            raise PromptError(
                f"A line to split by is two or more positions of {self._image.ndim} "
                "numbers (..., y, x)."
            )
        plane = plane_of_points(points, varying_axes(points, self._board.axes))
        data = np.asarray(self._target.layer.data)
        own = data == label
        flat = np.round(plane.drop(points)).astype(int)
        barrier = np.zeros(plane.shape_in(data.shape), bool)
        for start, end in pairwise(flat):
            rows, cols = line_pixels(*start, *end)
            inside = (rows >= 0) & (cols >= 0)
            inside &= (rows < barrier.shape[0]) & (cols < barrier.shape[1])
            barrier[rows[inside], cols[inside]] = True
        wall = np.moveaxis(
            np.broadcast_to(
                barrier, (*(data.shape[axis] for axis in plane.fixed), *barrier.shape)
            ),
            range(data.ndim),
            (*plane.fixed, *plane.displayed),
        )
        islands, _ = components(own)
        parts, _ = components(own & ~wall)
        for island in np.unique(islands[own & wall]):
            here = islands == island
            numbers, sizes = np.unique(parts[here & ~wall], return_counts=True)
            if len(numbers) > 1:
                rest = here & ~wall & (parts != numbers[sizes.argmax()])
                coordinates = np.nonzero(rest)
                return PixelChange.from_arrays(data.shape, coordinates, label, new)
        raise PromptError(
            f"The line does not cut label {label} in two; "
            "draw it from one side of the object to the other."
        )


def _pixels(plane: PlaneKey, state: PlaneState) -> tuple[np.ndarray, ...]:
    mask = state.stored or PlaneMask()
    return plane.coordinates_of(mask.region, mask.crop)
