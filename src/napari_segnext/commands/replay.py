"""`napari-segnext replay`: the labels that a journal holds, without a window."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.commands.options import check_out, write_labels
from napari_segnext.errors import JournalError

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
A session writes a journal of everything that is done, so that a crash costs nothing.
Without arguments the journals are listed, the newest first. In napari all of it comes
back, prompts and undo included, by `napari_segnext.recover(viewer, image, journal)`."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "replay", help="list journals, or write the labels of one", epilog=_DESCRIPTION
    )
    parser.add_argument("journal", type=Path, nargs="?", help="the journal to replay")
    parser.add_argument("--out", type=Path, help="labels TIFF to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the journals, or write what one holds.

    Raises
    ------
    JournalError
        If the journal cannot be read, or it is not said where to write to.
    ImageError
        If the labels cannot be written.
    """
    if arguments.journal is None:
        return _list()
    from napari_segnext.session.journal import read_journal

    recording = read_journal(arguments.journal)
    if arguments.out is None:
        raise JournalError("Say where the labels are to be written: --out LABELS.tif.")
    check_out(arguments.out, arguments.journal)
    if recording.beginning.pixels is None:
        print("what the labels held before the session is not in the journal")
    if not recording.is_whole:
        print("the end of the journal is damaged; what comes before it is written")
    labels = recording.labels()
    write_labels(arguments.out, labels)
    count = len(np.unique(labels[labels > 0]))
    print(f"wrote {count} objects to {arguments.out}")
    return 0


def _list() -> int:
    from napari_segnext.session.journal import read_journal
    from napari_segnext.session.journals import journals_folder, list_journals

    paths = list_journals()
    print(f"{len(paths)} journals in {journals_folder()}")
    for path in paths:
        try:
            recording = read_journal(path)
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone()
        except (JournalError, OSError) as error:  # it may have gone just now
            print(f"{path}\n    {error}")
            continue
        image = recording.beginning.image
        count = len(recording.history.acts)
        print(f"{path}\n    {when:%Y-%m-%d %H:%M}  {image!r}, {count} acts")
    return 0
