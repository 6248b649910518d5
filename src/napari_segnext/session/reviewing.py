"""Going through the objects: which one is where, the next one, what was reviewed."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.session.acts import ObjectChange, OpenObject, Reviewed
from napari_segnext.session.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Reviewing"]


class Reviewing(Objects):
    """The part of `Session` for going through the objects; see there."""

    @property
    def focus(self) -> int | None:
        """The accepted object that acts without an argument are about.

        The one that was gone to or edited last; None if it is gone.
        """
        if self._closed:
            return None
        self._sync()
        return self._focus if self._focus in self._target.labels else None

    def label_at(self, position: Sequence[float]) -> int:
        """Return the label of the target at a position (..., y, x); 0 for none.

        Parameters
        ----------
        position : sequence of float
            In data pixels of the image; outside of it there is no label.

        Raises
        ------
        PromptError
            If it is not one number for each axis of the image.
        """
        self._sync()
        (point,) = self._positions([position])
        data = self._target.layer.data
        index = np.round(point)
        # not a number is not inside
        if not ((index >= 0) & (index < data.shape)).all():
            return 0
        return int(np.asarray(data[tuple(int(value) for value in index)]))

    def go_to_object(self, label: int) -> None:
        """Show the middle plane of an object, and make it the one in focus.

        Raises
        ------
        LayerError
            If there is no such label.
        """
        self._sync()
        (label,) = self._known_labels([label])
        planes = list(self._target.find(label).keys(self._board.axes))
        self._focus = label
        self._go_to(planes[len(planes) // 2 : len(planes) // 2 + 1])
        self._update()

    def next_object(self, step: int = 1, unreviewed: bool = False) -> int | None:
        """Go to another object, in the order of labels; after the last comes the first.

        Parameters
        ----------
        step : int
            How many further; negative goes back.
        unreviewed : bool
            Whether objects that are reviewed are passed over.

        Returns
        -------
        int or None
            Where it went; None if there is no such object.
        """
        self._sync()
        labels = sorted(
            label
            for label in self._target.labels
            if not (unreviewed and self._is_reviewed(label))
        )
        if not labels:
            return None
        focus = self._focus
        if focus is None:
            index = step - 1 if step > 0 else step
        else:
            index = bisect_left(labels, focus) + step
            if step > 0 and focus not in labels:
                index -= 1  # the next one has moved up into its place
        label = labels[index % len(labels)]
        self.go_to_object(label)
        return label

    def review(self, label: int, reviewed: bool = True) -> None:
        """Mark an accepted object as reviewed, or as not; an act if that is new.

        Raises
        ------
        LayerError
            If there is no such label.
        """
        self._sync()
        (label,) = self._known_labels([label])
        if self._is_reviewed(label) == bool(reviewed):
            return
        state = self._history.state
        before = state.known.get(label)
        after: OpenObject | None = replace(
            before or OpenObject(), reviewed=bool(reviewed)
        )
        if after == OpenObject():
            after = None  # as if nothing had been known
        known = (ObjectChange(label, before, after),)
        self._push(
            Reviewed(
                *(label, state.object, state.object, state.label, state.label), known
            )
        )
        self._update()

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self._focus)
