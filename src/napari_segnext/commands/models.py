"""`napari-segnext models`: which models there are, and which are on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segnext.core.models import list_models

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("models", help="list the models")
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Print the models, one a paragraph."""
    for info in list_models():
        place = str(info.path) if info.available else "not on this machine"
        print(f"{info.name}: {info.description}")
        print(f"    licence  {info.licence}")
        print(f"    weights  {place} ({info.size_bytes / 1e6:.0f} MB)")
    return 0
