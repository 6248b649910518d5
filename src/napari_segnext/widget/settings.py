"""The plugin's settings as the user left them in napari's Preferences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.settings import get_plugin_settings

from napari_segnext.core.cores import count_cores

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Settings", "read_key_wishes", "read_settings", "watch_settings"]


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
    canvas_help : bool
        Whether to show polarity, tool, label and hint on the canvas.
    """

    model: str = "segnext-lite"
    device: str = "auto"
    threads: int = 0
    auto_run: bool = True
    contrast: str = "percentile"
    canvas_help: bool = True

    @property
    def thread_count(self) -> int:
        """CPU threads to use, at least 1."""
        return self.threads or max(1, count_cores() - 1)


def read_settings() -> Settings:
    """Read the settings; without a registered plugin, the defaults."""
    stored = _stored()
    if stored is None:
        return Settings()
    return Settings(
        model=stored.inference.model,
        device=stored.inference.device,
        threads=stored.inference.threads,
        auto_run=stored.interaction.auto_run,
        contrast=stored.interaction.contrast,
        canvas_help=stored.interaction.canvas_help,
    )


def read_key_wishes() -> dict[str, str]:
    """Read the keys that the user wants, by action; "" is no key."""
    stored = _stored()
    return {} if stored is None else dict(stored.keys.model_dump())


def watch_settings(group: str, callback: Callable[..., None]) -> Callable[[], None]:
    """Call `callback` whenever a setting of a group changes, also while it is typed.

    Parameters
    ----------
    group : str
        As in the manifest, for instance "keys".
    callback : callable
        Called with napari's event.

    Returns
    -------
    callable
        Ends it.
    """
    stored = _stored()
    if stored is None:
        return lambda: None
    events = getattr(stored, group).events
    events.connect(callback)
    return lambda: events.disconnect(callback)


def _stored() -> Any:
    try:
        return get_plugin_settings("napari-segnext")
    except KeyError:  # a widget made by a script, the plugin not registered
        return None
