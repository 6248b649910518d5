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


def test_new_context_blocks_add_nothing_and_trained_ones_look_far():
    torch.manual_seed(1)
    plain = SegNextLite(LiteConfig(size=64, context=0)).eval()
    fresh = SegNextLite(LiteConfig(size=64, context=2)).eval()
    fresh.load_state_dict(plain.state_dict(), strict=False)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = plain.encode(image)
        for one, other in zip(before, fresh.encode(image), strict=True):
            torch.testing.assert_close(one, other)
        torch.nn.init.normal_(fresh.context.blocks16[0].attend.weight)
        torch.nn.init.normal_(fresh.context.up8.weight)
        x4, x8, x16 = before
        one = fresh.context(x4, x8, x16)[1]
        x16 = x16.clone()
        x16[..., 0, 0] = torch.randn(x16.shape[1])  # one corner
        other = fresh.context(x4, x8, x16)[1]
    assert (one - other)[..., -1, -1].abs().max() > 1e-4  # the opposite one


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
