"""Encoded slices on disk and in memory, and what is read of a stack for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from encoding import Slow, counting
from napari.layers import Image
from scipy import ndimage
from volumes import BRIGHT, PartPredictor, tube

import napari_segnext as ns
from napari_segnext.core.feature_store import CACHE_VARIABLE
from napari_segnext.errors import LayerError, SegNextError
from napari_segnext.session import prefetching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rooms import Room

    Rooms = Callable[..., Room]


@pytest.fixture(scope="module")
def model() -> Any:
    return ns.load_model("segnext-lite")


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is encoded ahead, so that encodings can be counted."""
    monkeypatch.setattr(prefetching, "_REACH", 0)


def stack(count: int = 4) -> np.ndarray:
    rng = np.random.default_rng(7)
    truth = np.zeros((count, 96, 112))
    rows, cols = np.indices(truth.shape[1:])
    truth[:, (rows - 40) ** 2 + (cols - 50) ** 2 <= 15**2] = 800
    image = ndimage.gaussian_filter(truth, (0, 1, 1)) + 100
    return (image + rng.normal(0, 20, image.shape)).astype(np.uint16)


def clicked(there: Room, z: int = 1) -> np.ndarray:
    """The mask of a click, once all is written to disk."""
    there.show(0, z)
    there.session.add_click((z, 40, 50))
    there.session.wait(120)
    mask = there.session.mask()
    assert mask.any()
    there.session._engine.planes.flush()
    return mask


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.zarr.zip"))


def reopened(
    room: Rooms, model: Any, folder: Path | None, data: Any = None, **options: Any
) -> tuple[Room, int, np.ndarray]:
    """A new session of the stack, how often it encoded for a click, and the mask."""
    predictor, network = counting(model)
    there = room(stack() if data is None else data, predictor, **options)
    there.session.set_cache(folder=folder)
    mask = clicked(there)
    return there, network.count, mask


@pytest.mark.usefixtures("calm")
def test_given_a_session_of_the_same_stack_then_nothing_is_encoded_again(
    room: Rooms, model: Any, tmp_path: Path
) -> None:
    first, count, mask = reopened(room, model, tmp_path)
    assert count >= 1
    assert len(files(tmp_path)) == count
    first.session.close()

    _, count, again = reopened(room, model, tmp_path)
    assert count == 0
    np.testing.assert_array_equal(again, mask)

    # one more slice, and only that
    longer = np.concatenate([stack(), stack()[:1]])
    limits = {"contrast": "layer"}
    image = Image(stack(), contrast_limits=(0, 900))
    _, count, _ = reopened(room, model, tmp_path, image=image, **limits)
    assert count >= 1  # another contrast
    image = Image(longer, contrast_limits=(0, 900))
    _, count, _ = reopened(room, model, tmp_path, image=image, **limits)
    assert count == 0
    image = Image(longer, contrast_limits=(0, 900), gamma=0.5)
    _, count, _ = reopened(room, model, tmp_path, image=image, **limits)
    assert count >= 1


