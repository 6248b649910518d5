"""Public data sets in their own layouts -> train/ and val/ that training reads."""

from __future__ import annotations

import builtins
import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_segnext.cli import main
from napari_segnext.errors import ImageError, SegNextError
from napari_segnext.training.convert import compact, convert, reduce, to_8bit
from napari_segnext.training.convert_layouts import LAYOUTS
from napari_segnext.training.convert_sources import SOURCES
from napari_segnext.training.data import read_sets

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"
RNG = np.random.default_rng(0)


def save(path: Path, pixels: np.ndarray) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels)
    else:
        Image.fromarray(pixels).save(path)
    return pixels


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 200, shape, dtype=np.uint8)


def square(shape: tuple[int, ...], row: int, col: int, value: int = 255) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[row : row + 6, col : col + 6] = value
    return mask


def make_dsb2018(root: Path) -> None:
    """Two experiments, told apart by the size of their images; RGBA as there."""
    for name, (height, width) in (("0a", (256, 256)), ("f3", (360, 360))):
        folder = root / "stage1_train" / name
        grey = noise(height, width)
        opaque = np.full_like(grey, 255)
        save(folder / "images" / f"{name}.png", np.dstack([grey, grey, grey, opaque]))
        save(folder / "masks" / "1.png", square((height, width), 10, 10))
        save(folder / "masks" / "2.png", square((height, width), 50, 60))


def make_emps(root: Path) -> None:
    for name in ("0a1b", "ffae"):
        grey = noise(40, 50)
        save(root / "images" / f"{name}.png", np.dstack([grey] * 3))
        numbers = square((40, 50), 2, 3, 1).astype(np.uint16)
        save(root / "segmaps" / f"{name}.png", numbers + square((40, 50), 20, 30, 3))


def make_usiigaci(root: Path) -> None:
    for split, name in (("train", "set1"), ("val", "set46")):
        folder = root / "Mask R-CNN" / split / name
        save(folder / "raw.tif", noise(40, 50).astype(np.uint16) * 100 + 700)
        save(folder / "instances_ids.png", square((40, 50), 5, 5, 7))


def make_axon_sem(root: Path) -> None:
    for subject in ("sub-rat1", "sub-rat8"):
        stem = f"{subject}_sample-data1_SEM"
        save(root / subject / "micr" / f"{stem}.png", noise(40, 50))
        axons = square((40, 50), 2, 3) + square((40, 50), 20, 30)
        folder = root / "derivatives" / "labels" / subject / "micr"
        save(folder / f"{stem}_seg-axon-manual.png", axons)


def make_fibsem_medulla(root: Path) -> None:
    """Four slices; the supervoxels 1 and 2 are one neuron, 3 another, 0 nothing."""
    folder = root / "training_sample2"
    supervoxels = np.zeros((4, 20, 30), np.int32)
    supervoxels[:, :10, :10], supervoxels[:, :10, 10:20] = 1, 2
    supervoxels[:, 10:, :] = 3
    for index in range(4):
        save(folder / "grayscale_maps" / f"iso.{2600 + index}.png", noise(20, 30))
    with h5py.File(root / "all.h5", "w") as file:
        file["stack"] = supervoxels
        file["transforms"] = np.array([[0, 0], [1, 90_000], [2, 90_000], [3, 70_000]])
    zipped = gzip.compress((root / "all.h5").read_bytes())
    (folder / "groundtruth.h5.gz").write_bytes(zipped)


def make_plant_seg(root: Path) -> None:
    resources = root / "tests" / "resources"
    (resources / "data" / "train").mkdir(parents=True)
    names = "sample_ovule.h5", "data/train/1135_mini.h5", "data/train/1136_mini.h5"
    for name in names:
        with h5py.File(resources / name, "w") as file:
            file["raw"] = noise(4, 20, 30)
            file["label"] = np.broadcast_to(square((20, 30), 5, 5, 9), (4, 20, 30))
            file["raw"].attrs["element_size_um"] = [0.25, 0.125, 0.125]


MAKERS: dict[str, Callable[[Path], None]] = {
    "dsb2018": make_dsb2018,
    "emps": make_emps,
    "usiigaci": make_usiigaci,
    "axon_sem": make_axon_sem,
    "fibsem_medulla": make_fibsem_medulla,
    "plant_seg": make_plant_seg,
}

