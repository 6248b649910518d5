"""Train segnext-lite on folders of images and labels."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from napari_segnext.core.checkpoints import save_safetensors
from napari_segnext.core.prompt_map import PromptStyle
from napari_segnext.training.batches import Batches, Recipe
from napari_segnext.training.data import read_sets
from napari_segnext.training.initial import initial_network
from napari_segnext.training.loop import Plan, Trainer

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segnext.training.data import Annotated

__all__ = ["STYLE", "Settings", "train"]

# Chosen before the first training: disks of 3 px leave touching 10-px cells apart, and
# half intensity tells an area around the object from pixels on it.
STYLE = PromptStyle(click_radius=3, box="fill", polygon="fill", area_value=0.5)
_MEAN = _STD = (0.5, 0.5, 0.5)  # what EfficientNet-Lite was trained with


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training run may be told.

    Parameters
    ----------
    data, out : Path
        Folder of annotated sets, and the folder that receives checkpoint, curve and
        weights. A run found in `out` goes on.
    init : str
        "imagenet", or a segnext-lite model to go on from.
    steps, minutes : optional
        Whichever comes first ends the run.
    device : str
        A torch device.
    crops, objects : int
        Crops per step and objects per crop.
    seed : int
        The same seed on one device gives the same weights.
    """

    data: Path
    out: Path
    init: str = "segnext-lite"
    steps: int | None = None
    minutes: float | None = None
    device: str = "cpu"
    crops: int = 6
    objects: int = 4
    learning_rate: float = 2e-3
    seed: int = 0
    loaders: int = 1


def train(settings: Settings) -> Path:
    """Train, and write ``segnext-lite.safetensors`` with the averaged weights.

    Returns
    -------
    Path
        The weights file; :func:`load_model` reads it.

    Raises
    ------
    ImageError
        If the data cannot be read.
    CheckpointError
        If the initial weights cannot.
    """
    torch.manual_seed(settings.seed)
    sets = read_sets(settings.data)
    network = initial_network(settings.init)
    recipe = Recipe(
        settings.crops,
        settings.objects,
        network.config.size,
        STYLE,
        _MEAN,
        _STD,
        settings.seed,
    )
    plan = Plan(
        steps=settings.steps or 1_000_000,
        minutes=settings.minutes or math.inf,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
    )
    shares = _shares(sets)
    trainer = Trainer(
        network,
        lambda first: Batches(sets, shares, recipe, first),
        plan,
        settings.out,
        device=settings.device,
        radius=STYLE.click_radius,
        loaders=settings.loaders,
    )
    trainer.resume()
    trainer.run()
    network.load_state_dict(trainer.averaged_state())
    path = settings.out / "segnext-lite.safetensors"
    card = {
        "name": "segnext-lite",
        "threshold": 0.5,
        "mean": _MEAN,
        "std": _STD,
        "style": asdict(STYLE),
        "steps": trainer.step,
    }
    save_safetensors(
        path, network, kind="lite", config=asdict(network.config), model=card
    )
    return path


def _shares(sets: dict[str, list[Annotated]]) -> dict[str, float]:
    """Large sets are seen more often, but not in proportion."""
    return {
        name: math.sqrt(sum(len(plane.instances()) for plane in planes))
        for name, planes in sets.items()
    }
