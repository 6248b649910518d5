"""Annotated planes from folders of images and labels, and from labelled stacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_segnext.core.image import normalise
from napari_segnext.errors import ImageError
from napari_segnext.evaluation.datasets import find_pairs, read_pair, read_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = ["Annotated", "Instance", "read_sets"]

_MIN_AREA_PX = 20
_TIFF = (".tif", ".tiff")


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

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """Row and column of the middle of the box, pixel centres whole."""
        row0, col0, row1, col1 = self.box
        return np.array([row0 + row1 - 1, col0 + col1 - 1]) / 2


@dataclass(frozen=True)
class Annotated:
    """One plane with instance labels.

    Parameters
    ----------
    image : array (H, W, 3) uint8
        Normalised as the predictor does.
    labels : array (H, W) int32
        0 is background, -1 where nobody knows.
    neighbours : list of array (H, W) int32
        Labels of the planes above and below in a stack, else empty.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    neighbours: list[npt.NDArray[np.int32]] = field(default_factory=list)

    def instances(self) -> list[Instance]:
        """All objects of at least 20 px."""
        found = []
        labels = np.maximum(self.labels, 0)
        areas = np.bincount(labels.ravel())
        for index, slices in enumerate(ndimage.find_objects(labels), start=1):
            if slices is not None and areas[index] >= _MIN_AREA_PX:
                rows, cols = slices
                box = rows.start, cols.start, rows.stop, cols.stop
                found.append(Instance(index, box))
        return found


def read_sets(root: Path) -> dict[str, list[Annotated]]:
    """Read every set below `root`.

    Parameters
    ----------
    root : Path
        Either holds ``images/`` and ``labels/`` itself, or folders that do, or
        ``NAME.tif`` with ``NAME_labels.tif`` (one plane, or a stack with z first), or
        folders with those.

    Returns
    -------
    dict
        Name of the set -> its planes; those of a stack in their order.

    Raises
    ------
    ImageError
        If there is nothing to read, or a file cannot be used; the message names it.
    """
    if not root.is_dir():
        raise ImageError(f"There is no folder '{root}'; check the path.")
    sets: dict[str, list[Annotated]] = {}
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        if (folder / "images").is_dir():
            sets[folder.resolve().name] = _checked(list(_read_pairs(folder)), folder)
            continue
        for path in _labelled_stacks(folder):
            name = path.stem if path.stem not in sets else f"{folder.name}-{path.stem}"
            sets[name] = _checked(list(_read_stack(path, _labels_of(path))), path)
    if not sets:
        raise ImageError(
            f"'{root}' has no images/ and labels/ folders and no NAME.tif with "
            "NAME_labels.tif; see docs/training.md for the layout."
        )
    return sets


def _checked(planes: list[Annotated], source: Path) -> list[Annotated]:
    if not any(plane.instances() for plane in planes):
        raise ImageError(
            f"No object of {_MIN_AREA_PX} pixels or more is labelled in '{source}'; "
            "label some, or take it out."
        )
    return planes


def _to_annotated(
    image: Array,
    labels: npt.NDArray[np.int32],
    where: str,
    limits: tuple[float, float] | None = None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Check one plane, and bring it to 8 bits as the predictor does."""
    if image.dtype.kind == "f" and not np.isfinite(image).any():
        raise ImageError(f"{where} has no finite pixel at all; take it out.")
    try:
        rgb = normalise(image, None if limits is None else (limits,))
        pixels = np.round(rgb * 255).astype(np.uint8)
    except ImageError as error:
        raise ImageError(f"{where} cannot be used. {error}") from error
    return pixels, labels


def _read_pairs(folder: Path) -> Iterator[Annotated]:
    for path, labels_path in find_pairs(folder):
        image, labels = read_pair(path, labels_path)
        yield Annotated(*_to_annotated(image, labels, f"'{path}'"))


def _labels_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}_labels{path.suffix}")


def _labelled_stacks(folder: Path) -> list[Path]:
    """Images of a folder that have labels; all must, if one has."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _TIFF]
    images = [path for path in paths if not path.stem.endswith("_labels")]
    labelled = [path for path in images if _labels_of(path).exists()]
    missing = [path for path in images if path not in labelled]
    if labelled and missing:
        raise ImageError(
            f"'{missing[0]}' has no labels; add '{_labels_of(missing[0]).name}' "
            "beside it, or take it out."
        )
    return labelled


def _read_stack(path: Path, labels_path: Path) -> Iterator[Annotated]:
    stack, labels, limits = read_stack(path, labels_path)
    last = len(stack) - 1
    for z, plane in enumerate(stack):
        around = [labels[i] for i in (z - 1, z + 1) if 0 <= i <= last]
        where = f"Slice {z} of '{path}'"
        yield Annotated(*_to_annotated(plane, labels[z], where, limits), around)
