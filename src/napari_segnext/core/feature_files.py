"""One encoded window in one file: a zipped zarr group that can tell if it is whole.

Exact float32: an answer does not depend on whether its window was read or encoded.
(Half precision would halve the files, but then it would.)
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.features import MAX_WINDOW_BYTES
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    Arrays = tuple[npt.NDArray[np.float32], ...]

__all__ = ["VERSION", "BrokenEntryError", "read_entry", "write_entry"]

VERSION = 1  # of the layout, and of how windows are encoded
_FORMAT = "napari-segnext features"


class BrokenEntryError(SegNextError):
    """The file is not what it should be."""


def write_entry(path: Path, key: str, arrays: Sequence[npt.NDArray[Any]]) -> None:
    """Write arrays to a new file.

    Parameters
    ----------
    path : Path
        Of a file that is replaced if it exists.
    key : str
        What the arrays are of; it must be named again for reading.
    arrays : sequence of float32 arrays
        Of any shapes.

    Raises
    ------
    OSError
        If the disk does not take them.
    """
    import zarr
    from zarr.codecs import BloscCodec
    from zarr.storage import ZipStore

    path.touch()  # where this fails, zarr would say something else
    store = ZipStore(path, mode="w")
    try:
        group = zarr.create_group(  # at once: a zip keeps what is written twice
            store,
            zarr_format=3,
            attributes={
                "format": _FORMAT,
                "version": VERSION,
                "key": key,
                "count": len(arrays),
                "checksum": _checksum(arrays),
            },
        )
        for index, array in enumerate(arrays):
            group.create_array(
                str(index),
                data=np.ascontiguousarray(array),
                chunks=array.shape,
                compressors=BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
            )
    finally:
        store.close()
    # before it gets its name: a power cut, too; Windows wants it open for writing
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def read_entry(path: Path, key: str) -> Arrays:
    """Read what :func:`write_entry` wrote.

    Raises
    ------
    BrokenEntryError
        If the file is damaged, of another version or key, or of another kind.
    OSError
        If there is none, or it cannot be opened, which says nothing against it.
    """
    with path.open("rb"):
        pass
    try:
        return _read(path, key)
    except BrokenEntryError:
        raise
    except Exception as error:  # damage can break any part of zarr
        raise BrokenEntryError(
            f"{path.name} cannot be read ({error}); it is to be written anew."
        ) from error


def _read(path: Path, key: str) -> Arrays:
    import zarr
    from zarr.storage import ZipStore

    store = ZipStore(path, mode="r")
    try:
        group: Any = zarr.open_group(store, mode="r", zarr_format=3)
        said = group.attrs.asdict()
        if (said["format"], said["version"], said["key"]) != (_FORMAT, VERSION, key):
            raise BrokenEntryError(
                f"{path.name} holds something else; it is to be written anew."
            )
        members = [group[str(index)] for index in range(said["count"])]
        if (
            any(member.dtype != np.float32 for member in members)
            or sum(member.nbytes for member in members) > MAX_WINDOW_BYTES
        ):
            raise BrokenEntryError(
                f"{path.name} holds no encoded window; it is to be written anew."
            )
        arrays = tuple(np.asarray(member[...]) for member in members)
        if said["checksum"] != _checksum(arrays):
            raise BrokenEntryError(f"{path.name} is damaged; it is to be written anew.")
        return arrays
    finally:
        store.close()


def _checksum(arrays: Sequence[npt.NDArray[Any]]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