# folder written -> images, objects
EXPECTED = {
    "dsb2018": {"train/dsb2018": (1, 2), "val/dsb2018": (1, 2)},
    "emps": {"train/emps": (1, 2), "val/emps": (1, 2)},
    "usiigaci": {"train/usiigaci": (1, 1), "val/usiigaci": (1, 1)},
    "axon_sem": {"train/axon_sem": (1, 2), "val/axon_sem": (1, 2)},
    "fibsem_medulla": {"train/stacks": (1, 2), "val/stacks": (1, 2)},
    "plant_seg": {"train/stacks": (2, 2), "val/stacks": (1, 1)},
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_clone_becomes_what_training_reads(name: str, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    MAKERS[name](clone)

    tallies = convert(name, clone, tmp_path / "data")

    assert tallies == EXPECTED[name]
    for split in ("train", "val"):
        sets = read_sets(tmp_path / "data" / split)
        planes = [plane for planes in sets.values() for plane in planes]
        assert all(plane.instances() for plane in planes)


def test_every_source_has_a_layout() -> None:
    assert set(LAYOUTS) == set(SOURCES) == set(MAKERS)


def test_masks_of_one_nucleus_each_are_numbered(tmp_path: Path) -> None:
    make_dsb2018(tmp_path)

    convert("dsb2018", tmp_path, tmp_path / "data")

    folder = tmp_path / "data" / "val" / "dsb2018"
    labels = read(folder / "labels" / "0001.png")
    assert labels.dtype == np.uint16
    assert (labels[10, 10], labels[55, 65], labels[0, 0]) == (1, 2, 0)
    source = read(tmp_path / "stage1_train" / "f3" / "images" / "f3.png")
    np.testing.assert_array_equal(read(folder / "images" / "0001.png"), source[..., 0])


def test_colours_are_kept_where_they_differ(tmp_path: Path) -> None:
    make_emps(tmp_path)
    stained = save(tmp_path / "images" / "0a1b.png", noise(40, 50, 3))

    convert("emps", tmp_path, tmp_path / "data")

    written = read(tmp_path / "data" / "train" / "emps" / "images" / "0000.png")
    np.testing.assert_array_equal(written, stained)


def test_gaps_in_the_numbers_are_closed(tmp_path: Path) -> None:
    make_emps(tmp_path)  # particles 1 and 3

    convert("emps", tmp_path, tmp_path / "data")

    labels = read(tmp_path / "data" / "val" / "emps" / "labels" / "0001.png")
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert labels[22, 32] == 2


def test_supervoxels_are_joined_to_neurons_and_the_halves_kept_apart(
    tmp_path: Path,
) -> None:
    make_fibsem_medulla(tmp_path)

    convert("fibsem_medulla", tmp_path, tmp_path / "data")

    stacks = tmp_path / "data" / "val" / "stacks"
    labels = tifffile.imread(stacks / "fibsem_medulla_labels.tif")
    assert labels.shape == (2, 20, 30)
    assert labels[0, 5, 5] == labels[1, 5, 15] != labels[0, 15, 5]
    assert labels[0, 5, 25] == 0
    maps = tmp_path / "training_sample2" / "grayscale_maps"
    first = tifffile.imread(stacks / "fibsem_medulla.tif")[0]
    np.testing.assert_array_equal(first, read(maps / "iso.2602.png"))


def test_the_unzipped_truth_is_read_as_well(tmp_path: Path) -> None:
    make_fibsem_medulla(tmp_path)
    folder = tmp_path / "training_sample2"
    (folder / "groundtruth.h5.gz").unlink()
    (tmp_path / "all.h5").rename(folder / "groundtruth.h5")

    tallies = convert("fibsem_medulla", tmp_path, tmp_path / "data")

    assert tallies == EXPECTED["fibsem_medulla"]


def test_a_stack_says_how_large_its_voxels_are(tmp_path: Path) -> None:
    make_plant_seg(tmp_path)

    convert("plant_seg", tmp_path, tmp_path / "data")

    path = tmp_path / "data" / "val" / "stacks" / "plant_1136_mini.tif"
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["spacing"] == 0.25
        across, per = file.pages[0].tags["XResolution"].value
    assert per / across == pytest.approx(0.125)


def test_eight_bits_are_taken_as_they_are_and_others_stretched() -> None:
    dim = np.arange(100, dtype=np.uint8)
    deep = np.linspace(700, 5000, 100_001).astype(np.uint16)

    assert to_8bit(dim) is dim
    stretched = to_8bit(deep)
    assert (stretched.min(), stretched.max()) == (0, 255)
    middle = int(deep.mean())
    assert stretched[np.searchsorted(deep, middle)] == pytest.approx(127.5, abs=1)
    np.testing.assert_array_equal(to_8bit(np.full(9, 7.0)), 0)


def test_large_images_shrink_with_their_labels() -> None:
    image, labels = noise(100, 300), np.zeros((100, 300), np.int32)
    labels[40:60, 100:200] = 5

    small, fewer = reduce(image, labels, max_side_px=150)

    assert small.shape == fewer.shape == (50, 150)
    assert np.unique(fewer).tolist() == [0, 5]
    assert (fewer > 0).sum() == pytest.approx((labels > 0).sum() / 4, rel=0.1)
    assert reduce(image, labels, max_side_px=300)[0] is image


def test_more_objects_than_sixteen_bits_hold_are_refused() -> None:
    many = np.arange(70_000, dtype=np.int32).reshape(100, 700)

    with pytest.raises(ImageError, match="69999 objects"):
        compact(many)


@pytest.mark.parametrize("name", SOURCES)
def test_a_wrong_folder_is_one_sentence(name: str, tmp_path: Path, capsys) -> None:
    status = main(["convert", name, str(tmp_path), "--out", str(tmp_path / "data")])

    assert status == 1
    said = capsys.readouterr().err
    assert "is no clone of" in said
    assert SOURCES[name].url in said
    assert not (tmp_path / "data").exists()


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="There is no folder"):
        convert("emps", tmp_path / "nowhere", tmp_path / "data")


def test_a_clone_without_images_is_one_sentence(tmp_path: Path) -> None:
    for needed in SOURCES["emps"].needs:
        (tmp_path / needed).mkdir()

    with pytest.raises(ImageError, match=r"no images in .*check out dd8f86d"):
        convert("emps", tmp_path, tmp_path / "data")


@pytest.mark.parametrize("name", ["axon_sem", "plant_seg"])
def test_an_out_that_is_a_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    MAKERS[name](tmp_path)
    (tmp_path / "data").write_text("a file")

    with pytest.raises(SegNextError, match="choose another --out"):
        convert(name, tmp_path, tmp_path / "data")


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SegNextError, match="dsb2018, emps"):
        convert("imagenet", tmp_path, tmp_path / "data")


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("dsb2018", "stage1_train/0a/images/0a.png"),
        ("emps", "segmaps/0a1b.png"),
        ("usiigaci", "Mask R-CNN/train/set1/raw.tif"),
        ("axon_sem", "sub-rat1/micr/sub-rat1_sample-data1_SEM.png"),
        ("fibsem_medulla", "training_sample2/groundtruth.h5.gz"),
        ("plant_seg", "tests/resources/data/train/1135_mini.h5"),
    ],
)
@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_a_bad_file_is_named(name: str, broken: str, harm: str, tmp_path: Path) -> None:
    MAKERS[name](tmp_path)
    if harm == "damaged":
        (tmp_path / broken).write_bytes(b"not what it says")
    elif name == "axon_sem":  # an image that is gone is not looked for, its mask is
        mask = "derivatives/labels/sub-rat1/micr/sub-rat1_sample-data1_SEM_seg"
        broken = f"{mask}-axon-manual.png"
        (tmp_path / broken).unlink()
    else:
        (tmp_path / broken).unlink()

    stem = Path(broken).name.removesuffix(".gz")
    with pytest.raises(ImageError, match=rf"{re.escape(stem)}.*get it from the source"):
        convert(name, tmp_path, tmp_path / "data")


