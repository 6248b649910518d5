"""The paper's neck and head: a simple feature pyramid and an all-MLP head.

The layers are the official convolutions by name and shape. They are applied to one
object at a time as linear layers on tokens, in pieces that are small enough to be
reused: the same up to rounding, faster, and without tensors of a thousand channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Head", "Neck"]

_TOKENS_AT_ONCE = 1024
_PIXELS_AT_ONCE = 4096


class Neck(nn.Module):
    """Simple FPN: maps at a quarter, a half, one and two patches from one map."""

    def __init__(self, width: int, out: tuple[int, ...]) -> None:
        super().__init__()
        wide = (max(2 * out[0], width // 2), max(out[1], width // 2))
        widest = max(out[3], 2 * width)
        self.down_4 = nn.Sequential(
            nn.ConvTranspose2d(width, wide[0], 2, stride=2),
            nn.GroupNorm(1, wide[0]),
            nn.GELU(),
            nn.ConvTranspose2d(wide[0], wide[0] // 2, 2, stride=2),
            nn.GroupNorm(1, wide[0] // 2),
            nn.Conv2d(wide[0] // 2, out[0], 1),
            nn.GroupNorm(1, out[0]),
            nn.GELU(),
        )
        self.down_8 = nn.Sequential(
            nn.ConvTranspose2d(width, wide[1], 2, stride=2),
            nn.GroupNorm(1, wide[1]),
            nn.Conv2d(wide[1], out[1], 1),
            nn.GroupNorm(1, out[1]),
            nn.GELU(),
        )
        self.down_16 = nn.Sequential(
            nn.Conv2d(width, out[2], 1), nn.GroupNorm(1, out[2]), nn.GELU()
        )
        self.down_32 = nn.Sequential(
            nn.Conv2d(width, widest, 2, stride=2),
            nn.GroupNorm(1, widest),
            nn.Conv2d(widest, out[3], 1),
            nn.GroupNorm(1, out[3]),
            nn.GELU(),
        )

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """Make the pyramid of one object's `tokens` (N, C).

        Returns four maps (H, W, C), the finest first.
        """
        grid = round(len(tokens) ** 0.5)
        joined = _join_2x2(tokens.view(grid, grid, -1))
        return [
            _apply(self.down_4, tokens, grid, doublings=2),
            _apply(self.down_8, tokens, grid, doublings=1),
            _apply(self.down_16, tokens, grid, doublings=0),
            _apply(self.down_32, joined, grid // 2, doublings=0),
        ]


class ConvReLU(nn.Module):
    """A 1x1 convolution, followed by a ReLU."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply both to a map `x` (H, W, C)."""
        return F.relu(F.linear(x, self.conv.weight.flatten(1), self.conv.bias))


