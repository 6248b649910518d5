"""What all plots share: matplotlib if it is there, and files that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

__all__ = ["new_figure", "save_figure", "unwritable"]


def new_figure(width: float, height: float, what: str = "A plot needs") -> Figure:
    """Make an empty figure of matplotlib: no pyplot, no window, no global state.

    Parameters
    ----------
    width, height : float
        In inches.
    what : str
        How the sentence begins that says matplotlib is missing.

    Raises
    ------
    SegNextError
        If matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SegNextError(
            f"{what} matplotlib; install it with `pip install napari-segnext[plot]`."
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: int = 150) -> None:
    """Write a figure into an image file.

    Raises
    ------
    SegNextError
        If the file cannot be written.
    """
    try:
        figure.savefig(path, dpi=dpi)
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from error


def unwritable(
    path: str | os.PathLike[str], error: Exception, instead: str = "file name"
) -> SegNextError:
    """Say that a file cannot be written, why, and what else to choose."""
    reason = getattr(error, "strerror", None) or error
    return SegNextError(
        f"'{path}' cannot be written ({reason}); choose another {instead}."
    )