def test_sizes_that_disagree_are_refused(tmp_path: Path) -> None:
    make_emps(tmp_path)
    save(tmp_path / "segmaps" / "0a1b.png", np.zeros((4, 5), np.uint16))

    with pytest.raises(ImageError, match=r"\(40, 50\).*\(4, 5\)"):
        convert("emps", tmp_path, tmp_path / "data")


def test_without_h5py_the_user_is_told_what_to_install(
    tmp_path: Path, monkeypatch
) -> None:
    make_plant_seg(tmp_path)
    real_import = builtins.__import__

    def import_all_but_h5py(name: str, *args: object, **kwargs: object) -> object:
        if name == "h5py":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", import_all_but_h5py)
    with pytest.raises(SegNextError, match=r"napari-segnext\[train\]"):
        convert("plant_seg", tmp_path, tmp_path / "data")


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys) -> None:
    make_axon_sem(tmp_path)

    status = main(["convert", "axon_sem", str(tmp_path), "--out", str(tmp_path / "d")])

    assert status == 0
    assert "val/axon_sem  images: 1, objects: 2" in capsys.readouterr().out


def test_help_names_every_source(capsys) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["convert", "--help"])
    said = capsys.readouterr().out
    for source in SOURCES.values():
        assert f"{source.url} at {source.commit[:7]}, {source.licence}" in said


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_docs_tell_how_to_get_each_source(source) -> None:
    page = (DOCS / "sources.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {source.name}\n")[1].split("\n## ")[0]
    folder = source.repository.split("/")[1]

    assert f"git clone {source.url}" in section
    assert f"git -C {folder} checkout {source.commit}" in section
    assert f"napari-segnext convert {source.name} {folder} --out DATA" in section
    assert source.licence in section
