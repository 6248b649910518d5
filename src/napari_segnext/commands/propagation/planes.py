"""Slices of a stack as features, and checksums of those that were used."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from napari_segnext.core.features import FeatureCache, Features
from napari_segnext.core.image import plane_limits
from napari_segnext.errors import JournalError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.commands.propagation.stacks import Stack

__all__ = ["Planes"]

_CACHE_BYTES = 512 * 2**20


class Planes:
    """Slices of a stack as features; what `propagate` asks for them.

    Parameters
    ----------
    stack : Stack
        Where they are read from.
    model_digest : str
        Of the weights that will encode them.
    """

    def __init__(self, stack: Stack, model_digest: str) -> None:
        self.stack = stack
        self.seen = stack.sample()
        self._checks: dict[int, int] = {}  # of the slices that were read
        self._digest = model_digest
        self._cache = FeatureCache(_CACHE_BYTES)

    def __call__(self, index: int, near: tuple[float, float] | None) -> Features:
        """Return a slice, whose windows are encoded when they are needed."""
        known = self._cache.get(index)
        if known is None:
            plane = self._read(index)
            known = Features(plane, plane_limits(plane, self.seen.limits), self._digest)
            self._cache.put(index, known)
        return known

    def checksum(self, index: int) -> int:
        """Return the CRC-32 of a slice."""
        if index not in self._checks:
            self._read(index)
        return self._checks[index]

    def check(self, index: int, expected: int) -> None:
        """Refuse a slice that is not what it was."""
        if self.checksum(index) != expected:
            raise JournalError(
                f"Slice {index} of {self.stack.path} was changed since this run began; "
                "give --overwrite to begin anew, or choose another --out."
            )

    def _read(self, index: int) -> npt.NDArray[Any]:
        plane = self.stack.plane(index)
        self._checks[index] = zlib.crc32(plane.tobytes())
        return plane
