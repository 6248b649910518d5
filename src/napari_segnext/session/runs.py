"""A run through the slices as a value: what was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_segnext.session.making import Row, Span
    from napari_segnext.session.pixels import PlaneMask
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.slice_acts import Propagated

__all__ = ["Run", "Wish"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A run that waits for answers on keyed slices."""

    kind: str
    row: Row
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
