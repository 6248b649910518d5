"""Labels on disk, written slice by slice, readable at any moment."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tifffile

from napari_segnext import __version__
from napari_segnext.core.zarr_extra import import_zarr
from napari_segnext.errors import ImageError, LabelRangeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from napari_segnext.commands.propagation.voxels import Voxel

__all__ = ["DTYPES", "Labels", "Layout", "check_path", "choose_dtype", "labels_at"]

DTYPES = ("uint8", "uint16", "uint32", "int32")
_ENDINGS = (".zarr", ".tif", ".tiff")
_KEY = "napari-segnext propagate"
_BIG_BYTES = 2**32 - 2**25  # more takes a BigTIFF


@dataclass(frozen=True, slots=True)
class Layout:
    """How labels lie on disk.

    Parameters
    ----------
    shape : (int, int, int)
        Sizes along z, y and x.
    dtype : numpy.dtype
        One of `DTYPES`.
    axis : {0, 1, 2}
        Along which slices are written.
    voxel : Voxel or None
        What to tell of its size.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    axis: int = 0
    voxel: Voxel | None = None

    def at(self, index: int) -> tuple[int | slice, ...]:
        """Return what to index the volume with to get a slice."""
        return tuple(index if one == self.axis else slice(None) for one in range(3))


class Labels(Protocol):
    """A labels file; :func:`labels_at` finds the kind for a path."""

    path: Path

    def made_by(self) -> tuple[str, bool] | None:
        """Digest of the run that made the file and whether it finished, or None."""

    def create(self, run: str) -> None:
        """Write an empty file, whole or not at all, in place of one that is there."""

    def open(self) -> None:
        """Open the file that :meth:`create` made."""

    def read(self, index: int) -> npt.NDArray[Any]:
        """Read a slice (H, W)."""

    def write(self, index: int, plane: npt.NDArray[Any]) -> None:
        """Write a slice (H, W)."""

    def finish(self, run: str) -> None:
        """Mark the file as finished, and close it."""

    def close(self) -> None:
        """Close the file."""


class ZarrLabels:
    """A zarr array of one chunk a slice; zarr replaces a chunk at once.

    Parameters
    ----------
    path : Path
        Ends in .zarr.
    layout : Layout
        How they lie in it.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.layout = layout
        self._zarr = import_zarr()
        self._array: Any = None

    def made_by(self) -> tuple[str, bool] | None:
        try:
            array = self._zarr.open_array(self.path, mode="r")
            run = array.attrs.get(_KEY)
        except Exception:  # noqa: BLE001 - whatever is there, no run made it
            return None
        return (run["run"], run["finished"]) if isinstance(run, dict) else None

    def create(self, run: str) -> None:
        chunks = tuple(
            1 if axis == self.layout.axis else size
            for axis, size in enumerate(self.layout.shape)
        )
        attributes: dict[str, Any] = {_KEY: {"run": run, "finished": False}}
        if self.layout.voxel is not None:
            attributes["scale"] = list(self.layout.voxel.sizes)
            attributes["unit"] = self.layout.voxel.unit
        partial = _beside(self.path, "partial")
        _remove(partial)
        self._zarr.create_array(
            partial,
            shape=self.layout.shape,
            chunks=chunks,
            dtype=self.layout.dtype,
            fill_value=0,
            attributes=attributes,
            dimension_names=("z", "y", "x"),
        )
        _replace(partial, self.path)

    def open(self) -> None:
        for torn in self.path.rglob("*.partial"):  # of chunks, left by a kill
            torn.unlink()
        self._array = self._zarr.open_array(self.path, mode="r+")

    def read(self, index: int) -> npt.NDArray[Any]:
        return np.asarray(self._array[self.layout.at(index)])

    def write(self, index: int, plane: npt.NDArray[Any]) -> None:
        self._array[self.layout.at(index)] = plane

    def finish(self, run: str) -> None:
        self._array.attrs[_KEY] = {"run": run, "finished": True}
        self.close()

    def close(self) -> None:
        self._array = None


class TiffLabels:
    """A TIFF: one block that is written in place, and compressed once it is finished.

    Parameters
    ----------
    path : Path
        Ends in .tif or .tiff.
    layout : Layout
        How they lie in it.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.layout = layout
        self._array: Any = None

    def made_by(self) -> tuple[str, bool] | None:
        try:
            with tifffile.TiffFile(self.path) as file:
                software = file.pages.first.tags["Software"].value
        except Exception:  # noqa: BLE001 - whatever is there, no run made it
            return None
        words = str(software).split()
        if len(words) != 5 or " ".join(words[:2]) != _KEY:
            return None
        return words[3], words[4] == "finished"

    def create(self, run: str) -> None:
        partial = _beside(self.path, "partial")
        array = tifffile.memmap(
            partial,
            shape=self.layout.shape,
            dtype=self.layout.dtype,
            **_tags(self.layout, run, "unfinished"),
        )
        array.flush()
        del array
        _reserve(partial)
        _replace(partial, self.path)

    def open(self) -> None:
        self._array = tifffile.memmap(self.path, mode="r+").reshape(self.layout.shape)

    def read(self, index: int) -> npt.NDArray[Any]:
        return np.array(self._array[self.layout.at(index)])

    def write(self, index: int, plane: npt.NDArray[Any]) -> None:
        self._array[self.layout.at(index)] = plane

    def finish(self, run: str) -> None:
        partial = _beside(self.path, "partial")
        tifffile.imwrite(
            partial,
            self._planes(),
            shape=self.layout.shape,
            dtype=self.layout.dtype,
            compression="zlib",
            **_tags(self.layout, run, "finished"),
        )
        self.close()
        partial.replace(self.path)

    def close(self) -> None:
        self._array = None

    def _planes(self) -> Iterator[npt.NDArray[Any]]:
        yield from self._array


