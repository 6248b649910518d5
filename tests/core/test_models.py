"""Weights files: what is read, what is refused, and that nothing is executed."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from golden_cases import golden, official_config, save_official, state_dict
from safetensors.torch import save_file

from napari_segnext.core import checkpoints, models
from napari_segnext.core.checkpoints import save_safetensors
from napari_segnext.core.lite import LiteConfig, SegNextLite
from napari_segnext.core.models import list_models, load_model
from napari_segnext.core.network import SegNext
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.core.vit_config import ViTConfig
from napari_segnext.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

SMALL_LITE = {"width4": 8, "width8": 8, "width16": 16, "heads": 2, "size": 64}
CARD = {
    "name": "small",
    "threshold": 0.5,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "style": {"click_radius": 3, "box": "outline"},
    "licence": "BSD-3-Clause",
}


@pytest.fixture(scope="module")
def case():
    return golden("tiny64_sax1")


@pytest.fixture
def official(tmp_path, case) -> Path:
    return save_official(tmp_path / "tiny.pth", case)


@pytest.fixture
def lite_file(tmp_path) -> Path:
    path = tmp_path / "small.safetensors"
    network = SegNextLite(LiteConfig(**SMALL_LITE))
    save_safetensors(path, network, kind="lite", config=SMALL_LITE, model=CARD)
    return path


def damaged(path: Path, case, **changes) -> Path:
    content = {"state_dict": state_dict(case), "config": official_config(case)}
    content.update(changes)
    torch.save(content, path)
    return path


def test_an_official_checkpoint_is_loaded_as_it_is(official, case):
    model = load_model(official)
    assert (model.name, model.kind, model.size) == ("tiny", "vit", 64)
    assert (model.threshold, model.default_window) == (0.49, "whole")
    assert model.style == PromptStyle(click_radius=5)
    assert model.mean == pytest.approx((0.485, 0.456, 0.406))
    assert model.std == pytest.approx((0.229, 0.224, 0.225))
    assert model.digest == hashlib.sha256(official.read_bytes()).hexdigest()
    assert ViTConfig.from_dict(model.config).embed_dim == 32
    assert not model.network.training
    weights = model.network.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in state_dict(case).items())
    assert not any(p.requires_grad for p in model.network.parameters())


def test_half_precision_weights_become_single_on_the_cpu(tmp_path, case):
    half = {key: value.half() for key, value in state_dict(case).items()}
    model = load_model(damaged(tmp_path / "half.pth", case, state_dict=half))
    assert {p.dtype for p in model.network.parameters()} == {torch.float32}


def test_our_file_gives_back_network_config_and_style(lite_file):
    model = load_model(str(lite_file))
    assert (model.kind, model.size, model.default_window) == ("lite", 64, "auto")
    assert model.style == PromptStyle(click_radius=3, box="outline")
    assert (model.threshold, model.mean, model.std[0]) == (0.5, (0.5, 0.5, 0.5), 0.25)
    assert model.config == SMALL_LITE
    features = model.network.encode(torch.rand(1, 3, 64, 64))
    logits = model.network.decode(features, torch.zeros(2, 3, 64, 64))
    assert logits.shape == (2, 1, 64, 64)
    assert not logits.requires_grad


def test_the_papers_network_can_be_saved_as_safetensors_too(tmp_path, official):
    model = load_model(official)
    path = tmp_path / "own.safetensors"
    save_safetensors(path, model.network, kind="vit", config=model.config, model=CARD)
    again = load_model(path)
    assert (again.kind, again.threshold, again.config) == ("vit", 0.5, model.config)
    for key, value in model.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[key], value.half().float())


def test_saving_replaces_whole_files_and_leaves_nothing_else(lite_file):
    before = lite_file.read_bytes()
    network = SegNextLite(LiteConfig(**SMALL_LITE))
    save_safetensors(lite_file, network, kind="lite", config=SMALL_LITE, model=CARD)
    assert lite_file.read_bytes() != before
    assert [path.name for path in lite_file.parent.iterdir()] == [lite_file.name]


def test_weights_too_large_for_half_precision_are_not_saved(tmp_path):
    network = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, 1e6)
    path = tmp_path / "large.safetensors"
    with pytest.raises(CheckpointError, match="half precision"):
        save_safetensors(path, network, kind="lite", config={}, model={})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    path = tmp_path / "missing" / "a.safetensors"
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_safetensors(path, torch.nn.Linear(1, 1), kind="vit", config={}, model={})


class _CreatesAFile:
    """A pickle of this would create a file when it is opened carelessly."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("write", [torch.save, lambda x, p: p.write_bytes(_dumps(x))])
