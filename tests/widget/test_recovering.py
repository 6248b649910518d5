"""After a crash the panel offers what was cut off, and brings it back."""

from __future__ import annotations

import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_segnext.session.journals import JOURNALS_VARIABLE, list_journals
from napari_segnext.session.recovering import unfinished_journal
from napari_segnext.widget import text
from napari_segnext.widget.main import SegNextWidget

if TYPE_CHECKING:
    from pathlib import Path


def begun(viewer) -> SegNextWidget:
    """Open the panel, and click on an object."""
    widget = SegNextWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget.session.add_click((45, 20, 20))
    widget.session.wait(60)
    return widget


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Make journals look as those of a process that was killed just now."""
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))

    def leave_behind(content: bytes) -> Path:
        killed = subprocess.Popen([sys.executable, "-c", ""])
        killed.wait()
        plain = f'["open",{killed.pid}]'.encode()
        lines = content.splitlines(keepends=True)
        lines[1] = b"%08x %s\n" % (zlib.crc32(plain), plain)
        for path in list_journals():
            path.unlink()
        path = tmp_path / "cut_off.journal"
        path.write_bytes(b"".join(lines))
        return path

    return leave_behind


def test_what_a_crash_cut_off_is_offered_and_comes_back(
    crash, viewer, stack, predictor, tmp_path: Path
) -> None:
    first = begun(viewer)
    session = first.session
    session.accept()
    session.add_click((45, 60, 60))
    session.wait(60)
    labels = session.target.data.copy()
    preview = np.asarray(session.preview.data).copy()
    content = session.journal.read_bytes()
    target = session.target
    assert not first.panel.recover.isVisibleTo(first.panel)
    viewer.window.remove_dock_widget(first)
    viewer.layers.remove(target)
    crash(content)

    again = SegNextWidget(viewer)
    viewer.window.add_dock_widget(again)
    button = again.panel.recover
    assert again.session is not None
    assert button.isVisibleTo(again.panel)
    assert "3 steps" in button.text()
    assert again.panel.hint.text() == text.RECOVER_FIRST
    button.click()
    again.session.wait(60)
    np.testing.assert_array_equal(again.session.target.data, labels)
    np.testing.assert_array_equal(again.session.preview.data, preview)
    assert not button.isVisibleTo(again.panel)
    assert again.panel.hint.text() == again.session.hint
    assert sum(layer.name == target.name for layer in viewer.layers) == 1
    assert again.session.undo()
    assert again.session.undo()
    assert not again.session.target.data.any()


def test_nothing_is_offered_once_something_was_done(crash, viewer, stack, predictor):
    first = SegNextWidget(viewer)
    viewer.window.add_dock_widget(first)
    first.session.add_click((45, 20, 20))
    content = first.session.journal.read_bytes()
    target = first.session.target
    viewer.window.remove_dock_widget(first)
    viewer.layers.remove(target)
    crash(content)
    again = SegNextWidget(viewer)
    viewer.window.add_dock_widget(again)
    assert again.session is not None
    assert again.panel.recover.isVisibleTo(again.panel)
    again.session.add_click((45, 30, 30))
    assert not again.panel.recover.isVisibleTo(again.panel)


def test_work_on_an_image_that_was_removed_is_offered_when_it_is_opened_again(
    viewer, stack, predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))
    widget = begun(viewer)
    preview = np.asarray(widget.session.preview.data).copy()
    viewer.layers.remove(stack)
    assert widget.session is None

    viewer.add_image(stack.data, name=stack.name, scale=stack.scale)
    assert widget.session is not None
    assert widget.panel.hint.text() == text.RECOVER_FIRST
    widget.panel.recover.click()
    widget.session.wait(60)
    np.testing.assert_array_equal(widget.session.preview.data, preview)


def test_closing_the_window_with_an_object_open_is_an_end(
    viewer, stack, predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(JOURNALS_VARIABLE, str(tmp_path))
    begun(viewer)
    viewer.close()
    assert list_journals()
    assert unfinished_journal(stack) is None