def labels_at(path: Path, layout: Layout) -> Labels:
    """Return the kind of labels file that a path names; nothing is opened."""
    kind = ZarrLabels if path.suffix.lower() == ".zarr" else TiffLabels
    return kind(path, layout)


def check_path(path: Path) -> None:
    """Refuse a path that no labels can be written to.

    Raises
    ------
    ImageError
        If it has another ending or its folder is not there.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise ImageError(f"--out is {path}; let it end in .zarr or .tif.")
    if not path.resolve().parent.is_dir():
        raise ImageError(
            f"There is no folder {path.resolve().parent}; make it, or choose another "
            "--out."
        )


def choose_dtype(highest: int, wanted: str | None = None) -> str:
    """Return a dtype for labels up to `highest`: uint16 where that is enough.

    Raises
    ------
    LabelRangeError
        If `wanted` does not hold them.
    """
    if wanted is None:
        return "uint16" if highest <= np.iinfo(np.uint16).max else "uint32"
    if highest > np.iinfo(wanted).max:
        raise LabelRangeError(
            f"Label {highest} does not fit --dtype {wanted}, which ends at "
            f"{np.iinfo(wanted).max}; leave --dtype out, or choose a larger one."
        )
    return wanted


def _tags(layout: Layout, run: str, state: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": "ZYX"}
    if layout.voxel is not None and layout.voxel.unit:
        for axis, size in zip("ZYX", layout.voxel.sizes, strict=True):
            metadata[f"PhysicalSize{axis}"] = size
            metadata[f"PhysicalSize{axis}Unit"] = layout.voxel.unit
    size = int(np.prod(layout.shape)) * layout.dtype.itemsize
    return {
        "ome": True,
        "bigtiff": size > _BIG_BYTES,
        "metadata": metadata,
        "photometric": "minisblack",
        "software": f"{_KEY} {__version__} {run} {state}",
    }


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def _reserve(path: Path) -> None:
    """Have the disk take all of a file: where a map finds it full, the process dies."""
    if hasattr(os, "posix_fallocate"):  # Windows reserves it anyway
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _replace(new: Path, path: Path) -> None:
    """Put `new` in the place of `path`, which may be a folder."""
    if path.is_dir():
        old = _beside(path, "old")
        _remove(old)
        path.replace(old)
        new.replace(path)
        _remove(old)
    else:
        new.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
