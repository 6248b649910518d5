"""Rules: objects through the slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from machine_base import Base, act, picks, spots
from machine_checks import is_settled
from machine_objects import label_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine_desk import Desk

    from napari_segnext.session.planes import PlaneKey

ranges = st.sampled_from([None, None, range(2), range(1, 4), range(9, 12), range(0)])
axes = st.sampled_from([None, None, None, 0, 1, 2, -3])


class Volumes(Base):
    """Propagate, interpolate, cancel, lock, review, look for the worst."""

    @act(slices=ranges, axis=axes)
    def propagate(self, slices: range | None, axis: int | None) -> None:
        session = self.desk.session
        self.make(lambda: session.propagate(slices=slices, axis=axis))

    @act(pick=picks)
    def propagate_label(self, pick: int) -> None:
        session = self.desk.session
        self.make(lambda: session.propagate(label_of(self.desk, pick)))

    @act(first=picks, second=picks)
    def propagate_together(self, first: int, second: int) -> None:
        desk = self.desk
        labels = [label_of(desk, first), label_of(desk, second)]
        self.make(lambda: desk.session.propagate(labels))

    @act(snap=st.booleans())
    def interpolate(self, snap: bool) -> None:
        session = self.desk.session
        self.make(lambda: session.interpolate(snap=snap))

    @act(spot=spots)
    def click_and_propagate(self, spot: Any) -> None:
        """The most usual of all, so that there are made slices."""
        desk = self.desk
        plane, row, col = desk.place(spot)
        desk.prompt(plane, desk.session.add_click, plane.lift((row, col))[0])
        desk.settle()
        if desk.is_open:
            self.make(desk.session.propagate)

    @act(spot=spots)
    def propagate_and_cancel(self, spot: Any) -> None:
        """At some moment, while nobody waits."""
        desk = self.desk
        desk.call(desk.session.propagate)
        desk.call(desk.session.sync)
        if desk.is_open:
            desk.call(desk.session.cancel)
            assert not desk.session.is_propagating

    @act(spot=spots)
    def propagate_and_click(self, spot: Any) -> None:
        """A correction while slices are made."""
        desk = self.desk
        plane, row, col = desk.place(spot)
        desk.call(desk.session.propagate)
        desk.call(desk.session.sync)
        if desk.is_open:
            desk.prompt(plane, desk.session.add_click, plane.lift((row, col))[0])

    @act()
    def cancel(self) -> None:
        self.desk.call(self.desk.session.cancel)

    @act(spot=spots, locked=st.booleans())
    def lock(self, spot: Any, locked: bool) -> None:
        plane, _, _ = self.desk.place(spot)
        self.desk.call(self.desk.session.lock, plane, locked)

    @act(spot=spots, reviewed=st.booleans())
    def review_slice(self, spot: Any, reviewed: bool) -> None:
        plane, _, _ = self.desk.place(spot)
        self.desk.call(self.desk.session.review_slice, plane, reviewed)

    @act(step=st.sampled_from([1, 1, -1, 3]))
    def next_worst(self, step: int) -> None:
        desk = self.desk
        plane = desk.call(desk.session.next_worst, step)
        if plane is not None:
            assert desk.shown == plane
            info = desk.session.slices[plane]
            assert info.kind != "keyed"
            assert not info.locked
            assert not info.reviewed

    @act(follow=st.booleans())
    def set_follow(self, follow: bool) -> None:
        self.desk.call(setattr, self.desk.session, "follow", follow)

    @act()
    def list_all(self) -> None:
        desk = self.desk
        rows = desk.call(desk.session.table)
        if rows is None or not desk.is_open:
            return
        sizes = {label: int((desk.target == label).sum()) for label in desk.labels}
        for row in rows:
            if row.state != "open" and desk.setup.kind != "hyperstack":
                assert row.slices > 0
                assert (row.volume > 0) == (sizes[row.label] > 0)

    def make(self, begin: Callable[[], None]) -> None:
        """Let a run go to its end; what is by hand or locked is as it was."""
        desk = self.desk
        desk.settle()
        if not desk.is_open:
            return
        before = by_hand(desk)
        number = desk.session._history.state.object.number
        desk.call(begin)
        desk.settle()
        if not is_settled(desk):
            return
        assert not desk.session.is_propagating
        if desk.session._history.state.object.number != number:
            return  # another one was opened for it
        for plane, mask in before.items():
            found = np.asarray(desk.session.preview.data)[plane.slices] > 0
            if not desk.fold.is_crossed:
                np.testing.assert_array_equal(found, mask, err_msg=str(plane))


def by_hand(desk: Desk) -> dict[PlaneKey, np.ndarray]:
    """What is shown on the planes that nothing may change."""
    preview = np.asarray(desk.session.preview.data)
    return {
        plane: np.array(preview[plane.slices] > 0)
        for plane, info in desk.session.slices.items()
        if (info.kind == "keyed" or info.locked)
        and plane in desk.session._history.state.object.planes
        and desk.session._is_settled(plane)
    }
