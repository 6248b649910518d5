"""The plugin's settings as the user left them in napari's Preferences."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from napari.settings import get_plugin_settings

__all__ = ["Settings", "read_settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the widget starts with; the defaults equal the manifest's.

    Parameters
    ----------
    model : str
        Name or path of the model.
    device : {"auto", "cpu", "cuda", "mps"}
        Where the network runs.
    threads : int
        CPU threads of the network; 0 leaves one core to the window.
    auto_run : bool
        Predict after every prompt.
    contrast : {"percentile", "layer"}
        What the network sees.
    """

    model: str = "segnext-lite"
    device: str = "auto"
    threads: int = 0
    auto_run: bool = True
    contrast: str = "percentile"

    @property
    def thread_count(self) -> int:
        """CPU threads to use, at least 1."""
        return self.threads or max(1, (os.cpu_count() or 2) - 1)


def read_settings() -> Settings:
    """Read the settings; without a registered plugin, the defaults."""
    try:
        stored: Any = get_plugin_settings("napari-segnext")
    except KeyError:  # a widget made by a script, the plugin not registered
        return Settings()
    return Settings(
        model=stored.inference.model,
        device=stored.inference.device,
        threads=stored.inference.threads,
        auto_run=stored.interaction.auto_run,
        contrast=stored.interaction.contrast,
    )
