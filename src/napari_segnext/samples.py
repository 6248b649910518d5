"""Sample data that ships with the package: real nuclei with ground truth.

Used by napari's File > Open Sample, by `napari-segnext demo` and by the tests.
Where the images come from is said in THIRD_PARTY_NOTICES.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import tifffile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    LayerData = tuple[npt.NDArray[Any], dict[str, Any], str]

__all__ = ["Sample", "load_sample", "nuclei_2d", "nuclei_3d"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sample image, its ground truth and how napari shows it.

    Parameters
    ----------
    image : array (..., H, W)
        Grey values, uint8.
    labels : array (..., H, W)
        Ground truth of the same shape, uint16: each id > 0 is one nucleus.
    metadata : dict
        Keyword arguments of the Image layer: name, scale, units, axis labels.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint16]
    metadata: dict[str, Any]


_METADATA: dict[str, dict[str, Any]] = {
    "nuclei_3d": {
        "name": "nuclei 3D",
        "scale": (0.284, 0.127, 0.127),
        "units": ("um", "um", "um"),
        "axis_labels": ("z", "y", "x"),
        "contrast_limits": (0, 140),
    },
    "nuclei_2d": {
        "name": "nuclei 2D",
        "scale": (1.0, 1.0),
        "units": ("pixel", "pixel"),
        "axis_labels": ("y", "x"),
        "contrast_limits": (0, 45),
    },
}


def load_sample(name: str) -> Sample:
    """Read a sample that ships with the package.

    Parameters
    ----------
    name : {"nuclei_3d", "nuclei_2d"}
        The confocal stack (100, 100, 100) or the fluorescence image (360, 360).

    Raises
    ------
    KeyError
        If there is no such sample.
    """
    metadata = dict(_METADATA[name])
    return Sample(_read(name), _read(f"{name}_labels"), metadata)


def nuclei_3d() -> list[LayerData]:
    """Nuclei of a plant ovule, a confocal stack with anisotropic voxels."""
    return _layer_data("nuclei_3d")


def nuclei_2d() -> list[LayerData]:
    """Nuclei of cultured cells in one fluorescence image."""
    return _layer_data("nuclei_2d")


def _layer_data(name: str) -> list[LayerData]:
    sample = load_sample(name)
    return [(sample.image, sample.metadata, "image")]


def _read(stem: str) -> npt.NDArray[Any]:
    with as_file(files("napari_segnext") / "data" / f"{stem}.tif") as path:
        return tifffile.imread(path)
