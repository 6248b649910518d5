"""Folders of sets and stacks become planes to measure."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scripted_models import image_of, squares
from skimage.io import imsave

from napari_segnext.errors import ImageError
from napari_segnext.evaluation.items import Reader, find_items


def write_set(folder, labels, names=("a",)):
    for part, array in (("images", image_of(labels)), ("labels", labels)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name in names:
            imsave(folder / part / f"{name}.png", array, check_contrast=False)


def write_stack(folder, name, depth):
    labels = np.stack([squares(z % 8) for z in range(depth)])
    folder.mkdir(parents=True, exist_ok=True)
    stack = np.stack([image_of(plane) for plane in labels])
    for suffix, array in (("", stack), ("_labels", labels)):
        tifffile.imwrite(
            folder / f"{name}{suffix}.tif", array, photometric="minisblack"
        )
    return stack, labels


def test_sets_and_stacks_below_a_folder_are_found(tmp_path):
    write_set(tmp_path / "cells", squares(), ("b", "a"))
    write_stack(tmp_path / "stacks", "one", 4)
    write_stack(tmp_path / "stacks", "two", 3)
    items = find_items(tmp_path)
    assert [(it.group, it.set_name, it.name) for it in items] == [
        ("cells", "cells", "a"),
        ("cells", "cells", "b"),
        *(("stacks", "one", f"one[{z}]") for z in range(4)),
        *(("stacks", "two", f"two[{z}]") for z in range(3)),
    ]


@pytest.mark.parametrize(
    ("depth", "every", "slices"),
    [(60, None, 30), (50, None, 25), (10, None, 10), (10, 4, 3), (10, 100, 1)],
)
def test_about_25_slices_of_a_stack_unless_told(tmp_path, depth, every, slices):
    labels = np.zeros((depth, 4, 4), np.uint8)
    for name in ("s.tif", "s_labels.tif"):
        tifffile.imwrite(tmp_path / name, labels, photometric="minisblack")
    items = find_items(tmp_path, every=every)
    assert len(items) == slices
    assert items[0].index == 0


def test_a_slice_knows_the_slice_before_and_the_contrast_of_its_stack(tmp_path):
    stack, labels = write_stack(tmp_path, "one", 3)
    reader = Reader()
    planes = [reader.read(item) for item in find_items(tmp_path)]
    assert planes[0].before is None
    np.testing.assert_array_equal(planes[2].before.labels, labels[1])
    np.testing.assert_array_equal(planes[2].labels, labels[2])
    np.testing.assert_array_equal(planes[1].image, stack[1])
    assert len({plane.limits for plane in planes}) == 1
    low, high = planes[0].limits
    assert stack.min() <= low < high <= stack.max()
    assert planes[1].rgb.shape == (60, 90, 3)


def test_a_folder_with_nothing_in_it_says_what_is_wanted(tmp_path):
    with pytest.raises(ImageError, match=r"'images' and 'labels'.*_labels\.tif"):
        find_items(tmp_path)
    with pytest.raises(ImageError, match="nothing to evaluate"):
        find_items(tmp_path / "missing")


def test_every_zeroth_slice_makes_no_sense(tmp_path):
    with pytest.raises(ImageError, match="1 or more"):
        find_items(tmp_path, every=0)


def test_a_stack_that_is_no_stack_is_named(tmp_path):
    write_stack(tmp_path, "one", 3)
    (tmp_path / "one_labels.tif").write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"one_labels.tif' cannot be read"):
        find_items(tmp_path)
    tifffile.imwrite(tmp_path / "one_labels.tif", np.stack([[squares()] * 2] * 3))
    with pytest.raises(ImageError, match=r"\(3, 2, 60, 90\).*stack"):
        find_items(tmp_path)


def test_one_plane_is_a_stack_of_one_slice(tmp_path):
    for name, array in (("one", image_of(squares())), ("one_labels", squares())):
        tifffile.imwrite(tmp_path / f"{name}.tif", array)
    (item,) = find_items(tmp_path)
    plane = Reader().read(item)
    np.testing.assert_array_equal(plane.labels, squares())
    np.testing.assert_array_equal(plane.image, image_of(squares()))
    assert plane.before is None


def test_labels_of_another_shape_or_kind_are_named(tmp_path):
    write_stack(tmp_path, "one", 3)
    (item, *_) = find_items(tmp_path)
    path = tmp_path / "one_labels.tif"
    tifffile.imwrite(path, np.zeros((3, 9, 9), np.uint8), photometric="minisblack")
    with pytest.raises(ImageError, match=r"\(3, 60, 90\), its labels \(3, 9, 9\)"):
        Reader().read(item)
    half = np.full((3, 60, 90), 0.5, np.float32)
    tifffile.imwrite(path, half, photometric="minisblack")
    with pytest.raises(ImageError, match="float32"):
        Reader().read(item)
