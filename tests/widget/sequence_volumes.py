"""The most usual sequences of steps: an object through the slices of a stack."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QItemSelectionModel, QPoint, Qt
from qtpy.QtTest import QTest
from sequences import (
    PLACES,
    Sequence,
    User,
    click,
    do,
    key,
    panel_says,
    shows,
    slice_,
)

__all__ = ["VOLUMES"]

_LEFT, _NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
_UNFOLD = do("unfold Volume", lambda user: _unfold(user, "volume"))


def _unfold(user: User, name: str) -> None:
    section = user.widget.panel.sections[name]
    section.toggleButton().click()
    user.settle()
    user.widget.panel.ensureWidgetVisible(section)


def _range(first: int, last: int):
    def choose(user: User) -> None:
        section = user.widget.panel.volume
        section.until_end.setChecked(False)
        section.first.setValue(first)
        section.last.setValue(last)

    return do(f"there, only slices {first} to {last}", choose)


def _kinds(user: User) -> dict[int, str]:
    return {plane.index[0]: it.kind for plane, it in user.session.slices.items()}


def _made(first: int, last: int, *keyed: int, kind: str = "propagated"):
    def check(user: User) -> None:
        expected = dict.fromkeys(range(first, last + 1), kind)
        expected |= dict.fromkeys(keyed, "keyed")
        assert _kinds(user) == expected
        row, col = PLACES["P"]
        preview = np.asarray(user.session.preview.data)
        assert preview[first : last + 1, row, col].all()
        assert not preview[:first].any()
        assert not preview[last + 1 :].any()

    return check


def _strip_says(index: int, *parts: str):
    def check(user: User) -> None:
        told = user.widget.panel.volume.strip.describe(index)
        assert all(part in told for part in parts), told

    return check


def _click_strip(index: int):
    def press(user: User) -> None:
        strip = user.widget.panel.volume.strip
        place = QPoint(strip.column_of(index), strip.height() // 2)
        QTest.mouseClick(strip, _LEFT, _NONE, place)

    return do(f"click the strip at slice {index}", press)


def _is_on(index: int):
    def check(user: User) -> None:
        assert user.session.plane.index == (index,)

    return check


def _was_taken_to_the_worst(user: User) -> None:
    slices = user.session.slices
    info = slices[user.session.plane]
    assert info.locked
    scores = [it.score for it in slices.values() if it.kind != "keyed"]
    assert info.score == min(scores)
    assert "locked" in user.widget.panel.hint.text()


def _show_3d(user: User) -> None:
    user.viewer.dims.ndisplay = 3
    user.viewer.scene.camera.angles = (10, 30, 60)


def _volume_is_shown(user: User) -> None:
    session = user.session
    row, col = PLACES["P"]
    assert (np.asarray(session.target.data)[40:51, row, col] == 1).all()
    assert np.asarray(session.target._data_view).ndim == 3
    assert user.widget.panel.volume.place.isVisible()


def _choose_rows(*labels: int):
    def choose(user: User) -> None:
        section = user.widget.panel.table
        section._soon.stop()
        section.refresh()
        table, flags = section.table, QItemSelectionModel.SelectionFlag
        known = [row.label for row in table.rows_model.rows]
        for number, label in enumerate(labels):
            at = table.rows_model.index(known.index(label), 0)
            flag = flags.Select if number else flags.ClearAndSelect
            table.selectionModel().setCurrentIndex(at, flag | flags.Rows)

    names = " and ".join(map(str, labels))
    return do(f"choose the rows of {names}", choose)


def _press_row_button(name: str):
    def press(user: User) -> None:
        user.press_button(user.widget.panel.table.rows[name])

    return press


def _are_one(user: User) -> None:
    assert user.target[PLACES["P"]] == user.target[PLACES["Q"]] == 1


VOLUMES = [
    Sequence(
        "propagate",
        "Shift-T carries the object through the slices; the strip shows how good each "
        "is.",
        (_UNFOLD, _range(40, 50), click("P"), key("propagate")),
        (_made(40, 50, 45), shows("P"), _strip_says(40, "propagated", "score")),
        sample="nuclei_3d",
        shows="window",
    ),
    Sequence(
        "correct_a_propagated_slice",
        "A correction on one slice changes its neighbours up to the next slices by "
        "hand.",
        (
            *(_UNFOLD, _range(40, 50), click("P"), key("propagate")),
            *(_click_strip(48), click("P's lower end")),
        ),
        (_made(40, 50, 45, 48), shows("P", "P's lower end"), _is_on(48)),
        sample="nuclei_3d",
        shows="window",
    ),
    Sequence(
        "interpolate",
        "Shift-I fills the slices between two by hand, and fits them to the image.",
        (
            *(_UNFOLD, slice_(42), click("P"), slice_(48), click("P")),
            key("interpolate"),
        ),
        (_made(42, 48, 42, 48, kind="interpolated"), shows("P")),
        sample="nuclei_3d",
        shows="window",
    ),
    Sequence(
        "worst_slice",
        "Shift-Q goes to the slice that most needs a look; Shift-O keeps it as it is.",
        (
            *(_UNFOLD, _range(40, 50), click("P"), key("propagate")),
            *(key("next_worst"), key("lock_slice")),
        ),
        (_was_taken_to_the_worst,),
        sample="nuclei_3d",
        comes_back=False,  # the sliders move without an act
        shows="window",
    ),
    Sequence(
        "volume_in_3d",
        "The 3D view shows accepted objects; propagate, accept and undo work there.",
        (
            *(_UNFOLD, _range(40, 50), click("P"), do("the 3D view", _show_3d)),
            *(key("propagate"), key("accept")),
        ),
        (_volume_is_shown,),
        sample="nuclei_3d",
        shows="window",
    ),
    Sequence(
        "table_of_objects",
        "The table lists all objects: sort, choose rows, merge, delete, export.",
        (
            *(click("P"), key("accept"), click("Q"), key("accept")),
            do("unfold Table of objects", lambda user: _unfold(user, "table")),
            _choose_rows(1, 2),
            do("Merge rows", _press_row_button("merge")),
        ),
        (_are_one, panel_says("All are object 1")),
        sample="nuclei_3d",
        shows="window",
    ),
]
