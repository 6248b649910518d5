"""`napari-segnext convert`: public data sets into folders that training reads."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_segnext.training.convert_sources import SOURCES

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    sources = "\n".join(
        f"  {source.name:<15} {source.what}\n"
        f"  {'':<15} {source.url} at {source.commit[:7]}, {source.licence}"
        for source in SOURCES.values()
    )
    parser = commands.add_parser(
        "convert",
        help="turn a clone of a public data set into training data",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"sources:\n{sources}\n\nSee docs/sources.md.",
    )
    parser.add_argument(
        "source", choices=SOURCES, metavar="SOURCE", help="a name of the list below"
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="clone of the source")
    parser.add_argument("--out", type=Path, required=True, help="folder for train, val")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Convert one source, and say what came out of it."""
    from napari_segnext.training.convert import convert

    tallies = convert(arguments.source, arguments.folder, arguments.out)
    for folder, (images, objects) in tallies.items():
        print(f"{arguments.out / folder}  images: {images}, objects: {objects}")
    return 0
