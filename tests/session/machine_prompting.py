"""Rules: prompts by script and by hand, in every type of layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from machine_base import Base, act, picks, signs, spots
from machine_model import in_layer

sizes = st.integers(0, 24)  # quarters of a pixel; 0 is degenerate
brushes = st.integers(1, 7)


class Prompting(Base):
    """Prompts of the five types."""

    def lifted(self, spot: Any, *offsets: tuple[float, float]) -> list[np.ndarray]:
        plane, row, col = self.desk.place(spot)
        flat = [(row + down, col + right) for down, right in offsets]
        return list(plane.lift(flat))

    def script(self, spot: Any, name: str, *args: Any) -> None:
        plane, _, _ = self.desk.place(spot)
        self.desk.prompt(plane, getattr(self.desk.session, name), *args)

    # by script ------------------------------------------

    @act(spot=spots, positive=signs)
    def add_click(self, spot: Any, positive: bool) -> None:
        (position,) = self.lifted(spot, (0, 0))
        self.script(spot, "add_click", position, positive)

    @act(several=st.lists(spots, min_size=1, max_size=3))
    def add_clicks(self, several: list[Any]) -> None:
        """One after the other, without waiting."""
        for spot in several:
            (position,) = self.lifted(spot, (0, 0))
            self.script(spot, "add_click", position)

    @act(spot=spots, height=sizes, width=sizes, positive=signs)
    def add_box(self, spot: Any, height: int, width: int, positive: bool) -> None:
        corners = self.lifted(spot, (0, 0), (height / 2, width / 2))
        self.script(spot, "add_box", *corners, positive)

    @act(spot=spots, height=sizes, width=sizes, positive=signs)
    def add_polygon(self, spot: Any, height: int, width: int, positive: bool) -> None:
        vertices = self.lifted(spot, (0, 0), (height / 4, width / 3), (-2, width / 2))
        self.script(spot, "add_polygon", vertices, positive)

    @act(spot=spots, height=sizes, width=brushes, positive=signs)
    def add_scribble(self, spot: Any, height: int, width: int, positive: bool) -> None:
        vertices = self.lifted(spot, (0, 0), (height / 4, 3), (height / 4, -2))
        self.script(spot, "add_scribble", vertices, positive, width)

    @act(spot=spots, size=sizes, shade=st.sampled_from([True, 0.7, 0.3, 7]))
    def add_mask(self, spot: Any, size: int, shade: Any) -> None:
        plane, row, col = self.desk.place(spot)
        mask = np.zeros(plane.shape_in(self.desk.shape), np.asarray(shade).dtype)
        mask[int(row) : int(row) + size, int(col) : int(col) + size] = shade
        # a mask that is nowhere sure cannot be seen in the layer of whole numbers
        if isinstance(shade, float):
            mask[int(row) : int(row) + 1, int(col) : int(col) + 1] = 0.9
        self.desk.prompt(plane, self.desk.session.add_mask, mask, plane)

    # clicks by hand ------------------------------------------

    def in_points(self, spot: Any) -> np.ndarray:
        layer = self.desk.session.points
        return in_layer(layer, self.desk.image, self.lifted(spot, (0, 0))[0])

    @act(spot=spots)
    def click_in_layer(self, spot: Any) -> None:
        position = self.in_points(spot)
        self.desk.session.points.add(position)

    @act(several=st.lists(spots, max_size=4))
    def assign_points(self, several: list[Any]) -> None:
        layer = self.desk.session.points
        positions = [self.in_points(spot) for spot in several]
        layer.data = np.array(positions).reshape(-1, layer.ndim)

    @act(pick=picks, spot=spots)
    def drag_point(self, pick: int, spot: Any) -> None:
        layer = self.desk.session.points
        if len(layer.data):
            data = layer.data.copy()
            data[pick % len(data)] = self.in_points(spot)
            layer.data = data

    @act(pick=picks)
    def throw_point_out(self, pick: int) -> None:
        layer = self.desk.session.points
        if len(layer.data):
            data = layer.data.copy()
            data[pick % len(data)] += (500, -500, np.nan)[pick % 3]
            if pick % 3 < 2:
                layer.data = data

    @act(first=picks, count=st.integers(1, 3))
    def remove_points(self, first: int, count: int) -> None:
        layer = self.desk.session.points
        if len(layer.data):
            rows = {(first + step) % len(layer.data) for step in range(count)}
            layer.selected_data = rows
            layer.remove_selected()

    @act(pick=picks, which=st.sampled_from(["points", "shapes"]))
    def select_rows(self, pick: int, which: str) -> None:
        if self.desk.session.has(which):
            layer = getattr(self.desk.session, which)
            if len(layer.data):
                layer.selected_data = {pick % len(layer.data)}

    @act(pick=picks, which=st.sampled_from(["points", "shapes"]))
    def edit_features(self, pick: int, which: str) -> None:
        if not self.desk.session.has(which):
            return
        layer = getattr(self.desk.session, which)
        if len(layer.data):
            row = pick % len(layer.data)
            features: pd.DataFrame = layer.features.copy()
            signs = list(features["polarity"])
            signs[row] = "positive" if signs[row] == "negative" else "negative"
            features["polarity"] = pd.Categorical(
                signs, categories=["positive", "negative"]
            )
            layer.features = features

    # shapes by hand ------------------------------------------

    @act(
        spot=spots,
        kind=st.sampled_from(["rectangle", "ellipse", "polygon", "path", "line"]),
        height=sizes,
        width=sizes,
    )
    def draw_shape(self, spot: Any, kind: str, height: int, width: int) -> None:
        if self.viewer.dims.ndisplay == 3:
            return  # napari draws no shapes there
        layer = self.desk.session.shapes
        down, right = 1 + height / 4, 1 + width / 4
        corners = [(0, 0), (0, right), (down, right), (down, 0)]
        if kind == "line":
            corners = corners[::2]
        vertices = self.lifted(spot, *corners)
        data = [in_layer(layer, self.desk.image, vertex) for vertex in vertices]
        layer.add(np.array(data), shape_type=kind)

    @act(pick=picks)
    def remove_shape(self, pick: int) -> None:
        if self.desk.session.has("shapes"):
            layer = self.desk.session.shapes
            if len(layer.data):
                layer.selected_data = {pick % len(layer.data)}
                layer.remove_selected()

    @act(pick=picks, by=st.integers(-12, 12))
    def move_shape(self, pick: int, by: int) -> None:
        if self.desk.session.has("shapes"):
            layer = self.desk.session.shapes
            if len(layer.data):
                data = [np.array(vertices) for vertices in layer.data]
                data[pick % len(data)][:, -1] += by / 4
                layer.data = data

    @act(width=brushes)
    def widen_shapes(self, width: int) -> None:
        if self.desk.session.has("shapes"):
            layer = self.desk.session.shapes
            if len(layer.data):
                layer.edge_width = [float(width)] * len(layer.data)

    # painting in the scribble layer ------------------------------------------

    @act(spot=spots, value=st.integers(0, 3), brush=brushes)
    def paint_scribble(self, spot: Any, value: int, brush: int) -> None:
        layer = self.desk.session.scribbles
        layer.brush_size = brush
        position = np.round(self.lifted((0, *spot[1:]), (0, 0))[0])
        if self.desk.shown is not None and layer.visible:
            layer.paint(position, value)

    @act(spot=spots, value=st.integers(0, 3), height=brushes, width=brushes)
    def fill_scribble(self, spot: Any, value: int, height: int, width: int) -> None:
        layer = self.desk.session.scribbles
        plane, row, col = self.desk.place(spot)
        crop = np.zeros(plane.shape_in(self.desk.shape), bool)
        crop[int(row) : int(row) + height, int(col) : int(col) + width] = True
        if layer.visible:  # napari cannot where it is hidden
            layer.data_setitem(plane.coordinates_of((0, 0, *crop.shape), crop), value)

    @act(forward=st.booleans())
    def undo_in_scribbles(self, forward: bool) -> None:
        if self.desk.session.has("scribbles"):
            layer = self.desk.session.scribbles
            if layer.visible:
                (layer.redo if forward else layer.undo)()

    @act(value=st.integers(0, 3), spot=spots)
    def assign_scribbles(self, value: int, spot: Any) -> None:
        layer = self.desk.session.scribbles
        plane, row, col = self.desk.place(spot)
        data = np.zeros(self.desk.shape, np.uint8)
        data[plane.slices][int(row) : int(row) + 5, int(col) :][:, :6] = value
        layer.data = data
