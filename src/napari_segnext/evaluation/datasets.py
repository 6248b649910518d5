"""Annotated images in folders, and which of their objects to evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = ["choose_objects", "find_pairs", "read_pair", "read_pairs", "sample_objects"]

_ENDINGS = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


def read_pairs(
    folder: str | os.PathLike[str],
    *,
    max_objects: int | None = 5,
    min_area_px: int = 40,
    seed: int = 0,
) -> Iterator[tuple[np.ndarray, npt.NDArray[np.int32]]]:
    """Read ``images/`` and ``labels/`` of a folder, one pair after the other.

    Parameters
    ----------
    folder : path
        Holds ``images`` and ``labels`` with files of the same stem.
    max_objects, min_area_px, seed
        Which objects to keep; see :func:`sample_objects`.

    Yields
    ------
    (image, labels)
        (H, W) or (H, W, C) as in the file, and (H, W) int32.

    Raises
    ------
    ImageError
        If there are no images, or one has no labels of its shape.
    """
    folder = Path(folder)
    return _read(find_pairs(folder), max_objects, min_area_px, seed)


def find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Find ``images/NAME`` and ``labels/NAME``, sorted by name; see read_pairs."""
    images = sorted(_images(folder / "images"))
    if not images:
        raise ImageError(
            f"There are no images in '{folder / 'images'}'; give a folder with "
            "'images' and 'labels' in it."
        )
    labels_of = {path.stem: path for path in _images(folder / "labels")}
    missing = [path.name for path in images if path.stem not in labels_of]
    if missing:
        raise ImageError(
            f"'{missing[0]}' has no labels in '{folder / 'labels'}' "
            f"({len(missing)} of {len(images)} images); add a file of the same name."
        )
    return [(path, labels_of[path.stem]) for path in images]


def sample_objects(
    labels: npt.ArrayLike,
    *,
    max_objects: int | None = 5,
    min_area_px: int = 40,
    seed: int = 0,
) -> npt.NDArray[np.int32]:
    """Keep a few objects of an annotation; the others become background.

    Parameters
    ----------
    labels : array (H, W) of int
        Ids above 0 are objects; negative pixels stay as they are.
    max_objects : int, optional
        How many to keep, drawn at random; None keeps all.
    min_area_px : int
        Smaller objects are dropped first.
    seed : int
        Seed of the draw. The same labels and seed give the same objects.

    Returns
    -------
    array (H, W) of int32
    """
    labels = np.asarray(labels).astype(np.int32)
    ids = choose_objects(labels, max_objects, min_area_px, seed)
    return np.where((labels < 0) | np.isin(labels, ids), labels, 0).astype(np.int32)


def choose_objects(
    labels: npt.NDArray[np.int32], max_objects: int | None, min_area_px: int, seed: int
) -> list[int]:
    """Return the ids that :func:`sample_objects` keeps, ascending."""
    ids, areas = np.unique(labels[labels > 0], return_counts=True)
    ids = ids[areas >= min_area_px]
    if max_objects is not None and len(ids) > max_objects:
        ids = np.random.default_rng(seed).choice(ids, max_objects, replace=False)
    return sorted(ids.tolist())


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS]


def _read_image(path: Path) -> np.ndarray:
    if path.suffix.lower() in (".tif", ".tiff"):
        from tifffile import imread

        return np.asarray(imread(path))
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)


def _read(
    pairs: list[tuple[Path, Path]],
    max_objects: int | None,
    min_area_px: int,
    seed: int,
) -> Iterator[tuple[np.ndarray, npt.NDArray[np.int32]]]:
    for path, labels_path in pairs:
        image, labels = read_pair(path, labels_path)
        yield (
            image,
            sample_objects(
                labels, max_objects=max_objects, min_area_px=min_area_px, seed=seed
            ),
        )


def read_pair(path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read an image (H, W) or (H, W, C) and its labels (H, W), as in the files.

    Raises
    ------
    ImageError
        If one cannot be read or their shapes do not fit.
    """
    try:
        image, labels = _read_image(path), _read_image(labels_path)
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(
            f"'{path.name}' or its labels cannot be read ({error}); "
            "replace the file or take it out."
        ) from error
    if labels.ndim != 2 or labels.shape != image.shape[:2]:
        raise ImageError(
            f"'{path.name}' has shape {image.shape} and its labels {labels.shape}; "
            "labels are one plane (H, W) of ids."
        )
    return image, labels
