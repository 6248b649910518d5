"""A journal that cannot be gone on with stays as it is, and nothing is lost by that."""

from __future__ import annotations

import errno
import os
import shutil
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import TIMEOUT_S, DiskPredictor
from napari.components import ViewerModel
from napari.layers import Image
from rooms import make_stack

import napari_segnext as ns
from napari_segnext.errors import JournalError
from napari_segnext.session.journal import read_journal
from napari_segnext.session.journals import JOURNALS_VARIABLE
from napari_segnext.session.recovering import unfinished_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rooms import Room

    from napari_segnext.session.session import Session

    Rooms = Callable[..., Room]
    Recover = Callable[[Path], Session]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where journals go by themselves."""
    folder = tmp_path / "auto"
    monkeypatch.setenv(JOURNALS_VARIABLE, str(folder))
    return folder


@pytest.fixture
def recover() -> Iterator[Recover]:
    sessions: list[Session] = []

    def open_it(path: Path) -> Session:
        viewer = ViewerModel()
        image = Image(make_stack(), name="stack")
        viewer.layers.append(image)
        sessions.append(ns.recover(viewer, image, path, model=DiskPredictor()))
        sessions[-1].wait(TIMEOUT_S)
        return sessions[-1]

    yield open_it
    for session in sessions:
        session.close()


def seen(session: Session) -> tuple[Any, ...]:
    return (
        np.asarray(session.target.data).tolist(),
        np.asarray(session.preview.data).tolist(),
        session.objects,
        session.undo_text,
    )


def recorded(room: Rooms, path: Path) -> list[bytes]:
    """Write a journal: an object, and four clicks of the next; return its lines."""
    there = room(journal=path)
    there.session.add_click((1, 10, 10))
    there.wait()
    there.session.accept()
    for row in (5, 15, 25, 35):
        there.session.add_click((2, row, 40))
    there.wait()
    there.session.close()
    return path.read_bytes().splitlines(keepends=True)


def line(plain: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(plain), plain)


def test_a_journal_that_was_removed_begins_again_with_all_that_was_done(
    room: Rooms, recover: Recover, folder: Path
) -> None:
    there = room(journal="auto")
    session = there.session
    session.add_click((1, 10, 10))
    there.wait()
    session.accept()
    session.add_click((2, 12, 12))
    there.wait()
    shutil.rmtree(folder)
    session.accept()
    assert "journal was removed" in session.hint
    assert len(there.errors) == 1
    session.add_click((3, 20, 20))
    there.wait()
    assert len(there.errors) == 1
    assert session.journal is not None
    assert session.journal.parent == folder
    assert seen(recover(session.journal)) == seen(session)


def test_damage_in_the_middle_costs_nothing_of_what_comes_after(
    room: Rooms, recover: Recover, tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "log"
    lines = recorded(room, path)
    hurt = b"".join([*lines[:-3], b"0" * 8 + lines[-3][8:], *lines[-2:]])
    path.write_bytes(hurt)
    again = recover(path)
    assert "damaged" in again.hint
    assert len(again.points.data) == 2  # the third is damaged, the fourth after it
    again.add_click((3, 20, 20))
    again.wait(TIMEOUT_S)
    assert "stays as it is" in again.hint
    assert path.read_bytes() == hurt
    assert again.journal is not None
    assert again.journal.parent == folder
    assert seen(recover(again.journal)) == seen(again)


def test_a_journal_that_may_only_be_read_goes_on_in_another(
    room: Rooms, recover: Recover, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    before = b"".join(recorded(room, path))
    again = recover(path)
    opened = Path.open

    def refuses(it: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        if it == path and mode != "rb":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(it, mode, *args, **options)

    monkeypatch.setattr(Path, "open", refuses)
    errors: list[Exception] = []
    again.error.connect(errors.append)
    again.add_click((3, 20, 20))
    again.wait(TIMEOUT_S)
    again.accept()
    assert len(errors) == 1
    assert "a new journal" in str(errors[0])
    assert path.read_bytes() == before
    assert again.journal is not None
    assert seen(recover(again.journal)) == seen(again)


def test_where_no_other_can_be_written_it_is_told_once_and_nothing_else(
    room: Rooms, folder: Path
) -> None:
    there = room(journal="auto")
    there.session.add_click((1, 10, 10))
    there.wait()
    shutil.rmtree(folder)
    folder.write_text("a file where the folder was")
    there.session.add_click((1, 12, 12))
    there.session.add_click((1, 14, 14))
    assert [type(error) for error in there.errors] == [JournalError]
    assert "save your labels" in str(there.errors[0])
    assert "a new journal" not in there.session.hint


@pytest.mark.parametrize(
    "plain",
    [
        b'["teleport",null]',
        b'["do",{"type":"Teleported","to":1}]',
        b'["do",5]',
        b'["begin",5]',
        b'["grow",null]',
        b'{"kind":"do"}',
        b"[1]",
        b"7",
        b"rubbish",
    ],
)
def test_what_a_newer_version_wrote_is_one_sentence_everywhere_and_stays(
    room: Rooms, recover: Recover, tmp_path: Path, folder: Path, plain: bytes
) -> None:
    recorded(room, tmp_path / "log")
    folder.mkdir()
    path = folder / "newer.journal"
    content = (tmp_path / "log").read_bytes() + line(plain)
    path.write_bytes(content)
    for read in (recover, read_journal):
        with pytest.raises(JournalError, match=r"unknown .*; update napari-segnext\."):
            read(path)
    assert unfinished_journal(Image(make_stack(), name="stack")) is None
    assert path.read_bytes() == content
