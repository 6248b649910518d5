"""The table of objects: its model, how it is sorted and chosen from, and its price."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import QEvent, QItemSelectionModel, QModelIndex, Qt
from qtpy.QtTest import QAbstractItemModelTester, QTest
from qtpy.QtWidgets import QApplication

from napari_segnext.session.table import ObjectRow
from napari_segnext.widget import text
from napari_segnext.widget.object_table import ObjectModel, ObjectTable

COLUMNS = list(text.TABLE_COLUMNS)
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
DOWN, UP = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder


def row(label: int, **known) -> ObjectRow:
    usual = {
        "slices": 40,
        "keyed": 1,
        "volume": 12.5 * label,
        "unit": "µm³",
        "score": 0.8,
        "state": "accepted",
        "reviewed": True,
    }
    return ObjectRow(label=label, **{**usual, **known})


def three() -> list[ObjectRow]:
    return [
        row(1, score=0.5, volume=1234.4),
        row(2, score=None, state="open", volume=0.01234),
        row(3, score=0.9, slices=7),
    ]


@pytest.fixture
def model(qtbot) -> ObjectModel:
    model = ObjectModel()
    model.tester = QAbstractItemModelTester(
        model, QAbstractItemModelTester.FailureReportingMode.Warning
    )
    return model


@pytest.fixture
def table(qtbot) -> ObjectTable:
    table = ObjectTable()
    qtbot.addWidget(table)
    table.resize(500, table.sizeHint().height())
    with qtbot.waitExposed(table):
        table.show()
    return table


def shown(model: ObjectModel, number: int) -> list[str]:
    return [model.data(model.index(number, column)) for column in range(len(COLUMNS))]


def labels(model: ObjectModel) -> list[int]:
    return [it.label for it in model.rows]


# ---- the model


def test_a_row_says_what_is_known_of_an_object(model) -> None:
    model.show_rows(three())
    assert shown(model, 0) == ["1", "40", "1", "1,234", "0.50", "accepted"]
    assert shown(model, 1) == ["2", "40", "1", "0.0123", "", "open"]
    titles = [
        model.headerData(column, Qt.Orientation.Horizontal)
        for column in range(len(COLUMNS))
    ]
    assert titles == ["Label", "Slices", "By hand", "Size (µm³)", "Score", "State"]


def test_it_sorts_by_every_column_in_both_directions(model) -> None:
    model.show_rows(three())
    expected = {
        "label": ([1, 2, 3], [3, 2, 1]),
        "slices": ([3, 1, 2], [1, 2, 3]),
        "keyed": ([1, 2, 3], [1, 2, 3]),
        "volume": ([2, 3, 1], [1, 3, 2]),
        "score": ([2, 1, 3], [3, 1, 2]),
        "state": ([1, 3, 2], [2, 1, 3]),
    }
    for name, (up, down) in expected.items():
        model.sort(COLUMNS.index(name), UP)
        assert labels(model) == up, name
        model.sort(COLUMNS.index(name), DOWN)
        assert labels(model) == down, name


def test_what_comes_later_is_sorted_in(model) -> None:
    model.sort(COLUMNS.index("volume"), DOWN)
    model.show_rows([row(1), row(3)])
    model.show_rows([row(1), row(2), row(3)])
    assert labels(model) == [3, 2, 1]
    model.show_rows([row(1, volume=1e6), row(2), row(3)])
    assert labels(model) == [1, 3, 2]


def test_only_what_changed_is_told(model) -> None:
    rows = [row(label) for label in range(1, 101)]
    model.show_rows(rows)
    told: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda a, b, _roles: told.append((a.row(), b.row())))
    resets: list[None] = []
    model.modelReset.connect(lambda: resets.append(None))
    model.show_rows(list(rows))
    rows[30] = replace(rows[30], score=0.1)
    model.show_rows(rows)
    assert told == [(30, 30)]
    assert resets == []


# ---- the view


def choose(table: ObjectTable, *wanted: int) -> None:
    """Choose rows as a user does who clicks with Ctrl held."""
    flags = QItemSelectionModel.SelectionFlag
    for number, label in enumerate(wanted):
        at = table.rows_model.index(labels(table.rows_model).index(label), 0)
        flag = flags.Select if number else flags.ClearAndSelect
        table.selectionModel().setCurrentIndex(at, flag | flags.Rows)


def test_a_click_on_a_row_chooses_its_object(table) -> None:
    chosen: list[int] = []
    table.chosen.connect(chosen.append)
    table.show_rows(three(), None)
    for label in (3, 1):
        at = table.rows_model.index(labels(table.rows_model).index(label), 1)
        QTest.mouseClick(table.viewport(), LEFT, NONE, table.visualRect(at).center())
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert chosen == [3, 1, 2]
    assert table.labels == [2]


def test_labels_of_64_bits_are_chosen_as_they_are(table) -> None:
    chosen: list[int] = []
    table.chosen.connect(chosen.append)
    table.show_rows([row(2**33 + 5), row(5)], None)
    choose(table, 2**33 + 5)
    assert chosen == [2**33 + 5]


def test_several_rows_can_be_chosen_and_stay_so_when_sorted_and_shown_anew(
    table,
) -> None:
    table.show_rows([row(label) for label in range(1, 11)], None)
    choose(table, 2, 7)
    assert table.labels == [2, 7]
    table.sortByColumn(COLUMNS.index("volume"), DOWN)
    assert table.labels == [7, 2]
    table.show_rows([row(label) for label in range(1, 13)], None)
    assert table.labels == [7, 2]
    table.show_rows([row(label) for label in range(1, 13) if label != 7], None)
    assert table.labels == [2]


def test_what_the_session_focuses_is_chosen_and_that_is_not_told_back(table) -> None:
    chosen: list[int] = []
    selected: list[None] = []
    table.chosen.connect(chosen.append)
    table.selected.connect(lambda: selected.append(None))
    rows = [row(label) for label in range(1, 101)]
    table.show_rows(rows, 90)
    assert table.labels == [90]
    at = table.rows_model.index(89, 0)
    assert table.viewport().rect().contains(table.visualRect(at).center())
    assert len(selected) == 1
    table.show_rows(rows, 90)
    assert len(selected) == 1
    choose(table, 90, 91)
    chosen.clear()
    table.show_rows(rows, 90)  # one of them: both stay
    assert table.labels == [90, 91]
    assert chosen == []


def test_without_slices_all_there_is_fits_a_narrow_panel(table, qtbot) -> None:
    table.show_rows(three(), None)
    QApplication.sendEvent(table, QEvent(QEvent.Type.FontChange))
    table.setFixedWidth(33 * table.fontMetrics().horizontalAdvance("0"))
    bar = table.horizontalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    table.show_slices(False)
    qtbot.waitUntil(lambda: bar.maximum() == 0)
    table.show_slices(True)
    qtbot.waitUntil(lambda: bar.maximum() > 0)


def test_the_place_stays_when_objects_come(table) -> None:
    table.show_rows([row(label) for label in range(1, 101)], None)
    table.grab()  # only what is laid out can be scrolled
    bar = table.verticalScrollBar()
    bar.setValue(40)
    table.show_rows([row(label) for label in range(1, 102)], None)
    assert bar.value() == 40


def test_only_rows_on_screen_are_asked_for(table, monkeypatch) -> None:
    asked: set[int] = set()
    data = ObjectModel.data

    def spy(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        asked.add(index.row())
        return data(self, index, role)

    monkeypatch.setattr(ObjectModel, "data", spy)
    table.show_rows([row(label) for label in range(1, 2001)], None)
    table.grab()
    assert 0 < len(asked) < 20
    assert not table.findChildren(type(table))  # no widgets in cells


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_rows_and_columns_have_the_room_that_the_font_asks_for(
    table, factor: float
) -> None:
    font = table.font()
    font.setPointSizeF(factor * font.pointSizeF())
    table.setFont(font)
    table.show_rows(three(), None)
    metrics = table.fontMetrics()
    for column in range(len(COLUMNS)):
        title = table.rows_model.headerData(column, Qt.Orientation.Horizontal)
        for words in (title, *(shown(table.rows_model, it)[column] for it in range(3))):
            assert table.columnWidth(column) > metrics.horizontalAdvance(words), words
    assert table.rowHeight(0) >= metrics.height()
    assert table.minimumSizeHint().width() < 100
