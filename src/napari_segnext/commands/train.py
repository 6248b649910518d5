"""`napari-segnext train`: train or fine-tune segnext-lite on labelled images."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["add_parser"]


def _share(text: str) -> tuple[str, float]:
    name, _, share = text.rpartition("=")
    try:
        return name, float(share)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no SET=SHARE, such as nuclei=0.2"
        ) from error


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("train", help="train on labelled images")
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of labelled images")
    add("--out", type=Path, required=True, help="folder for results; a run goes on")
    add("--init", default="segnext-lite", help="model to begin from, or imagenet")
    add("--minutes", type=float, help="stop after so many minutes")
    add("--steps", type=int, help="stop after so many steps")
    add("--validate", type=Path, help="folder to validate on (by default a tenth)")
    add("--validate-minutes", type=float, help="validate this often (5)")
    add("--synthetic", type=float, help="share of rendered images (0.15 or 0)")
    add(
        "--share",
        type=_share,
        action="append",
        default=[],
        metavar="SET=SHARE",
        help="share of images from a set (by its number of objects); repeatable",
    )
    add("--dense", type=float, default=0, help="weight of dense losses (%(default)s)")
    add("--learning-rate", type=float, help="peak (2e-3 from imagenet, else 3e-4)")
    add("--crops", type=int, default=6, help="images per step (%(default)s)")
    add("--objects", type=int, default=4, help="objects per image (%(default)s)")
    add("--loaders", type=int, help="processes that make batches (by cores)")
    add("--device", default="auto", help="auto, cpu, cuda or mps (%(default)s)")
    add("--bfloat16", action="store_true", help="compute in bfloat16")
    add("--seed", type=int, default=0, help="the same seed, the same weights")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train until told to stop; a run found in `--out` goes on."""
    from napari_segnext.core.devices import find_device
    from napari_segnext.training.run import Settings, train

    outcome = train(
        Settings(
            data=arguments.data,
            out=arguments.out,
            init=arguments.init,
            steps=arguments.steps,
            minutes=arguments.minutes,
            validate=arguments.validate,
            validate_minutes=arguments.validate_minutes,
            synthetic=arguments.synthetic,
            shares=dict(arguments.share),
            dense=arguments.dense,
            device=str(find_device(arguments.device)),
            bfloat16=arguments.bfloat16,
            crops=arguments.crops,
            objects=arguments.objects,
            learning_rate=arguments.learning_rate,
            loaders=arguments.loaders,
            seed=arguments.seed,
        )
    )
    if outcome.stopped_by is not None:
        print(
            f"Stopped after {outcome.steps} steps; "
            "the same command goes on from there.",
            file=sys.stderr,
        )
        return 128 + outcome.stopped_by  # as a shell says it
    print(f"{outcome.weights}: load_model reads it")
    return 0
