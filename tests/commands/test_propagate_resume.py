"""Runs that are cut off go on, and end as if nothing had happened."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moments import watched
from tubes import (
    PROMPTS,
    SHAPE,
    BrightPredictor,
    go,
    make_stack,
    read_labels,
    write_inputs,
    write_keys,
)

from napari_segnext.cli import main
from napari_segnext.commands.propagation.journal import Journal
from napari_segnext.commands.propagation.running import journal_path
from napari_segnext.errors import Cancelled, ImageError, JournalError, SegNextError

NAMES = ["labels.zarr", "labels.tif"]


class Killed(BaseException):
    """The process ended here, as far as the code can tell."""


def outcome(folder: Path, name: str) -> tuple[np.ndarray, str]:
    """What a finished run left: the labels and the scores, and nothing else."""
    left = {path.name for path in folder.iterdir()}
    assert left == {"stack.npy", "prompts.json", name, f"{name}.csv"}
    return read_labels(folder / name), (folder / f"{name}.csv").read_text()


def fresh(folder: Path, name: str) -> Path:
    folder.mkdir()
    write_inputs(folder)
    return folder


def run(folder: Path, name: str, predictor: Any = None, **options: Any) -> Any:
    return go(folder, name, predictor, scores=folder / f"{name}.csv", **options)


@pytest.fixture
def whole(tmp_path: Path, name: str) -> tuple[np.ndarray, str]:
    """Return what a run leaves that nothing happens to."""
    folder = fresh(tmp_path / "whole", name)
    run(folder, name)
    return outcome(folder, name)


def assert_readable(folder: Path, name: str, labels: np.ndarray) -> None:
    """What is there can be read, and is nothing but a part of the labels."""
    path, journal = folder / name, journal_path(folder / name)
    steps = journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0
    if steps > 0 or path.exists():
        partial = read_labels(path)
        assert partial.shape == SHAPE
        objects = set(np.unique(labels)) | {0}
        assert set(np.unique(partial)) <= objects
        if steps > 2:
            assert np.count_nonzero(partial.any(axis=(1, 2))) > 2


@pytest.mark.parametrize("name", NAMES)
def test_stopped_after_any_answer_a_run_goes_on(
    tmp_path: Path, name: str, whole: tuple[np.ndarray, str]
) -> None:
    folder = fresh(tmp_path / "stopped", name)
    calls = []
    while True:
        predictor = BrightPredictor()
        try:  # one more slice each time
            done = run(
                folder,
                name,
                predictor,
                should_stop=lambda asked=predictor: asked.calls > 0,
            )
        except Cancelled:
            calls.append(predictor.calls)
            assert_readable(folder, name, whole[0])
            continue
        break
    assert len(calls) > 10
    assert done.resumed > 10
    labels, scores = outcome(folder, name)
    np.testing.assert_array_equal(labels, whole[0])
    assert scores == whole[1]


@pytest.mark.parametrize("name", NAMES)
def test_dead_at_any_moment_a_run_goes_on(
    tmp_path: Path, name: str, whole: tuple[np.ndarray, str]
) -> None:
    moments = []
    with watched(moments.append):
        run(fresh(tmp_path / "counted", name), name)
    assert len(moments) > 100
    for last in range(0, len(moments), 17 if name.endswith("tif") else 23):

        def die(number: int, last: int = last) -> None:
            if number >= last:  # nothing at all is done any more
                raise Killed

        folder = fresh(tmp_path / f"dead at {last}", name)
        with watched(die), pytest.raises(Killed):
            run(folder, name)
        assert_readable(folder, name, whole[0])
        run(folder, name)
        labels, scores = outcome(folder, name)
        np.testing.assert_array_equal(labels, whole[0])
        assert scores == whole[1]


@pytest.mark.parametrize("name", NAMES)
def test_killed_again_and_again_a_run_goes_on(
    tmp_path: Path, name: str, whole: tuple[np.ndarray, str]
) -> None:
    folder = fresh(tmp_path / "killed", name)
    script = Path(__file__).with_name("killed_run.py")
    codes = []
    for left in (25, 90, 10**6):  # moments that each process lives
        command = [sys.executable, str(script), str(folder), name, str(left)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        codes.append(done.returncode)
        assert_readable(folder, name, whole[0])
    assert codes == [*[-signal.SIGKILL] * 2, 0], done.stderr
    labels, scores = outcome(folder, name)
    np.testing.assert_array_equal(labels, whole[0])
    assert scores == whole[1]


def cut_off(folder: Path, name: str = "labels.zarr", calls: int = 8) -> Path:
    """Stop a run after so many answers, and return where its journal is."""
    write_inputs(folder)
    predictor = BrightPredictor()
    with pytest.raises(Cancelled):
        run(folder, name, predictor, should_stop=lambda: predictor.calls > calls)
    return journal_path(folder / name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("last", [0, 41, 64])
def test_a_full_disk_is_told_and_the_run_goes_on(
    tmp_path: Path, name: str, last: int, whole: tuple[np.ndarray, str]
) -> None:
    def fill(number: int) -> None:
        if number >= last:
            raise OSError(errno.ENOSPC, "No space left on device")

    folder = fresh(tmp_path / "full", name)
    says = "cannot be written .No space left on device"
    with watched(fill, BrightPredictor), pytest.raises(SegNextError, match=says):
        run(folder, name)
    run(folder, name)
    labels, scores = outcome(folder, name)
    np.testing.assert_array_equal(labels, whole[0])
    assert scores == whole[1]


def test_a_disk_without_room_for_a_tiff_is_told_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later it would be a SIGBUS: the file is written through a map."""

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_inputs(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full, raising=False)
        with pytest.raises(ImageError, match="free some space"):
            run(tmp_path, "labels.tif")
    assert not (tmp_path / "labels.tif").exists()
    run(tmp_path, "labels.tif")
    assert read_labels(tmp_path / "labels.tif").any()


