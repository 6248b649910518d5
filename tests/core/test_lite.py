"""segnext-lite: shapes, statelessness, and ImageNet weights with norms folded."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from napari_segnext.core.lite import LiteConfig, SegNextLite, load_imagenet_encoder
from napari_segnext.errors import Cancelled, CheckpointError


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SegNextLite(LiteConfig(size=64)).eval().requires_grad_(False)


@pytest.mark.parametrize("size", [32, 64, 96])
def test_logits_have_the_size_of_the_input(network, size):
    features = network.encode(torch.randn(1, 3, size, size))
    assert [f.shape[-1] * s for f, s in zip(features, (4, 8, 16), strict=True)] == [
        size
    ] * 3
    assert network.decode(features, torch.zeros(3, 3, size, size)).shape == (
        3,
        1,
        size,
        size,
    )


def test_prompts_are_added_to_the_features(network):
    features = network.encode(torch.randn(1, 3, 64, 64))
    nothing = network.decode(features, torch.zeros(1, 3, 64, 64))
    for channel in range(3):
        maps = torch.zeros(1, 3, 64, 64)
        maps[:, channel, 20:30, 20:30] = 1
        assert (network.decode(features, maps) - nothing).abs().max() > 1e-3


def test_encoding_stops_between_blocks(network):
    with pytest.raises(Cancelled):
        network.encode(torch.randn(1, 3, 64, 64), lambda: True)


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


@pytest.mark.parametrize(
    "settings",
    [{"heads": 0}, {"depth16": 10**9}, {"size": 100}, {"heads": 7}, {"width4": "48"}],
)
def test_senseless_sizes_are_refused(settings):
    with pytest.raises(CheckpointError, match="segnext-lite"):
        LiteConfig(**settings)
