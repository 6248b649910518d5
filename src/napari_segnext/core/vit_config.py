"""The configuration of the paper's network, as an official checkpoint carries it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from napari_segnext.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WINDOW_PX", "ViTConfig"]

WINDOW_PX = 224
_MAX_SIZE_PX = 8192
_MAX_WIDTH = 8192
_MAX_DEPTH = 256


@dataclass(frozen=True, slots=True)
class ViTConfig:
    """Widths, depths and preprocessing of the paper's SegNext.

    Parameters
    ----------
    img_size, patch_size : int
        Side of the square network input and of a patch, in pixels.
    in_chans : int
        Channels of the image; the three of RGB.
    embed_dim, depth, num_heads : int
        Width, number of blocks and attention heads of the image encoder.
    mlp_ratio, qkv_bias : float, bool
        Hidden width of the encoder's MLPs over `embed_dim`; bias of query, key, value.
    global_atten_freq : int
        Every how many blocks attention is global instead of windowed; the last block
        always is. 1 makes all of them global.
    neck_out_dims : tuple of int
        Channels of the pyramid at strides 4, 8, 16 and 32 (for 16-px patches).
    head_channels : int
        Width of the head.
    head_levels : tuple of int
        Pyramid levels the head reads, the finest first.
    fusion_depth, fusion_heads : int
        Number of self-attention blocks after the addition of image and prompt
        features (0: the addition alone), and their attention heads.
    fusion_mlp_ratio, fusion_qkv_bias : float, bool
        As `mlp_ratio` and `qkv_bias`, of the fusion blocks.
    use_disks, norm_radius : bool, int
        Clicks are disks of this radius in pixels of the network input.
    mean, std : tuple of float
        Normalisation of RGB values in 0..1.

    Raises
    ------
    CheckpointError
        If no network can be built of these values.
    """

    img_size: int = 1024
    patch_size: int = 16
    in_chans: int = 3
    embed_dim: int = 768
    depth: int = 12
    global_atten_freq: int = 3
    num_heads: int = 12
    mlp_ratio: float = 4
    qkv_bias: bool = True
    neck_out_dims: tuple[int, ...] = (128, 256, 512, 1024)
    head_channels: int = 256
    head_levels: tuple[int, ...] = (0, 1, 2, 3)
    fusion_depth: int = 1
    fusion_heads: int = 12
    fusion_mlp_ratio: float = 4
    fusion_qkv_bias: bool = True
    use_disks: bool = True
    norm_radius: int = 5
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        """Make tuples of lists and refuse what cannot be built."""
        for name in ("neck_out_dims", "head_levels", "mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for test, what in _requirements(self):
            if not test:
                raise CheckpointError(
                    f"The network's configuration cannot be used: {what}."
                )

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> ViTConfig:
        """Read the official nested `config`, or what :meth:`to_dict` returned.

        Raises
        ------
        CheckpointError
            If something is missing, unknown, or describes another architecture.
        """
        try:
            values = _flatten(config) if "params" in config else dict(config)
            unknown = set(values) - {field.name for field in fields(cls)}
            if unknown:
                raise CheckpointError(
                    f"The network's configuration has unknown entries "
                    f"({', '.join(sorted(map(str, unknown))[:4])}); "
                    "update napari-segnext, or use a checkpoint of SegNext."
                )
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise CheckpointError(
                "The network's configuration is not that of an official SegNext "
                f"checkpoint ({type(error).__name__}: {error}); use a file with "
                "'state_dict' and 'config' as the SegNext authors released them."
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and booleans, fit for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @property
    def grid(self) -> int:
        """Tokens on a side of the image."""
        return self.img_size // self.patch_size

    @property
    def windows(self) -> int:
        """Attention windows on a side: the 224 px set only their count."""
        return self.grid // max(1, WINDOW_PX // self.patch_size)

    def is_global(self, block: int) -> bool:
        """Whether block number `block`, from 0, attends to the whole image."""
        number = block + 1
        every = max(1, self.global_atten_freq)
        return number % every == 0 or number == self.depth


def _flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the official nested configuration into the fields of ViTConfig."""
    kind = str(config.get("class", "PlainVitModel")).rpartition(".")[2]
    if kind != "PlainVitModel":
        raise CheckpointError(
            f"This is a checkpoint of {kind}, not of SegNext's PlainVitModel; "
            "use one that the SegNext authors released."
        )
    params = {
        name: item["value"] if isinstance(item, dict) and "value" in item else item
        for name, item in config["params"].items()
    }
    backbone, neck = dict(params["backbone_params"]), params["neck_params"]
    head, fusion = params["head_params"], dict(params["fusion_params"])
    mean, std = params.get("norm_mean_std", (ViTConfig().mean, ViTConfig().std))
    levels = tuple(head.get("in_select_index", (0, 1, 2, 3)))
    _refuse_other_shapes(backbone, neck, head, levels)
    for name in ("img_size", "patch_size"):
        backbone[name] = _side(backbone.get(name, {"img_size": 224}.get(name, 16)))
    backbone.setdefault("global_atten_freq", 1)
    return {
        **backbone,
        "neck_out_dims": neck["out_dims"],
        "head_channels": head["out_channels"],
        "head_levels": levels,
        **_fusion(fusion, backbone["embed_dim"]),
        "use_disks": params.get("use_disks", False),
        "norm_radius": params.get("norm_radius", 5),
        "mean": mean,
        "std": std,
    }


