"""A session's work, left and taken up again by another session."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_segnext.core.prompt_map import check_prompts
from napari_segnext.core.prompts import Prompts
from napari_segnext.errors import PromptError
from napari_segnext.session import text
from napari_segnext.session.layers import PROMPT_ROLES, role_of
from napari_segnext.session.planes import level_0
from napari_segnext.session.reviewing import Reviewing

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.session.engine import Answers
    from napari_segnext.session.history import History
    from napari_segnext.session.planes import PlaneKey

__all__ = ["Resuming", "Work"]


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What `Session.leave` returns and `Session.resume` takes; it opens no other way.

    It keeps neither layers nor a viewer alive. It can be taken up more than once.
    """

    _history: History
    _answers: Answers
    _asked: frozenset[tuple[int, PlaneKey]]
    _named: frozenset[PlaneKey]
    _focus: int | None
    _shape: tuple[int, ...]
    _label_was_free: bool
    _seen: tuple[object, ...]
    _adopted: frozenset[str]
    _pixels: Callable[[], Any]
    _target: Callable[[], Any]


class Resuming(Reviewing):
    """The part of `Session` that leaves work and takes it up; see there."""

    def leave(self) -> Work:
        """Close the session, and return what another one needs to go on.

        Open object with its prompts, answers, undo and redo, what is reviewed, label
        and focus. The target stays in the viewer: give it to the next session.

        Returns
        -------
        Work
            For `resume` of the next session.
        """
        self._sync()
        label = self._history.state.label
        work = Work(
            self._history.copy(),
            self._engine.answers.copy(),
            frozenset(self._asked),
            frozenset(self._named),
            self._focus,
            self._board.shape,
            label not in self._target.labels,
            self._seen_as(),
            self._adopted(),
            _weak(level_0(self._image)),
            weakref.ref(self._target.layer),
        )
        self._close()
        return work

    def resume(self, work: Work) -> None:
        """Take up what another session left; see `Journaling.resume`."""
        self._check_open()
        if not isinstance(work, Work):
            raise PromptError(
                f"`resume` takes what `leave` returned, not {type(work).__name__}."
            )
        if self._history.last is not None or self._history.next is not None:
            raise PromptError(
                "This session has begun already; take up work right after opening one."
            )
        if work._shape != self._board.shape:
            self._take_up_prompts(work, text.IMAGE_IS_ANOTHER)
        elif work._target() is not self._target.layer:
            self._take_up_prompts(work, text.TARGET_IS_ANOTHER)
        else:
            self._take_up(work)
        self._update()

    def _take_up(self, work: Work) -> None:
        self._history = work._history.copy()
        self._asked, self._named = set(work._asked), set(work._named)
        self._focus = work._focus
        if self._seen_as() == work._seen and work._pixels() is level_0(self._image):
            self._engine.answers = work._answers.copy(self._source.version)
        state = self._history.state
        if work._label_was_free and state.label in self._target.labels:
            label = self._target.next_free()
            self._history.state = replace(state, label=label)
        self._forget_empty_layers()
        self._join_new_layers(work)
        self._look_at_prompts()
        planes = self._history.state.object.planes
        self._write_prompts(planes)
        self._show(planes)
        self._ask(
            plane
            for plane in planes
            if self._was_asked(plane) or (self._auto_run and self._is_wanted(plane))
        )

    def _join_new_layers(self, work: Work) -> None:
        """Add the open prompts to layers of the user's that had no part before."""
        if self._adopted() <= work._adopted:
            return
        known = self._known()
        read, _ = self._board.read(known)
        joined = {
            plane: self._fitting(plane, read.get(plane, Prompts()), prompts)
            for plane, prompts in {**read, **known}.items()
        }
        changes = {
            plane: prompts
            for plane, prompts in joined.items()
            if prompts != known.get(plane, Prompts())
        }
        if changes:
            self._change(changes)
        self._write_prompts(joined)

    def _forget_empty_layers(self) -> None:
        """Do not take it for a deletion that layers made just now hold no prompts."""
        for role in PROMPT_ROLES:
            layer = self._board.last(role)
            if layer is not None and role_of(layer) is not None:
                self._board.dirty.discard(role)

    def _take_up_prompts(self, work: Work, complaint: str) -> None:
        self._look_at_prompts()
        left = work._history.state.object
        state = self._history.state
        if state.object.is_blank and left.each:
            current = replace(state.object, each=True)
            self._history.state = replace(state, object=current)
        known = self._known()
        after = {}
        for plane, found in left.planes.items():
            here = known.get(plane, Prompts())
            prompts = self._fitting(plane, found.prompts, here)
            if prompts != here:
                after[plane] = prompts
        if after:
            self._named.update(after)
            self._change(after)
            self._write_prompts(after)
        self._complain(complaint)

    def _fitting(self, plane: PlaneKey, prompts: Prompts, here: Prompts) -> Prompts:
        """Add to what is `here` those of `prompts` that the plane has room for."""
        shape = self._board.shape
        if not plane.is_in(shape):
            return here
        masks = () if prompts.mask is None else (prompts.mask,)
        standing = set(here)
        for prompt in (*prompts, *masks):
            if prompt in standing:
                continue
            try:
                check_prompts(Prompts().add(prompt), plane.shape_in(shape))
            except PromptError:
                continue
            here = here.add(prompt)
        return here

    def _adopted(self) -> frozenset[str]:
        """Return the roles that layers of the user's play."""
        layers = {role: self._board.last(role) for role in PROMPT_ROLES}
        return frozenset(
            role
            for role, layer in layers.items()
            if layer is not None and role_of(layer) is None
        )

    def _seen_as(self) -> tuple[object, ...]:
        """Return what answers depend on, besides prompts and pixels."""
        return (*self._engine.recipe, self._source.limits, self._source.gamma)


def _weak(value: Any) -> Callable[[], Any]:
    """Return a reference that keeps nothing alive; to None if that cannot be."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: None
