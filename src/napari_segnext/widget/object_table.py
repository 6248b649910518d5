"""The objects as a table: a model that is cheap with thousands, and its view."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (  # type: ignore[attr-defined]
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QSizePolicy,
    QTableView,
)

from napari_segnext.widget import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qtpy.QtCore import QObject

    from napari_segnext.session.table import ObjectRow

__all__ = ["ObjectModel", "ObjectTable"]

_COLUMNS = tuple(text.TABLE_COLUMNS)
_ABOUT_SLICES = ("slices", "keyed", "score")
_NO_INDEX = QModelIndex()
_ROWS_SHOWN = 7
_LETTERS = (7, 8, 9, 13, 8, 12)  # the usual width of each column
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class ObjectModel(QAbstractTableModel):
    """The rows of `Session.table`, sorted.

    Qt asks for what is on screen only, so there is nothing to be made per row.

    Attributes
    ----------
    rows : list of ObjectRow
        In the order in which they are shown.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ObjectRow] = []
        self._column, self._order = 0, Qt.SortOrder.AscendingOrder

    def show_rows(self, rows: Iterable[ObjectRow]) -> bool:
        """Show other rows.

        Returns
        -------
        bool
            Whether the objects are others; selections are gone then. Where only what
            is said of them changed, or their order, they stay.
        """
        ordered = self._sorted(rows)
        before = self.rows
        if ordered == before:
            return False
        unit = _unit(before)
        labels = [row.label for row in before]
        if {row.label for row in ordered} != set(labels):
            self.beginResetModel()
            self.rows = ordered
            self.endResetModel()
            return True
        if [row.label for row in ordered] != labels:
            self._reorder(ordered)
            before = []
        self.rows = ordered
        last = len(_COLUMNS) - 1
        for number, (old, new) in enumerate(zip(before, ordered, strict=False)):
            if old != new:
                self.dataChanged.emit(self.index(number, 0), self.index(number, last))
        if unit != _unit(ordered):
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, last)
        return False

    def rowCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Count the objects."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Count what is known of each."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Say what a cell shows."""
        if not index.isValid():
            return None
        name = _COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _SHOWN[name](getattr(self.rows[index.row()], name))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_LEFT if name == "state" else _RIGHT)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Say what a column is."""
        if orientation == Qt.Orientation.Vertical or not 0 <= section < len(_COLUMNS):
            return None
        name = _COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            title, unit = text.TABLE_COLUMNS[name], _unit(self.rows)
            if name == "volume" and unit:
                return text.COLUMN_WITH_UNIT.format(title=title, unit=unit)
            return title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_LEFT if name == "state" else _RIGHT)
        return None

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Sort by a column; what is the same there stays in the order of labels."""
        self._column, self._order = max(column, 0), order
        self._reorder(self._sorted(self.rows))

    def _reorder(self, rows: list[ObjectRow]) -> None:
        """Show the same objects in another order; what is chosen stays chosen."""
        self.layoutAboutToBeChanged.emit()
        places = {row.label: number for number, row in enumerate(rows)}
        before = self.persistentIndexList()
        after = [
            self.index(places[self.rows[index.row()].label], index.column())
            for index in before
        ]
        self.rows = rows
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _sorted(self, rows: Iterable[ObjectRow]) -> list[ObjectRow]:
        by_label = sorted(rows, key=attrgetter("label"))
        name = _COLUMNS[self._column]

        def key(row: ObjectRow) -> Any:
            value = getattr(row, name)
            # what nobody knows comes first, as the lowest score
            return -math.inf if value is None else value

        is_down = self._order == Qt.SortOrder.DescendingOrder
        return sorted(by_label, key=key, reverse=is_down)


class ObjectTable(QTableView):
    """The table; whole rows are chosen, one or several.

    Attributes
    ----------
    chosen : Signal(object)
        The user chose the row of this label, an int; the newest if several.
    selected : Signal()
        Other rows are chosen, by whomever; see `labels`.
    """

    chosen = Signal(object)  # labels of 64 bits, which Qt's int cuts off
    selected = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows_model = ObjectModel(self)
        self.setModel(self.rows_model)
        self._is_quiet = False
        self.setAccessibleName(text.TABLE)
        self.setToolTip(text.TABLE_ABOUT)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)  # Tab goes on to the next control
        self.setWordWrap(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(10)
        numbers, heading = self.verticalHeader(), self.horizontalHeader()
        corner = self.findChild(QAbstractButton)  # chooses all, where it is seen
        if corner is not None:
            corner.setAccessibleName(text.TABLE_ALL)
            corner.setToolTip(text.TABLE_ALL)
        if numbers is not None and heading is not None:
            numbers.hide()
            heading.setHighlightSections(False)
            heading.setMinimumSectionSize(10)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        chosen_rows = self._chosen_rows()
        chosen_rows.selectionChanged.connect(self._on_selection)

    @property
    def labels(self) -> list[int]:
        """The labels of the chosen rows, in their order."""
        rows = sorted(index.row() for index in self._chosen_rows().selectedRows())
        return [self.rows_model.rows[row].label for row in rows]

    def show_rows(self, rows: Sequence[ObjectRow], focus: int | None) -> None:
        """Show the objects, and the one in focus as chosen.

        Parameters
        ----------
        rows : sequence of ObjectRow
            What the session says.
        focus : int or None
            The label that is to be chosen unless it is among the chosen ones.
        """
        chosen, place = self.labels, self._scrolled
        # a selection that the model's reset takes away is not the user's
        self._is_quiet = True
        try:
            is_other = self.rows_model.show_rows(rows)
            if focus is not None and focus not in chosen:
                self._choose([focus])
                self._scroll_to(focus)
            elif is_other:
                self._choose(chosen)
                self.executeDelayedItemsLayout()  # else there is nothing yet to scroll
                self._scrolled = place
        finally:
            self._is_quiet = False
        if self.labels != chosen:
            self.selected.emit()

    def show_slices(self, has_slices: bool) -> None:
        """Show what is said of slices, or leave the room to the other columns."""
        for name in _ABOUT_SLICES:
            self.setColumnHidden(_COLUMNS.index(name), not has_slices)

    def sizeHint(self) -> QSize:
        """Show a few rows; the others are scrolled to."""
        numbers, heading = self.verticalHeader(), self.horizontalHeader()
        if numbers is None or heading is None:
            return super().sizeHint()
        row, head = self._row_height(), heading.sizeHint().height()
        return QSize(200, head + _ROWS_SHOWN * row + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:
        """See `sizeHint`."""
        return QSize(40, self.sizeHint().height())

    def changeEvent(self, event: Any) -> None:
        """Give rows and columns the room that the font asks for."""
        super().changeEvent(event)
        heading, numbers = self.horizontalHeader(), self.verticalHeader()
        if heading is None or numbers is None or not hasattr(self, "rows_model"):
            return
        numbers.setDefaultSectionSize(self._row_height())
        letter = self.fontMetrics().horizontalAdvance("0")
        for column, letters in enumerate(_LETTERS):
            self.setColumnWidth(column, letters * letter)
        self.updateGeometry()

    def _on_selection(self, _on: QItemSelection, _off: QItemSelection) -> None:
        if self._is_quiet:
            return
        self.selected.emit()
        row = self.currentIndex().row()
        chosen = self._chosen_rows()
        if 0 <= row < len(self.rows_model.rows) and chosen.isRowSelected(
            row, QModelIndex()
        ):
            self.chosen.emit(self.rows_model.rows[row].label)

    def _choose(self, labels: Iterable[int]) -> None:
        wanted = set(labels)
        chosen, last = self._chosen_rows(), len(_COLUMNS) - 1
        ranges = QItemSelection()
        for number, row in enumerate(self.rows_model.rows):
            if row.label in wanted:
                model = self.rows_model
                ranges.select(model.index(number, 0), model.index(number, last))
        chosen.select(ranges, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _scroll_to(self, label: int) -> None:
        for number, row in enumerate(self.rows_model.rows):
            if row.label == label:
                index = self.rows_model.index(number, 0)
                self._chosen_rows().setCurrentIndex(
                    index, QItemSelectionModel.SelectionFlag.NoUpdate
                )
                self.scrollTo(index)

    def _chosen_rows(self) -> QItemSelectionModel:
        chosen = self.selectionModel()
        assert chosen is not None  # noqa: S101 - for the type checker
        return chosen

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 6

    @property
    def _scrolled(self) -> int:
        bar = self.verticalScrollBar()
        return 0 if bar is None else bar.value()

    @_scrolled.setter
    def _scrolled(self, place: int) -> None:
        bar = self.verticalScrollBar()
        if bar is not None:
            bar.setValue(place)


def _unit(rows: Sequence[ObjectRow]) -> str:
    return rows[0].unit if rows else ""


def _size(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_SHOWN: dict[str, Callable[[Any], str]] = {
    "label": str,
    "slices": str,
    "keyed": str,
    "volume": _size,
    "score": lambda score: "" if score is None else f"{score:.2f}",
    "state": lambda state: text.STATES.get(state, state),
}
