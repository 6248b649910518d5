"""The most usual sequences of steps: prompts of every kind, and the open object.

`sequence_table_rest` goes on with accepted objects, layers and the window.
"""

from __future__ import annotations

import numpy as np
from sequences import (
    Sequence,
    User,
    box,
    click,
    do,
    hints,
    holds,
    key,
    labels,
    outline,
    over,
    shows,
    shows_not,
    shows_nothing,
    stroke,
    tool,
)

from napari_segnext.samples import load_sample

__all__ = ["AROUND_E", "PROMPTS"]

_AROUND_A = ((24, 208), (22, 240), (50, 251), (84, 240), (84, 220), (56, 201))
AROUND_E = ((117, 176), (125, 196), (150, 206), (171, 200), (166, 166), (140, 157))
_ALONG_A = ((34, 218), (44, 228), (56, 225), (66, 232), (76, 233))
_ALONG_B = ((50, 145), (62, 134), (70, 126), (80, 118), (90, 112))
_ALONG_E = ((122, 178), (134, 184), (146, 186), (158, 190))


def _rough_circle(middle: tuple[int, int], radius: int) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 13)
    return [
        (middle[0] + radius * np.sin(angle), middle[1] + radius * np.cos(angle))
        for angle in angles
    ]


def _turn_box(user: User) -> None:
    """With napari's own handle: select mode, then drag it around the box."""
    layer = user.session.shapes
    layer.mode = "select"
    user.click((60, 126))
    # private: where napari draws the handle is known nowhere else
    handle, middle = layer._selected_box[9], layer._selected_box[8]
    arm = np.subtract(handle, middle)
    way = []
    for degrees in (0, 5, 15, 25, 35, 35):
        angle = np.radians(degrees)
        turn = np.array(
            [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        )
        way.append(tuple(turn @ arm + middle))
    user.draw(way)
    layer.selected_data = set()


def _add_rough_labels(user: User) -> None:
    """Labels from elsewhere: half as fine as the picture, and moved a little."""
    truth = load_sample("nuclei_2d").labels
    coarse = np.roll(truth, (3, -4), (0, 1))[::2, ::2]
    user.viewer.add_labels(coarse, name="from elsewhere", scale=(2, 2))
    user.viewer.layers[-1].opacity = 0.3
    user.viewer.layers.selection.active = user.session.points


def _is_turned(user: User) -> None:
    (prompts,) = _open_prompts(user)
    assert len(prompts.polygons) == 1
    assert not prompts.boxes


def _open_prompts(user: User) -> list:
    info = user.session.objects[user.session.label]
    assert info.state == "open"
    return list(info.prompts.values())


def _kinds(**counts: int):
    """The open object has so many prompts of each kind."""

    def check(user: User) -> None:
        (prompts,) = _open_prompts(user)
        assert {name: len(getattr(prompts, name)) for name in counts} == counts

    return check


def _signs(*expected: bool):
    def check(user: User) -> None:
        (prompts,) = _open_prompts(user)
        assert [prompt.positive for prompt in prompts] == list(expected)

    return check


def _has_mask_prompt(user: User) -> None:
    (prompts,) = _open_prompts(user)
    assert prompts.mask is not None


def _is_blank(user: User) -> None:
    assert not user.session.can_clear
    shows_nothing(user)


def _polarity_is(polarity: str):
    def check(user: User) -> None:
        assert user.session.polarity == polarity

    return check


_NO_BOX = outline("click around E, the last corner twice", *AROUND_E)

PROMPTS = [
    Sequence(
        "click",
        "One click says which object.",
        (click("A"),),
        (shows("A"), shows_not("B"), holds(points=1), hints("accept as label 1")),
    ),
    Sequence(
        "two_clicks",
        "A second click adds what the first one missed.",
        (click("H"), click("H's lower end")),
        (shows("H", "H's lower end"), holds(points=2)),
    ),
    Sequence(
        "click_and_background",
        "Q changes to background: the next click says what is not the object.",
        (click("A"), key("polarity"), click("the background beside A")),
        (
            shows("A"),
            shows_not("the background beside A"),
            _signs(True, False),
            _polarity_is("negative"),
        ),
    ),
    Sequence(
        "alt_click",
        "Alt held: this one click is background, the next is object again.",
        (click("A"), click("the background beside A", "Alt"), click("A's lower end")),
        (shows("A", "A's lower end"), _signs(True, False, True)),
    ),
    Sequence(
        "ctrl_click",
        "Ctrl held does the same, and works with the brush too.",
        (click("A"), click("the background beside A", "Control")),
        (shows("A"), _signs(True, False), _polarity_is("positive")),
    ),
    Sequence(
        "only_background",
        "Background alone names no object: the hint says what is missing.",
        (key("polarity"), click("the background")),
        (shows_nothing, holds(points=1), hints("choose + object")),
    ),
    Sequence(
        "box",
        "A box around the object.",
        (tool("box"), box("A")),
        (shows("A"), shows_not("B"), holds(shapes=1), _kinds(boxes=1)),
    ),
    Sequence(
        "box_and_click",
        "A box around two, and a background click on the one that is not meant.",
        (tool("box"), box("D and E"), tool("point"), click("E", "Alt")),
        (shows("D"), shows_not("E"), _kinds(boxes=1, clicks=1)),
    ),
    Sequence(
        "turned_box",
        "A box turned with napari's handle counts as a polygon.",
        (
            tool("box"),
            box("B"),
            do("select the box and turn it by its handle", _turn_box),
        ),
        (shows("B"), shows_not("A"), _is_turned),
    ),
    Sequence(
        "polygon",
        "A polygon: a click at every corner, the last one twice.",
        (
            tool("polygon"),
            outline("click around A, the last corner twice", *_AROUND_A),
        ),
        (shows("A"), shows_not("B"), holds(shapes=1), _kinds(polygons=1)),
    ),
    Sequence(
        "lasso",
        "A lasso drawn freely.",
        (
            tool("polygon", "lasso"),
            stroke("draw around D", *_rough_circle((196, 178), 30)),
        ),
        (shows("D"), shows_not("A"), _kinds(polygons=1)),
    ),
    Sequence(
        "background_polygon",
        "A polygon of background: not here.",
        (tool("box"), box("D and E"), key("polarity"), tool("polygon"), _NO_BOX),
        (shows("D"), shows_not("E"), _signs(True, False)),
    ),
    Sequence(
        "scribble",
        "A stroke of the brush along the object.",
        (tool("scribble"), stroke("paint along B", *_ALONG_B)),
        (shows("B"), shows_not("A"), _kinds(strokes=1)),
    ),
    Sequence(
        "background_scribble",
        "Ctrl held: the brush paints background.",
        (
            tool("box"),
            box("D and E"),
            tool("scribble"),
            stroke("Ctrl held, paint along E", *_ALONG_E, held="Control"),
        ),
        (shows("D"), shows_not("E"), _kinds(boxes=1, strokes=1)),
    ),
    Sequence(
        "line",
        "A line, for what is thin.",
        (
            tool("scribble", "path"),
            stroke("draw along B", *_ALONG_B),
        ),
        (shows("B"), shows_not("A"), _kinds(scribbles=1)),
    ),
    Sequence(
        "painted_mask",
        "A rough mask, painted with a wide brush.",
        (
            tool("mask"),
            do(
                "a brush of 24 pixels",
                lambda user: setattr(user.session.scribbles, "brush_size", 24),
            ),
            stroke("paint over A", (40, 222), (52, 224), (66, 230)),
        ),
        (shows("A"), shows_not("B"), _has_mask_prompt),
    ),
    Sequence(
        "mask_from_a_label",
        "A label of any layer, even a coarser one, as the rough mask to start from.",
        (
            do("a layer with rough labels from elsewhere", _add_rough_labels),
            over("A", "start_from_label"),
        ),
        (shows("A"), shows_not("B"), _has_mask_prompt),
    ),
    Sequence(
        "every_kind_in_one",
        "Every kind of prompt in one object.",
        (
            click("H"),
            tool("box"),
            box("H"),
            tool("scribble"),
            stroke("paint along H", (246, 290), (256, 300), (268, 314), (280, 322)),
            tool("point"),
            click("the background", "Alt"),
        ),
        (
            shows("H", "H's lower end"),
            shows_not("the background"),
            _kinds(clicks=2, boxes=1, strokes=1),
        ),
    ),
    Sequence(
        "undo_a_correction",
        "U takes the last prompt back; what was shown before comes back at once.",
        (click("H"), click("A"), key("undo")),
        (shows("H"), shows_not("A"), holds(points=1)),
    ),
    Sequence(
        "undo_and_redo",
        "Shift-U does it again.",
        (click("H"), click("H's lower end"), key("undo"), key("undo"), key("redo")),
        (shows("H"), holds(points=1)),
    ),
    Sequence(
        "undo_a_stroke",
        "The same with what was painted.",
        (tool("scribble"), stroke("paint along B", *_ALONG_B), key("undo")),
        (_is_blank, lambda user: _nothing_painted(user)),
    ),
    Sequence(
        "clear",
        "N drops the open object with all its prompts.",
        (click("A"), click("A's lower end"), key("clear")),
        (_is_blank, holds(), labels(A=0)),
    ),
    Sequence(
        "undo_clear",
        "Undo brings them back.",
        (click("A"), click("A's lower end"), key("clear"), key("undo")),
        (shows("A"), holds(points=2)),
    ),
    Sequence(
        "move_a_point",
        "A point that is dragged counts where it is dropped.",
        (
            click("the background"),
            do("napari's select mode", lambda user: _select(user)),
            stroke("drag the point to A", (230, 240), (140, 232), (53, 225)),
        ),
        (shows("A"), shows_not("the background"), holds(points=1)),
    ),
    Sequence(
        "delete_a_point",
        "A point that is deleted in napari's way is undone as any act.",
        (
            click("A"),
            click("B"),
            do(
                "napari's Delete, the point is selected",
                lambda user: user.press("Delete"),
            ),
        ),
        (shows("A"), shows_not("B"), holds(points=1)),
    ),
    Sequence(
        "tools_by_key",
        "W goes on to the next tool, Shift-W back.",
        (key("next_tool"), box("A"), key("previous_tool"), click("A's lower end")),
        (shows("A", "A's lower end"), holds(points=1, shapes=1)),
    ),
]


def _nothing_painted(user: User) -> None:
    assert not np.asarray(user.session.scribbles.data).any()


def _select(user: User) -> None:
    user.session.points.mode = "select"
