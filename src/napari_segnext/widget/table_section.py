"""The section of the panel with the table of objects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton

from napari_segnext.widget import text
from napari_segnext.widget.object_table import ObjectTable
from napari_segnext.widget.parts import Section, follow_font, stretch

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.session.session import Session

__all__ = ["TableSection"]

_SOON_MS = 50
_SHARE = 10  # of the time goes into reading the table, at most


class TableSection(Section):
    """All objects with size, score and state; rows can be chosen and acted on.

    The table is read a moment after something changed, and not while it is folded.

    Attributes
    ----------
    table : ObjectTable
        The table.
    rows : dict of str to QPushButton
        "propagate", "merge", "delete": what is done with the chosen rows.
    rows_acted : Signal(str, object)
        Name of such a button, and the labels of the rows.
    object_chosen : Signal(object)
        The user wants to go to the object of this label, an int.
    """

    rows_acted = Signal(str, object)
    object_chosen = Signal(object)  # as `ObjectTable.chosen`

    def __init__(self) -> None:
        super().__init__(text.TABLE, text.TABLE_TIP)
        self._session: Callable[[], Session | None] = _none
        self._took_ms = 0.0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        self.table = ObjectTable()
        self.table.chosen.connect(self.object_chosen)
        self.table.selected.connect(self._show_buttons)
        self.rows: dict[str, QPushButton] = {}
        self.add_line(self.table)
        self.add_line(
            self._row_button("propagate", text.ROWS_PROPAGATE, text.ROWS_PROPAGATE_TIP)
        )
        self.add_line(
            self._row_button("merge", text.ROWS_MERGE, text.ROWS_MERGE_TIP),
            self._row_button("delete", text.ROWS_DELETE, text.ROWS_DELETE_TIP),
        )
        self.add_line(self.add_action("export_table"))
        headings = (self.table.horizontalHeader(), self.table.verticalHeader())
        follow_font(self.controls["export_table"], self.table, *filter(None, headings))
        self.toggled.connect(lambda _is_open: self._read_soon())

    def show_session(self, get: Callable[[], Session | None]) -> None:
        """Show the objects of a session soon.

        Parameters
        ----------
        get : callable
            Returns the session; asked anew when the table is read.
        """
        self._session = get
        self.show_tips()
        self.body.setEnabled(get() is not None)
        self._read_soon()

    def forget(self) -> None:
        """Read nothing any more."""
        self._soon.stop()
        self._session = _none

    def refresh(self) -> None:
        """Read the table now, if somebody can see it."""
        session = self._session()
        if not self.isExpanded() or self._soon.isActive():
            return
        begin = time.monotonic()
        rows = [] if session is None else session.table()
        focus = None if session is None else session.focus
        self.table.show_slices(session is None or session.image.ndim > 2)
        self.table.show_rows(rows, focus)
        self._took_ms = 1000 * (time.monotonic() - begin)
        self._show_buttons()

    def _read_soon(self) -> None:
        # a timer that runs is left alone: changes that keep coming do not put it off
        if self.isExpanded() and not self._soon.isActive():
            self._soon.start(max(_SOON_MS, round(_SHARE * self._took_ms)))

    def _show_buttons(self) -> None:
        count = len(self.table.labels)
        self.rows["propagate"].setEnabled(count > 0)
        self.rows["delete"].setEnabled(count > 0)
        self.rows["merge"].setEnabled(count > 1)
        self.controls["export_table"].setEnabled(bool(self.table.rows_model.rows))

    def _row_button(self, name: str, title: str, tip: str) -> QPushButton:
        button = QPushButton(title)
        button.setAccessibleName(title)
        button.setToolTip(tip)
        button.setEnabled(False)
        button.clicked.connect(lambda: self.rows_acted.emit(name, self.table.labels))
        self.rows[name] = button
        return stretch(button)


def _none() -> None:
    """Be no session."""
