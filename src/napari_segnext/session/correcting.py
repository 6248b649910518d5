"""Corrections among made slices: what lies beside them is made anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_segnext.core.prompts import Mask
from napari_segnext.errors import PromptError
from napari_segnext.session import text
from napari_segnext.session.acts import Propagated, SliceChange
from napari_segnext.session.groups import GroupMask
from napari_segnext.session.making import Row, constrained
from napari_segnext.session.running import Running
from napari_segnext.session.state import SliceMark

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.making import Span
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.state import PlaneState

__all__ = ["Correcting"]


class Correcting(Running):
    """The part of `Session` that follows corrections; see there.

    A prompt on a made slice makes it one by hand: what was made becomes the mask to
    start from. Once that is answered, the spans beside it up to the next keys are made
    anew, and what a run still had to do when it was broken off. A newer correction
    breaks that off in turn, and takes over what is left.
    """

    _follow = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._corrected: set[PlaneKey] = set()  # and not yet followed
        self._rest: tuple[Span, ...] = ()  # of a run that is not done

    @property
    def follow(self) -> bool:
        """Whether a correction makes the slices up to the neighbouring keys anew.

        Live: as soon as it is answered, the newest wins. Undo takes the correction
        and what followed it back together.
        """
        return self._follow

    @follow.setter
    def follow(self, follow: bool) -> None:
        self._sync()
        self._follow = bool(follow)
        self._update()

    def _change(self, after: dict[PlaneKey, Prompts]) -> None:
        if self._history.state.object.labels:
            self._write_prompts(after)
            self._complain(text.NO_PROMPTS_FOR_SEVERAL)
            return
        run = self._run
        rest = run.unfinished if run and self._is_current(run) else self._rest
        self._stop_run()
        before = self._known()
        given = {
            plane: self._with_made_mask(plane, prompts)
            for plane, prompts in after.items()
        }
        super()._change(given)
        converted = [plane for plane in after if given[plane] is not after[plane]]
        if converted:
            self._board.paint(self._known(), converted)
        self._renumber(before, after)
        if self._follow:
            self._rest = rest
            self._corrected |= set(after)
        self._go_on()

    def _prompt(self, plane: PlaneKey, prompts: Prompts) -> None:
        if self._history.state.object.labels:
            raise PromptError(text.NO_PROMPTS_FOR_SEVERAL)
        super()._prompt(plane, prompts)

    def _with_made_mask(self, plane: PlaneKey, prompts: Prompts) -> Prompts:
        """Add what was made on `plane` as the mask to start from."""
        current = self._history.state.object
        state = current.planes.get(plane)
        if (
            state is None
            or current.has_parts
            or not (state.is_made and state.stored and prompts)
            or prompts.mask is not None
        ):
            return prompts
        mask = state.stored.plane(plane.shape_in(self._board.shape))
        return replace(prompts, mask=Mask.from_array(mask))

    def _go_on(self) -> None:
        super()._go_on()
        if (
            self._wish is None
            and self._corrected
            and all(map(self._is_settled, self._corrected))
        ):
            self._follow_corrections()

    def _follow_corrections(self) -> None:
        corrected, self._corrected = self._corrected, set()
        self._stop_run()
        self._constrain_by(corrected)
        spans: dict[tuple[Row, int], Span] = {}
        for plane in corrected:
            for span in self._spans_beside(plane):
                spans[span.row, span.indices.start] = span
        for left in self._rest:
            for span in self._spans(left.row, left.written, left.kind):
                spans.setdefault((span.row, span.indices.start), span)
        self._rest = tuple(spans.values())
        if spans:
            self._start_run(spans.values(), follows=True)

    def _spans_beside(self, plane: PlaneKey) -> list[Span]:
        """Return the spans next to a corrected slice in which slices were made."""
        axes = sorted(plane.fixed, key=lambda axis: axis != self._axis)
        number = self._history.state.object.number
        for axis in axes:  # the last run's first
            size = self._board.shape[axis]
            row = Row.through(plane, axis, size)
            index = row.index(plane)
            limits = self._limits.get((number, row)) or self._extent(row)
            found = [
                self._made_alike(span)
                for span in self._spans(row, limits, "propagation")
                if index is not None
                and span.indices.start - 1 <= index <= span.indices.stop
                and any(self._is_made(at) for at in span.planes)
            ]
            if found:
                return found
        return []

    def _extent(self, row: Row) -> range:
        """Return from where to where an object that was opened is in a row."""
        planes = self._history.state.object.planes
        known = [row.index(plane) for plane in planes]
        indices = [index for index in known if index is not None]
        return range(min(indices, default=0), max(indices, default=-1) + 1)

    def _is_made(self, plane: PlaneKey) -> bool:
        state = self._history.state.object.planes.get(plane)
        return state is not None and state.is_made and not state.mark.locked

    def _made_alike(self, span: Span) -> Span:
        """Return a span that is to be made as what is there was."""
        planes = self._history.state.object.planes
        marks = [planes[plane].mark for plane in span.planes if self._is_made(plane)]
        if any(mark.made_by == "propagation" for mark in marks):
            return span
        is_plain = all(mark.score is None for mark in marks)
        alike = replace(span, kind="interpolation" if is_plain else "snap")
        return alike if alike.can_be_made else span

    def _constrain_by(self, corrected: Collection[PlaneKey]) -> None:
        """Let corrected planes have their way where made ones cross them."""
        current = self._history.state.object
        if current.has_parts:
            return
        masks = self._preview.masks
        hands = {
            plane: masks[plane]
            for plane in corrected
            if plane in masks and current.planes[plane].is_keyed
        }
        changes = []
        for plane, state in current.planes.items():
            if not hands or state.stored is None or not self._is_made(plane):
                continue
            mask = constrained(state.stored, plane, hands, self._board.shape)
            if mask != state.stored:
                after = replace(state, stored=mask)
                changes.append(SliceChange(plane, state, after))
        if changes:
            self._log_following(changes)

    def _log_following(self, changes: list[SliceChange]) -> None:
        """Log what a correction brings with it at once."""
        label = self._history.state.label
        act = Propagated(label, tuple(changes), self._is_after_correction)
        self._history.push(act)
        self._show(change.plane for change in changes)

    # several objects, a prompt each -------------------------------------------------

    def _renumber(
        self, before: dict[PlaneKey, Prompts], after: dict[PlaneKey, Prompts]
    ) -> None:
        """Give what was made of objects the numbers that their prompts have now."""
        current = self._history.state.object
        made = {
            plane: state for plane, state in current.planes.items() if state.is_made
        }
        if not current.each or not made:
            return
        numbers: dict[int, int] = {}
        for plane, prompts in after.items():
            now = _positives(prompts)
            for number, prompt in enumerate(_positives(before.get(plane)), 1):
                if prompt in now:
                    numbers[number] = now.index(prompt) + 1
        changes = [
            SliceChange(plane, state, _renumbered(state, numbers))
            for plane, state in made.items()
        ]
        changes = [change for change in changes if change.before != change.after]
        if changes:
            self._log_following(changes)

    # what ends it -------------------------------------------------------------------

    def _end_run(self) -> None:
        super()._end_run()
        self._corrected.clear()
        self._rest = ()

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self._follow)


def _positives(prompts: Prompts | None) -> list[object]:
    """Return the positive prompts in the order of `apart`; a mask is the last."""
    if prompts is None:
        return []
    found: list[object] = [prompt for prompt in prompts if prompt.positive]
    return found if prompts.mask is None else [*found, "mask"]


def _renumbered(state: PlaneState, numbers: dict[int, int]) -> PlaneState | None:
    """Return a made plane with other numbers; without the objects that have none."""
    if state.stored is None:
        return state
    parts = {
        numbers[number]: part
        for number, part in state.stored.parts.items()
        if number in numbers
    }
    if not parts:
        return None
    scores = tuple(
        sorted((numbers[n], it) for n, it in state.mark.parts if n in numbers)
    )
    known = [score for _, score in scores if score is not None]
    mark = SliceMark(
        state.mark.made_by,
        min(known, default=None),
        state.mark.locked,
        state.mark.reviewed,
        scores,
    )
    return replace(state, stored=GroupMask.from_parts(parts), mark=mark)
