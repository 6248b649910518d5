"""`napari-segnext train`: train or fine-tune segnext-lite on labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("train", help="train on labelled images")
    parser.add_argument("--data", type=Path, required=True, help="folder of sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for results")
    parser.add_argument(
        "--init", default="segnext-lite", help="model to begin from, or imagenet"
    )
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    parser.add_argument("--steps", type=int, help="stop after so many steps")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train until told to stop; a run found in `--out` goes on."""
    from napari_segnext.core.predictor import find_device
    from napari_segnext.training.run import Settings, train

    if arguments.minutes is None and arguments.steps is None:
        raise SegNextError("Say how long to train: --minutes or --steps.")
    weights = train(
        Settings(
            data=arguments.data,
            out=arguments.out,
            init=arguments.init,
            steps=arguments.steps,
            minutes=arguments.minutes,
            device=str(find_device(arguments.device)),
            seed=arguments.seed,
        )
    )
    print(f"{weights}: load_model reads it")
    return 0
