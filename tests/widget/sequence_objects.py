"""The most usual sequences of steps: accepted objects, several, neighbours."""

from __future__ import annotations

import numpy as np
from qtpy.QtTest import QTest
from sequence_table import AROUND_E
from sequences import (
    PLACES,
    Sequence,
    User,
    box,
    click,
    do,
    focus_is,
    hints,
    holds,
    key,
    labels,
    outline,
    over,
    panel_says,
    shows,
    shows_nothing,
    slice_,
    stroke,
    tool,
)

from napari_segnext.samples import load_sample

__all__ = ["OBJECTS"]

_ACCEPT = key("accept")
_D_AND_E_AS_ONE = (tool("box"), box("D and E"), tool("point"), click("D"), click("E"))


def _is_label(label: int, *slices: int):
    """P has this label on these slices."""

    def check(user: User) -> None:
        data = np.asarray(user.session.target.data)
        assert [int(data[(z, *PLACES["P"])]) for z in slices] == [label] * len(slices)

    return check


def _next_label_is(label: int):
    def check(user: User) -> None:
        assert user.session.label == label

    return check


def _type_label(user: User) -> None:
    spin = user.widget.panel.controls.label
    spin.selectAll()
    QTest.keyClicks(spin, "7")
    spin.editingFinished.emit()
    spin.interpretText()


def _take_labels_from_elsewhere(user: User) -> None:
    truth = load_sample("nuclei_2d").labels
    user.viewer.add_labels(truth.copy(), name="from elsewhere")
    user.settle()
    user.choose(user.widget.panel.choices.target, "from elsewhere")


def _take_full_labels(user: User) -> None:
    """uint8 labels of which every one is used."""
    full = np.zeros(user.image.data.shape, np.uint8)
    full[225:240, 231:248] = np.arange(1, 256).reshape(15, 17)
    user.viewer.add_labels(full, name="full")
    user.settle()
    user.choose(user.widget.panel.choices.target, "full")


def _accept_in_a_dialog(button: str):
    return lambda user: user.answer_dialog(lambda: user.perform("accept"), button)


def _said(part: str):
    def check(user: User) -> None:
        assert part in user.notes["dialog"]

    return check


def _overlap(policy: str):
    def choose(user: User) -> None:
        section = user.widget.panel.neighbours
        section.expand(animate=False)
        user.choose(section.overlap, policy)

    return do(f"other objects: {policy}", choose)


def _is_reviewed(user: User) -> None:
    infos = user.session.objects
    done = [label for label, info in infos.items() if info.reviewed]
    assert len(done) == 1
    assert user.session.focus not in (None, *done)


def _are_apart(user: User) -> None:
    one, other = (int(user.target[PLACES[place]]) for place in ("D", "E"))
    assert 0 not in (one, other)
    assert one != other


def _has_room(user: User) -> None:
    assert user.session.target.data.dtype == np.uint16
    assert user.target[PLACES["A"]] == 256
    assert user.target[239, 247] == 255


def _one_at_a_time_again(user: User) -> None:
    assert not user.session.each


def _is_on_slice(index: int):
    def check(user: User) -> None:
        assert user.session.plane.index == (index,)

    return check


