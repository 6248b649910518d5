"""How each public source lays out its files: a clone of it -> annotated samples.

One function per source; each knows the layout of the commit that
:mod:`napari_segnext.training.convert_sources` names, and which samples are held out.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image
from skimage.measure import label

from napari_segnext.errors import ImageError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = ["LAYOUTS", "Sample"]

# dsb2018: (height, width) of the images of the experiments that are held out
_DSB_VAL_SHAPES = {(360, 360), (260, 347), (603, 1272), (1040, 1388)}
_EMPS_VAL_FROM = "e2"  # names are hashes: those from here on, 65 of 465, are held out
_AXON_VAL = ("sub-rat7", "sub-rat8")
_FIBSEM_SPACING_UM = (0.01, 0.01, 0.01)
_PLANT = {
    "plant_1135_mini": ("train", "data/train/1135_mini.h5"),
    "plant_sample_ovule": ("train", "sample_ovule.h5"),
    "plant_1136_mini": ("val", "data/train/1136_mini.h5"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One annotated image or stack, as its source has it.

    Parameters
    ----------
    split : {"train", "val"}
        Where it goes.
    name : str
        Stem of the files to write.
    image : array (H, W), (H, W, C) or, for a stack, (Z, H, W)
        As in the source.
    labels : array of int
        (H, W) or (Z, H, W); 0 is background.
    spacing_um : tuple of three floats, optional
        Size of a voxel (z, y, x); given for stacks only.
    """

    split: str
    name: str
    image: Array
    labels: Array
    spacing_um: tuple[float, float, float] | None = None


def read_dsb2018(root: Path) -> Iterator[Sample]:
    """``stage1_train/ID/images/ID.png`` and one mask per nucleus in ``masks/``."""
    folders = sorted(
        path for path in (root / "stage1_train").iterdir() if path.is_dir()
    )
    for index, folder in enumerate(folders):
        image = _read_image(folder / "images" / f"{folder.name}.png")
        labels = np.zeros(image.shape[:2], np.int32)
        for number, path in enumerate(sorted((folder / "masks").glob("*.png")), 1):
            mask = _read_image(path)
            if mask.shape[:2] != labels.shape:
                raise ImageError(
                    f"'{path}' has shape {mask.shape} and its image {image.shape}; "
                    "get the file from the source again."
                )
            labels[_first_channel(mask) > 0] = number
        split = "val" if image.shape[:2] in _DSB_VAL_SHAPES else "train"
        yield Sample(split, f"{index:04d}", image, labels)


def read_emps(root: Path) -> Iterator[Sample]:
    """``images/NAME.png`` and ``segmaps/NAME.png`` with a number for each particle."""
    for index, path in enumerate(sorted((root / "images").glob("*.png"))):
        split = "val" if path.stem >= _EMPS_VAL_FROM else "train"
        labels = _read_image(root / "segmaps" / path.name)
        yield Sample(split, f"{index:04d}", _read_image(path), labels)


def read_usiigaci(root: Path) -> Iterator[Sample]:
    """``Mask R-CNN/{train,val}/setN/raw.tif`` and ``instances_ids.png``."""
    for split in ("train", "val"):
        for folder in sorted((root / "Mask R-CNN" / split).glob("set*")):
            labels = _read_image(folder / "instances_ids.png")
            yield Sample(split, folder.name, _read_image(folder / "raw.tif"), labels)


def read_axon_sem(root: Path) -> Iterator[Sample]:
    """BIDS: ``SUBJECT/micr/STEM.png``, axons white in a mask under ``derivatives``.

    The axons are numbered by their connected parts (eight neighbours).
    """
    masks = root / "derivatives" / "labels"
    for index, path in enumerate(sorted(root.glob("sub-*/micr/*_SEM.png"))):
        subject = path.parts[-3]
        mask_path = masks / subject / "micr" / f"{path.stem}_seg-axon-manual.png"
        axons = label(_first_channel(_read_image(mask_path)) > 0)
        split = "val" if subject in _AXON_VAL else "train"
        yield Sample(split, f"{index:02d}", _read_image(path), axons)


def read_fibsem_medulla(root: Path) -> Iterator[Sample]:
    """Slices as PNG; ``groundtruth.h5`` maps supervoxels to neurons.

    The first half along z is for training, the second is held out.
    """
    folder = root / "training_sample2"
    paths = sorted((folder / "grayscale_maps").glob("*.png"))
    if not paths:
        raise ImageError(f"There are no slices in '{folder / 'grayscale_maps'}'.")
    stack = np.stack([_read_image(path) for path in paths])
    truth = _read_hdf5(folder / "groundtruth.h5", "stack", "transforms")
    supervoxels, mapping = truth["stack"], truth["transforms"]
    neuron_of = np.zeros(int(supervoxels.max()) + 1, np.int64)
    known = mapping[mapping[:, 0] < len(neuron_of)]
    neuron_of[known[:, 0]] = known[:, 1]
    labels, half = neuron_of[supervoxels], len(stack) // 2
    for split, part in (("train", slice(half)), ("val", slice(half, None))):
        yield Sample(
            split, "fibsem_medulla", stack[part], labels[part], _FIBSEM_SPACING_UM
        )


def read_plant_seg(root: Path) -> Iterator[Sample]:
    """HDF5 files under ``tests/resources``, each with ``raw`` and ``label``."""
    for name, (split, relative) in _PLANT.items():
        path = root / "tests" / "resources" / relative
        found = _read_hdf5(path, "raw", "label")
        z, y, x = (float(step) for step in found["element_size_um"])
        yield Sample(split, name, found["raw"], found["label"], (z, y, x))


LAYOUTS: dict[str, Callable[[Path], Iterator[Sample]]] = {
    "dsb2018": read_dsb2018,
    "emps": read_emps,
    "usiigaci": read_usiigaci,
    "axon_sem": read_axon_sem,
    "fibsem_medulla": read_fibsem_medulla,
    "plant_seg": read_plant_seg,
}


def _first_channel(mask: Array) -> Array:
    return mask if mask.ndim == 2 else mask[..., 0]


def _read_image(path: Path) -> Array:
    try:
        if path.suffix == ".tif":
            return tifffile.imread(path)
        with Image.open(path) as image:
            return np.asarray(image)
    # what the two libraries raise for missing and damaged files
    except (OSError, ValueError, SyntaxError, tifffile.TiffFileError) as error:
        raise ImageError(
            f"'{path}' cannot be read ({error}); get it from the source again."
        ) from error


def _import_h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise SegNextError(
            "This source has HDF5 files, and h5py is not installed; "
            'run: pip install "napari-segnext[train]".'
        ) from error
    return h5py


def _read_hdf5(path: Path, *names: str) -> dict[str, Array]:
    """Read data sets of a file, maybe zipped, and the voxel size of the first."""
    h5py = _import_h5py()
    zipped = path.with_name(f"{path.name}.gz")
    try:
        file = (
            path if path.exists() else io.BytesIO(gzip.decompress(zipped.read_bytes()))
        )
        with h5py.File(file, "r") as opened:
            found = {name: opened[name][()] for name in names}
            if (size := opened[names[0]].attrs.get("element_size_um")) is not None:
                found["element_size_um"] = np.asarray(size)
            return found
    except (OSError, KeyError, EOFError) as error:
        raise ImageError(
            f"'{path}' cannot be read ({error}); get it from the source again."
        ) from error