@pytest.mark.parametrize("name", ["labels.tif"])
def test_a_line_torn_anywhere_is_cut_off(
    tmp_path: Path, name: str, whole: tuple[np.ndarray, str]
) -> None:
    folder = tmp_path / "torn"
    folder.mkdir()
    journal = cut_off(folder, name)
    content = journal.read_bytes()
    start = content[:-1].rfind(b"\n") + 1
    for end in [*range(start, len(content), 60), len(content) - 1]:
        journal.write_bytes(content[:end])
        (folder / f"{name}.csv").unlink(missing_ok=True)
        (folder / name).unlink()  # made again from the journal
        run(folder, name)
        labels, scores = outcome(folder, name)
        np.testing.assert_array_equal(labels, whole[0])
        assert scores == whole[1]


def test_a_journal_damaged_in_the_middle_is_told(tmp_path: Path) -> None:
    journal = cut_off(tmp_path)
    content = bytearray(journal.read_bytes())
    content[len(content) // 2] ^= 1
    journal.write_bytes(content)
    with pytest.raises(JournalError, match="damaged"):
        run(tmp_path, "labels.zarr")
    journal.write_bytes(b"nothing of the kind\n")
    with pytest.raises(JournalError, match="no journal of this version"):
        run(tmp_path, "labels.zarr")
    run(tmp_path, "labels.zarr", overwrite=True)
    outcome(tmp_path, "labels.zarr")


def other_stack(folder: Path) -> dict[str, Any]:
    np.save(folder / "stack.npy", make_stack() + 1)
    return {}


def other_prompts(folder: Path) -> dict[str, Any]:
    content = {"objects": PROMPTS["objects"][:3]}
    (folder / "prompts.json").write_text(json.dumps(content))
    return {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_stack, "another stack"),
        (other_prompts, "another prompts"),
        (lambda _: {"predictor": BrightPredictor("other")}, "another model"),
        (lambda _: {"slices": range(2, 12)}, "another --slices"),
        (lambda _: {"dtype": "uint8"}, "another --dtype"),
    ],
)
def test_runs_on_other_inputs_do_not_mix(
    tmp_path: Path, change: Any, says: str
) -> None:
    journal = cut_off(tmp_path)
    before = journal.read_bytes(), read_labels(tmp_path / "labels.zarr")
    options = change(tmp_path)
    with pytest.raises(JournalError, match=says):
        run(tmp_path, "labels.zarr", **options)
    assert journal.read_bytes() == before[0]
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.zarr"), before[1])
    run(tmp_path, "labels.zarr", overwrite=True, **options)
    with pytest.raises(ImageError, match="is not of this run"):
        run(tmp_path, "labels.zarr", BrightPredictor("third"))


