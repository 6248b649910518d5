"""The quality strip: what is drawn where, what the mouse and the keys choose."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtGui import QHelpEvent, QImage
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QToolTip

from napari_segnext.session.slices import SliceInfo
from napari_segnext.widget.quality_strip import QualityStrip
from napari_segnext.widget.strip_painting import (
    BACKGROUND,
    Lanes,
    cells_of,
    part_to_show,
)

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
WIDTH = 400


def info(kind: str = "propagated", score: float | None = 0.8, **marks: bool):
    marks = {"locked": False, "reviewed": False, **marks}
    return SliceInfo(kind=kind, score=score, **marks)


@pytest.fixture
def strip(qtbot) -> QualityStrip:
    strip = QualityStrip()
    qtbot.addWidget(strip)
    strip.resize(WIDTH, strip.sizeHint().height())
    with qtbot.waitExposed(strip):
        strip.show()
    return strip


def picture(strip: QualityStrip) -> np.ndarray:
    """(H, W, 3) uint8 of what is on screen."""
    image = strip.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    rows = rows.reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def bar_height(pixels: np.ndarray, column: int, lanes: Lanes) -> int:
    """Pixels of the bar at a column: what is not background among the bars."""
    bars = pixels[lanes.keys : lanes.keys + lanes.bars, column].astype(int)
    dark = np.array(BACKGROUND.getRgb()[:3])
    return int((np.abs(bars - dark).sum(axis=1) > 30).sum())


def lanes_of(strip: QualityStrip) -> Lanes:
    return Lanes.for_font(strip.fontMetrics().height())


# ---- painting


def test_the_score_is_the_height_of_the_bar_and_its_colour(strip) -> None:
    slices = {20: info(score=0.9), 40: info(score=0.5), 60: info(score=0.2)}
    strip.show_slices(100, slices, None)
    pixels, lanes = picture(strip), lanes_of(strip)
    high, middle, low, none = (
        bar_height(pixels, strip.column_of(index), lanes) for index in (20, 40, 60, 80)
    )
    assert high > middle > low > none == 0
    bottom = pixels[lanes.keys + lanes.bars - 2]
    good, bad = (bottom[strip.column_of(index)].astype(int) for index in (20, 60))
    assert good[2] > good[0] + 50  # blue
    assert bad[0] > bad[2] + 100  # vermilion


def test_every_mark_is_told_from_the_others_without_colour(strip) -> None:
    slices = {
        10: info(),
        30: info("keyed", None),
        50: info("interpolated"),
        70: info(locked=True),
        90: info(reviewed=True),
    }
    strip.show_slices(100, slices, None)
    grey = picture(strip).mean(axis=2).round()
    looks = {
        index: grey[2:-2, strip.column_of(index) - 1 : strip.column_of(index) + 2]
        for index in slices
    }
    for one in slices:
        for other in slices:
            assert one == other or (looks[one] != looks[other]).any(), (one, other)


def test_the_slice_on_display_is_framed_and_only_the_frame_moves(strip) -> None:
    slices = {index: info() for index in range(100)}
    strip.show_slices(100, slices, 20)
    before = picture(strip)
    strip.show_slices(100, dict(slices), 60)
    after = picture(strip)
    changed = np.nonzero((before != after).any(axis=(0, 2)))[0]
    near = [abs(changed - strip.column_of(index)) <= 5 for index in (20, 60)]
    assert near[0].any()
    assert near[1].any()
    assert (near[0] | near[1]).all()


def test_nothing_is_drawn_anew_where_nothing_changed(strip) -> None:
    slices = {index: info() for index in range(100)}
    strip.show_slices(100, slices, 20)
    picture(strip)
    paints = strip.paints
    for shown in (20, 21, 22):
        strip.show_slices(100, dict(slices), shown)
        picture(strip)
    assert strip.paints == paints
    strip.show_slices(100, {**slices, 50: info(locked=True)}, 22)
    picture(strip)
    assert strip.paints == paints + 1


def test_it_grows_with_the_font(strip) -> None:
    height = strip.sizeHint().height()
    font = strip.font()
    font.setPointSizeF(1.5 * font.pointSizeF())
    strip.setFont(font)
    assert strip.sizeHint().height() > 1.3 * height
    assert strip.minimumSizeHint().width() < 100


@pytest.mark.parametrize("count", [1, 2, 7, 100, 399, 400, 401, 5000])
def test_every_slice_has_a_place_whatever_the_number(count: int) -> None:
    cells = cells_of({index: info() for index in range(count)}, range(count), WIDTH)
    assert min(cell.left for cell in cells) == 0
    assert max(cell.right for cell in cells) == WIDTH
    assert all(cell.right > cell.left for cell in cells)
    for one, two in pairwise(cells):
        assert one.right == two.left


def test_where_room_is_scarce_the_worst_slice_and_every_mark_are_seen() -> None:
    slices = {index: info(score=0.9, reviewed=True) for index in range(5000)}
    slices[1003] = info(score=0.1)
    slices[1005] = info("keyed", None)
    slices[2007] = info(score=0.9, locked=True, reviewed=True)
    cells = {cell.left: cell for cell in cells_of(slices, range(5000), WIDTH)}
    bad, locked = cells[1003 * WIDTH // 5000], cells[2007 * WIDTH // 5000]
    assert bad.score == 0.1
    assert bad.keyed
    assert not bad.reviewed
    assert locked.locked
    assert locked.reviewed


@settings(deadline=None)
@given(
    count=st.integers(1, 5000),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    width=st.integers(1, 1000),
)
def test_of_a_long_stack_the_part_around_the_object_is_shown(count, ends, width):
    first, last = sorted(int(part * (count - 1)) for part in ends)
    part = part_to_show({first, last}, count, width)
    assert {first, last, *part} <= set(range(count))
    assert {first, last} <= set(part)
    is_long = count * 2 > width
    assert len(part) == count or is_long
    if is_long and last - first < 8:
        assert len(part) <= max(16, width // 4)


def test_a_short_object_in_a_long_stack_is_seen_and_chosen(strip) -> None:
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    slices = {index: info() for index in range(700, 715)}
    strip.show_slices(1500, slices, 707)
    columns = [strip.column_of(index) for index in slices]
    assert min(two - one for one, two in pairwise(columns)) >= 3
    for index in (700, 714):
        QTest.mouseClick(strip, LEFT, NONE, QPoint(strip.column_of(index), 10))
    assert chosen == [700, 714]
    before = strip.column_of(700)
    strip.show_slices(1500, {index: info() for index in range(698, 717)}, 707)
    assert strip.column_of(700) == before, "it keeps still while the object grows"
    assert "around the object" in strip.tip_at(707)
    edges = picture(strip)[[3, -4]][:, [0, -1]].astype(int)
    assert (np.abs(edges - BACKGROUND.getRgb()[:3]) < 20).all(), "open at both ends"
    strip.show_slices(1500, slices, 3)  # the slice on display is not in that part
    picture(strip)
    QTest.keyClick(strip, Qt.Key.Key_Home)
    assert chosen[-1] == 0


# ---- choosing


@pytest.mark.parametrize("count", [1, 3, 100, 5000])
def test_a_click_chooses_the_slice_under_it(strip, count: int) -> None:
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    strip.show_slices(count, {}, None)
    for index in {0, count // 2, count - 1}:
        chosen.clear()
        QTest.mouseClick(strip, LEFT, NONE, QPoint(strip.column_of(index), 10))
        # a pixel is several slices where there are more slices than pixels
        assert abs(chosen[0] - index) <= count // WIDTH


def test_a_drag_goes_through_the_slices_and_stays_inside(strip) -> None:
    chosen: list[int] = []

    def choose(index: int) -> None:
        chosen.append(index)
        strip.show_slices(100, {}, index)

    strip.chosen.connect(choose)
    strip.show_slices(100, {}, 50)
    QTest.mousePress(strip, LEFT, NONE, QPoint(strip.column_of(10), 10))
    for column in (strip.column_of(30), WIDTH + 50):
        QTest.mouseMove(strip, QPoint(column, 10))
    QTest.mouseRelease(strip, LEFT, NONE, QPoint(WIDTH + 50, 10))
    QTest.mouseMove(strip, QPoint(5, 10))  # not held any more
    assert chosen == [10, 30, 99]


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("Left", 49),
        ("Right", 51),
        ("Down", 49),
        ("Up", 51),
        ("PageDown", 40),
        ("PageUp", 60),
        ("Home", 0),
        ("End", 99),
    ],
)
def test_keys_choose_too(strip, key: str, index: int) -> None:
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    strip.show_slices(100, {}, 50)
    QTest.keyClick(strip, getattr(Qt.Key, f"Key_{key}"))
    assert chosen == [index]


def test_at_the_end_there_is_nothing_further(strip) -> None:
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    strip.show_slices(100, {}, 99)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_PageUp, Qt.Key.Key_End):
        QTest.keyClick(strip, key)
    assert chosen == []
    assert strip.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_without_a_stack_there_is_nothing_to_choose(strip) -> None:
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    strip.show_slices(0, {}, None)
    assert not strip.isEnabled()
    QTest.mouseClick(strip, LEFT, NONE, QPoint(30, 10))
    QTest.keyClick(strip, Qt.Key.Key_End)
    picture(strip)
    assert chosen == []


# ---- saying


def test_it_says_what_is_known_of_a_slice(strip) -> None:
    slices = {
        45: info(score=0.874, locked=True, reviewed=True),
        46: info("keyed", None),
        47: info("interpolated", None),
    }
    strip.show_slices(100, slices, 45, {48: "area fell to 9 px"})
    assert strip.describe(45) == "Slice 45: propagated, score 0.87, locked, reviewed"
    assert strip.describe(46) == "Slice 46: by hand"
    assert strip.describe(47) == "Slice 47: interpolated"
    assert strip.describe(48) == "Slice 48: nothing of the object\narea fell to 9 px"
    assert strip.accessibleName()
    assert strip.accessibleDescription() == strip.describe(45)


def test_the_tooltip_is_about_the_slice_under_the_mouse(strip) -> None:
    strip.show_slices(100, {30: info(score=0.5)}, 0)
    place = QPoint(strip.column_of(30), 10)
    event = QHelpEvent(QEvent.Type.ToolTip, place, strip.mapToGlobal(place))
    QApplication.sendEvent(strip, event)
    assert QToolTip.text().startswith("Slice 30: propagated, score 0.50\n")
    QToolTip.hideText()
