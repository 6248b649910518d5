"""segnext-lite: SegNext's dense prompt fusion on a small convolutional encoder.

The image is encoded once by the first eleven blocks of EfficientNet-Lite0 [1]_ (batch
norms folded, strides 2, 4, 8, 16) and two self-attention blocks over the whole window,
whose result is passed down to strides 8 and 4. The three-channel prompt map is embedded
by strided convolutions and *added* to the image features at strides 16, 8 and 4, as
SegNext [2]_ does at stride 16; two self-attention blocks follow at stride 16, and a
light decoder of ConvNeXt-like blocks [3]_ gives one logit per pixel at stride 2.

Both summands are layer-normalised first: folded ImageNet features have a standard
deviation of 3 to 4 and would drown a fresh prompt embedding.

References
----------
.. [1] Tan and Le, EfficientNet, ICML 2019, and the EfficientNet-Lite variants.
.. [2] Liu et al., Rethinking Interactive Image Segmentation with Low Latency, High
   Quality, and Diverse Prompts, CVPR 2024, arXiv 2404.00741.
.. [3] Liu et al., A ConvNet for the 2020s, CVPR 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_segnext.errors import Cancelled, CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LiteConfig", "SegNextLite"]

_STEM_WIDTH = 32
# (expansion, kernel, stride, output width) of EfficientNet-Lite0 up to stride 16
_BLOCKS = (
    (1, 3, 1, 16),
    (6, 3, 2, 24),
    (6, 3, 1, 24),
    (6, 5, 2, 40),
    (6, 5, 1, 40),
    (6, 3, 2, 80),
    (6, 3, 1, 80),
    (6, 3, 1, 80),
    (6, 5, 1, 112),
    (6, 5, 1, 112),
    (6, 5, 1, 112),
)
_LIMITS = {
    "size": 4096,
    **dict.fromkeys(("width4", "width8", "width16"), 4096),
    **dict.fromkeys(("depth4", "depth8", "depth16"), 64),
    "heads": 64,
    "context": 64,
}
_TAPS = (0, 2, 4, 10)  # blocks whose outputs have strides 2, 4, 8 and 16


@dataclass(frozen=True, slots=True)
class LiteConfig:
    """Sizes of segnext-lite.

    Parameters
    ----------
    size : int
        Side of the square input in pixels, a multiple of 16.
    width4, width8, width16 : int
        Channels of the decoder at strides 4, 8 and 16.
    depth4, depth8, depth16 : int
        Number of blocks at each stride; those at stride 16 attend to all tokens.
    heads : int
        Attention heads.
    context : int
        Attention blocks of the image encoder at stride 16, whose result also reaches
        strides 8 and 4; they run once per image, not once per click. 0 leaves them out.
    """

    size: int = 256
    width4: int = 48
    width8: int = 96
    width16: int = 160
    depth4: int = 2
    depth8: int = 2
    depth16: int = 2
    heads: int = 5
    context: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be built, or only by a damaged file."""
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            least = 0 if name == "context" else 1
            if type(value) is not int or not least <= value <= most:
                raise CheckpointError(
                    f"segnext-lite cannot have {name} = {value!r}; "
                    f"use a whole number from {least} to {most}."
                )
        if self.size % 16 or self.width16 % self.heads:
            raise CheckpointError(
                f"segnext-lite needs a size ({self.size}) divisible by 16 and "
                f"{self.width16} channels divisible by its {self.heads} heads."
            )


