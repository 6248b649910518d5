"""The paper's neck and head: a simple feature pyramid and an all-MLP head.

The layers are the official convolutions by name and shape. They are applied as linear
layers on tokens, which is the same up to rounding and faster.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Head", "Neck"]


class Neck(nn.Module):
    """Simple FPN: maps at a quarter, a half, one and two patches from one map.

    The layers are the paper's convolutions; they are applied as linear layers on
    tokens, and a transposed convolution's pixels are put in place at the end.
    """

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

    def forward(self, x: Tensor) -> list[Tensor]:
        """Make the pyramid of the tokens `x` (B, N, C).

        Returns four maps (B, H, W, C), the finest first.
        """
        grid = round(x.shape[1] ** 0.5)
        return [
            _pixels_in_place(_apply_on_tokens(self.down_4, x), grid, 2),
            _pixels_in_place(_apply_on_tokens(self.down_8, x), grid, 1),
            _pixels_in_place(_apply_on_tokens(self.down_16, x), grid, 0),
            _pixels_in_place(
                _apply_on_tokens(self.down_32, _join_2x2(x, grid)), grid // 2, 0
            ),
        ]


class ConvReLU(nn.Module):
    """A 1x1 convolution, followed by a ReLU."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply both to a map `x` (B, H, W, C)."""
        return F.relu(_conv_on_tokens(self.conv, x))


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
        """Logits (B, 1, H, W) at the finest selected level of `pyramid`."""
        size = pyramid[self.levels[0]].shape[1:3]
        shares = self.fusion_conv.conv.weight.flatten(1).chunk(len(self.levels), dim=1)
        total: Tensor | None = None
        # coarse levels first: the finest is by far the largest and comes to the sum
        for level, conv, share in reversed(
            list(zip(self.levels, self.convs, shares, strict=True))
        ):
            bias = self.fusion_conv.conv.bias if level == self.levels[0] else None
            x = F.linear(conv(pyramid[level]), share, bias)
            if level != self.levels[0]:
                x = _upsample(x, size)
            total = x if total is None else total.add_(x)
        if total is None:
            raise ValueError("The head reads no level.")
        return _conv_on_tokens(self.seg_conv, F.relu(total)).permute(0, 3, 1, 2)


def _apply_on_tokens(layers: nn.Sequential, x: Tensor) -> Tensor:
    """Apply convolutions, group norms over everything and GELUs to `x` (B, N, C)."""
    for layer in layers:
        if isinstance(layer, nn.ConvTranspose2d):
            x = _transposed_conv_on_tokens(layer, x)
        elif isinstance(layer, nn.Conv2d):
            x = _conv_on_tokens(layer, x)
        elif isinstance(layer, nn.GroupNorm):
            # as a channels-last map of one column: torch has a fast path for it
            column = x.transpose(1, 2).unsqueeze(3)
            x = layer(column).squeeze(3).transpose(1, 2)
        else:
            x = layer(x)
    return x


def _conv_on_tokens(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Apply a convolution whose whole kernel lies in the last axis of `x`."""
    return F.linear(x, conv.weight.flatten(1), conv.bias)


def _transposed_conv_on_tokens(conv: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """(B, N, C) -> (B, 4 N, C'): four pixels, row by row, instead of each token."""
    weight = conv.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (2 x 2 x C') x C
    bias = None if conv.bias is None else conv.bias.repeat(4)
    return F.linear(x, weight, bias).view(len(x), -1, conv.out_channels)


def _join_2x2(x: Tensor, grid: int) -> Tensor:
    """(B, N, C) -> (B, N / 4, 4 C), the channels first as in a 2x2 kernel."""
    half, channels = grid // 2, x.shape[-1]
    x = x.view(-1, grid, grid, channels)[:, : 2 * half, : 2 * half]
    x = x.reshape(-1, half, 2, half, 2, channels).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(-1, half * half, 4 * channels)


def _pixels_in_place(x: Tensor, grid: int, doublings: int) -> Tensor:
    """(B, N * 4^doublings, C), nested in tokens -> a map (B, H, W, C)."""
    x = x.view(len(x), grid, grid, *(2,) * (2 * doublings), x.shape[-1])
    rows, cols = range(1, x.ndim - 1, 2), range(2, x.ndim - 1, 2)
    x = x.permute(0, *rows, *cols, x.ndim - 1)
    side = grid * 2**doublings
    return x.reshape(len(x), side, side, x.shape[-1])


def _upsample(x: Tensor, size: torch.Size) -> Tensor:
    """Resize a map (B, h, w, C) bilinearly to (B, H, W, C)."""
    resized = F.interpolate(
        x.permute(0, 3, 1, 2), size, mode="bilinear", align_corners=False
    )
    return resized.permute(0, 2, 3, 1)
