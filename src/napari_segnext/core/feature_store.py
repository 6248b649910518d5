"""Encoded windows on disk, for the next session and for what memory has no room for.

A store is a folder with one file for every window. Its name says what it is of: the
pixels, how they were normalised, the weights. So an entry never gets out of date, and
several sessions and processes may share a folder. Files appear whole or not at all;
what cannot be read is removed and encoded again. Nothing here raises: a cache that
does not work makes answers slower, that is all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from platformdirs import user_cache_path

from napari_segnext.core.feature_files import (
    VERSION,
    BrokenEntryError,
    read_entry,
    write_entry,
)
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch
    from torch import nn

    from napari_segnext.core.image import Limits
    from napari_segnext.core.windows import Window

    Arrays = tuple[npt.NDArray[np.float32], ...]
    Tensors = tuple[torch.Tensor, ...]

__all__ = [
    "CACHE_VARIABLE",
    "DEFAULT_DISK_BYTES",
    "FeatureStore",
    "Shelf",
    "default_folder",
    "weights_digest",
]

CACHE_VARIABLE = "NAPARI_SEGNEXT_CACHE"
DEFAULT_DISK_BYTES = 2 * 2**30
_ENDING = ".zarr.zip"
_ENTRY = re.compile(r"[0-9a-f]{40}" + re.escape(_ENDING))
_UNFINISHED = re.compile(r"[0-9a-f]{40}\.[0-9a-f]{16}\.tmp")
_ABANDONED_S = 3600
_MOST_PENDING_BYTES = 128 * 2**20
_LEAST_FREE_BYTES = 2**30  # a cache must not fill somebody's disk
_MOST_FAILURES = 3  # one after the other
_RECOUNT = 64  # writes after which what other processes wrote is counted again


def default_folder() -> Path | None:
    """Return the folder in the user's cache folder, as the platform has it.

    The environment variable ``NAPARI_SEGNEXT_CACHE`` names another one; if it is
    empty there is none.
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    return user_cache_path("napari-segnext", appauthor=False) / "features"


class FeatureStore:
    """Encoded windows in a folder, the least recently used dropped first.

    Safe to use from several threads and processes. Files that are not its own are
    never touched. Where less than 1 GiB of the disk is free nothing is written.

    Parameters
    ----------
    folder : path
        Made when the first window is written.
    max_bytes : int
        Budget; may be changed, and is respected from the next write on.

    Attributes
    ----------
    problem : str
        Why nothing is written, one sentence; "" while all is well.
    """

    def __init__(
        self, folder: str | os.PathLike[str], max_bytes: int = DEFAULT_DISK_BYTES
    ) -> None:
        self.folder = Path(folder)
        self.max_bytes = max_bytes
        self.problem = ""
        self._lock = threading.Lock()
        self._pending: dict[str, Arrays] = {}
        self._pending_bytes = 0
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False
        self._bytes: int | None = None  # None: to be counted
        self._writes = 0
        self._failures = 0

    @property
    def nbytes(self) -> int:
        """Bytes on disk, what others wrote included, counted now and then."""
        count = self._bytes  # once: another thread may set it to None
        if count is None:
            count = self._bytes = sum(size for _, size, _ in self._entries())
        return count

    def get(self, key: str) -> Arrays | None:
        """Return the arrays of `key`, or None; it counts as used now."""
        with self._lock:
            waiting = self._pending.get(key)
        if waiting is not None:
            return waiting
        path = self._path(key)
        try:
            arrays = read_entry(path, key)
        except BrokenEntryError:
            self._remove(path)
            return None
        except OSError:
            return None
        with contextlib.suppress(OSError):  # another user's, or a read-only disk
            os.utime(path)
        return arrays

    def put(self, key: str, arrays: Arrays) -> None:
        """Write `arrays` soon, on another thread; they must not be changed after.

        Returns at once. What comes faster than the disk takes it is not written.
        """
        size = sum(array.nbytes for array in arrays)
        with self._lock:
            if (
                self._closed
                or self.problem
                or key in self._pending
                or self._pending_bytes + size > _MOST_PENDING_BYTES
                or size > self.max_bytes
            ):
                return
            self._pending[key] = arrays
            self._pending_bytes += size
            if self._executor is None:
                # its thread writes what waits even when the interpreter ends
                self._executor = ThreadPoolExecutor(1, "napari-segnext cache")
            self._executor.submit(self._write, key, arrays, size)

    def flush(self) -> None:
        """Wait until all that was put is written."""
        with self._lock:
            executor = None if self._closed else self._executor
        if executor is not None:
            executor.submit(int).result()

    def close(self, wait: bool = False) -> None:
        """Take nothing any more; what waits is still written, in the background."""
        with self._lock:
            self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=wait)

    def check(self) -> None:
        """Make the folder if need be.

        Raises
        ------
        SegNextError
            If files cannot be written there.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise SegNextError(
                f"The cache folder {str(self.folder)!r} cannot be used "
                f"({error.strerror}); choose another folder, or none."
            ) from error

    def trim(self) -> None:
        """Remove entries, the least recently used first, until the budget holds."""
        self._make_room(0)

    # on the writing thread ------------------------------------------------------------

    def _write(self, key: str, arrays: Arrays, size: int) -> None:
        try:
            if not (self.problem or os.path.exists(self._path(key))):
                self._write_now(key, arrays)
                self._failures = 0
        except Exception as error:  # noqa: BLE001 - told by `problem`
            self._failures += 1
            self._bytes = None
            is_hopeless = isinstance(error, (FileExistsError, NotADirectoryError))
            if self._failures >= _MOST_FAILURES or is_hopeless:
                self.problem = (
                    f"The cache folder {str(self.folder)!r} cannot be written "
                    f"({getattr(error, 'strerror', None) or error}); "
                    "choose another folder, or none."
                )
        finally:
            with self._lock:
                del self._pending[key]
                self._pending_bytes -= size

    def _write_now(self, key: str, arrays: Arrays) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder).free < _LEAST_FREE_BYTES:
            raise OSError("less than 1 GiB of the disk is free")
        path = self._path(key)
        unfinished = self.folder / f"{key}.{secrets.token_hex(8)}.tmp"
        try:
            write_entry(unfinished, key, arrays)
            size = unfinished.stat().st_size
            if size > self.max_bytes:
                return
            if not self._make_room(size):
                raise OSError("older entries cannot be removed")
            os.replace(unfinished, path)
        finally:
            self._remove(unfinished)
        self._writes += 1
        if self._bytes is not None:
            self._bytes += size
        if self._writes % _RECOUNT == 0:
            self._bytes = None

    def _make_room(self, size: int) -> bool:
        """Remove the oldest until there is room; return whether there is."""
        if self.nbytes + size <= self.max_bytes:
            return True
        entries = sorted(self._entries())
        total = sum(entry_size for _, entry_size, _ in entries)
        for _, entry_size, path in entries:
            if total + size <= self.max_bytes:
                break
            if self._remove(path):
                total -= entry_size
        self._bytes = total
        return total + size <= self.max_bytes

    def _entries(self) -> list[tuple[int, int, Path]]:
        """Time of use, size and path of each entry; what was never finished goes."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as listing:
            for item in listing:
                with contextlib.suppress(OSError):  # another process removed it
                    is_file = item.is_file(follow_symlinks=False)
                    if is_file and _ENTRY.fullmatch(item.name):
                        stat = item.stat()
                        found.append((stat.st_mtime_ns, stat.st_size, Path(item.path)))
                    elif _UNFINISHED.fullmatch(item.name):
                        if item.stat().st_mtime < time.time() - _ABANDONED_S:
                            self._remove(Path(item.path))
        return found

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_ENDING}"

    def _remove(self, path: Path) -> bool:
        with contextlib.suppress(OSError):  # another user's; in use, on Windows
            path.unlink(missing_ok=True)
            return True
        return False


