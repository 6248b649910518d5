"""Voxel sizes, from the metadata of a file or from what the user gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tifffile

__all__ = ["Voxel", "ngff_voxel", "parse_spacing", "tiff_voxel"]

_MICROMETRES = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,  # micro sign
    "μm": 1.0,  # Greek mu
    "um": 1.0,
    "\\u00B5m": 1.0,  # as ImageJ writes it
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,  # as OME-Zarr does
    "millimeter": 1e3,
    "nanometer": 1e-3,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "Å": 1e-4,
}


@dataclass(frozen=True, slots=True)
class Voxel:
    """Size of a voxel.

    Parameters
    ----------
    sizes : (float, float, float)
        Along z, y and x.
    unit : str
        "µm", "pixel", or "" where it is not known.
    """

    sizes: tuple[float, float, float]
    unit: str = ""

    def ratio_along(self, axis: int) -> float:
        """Distance of slices along an axis over the size of a pixel in their plane.

        Pixels that are not square count as square ones of the same area.
        """
        rows, cols = (size for other, size in enumerate(self.sizes) if other != axis)
        return self.sizes[axis] / math.sqrt(rows * cols)


def parse_spacing(text: str) -> Voxel:
    """Read ``--spacing``: the distance of slices in pixels, or sizes ``Z,Y,X``.

    Raises
    ------
    ImageError
        If it is neither, or not above 0.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    unit = ""
    if len(numbers) == 1:
        numbers, unit = [*numbers, 1.0, 1.0], "pixel"
    voxel = _voxel(numbers, unit)
    if voxel is None:
        raise ImageError(
            f"--spacing is {text!r}; give the distance of slices in pixels, as 2.2, or "
            "the voxel's size as Z,Y,X, as 0.284,0.127,0.127."
        )
    return voxel


def tiff_voxel(file: tifffile.TiffFile) -> Voxel | None:
    """Voxel size from OME-XML or ImageJ's tags, or None."""
    if file.is_ome:
        return _ome_voxel(file.ome_metadata or "")
    if file.is_imagej:
        return _imagej_voxel(file)
    return None


def ngff_voxel(
    axes: Sequence[str], units: Sequence[str], transformations: Sequence[Any]
) -> Voxel | None:
    """Voxel size from the scales of an OME-Zarr.

    Parameters
    ----------
    axes, units : sequence of str
        Letter and unit of each axis.
    transformations : sequence of dict
        As in the metadata.
    """
    sizes = [1.0] * len(axes)
    for one in transformations:
        if one.get("type") == "scale" and len(one.get("scale", ())) == len(axes):
            sizes = [a * float(b) for a, b in zip(sizes, one["scale"], strict=True)]
    known = {
        axis: (size, unit) for axis, size, unit in zip(axes, sizes, units, strict=True)
    }
    return _in_one_unit([known.get(axis, (1.0, "")) for axis in "ZYX"])


def _ome_voxel(xml: str) -> Voxel | None:
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - tifffile parsed it before
    except ElementTree.ParseError:
        return None
    pixels = root.find(".//{*}Pixels")
    if pixels is None:
        return None
    known = []
    for axis in "ZYX":
        size = pixels.get(f"PhysicalSize{axis}")
        if size is None:
            return None
        known.append((float(size), pixels.get(f"PhysicalSize{axis}Unit", "µm")))
    return _in_one_unit(known)


def _imagej_voxel(file: tifffile.TiffFile) -> Voxel | None:
    metadata = file.imagej_metadata or {}
    tags = file.pages.first.tags
    found = [tags.get(name) for name in ("YResolution", "XResolution")]
    values = [tag.value for tag in found if tag is not None]
    if "spacing" not in metadata or len(values) != 2:
        return None
    if not all(pixels for pixels, _ in values):
        return None
    unit = str(metadata.get("unit", ""))
    sizes = [float(metadata["spacing"]), *(length / count for count, length in values)]
    return _in_one_unit([(size, unit) for size in sizes])


def _in_one_unit(known: Sequence[tuple[float, str]]) -> Voxel | None:
    """Micrometres where all units are known; as they are where all are alike."""
    units = {unit for _, unit in known}
    if units <= set(_MICROMETRES):
        return _voxel([size * _MICROMETRES[unit] for size, unit in known], "µm")
    return _voxel([size for size, _ in known]) if len(units) == 1 else None


def _voxel(sizes: Sequence[float], unit: str = "") -> Voxel | None:
    if len(sizes) != 3 or not all(math.isfinite(size) and size > 0 for size in sizes):
        return None
    z, y, x = sizes
    return Voxel((z, y, x), unit)