class _ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of B x C x H x W."""

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = super().forward(x.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class _InvertedResidual(nn.Module):
    """One EfficientNet-Lite block: expand, depthwise, project; norms folded."""

    def __init__(
        self, width: int, expansion: int, kernel: int, stride: int, out: int
    ) -> None:
        super().__init__()
        inner = width * expansion
        self.expand = nn.Conv2d(width, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = nn.Conv2d(
            inner, inner, kernel, stride, kernel // 2, groups=inner
        )
        self.project = nn.Conv2d(inner, out, 1)
        self.expands = expansion > 1
        self.residual = stride == 1 and width == out

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand(x)) if self.expands else x
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class _Encoder(nn.Module):
    """EfficientNet-Lite0 to stride 16, with outputs at strides 2, 4, 8 and 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, _STEM_WIDTH, 3, 2, 1)
        widths = [_STEM_WIDTH, *(block[3] for block in _BLOCKS)]
        self.blocks = nn.ModuleList(
            _InvertedResidual(width, *block)
            for width, block in zip(widths, _BLOCKS, strict=False)
        )

    def forward(self, image: Tensor, should_stop: Callable[[], bool]) -> list[Tensor]:
        x = F.relu6(self.stem(image))
        taps = []
        for index, block in enumerate(self.blocks):
            if should_stop():
                raise Cancelled
            x = block(x)
            if index in _TAPS:
                taps.append(x)
        return taps


