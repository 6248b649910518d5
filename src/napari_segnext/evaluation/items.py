"""The planes of a benchmark: where they are, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_segnext.core.image import normalise
from napari_segnext.errors import ImageError
from napari_segnext.evaluation.datasets import find_pairs, read_pair, read_stack

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
    before : Plane, optional
        The slice before this one.
    """

    image: npt.NDArray[np.generic]
    labels: npt.NDArray[np.int32]
    limits: tuple[float, float] | None = None
    before: Plane | None = None

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
        sets, or folders with stacks ``NAME.tif`` and ``NAME_labels.tif``, z first, or
        one plane. The stacks of one folder make one group.
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
    except Exception as error:  # damaged files raise nearly anything
        raise ImageError(
            f"'{labels}' cannot be read ({error}); replace it or take it out."
        ) from error
    if len(shape) not in (2, 3):
        raise ImageError(
            f"The labels '{labels.name}' have shape {shape}; give a stack (Z, H, W) or "
            "one plane (H, W)."
        )
    depth = shape[0] if len(shape) == 3 else 1
    step = every or max(1, round(depth / _SLICES))
    return [
        Item(image.stem, group, f"{image.stem}[{z}]", image, labels, z)
        for z in range(0, depth, step)
    ]


class Reader:
    """Reads items; keeps the stack that was read last."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._stack: tuple[
            npt.NDArray[np.generic],
            npt.NDArray[np.int32],
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
            return Plane(*read_pair(item.image, item.labels))
        if self._path != item.image:
            self._stack = read_stack(item.image, item.labels)
            self._path = item.image
        stack, labels, limits = self._stack
        z = item.index
        before = Plane(stack[z - 1], labels[z - 1], limits) if z > 0 else None
        return Plane(stack[z], labels[z], limits, before)
