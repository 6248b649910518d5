"""Dense losses: what every pixel shows, learned beside the prompted objects.

A crop has a few prompted objects, but labels of all. From the finest features of the
image a linear layer says what is object, where objects end, and how far each pixel is
from the middle of its own, as networks do that segment without prompts [1]_. The layer
serves in training alone; the features that it asks for stay.

References
----------
.. [1] Neven et al., Instance Segmentation by Jointly Optimizing Spatial Embeddings and
   Clustering Bandwidth, CVPR 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["DenseHead", "dense_loss", "dense_targets"]

_MOST = 2.0  # times the square root of the area: further off it is as far
_OFFSET_WEIGHT = 2.0
_EPSILON = 1e-6


def dense_targets(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
    """Return what the layer is to say of a crop.

    Parameters
    ----------
    labels : array (S, S) of int
        Objects; 0 is background, -1 unknown. S is even.

    Returns
    -------
    array (5, S / 2, S / 2) of float32
        Known, object and border (0 or 1), and each object pixel's distance in rows and
        columns from the middle of its object, in square roots of that object's area.
    """
    labels = labels[::2, ::2]
    highest = ndimage.maximum_filter(labels, 3)
    border = highest != ndimage.minimum_filter(labels, 3)
    inside = labels > 0
    _, flat = np.unique(labels[inside], return_inverse=True)
    area = np.bincount(flat)
    offsets = np.zeros((2, *labels.shape), np.float32)
    for offset, along in zip(offsets, np.nonzero(inside), strict=True):
        middle = np.bincount(flat, along) / area
        offset[inside] = ((along - middle[flat]) / np.sqrt(area)[flat]).clip(
            -_MOST, _MOST
        )
    return np.concatenate([np.stack([labels >= 0, inside, border]), offsets])


class DenseHead(nn.Module):
    """From features at stride 4 to object, border and offsets at stride 2.

    Parameters
    ----------
    width : int
        Channels of the features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(width, 16, 1)
        for parameter in self.linear.parameters():
            nn.init.zeros_(parameter)  # the same whatever came before

    def forward(self, features: Tensor) -> Tensor:
        """Return B x 4 x S/2 x S/2: logits of object and border, and offsets."""
        return F.pixel_shuffle(self.linear(features), 2)


def dense_loss(answer: Tensor, targets: Tensor) -> Tensor:
    """Mean loss of the layer's answer where the truth is known.

    Parameters
    ----------
    answer : Tensor
        B x 4 x S/2 x S/2, from :class:`DenseHead`.
    targets : Tensor
        B x 5 x S/2 x S/2, as `dense_targets` makes them.
    """
    known, inside = targets[:, :1], targets[:, :1] * targets[:, 1:2]
    entropy = F.binary_cross_entropy_with_logits(
        answer[:, :2], targets[:, 1:3], reduction="none"
    )
    far = F.smooth_l1_loss(answer[:, 2:], targets[:, 3:], reduction="none", beta=0.2)
    return (entropy * known).sum() / (known.sum() + _EPSILON) + _OFFSET_WEIGHT * (
        far * inside
    ).sum() / (2 * inside.sum() + _EPSILON)
