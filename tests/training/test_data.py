"""Labelled images and stacks are read, and bad ones named in a sentence."""

import numpy as np
import pytest
import tifffile
from made import discs, noisy, write_pair, write_stack
from PIL import Image

from napari_segnext.errors import ImageError
from napari_segnext.training.data import read_sets

LABELS = discs()
IMAGE = noisy(LABELS).astype(np.uint8)


def test_folders_and_stacks_are_read(folder):
    sets = read_sets(folder)
    counts = {name: len(planes) for name, planes in sets.items()}
    assert counts == {"cells": 1, "nuclei": 3}
    assert [len(plane.neighbours) for plane in sets["nuclei"]] == [1, 2, 1]
    assert len(sets["cells"][0].instances()) == 3


def test_slices_keep_the_contrast_of_their_stack(tmp_path):
    labels = np.zeros((3, 40, 40), np.uint16)
    labels[:, 10:20, 10:20] = 1
    stack = np.full(labels.shape, 1000, np.uint16)
    stack[labels > 0] = 3000
    stack[2] = 1000 + (stack[2] - 1000) // 4  # a dim slice stays dim
    for name, planes in (("a", stack), ("a_labels", labels)):
        tifffile.imwrite(tmp_path / f"{name}.tif", planes, photometric="minisblack")
    bright, _, dim = read_sets(tmp_path)["a"]
    assert bright.image.max() == 255
    assert abs(int(dim.image.max()) - 255 // 4) <= 2


def test_the_folder_may_be_a_set_itself(folder):
    assert list(read_sets(folder / "cells")) == ["cells"]
    assert list(read_sets(folder / "stacks")) == ["nuclei"]


@pytest.mark.parametrize(
    ("shape", "planes"),
    [(LABELS.shape, 1), ((1, *LABELS.shape), 1), ((2, *LABELS.shape), 2)],
)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_planes_and_stacks_may_have_colours(tmp_path, shape, planes, channels):
    labels = np.broadcast_to(LABELS, shape)
    image = np.empty((*shape, *channels), np.uint8)
    image[:] = IMAGE[..., None] if channels else IMAGE
    write_stack(tmp_path, "a", image, labels)
    read = read_sets(tmp_path)["a"]
    assert len(read) == planes
    assert read[0].image.shape == (*LABELS.shape, 3)
    assert len(read[0].neighbours) == planes - 1


def test_labels_of_a_palette_image_are_its_numbers(tmp_path):
    write_pair(tmp_path, "a", IMAGE, LABELS)
    palette = Image.fromarray(LABELS.astype(np.uint8), mode="P")
    palette.putpalette([255 - i // 3 for i in range(768)])
    palette.save(tmp_path / "labels/a.png")
    (plane,) = read_sets(tmp_path)[tmp_path.name]
    np.testing.assert_array_equal(plane.labels, LABELS)


def test_huge_numbers_are_renumbered_alike_on_all_slices(tmp_path):
    labels = np.stack([LABELS, LABELS]).astype(np.int64)
    labels[labels == 2] = 2**40
    labels[:, 0] = -7
    write_stack(tmp_path, "a", np.stack([IMAGE, IMAGE]), labels)
    first, second = read_sets(tmp_path)["a"]
    assert np.unique(first.labels).tolist() == [-1, 0, 1, 2, 3]
    assert np.unique(first.labels[LABELS == 2]).tolist() == [3]
    np.testing.assert_array_equal(first.labels, second.labels)
    assert len(first.instances()) == 3


def no_labels(folder):
    write_pair(folder, "a", IMAGE, LABELS)
    (folder / "labels/a.png").unlink()


def other_shape(folder):
    write_pair(folder, "a", IMAGE, discs((50, 50)))


def no_objects(folder):
    write_pair(folder, "a", IMAGE, np.zeros_like(LABELS))


def colours_as_labels(folder):
    write_pair(folder, "a", IMAGE, np.repeat(IMAGE[..., None], 3, axis=2))


def damaged(folder):
    write_pair(folder, "a", IMAGE, LABELS)
    content = (folder / "images/a.png").read_bytes()
    (folder / "images/a.png").write_bytes(content[: len(content) // 2])


def no_images(folder):
    (folder / "images").mkdir()


def nan_slice(folder):
    stack = np.stack([noisy(LABELS), np.full(LABELS.shape, np.nan)])
    write_stack(folder, "a", stack.astype(np.float32), np.stack([LABELS] * 2))


def stack_without_labels(folder):
    write_stack(folder, "a", IMAGE, LABELS)
    tifffile.imwrite(folder / "b.tif", IMAGE)


def other_slices(folder):
    write_stack(folder, "a", np.stack([IMAGE] * 3), np.stack([LABELS] * 2))


def channels_in_the_middle(folder):
    stack = np.stack([np.stack([IMAGE] * 2)] * 3)  # (3, 2, H, W)
    write_stack(folder, "a", stack, np.stack([LABELS] * 3))


def probabilities_as_labels(folder):
    write_stack(folder, "a", IMAGE, (LABELS / 7).astype(np.float32))


def damaged_stack(folder):
    write_stack(folder, "a", IMAGE, LABELS)
    (folder / "a.tif").write_bytes(b"II*\0")


def nothing(folder):
    pass


@pytest.mark.parametrize(
    ("spoil", "named", "said"),
    [
        (no_labels, "a.png", "has no labels"),
        (other_shape, "a.png", "must agree"),
        (no_objects, "", "No object of 20 pixels"),
        (colours_as_labels, "a.png", "one plane"),
        (damaged, "a.png", "cannot be read"),
        (no_images, "images", "no images"),
        (nan_slice, "Slice 1 of", "no finite pixel"),
        (stack_without_labels, "b.tif", "has no labels"),
        (other_slices, "a.tif", "must agree"),
        (channels_in_the_middle, "a.tif", "channels at the end"),
        (probabilities_as_labels, "a_labels.tif", "whole numbers"),
        (damaged_stack, "a.tif", "cannot be read"),
        (nothing, "", "no images/ and labels/"),
    ],
)
def test_bad_data_is_named_in_one_sentence(tmp_path, spoil, named, said):
    spoil(tmp_path)
    with pytest.raises(ImageError, match=said) as caught:
        read_sets(tmp_path)
    assert named in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(ImageError, match="There is no folder"):
        read_sets(tmp_path / "nowhere")
