"""Encoded windows on disk: whole or not at all, within a budget, never in the way."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import napari_segnext as ns
from napari_segnext.core import feature_files, feature_store
from napari_segnext.core.feature_files import BrokenEntryError, read_entry, write_entry
from napari_segnext.core.feature_store import (
    FeatureStore,
    default_folder,
    weights_digest,
)
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEYS = [f"{number:040x}" for number in range(40)]


def arrays(seed: int = 0) -> tuple[np.ndarray, ...]:
    """About 8 KB that cannot be compressed much, of two shapes."""
    rng = np.random.default_rng(seed)
    shapes = (1, 16, 16, 4), (1, 1024)
    return tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)


def same(found: Any, expected: Any) -> bool:
    return found is not None and all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in zip(found, expected, strict=True)
    )


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.zarr.zip"))


@pytest.fixture
def make() -> Iterator[Callable[..., FeatureStore]]:
    stores: list[FeatureStore] = []

    def build(*args: Any, **options: Any) -> FeatureStore:
        stores.append(FeatureStore(*args, **options))
        return stores[-1]

    yield build
    for store in stores:
        store.close(wait=True)


def written(store: FeatureStore, count: int = 1) -> None:
    for number in range(count):
        store.put(KEYS[number], arrays(number))
    store.flush()


# one file ---------------------------------------------------------------------------


def test_what_is_written_is_read_bit_for_bit_and_is_a_zarr(tmp_path: Path) -> None:
    import zarr

    path = tmp_path / "one.zarr.zip"
    write_entry(path, "key", arrays())
    assert same(read_entry(path, "key"), arrays())
    with zarr.storage.ZipStore(path, mode="r") as store:
        group = zarr.open_group(store, mode="r")
        assert group.attrs["version"] == feature_files.VERSION
        np.testing.assert_array_equal(group["0"][...], arrays()[0])


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(200, len(content), 97):
        content[place] ^= 0x10
    path.write_bytes(content)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("this is no zarr")


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("holiday.txt", "sun")


def _other_key(path: Path) -> None:
    write_entry(path, "another key", arrays())


def _other_pixels(path: Path) -> None:
    """A whole zip whose arrays are not those that the checksum was taken of."""
    real = feature_files._checksum
    feature_files._checksum = lambda _: real(arrays(1))
    try:
        write_entry(path, KEYS[0], arrays(2))
    finally:
        feature_files._checksum = real


def _other_version(path: Path) -> None:
    feature_files.VERSION += 1
    try:
        write_entry(path, KEYS[0], arrays(1))
    finally:
        feature_files.VERSION -= 1


def _other_dtype(path: Path) -> None:
    write_entry(path, KEYS[0], [np.zeros((3, 3), np.int64)])


def _huge(path: Path) -> None:
    """A file that says it holds far more than fits in memory."""
    import zarr

    with zarr.storage.ZipStore(path, mode="w") as store:
        attributes = {
            "format": "napari-segnext features",
            "version": feature_files.VERSION,
            "key": KEYS[0],
            "count": 1,
            "checksum": "",
        }
        group = zarr.create_group(store, attributes=attributes)
        group.create_array("0", shape=(2**40,), chunks=(2**20,), dtype=np.float32)


DAMAGES = [
    _cut,
    _flip,
    _empty,
    _text,
    _other_zip,
    _other_key,
    _other_pixels,
    _other_version,
    _other_dtype,
    _huge,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_entry_is_found_out_and_written_anew(
    tmp_path: Path,
    make: Callable[..., FeatureStore],
    damage: Callable[[Path], None],
) -> None:
    store = make(tmp_path)
    written(store)
    path = entries(tmp_path)[0]
    damage(path)
    with pytest.raises(BrokenEntryError):
        read_entry(path, KEYS[0])

    assert store.get(KEYS[0]) is None
    assert not path.exists()
    written(store)
    assert same(make(tmp_path).get(KEYS[0]), arrays())
    assert store.problem == ""


def test_every_place_of_an_entry_matters_or_changes_nothing(tmp_path: Path) -> None:
    whole = tmp_path / "whole.zarr.zip"
    write_entry(whole, "key", arrays())
    content = whole.read_bytes()
    path = tmp_path / "hurt.zarr.zip"
    found_out = 0
    places = np.random.default_rng(0).integers(0, len(content), 60)
    for place in [*places, 0, len(content) - 1]:
        hurt = bytearray(content)
        hurt[place] ^= 0xFF
        path.write_bytes(hurt)
        try:
            assert same(read_entry(path, "key"), arrays())  # dates, padding
        except BrokenEntryError:
            found_out += 1
    assert found_out > 40


# the folder ------------------------------------------------------------------------


def test_what_is_put_is_there_at_once_and_for_others_once_it_is_written(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    store, other = make(tmp_path / "a" / "b"), make(tmp_path / "a" / "b")
    assert store.get(KEYS[0]) is None
    assert not (tmp_path / "a").exists()  # nothing to keep, no folder
    store.put(KEYS[0], arrays())
    assert same(store.get(KEYS[0]), arrays())
    store.flush()
    assert same(other.get(KEYS[0]), arrays())
    assert store.nbytes == sum(path.stat().st_size for path in entries(store.folder))


def test_writing_happens_on_another_thread_and_what_is_too_fast_is_dropped(
    tmp_path: Path, make: Callable[..., FeatureStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    go_on, threads = threading.Event(), set()

    def slow(*args: Any) -> None:
        threads.add(threading.current_thread())
        assert go_on.wait(20)
        write_entry(*args)

    monkeypatch.setattr(feature_store, "write_entry", slow)
    size = sum(array.nbytes for array in arrays())
    monkeypatch.setattr(feature_store, "_MOST_PENDING_BYTES", 3 * size)
    store = make(tmp_path)
    for number in range(5):
        store.put(KEYS[number], arrays(number))
    assert entries(tmp_path) == []
    go_on.set()
    store.flush()
    assert len(entries(tmp_path)) == 3
    assert threading.current_thread() not in threads
    assert store.problem == ""


def test_the_least_recently_used_go_and_the_budget_holds(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    store = make(tmp_path)
    written(store, 5)
    for age, path in enumerate(entries(tmp_path)):  # the first is the oldest
        os.utime(path, (1000 + age, 1000 + age))
    assert store.get(KEYS[0]) is not None  # used now
    store.max_bytes = store.nbytes
    store.put(KEYS[5], arrays(5))
    store.flush()

    assert sum(path.stat().st_size for path in entries(tmp_path)) <= store.max_bytes
    assert store.nbytes <= store.max_bytes
    kept = [key for key in KEYS[:6] if make(tmp_path).get(key) is not None]
    assert kept == [KEYS[0], *KEYS[2:6]]

    store.max_bytes = store.nbytes // 2
    store.trim()
    assert 1 <= len(entries(tmp_path)) <= 2


def test_an_entry_beyond_the_budget_is_not_kept_and_zero_keeps_nothing(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    store = make(tmp_path, max_bytes=100)
    written(store)
    assert entries(tmp_path) == []
    store.max_bytes = 0
    written(store)
    assert entries(tmp_path) == []
    assert store.problem == ""


def test_other_peoples_files_stay_and_what_was_never_finished_goes(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    names = ["thesis.txt", "scan.zarr.zip", f"{KEYS[0]}.bak", f"{KEYS[1]}.0.tmp"]
    for name in names:
        (tmp_path / name).write_bytes(bytes(100_000))
        os.utime(tmp_path / name, (1, 1))
    old = tmp_path / f"{KEYS[2]}.{'0' * 16}.tmp"
    new = tmp_path / f"{KEYS[3]}.{'0' * 16}.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    store = make(tmp_path, max_bytes=20_000)
    written(store, 8)
    assert {path.name for path in tmp_path.iterdir()} >= {*names, new.name}
    assert not old.exists()
    assert 1 <= len(entries(tmp_path)) - 1 <= 2  # scan.zarr.zip is not ours


def test_several_processes_share_a_folder(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    """Three write and read the same keys at once, in a folder that is too small."""
    code = (
        "import sys, numpy as np\n"
        "from napari_segnext.core.feature_store import FeatureStore\n"
        "store = FeatureStore(sys.argv[1], 40_000)\n"
        "for number in list(range(12)) * 2:\n"
        "    key = f'{number:040x}'\n"
        "    array = np.random.default_rng(number).normal(size=1024)\n"
        "    array = array.astype(np.float32)\n"
        "    found = store.get(key)\n"
        "    assert found is None or np.array_equal(found[0], array)\n"
        "    store.put(key, (array,))\n"
        "store.close(wait=True)\n"
        "print(store.problem)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out.strip(), err) == (0, "", "")
    found = entries(tmp_path)
    assert found
    assert [path.name for path in tmp_path.iterdir() if path not in found] == []
    for path in found:
        key = path.name.split(".")[0]
        expected = np.random.default_rng(int(key, 16)).normal(size=1024)
        assert same(read_entry(path, key), (expected.astype(np.float32),))


# a folder that cannot be written -----------------------------------------------------


def test_a_file_in_the_place_of_the_folder_is_a_problem_not_an_error(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for folder in (taken, taken / "inside"):
        store = make(folder)
        written(store, 5)
        assert store.get(KEYS[0]) is None
        assert store.nbytes == 0
        assert str(folder) in store.problem
        assert "another folder" in store.problem
        with pytest.raises(SegNextError, match="choose another folder"):
            store.check()
    assert taken.read_text() == "mine"


def test_a_folder_in_the_place_of_an_entry_is_left_alone(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    (tmp_path / f"{KEYS[0]}.zarr.zip" / "sub").mkdir(parents=True)
    store = make(tmp_path)
    written(store, 3)
    assert store.get(KEYS[0]) is None
    assert store.get(KEYS[1]) is not None
    assert store.problem == ""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_disk_that_takes_nothing_ends_writing_but_not_reading(
    tmp_path: Path,
    make: Callable[..., FeatureStore],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    store = make(tmp_path)
    written(store)
    tries = []

    def full(path: Path, *_: Any) -> None:
        tries.append(path)
        path.write_bytes(b"half")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(feature_store, "write_entry", full)
    written(store, 10)
    assert os.strerror(number) in store.problem
    assert len(tries) == 3
    assert len(list(tmp_path.iterdir())) == 1  # halves are removed
    assert same(store.get(KEYS[0]), arrays())


def test_a_disk_that_is_nearly_full_is_not_filled(
    tmp_path: Path, make: Callable[..., FeatureStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 2**29})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    store = make(tmp_path)
    written(store, 5)
    assert entries(tmp_path) == []
    assert "1 GiB" in store.problem


def test_a_failure_now_and_then_does_not_end_writing(
    tmp_path: Path, make: Callable[..., FeatureStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def flaky(*args: Any) -> None:
        calls.append(args)
        if len(calls) % 2:
            raise PermissionError(errno.EACCES, "in use")
        write_entry(*args)

    monkeypatch.setattr(feature_store, "write_entry", flaky)
    store = make(tmp_path)
    written(store, 10)
    assert len(entries(tmp_path)) == 5
    assert store.problem == ""


def test_a_closed_store_takes_nothing_but_writes_what_waits(
    tmp_path: Path, make: Callable[..., FeatureStore]
) -> None:
    store = make(tmp_path)
    store.put(KEYS[0], arrays())
    store.close()
    store.put(KEYS[1], arrays())
    store.close(wait=True)
    store.flush()
    assert [path.name for path in entries(tmp_path)] == [f"{KEYS[0]}.zarr.zip"]


def test_the_default_folder_follows_the_platform_and_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert default_folder() is None  # in tests
    monkeypatch.setenv(feature_store.CACHE_VARIABLE, str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv(feature_store.CACHE_VARIABLE)
    folder = default_folder()
    assert folder is not None
    assert folder.is_absolute()
    assert "napari-segnext" in folder.parts


# with the model ----------------------------------------------------------------------


class Counting:
    """A network that counts how often it encodes."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def encode(self, *args: Any) -> Any:
        self.count += 1
        return self.network.encode(*args)


