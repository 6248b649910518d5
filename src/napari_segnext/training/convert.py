"""Public data sets in their own layouts -> the layout that training reads.

Images become 8-bit (others than 8-bit ones are stretched between their percentiles 0.1
and 99.9), grey where all channels agree, and at most 1024 px on the longer side; labels
become uint16, numbered from 1 without gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tifffile
from PIL import Image
from skimage.segmentation import relabel_sequential
from skimage.transform import resize
from tqdm import tqdm

from napari_segnext.errors import ImageError, SegNextError
from napari_segnext.training.convert_layouts import LAYOUTS, Sample
from napari_segnext.training.convert_sources import SOURCES, Source

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = ["Tally", "compact", "convert", "reduce", "to_8bit"]

_PERCENTILES = (0.1, 99.9)
_MAX_SIDE_PX = 1024
_MAX_LABEL = np.iinfo(np.uint16).max


class Tally(NamedTuple):
    """How many images (or stacks) and labelled objects were written."""

    images: int
    objects: int


def convert(name: str, root: Path, out: Path) -> dict[str, Tally]:
    """Write a source as ``train/`` and ``val/`` folders of images and labels.

    Parameters
    ----------
    name : str
        One of :data:`~napari_segnext.training.convert_sources.SOURCES`.
    root : Path
        A clone of the source's repository, at the commit that the table names.
    out : Path
        Receives ``{train,val}/NAME/{images,labels}/*.png``, or, of stacks,
        ``{train,val}/stacks/*.tif`` and ``*_labels.tif``. Files of the same name are
        replaced.

    Returns
    -------
    dict of str to Tally
        Folder below `out` -> what was written to it.

    Raises
    ------
    SegNextError
        If there is no such source, `root` is not a clone of it, a file of it is
        missing or damaged, or `out` cannot be written to.
    """
    if name not in SOURCES:
        raise SegNextError(
            f"There is no source '{name}'; choose one of {', '.join(SOURCES)}."
        )
    _check_clone(SOURCES[name], root)
    tallies: dict[str, Tally] = {}
    for sample in tqdm(LAYOUTS[name](root), desc=name, unit=" images"):
        is_stack = sample.spacing_um is not None
        set_name = "stacks" if is_stack else name
        write = _write_stack if is_stack else _write_plane
        folder = out / sample.split / set_name
        try:
            count = write(folder, sample)
        except OSError as error:
            raise SegNextError(
                f"'{folder}' cannot be written to ({error.strerror or error}); choose "
                "another --out."
            ) from error
        key = f"{sample.split}/{set_name}"
        images, objects = tallies.get(key, Tally(0, 0))
        tallies[key] = Tally(images + 1, objects + count)
    if not tallies:
        raise ImageError(
            f"There are no images in '{root}'; check out {SOURCES[name].commit[:7]} of "
            f"{SOURCES[name].url} there."
        )
    return tallies


def to_8bit(image: Array) -> npt.NDArray[np.uint8]:
    """Bring an image to 8 bits; 8-bit images are taken as they are.

    Parameters
    ----------
    image : array of any real dtype

    Returns
    -------
    array of uint8, of the same shape
        Stretched between the percentiles 0.1 and 99.9, rounded.
    """
    if image.dtype == np.uint8:
        return image.astype(np.uint8, copy=False)
    low, high = np.percentile(image, _PERCENTILES)
    stretched = (image.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.round(np.clip(stretched, 0, 1) * 255).astype(np.uint8)


def reduce(
    image: npt.NDArray[np.uint8], labels: Array, max_side_px: int = _MAX_SIDE_PX
) -> tuple[npt.NDArray[np.uint8], Array]:
    """Shrink a large image and its labels; smaller ones come back as they are.

    Parameters
    ----------
    image : array (H, W) or (H, W, C) of uint8
    labels : array (H, W) of int
    max_side_px : int
        Longest side of what is returned.

    Returns
    -------
    (image, labels)
        The image by linear interpolation after smoothing, labels by nearest pixel.
    """
    scale = max_side_px / max(labels.shape)
    if scale >= 1:
        return image, labels
    shape = tuple(max(1, round(side * scale)) for side in labels.shape)
    small = resize(
        image, shape + image.shape[2:], order=1, anti_aliasing=True, preserve_range=True
    )
    nearest = resize(
        labels, shape, order=0, anti_aliasing=False, preserve_range=True
    ).astype(labels.dtype)
    return np.round(small).astype(np.uint8), nearest


def compact(labels: Array) -> npt.NDArray[np.uint16]:
    """Renumber the objects from 1 without gaps, in their order.

    Raises
    ------
    ImageError
        If there are more objects than 16 bits can number.
    """
    numbered, _, _ = relabel_sequential(np.array(labels))  # it wants to be writeable
    if numbered.size and numbered.max() > _MAX_LABEL:
        raise ImageError(
            f"There are {numbered.max()} objects in one image, more than {_MAX_LABEL}; "
            "cut it in parts."
        )
    return numbered.astype(np.uint16)


def _check_clone(source: Source, root: Path) -> None:
    if not root.is_dir():
        raise ImageError(
            f"There is no folder '{root}'; clone {source.url} and give that folder."
        )
    missing = [path for path in source.needs if not (root / path).exists()]
    if missing:
        raise ImageError(
            f"'{root}' has no '{missing[0]}', so it is no clone of {source.url}; clone "
            f"it, check out {source.commit[:7]} and give the folder it is in."
        )


def _without_alpha(image: Array) -> Array:
    """Grey where all colours agree; transparency, which no source uses, goes."""
    if image.ndim == 2:
        return image
    colours = image[..., :3] if image.shape[-1] >= 3 else image[..., :1]
    if (colours == colours[..., :1]).all():
        return colours[..., 0]
    return colours


def _write_plane(folder: Path, sample: Sample) -> int:
    """Write ``images/NAME.png`` and ``labels/NAME.png``; give the number of objects."""
    image = _without_alpha(sample.image)
    if image.shape[:2] != sample.labels.shape:
        raise ImageError(
            f"Image {sample.name} of {folder.name} has shape {image.shape} and its "
            f"labels {sample.labels.shape}; get both from the source again."
        )
    image, labels = reduce(to_8bit(image), sample.labels)
    numbered = compact(labels)
    for kind, pixels in (("images", image), ("labels", numbered)):
        path = folder / kind / f"{sample.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return int(numbered.max())


def _write_stack(folder: Path, sample: Sample) -> int:
    """Write ``NAME.tif`` and ``NAME_labels.tif`` with the size of their voxels."""
    if sample.image.shape != sample.labels.shape or sample.spacing_um is None:
        raise ImageError(
            f"Stack {sample.name} has shape {sample.image.shape} and its labels "
            f"{sample.labels.shape}; get both from the source again."
        )
    z, y, x = sample.spacing_um
    numbered = compact(sample.labels)
    folder.mkdir(parents=True, exist_ok=True)
    for ending, voxels in (("", to_8bit(sample.image)), ("_labels", numbered)):
        tifffile.imwrite(
            folder / f"{sample.name}{ending}.tif",
            voxels,
            imagej=True,
            resolution=(1 / x, 1 / y),
            metadata={"axes": "ZYX", "spacing": z, "unit": "um"},
            compression="zlib",
        )
    return int(numbered.max())