@pytest.mark.usefixtures("calm")
def test_given_no_folder_then_nothing_is_written_and_all_is_encoded(
    room: Rooms, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    for _ in range(2):
        there, count, _ = reopened(room, model, None)
        assert count >= 1
        assert there.session.cache.folder is None
        assert there.session.cache.disk_bytes == 0
    assert files(tmp_path) == []


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _noise(path: Path) -> None:
    size = path.stat().st_size
    path.write_bytes(np.random.default_rng(0).bytes(size))


def _folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize("damage", [_cut, _noise, _folder])
def test_given_damaged_entries_then_the_answer_is_the_same_and_no_error_shows(
    room: Rooms, model: Any, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    first, count, mask = reopened(room, model, tmp_path)
    first.session.close()
    for path in files(tmp_path):
        damage(path)
    second, recount, again = reopened(room, model, tmp_path)
    assert recount == count
    np.testing.assert_array_equal(again, mask)
    assert second.errors == []
    assert second.session.cache.problem == ""
    second.session.close()
    if damage is not _folder:  # that is somebody else's, and stays
        assert reopened(room, model, tmp_path)[1] == 0


@pytest.mark.usefixtures("calm")
def test_given_another_entry_under_the_name_then_it_is_not_taken(
    room: Rooms, model: Any, tmp_path: Path
) -> None:
    first, _, mask = reopened(room, model, tmp_path)
    (own,) = files(tmp_path)[:1]
    first.session.close()
    reopened(room, model, tmp_path, data=stack()[:, ::-1].copy())
    (other, *_) = [path for path in files(tmp_path) if path != own]
    own.write_bytes(other.read_bytes())
    _, count, again = reopened(room, model, tmp_path)
    assert count >= 1
    np.testing.assert_array_equal(again, mask)


@pytest.mark.usefixtures("calm")
def test_given_a_file_in_the_place_of_the_default_folder_then_clicks_work(
    room: Rooms, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    monkeypatch.setenv(CACHE_VARIABLE, str(taken))
    predictor, _ = counting(model)
    there = room(stack(), predictor)
    clicked(there)
    clicked(there, 2)
    assert there.errors == []
    assert str(taken) in there.session.cache.problem
    assert taken.read_text() == "mine"


def test_what_the_cache_tells_and_takes(
    room: Rooms, model: Any, tmp_path: Path
) -> None:
    there, _, _ = reopened(room, model, tmp_path / "new")
    info = there.session.cache
    assert info.folder == tmp_path / "new"
    assert 0 < info.memory_bytes <= info.memory_budget
    assert 0 < info.disk_bytes <= info.disk_budget == 2 * 2**30

    there.session.set_cache(disk_budget=info.disk_bytes - 1)
    small = there.session.cache
    assert small.disk_bytes < info.disk_bytes
    assert (small.folder, small.memory_budget) == (info.folder, info.memory_budget)
    there.session.set_cache(memory_budget=10**9, disk_budget=0)
    assert there.session.cache.memory_budget == 10**9
    assert there.session.cache.disk_bytes == 0
    assert list((tmp_path / "new").iterdir()) == []
    assert there.session.mask().any()


def test_what_cannot_be_is_said_in_one_sentence_and_changes_nothing(
    room: Rooms, tmp_path: Path
) -> None:
    there = room()
    (tmp_path / "file").write_text("mine")
    before = there.session.cache
    with pytest.raises(SegNextError, match="choose another folder, or none"):
        there.session.set_cache(folder=tmp_path / "file")
    with pytest.raises(SegNextError, match="number of bytes"):
        there.session.set_cache(memory_budget=-1, folder=tmp_path)
    for budget in (-5, "8 GB", float("nan"), float("inf")):
        with pytest.raises(SegNextError, match="number of bytes"):
            there.session.set_cache(disk_budget=budget)
    assert there.session.cache == before
    there.session.close()
    assert there.session.cache == before
    with pytest.raises(LayerError, match="closed"):
        there.session.set_cache(folder=None)


# lazy stacks -----------------------------------------------------------------------

DEPTH = 2000


class Lazily:
    """A long dask stack of one chunk a slice, in a room; counts what is read."""

    def __init__(self, room: Rooms, predictor: Any, plane: Any = None) -> None:
        if plane is None:
            plane = stack(1)[0, 10:74, 20:84]
        self.source = Slow(np.broadcast_to(plane, (DEPTH, 64, 64)))
        lazy = da.from_array(
            self.source, chunks=(1, 64, 64), name=False, meta=np.empty(0, np.uint16)
        )
        image = Image(lazy, contrast_limits=(0, 1000))
        self.room = room(image=image, predictor=predictor)
        self.room.show(0, 1000)
        self.room.wait()
        self.source.read.clear()

    def read(self) -> list[int]:
        """The slices that were read since the last call, in order."""
        found = sorted(self.source.read)
        self.source.read.clear()
        return found


SAMPLES = {round(step) for step in np.linspace(0, DEPTH - 1, 8)}


@pytest.mark.usefixtures("calm")
def test_given_a_long_lazy_stack_then_a_click_reads_its_slice_and_a_few_samples(
    room: Rooms, model: Any
) -> None:
    predictor, _ = counting(model)
    here = Lazily(room, predictor)
    here.room.session.add_click((1000, 30, 30))
    here.room.session.wait(120)
    assert here.room.session.mask().any()
    assert here.read() == sorted([*SAMPLES, 1000])
    here.room.session.add_click((1000, 5, 5), positive=False)
    here.room.session.wait(120)
    assert here.read() == []


def test_given_a_long_lazy_stack_then_only_planes_near_are_read_ahead(
    room: Rooms, model: Any
) -> None:
    predictor, _ = counting(model)
    here = Lazily(room, predictor)
    jobs: list[Any] = []
    here.room.session._worker.spare = jobs.append
    here.room.session.add_click((1000, 30, 30))
    here.room.session.wait(120)
    here.read()
    jobs[-1](lambda: False)
    near = [*range(996, 1000), *range(1001, 1005)]
    assert here.read() == near


@pytest.mark.usefixtures("calm")
def test_given_a_long_lazy_stack_then_propagation_reads_each_of_its_slices_once(
    room: Rooms,
) -> None:
    here = Lazily(room, PartPredictor(), tube((1, 64, 64), (30, 30))[0] * BRIGHT)
    here.room.session.add_click((1000, 30, 30))
    here.room.wait()
    here.read()
    one = here.room.session.cache.memory_bytes
    here.room.session.set_cache(memory_budget=20 * one)
    here.room.session.propagate(slices=range(1000, 1200))
    here.room.session.wait(120)
    assert len(here.room.session.slices) == 200
    assert here.read() == list(range(1001, 1200))
    assert here.room.session.cache.memory_bytes <= 20 * one


@pytest.mark.usefixtures("calm")
def test_given_a_long_lazy_stack_then_the_model_propagates_over_what_it_needs(
    room: Rooms, model: Any
) -> None:
    predictor, network = counting(model)
    here = Lazily(room, predictor)
    here.room.session.add_click((1000, 30, 30))
    here.room.session.wait(120)
    here.read()
    network.count = 0
    here.room.session.propagate(slices=range(996, 1006))
    here.room.session.wait(120)
    assert len(here.room.session.slices) == 10
    assert here.read() == [*range(996, 1000), *range(1001, 1006)]
    assert network.count == 9  # one window a slice: the one that the object is seen in
