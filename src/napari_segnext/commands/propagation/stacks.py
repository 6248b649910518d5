"""Stacks on disk, read slice by slice."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.commands.propagation.volumes import open_volume
from napari_segnext.core.image import check_plane, contrast_limits
from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_segnext.commands.propagation.volumes import Volume
    from napari_segnext.commands.propagation.voxels import Voxel

__all__ = ["Seen", "Stack", "open_stack"]

_SAMPLES = 8  # slices that contrast is taken from, as the widget does
_SLABS = 2
_SLAB_BYTES = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sampled slices tell of a whole stack.

    Parameters
    ----------
    limits : (float, float) or None
        Contrast limits for all slices; None for colours.
    digest : str
        SHA-256 of the samples, shape and dtype.
    """

    limits: tuple[float, float] | None
    digest: str


class Stack:
    """Planes along one axis of a volume; a few neighbouring ones are kept in memory.

    Parameters
    ----------
    volume : Volume
        Where the pixels are.
    axis : {0, 1, 2}
        Along z, y or x.
    path : Path
        For messages.
    """

    def __init__(self, volume: Volume, axis: int, path: Path) -> None:
        self.path = path
        self.axis = axis
        self._volume = volume
        self._slabs: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()
        self._depth = self._slab_depth()

    def __len__(self) -> int:
        """Count the slices."""
        return self._volume.shape[self.axis]

    @property
    def full_shape(self) -> tuple[int, ...]:
        """Sizes along z, y, x and perhaps channels."""
        return self._volume.shape

    @property
    def volume_shape(self) -> tuple[int, int, int]:
        """Sizes along z, y and x."""
        z, y, x = self._volume.shape[:3]
        return z, y, x

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a slice in pixels."""
        rows, cols = (
            size for axis, size in enumerate(self.volume_shape) if axis != self.axis
        )
        return rows, cols

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        return self._volume.dtype

    @property
    def voxel(self) -> Voxel | None:
        """Size of a voxel by the file's metadata, or None."""
        return self._volume.voxel

    def plane(self, index: int) -> npt.NDArray[Any]:
        """Read slice `index`: (H, W) or (H, W, C).

        Raises
        ------
        ImageError
            If the file is damaged there.
        """
        number = index // self._depth
        slab = self._slabs.get(number)
        if slab is None:
            start = number * self._depth
            slab = self._block(self.axis, start, min(start + self._depth, len(self)))
            self._slabs[number] = slab
            while len(self._slabs) > _SLABS:
                self._slabs.popitem(last=False)
        self._slabs.move_to_end(number)
        return np.take(slab, index - number * self._depth, axis=self.axis)

    def sample(self) -> Seen:
        """Read slices at even distances along z, whatever axis is gone along.

        Raises
        ------
        ImageError
            If the pixels are no numbers that can be segmented.
        """
        count = self._volume.shape[0]
        steps = np.linspace(0, count - 1, min(count, _SAMPLES))
        planes = [self._block(0, int(z), int(z) + 1)[0] for z in np.round(steps)]
        for plane in planes:
            check_plane(plane)
        content = hashlib.sha256(f"{self._volume.shape} {self.dtype.str}".encode())
        for plane in planes:
            content.update(plane.tobytes())
        is_grey = len(self._volume.shape) == 3
        limits = contrast_limits(np.stack(planes)) if is_grey else None
        return Seen(limits, content.hexdigest())

    def _block(self, axis: int, start: int, stop: int) -> npt.NDArray[Any]:
        try:
            return self._volume.block(axis, start, stop)
        except Exception as error:  # damaged files raise nearly anything
            raise ImageError(
                f"Slices {start} to {stop - 1} of {self.path} cannot be read: {error}."
            ) from error

    def _slab_depth(self) -> int:
        """Slices to read at once: those of a chunk, if memory allows."""
        shape = self._volume.shape
        slice_bytes = self.dtype.itemsize * int(np.prod(shape)) // max(len(self), 1)
        fitting = max(1, _SLAB_BYTES // max(slice_bytes, 1))
        return min(self._volume.chunks[self.axis], fitting)


def open_stack(path: Path, axis: int = 0) -> Stack:
    """Open a stack without reading its pixels, where the format allows.

    Parameters
    ----------
    path : Path
        TIFF, .npy, .zarr (an array or an OME-Zarr), or any image file.
    axis : {0, 1, 2}
        Along which slices are taken: z, y or x.

    Raises
    ------
    ImageError
        If the file is missing, of no known format or no stack.
    """
    return Stack(open_volume(path), axis, path)
