"""The questions that the widget asks: each one sentence, each can be cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_segnext.widget import text

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

__all__ = ["ask_to_accept", "ask_to_overwrite", "ask_to_widen", "ask_where_to_export"]

_MOST_NAMES = 5
_Button = QMessageBox.StandardButton


def ask_to_accept(parent: QWidget) -> bool | None:
    """Ask whether to accept the open object before a change; None cancels."""
    answer = QMessageBox.question(
        parent,
        text.ASK_ACCEPT_TITLE,
        text.ASK_ACCEPT,
        _Button.Yes | _Button.No | _Button.Cancel,
    )
    return None if answer == _Button.Cancel else answer == _Button.Yes


def ask_to_widen(parent: QWidget, why: str) -> bool:
    """Ask whether to make room for more labels.

    Parameters
    ----------
    parent : QWidget
        Whom the question is about.
    why : str
        What went wrong, a sentence.
    """
    answer = QMessageBox.question(
        parent,
        text.ASK_WIDEN_TITLE,
        f"{why}\n\n{text.ASK_WIDEN}",
        _Button.Yes | _Button.Cancel,
    )
    return answer == _Button.Yes


def ask_to_overwrite(parent: QWidget, overlaps: dict[int, int]) -> str | None:
    """Ask what accept is to do with pixels of other objects.

    Parameters
    ----------
    parent : QWidget
        Whom the question is about.
    overlaps : dict of int to int
        Pixels by label, as `Session.overlaps` counts them.

    Returns
    -------
    {"keep", "overwrite"} or None
        None: nothing is accepted.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(text.ASK_OVERLAP_TITLE)
    box.setText(text.ASK_OVERLAP.format(labels=_names(overlaps)))
    keep = box.addButton(text.ASK_KEEP, QMessageBox.ButtonRole.AcceptRole)
    overwrite = box.addButton(
        text.ASK_OVERWRITE, QMessageBox.ButtonRole.DestructiveRole
    )
    box.addButton(_Button.Cancel)
    box.setDefaultButton(keep)
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    if clicked is keep:
        return "keep"
    return "overwrite" if clicked is overwrite else None


def ask_where_to_export(parent: QWidget) -> str:
    """Ask for the file that the table goes to; "" cancels."""
    path, _kind = QFileDialog.getSaveFileName(
        parent, text.EXPORT_TITLE, text.EXPORT_NAME, text.EXPORT_FILTER
    )
    return path


def _names(overlaps: dict[int, int]) -> str:
    names = [
        text.ASK_OVERLAP_LABEL.format(label=label, count=count)
        for label, count in sorted(overlaps.items())
    ]
    more = len(names) - _MOST_NAMES
    if more > 0:
        names[_MOST_NAMES:] = [text.ASK_OVERLAP_MORE.format(count=more)]
    return ", ".join(names)