OBJECTS = [
    Sequence(
        "accept",
        "G writes the object into the labels; the prompts go, the next label is 2.",
        (click("A"), _ACCEPT),
        (labels(A=1, B=0), shows_nothing, holds(), _next_label_is(2)),
    ),
    Sequence(
        "accept_by_button",
        "The button does the same.",
        (
            click("A"),
            do("press Accept", lambda user: user.press_button(user.buttons["accept"])),
        ),
        (labels(A=1), shows_nothing),
        shows="window",
    ),
    Sequence(
        "object_after_object",
        "One object after the other.",
        (click("A"), _ACCEPT, click("B"), _ACCEPT, click("C"), _ACCEPT, click("D")),
        (labels(A=1, B=2, C=3, D=0), shows("D"), holds(points=1)),
    ),
    Sequence(
        "label_of_choice",
        "The label can be chosen.",
        (do("type 7 as the object's number", _type_label), click("A"), _ACCEPT),
        (labels(A=7),),
    ),
    Sequence(
        "undo_accept",
        "Undo of an accept opens the object again, with its prompts.",
        (click("H"), click("H's lower end"), _ACCEPT, key("undo")),
        (labels(H=0), shows("H", "H's lower end"), holds(points=2)),
    ),
    Sequence(
        "redo_accept",
        "And redo accepts it again.",
        (click("A"), _ACCEPT, key("undo"), key("undo"), key("redo"), key("redo")),
        (labels(A=1), shows_nothing, holds()),
    ),
    Sequence(
        "three_slices_in_one_go",
        "An object is prompted on three slices and accepted at once.",
        (click("P"), slice_(46), click("P"), slice_(44), click("P"), _ACCEPT),
        (_is_label(1, 44, 45, 46), _is_label(0, 43, 47), shows_nothing),
        sample="nuclei_3d",
    ),
    Sequence(
        "same_object_on_the_next_slice",
        "K goes on with the object accepted last.",
        (click("P"), _ACCEPT, slice_(46), key("same_object"), click("P"), _ACCEPT),
        (_is_label(1, 45, 46), _next_label_is(2)),
        sample="nuclei_3d",
    ),
    Sequence(
        "edit",
        "Shift-E opens the object under the mouse again, with its prompts.",
        (
            *(click("H"), _ACCEPT, click("A"), _ACCEPT),
            *(over("H", "edit"), click("H's lower end")),
        ),
        (shows("H", "H's lower end"), holds(points=2), labels(H=1, A=2), focus_is(1)),
    ),
    Sequence(
        "edit_and_accept",
        "Accept then replaces its pixels.",
        (
            *(*_D_AND_E_AS_ONE, _ACCEPT),
            *(over("D", "edit"), key("polarity"), tool("polygon")),
            *(outline("click around E, the last corner twice", *AROUND_E), _ACCEPT),
        ),
        (labels(D=1, E=0), holds()),
    ),
    Sequence(
        "edit_what_another_tool_found",
        "Labels from another tool are corrected object by object.",
        (
            do("write to labels that another tool made", _take_labels_from_elsewhere),
            *(over("D", "edit"), click("D"), _ACCEPT),
        ),
        (labels(A=11, B=22, D=15, E=20),),
    ),
    Sequence(
        "delete",
        "Shift-D erases the object under the mouse.",
        (click("A"), _ACCEPT, click("B"), _ACCEPT, over("A", "delete")),
        (labels(A=0, B=2), panel_says("undo brings it back")),
    ),
    Sequence(
        "undo_delete",
        "Undo brings it back.",
        (click("A"), _ACCEPT, over("A", "delete"), key("undo")),
        (labels(A=1),),
    ),
    Sequence(
        "merge",
        "Shift-M over one, then over the other, joins the two.",
        (
            *(click("D"), _ACCEPT, click("E"), _ACCEPT),
            *(over("D", "merge"), over("E", "merge")),
        ),
        (labels(D=1, E=1), panel_says("Both are object 1")),
    ),
    Sequence(
        "cut",
        "Shift-X, and a line across cuts an object in two.",
        (
            *(*_D_AND_E_AS_ONE, _ACCEPT, key("cut")),
            stroke("draw a line between D and E", (173, 138), (173, 180), (173, 218)),
        ),
        (_are_apart, holds()),
    ),
    Sequence(
        "cut_nothing",
        "A line that crosses nothing is told in a sentence.",
        (
            *(click("A"), _ACCEPT, key("cut")),
            stroke("draw a line over nothing", (230, 230), (240, 235), (250, 240)),
        ),
        (labels(A=1), panel_says("crosses no accepted object")),
    ),
    Sequence(
        "review",
        "Shift-N goes to the next object to review, Shift-R marks it.",
        (
            do("write to labels that another tool made", _take_labels_from_elsewhere),
            *(key("next_unreviewed"), key("reviewed"), key("next_unreviewed")),
        ),
        (_is_reviewed, labels(A=11)),
        shows="window",
    ),
    Sequence(
        "go_to_an_object",
        "Shift-K goes to the next object, wherever it is.",
        (click("P"), _ACCEPT, slice_(70), key("next_object")),
        (_is_on_slice(45), focus_is(1), labels(P=1)),
        sample="nuclei_3d",
    ),
    Sequence(
        "several_boxes_at_once",
        "8, then a box around each: one object each.",
        (
            *(key("several"), tool("box"), box("A"), box("B"), box("D")),
            *(_ACCEPT, key("several")),
        ),
        (labels(A=1, B=2, D=3), _next_label_is(4), _one_at_a_time_again),
    ),
    Sequence(
        "several_boxes_shown",
        "Before they are accepted each has a colour of its own.",
        (key("several"), tool("box"), box("A"), box("B"), box("D")),
        (shows("A", "B", "D"), hints("3 objects"), labels(A=0)),
    ),
    Sequence(
        "several_clicks_while_held",
        "8 held: each click is an object; after accept it is one at a time again.",
        (
            do("hold 8", lambda user: user.hold_key("several")),
            *(click("D"), click("E"), click("A")),
            do("let 8 go", lambda user: user.let_key_go("several")),
            _ACCEPT,
        ),
        (labels(D=1, E=2, A=3), _one_at_a_time_again),
    ),
    Sequence(
        "neighbour_kept",
        "Pixels of other objects stay theirs.",
        (click("D"), _ACCEPT, click("E"), click("D"), _ACCEPT),
        (labels(D=1, E=2),),
    ),
    Sequence(
        "neighbour_overwritten",
        "Unless they are to be overwritten.",
        (
            *(click("D"), _ACCEPT, _overlap("overwrite them")),
            *(click("E"), click("D"), _ACCEPT),
        ),
        (labels(D=2, E=2),),
    ),
    Sequence(
        "neighbour_asked",
        "Or one is asked each time.",
        (
            *(click("D"), _ACCEPT, _overlap("ask each time"), click("E"), click("D")),
            do("G, and press Keep theirs", _accept_in_a_dialog("Keep theirs")),
        ),
        (labels(D=1, E=2), _said("object 1")),
    ),
    Sequence(
        "neighbour_cancelled",
        "Cancel changes nothing; the object is still open.",
        (
            *(click("D"), _ACCEPT, _overlap("ask each time"), click("E"), click("D")),
            do("G, and press Cancel", _accept_in_a_dialog("Cancel")),
        ),
        (labels(D=1, E=0), shows("D", "E"), panel_says("Nothing was accepted")),
    ),
    Sequence(
        "nothing_is_left",
        "What belongs to others altogether is not accepted, and it is said why.",
        (click("A"), _ACCEPT, click("A"), _ACCEPT),
        (labels(A=1), shows("A"), panel_says("belongs to other labels")),
    ),
    Sequence(
        "full_labels_are_widened",
        "Labels of 8 bits are full at 255: room is made for more.",
        (
            do("write to labels of which all 255 are used", _take_full_labels),
            click("A"),
            do("G, and press Yes", _accept_in_a_dialog("Yes")),
        ),
        (_has_room, _said("255")),
        comes_back=False,  # the type stays
    ),
]
