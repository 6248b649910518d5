"""`napari-segnext evaluate`: the robot user on annotated images, and its report."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_segnext.commands.options import add_model_options
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    import argparse

    from napari_segnext.core.predictor import Predictor
    from napari_segnext.evaluation.benchmark import ItemScores, Settings
    from napari_segnext.evaluation.items import Item

__all__ = ["add_parser", "run"]

_VIEWS = {"planes": ("plane",), "crops": ("crop",), "both": ("plane", "crop")}
_EPILOG = """\
DATA is a set (images/ and labels/ with files of the same name; labels are integers, 0
is background), a folder with stacks NAME.tif and NAME_labels.tif, or a folder of such
folders. OUT receives report.md, objects.csv, summary.csv and plots; what the figures
mean is said in docs/evaluation.md."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate", help="measure a model on annotated images", epilog=_EPILOG
    )
    add = parser.add_argument
    add("data", type=Path, metavar="DATA")
    add("--out", type=Path, help="folder for the report")
    add(
        "--protocol",
        choices=list(_VIEWS),
        default="both",
        help="give the model whole planes, crops around the objects, or both "
        "(%(default)s)",
    )
    add("--clicks", type=int, default=20, help="at most, per object (%(default)s)")
    add("--target-iou", type=float, default=0.95, help="stop there (%(default)s)")
    add("--objects", type=int, default=5, help="at most, per image (%(default)s)")
    add("--seed", type=int, default=0, help="of every draw (%(default)s)")
    add("--every", type=int, help="every so many slices of a stack (about 25 in all)")
    add("--baselines", action="store_true", help="try classical tools beside it, too")
    add(
        "--limit",
        type=int,
        default=40,
        help="objects of each set for the classical tools (%(default)s)",
    )
    add(
        "--pictures",
        type=int,
        default=0,
        metavar="N",
        help="draw the N worst objects of each set into worst.png",
    )
    add(
        "--processes",
        type=int,
        default=1,
        help="images at once, one core each; changes no figure (%(default)s)",
    )
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the tables, and write the report if a folder is given."""
    from napari_segnext.core.models import load_model
    from napari_segnext.evaluation.baselines import available_methods
    from napari_segnext.evaluation.benchmark import Settings
    from napari_segnext.evaluation.items import find_items
    from napari_segnext.evaluation.publish import NO_GRABCUT
    from napari_segnext.evaluation.scoring import StopRule
    from napari_segnext.evaluation.tables import make_tables

    _check(arguments)
    settings = Settings(
        StopRule(arguments.clicks, arguments.target_iou),
        arguments.objects,
        arguments.seed,
        _VIEWS[arguments.protocol],
        arguments.limit if arguments.baselines else 0,
    )
    items = find_items(arguments.data, every=arguments.every)
    model = load_model(arguments.model)  # a wrong name is told before anything else
    results = _measure(arguments, items, settings)
    failed = [one for one in results if one.error]
    if not any(one.objects for one in results):
        raise SegNextError(
            f"'{failed[0].item.name}' could not be measured: {failed[0].error}"
            if failed
            else "There is no object to evaluate; give labels with ids above 0 and "
            "objects of 40 px or more."
        )
    print("\n\n".join(table.text for table in make_tables(results, settings)))
    if settings.baselines and "GrabCut" not in available_methods():
        print(f"\n{NO_GRABCUT}")
    for one in failed:
        print(
            f"napari-segnext: {one.item.set_name}, {one.item.name} could not be "
            f"measured: {one.error}",
            file=sys.stderr,
        )
    if arguments.out is not None:
        title = f"{model.name} ({model.digest[:12]})"
        _write(arguments, results, settings, title)
    return 1 if failed else 0


def _write(
    arguments: argparse.Namespace,
    results: list[ItemScores],
    settings: Settings,
    title: str,
) -> None:
    """Write the report but for the objects, which were written on the way."""
    from napari_segnext.evaluation.pictures import draw_worst
    from napari_segnext.evaluation.publish import make_page, plot_all, write_tables

    out: Path = arguments.out
    write_tables(out, results, settings)
    page = make_page(results, settings, title, arguments.data.resolve().name)
    (out / "report.md").write_text(page, encoding="utf-8")
    plots = plot_all(out, results, settings)
    if arguments.pictures:
        predictor = _make_predictor(arguments.model, arguments.device)
        draw_worst(out / "worst.png", results, predictor, arguments.pictures)
        plots.append("worst.png")
    print(f"wrote report.md, objects.csv, {', '.join(plots)} into {out}")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse now what would only be noticed after hours."""
    from napari_segnext.core.devices import find_device

    for name in ("objects", "limit", "processes"):
        if getattr(arguments, name) < 1:
            raise SegNextError(
                f"--{name} is {getattr(arguments, name)}; use a whole number from 1."
            )
    for name in ("seed", "pictures"):
        if getattr(arguments, name) < 0:
            raise SegNextError(
                f"--{name} is {getattr(arguments, name)}; use a whole number from 0."
            )
    if arguments.pictures and arguments.out is None:
        raise SegNextError("--pictures are written into --out; say which folder.")
    if arguments.pictures and arguments.protocol == "crops":
        raise SegNextError(
            "--pictures show whole planes; use --protocol planes or both."
        )
    find_device(arguments.device)


def _measure(
    arguments: argparse.Namespace, items: list[Item], settings: Settings
) -> list[ItemScores]:
    """Measure all images under a progress bar, writing objects down on the way."""
    from tqdm import tqdm

    from napari_segnext.evaluation.benchmark import make_jobs, measure_all
    from napari_segnext.evaluation.publish import ObjectsFile

    file = None
    if arguments.out is not None:
        file = ObjectsFile(arguments.out, settings.rule.max_clicks)
    make_predictor = partial(_make_predictor, arguments.model, arguments.device)
    jobs = make_jobs(items, settings)
    scores = measure_all(jobs, make_predictor, settings, arguments.processes)
    results = []
    try:
        for one in tqdm(scores, "evaluate", total=len(jobs), unit="image"):
            results.append(one)
            if file is not None:
                file.add(one)
    finally:
        if file is not None:
            file.close()
    return results


def _make_predictor(model: str, device: str) -> Predictor:
    from napari_segnext.core.models import load_model
    from napari_segnext.core.predictor import Predictor

    return Predictor(load_model(model), device=device)
