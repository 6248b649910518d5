"""Annotated planes from folders of images and labels, and from labelled stacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from scipy import ndimage
from skimage.io import imread

from napari_segnext.core.image import normalise
from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["Annotated", "Instance", "read_sets"]

_MIN_AREA_PX = 20


@dataclass(frozen=True, slots=True)
class Instance:
    """One labelled object of a plane: its id and bounding box, ends excluded."""

    label: int
    box: tuple[int, int, int, int]

    @property
    def extent(self) -> int:
        """The longer side in pixels."""
        row0, col0, row1, col1 = self.box
        return max(row1 - row0, col1 - col0)


@dataclass(frozen=True)
class Annotated:
    """One plane with instance labels.

    Parameters
    ----------
    image : array (H, W, 3) uint8
        Normalised as the predictor does.
    labels : array (H, W) int32
        0 is background.
    neighbours : list of array (H, W) int32
        Labels of the planes above and below in a stack, else empty.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    neighbours: list[npt.NDArray[np.int32]] = field(default_factory=list)

    def instances(self) -> list[Instance]:
        """All objects of at least 20 px."""
        found = []
        areas = np.bincount(np.maximum(self.labels, 0).ravel())
        for index, slices in enumerate(ndimage.find_objects(self.labels), start=1):
            if slices is not None and areas[index] >= _MIN_AREA_PX:
                rows, cols = slices
                box = rows.start, cols.start, rows.stop, cols.stop
                found.append(Instance(index, box))
        return found


def _to_uint8(plane: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    return np.round(normalise(plane) * 255).astype(np.uint8)


def _read_pairs(folder: Path) -> Iterator[Annotated]:
    for path in sorted((folder / "images").iterdir()):
        labels = imread(folder / "labels" / f"{path.stem}.png").astype(np.int32)
        image = imread(path)
        if image.shape[:2] != labels.shape:
            raise ImageError(
                f"{path} has shape {image.shape}, its labels {labels.shape}; "
                "they must agree."
            )
        yield Annotated(_to_uint8(image), labels)


def _read_stack(path: Path) -> Iterator[Annotated]:
    stack = tifffile.imread(path)  # imread takes three planes for colours
    labels = tifffile.imread(path.with_name(f"{path.stem}_labels.tif"))
    labels = labels.astype(np.int32)
    last = len(stack) - 1
    for z, plane in enumerate(stack):
        around = [labels[i] for i in (z - 1, z + 1) if 0 <= i <= last]
        yield Annotated(_to_uint8(plane), labels[z], around)


def read_sets(root: Path) -> dict[str, list[Annotated]]:
    """Read every set below `root`.

    Parameters
    ----------
    root : Path
        Either holds ``images/`` and ``labels/`` itself, or folders that do, or folders
        with ``NAME.tif`` and ``NAME_labels.tif`` stacks, z first.

    Returns
    -------
    dict
        Name of the set -> its planes.

    Raises
    ------
    ImageError
        If there is nothing to read, or an image and its labels differ in shape.
    """
    sets: dict[str, list[Annotated]] = {}
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        if (folder / "images").is_dir() and (folder / "labels").is_dir():
            sets[folder.name] = list(_read_pairs(folder))
            continue
        for path in sorted(folder.glob("*.tif")):
            if path.with_name(f"{path.stem}_labels.tif").exists():
                sets[path.stem] = list(_read_stack(path))
    if not sets:
        raise ImageError(
            f"{root} has no images/ and labels/ folders and no NAME.tif with "
            "NAME_labels.tif; see docs/training.md for the layout."
        )
    return sets
