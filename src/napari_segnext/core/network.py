"""The network of the paper: SegNext with a plain ViT.

Image -> plain ViT (windowed attention) -> image features
Prompt map (previous mask, positive, negative) -> patch convolution -> prompt features
image + prompt features -> self-attention blocks -> simple FPN -> MLP head -> logits

Parameters have the names and shapes of the official checkpoints; how they are applied
is rearranged for speed, exactly up to rounding. Nothing is remembered between calls.

References
----------
.. [1] Q. Liu, J. Cho, M. Bansal, M. Niethammer, "Rethinking Interactive Image
   Segmentation with Low Latency, High Quality, and Diverse Prompts", CVPR 2024,
   arXiv:2404.00741.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_segnext.core.vit_config import ViTConfig
from napari_segnext.core.vit_decoder import Head, Neck
from napari_segnext.core.vit_encoder import Block, ImageEncoder, PatchEmbed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SegNext", "ViTConfig", "to_map"]


class SegNext(nn.Module):
    """The paper's network; see the module's docstring.

    Parameters
    ----------
    config : ViTConfig
        Widths, depths and sizes.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = ImageEncoder(config)
        self.neck = Neck(config.embed_dim, config.neck_out_dims)
        self.head = Head(config.neck_out_dims, config.head_levels, config.head_channels)
        self.visual_prompts_encoder = PatchEmbed(config.embed_dim, config.patch_size)
        self.fusion_blocks = nn.ModuleList(
            Block(
                config.embed_dim,
                config.fusion_heads,
                config.fusion_mlp_ratio,
                config.fusion_qkv_bias,
                norm_eps=1e-5,
            )
            for _ in range(config.fusion_depth)
        )

    @torch.no_grad()
    def encode(
        self, image: Tensor, should_stop: Callable[[], bool] | None = None
    ) -> tuple[Tensor, ...]:
        """Encode an image, once for all prompts.

        Parameters
        ----------
        image : Tensor (1, 3, S, S)
            RGB, normalised by the configuration's mean and std, then resized
            (bilinear, no antialiasing, ``align_corners=False``) to S = `img_size`.
        should_stop : callable, optional
            Asked before every block; true gives the work up.

        Returns
        -------
        tuple of one Tensor (1, N, C)
            The image features as tokens, row by row; :func:`to_map` makes a map.

        Raises
        ------
        Cancelled
            If `should_stop` said so.
        """
        self._check(image, "image")
        return (self.backbone(image, should_stop),)

    @torch.no_grad()
    def decode(self, features: tuple[Tensor, ...], prompt_maps: Tensor) -> Tensor:
        """Segment the objects that prompts point at.

        Parameters
        ----------
        features : tuple of one Tensor (1, N, C)
            What :meth:`encode` returned.
        prompt_maps : Tensor (B, 3, S, S)
            Previous mask, positive and negative prompts of each of B objects.

        Returns
        -------
        Tensor (B, 1, S, S)
            Logits; resize them with ``align_corners=False`` to the plane's size.
        """
        fused = self.fuse(features[0], self.embed_prompts(prompt_maps))
        logits = [self.head(self.neck(tokens)) for tokens in fused]
        return self.enlarge(torch.cat(logits))

    def embed_prompts(self, prompt_maps: Tensor) -> Tensor:
        """Prompt features (B, N, C) of `prompt_maps` (B, 3, S, S)."""
        self._check(prompt_maps, "prompt maps")
        return self.visual_prompts_encoder.sparse(prompt_maps)

    def fuse(self, image_features: Tensor, prompt_features: Tensor) -> Tensor:
        """Fused features (B, N, C): the sum, refined by self-attention blocks."""
        x = image_features + prompt_features
        for block in self.fusion_blocks:
            x = block(x)
        return x

    def enlarge(self, logits: Tensor) -> Tensor:
        """Resize the head's `logits` to the network's input: (B, 1, S, S)."""
        size = (self.config.img_size, self.config.img_size)
        return F.interpolate(logits, size, mode="bilinear", align_corners=True)

    def _check(self, x: Tensor, what: str) -> None:
        side = self.config.img_size
        if x.ndim != 4 or x.shape[1:] != (3, side, side):
            raise ValueError(
                f"The {what} must be (B, 3, {side}, {side}), not {tuple(x.shape)}."
            )


def to_map(tokens: Tensor) -> Tensor:
    """Tokens (B, N, C) of a square image as a map (B, C, H, W)."""
    side = round(tokens.shape[1] ** 0.5)
    return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
