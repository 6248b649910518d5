"""Folders of images and labels, and the draw of objects."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.io import imsave

from napari_segnext.errors import ImageError
from napari_segnext.evaluation.datasets import read_pairs, sample_objects


def write(path, array):
    path.parent.mkdir(exist_ok=True)
    imsave(path, array, check_contrast=False)


def eight_squares() -> np.ndarray:
    labels = np.zeros((20, 90), np.uint16)
    for i in range(8):
        labels[5 : 6 + i, 10 * i : 10 * i + 8] = i + 1
    return labels


def test_small_objects_are_dropped_and_few_are_drawn():
    kept = sample_objects(eight_squares(), max_objects=3, min_area_px=40)
    ids = np.unique(kept)
    assert len(ids) == 4
    assert set(ids) <= {0, 5, 6, 7, 8}
    assert kept.dtype == np.int32


def test_the_same_seed_draws_the_same_objects():
    draws = [sample_objects(eight_squares(), max_objects=2, seed=s) for s in (0, 0, 1)]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_all_objects_and_unknown_pixels_can_be_kept():
    labels = eight_squares().astype(int)
    labels[0] = -1
    kept = sample_objects(labels, max_objects=None, min_area_px=0)
    assert np.array_equal(kept, labels)


def test_pairs_are_read_in_order(tmp_path):
    for name, value in (("b", 2), ("a", 1)):
        image = np.full((20, 90, 3), value, np.uint8)
        write(tmp_path / "images" / f"{name}.png", image)
        write(tmp_path / "labels" / f"{name}.png", eight_squares())
    pairs = list(read_pairs(tmp_path, max_objects=2))
    assert [int(image.max()) for image, _ in pairs] == [1, 2]
    assert all(len(np.unique(labels)) == 3 for _, labels in pairs)
    assert pairs[0][0].shape == (20, 90, 3)


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(ImageError, match="no images in"):
        read_pairs(tmp_path)


def test_an_image_without_labels_is_named(tmp_path):
    write(tmp_path / "images" / "a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(ImageError, match=r"'a.png' has no labels"):
        read_pairs(tmp_path)


def test_labels_of_another_shape_are_named(tmp_path):
    write(tmp_path / "images" / "a.png", np.zeros((4, 4), np.uint8))
    write(tmp_path / "labels" / "a.png", np.zeros((5, 4), np.uint8))
    with pytest.raises(ImageError, match=r"\(4, 4\), its labels \(5, 4\)"):
        list(read_pairs(tmp_path))


def test_tiff_files_are_read_too(tmp_path):
    write(tmp_path / "images" / "a.tif", np.full((20, 90), 300, np.uint16))
    write(tmp_path / "labels" / "a.png", eight_squares())
    ((image, _),) = read_pairs(tmp_path)
    assert image.dtype == np.uint16
    assert int(image.min()) == 300


def test_a_file_that_is_no_image_is_named(tmp_path):
    write(tmp_path / "labels" / "a.png", np.zeros((5, 4), np.uint8))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"images.a.png' cannot be read"):
        list(read_pairs(tmp_path))


@pytest.mark.parametrize("mode", ["P", "LA", "CMYK"])
def test_images_mean_their_colours_however_they_are_stored(tmp_path, mode):
    ramp = np.tile(np.arange(90, dtype=np.uint8), (20, 1))
    ending = "jpg" if mode == "CMYK" else "png"
    if mode == "P":
        stored = Image.fromarray(ramp, mode="P")
        stored.putpalette([255 - i // 3 for i in range(768)])
        ramp = 255 - ramp
    else:
        stored = Image.fromarray(np.dstack([ramp] * 3)).convert(mode)
    write(tmp_path / "labels" / "a.png", eight_squares())
    (tmp_path / "images").mkdir()
    stored.save(tmp_path / "images" / f"a.{ending}")
    ((image, _),) = read_pairs(tmp_path)
    assert image.shape in {(20, 90), (20, 90, 3)}
    grey = image if image.ndim == 2 else image.mean(axis=2)
    np.testing.assert_allclose(grey, ramp, atol=3)


def test_hidden_files_are_no_images(tmp_path):
    write(tmp_path / "images" / "a.png", np.zeros((20, 90), np.uint8))
    write(tmp_path / "labels" / "a.png", eight_squares())
    (tmp_path / "images" / "._a.png").write_bytes(b"of another system")
    assert len(list(read_pairs(tmp_path))) == 1
