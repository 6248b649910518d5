"""A run through the slices: started, taken in slice by slice, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_segnext.errors import PromptError, SegNextError
from napari_segnext.session import text
from napari_segnext.session.acts import PromptsChanged, Propagated, SliceChange
from napari_segnext.session.making import constrained, making
from napari_segnext.session.measuring import spacing
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.runs import Run
from napari_segnext.session.slices import Slices
from napari_segnext.session.spans import keys_of, with_made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_segnext.session.acts import Act, OpenObject
    from napari_segnext.session.history import Entry
    from napari_segnext.session.making import Made, Row, Span
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.runs import Wish
    from napari_segnext.session.state import PlaneState

__all__ = ["Running"]

_JOB = "propagation"


class Running(Slices):
    """The part of `Session` that runs through the slices; see there.

    What is made is in the log from the first slice on: as one act, which grows while
    the run goes on. So whatever the user does meanwhile finds everything consistent;
    it ends the run, and what is there stays as an act of its own.
    """

    progressed = Signal(int, int)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._run: Run | None = None
        self._wish: Wish | None = None
        self._limits: dict[tuple[int, Row], range] = {}  # of the object's last run
        self._axis: int | None = None  # of the last run
        self._endings: dict[PlaneKey, str] = {}

    @property
    def is_propagating(self) -> bool:
        """Whether slices are being made, or will be when keyed ones are answered."""
        return self._run is not None or self._wish is not None

    @property
    def endings(self) -> dict[PlaneKey, str]:
        """Where and why the last run found that the open object ended, in sentences."""
        return dict(self._endings)

    # waiting for what is by hand ----------------------------------------------------

    def _by_hand(self, row: Row) -> dict[int, PlaneKey]:
        """Return the planes of a row that have something by hand, by index."""
        return {
            index: plane
            for plane, state in self._history.state.object.planes.items()
            if state.has_keys and (index := row.index(plane)) is not None
        }

    def _try_wish(self) -> None:
        """Start the run that was wished for, if all is answered that it starts from.

        Raises
        ------
        PromptError
            If there is nothing to make.
        """
        wish = self._wish
        if wish is None:
            return
        waiting = [
            plane
            for row in wish.rows
            for plane in self._by_hand(row).values()
            if not self._is_settled(plane)
        ]
        if waiting:
            self._ask(plane for plane in waiting if not self._is_asked_now(plane))
            return
        self._wish = None
        spans = [
            span
            for row in wish.rows
            for span in self._spans(row, wish.limits, wish.kind)
        ]
        if not any(span.can_be_made for span in spans):
            raise PromptError(
                "There is nothing to make: the object needs a slice by hand with a "
                "mask, and others beside it that are free."
                if wish.kind == "propagation"
                else "There is nothing to fill: the object needs two slices by hand "
                "with masks, and free ones between them."
            )
        self._axis = wish.rows[0].axis
        self._limits.update({(wish.number, row): wish.limits for row in wish.rows})
        self._start_run(spans, follows=False)

    def _spans(self, row: Row, limits: range, kind: str) -> list[Span]:
        """Return what there is to make in a row, from what is shown by hand in it."""
        by_hand = self._by_hand(row)
        self._show(by_hand.values())
        return keys_of(self._history.state.object, by_hand, self._preview.masks).spans(
            row, limits, kind
        )

    # running --------------------------------------------------------------------------

    def _start_run(self, spans: Iterable[Span], follows: bool) -> None:
        """Give spans to the worker, those near the displayed slice first."""
        ordered = tuple(sorted(spans, key=self._distance_of))
        made = {span.row.first.displayed for span in ordered}
        masks = self._preview.masks
        run = Run(
            ordered,
            {
                plane: masks.get(plane, PlaneMask())
                for plane, state in self._history.state.object.planes.items()
                if state.has_keys and plane.displayed not in made
            },
            self._history.revision,
            follows and self._is_after_correction,
        )
        self._run, self._endings = run, {}
        spacings = {
            span.row: spacing(self._image, span.row.axis, span.row.first.displayed)
            for span in ordered
        }
        self._worker.submit(
            _JOB,
            making(self._engine, self._source, ordered, self._board.shape, spacings),
            lambda _: self._on_run_done(run),
            lambda error: self._on_run_failed(run, error),
            lambda made: self._on_made(run, made),
        )

    @property
    def _is_after_correction(self) -> bool:
        """Whether what is logged now comes of the correction just before."""
        last = self._history.last
        return isinstance(last, PromptsChanged) or (
            isinstance(last, Propagated) and last.follows
        )

    def _distance_of(self, span: Span) -> int:
        plane = self._board.plane
        index = None if plane is None else span.row.index(plane)
        return 0 if index is None else min(abs(at - index) for at in span.written)

    def _is_current(self, run: Run) -> bool:
        return self._run is run and run.revision == self._history.revision

    def _on_made(self, run: Run, made: Made) -> None:
        """Take a slice that came; or that a span is done."""
        if not self._is_current(run):
            return
        span = run.spans[made.span]
        if made.plane is None:
            run.done_spans = made.span + 1
            self._grow(run, run.not_made_again(self._history.state.object, span))
            return
        if made.masks:
            run.written |= {(made.plane, number) for number in made.masks}
            self._grow(run, {made.plane: self._taken(run, span, made.plane, made)})
        if made.endings:
            self._endings[made.plane] = " ".join(
                self._sentence(number, reason)
                for number, reason in made.endings.items()
            )
        before = sum(len(other.indices) for other in run.spans[: made.span])
        after = sum(len(other.indices) for other in run.spans[made.span + 1 :])
        run.done, run.total = before + made.done, before + made.total + after
        self.progressed.emit(run.done, run.total)

    def _taken(
        self, run: Run, span: Span, plane: PlaneKey, made: Made
    ) -> PlaneState | None:
        """Return what is known of a slice with what was made on it."""
        current = self._history.state.object
        kind = "propagation" if span.kind == "propagation" else "interpolation"
        if not current.has_parts:
            masks = {
                number: (constrained(mask, plane, run.crossing, self._board.shape), it)
                for number, (mask, it) in made.masks.items()
            }
        else:
            masks = made.masks
        return with_made(current, plane, masks, kind)

    def _sentence(self, number: int, reason: str) -> str:
        labels = self._history.state.object.labels
        if not labels:
            return reason
        return text.OF_LABEL.format(label=labels[number - 1], sentence=reason)

    def _grow(self, run: Run, changes: Mapping[PlaneKey, PlaneState | None]) -> None:
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

    def _on_run_done(self, run: Run) -> None:
        if self._run is run:
            if self._is_current(run) and run.written:
                self._grow(run, run.crossed(self._history.state.object))
            self._end_run()
            self.progressed.emit(run.total, run.total)
            if run.act is None and self._endings and not run.follows:
                reason = next(iter(self._endings.values()))
                self._complain(text.NO_SLICE_ADDED.format(reason=reason))
        self._update()

    def _on_run_failed(self, run: Run, error: Exception) -> None:
        if self._run is run:
            self._end_run()
        self._report(error)

    # ending ---------------------------------------------------------------------------

    def _stop_run(self) -> None:
        """Stop what is being made; what is there stays."""
        if self._run is not None:
            self._run = None
            self._worker.cancel(_JOB)

    def _end_run(self) -> None:
        """Stop what is being made or wished for, with all that was to come of it."""
        self._stop_run()
        self._wish = None

    def _give_up_unstarted(self) -> bool:
        """Stop a run of which nothing has come yet; whether there was one."""
        run = self._run
        is_unstarted = self._wish is not None or (
            run is not None and run.act is None and not run.follows
        )
        if is_unstarted:
            self._end_run()
        return is_unstarted

    def _go_on(self) -> None:
        """Start what waited for answers, as far as they are there."""
        try:
            self._try_wish()
        except SegNextError as error:
            self._report(error)

    def _on_answer(self, entry: Entry) -> None:
        super()._on_answer(entry)
        self._go_on()
        self._update()

    def _on_failure(self, entry: Entry, error: Exception) -> None:
        self._end_run()
        super()._on_failure(entry, error)

    def _update(self) -> None:
        run = self._run
        if run is not None and not (
            self._is_current(run) and self._worker.is_pending(_JOB)
        ):
            self._end_run()
        super()._update()

    def _renew_source(self) -> None:
        self._end_run()
        super()._renew_source()

    def _after_move(self, act: Act) -> None:
        self._end_run()
        super()._after_move(act)

    def _after_switch(self, before: OpenObject) -> None:
        if before.number != self._history.state.object.number:
            self._end_run()
            self._endings = {}
        super()._after_switch(before)

    def _close(self) -> None:
        self._run = self._wish = None
        super()._close()

    def _find_hint(self) -> str:
        # a correction is followed too soon to be read about
        is_told = self._wish is not None or (self._run and not self._run.follows)
        return text.GOING_THROUGH if is_told else super()._find_hint()

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self.is_propagating)