@pytest.mark.parametrize("suffix", ["pth", "safetensors", "bin"])
def test_code_in_a_checkpoint_is_never_run(tmp_path, case, write, suffix):
    trace = tmp_path / "trace"
    path = tmp_path / f"evil.{suffix}"
    content = {"state_dict": _CreatesAFile(trace), "config": official_config(case)}
    write(content, path)
    with pytest.raises(CheckpointError):
        load_model(path)
    assert not trace.exists()


def _dumps(content: object) -> bytes:
    return pickle.dumps(content, protocol=2)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_named_as_such(tmp_path, zipped):
    path = tmp_path / "evil.pth"
    content = {"state_dict": _CreatesAFile(tmp_path / "x"), "config": {}}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="could run code"):
        load_model(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.98])
def test_a_truncated_checkpoint_is_refused(official, part):
    content = official.read_bytes()
    official.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(CheckpointError, match=r"'tiny.pth' cannot be used.*damaged"):
        load_model(official)


@pytest.mark.parametrize("size", [4, 100, -5])
def test_a_truncated_safetensors_file_is_refused(lite_file, size):
    lite_file.write_bytes(lite_file.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"'small.safetensors'.*damaged"):
        load_model(lite_file)


@pytest.mark.parametrize("suffix", ["pth", "safetensors", "png"])
@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n", b"hello", bytes(300)])
def test_files_of_another_kind_are_refused(tmp_path, suffix, content):
    path = tmp_path / f"wrong.{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(path)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_an_empty_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"empty.{suffix}"
    path.touch()
    with pytest.raises(CheckpointError, match="is empty"):
        load_model(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="is a folder"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["vitb_sax3", "no/such/file.pth", "a\0b", "x" * 9999])
def test_an_unknown_name_lists_the_models(name):
    with pytest.raises(CheckpointError, match="vitb_sax2_hq"):
        load_model(name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": None}, "not an official SegNext checkpoint"),
        ({"state_dict": 3}, "not an official SegNext checkpoint"),
        ({"config": {"params": {}}}, "configuration is not that"),
        ({"state_dict": {}}, r"missing: backbone.pos_embed, .* and \d+ more"),
    ],
)
def test_other_contents_are_refused(tmp_path, case, changes, message):
    with pytest.raises(CheckpointError, match=message):
        load_model(damaged(tmp_path / "other.pth", case, **changes))


def test_a_bare_state_dict_is_refused(tmp_path, case):
    path = tmp_path / "bare.pth"
    torch.save(state_dict(case), path)
    with pytest.raises(CheckpointError, match="'state_dict' and 'config'"):
        load_model(path)


def test_keys_and_shapes_that_differ_are_named(tmp_path, case):
    weights = state_dict(case)
    weights["head.extra"] = weights.pop("head.seg_conv.bias")
    weights["neck.down_4.0.bias"] = torch.zeros(3)
    weights["backbone.fc_norm.bias"] = "text"
    with pytest.raises(CheckpointError) as caught:
        load_model(damaged(tmp_path / "other.pth", case, state_dict=weights))
    message = str(caught.value)
    assert "missing: head.seg_conv.bias" in message
    assert "unexpected: head.extra" in message
    assert "not weights: backbone.fc_norm.bias" in message
    assert "neck.down_4.0.bias is (3,) instead of (16,)" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, case, value):
    weights = state_dict(case)
    weights["head.seg_conv.bias"] = torch.tensor([value])
    path = damaged(tmp_path / "nan.pth", case, state_dict=weights)
    with pytest.raises(CheckpointError, match=r"not finite \(head.seg_conv.bias\)"):
        load_model(path)


def test_clicks_as_distance_maps_are_refused(tmp_path, case):
    config = official_config(case)
    config["params"]["use_disks"]["value"] = False
    path = damaged(tmp_path / "maps.pth", case, config=config)
    with pytest.raises(CheckpointError, match="use_disks"):
        load_model(path)


