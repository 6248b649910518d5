"""`napari-segnext propagate`: objects from a few slices to all slices of a stack."""

from __future__ import annotations

import signal
import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

from napari_segnext.commands.options import add_model_options, check_out
from napari_segnext.errors import Cancelled, ImageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from napari_segnext.commands.propagation.running import Job, Outcome

__all__ = ["add_parser", "run"]

_DTYPES = ("uint8", "uint16", "uint32", "int32")
_EPILOG = """\
FILE is JSON, as `segment` reads it: a list with prompts as (row, column) pixels, and
for each the label of its object and the number of its slice,

  [{"label": 1, "plane": [12], "clicks": [{"row": 40, "col": 31}]}]

or labels of the stack's shape (.tif, .npy, .zarr): slices with labels are kept as they
are, and propagated to the others.

A run that was cut off, in whatever way, goes on when the same command is given again.
docs/propagate.md says more.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "propagate",
        help="carry objects from prompted slices to all slices of a stack",
        formatter_class=RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    add = parser.add_argument
    add("stack", type=Path, metavar="STACK", help="z first: .tif, .npy or .zarr")
    add("--prompts", type=Path, required=True, metavar="FILE", help="JSON, or labels")
    add("--out", type=Path, required=True, metavar="LABELS", help=".zarr or .tif")
    add("--slices", metavar="A:B", help="write slices A to B - 1 only")
    add(
        "--spacing",
        metavar="S",
        help="distance of slices in pixels, or the voxel's size Z,Y,X (of the file)",
    )
    add("--axis", default="z", help="go along z, y or x (%(default)s)")
    add(
        "--key-slice",
        type=int,
        metavar="N",
        help="FILE is one plane of labels, of slice N",
    )
    add("--dtype", choices=_DTYPES, help="of LABELS (uint16, or what the labels need)")
    add("--scores", type=Path, metavar="CSV", help="write what each slice scored")
    add("--overwrite", action="store_true", help="begin anew, whatever is there")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Propagate; 0, or 128 + the signal that ended the run."""
    from napari_segnext.core.stopping import StopRequest

    with StopRequest() as stop:
        try:
            outcome = _propagate(arguments, lambda: stop.signal is not None)
        except (Cancelled, KeyboardInterrupt):
            print(
                "Stopped; the same command goes on from what is written.",
                file=sys.stderr,
            )
            return 128 + (stop.signal or signal.SIGINT)  # as a shell says it
    _tell(arguments, outcome)
    return 0


def _propagate(
    arguments: argparse.Namespace, should_stop: Callable[[], bool]
) -> Outcome:
    from napari_segnext.commands.propagation.running import run_job
    from napari_segnext.core.models import load_model
    from napari_segnext.core.predictor import Predictor

    job = _make_job(arguments)
    predictor = Predictor(load_model(arguments.model), device=arguments.device)
    return run_job(job, predictor, should_stop)


def _make_job(arguments: argparse.Namespace) -> Job:
    """Read and check everything that takes no model."""
    from napari_segnext.commands.propagation.keys import read_given
    from napari_segnext.commands.propagation.labels import check_path, choose_dtype
    from napari_segnext.commands.propagation.running import Job
    from napari_segnext.commands.propagation.stacks import open_stack
    from napari_segnext.commands.propagation.voxels import parse_spacing

    check_path(arguments.out)
    if arguments.scores is not None:
        check_out(arguments.scores, option="--scores", endings=(".csv",))
    voxel = parse_spacing(arguments.spacing) if arguments.spacing else None
    stack = open_stack(arguments.stack, _axis(arguments.axis))
    slices = _slices(arguments.slices, len(stack))
    given = read_given(arguments.prompts, stack, arguments.key_slice)
    return Job(
        stack,
        given,
        arguments.out,
        slices,
        voxel=voxel or stack.voxel,
        dtype=choose_dtype(given.highest, arguments.dtype),
        scores=arguments.scores,
        overwrite=arguments.overwrite,
    )


def _axis(name: str) -> int:
    known = {"z": 0, "y": 1, "x": 2, "0": 0, "1": 1, "2": 2}
    if name.lower() not in known:
        raise ImageError(f"--axis is {name!r}; use z, y or x.")
    return known[name.lower()]


def _slices(text: str | None, count: int) -> range:
    if text is None:
        return range(count)
    first, colon, last = text.partition(":")
    try:
        start, stop = int(first or 0), int(last or count)
    except ValueError:
        start, stop = 0, -1
    if not colon or not 0 <= start < stop <= count:
        raise ImageError(
            f"--slices is {text!r}; give A:B with 0 <= A < B <= {count}, the end left "
            "out, as 10:20 for the slices 10 to 19."
        )
    return range(start, stop)


def _tell(arguments: argparse.Namespace, outcome: Outcome) -> None:
    from napari_segnext.commands.propagation.scores import tell_objects

    for line in tell_objects(outcome.rows or []):
        print(line)
    if outcome.was_finished:
        print(f"{arguments.out} was finished before; --overwrite begins anew")
        return
    if outcome.resumed:
        print(f"went on after {outcome.resumed} steps of an earlier run")
    print(f"wrote {arguments.out}")
