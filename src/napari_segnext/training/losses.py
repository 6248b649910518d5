"""Losses and simulated correction clicks, on the network's own device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["correction_clicks", "error_depth", "near_border", "segmentation_loss"]

_GAMMA = 2.0
_BORDER_PX = 3
_BORDER_WEIGHT = 1.0
_FOCAL_SHARE = 0.25  # more of it drowns Dice: its weights always sum to one
_EPSILON = 1e-6


def _eroded(values: Tensor, outside: float) -> Tensor:
    """Smallest of the 3 x 3 values around each pixel; `outside` is around the image.

    Comparing shifted copies takes a CPU an eighth of the time of pooling.
    """
    result = F.pad(values, (1, 1, 1, 1), value=outside)
    for axis in (2, 3):
        size = result.shape[axis] - 2
        before, here, after = (result.narrow(axis, at, size) for at in range(3))
        result = torch.minimum(torch.minimum(before, here), after)
    return result


def near_border(truth: Tensor) -> Tensor:
    """Find the pixels within 3 px of the object's border; the image's edge is none.

    Parameters
    ----------
    truth : Tensor
        B x 1 x S x S, 0 or 1.

    Returns
    -------
    Tensor
        1 near the border, else 0, on both its sides; B x 1 x S x S.
    """
    inside, apart = truth, 1 - truth
    for _ in range(_BORDER_PX):
        inside, apart = _eroded(inside, 1.0), _eroded(apart, 1.0)
    return 1 - inside - apart


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
    weight = weight * (1 + _BORDER_WEIGHT * near_border(truth))
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    focal_loss = (weight * entropy).sum((1, 2, 3)) / known.sum((1, 2, 3))
    overlap = (probability * truth * known).sum((1, 2, 3))
    total = ((probability + truth) * known).sum((1, 2, 3))
    return _FOCAL_SHARE * focal_loss + 1 - (2 * overlap + 1) / (total + 1)


def error_depth(errors: Tensor, steps: int = 20) -> Tensor:
    """Count the 3x3 erosions that each pixel survives: a distance to the border.

    Parameters
    ----------
    errors : Tensor
        B x C x S x S from 0 to 1; outside the image nothing is wrong.
    steps : int
        At most so many.

    Returns
    -------
    Tensor
        B x C x S x S; the pixel itself counts as one.
    """
    depth = torch.zeros_like(errors)
    for _ in range(steps):
        depth += errors
        errors = _eroded(errors, 0.0)
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
    depth = error_depth(F.avg_pool2d(wrong.float(), 2))  # B x 2 x S/2 x S/2
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
