"""The paper's image encoder: a plain ViT with windowed attention.

Parameters have the official names; see :mod:`napari_segnext.core.network`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.core.vit_config import ViTConfig

__all__ = ["Block", "ImageEncoder", "PatchEmbed"]

_TOKENS_AT_ONCE = 1024  # keeps the MLP's hidden values small enough to be reused


class Attention(nn.Module):
    """Multi-head self-attention, one linear layer for query, key and value."""

    def __init__(self, width: int, heads: int, qkv_bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Attend among the tokens `x` (B, N, C)."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each B x heads x N x C/heads
        attended = F.scaled_dot_product_attention(query, key, value)
        joined = attended.transpose(1, 2).reshape(batch, tokens, width)
        projected: Tensor = self.proj(joined)
        return projected


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each of the tokens `x` (B, N, C) by itself."""
        result: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return result


class Block(nn.Module):
    """Transformer block: attention and MLP, each normalised before, with a residual."""

    def __init__(
        self, width: int, heads: int, mlp_ratio: float, qkv_bias: bool, norm_eps: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=norm_eps)
        self.norm2 = nn.LayerNorm(width, eps=norm_eps)
        self.attn = Attention(width, heads, qkv_bias)
        self.mlp = Mlp(width, int(width * mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        """Refine the tokens `x` (B, N, C)."""
        x = x + self.attn(self.norm1(x))
        flat = x.flatten(0, 1)  # the MLP knows no neighbours
        parts = torch.split(flat, _TOKENS_AT_ONCE)
        refined = torch.cat([part + self.mlp(self.norm2(part)) for part in parts])
        return refined.view_as(x)


class PatchEmbed(nn.Module):
    """A convolution with the patch as kernel and stride."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        """Embed the patches of `x` (B, 3, S, S) as tokens (B, N, C)."""
        embedded: Tensor = self.proj(x)
        return embedded.flatten(2).transpose(1, 2)

    def sparse(self, maps: Tensor) -> Tensor:
        """Do the same for prompt maps, which are zero in most patches.

        A patch without a prompt embeds as the bias alone.
        """
        batch, channels, side, _ = maps.shape
        patch = self.proj.kernel_size[0]
        grid = side // patch
        kept = maps[..., : grid * patch, : grid * patch]
        patches = kept.reshape(batch, channels, grid, patch, grid, patch)
        touched = patches.ne(0).any(5).any(3).any(1)  # B x grid x grid
        if self.proj.bias is None:
            raise TypeError("The patch convolution has a bias.")
        if touched.count_nonzero() > touched.numel() // 2:
            return self.forward(maps)
        tokens = self.proj.bias.repeat(batch, grid, grid, 1)
        pixels = patches.permute(0, 2, 4, 1, 3, 5)[touched]  # T x 3 x patch x patch
        weight = self.proj.weight.flatten(1)
        tokens[touched] = F.linear(pixels.flatten(1), weight, self.proj.bias)
        return tokens.flatten(1, 2)


class ImageEncoder(nn.Module):
    """Plain ViT; most blocks attend within windows, some to the whole image."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config.embed_dim, config.patch_size)
        # the first position belongs to a class token that SegNext does not have
        self.pos_embed = nn.Parameter(
            torch.empty(1, config.grid**2 + 1, config.embed_dim)
        )
        nn.init.uniform_(self.pos_embed, -0.035, 0.035)  # a deviation of 0.02
        self.blocks = nn.ModuleList(
            Block(
                config.embed_dim,
                config.num_heads,
                config.mlp_ratio,
                config.qkv_bias,
                norm_eps=1e-6,
            )
            for _ in range(config.depth)
        )
        self.fc_norm = nn.LayerNorm(config.embed_dim, eps=1e-6)  # saved, never applied

    def forward(
        self, image: Tensor, should_stop: Callable[[], bool] | None = None
    ) -> Tensor:
        """Encode the normalised `image` (B, 3, S, S) as tokens (B, N, C)."""
        _stop_if(should_stop)
        x: Tensor = self.patch_embed(image) + self.pos_embed[:, 1:]
        in_windows = False
        for index, block in enumerate(self.blocks):
            _stop_if(should_stop)
            windowed = not self.config.is_global(index)
            if windowed != in_windows:
                x = self._to_windows(x) if windowed else self._to_image(x)
                in_windows = windowed
            x = block(x)
        return x

    def _to_windows(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B * windows, N / windows, C)."""
        count = self.config.windows
        side = self.config.grid // count
        x = x.view(-1, count, side, count, side, x.shape[-1])
        return x.transpose(2, 3).reshape(-1, side * side, x.shape[-1])

    def _to_image(self, x: Tensor) -> Tensor:
        """(B * windows, N / windows, C) -> (B, N, C)."""
        count = self.config.windows
        side = self.config.grid // count
        x = x.view(-1, count, count, side, side, x.shape[-1])
        return x.transpose(2, 3).reshape(-1, self.config.grid**2, x.shape[-1])


def _stop_if(should_stop: Callable[[], bool] | None) -> None:
    if should_stop is not None and should_stop():
        raise Cancelled("The encoding was given up for a newer request.")
