"""segnext-lite: shapes, statelessness."""

import pytest
import torch

from napari_segnext.core.lite import LiteConfig, SegNextLite
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


@pytest.mark.parametrize(
    "settings",
    [{"heads": 0}, {"depth16": 10**9}, {"size": 100}, {"heads": 7}, {"width4": "48"}],
)
def test_senseless_sizes_are_refused(settings):
    with pytest.raises(CheckpointError, match="segnext-lite"):
        LiteConfig(**settings)
