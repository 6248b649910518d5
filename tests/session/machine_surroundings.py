"""Rules: the viewer, the layers' lives, the predictor's moods, settings."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from machine_base import Base, act, act_if, picks, setups
from machine_checks import check_gone, snapshot
from machine_desk import ROLES, Desk, Setup, pixels
from machine_predictor import BLOCKED, FAILING, WELL
from napari.layers import Labels

roles = st.sampled_from(ROLES)


class Surroundings(Base):
    """What happens around the prompts."""

    # the view ------------------------------------------

    @act(pick=picks)
    def change_slice(self, pick: int) -> None:
        planes = self.desk.planes
        self.desk.show(planes[pick % len(planes)])

    @act(seed=st.permutations([0, 1, 2, 3]))
    def change_order(self, seed: list[int]) -> None:
        ndim = self.viewer.dims.ndim
        self.viewer.dims.order = tuple(axis for axis in seed if axis < ndim)

    @act()
    def change_order_back(self) -> None:
        self.viewer.dims.order = tuple(range(self.viewer.dims.ndim))

    @act(ndisplay=st.sampled_from([2, 2, 3]))
    def change_ndisplay(self, ndisplay: int) -> None:
        if self.viewer.dims.ndim > 2:
            self.viewer.dims.ndisplay = ndisplay

    # settings ------------------------------------------

    @act(polarity=st.sampled_from(["positive", "negative", "maybe"]))
    def set_polarity(self, polarity: str) -> None:
        self.desk.call(setattr, self.desk.session, "polarity", polarity)

    @act(auto_run=st.booleans())
    def set_auto_run(self, auto_run: bool) -> None:
        self.desk.call(setattr, self.desk.session, "auto_run", auto_run)

    @act()
    def run(self) -> None:
        self.desk.call(self.desk.session.run)

    @act(tool=st.sampled_from(["point", "box", "polygon", "scribble", "mask", "none"]))
    def activate(self, tool: str) -> None:
        self.desk.call(self.desk.session.activate, tool)

    @act()
    def hurry(self) -> None:
        """Let the next act meet layers that nobody has read yet."""
        self.is_hurried = True

    # the lives of layers ------------------------------------------

    def layer(self, role: str) -> Any:
        layer = self.desk.session._board.last(role)
        return layer if layer in self.viewer.layers else None

    @act(role=roles)
    def remove_layer(self, role: str) -> None:
        layer = self.layer(role)
        if layer is not None:
            if role == "target" and self.expected is not None:
                self.expected = np.zeros_like(self.expected)
            self.viewer.layers.remove(layer)
            self.desk.kept.pop(role, None)

    @act(role=roles)
    def duplicate_layer(self, role: str) -> None:
        layer = self.layer(role)
        if layer is not None and len(self.not_ours) < 3:
            copy = layer.__class__.create(*layer.as_layer_data_tuple())
            copy.name = f"copy of {layer.name}"
            self.viewer.layers.append(copy)
            self.not_ours.append(copy)

    @act(role=roles, name=st.sampled_from(["", "same", "preview"]))
    def rename_layer(self, role: str, name: str) -> None:
        layer = self.layer(role)
        if layer is not None:
            layer.name = f"{self.desk.name} {name}"

    @act(source=picks, to=picks)
    def move_layer(self, source: int, to: int) -> None:
        count = len(self.viewer.layers)
        self.viewer.layers.move(source % count, to % count)

    @act(role=roles)
    def hide_layer(self, role: str) -> None:
        layer = self.layer(role)
        if layer is not None:
            layer.visible = not layer.visible

    @act(locked=st.sampled_from([False, False, True]))
    def lock_target(self, locked: bool) -> None:
        layer = self.layer("target")
        if layer is not None:
            layer.editable = not locked

    @act(kept=st.booleans())
    def preserve_labels(self, kept: bool) -> None:
        layer = self.layer("target")
        if layer is not None:
            layer.preserve_labels = kept

    @act(by=st.integers(-6, 6), role=st.sampled_from(["points", "shapes"]))
    def shift_prompt_layer(self, by: int, role: str) -> None:
        layer = self.layer(role)
        if layer is not None:
            translate = np.array(layer.translate)
            translate[-1] += by / 4 * self.desk.image.scale[-1]
            layer.translate = translate

    # the image ------------------------------------------

    @act(seed=st.integers(0, 3))
    def replace_image(self, seed: int) -> None:
        desk = self.desk
        desk.image.data = pixels(desk.image.data.shape, seed)
        desk.call(desk.session.sync)
        desk.take_limits()

    @act(low=st.integers(0, 400), gamma=st.sampled_from([1.0, 1.0, 0.5]))
    def change_contrast(self, low: int, gamma: float) -> None:
        if not self.desk.image.rgb:
            self.desk.image.contrast_limits = (low, low + 500)
            self.desk.image.gamma = gamma

    @act()
    def refresh_contrast(self) -> None:
        self.desk.call(self.desk.session.refresh_contrast)
        self.desk.take_limits()

    @act(everything=st.booleans(), twice=st.booleans())
    def remove_image(self, everything: bool, twice: bool) -> None:
        """The session ends; half the time it is thought better of."""
        if not (everything or twice):
            return
        self.expected = None
        for desk in self.desks:
            desk.predictor.mood = WELL
        if everything and twice:
            self.viewer.layers.clear()
            self.not_ours.clear()
        else:
            self.viewer.layers.remove(self.desk.image)
        for desk in self.desks:
            if desk.image not in self.viewer.layers:
                if desk.is_open:
                    desk.call(desk.session.sync)
                assert not desk.is_open
                desk.errors.clear()

    # the predictor ------------------------------------------

    @act(asks=st.booleans())
    def block(self, asks: bool) -> None:
        self.desk.settle()
        self.desk.predictor.asks = asks
        self.desk.predictor.mood = BLOCKED

    @act()
    def fail(self) -> None:
        self.desk.settle()
        self.desk.predictor.mood = FAILING
        self.desk.lenient = True

    @act_if(lambda self: self.is_ready and self.desk.predictor.mood != WELL)
    def recover(self) -> None:
        """Work again; what is on display and was named is answered by `run`."""
        desk = self.desk
        desk.predictor.mood = WELL
        desk.settle()
        if desk.is_open:
            desk.session.run()
            desk.settle()
            desk.errors.clear()
            desk.lenient = False

    # sessions ------------------------------------------

    @act()
    def close(self) -> None:
        desk = self.desk
        desk.predictor.mood = WELL
        desk.settle()
        if not desk.is_open:
            return
        target = desk.session.target
        before = snapshot(desk)["target"]
        desk.session.close()
        desk.session.close()
        assert target in self.viewer.layers
        np.testing.assert_array_equal(target.data, before)
        self.expected = None
        if len(self.desks) == 1:
            check_gone(self.viewer, list(self.viewer.layers))

    @act_if(lambda self: bool(self.desks) and not self.desk.is_open)
    def reopen(self) -> None:
        """Open the image again, on the same labels and layers where they are there."""
        desk = self.desk
        if desk.image not in self.viewer.layers:
            self.viewer.layers.append(desk.image)
        desk.keep_layers()
        desk.open()

    @act_if(lambda self: len(self.desks) == 1, setup=setups)
    def open_second_session(self, setup: Setup) -> None:
        self.desks.append(Desk(self.viewer, setup, "other"))
        self.expected = None

    @act_if(lambda self: len(self.desks) == 2)
    def change_desk(self) -> None:
        self.at = 1 - self.at
        self.expected = None

    @act()
    def paint_in_a_layer_of_ones_own(self) -> None:
        if len(self.not_ours) < 3:
            layer = Labels(np.zeros((4, 24, 28), np.uint8), name="own")
            self.viewer.layers.append(layer)
            self.not_ours.append(layer)
