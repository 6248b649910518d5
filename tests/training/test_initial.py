"""ImageNet weights go into the encoder with their norms folded."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from napari_segnext.core.lite import LiteConfig, SegNextLite
from napari_segnext.core.models import load_model
from napari_segnext.errors import CheckpointError
from napari_segnext.training.initial import initial_model, load_imagenet_encoder


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SegNextLite(LiteConfig(size=64)).eval().requires_grad_(False)


def test_imagenet_weights_are_folded_exactly(network):
    torch.manual_seed(1)
    conv = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
    norm = nn.BatchNorm2d(32, eps=1e-3)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    norm.weight.data.normal_()
    norm.bias.data.normal_()
    state = {"_conv_stem.weight": conv.weight}
    state |= {f"_bn0.{key}": value for key, value in norm.state_dict().items()}
    for index, block in enumerate(network.encoder.blocks):
        parts = [("_depthwise_conv", "_bn1", block.depthwise)]
        parts.append(("_project_conv", "_bn2", block.project))
        if block.expands:
            parts.append(("_expand_conv", "_bn0", block.expand))
        for name, norm_name, module in parts:
            prefix = f"_blocks.{index}."
            width = module.out_channels
            state[f"{prefix}{name}.weight"] = module.weight
            for key in ("weight", "running_var"):
                state[f"{prefix}{norm_name}.{key}"] = torch.ones(width)
            for key in ("bias", "running_mean"):
                state[f"{prefix}{norm_name}.{key}"] = torch.zeros(width)
    other = SegNextLite(LiteConfig(size=64)).eval()
    load_imagenet_encoder(other, state)
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = F.relu6(norm.eval()(conv(image)))
        torch.testing.assert_close(
            F.relu6(other.encoder.stem(image)), expected, atol=1e-5, rtol=1e-4
        )


def test_training_can_go_on_from_the_embedded_model():
    model = load_model("segnext-lite")
    initial = initial_model("segnext-lite")
    assert all(parameter.requires_grad for parameter in initial.network.parameters())
    assert (initial.style, initial.mean) == (model.style, model.mean)
    assert initial.digest == model.digest


def test_training_cannot_begin_from_nothing():
    with pytest.raises(CheckpointError):
        initial_model("no-such-model")