def test_windows_of_a_small_image_are_refused(tmp_path, case):
    config = official_config(case)
    config["params"]["backbone_params"]["value"]["global_atten_freq"] = 2
    path = damaged(tmp_path / "windows.pth", case, config=config)
    with pytest.raises(CheckpointError, match="64 px cannot be windowed"):
        load_model(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "not made by napari-segnext"),
        ({"config": "{"}, "metadata cannot be understood"),
        ({"config": "[]"}, "metadata cannot be understood"),
        ({"config": json.dumps({"breadth": 3})}, "metadata cannot be understood"),
        ({"config": json.dumps({**SMALL_LITE, "width16": -1})}, "width16 = -1"),
        ({"kind": "cnn"}, "metadata cannot be understood"),
        ({"kind": "vit"}, "unknown entries"),
        ({"model": json.dumps({**CARD, "threshold": 2})}, "threshold 2"),
        ({"model": json.dumps({**CARD, "mean": [0]})}, "metadata cannot be understood"),
        ({"model": json.dumps({**CARD, "style": {"box": "x"}})}, "metadata cannot be"),
        ({"config": json.dumps({**SMALL_LITE, "width4": 16})}, "of another shape"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path, changes, message):
    weights = SegNextLite(LiteConfig(**SMALL_LITE)).state_dict()
    metadata = {
        "format": "napari-segnext",
        "kind": "lite",
        "config": json.dumps(SMALL_LITE),
        "model": json.dumps(CARD),
    }
    path = tmp_path / "other.safetensors"
    save_file(weights, path, {**metadata, **changes})
    with pytest.raises(CheckpointError, match=message):
        load_model(path)


def test_safetensors_without_metadata_are_refused(tmp_path):
    path = tmp_path / "bare.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="not made by napari-segnext"):
        load_model(path)


def test_official_weights_that_are_missing_say_where_to_put_them(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_SEGNEXT_MODELS", str(tmp_path))
    monkeypatch.setattr(models, "user_data_path", lambda *_, **__: tmp_path / "data")
    with pytest.raises(CheckpointError) as caught:
        load_model("vitb_sax2")
    message = str(caught.value)
    assert "vitb_sa2_cocolvis_epoch_90.pth" in message
    assert str(tmp_path / "data" / "models") in message
    assert "NAPARI_SEGNEXT_MODELS" in message
    info = {info.name: info for info in list_models()}["vitb_sax2"]
    assert not info.available
    assert info.path is None
    assert info.size_bytes > 400_000_000


@pytest.mark.parametrize("place", ["variable", "data"])
def test_official_weights_are_found_by_name(monkeypatch, tmp_path, case, place):
    monkeypatch.setattr(models, "user_data_path", lambda *_, **__: tmp_path / "data")
    named = tmp_path / "named"
    folder = named if place == "variable" else tmp_path / "data" / "models"
    monkeypatch.setenv("NAPARI_SEGNEXT_MODELS", f"{tmp_path}{models.os.pathsep}{named}")
    folder.mkdir(parents=True)
    path = save_official(folder / "vitb_sa1_cocolvis_epoch_90.pth", case)
    info = {info.name: info for info in list_models()}["vitb_sax1"]
    assert (info.path, info.size_bytes) == (path, path.stat().st_size)
    assert load_model("vitb_sax1").name == "vitb_sax1"


def test_models_are_listed_by_name_with_their_licences():
    infos = list_models()
    assert [info.name for info in infos] == [
        "segnext-lite",
        "vitb_sax1",
        "vitb_sax2",
        "vitb_sax2_hq",
    ]
    assert infos[0].licence == "BSD-3-Clause"
    assert all("non-commercial" in info.licence for info in infos[1:])


def test_listing_models_imports_no_torch():
    code = (
        "import sys, napari_segnext as ns; ns.list_models();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_is_read_from_the_package_when_weights_are_embedded(
    monkeypatch, tmp_path, lite_file
):
    (tmp_path / "weights").mkdir()
    lite_file.rename(tmp_path / "weights" / "segnext-lite.safetensors")
    monkeypatch.setattr(models.resources, "files", lambda package: tmp_path)
    assert load_model().name == "segnext-lite"


def test_missing_embedded_weights_ask_to_reinstall(monkeypatch, tmp_path):
    monkeypatch.setattr(models.resources, "files", lambda package: tmp_path)
    with pytest.raises(CheckpointError, match="reinstall"):
        load_model("segnext-lite")


def test_a_file_that_cannot_be_opened_is_named(monkeypatch, official):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints.Path, "open", refuse)
    with pytest.raises(CheckpointError, match="Permission denied"):
        load_model(official)


def test_building_a_network_on_no_device_keeps_torch_light():
    code = (
        "import sys, torch\n"
        "from napari_segnext.core.network import SegNext, ViTConfig\n"
        "with torch.device('meta'): SegNext(ViTConfig())\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert SegNext.__name__ == "SegNext"
