"""Arrays on disk as volumes (z, y, x[, channel]) that are read block by block."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_segnext.commands.options import read_image
from napari_segnext.commands.propagation.voxels import ngff_voxel, tiff_voxel
from napari_segnext.core.zarr_extra import import_zarr
from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from napari_segnext.commands.propagation.voxels import Voxel

__all__ = ["Volume", "is_zarr", "open_volume", "read_plane"]

_MAX_CHANNELS = 4
_CHANNELS = "CS"


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An array of any axes, seen as (z, y, x) or (z, y, x, channel).

    Parameters
    ----------
    data : array
        With `shape`, `dtype` and indexing by slices; nothing is read before.
    order : tuple of int
        Axes of `data` that are z, y, x and perhaps the channel; others have size 1.
    chunks : tuple of int
        Slices along z, y and x that are stored together.
    voxel : Voxel or None
        Its size, where the file tells it.
    """

    data: Any
    order: tuple[int, ...]
    chunks: tuple[int, int, int] = (1, 1, 1)
    voxel: Voxel | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes along z, y, x and perhaps channels."""
        return tuple(int(self.data.shape[axis]) for axis in self.order)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        return np.dtype(self.data.dtype)

    def block(self, axis: int, start: int, stop: int) -> npt.NDArray[Any]:
        """Read the slices from `start` to `stop` along z, y or x; all axes stay."""
        index: list[int | slice] = [0] * len(self.data.shape)
        for number, own in enumerate(self.order):
            index[own] = slice(start, stop) if number == axis else slice(None)
        block = np.asarray(self.data[tuple(index)])
        kept = sorted(self.order)
        return block.transpose([kept.index(own) for own in self.order])


class _Pages:
    """A compressed TIFF as an array: only the pages that are asked for are read.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        Its file stays open as long as this lives.
    leading : int
        How many of its axes count the pages.
    """

    def __init__(self, series: tifffile.TiffPageSeries, leading: int) -> None:
        self.shape = series.shape
        self.dtype = series.dtype
        self._pages = series.pages
        self._leading = leading

    def __getitem__(self, index: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        sizes, inner = self.shape[: self._leading], self.shape[self._leading :]
        numbers = np.arange(int(np.prod(sizes))).reshape(sizes)
        chosen = numbers[index[: self._leading]]
        planes = [
            page.asarray().reshape(inner)[index[self._leading :]]
            for page in (self._pages[int(number)] for number in chosen.ravel())
            if page is not None
        ]
        return np.stack(planes).reshape(chosen.shape + planes[0].shape)


def is_zarr(path: Path) -> bool:
    """Whether a path names a zarr, there or not."""
    return path.suffix.lower() == ".zarr"


def open_volume(path: Path) -> Volume:
    """Open a file; see :func:`napari_segnext.commands.propagation.stacks.open_stack`.

    Raises
    ------
    ImageError
        If it is missing, of no known format or no stack.
    """
    _check_path(path)
    if is_zarr(path):
        return _open_zarr(path)
    if _is_tiff(path):
        return _open_tiff(path)
    return _named(read_image(path), "", path)


def read_plane(path: Path) -> npt.NDArray[Any]:
    """Read one plane (H, W) from a file of any format that stacks have.

    Raises
    ------
    ImageError
        If it is missing, damaged or no plane.
    """
    _check_path(path)
    if is_zarr(path):
        plane = np.asarray(_open_node(path)[0][...])
    else:
        plane = np.asarray(read_image(path))
    if plane.ndim > 2:  # (1, H, W) is a plane, too
        plane = plane.reshape([size for size in plane.shape if size > 1])
    if plane.ndim != 2:
        raise ImageError(
            f"{path} has shape {plane.shape}, which is no plane; give one slice (H, W)."
        )
    return plane


def _check_path(path: Path) -> None:
    if not path.exists():
        raise ImageError(f"There is no {path}; check the path.")
    if path.is_dir() and not is_zarr(path):
        raise ImageError(
            f"{path} is a folder; give a stack as .tif, .npy or .zarr instead."
        )


def _is_tiff(path: Path) -> bool:
    return path.suffix.lower() in (".tif", ".tiff")


def _open_tiff(path: Path) -> Volume:
    try:
        with ExitStack() as opened:
            file = opened.enter_context(tifffile.TiffFile(path))
            series = file.series[0]
            axes, voxel = series.axes, tiff_voxel(file)
            if series.dataoffset is not None:  # one block, not compressed
                return _named(tifffile.memmap(path, mode="r"), axes, path, voxel=voxel)
            leading = _leading_axes(series)
            if leading is None:  # pages are no planes: all at once, on disk
                data = series.asarray(out="memmap")
                return _named(data, axes, path, voxel=voxel)
            chunks = [1] * leading + list(series.shape[leading:])
            volume = _named(_Pages(series, leading), axes, path, chunks, voxel)
            weakref.finalize(volume.data, opened.pop_all().close)
            return volume
    except (OSError, ValueError, IndexError, tifffile.TiffFileError) as error:
        raise ImageError(f"{path} cannot be read as an image: {error}.") from error


def _leading_axes(series: tifffile.TiffPageSeries) -> int | None:
    """How many axes of a series count its pages, or None if none do."""
    if any(page is None for page in series.pages):
        return None
    for leading in range(len(series.shape)):
        if int(np.prod(series.shape[:leading])) == len(series.pages):
            inner = int(np.prod(series.shape[leading:]))
            return leading if inner == int(np.prod(series.keyframe.shape)) else None
    return None


def _open_zarr(path: Path) -> Volume:
    node, axes, voxel = _open_node(path)
    chunks = getattr(node, "shards", None) or node.chunks
    return _named(node, axes or _dimension_names(node), path, list(chunks), voxel)


def _open_node(path: Path) -> tuple[Any, str, Voxel | None]:
    """Return a zarr array, its axes and the voxel size, as far as it tells them."""
    zarr = import_zarr()
    try:
        node = zarr.open(path, mode="r")
        if isinstance(node, zarr.Array):
            return node, "", None
        return _first_level(node, path)
    except ImageError:
        raise
    except Exception as error:  # damaged ones raise nearly anything
        raise ImageError(f"{path} cannot be read as a zarr: {error}.") from error


def _first_level(group: Any, path: Path) -> tuple[Any, str, Voxel | None]:
    """Full resolution of an OME-Zarr, or the only array of a group."""
    content = group.attrs.asdict()
    scales = content.get("ome", content).get("multiscales")
    if scales:
        level = scales[0]["datasets"][0]
        named = [
            axis if isinstance(axis, dict) else {"name": axis}
            for axis in scales[0].get("axes", ())
        ]
        axes = "".join(axis["name"][0] for axis in named).upper()
        units = [str(axis.get("unit", "")) for axis in named]
        transformations = [
            *level.get("coordinateTransformations", ()),
            *scales[0].get("coordinateTransformations", ()),
        ]
        voxel = ngff_voxel(axes, units, transformations)
        return group[level["path"]], axes, voxel
    arrays = dict(group.arrays())
    if len(arrays) != 1:
        found = ", ".join(sorted(arrays)) or "none"
        raise ImageError(
            f"{path} is a group with several arrays or none ({found}); give the path "
            "of one, or an OME-Zarr."
        )
    return next(iter(arrays.values())), "", None


def _dimension_names(array: Any) -> str:
    names = getattr(array.metadata, "dimension_names", None) or ()
    return "".join((name or "?")[0] for name in names).upper()


def _named(
    data: Any,
    axes: str,
    path: Path,
    chunks: Sequence[int] | None = None,
    voxel: Voxel | None = None,
) -> Volume:
    """Find z, y, x and channels among the axes of an array."""
    shape = tuple(int(size) for size in data.shape)
    if not ({"Y", "X"} <= set(axes) and len(axes) == len(shape)):
        axes = _guessed(shape)
    order = _order(axes, shape)
    if order is None or 0 in shape:
        raise ImageError(
            f"{path} has shape {shape}{f' (axes {axes})' if axes else ''}; give a "
            "stack of three axes, z first, with up to 4 channels at the end."
        )
    stored = (1,) * len(shape) if chunks is None else tuple(chunks)
    z, y, x = (max(1, int(stored[axis])) for axis in order[:3])
    return Volume(data, order, (z, y, x), voxel)


def _guessed(shape: tuple[int, ...]) -> str:
    """Axes of an array that does not tell them: z first, channels last."""
    if len(shape) == 3:
        return "ZYX" if shape[-1] > _MAX_CHANNELS else "YXS"
    if len(shape) == 4 and shape[-1] <= _MAX_CHANNELS:
        return "ZYXC"
    return ""


def _order(axes: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Where z, y, x and channels are; None where that is not clear."""
    others = [axis for axis, name in enumerate(axes) if name not in "YX"]
    channels = [
        axis
        for axis in others
        if axes[axis] in _CHANNELS and 1 < shape[axis] <= _MAX_CHANNELS
    ]
    depths = [axis for axis in others if axis not in channels and shape[axis] > 1]
    if not depths:  # a stack of one slice, or slices that were stored as channels
        spare = [axis for axis in others if axes[axis] != "S"]
        depths = sorted(spare, key=lambda axis: (axes[axis] == "C", axes[axis] != "Z"))
        depths = depths[:1]
        channels = [axis for axis in channels if axis not in depths]
    if len(depths) != 1 or len(channels) > 1:
        return None
    return (depths[0], axes.index("Y"), axes.index("X"), *channels)
