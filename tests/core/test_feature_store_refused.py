"""Encoded windows in a folder that the system lets nobody read, write or tidy."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_segnext.core import feature_store
from napari_segnext.core.feature_files import read_entry, write_entry
from napari_segnext.core.feature_store import FeatureStore

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = [f"{number:040x}" for number in range(20)]
ARRAYS = (np.random.default_rng(0).normal(size=(1, 2048)).astype(np.float32),)


def refuse(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int) -> None:
    """Let a call fail as the system does that refuses it."""

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(owner, name, refused)


def written(folder: Path, count: int, max_bytes: int = 10**9) -> FeatureStore:
    store = FeatureStore(folder, max_bytes)
    for key in KEYS[:count]:
        store.put(key, ARRAYS)
        store.flush()
    store.close(wait=True)
    return store


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_entries_that_only_may_be_read_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = written(tmp_path, 1)
    refuse(monkeypatch, os, "utime", number)
    found = store.get(KEYS[0])
    assert found is not None
    np.testing.assert_array_equal(found[0], ARRAYS[0])


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO])
def test_an_entry_that_cannot_be_opened_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = written(tmp_path, 1)
    with monkeypatch.context() as patch:
        refuse(patch, Path, "open", number)
        assert store.get(KEYS[0]) is None
    assert store.get(KEYS[0]) is not None


def test_a_problem_is_told_in_the_words_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, Path, "touch", errno.EROFS)
    store = written(tmp_path, 3)
    assert os.strerror(errno.EROFS) in store.problem
    assert store.problem.endswith("choose another folder, or none.")


def test_a_file_is_synced_as_windows_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, a file that is open for reading only cannot be."""

    def fsync(descriptor: int) -> None:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size)  # wants the same

    monkeypatch.setattr(os, "fsync", fsync)
    write_entry(tmp_path / "entry", "key", ARRAYS)
    np.testing.assert_array_equal(read_entry(tmp_path / "entry", "key")[0], ARRAYS[0])


def test_the_budget_holds_where_entries_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that somebody else shares, or on Windows while they are read."""
    first = written(tmp_path, 4)
    size = size_of(tmp_path)
    unlink = Path.unlink

    def keeps_entries(path: Path, missing_ok: bool = False) -> None:
        if path.name.endswith(".zip"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", keeps_entries)
    store = written(tmp_path, 20, max_bytes=first.nbytes)
    assert size_of(tmp_path) == size == store.nbytes
    assert "older entries cannot be removed" in store.problem


def test_one_entry_that_cannot_be_removed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = written(tmp_path, 4)
    unlink = Path.unlink

    def keeps_one(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith(KEYS[0]) and path.name.endswith(".zip"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", keeps_one)
    store = written(tmp_path, 12, max_bytes=first.nbytes)
    assert store.problem == ""
    assert size_of(tmp_path) == store.nbytes <= first.nbytes
    assert store.get(KEYS[0]) is not None
    assert store.get(KEYS[11]) is not None


def test_a_folder_removed_in_the_middle_of_a_write_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    calls: list[Path] = []

    def removes_it_once(path: Path, *rest: Any) -> None:
        calls.append(path)
        if len(calls) == 3:
            shutil.rmtree(folder)
        write_entry(path, *rest)

    monkeypatch.setattr(feature_store, "write_entry", removes_it_once)
    store = written(folder, 6)
    assert store.problem == ""
    assert [store.get(key) is not None for key in KEYS[:6]] == [False] * 3 + [True] * 3
    assert store.nbytes == size_of(folder)


@pytest.mark.parametrize("make_link", [os.symlink, os.link])
def test_what_an_entry_links_to_stays(
    tmp_path: Path, make_link: Callable[[Path, Path], None]
) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("mine")
    os.utime(mine, (1, 1))
    folder = tmp_path / "folder"
    folder.mkdir()
    for key in KEYS[:2]:
        make_link(mine, folder / f"{key}.zarr.zip")
    store = written(folder, 5, max_bytes=20_000)
    assert store.get(KEYS[0]) is None
    store.max_bytes = 0
    store.trim()
    assert mine.read_text() == "mine"
    assert mine.stat().st_mtime == 1
