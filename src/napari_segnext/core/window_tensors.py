"""Pixels of a window to the network's input, and logits back to the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from napari_segnext.core.windows import Window

__all__ = ["to_input", "to_plane"]


def to_input(image: Tensor, window: Window) -> Tensor:
    """Bring a window's part of the plane (1, 3, h, w) to the network's input."""
    size = window.size
    if window.is_whole:
        return F.interpolate(image, (size, size), mode="bilinear")
    rows, cols = window.height - image.shape[2], window.width - image.shape[3]
    image = F.pad(image, (0, cols, 0, rows))  # beyond the plane: medium grey
    if window.height > size:
        return F.avg_pool2d(image, window.height // size)
    if window.height < size:
        return F.interpolate(image, (size, size), mode="bilinear")
    return image


def to_plane(logits: Tensor, window: Window, shape: tuple[int, int]) -> Tensor:
    """Bring logits (B, 1, S, S) to probabilities (B, h, w) of the window's region."""
    row0, col0, row1, col1 = window.region(shape)
    if window.height < window.size and not window.is_whole:
        reduce = window.size // window.height
        crops = F.avg_pool2d(torch.sigmoid(logits), reduce)
    else:
        full = (window.height, window.width)
        crops = torch.sigmoid(F.interpolate(logits, full, mode="bilinear"))
    return crops[:, 0, : row1 - row0, : col1 - col0].contiguous()