def test_a_slice_changed_where_nobody_looks_at_first_is_noticed(tmp_path: Path) -> None:
    journal = Journal.go_on(cut_off(tmp_path))
    used = {step.index for step, _ in journal.records()}
    journal.close()
    samples = set(np.round(np.linspace(0, SHAPE[0] - 1, 8)).astype(int).tolist())
    index = min(used - samples)
    stack = make_stack()
    stack[index, 0, 0] += 1
    np.save(tmp_path / "stack.npy", stack)
    with pytest.raises(JournalError, match=f"Slice {index} .* was changed"):
        run(tmp_path, "labels.zarr")


def test_a_keyed_slice_that_was_changed_is_noticed(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    keys = write_keys(tmp_path)
    predictor = BrightPredictor()
    with pytest.raises(Cancelled):
        run(
            tmp_path,
            "labels.zarr",
            predictor,
            prompts=keys,
            should_stop=lambda: predictor.calls > 1,
        )
    stack = make_stack()
    stack[10, 0, 0] += 1  # is no sample, and was not visited yet
    np.save(tmp_path / "stack.npy", stack)
    with pytest.raises(JournalError, match=r"Slice 10 .* was changed"):
        run(tmp_path, "labels.zarr", prompts=keys)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_finished_is_left_alone(tmp_path: Path, name: str) -> None:
    write_inputs(tmp_path)
    run(tmp_path, name)
    predictor = BrightPredictor()
    assert run(tmp_path, name, predictor).was_finished
    assert predictor.calls == 0
    (tmp_path / f"{name}.csv").unlink()
    with pytest.raises(ImageError, match="scores were not asked for"):
        run(tmp_path, name, predictor)
    run(tmp_path, name, predictor, overwrite=True)
    assert predictor.calls > 10


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_no_run_made_is_not_touched(
    tmp_path: Path, name: str, overwrite: bool
) -> None:
    write_inputs(tmp_path)
    out = tmp_path / name
    if out.suffix == ".zarr":
        out.mkdir()
        own = out / "notes.txt"
    else:
        own = out
    own.write_text("mine")
    with pytest.raises(ImageError, match="choose another --out"):
        run(tmp_path, name, overwrite=overwrite)
    assert own.read_text() == "mine"
    assert not journal_path(out).exists()


def test_labels_put_there_meanwhile_are_not_touched(tmp_path: Path) -> None:
    journal = cut_off(tmp_path, "labels.tif")
    (tmp_path / "labels.tif").write_bytes(b"mine")
    with pytest.raises(ImageError, match="was put there after this run began"):
        run(tmp_path, "labels.tif")
    assert (tmp_path / "labels.tif").read_bytes() == b"mine"
    assert journal.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="open files are locked anyway")
def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    journal = Journal.go_on(cut_off(tmp_path))
    for overwrite in (False, True):
        with pytest.raises(JournalError, match="Another run is writing"):
            run(tmp_path, "labels.zarr", overwrite=overwrite)
    journal.close()
    run(tmp_path, "labels.zarr")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_one_sentence_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch, capsys, number: int
) -> None:
    stack, prompts = write_inputs(tmp_path)
    out = tmp_path / "labels.tif"
    command = ["propagate", str(stack), "--prompts", str(prompts), "--out", str(out)]
    predictor = BrightPredictor()

    def press() -> None:
        if predictor.calls == 5:
            signal.raise_signal(number)

    predictor.on_call = press
    monkeypatch.setattr(
        "napari_segnext.core.predictor.Predictor", lambda *_, **__: predictor
    )
    before = signal.getsignal(number)
    assert main(command) == 128 + number
    told = capsys.readouterr().err.replace("\r", "\n").splitlines()
    assert told[-1] == "Stopped; the same command goes on from what is written."
    assert signal.getsignal(number) is before
    # the answer that was on its way is the last one
    assert predictor.calls == 5
    assert main(command) == 0
    assert "went on after" in capsys.readouterr().out
    # every slice of the first run that was written down is not asked for again
    alone = BrightPredictor()
    go(tmp_path, "alone.tif", alone)
    assert predictor.calls == alone.calls
    np.testing.assert_array_equal(read_labels(out), read_labels(tmp_path / "alone.tif"))
