"""Masks as one bit a pixel, row by row: as they are kept in memory and in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["pack", "unpack"]


def pack(mask: npt.NDArray[np.bool_]) -> bytes:
    """Return a mask (H, W) as bytes, eight pixels each."""
    return np.packbits(mask).tobytes()


def unpack(
    bits: bytes | npt.NDArray[np.uint8], region: tuple[int, int, int, int]
) -> npt.NDArray[np.bool_]:
    """Return the mask (H, W) of a region (row0, col0, row1, col1), ends excluded."""
    row0, col0, row1, col1 = region
    height, width = row1 - row0, col1 - col0
    flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=height * width)
    return flat.astype(bool).reshape(height, width)
