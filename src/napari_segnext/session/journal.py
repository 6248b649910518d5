"""The log of acts on disk: written act by act, read again after a crash.

A journal is a text file, a line each for what happened, every line with a checksum. It
begins with what the session began with; a crash costs at most the line being written.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import JournalError
from napari_segnext.session import text
from napari_segnext.session.acts import Act, Propagated
from napari_segnext.session.bulk import write_in_bulk
from napari_segnext.session.history import Beginning, History
from napari_segnext.session.journals import journals_folder
from napari_segnext.session.locks import lock
from napari_segnext.session.plain import from_plain, to_plain, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from napari_segnext.session.pixels import PixelChange

__all__ = [
    "Journal",
    "JournalLeftError",
    "Recording",
    "has_ended",
    "read_journal",
]

_FORMAT = "napari-segnext journal 1"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What `read_journal` returns.

    Parameters
    ----------
    path : Path
        The file.
    beginning : Beginning
        What the session began with.
    history : History
        The acts, and the state they led to.
    changes : tuple of PixelChange
        What changed in the target since, in order.
    size : int
        Bytes of the file that could be read.
    length : int
        Bytes of the file.
    process : int or None
        Number of the process that writes it, or that ended without closing it.
    can_go_on : bool
        Whether more can be written after what could be read: at most one line, which
        was cut off, is lost by that.
    """

    path: Path
    beginning: Beginning
    history: History
    changes: tuple[PixelChange, ...]
    size: int
    length: int
    process: int | None
    can_go_on: bool

    @property
    def is_whole(self) -> bool:
        """Whether all of the file could be read."""
        return self.size == self.length

    @property
    def all_changes(self) -> tuple[PixelChange, ...]:
        """What makes the labels of nothing, in order."""
        before = self.beginning.pixels
        return self.changes if before is None else (before, *self.changes)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that the labels need: the layer's, or a wider one that it was given."""
        highest = max((change.highest for change in self.all_changes), default=0)
        return np.promote_types(self.beginning.dtype, np.min_scalar_type(highest))

    def labels(self) -> npt.NDArray[np.integer]:
        """Return what the target held at the end, of `beginning.shape`."""
        labels: npt.NDArray[np.integer] = np.zeros(self.beginning.shape, self.dtype)
        for change in self.all_changes:
            write_in_bulk(labels, change)
        return labels


class JournalLeftError(JournalError):
    """The journal stays as it is; all that was done belongs into another one."""


class Journal:
    """Writes what happens to a file, which is made at the first act.

    Parameters
    ----------
    path : Path
        The file.
    earlier : Recording or None
        What was read of it, after which to go on; None where it is new.
    """

    def __init__(self, path: Path, earlier: Recording | None = None) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._earlier = earlier
        self._beginning: Beginning | None = None
        self._is_closed = False

    def begin(self, beginning: Beginning) -> None:
        """Remember what the acts to come start from; written with the first of them."""
        self._beginning = beginning

    def write(self, kind: str, act: Act | None = None) -> None:
        """Write what happened: "do" or "grow" with an act, "undo" or "redo", "begin".

        It is the operating system's at once: the end of this process does not harm it.

        Raises
        ------
        JournalLeftError
            If the file is another session's, damaged, read-only or gone; nothing of
            it was changed.
        JournalError
            If the file cannot be written; nothing more will be.
        """
        if self._is_closed:
            return
        if self._file is not None and not os.path.exists(self.path):
            self.close()
            raise JournalLeftError(text.JOURNAL_GONE)
        try:
            if self._file is None:
                self._file = self._opened()
            if self._beginning is not None:
                self._file.write(_line("begin", self._beginning))
                self._beginning = None
            if kind != "begin":
                self._file.write(_line(kind, act))
            self._file.flush()
        except OSError as error:
            self.close()
            raise JournalError(
                f"The journal {str(self.path)!r} cannot be written ({error}); the "
                "session goes on without one, so save your labels yourself."
            ) from error

    def close(self, is_end: bool = True) -> None:
        """Write that the session ended, and nothing more; harmless when repeated.

        Parameters
        ----------
        is_end : bool
            False: it was cut off, and may be recovered as after a crash.
        """
        self._is_closed = True
        file, self._file = self._file, None
        if file is not None:
            # what was written before is there, whatever becomes of this
            with suppress(OSError):
                if is_end:
                    file.write(_line("end", None))
            with suppress(OSError):
                file.close()

    def _opened(self) -> IO[bytes]:
        if self._earlier is not None:
            return self._reopened(self._earlier)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("r+b" if self.path.exists() else "xb")
        _take(file, 0)
        file.write(f"{_FORMAT}\n".encode())
        file.write(_line("open", os.getpid()))
        return file

    def _reopened(self, earlier: Recording) -> IO[bytes]:
        if not earlier.can_go_on:
            raise JournalLeftError(text.JOURNAL_KEPT)
        try:
            file = self.path.open("r+b")
        except OSError as error:
            raise JournalLeftError(text.JOURNAL_READ_ONLY) from error
        _take(file, earlier.length)
        file.truncate(earlier.size)  # a line that was cut off
        file.seek(earlier.size)
        file.write(_line("open", os.getpid()))
        return file


