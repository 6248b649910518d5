"""Annotated images in folders, and which of their objects to evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from napari_segnext.core.image import contrast_limits
from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

__all__ = [
    "choose_objects",
    "find_pairs",
    "read_image",
    "read_labels",
    "read_pair",
    "read_pairs",
    "read_stack",
    "sample_objects",
]

_TIFF = (".tif", ".tiff")
_ENDINGS = (*_TIFF, ".png", ".jpg", ".jpeg", ".bmp")
_PLAIN_MODES = {"P": "RGB", "PA": "RGB", "LA": "L", "CMYK": "RGB"}
_MAX_LABEL = 1_000_000


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


def read_image(path: Path) -> npt.NDArray[Any]:
    """Read an image file; colours of a palette as colours, grey without its alpha.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    return _read_file(path, _PLAIN_MODES)


def read_labels(path: Path) -> npt.NDArray[np.int32]:
    """Read whole numbers of any dtype: 0 background, -1 where nobody knows.

    Numbers of more than a million, which are hashes and not counts, are numbered anew,
    alike on all slices of a stack. Those of a palette are taken as they are.

    Raises
    ------
    ImageError
        If the file cannot be read or holds anything else.
    """
    labels = _read_file(path, {})
    if labels.dtype.kind == "f" and (labels == np.round(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "bui":
        raise ImageError(
            f"'{path}' holds {labels.dtype} values; labels are whole numbers, 0 for "
            "background and another number for each object."
        )
    if labels.size and labels.max() > _MAX_LABEL:
        known, compact = np.unique(labels, return_inverse=True)
        first = int(np.searchsorted(known, 1))  # 0 and -1 keep their meaning
        labels = np.where(labels > 0, compact.reshape(labels.shape) - first + 1, labels)
    return np.maximum(labels.astype(np.int32), -1)


def read_pair(
    path: Path, labels_path: Path
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Read one plane (H, W) or (H, W, C) as in the file, and its labels (H, W).

    Raises
    ------
    ImageError
        If one cannot be read or their shapes do not fit.
    """
    image, labels = read_image(path), read_labels(labels_path)
    if labels.ndim != 2:
        raise ImageError(
            f"'{labels_path}' has shape {labels.shape}; labels are one plane (H, W) of "
            "numbers. A stack is stored as NAME.tif and NAME_labels.tif."
        )
    _check_shapes(image, labels, path)
    return image, labels


def read_stack(
    path: Path, labels_path: Path
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32], tuple[float, float] | None]:
    """Read a stack (Z, H, W) or (Z, H, W, C), its labels (Z, H, W) and its contrast.

    One plane is a stack of one slice. Grey values get the contrast limits of the whole
    stack, as in the plugin; None for colours.

    Raises
    ------
    ImageError
        If one cannot be read or their shapes do not fit.
    """
    stack, labels = read_image(path), read_labels(labels_path)
    if labels.ndim not in (2, 3):
        raise ImageError(
            f"'{labels_path}' has shape {labels.shape}; a stack is (z, H, W) and one "
            "plane (H, W)."
        )
    _check_shapes(stack, labels, path)
    if labels.ndim == 2:
        stack, labels = stack[None], labels[None]
    limits = contrast_limits(stack) if stack.ndim == 3 else None
    return stack, labels, limits


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


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _ENDINGS and not path.name.startswith(".")
    ]


def _read_file(path: Path, modes: Mapping[str, str]) -> npt.NDArray[Any]:
    """Read a file; Pillow's image modes are changed as `modes` says."""
    try:
        if path.suffix.lower() in _TIFF:  # others take three planes for colours
            return tifffile.imread(path)
        with Image.open(path) as image:
            return np.asarray(image.convert(modes.get(image.mode, image.mode)))
    except Exception as error:  # damaged files raise nearly anything
        raise ImageError(
            f"'{path}' cannot be read ({error}); replace the file or take it out."
        ) from error


def _check_shapes(
    image: npt.NDArray[Any], labels: npt.NDArray[np.int32], path: Path
) -> None:
    channels = image.shape[labels.ndim :]
    fits = image.shape[: labels.ndim] == labels.shape
    if not (fits and len(channels) <= 1 and all(count <= 4 for count in channels)):
        raise ImageError(
            f"'{path}' has shape {image.shape}, its labels {labels.shape}; they must "
            "agree, but for up to 4 channels at the end of the image's."
        )
