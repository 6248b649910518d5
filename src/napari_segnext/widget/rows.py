"""What is done with rows that were chosen in the table of objects, without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segnext.widget import text
from napari_segnext.widget.volume_acts import propagate_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_segnext.session.session import Session
    from napari_segnext.widget.volume_acts import Extent

__all__ = ["act_on_rows", "export"]


def act_on_rows(
    name: str, session: Session, labels: Sequence[int], extent: Extent
) -> str:
    """Do what the button below the table says.

    Parameters
    ----------
    name : {"propagate", "merge", "delete"}
        The button.
    session : Session
        In which.
    labels : sequence of int
        The objects of the rows.
    extent : Extent
        Which slices propagation may write.

    Returns
    -------
    str
        What is to be told about it.

    Raises
    ------
    SegNextError
        If the session refuses.
    """
    if name == "propagate":
        return propagate_labels(session, labels, extent)
    if name == "merge":
        return text.ROWS_MERGED.format(label=session.merge(labels))
    session.delete(labels)
    if len(labels) == 1:
        return text.DELETED.format(label=labels[0])
    return text.ROWS_DELETED.format(count=len(labels))


def export(session: Session, ask: Callable[[], str]) -> str:
    """Write the table of objects to a file.

    Parameters
    ----------
    session : Session
        Whose objects.
    ask : callable
        Asks the user for a path; "" cancels.

    Raises
    ------
    SegNextError
        If the file cannot be written, or the session ended while the user was asked.
    """
    if not session.objects:
        return text.NOTHING_TO_EXPORT
    path = ask()
    if not path:
        return ""
    session.export_table(path)
    return text.EXPORTED.format(path=path)
