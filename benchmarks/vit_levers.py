"""How much faster the paper's network is here than written down plainly.

Both run on the same random weights, in the same process, in turns; the medians and
their ratio are printed with the largest difference of the answers.

    python benchmarks/vit_levers.py
    python benchmarks/vit_levers.py --size 256 --depth 2 --width 64 --heads 4
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_segnext.core.network import SegNext, to_map
from napari_segnext.core.vit_config import ViTConfig

if TYPE_CHECKING:
    from collections.abc import Callable

Weights = dict[str, Tensor]


class Plain:
    """SegNext as the paper's figures have it, step by step, on maps (B, C, H, W)."""

    def __init__(self, config: ViTConfig, weights: Weights):
        self.config = config
        self.weights = weights

    def encode(self, image: Tensor) -> Tensor:
        config, w = self.config, self.weights
        x = self.convolve(image, "backbone.patch_embed.proj", config.patch_size)
        x = x.flatten(2).transpose(1, 2) + w["backbone.pos_embed"][:, 1:]
        for index in range(config.depth):
            name = f"backbone.blocks.{index}"
            if config.is_global(index):
                x = self.block(x, name, config.num_heads, 1e-6)
            else:
                x = self.windows(x)
                x = self.block(x, name, config.num_heads, 1e-6)
                x = self.image(x)
        return x.transpose(1, 2).reshape(1, -1, config.grid, config.grid)

    def decode(self, image_map: Tensor, prompt_map: Tensor) -> Tensor:
        config = self.config
        prompt = self.convolve(
            prompt_map, "visual_prompts_encoder.proj", config.patch_size
        )
        x = (image_map + prompt).flatten(2).transpose(1, 2)
        for index in range(config.fusion_depth):
            x = self.block(x, f"fusion_blocks.{index}", config.fusion_heads, 1e-5)
        x = x.transpose(1, 2).reshape(1, -1, config.grid, config.grid)
        logits = self.head(self.neck(x))
        size = (config.img_size, config.img_size)
        return F.interpolate(logits, size, mode="bilinear", align_corners=True)

    def block(self, x: Tensor, name: str, heads: int, eps: float) -> Tensor:
        x = x + self.attend(self.normalise(x, f"{name}.norm1", eps), name, heads)
        hidden = self.linear(self.normalise(x, f"{name}.norm2", eps), f"{name}.mlp.fc1")
        return x + self.linear(F.gelu(hidden), f"{name}.mlp.fc2")

    def attend(self, x: Tensor, name: str, heads: int) -> Tensor:
        batch, tokens, width = x.shape
        qkv = self.linear(x, f"{name}.attn.qkv")
        qkv = qkv.reshape(batch, tokens, 3, heads, width // heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        scores = (query @ key.transpose(-2, -1)) * (width // heads) ** -0.5
        x = (scores.softmax(dim=-1) @ value).transpose(1, 2)
        return self.linear(x.reshape(batch, tokens, width), f"{name}.attn.proj")

    def neck(self, x: Tensor) -> list[Tensor]:
        quarter = self.enlarge(x, "neck.down_4.0")
        quarter = F.gelu(self.group_norm(quarter, "neck.down_4.1"))
        quarter = self.enlarge(quarter, "neck.down_4.3")
        quarter = self.group_norm(quarter, "neck.down_4.4")
        half = self.group_norm(self.enlarge(x, "neck.down_8.0"), "neck.down_8.1")
        double = self.convolve(x, "neck.down_32.0", 2)
        double = self.group_norm(double, "neck.down_32.1")
        return [
            self.finish(quarter, "neck.down_4", 5),
            self.finish(half, "neck.down_8", 2),
            self.finish(x, "neck.down_16", 0),
            self.finish(double, "neck.down_32", 2),
        ]

    def finish(self, x: Tensor, name: str, number: int) -> Tensor:
        x = self.convolve(x, f"{name}.{number}")
        return F.gelu(self.group_norm(x, f"{name}.{number + 1}"))

    def head(self, pyramid: list[Tensor]) -> Tensor:
        size = pyramid[0].shape[2:]
        levels = [
            F.interpolate(
                F.relu(self.convolve(level, f"head.convs.{index}.conv")),
                size,
                mode="bilinear",
            )
            for index, level in enumerate(pyramid)
        ]
        x = F.relu(self.convolve(torch.cat(levels, dim=1), "head.fusion_conv.conv"))
        return self.convolve(x, "head.seg_conv")

    def windows(self, x: Tensor) -> Tensor:
        count, side = self.config.windows, self.config.grid // self.config.windows
        x = x.reshape(count, side, count, side, -1)
        return x.transpose(1, 2).reshape(count * count, side * side, -1)

    def image(self, x: Tensor) -> Tensor:
        count, side = self.config.windows, self.config.grid // self.config.windows
        x = x.reshape(count, count, side, side, -1)
        return x.transpose(1, 2).reshape(1, self.config.grid**2, -1)

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def convolve(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.conv2d(x, weight, bias, stride=stride)

    def enlarge(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.conv_transpose2d(x, weight, bias, stride=2)

    def normalise(self, x: Tensor, name: str, eps: float) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.layer_norm(x, x.shape[-1:], weight, bias, eps)

    def group_norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.group_norm(x, 1, weight, bias)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(
    what: str, plain: Callable[[], Tensor], ours: Callable[[], Tensor], repeats: int
) -> str:
    """Time both in turns and return a line of the table."""
    error = (plain() - ours()).abs().max().item()  # warms both up, too
    times = [(seconds(plain), seconds(ours)) for _ in range(repeats)]
    slow, fast = (median(column) for column in zip(*times, strict=True))
    return f"| {what} | {slow:.3f} s | {fast:.3f} s | {slow / fast:.2f} | {error:.1e} |"


def prompt_map(size: int) -> Tensor:
    """Draw a previous mask that is nowhere quite zero, and a disk of either kind."""
    rows, cols = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    middle = size // 2
    distance = ((rows - middle) ** 2 + (cols - middle) ** 2).sqrt()
    maps = torch.zeros(1, 3, size, size)
    maps[0, 0] = torch.sigmoid((size / 4 - distance) / size * 40)
    maps[0, 1] = distance <= 5
    maps[0, 2] = (rows - 20) ** 2 + (cols - middle) ** 2 <= 25
    return maps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, help="input side in pixels")
    parser.add_argument("--depth", type=int, default=12, help="encoder blocks")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--fusion", type=int, nargs="+", default=[1, 2], help="blocks")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    image = torch.randn(1, 3, options.size, options.size)
    maps = prompt_map(options.size)
    first_click = maps.clone()
    first_click[:, 0] = 0
    lines = ["| step | plain | ours | ratio | max abs error |", "|---|---|---|---|---|"]
    for number, fusion_depth in enumerate(options.fusion):
        config = ViTConfig(
            img_size=options.size,
            depth=options.depth,
            embed_dim=options.width,
            num_heads=options.heads,
            fusion_depth=fusion_depth,
            fusion_heads=options.heads,
        )
        network = SegNext(config).eval()
        plain = Plain(config, dict(network.state_dict()))
        with torch.inference_mode():
            features = network.encode(image)
            image_map = to_map(features[0])
            if number == 0:
                lines.append(
                    measure(
                        "encode",
                        lambda plain=plain: plain.encode(image),
                        lambda network=network: to_map(network.encode(image)[0]),
                        options.repeats,
                    )
                )
            for what, given in (("first click", first_click), ("later click", maps)):
                lines.append(
                    measure(
                        f"{what}, {fusion_depth} fusion blocks",
                        lambda plain=plain, x=image_map, given=given: plain.decode(
                            x, given
                        ),
                        lambda network=network, x=features, given=given: network.decode(
                            x, given
                        ),
                        options.repeats,
                    )
                )
    print(f"torch {torch.__version__}, {options.threads} threads, {options}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