class _ConvBlock(nn.Module):
    """Depthwise 7x7, norm, and a pointwise MLP, with a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = _ChannelNorm(width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.project = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x))
        return x + self.project(F.relu(self.expand(y), inplace=True))


class _AttentionBlock(nn.Module):
    """Convolutional position encoding, self-attention over all tokens, MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.position = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.attend = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 2 * width)
        self.project = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.position(x)
        batch, width, rows, cols = x.shape
        tokens = x.permute(0, 2, 3, 1).reshape(batch, rows * cols, width)
        qkv = self.qkv(self.norm1(tokens))
        qkv = qkv.reshape(batch, rows * cols, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each B x heads x N x C'
        mixed = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attend(mixed.transpose(1, 2).reshape(tokens.shape))
        inner = F.relu(self.expand(self.norm2(tokens)), inplace=True)
        tokens = tokens + self.project(inner)
        return tokens.reshape(batch, rows, cols, width).permute(0, 3, 1, 2)


def _add_below(fine: Tensor, coarse: Tensor) -> Tensor:
    """Add features of twice the stride to finer ones."""
    return fine + F.interpolate(coarse, scale_factor=2.0)


def _silence(*layers: nn.Conv2d | nn.Linear) -> None:
    """Let layers give zeros until they are trained."""
    for layer in layers:
        nn.init.zeros_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class _Context(nn.Module):
    """What the whole image tells about a pixel: attention at stride 16, passed down.

    Adds nothing when new, so that it can be put into a trained network.
    """

    def __init__(self, config: LiteConfig) -> None:
        super().__init__()
        w4, w8, w16 = config.width4, config.width8, config.width16
        blocks = [_AttentionBlock(w16, config.heads) for _ in range(config.context)]
        for block in blocks:
            _silence(block.position, block.attend, block.project)
        self.blocks16 = nn.Sequential(*blocks)
        self.up8 = nn.Conv2d(w16, w8, 1)
        self.block8 = _ConvBlock(w8)
        self.up4 = nn.Conv2d(w8, w4, 1)
        self.block4 = _ConvBlock(w4)
        _silence(self.up8, self.up4, self.block8.project, self.block4.project)

    def forward(self, x4: Tensor, x8: Tensor, x16: Tensor) -> tuple[Tensor, ...]:
        x16 = self.blocks16(x16)
        x8 = self.block8(_add_below(x8, self.up8(x16)))
        x4 = self.block4(_add_below(x4, self.up4(x8)))
        return x4, x8, x16


def _never() -> bool:
    return False


class SegNextLite(nn.Module):
    """The embedded default network. Stateless: answers depend on arguments only.

    Parameters
    ----------
    config : LiteConfig
        Sizes; the default is what the embedded weights have.
    """

    def __init__(self, config: LiteConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or LiteConfig()
        w4, w8, w16 = config.width4, config.width8, config.width16
        tap2, tap4, tap8, tap16 = (_BLOCKS[tap][3] for tap in _TAPS)
        self.encoder = _Encoder()
        # stride 2 joins at stride 4, each 2x2 pixels stacked: no stage runs at stride 2
        self.lateral4 = nn.Conv2d(tap4 + 4 * tap2, w4, 1)
        self.lateral8 = nn.Conv2d(tap8, w8, 1)
        self.lateral16 = nn.Conv2d(tap16, w16, 1)
        self.image_norms = nn.ModuleList(map(_ChannelNorm, (w4, w8, w16)))
        self.context = _Context(config) if config.context else None
        self.prompt_stem = nn.Conv2d(3, 16, 4, 2, 1)
        self.prompt4 = nn.Conv2d(16, w4, 4, 2, 1)
        self.prompt8 = nn.Conv2d(w4, w8, 2, 2)
        self.prompt16 = nn.Conv2d(w8, w16, 2, 2)
        self.prompt_norms = nn.ModuleList(map(_ChannelNorm, (w4, w8, w16)))
        self.blocks16 = nn.Sequential(
            *(_AttentionBlock(w16, config.heads) for _ in range(config.depth16))
        )
        self.up8 = nn.Conv2d(w16, w8, 1)
        self.blocks8 = nn.Sequential(*(_ConvBlock(w8) for _ in range(config.depth8)))
        self.up4 = nn.Conv2d(w8, w4, 1)
        self.blocks4 = nn.Sequential(*(_ConvBlock(w4) for _ in range(config.depth4)))
        self.norm = _ChannelNorm(w4)
        self.head = nn.Conv2d(w4, 4, 1)

    def encode(
        self, image: Tensor, should_stop: Callable[[], bool] | None = None
    ) -> tuple[Tensor, ...]:
        """Image features at strides 4, 8 and 16.

        Parameters
        ----------
        image : Tensor
            B x 3 x S x S, float, normalised; S a multiple of 16.
        should_stop : callable, optional
            Asked before every block.

        Returns
        -------
        tuple of Tensor
            B x width x S/stride x S/stride each.

        Raises
        ------
        Cancelled
            If `should_stop` became true.
        """
        image = image.contiguous(memory_format=torch.channels_last)
        x2, x4, x8, x16 = self.encoder(image, should_stop or _never)
        x4 = torch.cat([x4, F.pixel_unshuffle(x2, 2)], dim=1)
        laterals = self.lateral4(x4), self.lateral8(x8), self.lateral16(x16)
        features = tuple(
            norm(lateral)
            for norm, lateral in zip(self.image_norms, laterals, strict=True)
        )
        return features if self.context is None else self.context(*features)

    def decode(self, features: tuple[Tensor, ...], prompt_maps: Tensor) -> Tensor:
        """Logits of each prompt map on encoded images.

        Parameters
        ----------
        features : tuple of Tensor
            What :meth:`encode` returned, for one image or for B.
        prompt_maps : Tensor
            B x 3 x S x S: previous mask, positive, negative prompts.

        Returns
        -------
        Tensor
            B x 1 x S x S logits.
        """
        maps = prompt_maps.contiguous(memory_format=torch.channels_last)
        embedded = F.relu(self.prompt4(F.relu(self.prompt_stem(maps))))
        fused = []
        for index, deeper in enumerate((self.prompt8, self.prompt16, None)):
            fused.append(features[index] + self.prompt_norms[index](embedded))
            if deeper is not None:
                embedded = F.relu(deeper(embedded))
        x4, x8, x16 = fused
        x16 = self.blocks16(x16)
        x8 = self.blocks8(_add_below(x8, self.up8(x16)))
        x4 = self.blocks4(_add_below(x4, self.up4(x8)))
        logits = F.pixel_shuffle(self.head(self.norm(x4)), 2)  # B x 1 x S/2 x S/2
        return F.interpolate(logits, scale_factor=2.0, mode="bilinear")