class Shelf:
    """Where the windows of one model on one device lie in a store.

    Parameters
    ----------
    store : FeatureStore
        Of any models.
    weights : str
        From :func:`weights_digest`.
    device : torch.device
        Where tensors are wanted.
    """

    def __init__(self, store: FeatureStore, weights: str, device: torch.device) -> None:
        self._store = store
        self._weights = weights
        self._device = device

    def get(
        self, crop: npt.NDArray[np.generic], limits: Limits, window: Window
    ) -> Tensors | None:
        """Return the tensors of a window that shows the pixels `crop`, or None."""
        import torch

        arrays = self._store.get(self._key(crop, limits, window))
        if arrays is None:
            return None
        tensors = (torch.from_numpy(array).to(self._device) for array in arrays)
        return tuple(t.permute(0, 3, 1, 2) if t.ndim == 4 else t for t in tensors)

    def put(
        self,
        crop: npt.NDArray[np.generic],
        limits: Limits,
        window: Window,
        tensors: Tensors,
    ) -> None:
        """Keep the tensors of a window that shows the pixels `crop`."""
        # maps lie in memory with the channels last, and come back so: else slower
        arrays = tuple(
            (t.permute(0, 2, 3, 1) if t.ndim == 4 else t).contiguous().cpu().numpy()
            for t in tensors
        )
        self._store.put(self._key(crop, limits, window), arrays)

    def _key(
        self, crop: npt.NDArray[np.generic], limits: Limits, window: Window
    ) -> str:
        """Say what a window's features follow from; where it lies is not part of it."""
        shown = window.height, window.width, window.size, window.is_whole
        recipe = (
            VERSION,
            self._weights,
            self._device.type,
            limits,
            shown,
            crop.dtype.str,
            crop.shape,
        )
        digest = hashlib.blake2b(repr(recipe).encode(), digest_size=20)
        digest.update(np.ascontiguousarray(crop).data)
        return digest.hexdigest()


def weights_digest(network: nn.Module) -> str:
    """Return a digest of a network's weights as they are now, hexadecimal."""
    digest = hashlib.blake2b(digest_size=20)
    for name, tensor in network.state_dict().items():
        values: npt.NDArray[Any] = np.ascontiguousarray(tensor.detach().cpu().numpy())
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(values.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
