"""Prompts of all types and both polarities, mixed in one object, by hand and script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import expected
from hand import Hand
from napari.layers import Image, Labels, Shapes

from napari_segnext.core.prompts import (
    Box,
    Click,
    Mask,
    Polygon,
    Prompts,
    Scribble,
    Stroke,
)
from napari_segnext.session.planes import PlaneKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    Rooms = Callable[..., Room]

PLANE = PlaneKey((2,), (1, 2))
SHAPE = (40, 50)
TURNED = [(5, 12), (12, 19), (16, 15), (9, 8)]
UPRIGHT = [(5, 5), (5, 19), (16, 19), (16, 5)]
TRIANGLE = [(5, 25), (5, 45), (20, 30)]
LINE = [(25, 5), (35, 20)]
PATH = [(25, 25), (30, 35), (25, 45)]


def prompts_of(room: Room) -> Prompts:
    room.session.sync()
    return room.session._history.state.object.prompts(PLANE)


def lifted(vertices: list[tuple[float, float]]) -> np.ndarray:
    return np.array([(2, *vertex) for vertex in vertices], float)


def ellipse_outline() -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([10.5 + 5.5 * np.sin(angles), 12 + 7 * np.cos(angles)], axis=1)


@pytest.mark.parametrize("positive", [True, False], ids=["object", "background"])
@pytest.mark.parametrize(
    ("kind", "vertices", "width", "wanted"),
    [
        ("rectangle", UPRIGHT, 1, lambda sign: Box(5, 5, 16, 19, sign)),
        ("rectangle", TURNED, 1, lambda sign: Polygon(TURNED, sign)),
        ("polygon", TRIANGLE, 1, lambda sign: Polygon(TRIANGLE, sign)),
        ("line", LINE, 4, lambda sign: Scribble(LINE, sign, 4)),
        ("path", PATH, 7.5, lambda sign: Scribble(PATH, sign, 7.5)),
    ],
    ids=["upright", "turned", "polygon", "line", "path"],
)
def test_a_shape_is_the_prompt_it_looks_like(
    room: Rooms,
    kind: str,
    vertices: list[tuple[float, float]],
    width: float,
    wanted: Callable[[bool], Any],
    positive: bool,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.polarity = "positive" if positive else "negative"
    there.session.shapes.add(lifted(vertices), shape_type=kind, edge_width=width)
    (prompt,) = prompts_of(there)
    assert prompt == wanted(positive)


@pytest.mark.parametrize("positive", [True, False], ids=["object", "background"])
def test_an_ellipse_is_its_outline(room: Rooms, positive: bool) -> None:
    there = room()
    there.show(0, 2)
    there.session.polarity = "positive" if positive else "negative"
    there.session.shapes.add(lifted(UPRIGHT), shape_type="ellipse")
    (polygon,) = prompts_of(there).polygons
    assert polygon.positive is positive
    found, outline = np.array(polygon.vertices), ellipse_outline()
    distances = np.hypot(*(found[:, None] - outline[None]).transpose(2, 0, 1))
    assert distances.min(axis=0).max() < 0.1
    assert distances.min(axis=1).max() < 0.1


def test_a_box_that_is_turned_by_hand_becomes_a_polygon(room: Rooms) -> None:
    there = room()
    there.session.add_box((2, 5, 5), (2, 16, 19))
    shapes = there.session.shapes
    shapes.selected_data = {0}
    shapes._rotate_box(30, center=shapes._selected_box[8])
    shapes._data_view.rotate(0, 30, center=shapes._selected_box[8])
    shapes.data = shapes.data  # what napari tells at the end of the drag
    found = prompts_of(there)
    assert len(found.boxes) == 0
    assert len(found.polygons) == 1


@pytest.mark.parametrize("scale", [(1, 1, 1), (4, 0.25, 0.25)])
def test_an_edge_is_as_wide_as_it_looks(room: Rooms, scale: tuple[float, ...]) -> None:
    there = room(image=Image(np.zeros((5, *SHAPE)), scale=scale))
    there.show(0, 2)
    there.session.shapes.add(lifted(PATH), shape_type="path", edge_width=6)
    assert prompts_of(there).scribbles == (Scribble(PATH, True, 6),)
    there.session.shapes.selected_data = {0}
    there.session.shapes.current_edge_width = 9  # as the slider does
    assert prompts_of(there).scribbles == (Scribble(PATH, True, 9),)


def test_slices_further_apart_do_not_make_lines_wider(room: Rooms) -> None:
    image = Image(np.zeros((5, *SHAPE)), scale=(8, 1, 1))
    shapes = Shapes(None, ndim=3, scale=(1, 0.5, 0.5))
    there = room(image=image, shapes=shapes)
    there.show(0, 2)
    vertices = lifted(PATH) * (8, 2, 2)
    shapes.add(vertices, shape_type="path", edge_width=6)
    assert prompts_of(there).scribbles == (Scribble(PATH, True, 3),)
    there.session.add_scribble(lifted(LINE), width=5)
    assert shapes.edge_width[1] == pytest.approx(10)


@pytest.mark.parametrize("polarity", ["positive", "negative"])
@pytest.mark.parametrize("brush", [1, 4, 11])
def test_a_painted_stroke_is_as_wide_as_the_brush(
    room: Rooms, brush: int, polarity: str
) -> None:
    there = room()
    there.show(0, 2)
    there.session.polarity = polarity
    there.session.activate("scribble")
    there.session.scribbles.brush_size = brush
    hand = Hand(there.viewer, there.image)
    hand.draw([(2, 20, 10), (2, 20, 20), (2, 20, 30)])
    (stroke,) = prompts_of(there).strokes
    assert stroke.positive is (polarity == "positive")
    column = np.flatnonzero(stroke.crop[:, stroke.crop.shape[1] // 2])
    assert abs(len(column) - brush) <= 1
    np.testing.assert_array_equal(
        stroke.crop, there.session.scribbles.data[2][_slices(stroke)] > 0
    )


def _slices(stroke: Stroke) -> tuple[slice, slice]:
    row0, col0, row1, col1 = stroke.region
    return slice(row0, row1), slice(col0, col1)


# every step adds one prompt, by hand and by script -----------------------------------


def square(row: int, col: int) -> np.ndarray:
    plane = np.zeros(SHAPE, bool)
    plane[row : row + 4, col : col + 6] = True
    return plane


def test_a_stroke_is_one_prompt_though_the_layer_is_read_meanwhile(
    room: Rooms,
) -> None:
    there = room()
    there.show(0, 2)
    there.session.activate("scribble")
    scribbles = there.session.scribbles
    with scribbles.block_history():  # as napari does while the button is held
        scribbles.paint((2, 10, 10), 1)
        scribbles.refresh()  # what marks it as changed, as another slice would
        there.session.sync()
        scribbles.paint((2, 10, 14), 1)
    there.wait()
    (prompts,) = there.session.objects[1].prompts.values()
    (stroke,) = prompts.strokes
    assert stroke.crop.sum() == (scribbles.data[2] == 1).sum()


def paint(room: Room, positive: bool, row: int, col: int) -> None:
    rows, cols = np.nonzero(square(row, col))
    scribbles = room.session.scribbles
    scribbles.data_setitem((np.full(len(rows), 2), rows, cols), 1 if positive else 2)


def draw(
    room: Room, kind: str, vertices: Any, positive: bool, width: float = 3
) -> None:
    room.session.polarity = "positive" if positive else "negative"
    room.session.shapes.add(lifted(vertices), shape_type=kind, edge_width=width)


def click(room: Room, position: tuple[float, float], positive: bool) -> None:
    room.session.polarity = "positive" if positive else "negative"
    room.session.points.add((2, *position))


STEPS: list[tuple[Callable[[Room], Any], Callable[[Room], Any]]] = [
    (
        lambda r: r.session.add_click((2, 8, 8)),
        lambda r: click(r, (8, 8), True),
    ),
    (
        lambda r: r.session.add_box((2, 4, 4), (2, 20, 22)),
        lambda r: draw(r, "rectangle", [(4, 4), (4, 22), (20, 22), (20, 4)], True),
    ),
    (
        lambda r: r.session.add_polygon(lifted(TRIANGLE), positive=False),
        lambda r: draw(r, "polygon", TRIANGLE, False),
    ),
    (
        lambda r: r.session.add_scribble(lifted(PATH), width=5),
        lambda r: draw(r, "path", PATH, True, 5),
    ),
    (
        lambda r: r.session.add_click((2, 30, 8), positive=False),
        lambda r: click(r, (30, 8), False),
    ),
    (
        lambda r: r.session.add_box((2, 30, 30), (2, 38, 48), positive=False),
        lambda r: draw(r, "rectangle", [(30, 30), (30, 48), (38, 48), (38, 30)], False),
    ),
    (
        lambda r: r.session.add_polygon(lifted(TURNED)),
        lambda r: draw(r, "polygon", TURNED, True),
    ),
    (
        lambda r: r.session.add_scribble(lifted(LINE), positive=False, width=2),
        lambda r: draw(r, "path", LINE, False, 2),
    ),
    # strokes are painted in both: there is no other way
    (lambda r: paint(r, True, 10, 10), lambda r: paint(r, True, 10, 10)),
    (lambda r: paint(r, False, 34, 4), lambda r: paint(r, False, 34, 4)),
    (
        lambda r: r.session.add_mask(square(14, 30)),
        lambda r: r.session.add_label(Labels((square(14, 30) * 9).astype(np.int32)), 9),
    ),
]
MIXED = Prompts(
    [Click(8, 8), Click(30, 8, False)],
    [Box(4, 4, 20, 22), Box(30, 30, 38, 48, False)],
    [Polygon(TRIANGLE, False), Polygon(TURNED)],
    [Scribble(PATH, True, 5), Scribble(LINE, False, 2)],
    [Stroke.from_array(square(10, 10)), Stroke.from_array(square(34, 4), False)],
    Mask.from_array(square(14, 30)),
)


def mixed(room: Rooms, way: int) -> tuple[Room, list[tuple[Prompts, np.ndarray]]]:
    """A session with every step done, and what was there after each of them."""
    there = room()
    there.show(0, 2)
    states = []
    for step in STEPS:
        step[way](there)
        there.wait()
        states.append((prompts_of(there), there.session.mask()))
    return there, states


@pytest.mark.parametrize("way", [0, 1], ids=["script", "layers"])
def test_all_types_of_both_polarities_make_one_object(room: Rooms, way: int) -> None:
    there, states = mixed(room, way)
    assert prompts_of(there) == MIXED
    assert len(there.session._history.acts) == len(STEPS)
    assert there.predictor.asked[-1] == MIXED
    assert there.errors == []
    assert there.session.accept() == 1
    np.testing.assert_array_equal(there.session.target.data[2] == 1, states[-1][1])


@pytest.mark.parametrize("way", [0, 1], ids=["script", "layers"])
def test_each_of_them_can_be_undone_and_redone_without_inference(
    room: Rooms, way: int
) -> None:
    there, states = mixed(room, way)
    asked = len(there.predictor.asked)
    for prompts, mask in reversed(states[:-1]):
        assert there.session.undo()
        assert prompts_of(there) == prompts
        np.testing.assert_array_equal(there.session.mask(), mask)
    assert there.session.undo()
    assert prompts_of(there) == Prompts()
    assert not there.session.mask().any()
    assert not there.session.undo()
    for prompts, mask in states:
        assert there.session.redo()
        assert prompts_of(there) == prompts
        np.testing.assert_array_equal(there.session.mask(), mask)
    there.wait()
    assert len(there.predictor.asked) == asked


def test_script_and_layers_say_the_same_after_each_step(room: Rooms) -> None:
    by_script, by_layers = mixed(room, 0)[1], mixed(room, 1)[1]
    for (first, mask), (second, same_mask) in zip(by_script, by_layers, strict=True):
        assert first == second
        assert first.digest() == second.digest()
        np.testing.assert_array_equal(mask, same_mask)


def test_the_mixture_is_answered_as_a_whole(room: Rooms) -> None:
    there, states = mixed(room, 0)
    answer = None
    for entry in there.session._history.chain(there.session._history.entry(PLANE)):
        answer = expected(SHAPE, entry.prompts, answer)
    np.testing.assert_array_equal(answer, states[-1][1])


CONTRADICTIONS: dict[str, tuple[Callable[[Room], Any], str]] = {
    "only negatives": (
        lambda r: r.session.add_click((2, 8, 8), positive=False),
        "+ object",
    ),
    "a click in a negative box": (
        lambda r: (
            r.session.add_click((2, 8, 8)),
            r.session.add_box((2, 4, 4), (2, 20, 22), positive=False),
        ),
        "lies in a negative box",
    ),
    "both clicks at one place": (
        lambda r: (
            r.session.add_click((2, 8, 8)),
            r.session.add_click((2, 8, 9), positive=False),
        ),
        "say the opposite",
    ),
    "a box and a click elsewhere": (
        lambda r: (
            r.session.add_box((2, 4, 4), (2, 20, 22)),
            r.session.add_click((2, 35, 45)),
        ),
        "outside all boxes",
    ),
    "a mask that may not be": (
        lambda r: (
            r.session.add_mask(square(8, 8)),
            r.session.add_box((2, 4, 4), (2, 20, 22), positive=False),
        ),
        "mask lies wholly",
    ),
}


@pytest.mark.parametrize(("act", "text"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_a_hint_and_is_answered_all_the_same(
    room: Rooms, act: Callable[[Room], Any], text: str
) -> None:
    there = room()
    there.show(0, 2)
    act(there)
    there.wait()
    assert text in there.session.hint
    assert there.errors == []
    assert there.predictor.asked[-1] == prompts_of(there)
    while there.session.undo():
        pass
    assert text not in there.session.hint


def test_a_box_for_each_of_several_objects_is_no_contradiction(room: Rooms) -> None:
    there = room()
    there.show(0, 2)
    there.session.each = True
    there.session.add_box((2, 4, 4), (2, 14, 14))
    there.session.add_click((2, 35, 45))
    there.wait()
    assert "outside all boxes" not in there.session.hint