@pytest.fixture(scope="module")
def model() -> Any:
    return ns.load_model("segnext-lite")


def counted(model: Any) -> tuple[ns.Predictor, Counting]:
    network = Counting(model.network)
    return ns.Predictor(replace(model, network=network), device="cpu"), network


def plane(seed: int = 0, size: int = 96) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4000, (size, size + 8)).astype(np.uint16)


PROMPTS = ns.Prompts(clicks=[ns.Click(40, 50), ns.Click(10, 10, positive=False)])


def test_a_window_from_disk_gives_the_very_same_answer_without_encoding(
    tmp_path: Path, make: Callable[..., FeatureStore], model: Any
) -> None:
    fresh, _ = counted(model)
    expected = fresh.predict(fresh.encode(plane()), PROMPTS)
    for number, is_encoded in enumerate((True, False)):
        predictor, network = counted(model)
        store = make(tmp_path)
        features = predictor.open(plane(), store=store)
        assert features.windows == ()
        answer = predictor.predict(features, PROMPTS)
        np.testing.assert_array_equal(answer.crop, expected.crop)
        assert answer.region == expected.region
        assert (network.count > 0) is is_encoded, number
        store.flush()
        kept = features.get(features.windows[0])
        assert kept is not None
        assert all(
            tensor.is_contiguous(memory_format=torch.channels_last) for tensor in kept
        )