def _fusion(fusion: dict[str, Any], embed_dim: int) -> dict[str, Any]:
    kind = fusion["type"]
    if kind in ("naive", "none", None) or not int(fusion.get("depth", 0)):
        return {"fusion_depth": 0}
    if kind != "self_attention":
        raise CheckpointError(
            f"The fusion type '{kind}' is not supported; use a checkpoint with "
            "'self_attention' (all released ones) or 'naive' fusion."
        )
    block = fusion["params"]
    if block["dim"] != embed_dim:
        raise CheckpointError(
            f"The fusion blocks are {block['dim']} wide and the image encoder "
            f"{embed_dim}; this configuration is damaged, get the file again."
        )
    return {
        "fusion_depth": int(fusion["depth"]),
        "fusion_heads": block["num_heads"],
        "fusion_mlp_ratio": block.get("mlp_ratio", 4),
        "fusion_qkv_bias": block.get("qkv_bias", False),
    }


def _refuse_other_shapes(
    backbone: Mapping[str, Any],
    neck: Mapping[str, Any],
    head: Mapping[str, Any],
    levels: tuple[int, ...],
) -> None:
    expected = [neck["out_dims"][level] for level in levels]
    if (
        neck.get("in_dim", backbone["embed_dim"]) != backbone["embed_dim"]
        or list(head.get("in_channels", expected)) != expected
        or head.get("num_classes", 1) != 1
    ):
        raise CheckpointError(
            "The encoder, neck and head of this configuration do not fit together "
            "(their widths differ, or there is more than one class); "
            "get the file again, or use another checkpoint."
        )


def _side(value: Any) -> int:
    sides = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(set(sides)) != 1:
        raise CheckpointError(
            f"The network takes images or patches of {sides} px; only square ones "
            "are supported."
        )
    return int(sides[0])


def _requirements(config: ViTConfig) -> list[tuple[bool, str]]:
    """List what must hold, with the sentence for when it does not."""
    whole = {
        "img_size": (1, _MAX_SIZE_PX),
        "patch_size": (1, _MAX_SIZE_PX),
        "embed_dim": (1, _MAX_WIDTH),
        "depth": (1, _MAX_DEPTH),
        "num_heads": (1, _MAX_WIDTH),
        "fusion_depth": (0, _MAX_DEPTH),
        "fusion_heads": (1, _MAX_WIDTH),
        "head_channels": (1, _MAX_WIDTH),
    }
    result = [
        (
            isinstance(value, int) and low <= value <= high,
            f"{name} is {value!r}, not a whole number from {low} to {high}",
        )
        for name, (low, high) in whole.items()
        for value in [getattr(config, name)]
    ]
    if not all(test for test, _ in result):
        return result  # the rest would stumble, or take for ever
    windowed = not all(config.is_global(block) for block in range(config.depth))
    heads = [config.num_heads] + [config.fusion_heads] * bool(config.fusion_depth)
    return [
        (config.in_chans == 3, "the image must have 3 channels"),
        (config.grid >= 2, "the image must be at least two patches wide"),
        (
            all(config.embed_dim % count == 0 for count in heads),
            f"{config.embed_dim} channels do not divide among {heads} heads",
        ),
        (
            len(config.neck_out_dims) == 4
            and all(0 < width <= _MAX_WIDTH for width in config.neck_out_dims),
            f"the neck needs four positive widths, not {config.neck_out_dims}",
        ),
        (
            bool(config.head_levels)
            and list(config.head_levels) == sorted(set(config.head_levels))
            and set(config.head_levels) <= {0, 1, 2, 3},
            f"the head reads levels {config.head_levels}, not some of 0 to 3 in order",
        ),
        (
            len(config.mean) == len(config.std) == 3 and all(x > 0 for x in config.std),
            "mean and std need three values each, and std positive ones",
        ),
        (
            not windowed or config.windows > 0,
            f"an image of {config.img_size} px cannot be windowed, which takes at "
            f"least {WINDOW_PX} px; use a larger image size, or global_atten_freq 1",
        ),
        (
            not windowed or config.grid % max(1, config.windows) == 0,
            f"{config.grid} tokens a side do not divide into {config.windows} "
            "windows; use another image size, or global_atten_freq 1",
        ),
    ]
