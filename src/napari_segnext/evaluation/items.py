"""The planes of a benchmark: where they are, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_segnext.core.image import contrast_limits, normalise
from napari_segnext.errors import ImageError
from napari_segnext.evaluation.datasets import find_pairs, read_pair

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

__all__ = ["Item", "Plane", "Reader", "find_items"]

_SLICES = 25  # of a stack, unless told otherwise


@dataclass(frozen=True, slots=True)
class Item:
    """One annotated plane on disk.

    Parameters
    ----------
    set_name : str
        Its folder, or its stack.
    group : str
        Sets of one group count as one set in means; the set's own name otherwise.
    name : str
        Of the image, with the slice of a stack.
    image, labels : Path
        The files.
    index : int, optional
        Slice of a stack, from 0.
    """

    set_name: str
    group: str
    name: str
    image: Path
    labels: Path
    index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One annotated plane in memory.

    Parameters
    ----------
    image : array (H, W) or (H, W, C)
        As in the file.
    labels : array (H, W) int32
        Ids above 0 are objects; negative where nobody knows.
    limits : (float, float), optional
        Contrast limits; those of the whole stack for a slice of grey values.
    before : array (H, W) int32, optional
        Labels of the slice before this one.
    """

    image: npt.NDArray[np.generic]
    labels: npt.NDArray[np.int32]
    limits: tuple[float, float] | None = None
    before: npt.NDArray[np.int32] | None = None

    @property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """The plane as the model sees it, (H, W, 3) uint8; made anew."""
        limits = None if self.limits is None else (self.limits,)
        return np.round(normalise(self.image, limits) * 255).astype(np.uint8)


def find_items(root: str | os.PathLike[str], *, every: int | None = None) -> list[Item]:
    """Find the annotated planes below a folder.

    Parameters
    ----------
    root : path
        One set (``images/`` and ``labels/`` with files of the same stem), a folder of
        sets, or folders with stacks ``NAME.tif`` and ``NAME_labels.tif``, z first. The
        stacks of one folder make one group.
    every : int, optional
        Take every so many slices of a stack; by default about 25 of each.

    Returns
    -------
    list of Item
        Set by set.

    Raises
    ------
    ImageError
        If there is nothing, an image has no labels, or a stack cannot be read.
    """
    root = Path(root)
    if every is not None and every < 1:
        raise ImageError(f"Every {every}th slice makes no sense; use 1 or more.")
    folders = [root]
    if root.is_dir():
        folders += sorted(path for path in root.iterdir() if path.is_dir())
    items: list[Item] = []
    for folder in folders:
        if (folder / "images").is_dir() and (folder / "labels").is_dir():
            name = folder.resolve().name
            pairs = find_pairs(folder)
            items += [Item(name, name, image.stem, image, y) for image, y in pairs]
            continue
        for path in sorted([*folder.glob("*.tif"), *folder.glob("*.tiff")]):
            labels = path.with_name(f"{path.stem}_labels{path.suffix}")
            if labels.exists():
                items += _slices(path, labels, folder.resolve().name, every)
    if not items:
        raise ImageError(
            f"There is nothing to evaluate in '{root}'; give a folder with 'images' "
            "and 'labels' in it, with stacks NAME.tif and NAME_labels.tif, or with "
            "such folders in it."
        )
    return items


def _slices(image: Path, labels: Path, group: str, every: int | None) -> list[Item]:
    try:
        with tifffile.TiffFile(labels) as file:
            shape = file.series[0].shape
    except (OSError, ValueError, IndexError, tifffile.TiffFileError) as error:
        raise ImageError(
            f"'{labels}' cannot be read ({error}); replace it or take it out."
        ) from error
    if len(shape) != 3:
        raise ImageError(
            f"The labels '{labels.name}' have shape {shape}; give a stack (Z, H, W)."
        )
    step = every or max(1, round(shape[0] / _SLICES))
    return [
        Item(image.stem, group, f"{image.stem}[{z}]", image, labels, z)
        for z in range(0, shape[0], step)
    ]


class Reader:
    """Reads items; keeps the stack that was read last."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._stack: tuple[
            npt.NDArray[np.generic],
            npt.NDArray[np.generic],
            tuple[float, float] | None,
        ]

    def read(self, item: Item) -> Plane:
        """Read one item.

        Raises
        ------
        ImageError
            If a file cannot be read, or image and labels do not fit.
        """
        if item.index is None:
            image, labels = read_pair(item.image, item.labels)
            return Plane(image, _as_labels(labels, item.labels))
        if self._path != item.image:
            self._stack = _read_stack(item.image, item.labels)
            self._path = item.image
        stack, annotation, limits = self._stack
        z = item.index
        before = _as_labels(annotation[z - 1], item.labels) if z > 0 else None
        now = _as_labels(annotation[z], item.labels)
        return Plane(stack[z], now, limits, before)


def _as_labels(labels: npt.NDArray[np.generic], path: Path) -> npt.NDArray[np.int32]:
    if labels.dtype.kind not in "biu":
        raise ImageError(
            f"The labels '{path.name}' are {labels.dtype}; give integers, one id per "
            "object."
        )
    return labels.astype(np.int32)


def _read_stack(
    path: Path, labels_path: Path
) -> tuple[
    npt.NDArray[np.generic], npt.NDArray[np.generic], tuple[float, float] | None
]:
    """Image, labels, and contrast limits of a grey stack as the plugin has them."""
    try:
        stack, labels = tifffile.imread(path), tifffile.imread(labels_path)
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        raise ImageError(
            f"'{path}' or its labels cannot be read ({error}); replace the file "
            "or take it out."
        ) from error
    if stack.shape[:3] != labels.shape:
        raise ImageError(
            f"'{path.name}' has shape {stack.shape} and its labels {labels.shape}; "
            "labels are a stack (Z, H, W) of ids."
        )
    return stack, labels, contrast_limits(stack) if stack.ndim == 3 else None
