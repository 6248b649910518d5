"""Command line: ``napari-segnext COMMAND``; each command is a module."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from napari_segnext import __version__
from napari_segnext.commands import (
    convert,
    demo,
    doctor,
    evaluate,
    models,
    propagate,
    replay,
    segment,
    train,
)
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "make_parser"]

_PIPE_CLOSED = 128 + 13
_COMMANDS = (demo, segment, propagate, evaluate, train, convert, models, replay, doctor)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser with all its commands."""
    parser = argparse.ArgumentParser(
        prog="napari-segnext",
        description="SegNext interactive segmentation for napari.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        0, or 1 after an error, which is printed as one sentence; 141, as a shell says
        it, where nobody reads what is printed any more (`| head`).
    """
    arguments = make_parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status: int = arguments.run(arguments)
        sys.stdout.flush()
    except SegNextError as error:
        print(f"napari-segnext: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # what is still to be written at the exit of the process goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return status


def _show_warning(message: Warning | str, *_where: Any, **_more: Any) -> None:
    print(f"napari-segnext: {message}", file=sys.stderr)
