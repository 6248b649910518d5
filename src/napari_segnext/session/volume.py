"""Objects through the slices: propagation and interpolation, live corrections."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_segnext.core.prompts import Mask
from napari_segnext.errors import PromptError, SegNextError
from napari_segnext.session.acts import PromptsChanged, Propagated, SliceChange
from napari_segnext.session.making import Row, constrained, making, spans_between
from napari_segnext.session.measuring import spacing
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.slices import Slices
from napari_segnext.session.state import PlaneState, SliceMark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.acts import Act, OpenObject
    from napari_segnext.session.history import Entry
    from napari_segnext.session.making import Made, Span
    from napari_segnext.session.planes import PlaneKey

__all__ = ["Volume"]

_JOB = "propagation"


@dataclass(frozen=True, slots=True)
class _Wish:
    """A run that waits for answers on keyed slices."""

    kind: str
    row: Row
    limits: range
    number: int


@dataclass(slots=True)
class _Run:
    """What the worker is making, and what came of it so far."""

    spans: tuple[Span, ...]
    crossing: dict[PlaneKey, PlaneMask]
    revision: int
    follows: bool
    act: Propagated | None = None
    done_spans: int = 0
    written: set[PlaneKey] = field(default_factory=set)
    done: int = 0
    total: int = 0

    @property
    def unfinished(self) -> tuple[Span, ...]:
        return self.spans[self.done_spans :]


class Volume(Slices):
    """The part of `Session` that goes through the slices; see there.

    What is made is part of the log from the first slice on: one act, which grows while
    the run goes on. So whatever the user does meanwhile finds everything consistent;
    it ends the run, and what is there stays as an act of its own.

    Planes by hand (keyed) and locked ones are never changed. Those parallel to the
    made ones are where the run comes from. Those of another orientation, for instance
    drawn in an xz view, cross the made ones: on the line that they share the one by
    hand counts, object and background.

    Attributes
    ----------
    follow : bool
        Whether a correction among made slices makes those between its neighbouring
        keys anew, as soon as it is answered. Undo takes both back.
    progressed : Signal(int, int)
        Visits of slices done and in all, while a run goes on.
    """

    progressed = Signal(int, int)
    follow = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._run: _Run | None = None
        self._wish: _Wish | None = None
        self._corrected: set[PlaneKey] = set()  # and not yet followed
        self._rest: tuple[Span, ...] = ()  # what a correction broke off
        self._limits: dict[tuple[int, Row], range] = {}  # of the object's last run
        self._axis: int | None = None  # of the last run
        self._endings: dict[PlaneKey, str] = {}

    # what the outside calls -------------------------------------------------------

    def propagate(
        self,
        label: int | None = None,
        slices: range | None = None,
        *,
        axis: int | None = None,
    ) -> None:
        """Carry the open object from its slices by hand to the others.

        It runs on the worker's thread; the preview fills as slices come, `wait` joins,
        `cancel` stops within a slice, `accept` commits. Slices by hand on display and
        in the rest of the row along `axis` are where it starts from, locked ones too;
        they are never changed. One act.

        Parameters
        ----------
        label : int, optional
            An accepted object, which is opened first; by default the open one. One
            that was made elsewhere counts as made by hand wherever it is.
        slices : range, optional
            Indices along `axis` that may change; all, until the object ends, if not
            given.
        axis : int, optional
            The data axis to go along, one that is on a slider; by default the last one
            that is.

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
        label: int | None = None,
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
        self._stop_run()
        self._forget_corrections()
        self._wish = None
        self._update()

    @property
    def is_propagating(self) -> bool:
        """Whether slices are being made, or will be when keyed ones are answered."""
        return self._run is not None or self._wish is not None

    @property
    def endings(self) -> dict[PlaneKey, str]:
        """Where and why the last run found that the object ended, a sentence each."""
        return dict(self._endings)

    # beginning --------------------------------------------------------------------

    def _begin(
        self, kind: str, label: int | None, slices: range | None, axis: int | None
    ) -> None:
        self._sync()
        self._open_for_run(label)
        row = self._row(axis)
        wish = _Wish(
            kind, row, _limits(slices, row.size), self._history.state.object.number
        )
        keyed = self._keyed_in(row)
        if not keyed:
            raise PromptError(
                "The object has no slice by hand here to start from; prompt it on one."
            )
        self._stop_run()
        self._forget_corrections()
        self._wish = wish
        self._ask(plane for plane in keyed.values() if not self._is_settled(plane))
        self._try_wish()
        self._update()

    def _open_for_run(self, label: int | None) -> None:
        current = self._history.state
        if label is None:
            if current.object.is_blank:
                raise PromptError(
                    "No object is open; prompt one on a slice, or name an accepted one."
                )
        elif current.object.editing != label and (
            current.object.is_blank or current.label != label
        ):
            self.edit(label)
            self._sync()
        if self._history.state.object.each:
            raise PromptError(
                "Several objects are open at once; accept them, and name one to "
                "propagate."
            )

    def _row(self, axis: int | None) -> Row:
        plane = self._board.plane
        if plane is None:
            raise PromptError(
                "The image has no slice at the sliders' place; move them onto it."
            )
        if not plane.fixed:
            raise PromptError(
                "The image has one slice only; there is none to go on to."
            )
        if axis is None:
            axis = plane.fixed[-1]
        ndim = plane.ndim
        if not isinstance(axis, int) or not -ndim <= axis < ndim:
            raise PromptError(
                f"The image has axes 0 to {ndim - 1}, not {axis!r}; name one of "
                f"{plane.fixed}, which are on sliders."
            )
        axis %= ndim
        if axis in plane.displayed:
            raise PromptError(
                f"Axis {axis} is displayed; name one of {plane.fixed}, which are on "
                "sliders."
            )
        size = self._board.shape[axis]
        if size < 2:
            raise PromptError(
                f"Axis {axis} has one slice only; there is none to go on to."
            )
        return Row.through(plane, axis, size)

    def _keyed_in(self, row: Row) -> dict[int, PlaneKey]:
        """Return the planes of a row that are by hand or locked, by index."""
        return {
            index: plane
            for plane, state in self._history.state.object.planes.items()
            if (state.is_keyed or state.mark.locked)
            and (index := row.index(plane)) is not None
        }

    def _is_settled(self, plane: PlaneKey) -> bool:
        """Whether what is shown on `plane` is what its prompts lead to."""
        entry = self._history.entry(plane)
        if entry is None or not entry.prompts:
            return True
        if self._worker.is_pending((self._history.state.object.number, plane)):
            return False
        if self._engine.answers.get(entry.number, plane) is not None:
            return True
        # answered, and dropped for want of memory
        is_asked = (entry.number, plane) in self._asked
        return is_asked and plane in self._preview.masks

    def _try_wish(self) -> None:
        wish = self._wish
        if wish is None or wish.number != self._history.state.object.number:
            self._wish = None
            return
        if not all(map(self._is_settled, self._keyed_in(wish.row).values())):
            return
        self._wish = None
        spans = self._spans(wish.row, wish.limits, wish.kind)
        if not any(span.can_be_made for span in spans):
            raise PromptError(
                "There is nothing to make: the object needs a slice by hand with a "
                "mask, and others beside it that are free."
                if wish.kind == "propagation"
                else "There is nothing to fill: the object needs two slices by hand "
                "with masks, and others between them."
            )
        self._axis = wish.row.axis
        self._limits[wish.number, wish.row] = wish.limits
        self._start_run(spans, follows=False)

    def _spans(self, row: Row, limits: range, kind: str) -> list[Span]:
        keyed = self._keyed_in(row)
        self._show(keyed.values())
        masks = self._preview.masks
        keys = {index: masks.get(plane, PlaneMask()) for index, plane in keyed.items()}
        number = self._history.state.object.number
        spans = spans_between(row, keys, limits, kind, number) if keys else []
        return [span for span in spans if span.can_be_made or kind == "propagation"]

    # running ----------------------------------------------------------------------

    def _start_run(self, spans: Iterable[Span], follows: bool) -> None:
        """Give spans to the worker, those near the displayed slice first."""
        ordered = tuple(sorted(spans, key=self._distance_of))
        masks = self._preview.masks
        current = self._history.state.object.planes
        shown = {span.row.first.displayed for span in ordered}
        run = _Run(
            ordered,
            {
                plane: masks.get(plane, PlaneMask())
                for plane, state in current.items()
                if (state.is_keyed or state.mark.locked)
                and plane.displayed not in shown
            },
            self._history.revision,
            follows and isinstance(self._history.last, PromptsChanged),
        )
        self._run = run
        self._endings = {}
        spacings = {
            span.row: spacing(self._image, span.row.axis, span.row.first.displayed)
            for span in ordered
        }
        job = making(self._engine, self._source, ordered, self._board.shape, spacings)
        self._worker.submit(
            _JOB,
            job,
            lambda _: self._on_run_done(run),
            lambda error: self._on_run_failed(run, error),
            lambda made: self._on_made(run, made),
        )

    def _distance_of(self, span: Span) -> int:
        plane = self._board.plane
        index = None if plane is None else span.row.index(plane)
        if index is None:
            return 0
        return min(abs(slice_ - index) for slice_ in span.written)

    def _is_current(self, run: _Run) -> bool:
        return self._run is run and run.revision == self._history.revision

    def _on_made(self, run: _Run, made: Made) -> None:
        """Take a slice that came; or that a span is done."""
        if not self._is_current(run):
            return
        span = run.spans[made.span]
        if made.plane is None:
            run.done_spans = made.span + 1
            run.done += run.total - run.done
            self._grow(run, self._stale(run, span))
            return
        changes = {}
        for mask, score in made.masks.values():
            mask = constrained(mask, made.plane, run.crossing, self._board.shape)
            kind = "interpolation" if span.kind != "propagation" else "propagation"
            mark = SliceMark(kind, score)
            changes[made.plane] = PlaneState(stored=mask, mark=mark)
            run.written.add(made.plane)
        for reason in made.endings.values():
            self._endings[made.plane] = reason
        self._grow(run, changes)
        before = sum(len(other.indices) for other in run.spans[: made.span])
        after = sum(len(other.indices) for other in run.spans[made.span + 1 :])
        run.done, run.total = before + made.done, before + made.total + after
        self.progressed.emit(run.done, run.total)

    def _stale(self, run: _Run, span: Span) -> dict[PlaneKey, PlaneState | None]:
        """Return the slices of a span that were made before, and not again."""
        current = self._history.state.object
        gone = PlaneState() if current.editing is not None else None
        return {
            plane: gone
            for plane in span.planes
            if plane not in run.written and self._is_made(plane)
        }

    def _is_made(self, plane: PlaneKey) -> bool:
        state = self._history.state.object.planes.get(plane)
        return state is not None and state.is_made and not state.mark.locked

    def _grow(self, run: _Run, changes: Mapping[PlaneKey, PlaneState | None]) -> None:
        """Log what was made, as one act with what the run made before."""
        planes = self._history.state.object.planes
        changed = tuple(
            SliceChange(plane, planes.get(plane), after)
            for plane, after in changes.items()
            if planes.get(plane) != after
        )
        if not changed:
            return
        more = Propagated(self._history.state.label, changed, run.follows)
        if run.act is None:
            run.act = more
            self._history.push(more)
        else:
            run.act = self._history.grow(more)
        run.revision = self._history.revision
        self._show(change.plane for change in changed)

    def _on_run_done(self, run: _Run) -> None:
        if self._run is run:
            self._run = None
            self._rest = ()
            self.progressed.emit(run.total, run.total)
        self._update()

    def _on_run_failed(self, run: _Run, error: Exception) -> None:
        if self._run is run:
            self._run = None
            self._forget_corrections()
        self._report(error)

    def _stop_run(self) -> None:
        if self._run is not None:
            self._run = None
            self._worker.cancel(_JOB)

    # corrections ------------------------------------------------------------------

    def _change(self, after: dict[PlaneKey, Prompts]) -> None:
        run = self._run
        if run is not None and self._is_current(run):
            self._rest = run.unfinished
        self._stop_run()
        given = {
            plane: self._with_made_mask(plane, prompts)
            for plane, prompts in after.items()
        }
        super()._change(given)
        converted = [plane for plane in after if given[plane] is not after[plane]]
        if converted:
            self._board.paint(self._known(), converted)
        if self.follow:
            self._corrected |= set(after)
        else:
            self._forget_corrections()
        self._go_on()

    def _with_made_mask(self, plane: PlaneKey, prompts: Prompts) -> Prompts:
        """Add what was made on `plane` as the mask to start from."""
        state = self._history.state.object.planes.get(plane)
        if (
            state is None
            or not (state.is_made and state.stored and prompts)
            or prompts.mask is not None
        ):
            return prompts
        mask = state.stored.plane(plane.shape_in(self._board.shape))
        return replace(prompts, mask=Mask.from_array(mask))

    def _on_answer(self, entry: Entry) -> None:
        super()._on_answer(entry)
        self._go_on()

    def _on_failure(self, entry: Entry, error: Exception) -> None:
        self._wish = None
        self._forget_corrections()
        super()._on_failure(entry, error)

    def _go_on(self) -> None:
        """Start what waited for answers, as far as they are there."""
        try:
            if self._wish is not None:
                self._try_wish()
            elif self._corrected and all(map(self._is_settled, self._corrected)):
                self._follow_corrections()
        except SegNextError as error:
            self._report(error)

    def _follow_corrections(self) -> None:
        corrected, self._corrected = self._corrected, set()
        spans: dict[tuple[Row, int], Span] = {}
        for plane in corrected:
            for span in self._spans_beside(plane):
                spans[span.row, span.indices.start] = span
        for left in self._rest:
            for span in self._spans(left.row, left.written, left.kind):
                spans.setdefault((span.row, span.indices.start), span)
        self._stop_run()
        self._rest = tuple(spans.values())
        if spans:
            self._start_run(spans.values(), follows=True)
        self._constrain_by(corrected)

    def _spans_beside(self, plane: PlaneKey) -> list[Span]:
        """Return the spans next to a corrected slice in which slices were made."""
        axes = plane.fixed
        if self._axis in axes:  # the last run's first
            axes = (self._axis, *(axis for axis in axes if axis != self._axis))
        for axis in axes:
            size = self._board.shape[axis]
            row = Row.through(plane, axis, size)
            index = row.index(plane)
            limits = self._limits.get(
                (self._history.state.object.number, row), range(size)
            )
            found = [
                self._made_alike(span)
                for span in self._spans(row, limits, "propagation")
                if index is not None
                and (span.indices.start - 1 <= index <= span.indices.stop)
                and any(map(self._is_made, span.planes))
            ]
            if found:
                return found
        return []

    def _made_alike(self, span: Span) -> Span:
        """Return a span that is to be made as what is there was."""
        planes = self._history.state.object.planes
        marks = {planes[plane].mark for plane in span.planes if self._is_made(plane)}
        if any(mark.made_by == "propagation" for mark in marks):
            return span
        is_plain = all(mark.score is None for mark in marks)
        alike = replace(span, kind="interpolation" if is_plain else "snap")
        return alike if alike.can_be_made else span

    def _constrain_by(self, corrected: set[PlaneKey]) -> None:
        """Let corrected planes have their way where made ones cross them."""

    def _forget_corrections(self) -> None:
        self._corrected.clear()
        self._rest = ()

    # what ends a run --------------------------------------------------------------

    def _update(self) -> None:
        run = self._run
        if run is not None and not (
            self._is_current(run) and self._worker.is_pending(_JOB)
        ):
            self._stop_run()
            self._rest = ()
        super()._update()

    def _renew_source(self) -> None:
        self._stop_run()
        self._wish = None
        self._forget_corrections()
        super()._renew_source()

    def _after_move(self, act: Act) -> None:
        self._stop_run()
        self._wish = None
        self._forget_corrections()
        super()._after_move(act)

    def _after_switch(self, before: OpenObject) -> None:
        if before.number != self._history.state.object.number:
            self._stop_run()
            self._wish = None
            self._forget_corrections()
        super()._after_switch(before)

    def _close(self) -> None:
        self._run = self._wish = None
        super()._close()

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self.is_propagating, self.follow)


def _limits(slices: range | None, size: int) -> range:
    if slices is None:
        return range(size)
    if not isinstance(slices, range) or abs(slices.step) != 1:
        raise PromptError(
            f"`slices` is {slices!r}; give a range without gaps, as range(10, 20)."
        )
    low = min(slices.start, slices.stop + 1) if slices.step < 0 else slices.start
    high = max(slices.start + 1, slices.stop + 1) if slices.step < 0 else slices.stop
    found = range(max(low, 0), min(high, size))
    if not found:
        raise PromptError(
            f"`slices` is {slices!r}, which none of the {size} slices is in; name "
            "some of them."
        )
    return found