class Head(nn.Module):
    """All-MLP head: levels to one width, upsampled, fused, one logit.

    The 1x1 fusion of the concatenated levels is a sum over levels and commutes with
    upsampling, so each level is multiplied by its share of the weights while small.
    """

    def __init__(
        self, widths: tuple[int, ...], levels: tuple[int, ...], channels: int
    ) -> None:
        super().__init__()
        self.levels = levels
        self.convs = nn.ModuleList(ConvReLU(widths[i], channels) for i in levels)
        self.fusion_conv = ConvReLU(channels * len(levels), channels)
        self.seg_conv = nn.Conv2d(channels, 1, 1)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Logits (1, 1, H, W) of one object, at the finest level the head reads."""
        finest, *coarser = (pyramid[level] for level in self.levels)
        conv, *other_convs = self.convs
        weights = self.fusion_conv.conv.weight.flatten(1)
        share, *other_shares = weights.chunk(len(self.levels), dim=1)
        others = [
            F.linear(other_conv(level), other_share)
            for level, other_conv, other_share in zip(
                coarser, other_convs, other_shares, strict=True
            )
        ]
        height, width = finest.shape[:2]
        resize_rows = [_bilinear(len(other), height, finest) for other in others]
        resize_cols = [_bilinear(other.shape[1], width, finest) for other in others]
        seg_weight = self.seg_conv.weight.flatten(1)
        rows_at_once = max(1, _PIXELS_AT_ONCE // width)
        strips = []
        for first in range(0, height, rows_at_once):
            part = slice(first, min(first + rows_at_once, height))
            total = F.linear(conv(finest[part]), share, self.fusion_conv.conv.bias)
            if others:
                mixed = [
                    _rows_of(matrix, other, part)
                    for matrix, other in zip(resize_rows, others, strict=True)
                ]
                total += torch.cat(resize_cols, dim=1) @ torch.cat(mixed, dim=1)
            strips.append(F.linear(F.relu(total), seg_weight, self.seg_conv.bias))
        return torch.cat(strips).permute(2, 0, 1)[None]


def _apply(layers: nn.Sequential, x: Tensor, grid: int, doublings: int) -> Tensor:
    """Apply convolutions, group norms and GELUs to tokens `x` (grid * grid, C).

    Returns a map (H, W, C') of `grid` times 2 to the `doublings`.
    """
    rows_at_once = max(1, _TOKENS_AT_ONCE // grid)
    pieces: Iterable[Tensor] = torch.split(x, rows_at_once * grid)
    scale = shift = None  # of a group norm that is not applied yet
    for layer in layers:
        if isinstance(layer, nn.GroupNorm):
            pieces = list(pieces)
            scale, shift = _group_norm_as_affine(layer, pieces)
        elif isinstance(layer, nn.GELU):
            pieces = _affine_and_gelu(pieces, scale, shift)
            scale = shift = None
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            weight, bias = _as_linear(layer)
            if scale is not None and shift is not None:
                weight, bias = weight * scale, bias + weight @ shift
            channels = layer.out_channels
            pieces = [F.linear(y, weight, bias).view(-1, channels) for y in pieces]
            scale = shift = None
    return _pixels_in_place(pieces, grid, doublings)


def _as_linear(conv: nn.Conv2d | nn.ConvTranspose2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a linear layer that does the same to one patch.

    A transposed convolution's output is four pixels, row by row, channels last.
    """
    if conv.bias is None:
        raise TypeError("The convolutions of the neck have a bias.")
    if isinstance(conv, nn.ConvTranspose2d):
        return conv.weight.permute(2, 3, 1, 0).flatten(0, 2), conv.bias.repeat(4)
    return conv.weight.flatten(1), conv.bias


def _group_norm_as_affine(
    norm: nn.GroupNorm, pieces: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Scale and shift (C,) that normalise over all tokens and channels of `pieces`."""
    count = sum(piece.numel() for piece in pieces)
    # token by token first: long sums in single precision would drift
    total = torch.stack([piece.sum(dim=1).sum() for piece in pieces]).sum()
    norms = [torch.linalg.vector_norm(piece, dim=1) for piece in pieces]
    squares = torch.stack([values.square().sum() for values in norms]).sum()
    mean = total / count
    variance = (squares / count - mean.square()).clamp_min(0)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


def _affine_and_gelu(
    pieces: Iterable[Tensor], scale: Tensor | None, shift: Tensor | None
) -> Iterator[Tensor]:
    """Yield activated pieces one by one, while they are still in the cache."""
    for piece in pieces:
        if scale is not None and shift is not None:
            piece = torch.addcmul(shift, piece, scale)
        yield F.gelu(piece)


def _join_2x2(x: Tensor) -> Tensor:
    """(H, W, C) -> (H / 2 * W / 2, 4 C), the channels first as in a 2x2 kernel."""
    half, channels = len(x) // 2, x.shape[-1]
    x = x[: 2 * half, : 2 * half].reshape(half, 2, half, 2, channels)
    return x.permute(0, 2, 4, 1, 3).reshape(half * half, 4 * channels)


def _pixels_in_place(pieces: Iterable[Tensor], grid: int, doublings: int) -> Tensor:
    """Pieces (n * 4^doublings, C), nested in tokens -> one map (H, W, C)."""
    axes = 2 + 2 * doublings
    order = (*range(0, axes, 2), *range(1, axes, 2), axes)
    nested = [
        piece.view(-1, grid, *(2,) * (2 * doublings), piece.shape[-1]).permute(order)
        for piece in pieces
    ]
    side = grid * 2**doublings
    return torch.cat(nested).view(side, side, -1)


def _bilinear(source: int, target: int, like: Tensor) -> Tensor:
    """Matrix (target, source) that resizes bilinearly, as ``align_corners=False``."""
    to = torch.arange(target, device=like.device)
    position = ((to + 0.5) * (source / target) - 0.5).clamp_min(0)
    low = position.floor().long().clamp_max(source - 1)
    high = (low + 1).clamp_max(source - 1)
    weight = position - low
    matrix = torch.zeros(target, source, device=like.device)
    matrix[to, high] += weight
    matrix[to, low] += 1 - weight
    return matrix.to(like.dtype)


def _rows_of(matrix: Tensor, x: Tensor, part: slice) -> Tensor:
    """Rows `part` of a map (h, w, C) resized along its rows by `matrix` (H, h)."""
    ratio = len(x) / len(matrix)
    low = max(0, int((part.start + 0.5) * ratio - 0.5))
    high = min(len(x), int((part.stop - 0.5) * ratio - 0.5) + 2)
    mixed = matrix[part, low:high] @ x[low:high].flatten(1)
    return mixed.view(-1, *x.shape[1:])
