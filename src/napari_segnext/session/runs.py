"""A run through the slices as a value: what was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segnext.session.making import cross
from napari_segnext.session.spans import without_parts

if TYPE_CHECKING:
    from napari_segnext.session.making import Row, Span
    from napari_segnext.session.pixels import PlaneMask
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.slice_acts import Propagated
    from napari_segnext.session.state import OpenObject, PlaneState

    Planes = dict[PlaneKey, PlaneState | None]

__all__ = ["Run", "Wish"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A run that waits for answers on keyed slices."""

    kind: str
    rows: tuple[Row, ...]
    limits: range
    number: int


@dataclass(slots=True)
class Run:
    """What the worker is making, and what came of it so far.

    Parameters
    ----------
    spans : tuple of Span
        What is made, in this order.
    crossing : dict of PlaneKey to PlaneMask
        Masks by hand on planes of other orientations.
    revision : int
        Of the log after what came last: another one says that somebody did an act.
    follows : bool
        Whether a correction is the reason.
    act : Propagated or None
        What came so far.
    done_spans : int
        How many spans are done.
    written : set of (PlaneKey, int)
        Slices and objects that came.
    done, total : int
        Visits of slices.
    """

    spans: tuple[Span, ...]
    crossing: dict[PlaneKey, PlaneMask]
    revision: int
    follows: bool
    act: Propagated | None = None
    done_spans: int = 0
    written: set[tuple[PlaneKey, int]] = field(default_factory=set)
    done: int = 0
    total: int = 0

    @property
    def unfinished(self) -> tuple[Span, ...]:
        """The spans that are not done."""
        return self.spans[self.done_spans :]

    def not_made_again(self, current: OpenObject, span: Span) -> Planes:
        """Return the slices of a span that were made before, without what did not come.

        Parameters
        ----------
        current : OpenObject
            What the run is about, as it is now.
        span : Span
            One that is done.
        """
        found: Planes = {}
        for plane in span.planes:
            state = current.planes.get(plane)
            if state is None or state.mark.locked:
                continue
            gone = {
                number
                for number in state.made_parts
                if number in span.keys and (plane, number) not in self.written
            }
            if gone:
                found[plane] = without_parts(current, plane, gone)
        return found

    def crossed(self, current: OpenObject) -> Planes:
        """Return the slices made along another axis before, which the new ones cross.

        Without what was made: they would be a second opinion on the same pixels; the
        newest counts.
        """
        written = [plane for plane, _ in self.written]
        made = {plane.displayed for plane in written}
        return {
            plane: without_parts(current, plane, state.made_parts)
            for plane, state in current.planes.items()
            if state.is_made
            and not state.mark.locked
            and plane.displayed not in made
            and any(cross(plane, other) for other in written)
        }
