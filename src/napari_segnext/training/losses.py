"""Losses and simulated correction clicks, on the network's own device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["correction_clicks", "segmentation_loss"]

_GAMMA = 2.0
_BORDER_PX = 3
_BORDER_WEIGHT = 1.0
_FOCAL_SHARE = 0.25  # more of it drowns Dice: its weights always sum to one
_EPSILON = 1e-6


def _near_border(truth: Tensor) -> Tensor:
    """1 within a few pixels of the object's border, else 0."""
    window = 2 * _BORDER_PX + 1
    grown = F.max_pool2d(truth, window, 1, _BORDER_PX)
    shrunk = -F.max_pool2d(-truth, window, 1, _BORDER_PX)
    return grown - shrunk


def segmentation_loss(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Soft Dice plus a share of normalised focal loss [1]_, borders weighted up.

    Parameters
    ----------
    logits, truth, known : Tensor
        B x 1 x S x S; truth and known (0 outside the plane) are 0 or 1.

    Returns
    -------
    Tensor
        One loss per object, B.

    References
    ----------
    .. [1] Sofiiuk et al., AdaptIS, ICCV 2019: focal weights sum to one per object.
    """
    probability = torch.sigmoid(logits)
    correct = torch.where(truth > 0, probability, 1 - probability)
    focal = (1 - correct) ** _GAMMA * known
    scale = known.sum((1, 2, 3)) / (focal.sum((1, 2, 3)) + _EPSILON)
    weight = focal * scale.detach().clamp(max=1e4)[:, None, None, None]
    weight = weight * (1 + _BORDER_WEIGHT * _near_border(truth))
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    focal_loss = (weight * entropy).sum((1, 2, 3)) / known.sum((1, 2, 3))
    overlap = (probability * truth * known).sum((1, 2, 3))
    total = ((probability + truth) * known).sum((1, 2, 3))
    return _FOCAL_SHARE * focal_loss + 1 - (2 * overlap + 1) / (total + 1)


def _depth(errors: Tensor, steps: int = 20) -> Tensor:
    """How many 3x3 erosions each pixel survives: a distance to the border."""
    depth = torch.zeros_like(errors)
    for _ in range(steps):
        depth += errors
        padded = F.pad(errors, (1, 1, 1, 1))
        errors = -F.max_pool2d(-padded, 3, 1)
        if not errors.any():
            break
    return depth


def correction_clicks(
    maps: Tensor,
    probability: Tensor,
    truth: Tensor,
    known: Tensor,
    radius: int,
    generator: torch.Generator,
) -> Tensor:
    """Draw the next click of a robot user with a shaky hand into each map.

    The click lies well inside the larger error, usually near its middle; where nothing
    is wrong the map stays as it is.

    Parameters
    ----------
    maps : Tensor
        B x 3 x S x S prompt maps.
    probability, truth, known : Tensor
        B x 1 x S x S.
    radius : int
        Of a click's disk in pixels.
    generator : torch.Generator
        Source of everything random here, on the CPU.

    Returns
    -------
    Tensor
        New maps, B x 3 x S x S.
    """
    size = maps.shape[-1]
    mask = (probability > 0.5) & (known > 0)
    wrong = torch.cat([(truth > 0) & ~mask, (truth == 0) & mask], dim=1) & (known > 0)
    depth = _depth(F.avg_pool2d(wrong.float(), 2))  # B x 2 x S/2 x S/2
    deepest = depth.amax((2, 3))
    negative = deepest[:, 1] > deepest[:, 0]
    chosen = depth[torch.arange(len(depth)), negative.long()].flatten(1)
    noise = torch.rand(chosen.shape, generator=generator).to(chosen)
    shake = torch.rand(len(chosen), 1, generator=generator).to(chosen) * 1.5
    place = (chosen / (chosen.amax(1, keepdim=True) + _EPSILON) + shake * noise) * (
        chosen > 0
    )
    best = place.argmax(1)
    rows, cols = best // (size // 2) * 2, best % (size // 2) * 2
    along = torch.arange(size, device=maps.device)
    distance = (along[:, None] - rows[:, None, None]) ** 2 + (
        along - cols[:, None, None]
    ) ** 2
    disks = (distance <= radius**2) & (deepest.amax(1) > 0)[:, None, None]
    result = maps.clone()
    for channel, polarity in ((1, ~negative), (2, negative)):
        drawn = disks & polarity[:, None, None]
        result[:, channel] = torch.maximum(result[:, channel], drawn.float())
    return result
