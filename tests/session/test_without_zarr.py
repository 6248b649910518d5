"""Without zarr nothing is kept on disk, and all else works."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_segnext.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rooms import Room


@pytest.fixture(autouse=True)
def _no_zarr(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    monkeypatch.setenv("NAPARI_SEGNEXT_CACHE", str(tmp_path / "cache"))


def test_a_session_answers_and_says_why_nothing_is_on_disk(
    room: Callable[..., Room], tmp_path: Path
) -> None:
    there = room()
    there.session.add_click((1, 10, 10))
    there.wait()
    assert there.session.accept() == 1
    assert there.session.cache.folder is None
    assert "zarr is not installed" in there.session.cache.problem
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("which", ["stack", "labels"])
def test_the_command_says_what_to_install(tmp_path: Path, capsys, which: str) -> None:
    stack, keys = tmp_path / "stack.tif", tmp_path / "keys.tif"
    planes = np.zeros((5, 20, 30), np.uint8)
    tifffile.imwrite(stack, planes, photometric="minisblack")
    planes[2, 5:10, 5:10] = 1
    tifffile.imwrite(keys, planes, photometric="minisblack")
    (tmp_path / "stack.zarr").mkdir()
    image = stack if which == "labels" else tmp_path / "stack.zarr"
    out = tmp_path / f"out.{'zarr' if which == 'labels' else 'tif'}"
    arguments = ["propagate", str(image), "--prompts", str(keys), "--out", str(out)]
    assert main(arguments) == 1
    assert "pip install napari-segnext[zarr]" in capsys.readouterr().err
    assert not out.exists()
