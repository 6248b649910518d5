"""Rules: the acts of the session on objects, and its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from machine_base import Base, act, picks, spots
from machine_checks import check_journal, check_same, is_settled, snapshot
from machine_predictor import BLOCKED

if TYPE_CHECKING:
    from machine_desk import Desk


def label_of(desk: Desk, pick: int) -> int:
    """One of the labels in the target, or one that is not there."""
    labels = desk.labels
    return labels[pick % len(labels)] if labels and pick < 7 else 99


class Objects(Base):
    """Accept, undo, redo, edit, delete, merge, split."""

    @act()
    def clear(self) -> None:
        self.desk.call(self.desk.session.clear)
        assert not self.desk.session.preview.data.any()

    @act()
    def accept(self) -> None:
        self.accept_now()

    def accept_now(self) -> None:
        desk, session = self.desk, self.desk.session
        if desk.call(session.sync) is None and not desk.is_open:
            return
        fold, before, label = desk.fold, desk.target, session.label
        shown = np.array(session.preview.data).astype(int)
        overlap = session.overlap
        if session.target.preserve_labels:
            overlap = "keep"
        written = desk.call(session.accept)
        after = desk.target
        if written is None:
            return
        self.expected = None
        own = [0, label, *fold.labels]
        own += [] if fold.editing is None else [fold.editing]
        if overlap == "keep":
            changed = before != after
            assert np.isin(before[changed], own).all()  # neighbours are safe
        assert not fold.planes or not session.preview.data.any()
        assert session.label != label
        if desk.predictor.mood == BLOCKED or desk.lenient:
            return
        if fold.each or fold.labels:
            return
        assert written == label
        self.expected = accepted(fold, before, shown > 0, label, overlap)

    @act(spot=spots)
    def click_and_accept(self, spot: Any) -> None:
        """The most usual of all, so that there are objects."""
        desk = self.desk
        plane, row, col = desk.place(spot)
        desk.prompt(plane, desk.session.add_click, plane.lift((row, col))[0])
        desk.settle()
        if desk.is_open:
            self.accept_now()

    @act(count=st.integers(1, 12))
    def undo(self, count: int) -> None:
        self.move(count, forward=False)

    @act(count=st.integers(1, 12))
    def redo(self, count: int) -> None:
        self.move(count, forward=True)

    def move(self, count: int, forward: bool) -> None:
        desk, session = self.desk, self.desk.session
        desk.call(session.sync)
        for _ in range(count):
            if not desk.is_open:
                return
            step = session._history.next if forward else session._history.last
            before = desk.target
            done = session.redo() if forward else session.undo()
            if not done:
                is_locked = bool(step and step.pixels and not session.target.editable)
                assert step is None or is_locked, desk.errors
                break
            assert step is not None
            wanted = before
            if step.pixels is not None:
                change = step.pixels if forward else step.pixels.inverse()
                free = before[change.coordinates] == change.before
                where = tuple(axis[free] for axis in change.coordinates)
                wanted[where] = change.after[free]
            np.testing.assert_array_equal(desk.target, wanted)
            self.expected = wanted

    @act(count=st.integers(1, 60))
    def go_there_and_back(self, count: int) -> None:
        self.there_and_back(count)

    @act(pick=picks)
    def edit(self, pick: int) -> None:
        desk = self.desk
        label = label_of(desk, pick)
        desk.call(desk.session.edit, label)
        if label in desk.labels:
            assert desk.session.label == label
            shown = np.asarray(desk.session.preview.data) > 0
            np.testing.assert_array_equal(shown, desk.target == label)

    @act(pick=picks)
    def delete(self, pick: int) -> None:
        desk = self.desk
        label, before = label_of(desk, pick), desk.target
        if can_write(desk):
            self.expected = np.where(before == label, 0, before)
        desk.call(desk.session.delete, label)

    @act(first=picks, second=picks)
    def merge(self, first: int, second: int) -> None:
        desk = self.desk
        labels = label_of(desk, first), label_of(desk, second)
        before = desk.target
        merged = desk.call(desk.session.merge, labels)
        if merged is not None:
            assert merged == min(labels)
            self.expected = np.where(np.isin(before, labels), merged, before)

    @act(pick=picks, spot=spots, turned=st.booleans())
    def split(self, pick: int, spot: Any, turned: bool) -> None:
        desk = self.desk
        label, before = label_of(desk, pick), desk.target
        plane, row, col = desk.place(spot)
        found = np.argwhere(before[plane.slices] == label)
        if len(found):
            row, col = found.mean(axis=0)
        height, width = plane.shape_in(desk.shape)
        line = [(row, 0), (row, width)] if turned else [(0, col), (height, col)]
        new = desk.call(desk.session.split, label, plane.lift(line))
        if new is not None:
            after = desk.target
            self.expected = after
            assert new not in before
            assert set(np.unique(after[before == label])) == {label, new}
            others = before != label
            np.testing.assert_array_equal(after[others], before[others])

    @act(label=st.sampled_from([-1, 0, 1, 2, 3, 5, 255, 256, 300, 70000]))
    def set_label(self, label: int) -> None:
        self.desk.call(setattr, self.desk.session, "label", label)

    @act(overlap=st.sampled_from(["keep", "overwrite"]))
    def set_overlap(self, overlap: str) -> None:
        self.desk.call(setattr, self.desk.session, "overlap", overlap)

    # the user's own hand in the target ------------------------------------------

    @act(spot=spots, value=st.sampled_from([0, 1, 2, 3, 5]), brush=st.integers(1, 9))
    def paint_in_target(self, spot: Any, value: int, brush: int) -> None:
        desk, layer = self.desk, self.desk.session.target
        plane, row, col = desk.place((0, *spot[1:]))
        layer.brush_size = brush
        if desk.shown is not None and layer.editable and layer.visible:
            layer.paint(np.round(plane.lift((row, col))[0]), value)
        self.expected = np.array(layer.data)

    @act(spot=spots, value=st.sampled_from([0, 2, 6]))
    def write_in_target(self, spot: Any, value: int) -> None:
        """Write pixels on any plane, as a script does."""
        desk, layer = self.desk, self.desk.session.target
        plane, row, col = desk.place(spot)
        crop = np.zeros(plane.shape_in(desk.shape), bool)
        crop[int(row) : int(row) + 4, int(col) : int(col) + 4] = True
        if layer.visible:  # napari cannot where it is hidden
            layer.data_setitem(plane.coordinates_of((0, 0, *crop.shape), crop), value)
        self.expected = np.array(layer.data)

    @act(value=st.sampled_from([0, 4]))
    def assign_target(self, value: int) -> None:
        desk, layer = self.desk, self.desk.session.target
        before = desk.target
        data = np.array(layer.data)
        data[..., :14, :14] = value
        layer.data = data
        self.expected = data.copy()
        desk.touch(before)

    @act(forward=st.booleans(), count=st.integers(1, 3))
    def undo_in_target(self, forward: bool, count: int) -> None:
        desk, layer = self.desk, self.desk.session.target
        before = desk.target
        for _ in range(count if layer.visible else 0):
            (layer.redo if forward else layer.undo)()
            desk.call(desk.session.sync)  # as at the next turn of the window's loop
        self.expected = np.array(layer.data)
        desk.touch(before)

    @act()
    def read_the_journal(self) -> None:
        check_journal(self.desk)

    @act()
    def check_undo_of_all(self) -> None:
        if self.desk.touched.any():
            self.expected = None
        undo_and_redo_all(self.desk)


def can_write(desk: Desk) -> bool:
    return bool(desk.session.target.editable)


def accepted(
    fold: Any, before: np.ndarray, shown: np.ndarray, label: int, overlap: str
) -> np.ndarray:
    """What the target should hold after accept."""
    wanted = before.copy()
    if fold.editing is not None:
        for plane in fold.planes:
            here = wanted[plane.slices]
            gone = (before[plane.slices] == fold.editing) & ~shown[plane.slices]
            here[gone] = 0
    own = [0, label] if fold.editing is None else [0, label, fold.editing]
    free = np.isin(before, own) if overlap == "keep" else np.ones(before.shape, bool)
    wanted[shown & free] = label
    return wanted


def undo_and_redo_all(desk: Desk) -> None:
    """All acts taken back: the beginning. All done again: the end."""
    if not is_settled(desk) or not can_write(desk):
        return
    end = snapshot(desk)
    count = 0
    while desk.session.undo():
        count += 1
    assert count == sum(not getattr(act, "follows", False) for act in end["acts"])
    same = ~desk.touched
    if desk.session.target is desk.first_target:
        np.testing.assert_array_equal(desk.target[same], desk.first[same])
    assert not desk.session.preview.data.any()
    assert not any(found.prompts for found in desk.fold.planes.values())
    for _ in range(count):
        assert desk.session.redo(), desk.errors

    desk.settle()
    if is_settled(desk):
        after = snapshot(desk)
        for state in (end, after):
            state["target"][desk.touched] = 0
        check_same(end, after)
