"""A session that keeps a journal, and takes up what one holds."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from napari_segnext.errors import JournalError
from napari_segnext.session import text
from napari_segnext.session.bulk import clearing
from napari_segnext.session.history import Beginning
from napari_segnext.session.journal import Journal, JournalLeftError
from napari_segnext.session.journals import new_journal_path
from napari_segnext.session.pixels import PixelChange
from napari_segnext.session.resuming import Resuming

if TYPE_CHECKING:
    from napari_segnext.session.acts import Act
    from napari_segnext.session.history import History
    from napari_segnext.session.journal import Recording
    from napari_segnext.session.resuming import Work

__all__ = ["Journaling", "journal_path"]


class Journaling(Resuming):
    """The part of `Session` that writes the log of acts to disk; see there."""

    _journal: Journal | None = None

    @property
    def journal(self) -> Path | None:
        """The file of the log of acts, made at the first act; None if not kept."""
        return None if self._journal is None else self._journal.path

    def resume(self, work: Work) -> None:
        """Take up what another session left.

        To be called before anything else is done. Answers are shown without inference
        where image, contrast and model are the same. Where the image has another shape
        or the target is another layer, the prompts of the open object that still fit
        are taken up, and `hint` says so.

        Parameters
        ----------
        work : Work
            What `leave` of the other session returned.

        Raises
        ------
        PromptError
            If `work` is not what `leave` returned, or this session has begun already.
        """
        super().resume(work)
        self._keep_journal()
        if self._history.acts:  # the journal that they were in is closed
            self._record("begin", None)

    def _keep_journal(self) -> None:
        """Write all acts to come, after what the log and the target hold now."""
        self._history.on_moved = partial(_write, ref(self))
        if self._journal is not None:
            self._journal.begin(self._beginning())

    def _beginning(self) -> Beginning:
        layer = self._target.layer
        labels = self._target.labels
        pixels: PixelChange | None = PixelChange.nothing(self._board.shape)
        if labels:
            found = clearing(layer.data)
            pixels = None if found is None else found.inverse()
        return Beginning(
            self._image.name,
            self._board.shape,
            self._engine.origin,
            layer.name,
            np.dtype(layer.data.dtype).str,
            pixels,
            self._history.snapshot(),
        )

    def _record(self, kind: str, act: Act | None) -> None:
        if self._journal is None:
            return
        if kind == "restart":
            self._journal.begin(self._beginning())
            return
        try:
            self._journal.write(kind, act)
        except JournalLeftError as error:
            self._begin_another_journal(str(error))
        except JournalError as error:
            self._report(error)

    def _begin_another_journal(self, why: str) -> None:
        """Write a new journal, which begins with all that was done."""
        self._journal = Journal(new_journal_path(str(self._image.name)))
        self._journal.begin(self._beginning())
        try:
            self._journal.write("begin")
        except JournalError as error:
            self._report(error)
        else:
            self._complain(why)

    def _close(self) -> None:
        # the image alone was removed under an open object: by mistake, it may be
        is_cut_off = (
            self._image not in self._viewer.layers
            and self._board.has("target")
            and not self._history.state.object.is_blank
        )
        super()._close()
        if self._journal is not None:
            self._journal.close(is_end=not is_cut_off)

    def _recover(self, recording: Recording, path: Path) -> None:
        """Take up what a journal holds, and go on writing it."""
        beginning = recording.beginning
        self._target.layer.name = beginning.target
        self._rewrite_target(recording)
        self._take_up_history(recording.history)
        self._history.on_moved = partial(_write, ref(self))
        self._journal = Journal(path, recording)
        if beginning.pixels is None:
            self._complain(text.LABELS_NOT_IN_JOURNAL)
        elif not recording.is_whole:
            self._complain(text.JOURNAL_DAMAGED)
        self._update()

    def _rewrite_target(self, recording: Recording) -> None:
        layer = self._target.layer
        if isinstance(layer.data, np.ndarray) and layer.data.dtype != recording.dtype:
            layer.data = np.zeros(layer.data.shape, recording.dtype)
        for change in recording.all_changes:
            self._target.write(change, in_bulk=True)

    def _take_up_history(self, history: History) -> None:
        self._history = history
        current = history.state.object
        entries = history.snapshot().entries
        self._asked = {(entry.number, entry.plane) for entry in entries}
        self._named = set(current.planes)
        self._forget_empty_layers()
        self._write_prompts(current.planes)
        self._go_to(tuple(current.planes))
        self._show(current.planes)
        self._ask(current.planes)


def _write(session: ref[Journaling], kind: str, act: Act | None) -> None:
    # a session that is gone has closed its journal
    alive = session()
    if alive is not None:
        alive._record(kind, act)


def journal_path(journal: str | os.PathLike[str] | None, image: Any) -> Path | None:
    """Return the file that `Session(journal=...)` means.

    Raises
    ------
    JournalError
        If it cannot be written there, or holds another session.
    """
    if journal is None:
        return None
    if journal == "auto":
        return new_journal_path(str(image.name))
    path = Path(os.fspath(journal)).absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise JournalError(
            f"The journal {str(path)!r} cannot be written there; "
            "name a file in a folder that exists."
        )
    if path.exists() and path.stat().st_size:
        raise JournalError(
            f"{str(path)!r} holds something already; name a new file, or take up what "
            "a journal holds with `napari_segnext.recover`."
        )
    return path
