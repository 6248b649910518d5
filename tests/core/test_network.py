"""The paper's network against the reference implementation's own outputs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from golden_cases import GOLDEN, golden, network
from torch.nn import functional as F

from napari_segnext.core.network import SegNext, to_map
from napari_segnext.core.vit_config import ViTConfig
from napari_segnext.errors import Cancelled, CheckpointError

CASES = ("tiny64_sax1", "tiny_sax2")
SMALL = ViTConfig(
    img_size=64,
    embed_dim=16,
    depth=2,
    num_heads=2,
    global_atten_freq=1,
    neck_out_dims=(4, 8, 8, 16),
    head_channels=8,
    fusion_heads=2,
)


def prepared_image(case: dict, config: ViTConfig) -> torch.Tensor:
    image = torch.from_numpy(case["image"]).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (config.mean, config.std))
    size = (config.img_size, config.img_size)
    return F.interpolate((image - mean) / std, size, mode="bilinear")


def prompt_map_of(case: dict, click: int, previous: torch.Tensor, side: int):
    maps = torch.zeros(1, 3, side, side)
    maps[:, :1] = F.interpolate(previous, (side, side), mode="bilinear")
    rows, cols = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    points = case[f"points_resized{click}"][0]
    for number, (row, col, order) in enumerate(points):
        if order >= 0:
            channel = 1 if number < len(points) // 2 else 2
            maps[0, channel][(rows - row) ** 2 + (cols - col) ** 2 <= 25] = 1
    return maps


def assert_close(actual: torch.Tensor, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual.detach().numpy() - expected).max() < 1e-4


@pytest.mark.parametrize("name", CASES)
def test_image_features_are_those_of_the_reference(name):
    case = golden(name)
    net = network(case)
    (features,) = net.encode(prepared_image(case, net.config))
    assert_close(to_map(features), case["image_feats"])


@pytest.mark.parametrize("name", CASES)
def test_every_stage_of_every_click_is_that_of_the_reference(name):
    case = golden(name)
    net = network(case)
    features = net.encode(prepared_image(case, net.config))
    shape = case["image"].shape[:2]
    previous = torch.zeros(1, 1, *shape)
    for click in range(len(case["clicks"])):
        maps = prompt_map_of(case, click, previous, net.config.img_size)
        prompt = net.embed_prompts(maps)
        fused = net.fuse(features[0], prompt)
        pyramid = net.neck(fused[0])
        assert_close(to_map(prompt), case[f"prompt_feats{click}"])
        assert_close(to_map(fused), case[f"fused{click}"])
        if click == 0:
            for level, every in enumerate((4, 2, 1, 1)):
                kept = pyramid[level][::every, ::every].permute(2, 0, 1)[None]
                assert_close(kept, case[f"pyramid{level}"])
        assert_close(net.head(pyramid), case[f"head_logits{click}"])
        logits = F.interpolate(net.decode(features, maps), shape, mode="bilinear")
        assert_close(logits, case[f"logits{click}"])
        previous = logits.sigmoid()
        assert_close(previous[0, 0], case[f"prob{click}"])


@pytest.mark.parametrize("name", ["vitb_sax1", "vitb_sax2"])
def test_keys_and_shapes_are_those_of_the_official_checkpoints(name):
    config = json.loads((GOLDEN / f"{name}_config.json").read_text())
    keys = json.loads((GOLDEN / f"{name}_keys.json").read_text())
    with torch.device("meta"):
        net = SegNext(ViTConfig.from_dict(config))
    assert {k: list(v.shape) for k, v in net.state_dict().items()} == keys


def test_parameter_counts_are_the_published_ones():
    counts = []
    for depth in (1, 2):
        with torch.device("meta"):
            net = SegNext(ViTConfig(fusion_depth=depth))
        counts.append(sum(parameter.numel() for parameter in net.parameters()))
    assert counts == [106_701_761, 113_789_633]


def test_answers_do_not_depend_on_what_was_asked_before():
    case = golden("tiny64_sax1")
    net = network(case)
    image = prepared_image(case, net.config)
    first = prompt_map_of(case, 0, torch.zeros(1, 1, 8, 8), 64)
    second = prompt_map_of(case, 2, torch.ones(1, 1, 8, 8), 64)
    features = net.encode(image)
    kept = [feature.clone() for feature in features]
    answer = net.decode(features, first)
    net.decode(features, second)
    net.encode(-image)
    assert torch.equal(net.decode(features, first), answer)
    assert all(map(torch.equal, features, kept))


def test_objects_decoded_together_equal_objects_decoded_alone():
    case = golden("tiny64_sax1")
    net = network(case)
    features = net.encode(prepared_image(case, net.config))
    maps = torch.cat(
        [prompt_map_of(case, i, torch.zeros(1, 1, 8, 8), 64) for i in range(3)]
    )
    together = net.decode(features, maps)
    alone = torch.cat([net.decode(features, part[None]) for part in maps])
    assert together.shape == (3, 1, 64, 64)
    assert torch.allclose(together, alone, atol=1e-5)


def test_prompt_features_of_touched_patches_equal_the_plain_convolution():
    net = SegNext(SMALL)
    maps = torch.zeros(2, 3, 64, 64)
    maps[0, 1, 20:31, 10:21] = 1
    maps[1, 0] = torch.rand(64, 64)
    plain = net.visual_prompts_encoder(maps)
    assert torch.allclose(net.embed_prompts(maps), plain, atol=1e-6)


def test_encoding_asks_before_every_block_and_can_be_given_up():
    net = SegNext(SMALL)
    image = torch.zeros(1, 3, 64, 64)
    asked = []
    net.encode(image, should_stop=lambda: bool(asked.append(1)))
    assert len(asked) == 1 + SMALL.depth
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        net.encode(image, should_stop=lambda: next(answers))


@pytest.mark.parametrize(
    ("changes", "global_blocks"),
    [
        ({"depth": 6, "global_atten_freq": 3}, [2, 5]),
        ({"depth": 5, "global_atten_freq": 3}, [2, 4]),
        ({"depth": 3, "global_atten_freq": 4}, [2]),
        ({"depth": 3, "global_atten_freq": 1}, [0, 1, 2]),
        ({"depth": 3, "global_atten_freq": 0}, [0, 1, 2]),
    ],
)
def test_global_blocks_are_every_nth_and_the_last(changes, global_blocks):
    config = replace(SMALL, img_size=224, **changes)
    found = [i for i in range(config.depth) if config.is_global(i)]
    assert found == global_blocks


@pytest.mark.parametrize(
    ("img_size", "count", "tokens"), [(1024, 4, 16), (512, 2, 16), (448, 2, 14)]
)
def test_the_224_px_window_sets_only_the_count(img_size, count, tokens):
    config = ViTConfig(img_size=img_size)
    assert (config.windows, config.grid // config.windows) == (count, tokens)


def test_windowed_attention_sees_its_window_only():
    config = replace(SMALL, img_size=448, depth=2, global_atten_freq=2, fusion_depth=0)
    net = SegNext(config)
    image = torch.zeros(1, 3, 448, 448)
    changed = image.clone()
    changed[..., 224:, 224:] = 1
    seen = []
    handle = net.backbone.blocks[0].register_forward_hook(
        lambda module, inputs, output: seen.append(output)
    )
    net.encode(image)
    net.encode(changed)
    handle.remove()
    assert seen[0].shape == (4, 14 * 14, config.embed_dim)
    differs = [not torch.equal(a, b) for a, b in zip(*seen, strict=True)]
    assert differs == [False, False, False, True]


@pytest.mark.parametrize("levels", [(0, 1, 2, 3), (1, 2), (0,)])
@pytest.mark.parametrize("fusion_depth", [0, 2])
def test_other_heads_and_fusions_give_logits_of_the_input_size(levels, fusion_depth):
    net = SegNext(replace(SMALL, head_levels=levels, fusion_depth=fusion_depth))
    features = net.encode(torch.rand(1, 3, 64, 64))
    logits = net.decode(features, torch.rand(2, 3, 64, 64))
    assert logits.shape == (2, 1, 64, 64)
    assert bool(logits.isfinite().all())


def test_an_odd_number_of_patches_and_a_rest_are_cut_off():
    net = SegNext(replace(SMALL, img_size=90))
    features = net.encode(torch.rand(1, 3, 90, 90))
    assert features[0].shape == (1, 25, 16)
    pyramid = net.neck(net.fuse(features[0], torch.zeros(1, 25, 16))[0])
    assert [level.shape[1] for level in pyramid] == [20, 10, 5, 2]
    assert net.decode(features, torch.rand(1, 3, 90, 90)).shape == (1, 1, 90, 90)


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"must be \(B, 3, 64, 64\)"):
        SegNext(SMALL).encode(torch.zeros(1, 3, 32, 64))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"img_size": 160, "global_atten_freq": 2, "depth": 4}, "cannot be windowed"),
        ({"img_size": 800, "global_atten_freq": 2, "depth": 4}, "do not divide into"),
        ({"num_heads": 3}, "do not divide among"),
        ({"depth": 0}, "depth is 0"),
        ({"depth": 10**9}, "depth is 1000000000, not"),
        ({"embed_dim": 16.5}, "not a whole number"),
        ({"in_chans": 1}, "3 channels"),
        ({"neck_out_dims": (4, 8)}, "four positive widths"),
        ({"head_levels": (1, 0)}, "in order"),
        ({"std": (1, 0, 1)}, "positive"),
        ({"img_size": 16}, "two patches"),
    ],
)
def test_configurations_that_cannot_be_built_say_why(changes, message):
    with pytest.raises(CheckpointError, match=message):
        replace(SMALL, **changes)


def test_a_plain_configuration_survives_its_dictionary():
    config = replace(SMALL, fusion_depth=2, norm_radius=3)
    assert ViTConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def edited(**changes):
    config = json.loads((GOLDEN / "vitb_sax2_config.json").read_text())
    for name, change in changes.items():
        config["params"][name]["value"].update(change)
    return config


def test_an_official_configuration_is_read_whole():
    assert ViTConfig.from_dict(edited()) == ViTConfig(fusion_depth=2)


def test_naive_fusion_means_no_blocks():
    config = edited(fusion_params={"type": "naive"})
    assert ViTConfig.from_dict(config).fusion_depth == 0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (edited(fusion_params={"type": "cross_attention"}), "not supported"),
        (edited(neck_params={"in_dim": 512}), "do not fit together"),
        (edited(head_params={"num_classes": 2}), "do not fit together"),
        (edited(backbone_params={"img_size": [512, 256]}), "square"),
        (edited(backbone_params={"dropout": 1}), "unknown entries"),
        ({"class": "a.HRNetModel", "params": {}}, "not of SegNext"),
        ({"params": {}}, "not that of an official"),
        ({"params": None}, "not that of an official"),
        ({"depth": "many"}, "not a whole number"),
    ],
)
def test_other_configurations_are_refused_with_a_reason(config, message):
    with pytest.raises(CheckpointError, match=message):
        ViTConfig.from_dict(config)
