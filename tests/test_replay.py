"""`napari-segnext replay`, as after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image

from napari_segnext.cli import main
from napari_segnext.session.journals import JOURNALS_VARIABLE
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A journal of a session with two labels, and these."""
    viewer = ViewerModel()
    image = Image(np.zeros((4, 20, 30), np.uint8), name="cells")
    viewer.layers.append(image)
    path = tmp_path / "cells.journal"
    session = Session(viewer, image, object, journal=path)
    layer = session.target
    where = tuple(np.indices((2, 5, 6)).reshape(3, -1))
    layer.data_setitem(where, 3)
    session.sync()
    layer.data_setitem(tuple(axis + 1 for axis in where), 7)
    session.sync()
    session.close()
    return path, layer.data.copy()


def test_the_labels_of_a_journal_are_written(
    journal: tuple[Path, np.ndarray], tmp_path: Path, capsys
) -> None:
    path, labels = journal
    out = tmp_path / "labels.tif"
    assert main(["replay", str(path), "--out", str(out)]) == 0
    assert "2 objects" in capsys.readouterr().out
    written = tifffile.imread(out)
    assert written.dtype == labels.dtype
    np.testing.assert_array_equal(written, labels)


def test_a_damaged_end_is_told_and_the_rest_is_written(
    journal: tuple[Path, np.ndarray], tmp_path: Path, capsys
) -> None:
    path, _ = journal
    last_act = path.read_bytes().splitlines(keepends=True)[:-1]
    path.write_bytes(b"".join(last_act)[:-3])
    assert main(["replay", str(path), "--out", str(tmp_path / "labels.tif")]) == 0
    printed = capsys.readouterr().out
    assert "damaged" in printed
    assert "1 objects" in printed


def test_journals_are_listed(
    journal: tuple[Path, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))
    (tmp_path / "other.journal").write_text("something")
    assert main(["replay"]) == 0
    printed = capsys.readouterr().out
    assert "'cells', 2 acts" in printed
    assert "is no journal" in printed


def test_a_journal_that_goes_while_it_is_listed_does_not_end_the_list(
    journal: tuple[Path, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
) -> None:
    listed = [tmp_path / "gone.journal", journal[0]]
    monkeypatch.setattr("napari_segnext.session.journals.list_journals", lambda: listed)
    assert main(["replay"]) == 0
    printed = capsys.readouterr().out
    assert "gone.journal" in printed
    assert "'cells', 2 acts" in printed


def test_bad_input_is_one_sentence(
    journal: tuple[Path, np.ndarray], tmp_path: Path, capsys
) -> None:
    for arguments in (
        [str(tmp_path / "nowhere")],
        [str(journal[0])],
        [str(journal[0]), "--out", str(tmp_path / "nowhere" / "labels.tif")],
        [str(journal[0]), "--out", str(journal[0])],
    ):
        assert main(["replay", *arguments]) == 1
        told = capsys.readouterr().err
        assert told.startswith("napari-segnext: ")
        assert told.count("\n") == 1
