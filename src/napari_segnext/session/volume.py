"""Objects through the slices: propagation and interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import PromptError
from napari_segnext.session.compose import plain_labels
from napari_segnext.session.correcting import Correcting
from napari_segnext.session.making import Row
from napari_segnext.session.measuring import slice_axis
from napari_segnext.session.runs import Wish

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Volume"]


class Volume(Correcting):
    """The part of `Session` that goes through the slices; see there.

    Slices by hand (keyed) and locked ones are never changed. Those parallel to the
    made ones are where a run comes from. Those of another orientation, for instance
    drawn in an xz view, cross the made ones: on the line that they share the one by
    hand counts, object and background.
    """

    def propagate(
        self,
        label: int | Iterable[int] | None = None,
        slices: range | None = None,
        *,
        axis: int | None = None,
    ) -> None:
        """Carry the open object from its slices by hand to the others.

        It runs on the worker's thread; the preview fills as slices come, `wait` joins,
        `cancel` stops within a slice, `accept` commits. It starts from the slices by
        hand, and the locked ones, that are parallel to the displayed one in the row
        along `axis`, and never changes them. Slices made before are made anew. One
        act.

        Parameters
        ----------
        label : int or several, optional
            An accepted object, which is opened first; by default the open one. One
            that comes from elsewhere counts as made by hand wherever it is. Several
            are opened together, compete for pixels, and are accepted each as its own
            label; they take no prompts until then.
        slices : range, optional
            Indices along `axis` that may change; if not given all, until the object
            ends.
        axis : int, optional
            The data axis to go along, one that is on a slider; by default the last one
            that is, has more slices than one, and is not time, if there is such.

        Raises
        ------
        PromptError
            If there is no object, nothing to start from, or nowhere to go.
        LayerError
            If there is no such label.
        """
        self._begin("propagation", label, slices, axis)

    def interpolate(
        self,
        label: int | Iterable[int] | None = None,
        *,
        snap: bool = True,
        axis: int | None = None,
    ) -> None:
        """Fill the slices between those by hand with masks that lie between theirs.

        Runs as `propagate` does, and is undone as that.

        Parameters
        ----------
        label, axis
            As for `propagate`.
        snap : bool
            Whether the network fits each mask to the image; without it signed
            distances alone make them.

        Raises
        ------
        PromptError, LayerError
            As for `propagate`.
        """
        self._begin("snap" if snap else "interpolation", label, None, axis)

    def cancel(self) -> None:
        """Stop propagating, within one slice's time; what is done stays, as an act."""
        self._sync()
        self._end_run()
        self._update()

    def _begin(
        self,
        kind: str,
        label: int | Iterable[int] | None,
        slices: range | None,
        axis: int | None,
    ) -> None:
        self._sync()
        self._row(axis)  # opening an object only to find this wrong would be a pity
        self._open_for_run(label)
        displayed = self._row(axis)
        limits = _limits(slices, displayed.size)
        current = self._history.state.object
        prompted = [plane for plane, state in current.planes.items() if state.prompts]
        if current.each and len(prompted) > 1:
            raise PromptError(
                f"There are prompts on {len(prompted)} slices, and nothing says which "
                "objects on them are the same; keep those on one of them."
            )
        rows = self._rows(displayed)
        self._end_run()
        self._wish = Wish(kind, rows, limits, current.number)
        self._try_wish()
        self._update()

    def _open_for_run(self, label: int | Iterable[int] | None) -> None:
        """Open what is to be made, unless it is open."""
        state = self._history.state
        if label is None:
            if state.object.is_blank:
                raise PromptError(
                    "No object is open; prompt one on a slice, or name an accepted one."
                )
            return
        labels = plain_labels(label)
        if not labels:
            raise PromptError("No label is named; name one or several.")
        if labels == state.object.opened:
            return
        if len(labels) > 1:
            self._edit_several(labels)
        elif state.object.is_blank or state.object.opened or state.label != labels[0]:
            self.edit(labels[0])
        self._sync()

    def _rows(self, displayed: Row) -> tuple[Row, ...]:
        """Return where the open objects are by hand, of the rows along an axis.

        Of each the displayed row, or the only one that it is in.

        Raises
        ------
        PromptError
            If one is in none, or only in several others.
        """
        current = self._history.state.object
        places: dict[int, set[Row]] = {}
        for plane in current.planes:
            if plane.displayed == displayed.first.displayed:
                row = Row.through(plane, displayed.axis, displayed.size)
                for number in current.by_hand(plane):
                    places.setdefault(number, set()).add(row)
        result = []
        for number, label in enumerate(current.labels or (None,), start=1):
            rows = places.get(number, set())
            name = "The object" if label is None else f"Label {label}"
            if displayed in rows:
                result.append(displayed)
            elif len(rows) == 1:
                result.extend(rows)
            elif not rows:
                raise PromptError(
                    f"{name} has no slice by hand here that is parallel to the "
                    "displayed one; prompt it on one, or turn the view."
                )
            else:
                where = sorted(row.place for row in rows)
                raise PromptError(
                    f"{name} has slices by hand at {', '.join(where)}, not at "
                    f"{displayed.place}; go to one of them."
                )
        return tuple(dict.fromkeys(result))

    def _row(self, axis: int | None) -> Row:
        """Return the slices that the displayed one is among.

        Raises
        ------
        PromptError
            If there are none along the axis.
        """
        plane = self._shown_plane()
        if not plane.fixed:
            raise PromptError(
                "The image has one slice only; there is none to go on to."
            )
        ndim = plane.ndim
        if axis is None:
            axis = slice_axis(self._image, plane.fixed)
        if not isinstance(axis, int | np.integer) or not -ndim <= axis < ndim:
            raise PromptError(
                f"The image has axes 0 to {ndim - 1}, not {axis!r}; name one that is "
                f"on a slider, of {plane.fixed}."
            )
        axis = int(axis) % ndim
        if axis in plane.displayed:
            raise PromptError(
                f"Axis {axis} is displayed; name one that is on a slider, of "
                f"{plane.fixed}."
            )
        size = self._board.shape[axis]
        if size < 2:
            raise PromptError(
                f"Axis {axis} has one slice only; there is none to go on to."
            )
        return Row.through(plane, axis, size)


def _limits(slices: range | None, size: int) -> range:
    if slices is None:
        return range(size)
    if not isinstance(slices, range) or abs(slices.step) != 1:
        raise PromptError(
            f"`slices` is {slices!r}; give a range without gaps, as range(10, 20)."
        )
    if slices.step < 0:
        slices = range(slices.stop + 1, slices.start + 1)
    found = range(max(slices.start, 0), min(slices.stop, size))
    if not found:
        raise PromptError(
            f"None of the {size} slices is in {slices!r}; name some of them."
        )
    return found
