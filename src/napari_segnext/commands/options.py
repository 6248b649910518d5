"""What several commands share: options of the model, files of images and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tifffile
from numpy.lib.format import open_memmap

from napari_segnext.core.models import DEFAULT_MODEL
from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["add_model_options", "check_out", "read_image", "write_labels"]


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--device`."""
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, help="name or checkpoint (%(default)s)"
    )
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or mps (%(default)s)"
    )


def read_image(path: Path) -> npt.NDArray[Any]:
    """Read an image file; of a NumPy file only what will be looked at.

    Raises
    ------
    ImageError
        If it is missing or of no known format.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return open_memmap(path, mode="r")
        if suffix in (".tif", ".tiff"):
            return tifffile.imread(path)
        from skimage.io import imread

        return imread(path)
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        reason = str(error).rstrip(".")
        raise ImageError(f"{path} cannot be read as an image: {reason}.") from error


def check_out(
    out: Path,
    *given: Path,
    option: str = "--out",
    endings: tuple[str, ...] = (".tif", ".tiff"),
) -> None:
    """Refuse a file that cannot be written, before the work that it is to hold.

    Parameters
    ----------
    out : Path
        What will be written.
    *given : Path
        What is read, and must not be written over.
    option : str
        Which names it.
    endings : tuple of str
        One of which it has.

    Raises
    ------
    ImageError
        If it has another ending, is one of those given, or its folder is not there.
    """
    if out.suffix.lower() not in endings:
        raise ImageError(f"{option} is {out}; let it end in {' or '.join(endings)}.")
    if out.resolve() in [path.resolve() for path in given]:
        raise ImageError(
            f"{option} is {out}, which is read, too, and would be lost; name another "
            "file."
        )
    if not out.resolve().parent.is_dir():
        raise ImageError(
            f"There is no folder {out.resolve().parent}; make it, or choose another "
            f"{option}."
        )


def write_labels(path: Path, labels: npt.NDArray[Any]) -> None:
    """Write labels to a TIFF, whole or not at all.

    Raises
    ------
    ImageError
        If they cannot be written there.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        tifffile.imwrite(partial, labels, photometric="minisblack", compression="zlib")
        partial.replace(path)
    except OSError as error:
        raise ImageError(
            f"{path} cannot be written ({error.strerror}); name another file."
        ) from error