def _take(file: IO[bytes], expected: int) -> None:
    """Keep other sessions from a file of the length that is expected, or leave it."""
    is_free = lock(file) is not False
    if not is_free or file.seek(0, os.SEEK_END) != expected:
        file.close()
        raise JournalLeftError(text.JOURNAL_TAKEN)


def read_journal(path: str | os.PathLike[str]) -> Recording:
    """Read a journal, up to the first line that is damaged.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    JournalError
        If it cannot be read, is no journal, or holds nothing.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise JournalError(
            f"The journal {os.fspath(path)!r} cannot be read ({error.strerror}); "
            f"journals are in {journals_folder()}."
        ) from error
    head = f"{_FORMAT}\n".encode()
    if not content.startswith(head):
        raise JournalError(
            f"{os.fspath(path)!r} is no journal of this version of napari-segnext; "
            f"journals are in {journals_folder()}."
        )
    beginning: Beginning | None = None
    history = History()
    changes: list[PixelChange] = []
    process: int | None = None
    size = len(head)
    for kind, value, end in _lines(content, size):
        if kind in ("open", "end"):
            process = value
        elif kind == "begin" and isinstance(value, Beginning):
            beginning, history = value, History.restored(value.history)
            changes.clear()
        elif beginning is None:
            break
        else:
            changes += _moved(history, kind, value)
        size = end
    if beginning is None:
        raise JournalError(f"The journal {os.fspath(path)!r} holds nothing yet.")
    return Recording(
        Path(path),
        beginning,
        history,
        tuple(changes),
        size,
        len(content),
        process,
        can_go_on=b"\n" not in content[size:],
    )


def has_ended(path: Path) -> bool:
    """Whether the session of a journal was closed; reads only its last line."""
    last = _line("end", None)
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - len(last), 0))
        return file.read() == last


def _moved(history: History, kind: str, act: Act | None) -> Iterator[PixelChange]:
    """Do in the log what a line says; yield what changes in the target."""
    if kind == "do" and isinstance(act, Act):
        history.push(act)
        if act.pixels is not None:
            yield act.pixels
    elif kind == "grow" and isinstance(act, Propagated):
        history.grow(act)
    elif kind == "undo":
        act = history.back()
        if act is not None and act.pixels is not None:
            yield act.pixels.inverse()
    elif kind == "redo":
        act = history.forth()
        if act is not None and act.pixels is not None:
            yield act.pixels
    else:
        raise unknown(kind)


def _line(kind: str, value: Any) -> bytes:
    content = json.dumps([kind, to_plain(value)], separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _lines(content: bytes, start: int) -> Iterator[tuple[str, Any, int]]:
    """Yield kind, value and end of each line, up to one that is damaged."""
    while (end := content.find(b"\n", start) + 1) > 0:
        checksum, _, rest = content[start : end - 1].partition(b" ")
        if checksum != b"%08x" % zlib.crc32(rest):
            return
        try:
            kind, plain = json.loads(rest)
        except (TypeError, ValueError) as error:
            raise unknown(error) from error
        yield kind, from_plain(plain), end
        start = end
