"""`napari-segnext evaluate`: the robot user on a folder of images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_segnext.commands.options import add_model_options
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on annotated images",
        epilog="FOLDER holds images/ and labels/ with files of the same name; labels "
        "are integers, 0 is background.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, help="folder for report.csv and report.png")
    parser.add_argument(
        "--clicks", type=int, default=10, help="at most, per object (%(default)s)"
    )
    parser.add_argument(
        "--target-iou", type=float, default=0.95, help="stop there (%(default)s)"
    )
    parser.add_argument(
        "--objects", type=int, default=5, help="at most, per image (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice of objects")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the table, and write CSV and plot if a folder is given."""
    from napari_segnext.core.models import load_model
    from napari_segnext.core.predictor import Predictor
    from napari_segnext.evaluation.datasets import read_pairs
    from napari_segnext.evaluation.evaluate import evaluate

    pairs = read_pairs(
        arguments.folder, max_objects=arguments.objects, seed=arguments.seed
    )
    predictor = Predictor(load_model(arguments.model), device=arguments.device)
    report = evaluate(predictor, pairs, arguments.clicks, arguments.target_iou)
    print(report)
    out: Path | None = arguments.out
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SegNextError(
                f"The folder {out} cannot be made: {error.strerror}; choose another."
            ) from error
        report.to_csv(out / "report.csv")
        report.plot(out / "report.png")
        print(f"wrote report.csv and report.png into {out}")
    return 0
