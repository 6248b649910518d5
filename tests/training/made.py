"""Data and files for the tests of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from skimage.io import imsave

from napari_segnext.core.lite import LiteConfig

REAL = Path(__file__).parents[1] / "data"
TINY = LiteConfig(64, 8, 8, 16, 1, 1, 1, 2, 0)


def discs(shape=(80, 100), radius=11):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.uint16)
    for label, (row, col) in enumerate([(20, 25), (55, 70), (60, 20)], start=1):
        labels[(rows - row) ** 2 + (cols - col) ** 2 < radius**2] = label
    return labels


def noisy(labels):
    rng = np.random.default_rng(0)
    return rng.normal(60, 10, labels.shape) + 120 * (labels > 0)


def write_pair(folder, name, image, labels):
    for part, array in (("images", image), ("labels", labels)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        imsave(folder / part / f"{name}.png", array, check_contrast=False)


def write_stack(folder, name, stack, labels):
    folder.mkdir(parents=True, exist_ok=True)
    for part, array in ((name, stack), (f"{name}_labels", labels)):
        path = folder / f"{part}.tif"
        tifffile.imwrite(path, array, photometric="minisblack")
