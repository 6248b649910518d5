"""The manifest: valid, importable, and what napari makes of it."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest

from napari_segnext.samples import load_sample
from napari_segnext.widget.actions import ACTIONS
from napari_segnext.widget.settings import Settings, read_settings

ROOT = Path(__file__).parents[1]


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-segnext")


@pytest.fixture
def registered(npe2pm, plugin_settings, manifest):
    npe2pm.register(manifest)
    return npe2pm


def test_everything_named_in_the_manifest_can_be_imported(manifest) -> None:
    manifest.validate_imports()


def test_the_root_has_the_same_manifest() -> None:
    package = ROOT / "src" / "napari_segnext" / "napari.yaml"
    assert (ROOT / "napari.yaml").read_bytes() == package.read_bytes()


def test_there_is_one_widget_named_segnext_that_asks_for_the_viewer(
    registered, manifest
) -> None:
    (widget,) = manifest.contributions.widgets
    assert widget.display_name == "SegNext"
    parameters = inspect.signature(widget.get_callable().__init__).parameters
    assert "napari_viewer" in parameters


def test_the_widget_is_in_the_segment_menu(manifest) -> None:
    (entry,) = manifest.contributions.menus["napari/layers/segment"]
    assert entry.command == "napari-segnext.widget"


def test_every_action_is_a_palette_command(manifest) -> None:
    commands = {command.id for command in manifest.contributions.commands}
    assert {f"napari-segnext.{name}" for name in ACTIONS} <= commands


def test_settings_have_the_defaults_of_the_widget(registered) -> None:
    assert read_settings() == Settings()


def test_settings_of_the_user_are_read(registered) -> None:
    stored = get_plugin_settings("napari-segnext")
    stored.inference.threads = 3
    stored.interaction.auto_run = False
    settings = read_settings()
    assert settings.thread_count == 3
    assert settings.auto_run is False


def test_settings_of_an_unregistered_plugin_are_the_defaults(
    npe2pm, plugin_settings
) -> None:
    assert read_settings() == Settings()


@pytest.mark.parametrize(("key", "shape"), [("nuclei_3d", 3), ("nuclei_2d", 2)])
def test_samples_open_with_scale_units_and_axis_labels(
    registered, key: str, shape: int
) -> None:
    from napari.components import ViewerModel

    viewer = ViewerModel()
    (layer,) = viewer.open_sample("napari-segnext", key)
    sample = load_sample(key)
    assert layer.ndim == shape
    assert tuple(layer.scale) == sample.metadata["scale"]
    assert layer.axis_labels == sample.metadata["axis_labels"]
    assert [str(unit) for unit in layer.units] == [
        {"um": "micrometer"}.get(unit, unit) for unit in sample.metadata["units"]
    ]


@pytest.mark.parametrize("key", ["nuclei_3d", "nuclei_2d"])
def test_samples_have_ground_truth(key: str) -> None:
    sample = load_sample(key)
    assert sample.image.shape == sample.labels.shape
    assert len(np.unique(sample.labels)) > 20
    inside = sample.image[sample.labels > 0].mean()
    assert inside > 1.3 * sample.image[sample.labels == 0].mean()