def test_other_pixels_limits_windows_or_weights_are_other_entries(
    tmp_path: Path, make: Callable[..., FeatureStore], model: Any
) -> None:
    store = make(tmp_path)
    predictor, network = counted(model)

    def encodes(image: np.ndarray, *limits: Any, by: Any = None) -> bool:
        used, net = (predictor, network) if by is None else by
        before = net.count
        used.prepare(used.open(image, *limits, store=store))
        store.flush()
        return net.count > before

    assert encodes(plane(), (0.0, 4000.0))
    assert not encodes(plane(), (0.0, 4000.0))
    assert encodes(plane(), (0.0, 4001.0))
    assert encodes(plane().astype(np.float32), (0.0, 4000.0))
    changed = plane()
    changed[50, 50] += 1
    assert encodes(changed, (0.0, 4000.0))
    assert encodes(plane()[:-1], (0.0, 4000.0))
    assert encodes(plane(), (0.0, 4000.0), by=_other_weights(model))


def _other_weights(model: Any) -> tuple[ns.Predictor, Counting]:
    """Another network under the same digest: a file may lie about itself."""
    import copy

    network = copy.deepcopy(model.network)
    with torch.no_grad():
        next(network.parameters()).add_(1e-3)
    assert weights_digest(network) != weights_digest(model.network)
    return counted(replace(model, network=network))


def test_a_window_that_looks_the_same_elsewhere_is_the_same_entry(
    tmp_path: Path, make: Callable[..., FeatureStore], model: Any
) -> None:
    """A crop of a stack, or a stack with slices put before it, finds its features."""
    store = make(tmp_path)
    predictor, network = counted(model)
    large = np.zeros((700, 600), np.uint16)
    large[128:384, 128:384] = plane(3, 256)[:, :256]
    large[384:640, 256:512] = plane(3, 256)[:, :256]
    features = predictor.open(large, (0.0, 4000.0), store=store)
    predictor.prepare(features, near=(255.5, 255.5))
    store.flush()
    first = features.windows[0]
    second = replace(first, row=384, col=256)
    assert (first.row, first.col, network.count) == (128, 128, 1)
    predictor.prepare(features, [second])
    assert network.count == 1
