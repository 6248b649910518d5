"""What is on disk is enough: after every act, a new viewer has it all again."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import TIMEOUT_S, DiskPredictor
from napari.components import ViewerModel
from napari.layers import Image
from rooms import make_stack

import napari_segnext as ns
from napari_segnext.errors import JournalError, LayerError
from napari_segnext.session.journal import read_journal
from napari_segnext.session.journals import JOURNALS_VARIABLE, journals_folder
from napari_segnext.session.recovering import unfinished_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rooms import Room

    from napari_segnext.session.session import Session

    Rooms = Callable[..., Room]
    Recover = Callable[..., Session]


@pytest.fixture
def recover() -> Iterator[Recover]:
    """Open what a journal holds in a new viewer."""
    sessions: list[Session] = []

    def open_it(path: Path | None, data: Any = None) -> Session:
        viewer = ViewerModel()
        image = Image(make_stack() if data is None else data, name="stack")
        viewer.layers.append(image)
        assert path is not None
        session = ns.recover(viewer, image, journal=path, model=DiskPredictor())
        sessions.append(session)
        session.wait(TIMEOUT_S)
        return session

    yield open_it
    for session in sessions:
        session.close()


def seen(session: Session) -> dict[str, Any]:
    """All that a user has of a session."""
    return {
        "labels": np.asarray(session.target.data).tolist(),
        "preview": np.asarray(session.preview.data).tolist(),
        "objects": session.objects,
        "label": session.label,
        "points": session.points.data.tolist(),
        "undo": session.undo_text,
        "redo": session.redo_text,
        "each": session.each,
    }


def work(there: Room) -> Iterator[None]:
    """Do something of every kind, stopping after each."""
    session = there.session
    session.add_click((1, 10, 10))
    yield
    session.add_click((2, 12, 12))
    yield
    session.accept()
    yield
    session.add_box((3, 20, 20), (3, 30, 34))
    yield
    session.undo()
    yield
    session.redo()
    yield
    session.add_scribble([(3, 22, 22), (3, 26, 30)], positive=True, width=3)
    yield
    session.accept()
    yield
    session.target.data_setitem(
        (np.array([0, 0]), np.array([1, 2]), np.array([3, 3])), 2
    )
    yield
    session.merge([1, 2])
    yield
    session.undo()
    yield
    session.edit(1)
    yield
    session.clear()
    yield
    session.delete(2)
    yield
    session.each = True
    yield
    session.add_click((0, 30, 10))
    session.add_click((0, 30, 40))
    yield


def test_after_every_act_a_new_viewer_has_it_all_again(
    room: Rooms, recover: Recover, tmp_path: Path
) -> None:
    there = room(journal=tmp_path / "log")
    count = 0
    for _ in work(there):
        there.wait()
        copy = tmp_path / f"copy{count}"
        copy.write_bytes((tmp_path / "log").read_bytes())
        assert seen(recover(copy)) == seen(there.session)
        replayed = read_journal(copy).labels()
        np.testing.assert_array_equal(replayed, there.session.target.data)
        count += 1
    assert count == 16


def test_undo_and_redo_go_on_where_they_were(
    room: Rooms, recover: Recover, tmp_path: Path
) -> None:
    there = room(journal=tmp_path / "log")
    for _ in work(there):
        there.wait()
    there.session.close()
    other = room()
    for _ in work(other):
        other.wait()
    again = recover(tmp_path / "log")
    for turn in (again.undo, again.redo):
        while turn():
            assert getattr(other.session, turn.__name__)()
            again.wait(TIMEOUT_S)
            other.wait()
            assert seen(again) == seen(other.session)
        assert not getattr(other.session, turn.__name__)()


def test_what_is_done_after_recovering_is_recovered_too(
    room: Rooms, recover: Recover, tmp_path: Path
) -> None:
    there = room(journal=tmp_path / "log")
    there.session.add_click((1, 10, 10))
    there.wait()
    there.session.accept()
    there.session.close()
    again = recover(tmp_path / "log")
    again.add_click((2, 20, 20))
    again.wait(TIMEOUT_S)
    before = seen(again)
    again.close()
    assert seen(recover(tmp_path / "log")) == before


def test_labels_that_were_there_before_are_recovered(
    room: Rooms, recover: Recover, tmp_path: Path
) -> None:
    there = room(journal=tmp_path / "log")
    layer = there.session.target
    labels = np.zeros(layer.data.shape, np.uint16)
    labels[2, 5:20, 5:20] = 300
    there.session.close()
    layer.data = labels
    there = room(image=there.image, journal=tmp_path / "log2", target=layer)
    there.session.delete(300)
    there.session.undo()
    recovered = recover(tmp_path / "log2").target.data
    np.testing.assert_array_equal(recovered, labels)


@pytest.mark.parametrize("lost", [1, 7, 200])
def test_a_line_that_was_cut_off_costs_no_more_than_itself(
    room: Rooms, recover: Recover, tmp_path: Path, lost: int
) -> None:
    path = tmp_path / "log"
    there = room(journal=path)
    there.session.add_click((1, 10, 10))
    there.wait()
    before = seen(there.session)
    there.session.add_click((1, 12, 12))
    killed = path.read_bytes()
    there.session.close()
    path.write_bytes(killed[:-lost])
    again = recover(path)
    assert "damaged" in again.hint
    assert seen(again) == before
    again.add_click((1, 14, 14))
    again.close()
    assert len(recover(path).points.data) == 2


def test_a_line_that_was_changed_is_not_believed(
    room: Rooms, recover: Recover, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    there = room(journal=path)
    there.session.add_click((1, 10, 10))
    there.session.add_click((1, 12, 12))
    there.session.close()
    content = path.read_bytes()
    where = content.rindex(b'"row"') if b'"row"' in content else len(content) - 40
    path.write_bytes(
        content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :]
    )
    assert len(recover(path).points.data) == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"napari-segnext journal 1\n"])
def test_what_is_no_journal_is_one_sentence(
    recover: Recover, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(JournalError, match="journal"):
        recover(path)
    with pytest.raises(JournalError, match="cannot be read"):
        recover(tmp_path / "nowhere")
    with pytest.raises(JournalError, match="cannot be read"):
        recover(tmp_path)


def test_another_image_is_one_sentence(
    room: Rooms, recover: Recover, tmp_path: Path
) -> None:
    there = room(journal=tmp_path / "log")
    there.session.add_click((1, 10, 10))
    there.session.close()
    with pytest.raises(JournalError, match="open 'stack'"):
        recover(tmp_path / "log", np.zeros((2, 5, 5), np.uint8))


def test_a_journal_is_never_written_over(room: Rooms, tmp_path: Path) -> None:
    path = tmp_path / "log"
    there = room(journal=path)
    there.session.add_click((1, 10, 10))
    with pytest.raises(JournalError, match="recover"):
        room(journal=path)


def test_by_itself_it_is_a_new_file_made_at_the_first_act(
    room: Rooms, recover: Recover, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path / "auto"))
    there = room(journal="auto")
    assert there.session.journal.parent == journals_folder() == tmp_path / "auto"
    assert not there.session.journal.exists()
    there.session.add_click((1, 10, 10))
    there.wait()
    assert seen(recover(there.session.journal)) == seen(there.session)


def test_the_oldest_go_where_there_are_many(
    room: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))
    for number in range(40):
        (tmp_path / f"{number:02}.journal").write_text("")
    room(journal="auto").session.add_click((1, 10, 10))
    assert len(list(tmp_path.glob("*.journal"))) == 30


def test_however_large_the_newest_stay_and_so_do_those_that_are_written(
    room: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))
    old = room(journal=tmp_path / "old.journal")
    old.session.add_click((1, 10, 10))
    for number in range(12):
        path = tmp_path / f"{number:02}.journal"
        with path.open("wb") as file:
            file.truncate(600 * 2**20)  # bytes that need no room on the disk
        os.utime(path, (number, number))
    os.utime(old.session.journal, (0, 0))
    room(journal="auto")
    kept = sorted(path.stem for path in tmp_path.glob("*.journal"))
    assert kept == [f"{number:02}" for number in range(4, 12)] + ["old"]


@pytest.mark.parametrize("ended", [False, True], ids=["it goes on", "it went on"])
def test_two_sessions_never_write_one_journal(
    room: Rooms,
    recover: Recover,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ended: bool,
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path / "auto"))
    first = room(journal=tmp_path / "log")
    first.session.add_click((1, 10, 10))
    second = recover(tmp_path / "log")
    first.session.add_click((1, 20, 20))
    first.wait()
    before = seen(first.session)
    if ended:
        first.session.close()

    second.add_click((2, 30, 30))
    second.wait()
    assert second.journal.parent == tmp_path / "auto"
    assert "a new journal" in second.hint
    if not ended:
        first.session.add_click((1, 30, 40))
        first.wait()
        before = seen(first.session)
    assert seen(recover(tmp_path / "log")) == before
    assert seen(recover(second.journal)) == seen(second)


def test_a_full_disk_is_told_once_and_the_session_goes_on(
    room: Rooms, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    there = room(journal=folder / "log")
    folder.rmdir()
    folder.write_text("a file where the folder was")
    there.session.add_click((1, 10, 10))
    there.session.add_click((1, 12, 12))
    assert [type(error) for error in there.errors] == [JournalError]
    there.session.clear()
    there.session.add_click((1, 12, 12))
    there.wait()
    assert there.session.accept() == 1


def test_work_that_is_taken_up_is_in_the_new_journal(
    room: Rooms, recover: Recover, tmp_path: Path
) -> None:
    there = room(journal=tmp_path / "log")
    there.session.add_click((1, 10, 10))
    there.wait()
    there.session.accept()
    there.session.add_click((2, 20, 20))
    left, target = there.session.leave(), there.session.target
    other = room(image=there.image, journal=tmp_path / "log2", target=target)
    other.session.resume(left)
    other.wait()
    assert seen(recover(tmp_path / "log2")) == seen(other.session)
    other.session.add_click((2, 22, 22))
    other.wait()
    assert seen(recover(tmp_path / "log2")) == seen(other.session)


def test_only_what_was_cut_off_is_unfinished(
    room: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))
    there = room(journal="auto")
    assert unfinished_journal(there.image) is None
    there.session.add_click((1, 10, 10))
    assert unfinished_journal(there.image) is None  # it goes on
    killed = there.session.journal.read_bytes()
    there.session.close()
    assert unfinished_journal(there.image) is None
    # as another process leaves it that is killed
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    plain = f'["open",{child.pid}]'.encode()
    lines = killed.splitlines(keepends=True)
    lines[1] = b"%08x %s\n" % (zlib.crc32(plain), plain)
    for content in (killed, b"".join(lines)):  # numbers of processes come again
        there.session.journal.write_bytes(content)
        os.utime(there.session.journal, (0, 0))  # before this process began
        assert unfinished_journal(there.image).path == there.session.journal
    assert unfinished_journal(Image(np.zeros((3, 4)), name="stack")) is None
    assert unfinished_journal(Image(make_stack(), name="other")) is None


def test_an_image_removed_under_an_open_object_is_recovered_when_it_comes_back(
    room: Rooms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))
    there = room(journal="auto")
    there.session.add_click((1, 10, 10))
    there.wait()
    there.session.accept()
    there.session.add_click((2, 20, 20))
    there.wait()
    labels = np.asarray(there.session.target.data).copy()
    there.viewer.layers.remove(there.image)
    with pytest.raises(LayerError, match="removed"):
        there.session.sync()

    found = unfinished_journal(there.image)
    assert found is not None
    np.testing.assert_array_equal(found.labels(), labels)
    assert found.history.state.object.planes

    done = room(journal="auto", image=Image(make_stack(), name="another"))
    done.session.add_click((1, 10, 10))
    done.wait()
    done.session.accept()
    done.viewer.layers.remove(done.image)  # nothing was open
    with pytest.raises(LayerError, match="removed"):
        done.session.sync()
    assert unfinished_journal(done.image) is None
