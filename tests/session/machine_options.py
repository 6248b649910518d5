"""Rules: several objects, post-processing, overlaps, review, cutting, leaving."""

from __future__ import annotations

from typing import Any

import numpy as np
from hand import Hand
from hypothesis import strategies as st
from machine_base import Base, act, act_if, picks, spots
from machine_checks import check_same, is_settled, snapshot
from machine_model import in_layer
from machine_objects import label_of
from machine_predictor import WELL

from napari_segnext import PostProcess
from napari_segnext.errors import SegNextError

postprocesses = st.builds(
    PostProcess,
    touched=st.booleans(),
    fill_holes=st.booleans(),
    smooth_px=st.integers(0, 2),
    min_size_px=st.sampled_from([0, 5, 60]),
)


class Options(Base):
    """What can be chosen, and what is done with accepted objects besides."""

    # several objects at once ------------------------------------------

    @act(each=st.booleans(), once=st.booleans())
    def set_each(self, each: bool, once: bool) -> None:
        desk = self.desk
        desk.session.each_once = once
        was = desk.session.each
        is_blank = not any(
            found.prompts or found.stored for found in desk.fold.planes.values()
        )
        desk.call(setattr, desk.session, "each", each)
        assert desk.session.each is (each if is_blank else was)

    @act(several=st.lists(spots, min_size=2, max_size=4), only=st.booleans())
    def accept_several(self, several: list[Any], only: bool) -> None:
        """A click per object, and a label each."""
        desk, session = self.desk, self.desk.session
        if only:
            session.clear()
            desk.call(setattr, session, "each", True)
        for spot in several:
            plane, row, col = desk.place(spot)
            desk.prompt(plane, session.add_click, plane.lift((row, col))[0])
        desk.settle()
        if not is_settled(desk) or not desk.fold.each:
            return
        before, shown = desk.target, np.array(session.preview.data)
        fold, overlap, label = desk.fold, session.overlap, session.label
        if desk.call(session.accept) is None:
            return
        after = desk.target
        self.expected = after
        brought = set(np.unique(after[after != before])) - {0}
        np.testing.assert_array_equal(after[shown == 0], before[shown == 0])
        if overlap == "keep":
            kept = ~np.isin(before, [0, label])
            np.testing.assert_array_equal(after[kept], before[kept])
        if not fold.is_crossed and overlap == "keep":
            for plane in fold.planes:
                numbers = shown[plane.slices]
                for number in np.unique(numbers[numbers > 0]):
                    values = after[plane.slices][numbers == number]
                    new = set(values) & brought
                    free = np.isin(before[plane.slices][numbers == number], [0])
                    assert len(new) == 1 or not free.any()  # a label each
        session.undo()
        np.testing.assert_array_equal(desk.target, before)
        assert session.redo()

    # options ------------------------------------------

    @act(postprocess=postprocesses, off=st.booleans())
    def set_postprocess(self, postprocess: PostProcess, off: bool) -> None:
        self.desk.session.postprocess = PostProcess() if off else postprocess

    @act(answer=st.sampled_from(["keep", "overwrite", None, "what"]))
    def ask_about_overlap(self, answer: str | None) -> None:
        session = self.desk.session
        asked: list[dict[int, int]] = []

        def on_overlap(overlaps: dict[int, int]) -> str | None:
            asked.append(overlaps)
            return answer

        before, overlaps = self.desk.target, session.overlaps()
        kept = session.overlap
        session.overlap, session.on_overlap = "ask", on_overlap
        self.desk.call(session.accept)
        session.overlap, session.on_overlap = kept, None
        after = self.desk.target
        self.expected = None
        if asked:
            assert asked == [overlaps]
            if answer in (None, "what"):
                np.testing.assert_array_equal(after, before)
        if answer != "overwrite":
            others = np.isin(before, list(overlaps))
            np.testing.assert_array_equal(after[others], before[others])

    @act(sees=st.booleans())
    def set_sees(self, sees: bool) -> None:
        session = self.desk.session
        session.sees = sees
        assert session.sees is sees
        for role in ("seen image", "seen prompts"):
            assert session.has(role) is sees

    # the objects ------------------------------------------

    @act(pick=picks, reviewed=st.booleans())
    def review(self, pick: int, reviewed: bool) -> None:
        desk, label = self.desk, label_of(self.desk, pick)
        desk.call(desk.session.review, label, reviewed)
        if label in desk.labels:
            info = desk.session.objects[label]
            assert info.reviewed is reviewed or info.state == "open"

    @act(step=st.sampled_from([1, -1, 2]), unreviewed=st.booleans())
    def next_object(self, step: int, unreviewed: bool) -> None:
        session = self.desk.session
        label = session.next_object(step, unreviewed)
        if label is not None:
            assert session.focus == label
            plane = self.desk.shown
            if plane is not None and self.viewer.dims.ndisplay == 2:
                assert (self.desk.target[plane.slices] == label).any()

    @act(spot=spots)
    def look_up_label(self, spot: Any) -> None:
        plane, row, col = self.desk.place(spot)
        (position,) = plane.lift((row, col))
        where = tuple(np.round(position).astype(int))
        inside = all(i < size for i, size in zip(where, self.desk.shape, strict=True))
        wanted = self.desk.target[where] if inside else 0
        assert self.desk.session.label_at(position) == wanted

    @act()
    def widen_target(self) -> None:
        desk = self.desk
        before = desk.target.dtype
        wider = desk.call(desk.session.widen_target)
        if wider is not None:
            assert wider.itemsize == 2 * before.itemsize
            assert desk.target.dtype == wider

    @act(pick=picks, own=st.booleans())
    def start_from_label(self, pick: int, own: bool) -> None:
        desk, session = self.desk, self.desk.session
        layer = session.target
        if own or not self.not_ours:
            label = label_of(desk, pick)
        else:
            layer, label = self.not_ours[pick % len(self.not_ours)], pick
        plane = desk.shown
        desk.call(session.add_label, layer, label)
        if not desk.was_refused and plane is not None:
            desk.named.add(plane)
            if layer is session.target:
                mask = desk.fold.planes[plane].prompts.mask
                own_pixels = desk.target[plane.slices] == label
                np.testing.assert_array_equal(mask.array > 0, own_pixels)

    @act(pick=picks, turned=st.booleans(), outside=st.booleans())
    def cut(self, pick: int, turned: bool, outside: bool) -> None:
        """Draw a line over an object; napari draws none in 3D."""
        desk, session = self.desk, self.desk.session
        plane = desk.shown
        if plane is None or self.viewer.dims.ndisplay == 3:
            return
        label, before = label_of(desk, pick), desk.target
        found = np.argwhere(before[plane.slices] == label)
        height, width = plane.shape_in(desk.shape)
        row, col = (0, 0) if outside or not len(found) else found.mean(axis=0)
        line = [(row, 0), (row, width)] if turned else [(0, col), (height, col)]
        session.activate("cut")
        layer = self.viewer.layers.selection.active
        vertices = [in_layer(layer, desk.image, end) for end in plane.lift(line)]
        layer.add(np.array(vertices), shape_type="line")
        session.sync()
        assert not session.has("cuts")
        self.expected = after = desk.target
        changed = after != before
        assert len(np.unique(before[changed])) <= 1
        assert not np.isin(after[changed], before).any()

    # the mouse ------------------------------------------

    @act(spot=spots, keys=st.sampled_from([(), ("Control",), ("Shift",)]))
    def click_by_mouse(self, spot: Any, keys: tuple[str, ...]) -> None:
        desk, session = self.desk, self.desk.session
        plane, row, col = desk.place((0, *spot[1:]))
        dims = self.viewer.dims
        if plane != desk.shown or dims.ndisplay == 3 or dims.ndim > len(desk.shape):
            return
        session.activate("point")
        before = len(session.points.data)
        hand = Hand(self.viewer, desk.image)
        hand.keys = keys
        hand.click(tuple(plane.lift((row, col))[0]))
        layer = session.points
        if len(layer.data) > before and keys != ("Shift",):
            is_positive = (session.polarity == "positive") is (keys == ())
            said = "positive" if is_positive else "negative"
            assert layer.features["polarity"].iloc[-1] == said

    # leaving ------------------------------------------

    @act_if(lambda self: self.is_ready and is_settled(self.desk))
    def leave_and_resume(self) -> None:
        """Close the session and take its work up with another one."""
        desk = self.desk
        desk.settle()
        if not is_settled(desk) or not desk.session.target.editable:
            return
        before, kept = snapshot(desk), {"touched": desk.touched, "first": desk.first}
        options = {
            name: getattr(desk.session, name)
            for name in ("postprocess", "auto_run", "polarity")
        }
        first_target, named = desk.first_target, desk.named
        desk.predictor.mood = WELL
        work = desk.session.leave()
        assert not desk.is_open
        desk.keep_layers()
        desk.open()
        for name, value in options.items():
            setattr(desk.session, name, value)
        try:
            desk.session.resume(work)
        except SegNextError:  # prompts stood in the user's own layers already
            begun = bool(desk.session._history.acts)
            if not begun:
                raise
            return
        desk.touched, desk.first = kept["touched"], kept["first"]
        desk.first_target, desk.named = first_target, named
        desk.settle()
        check_same(before, snapshot(desk), "preview")
