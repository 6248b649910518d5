"""What several commands share: options of the model, files of images and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tifffile

from napari_segnext.core.models import DEFAULT_MODEL
from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["add_model_options", "read_image", "write_labels"]


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--device`."""
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, help="name or checkpoint (%(default)s)"
    )
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or mps (%(default)s)"
    )


def read_image(path: Path) -> npt.NDArray[Any]:
    """Read an image file.

    Raises
    ------
    ImageError
        If it is missing or of no known format.
    """
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            return tifffile.imread(path)
        from skimage.io import imread

        return imread(path)
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        raise ImageError(f"{path} cannot be read as an image: {error}.") from error


def write_labels(path: Path, labels: npt.NDArray[Any]) -> None:
    """Write labels to a TIFF.

    Raises
    ------
    ImageError
        If they cannot be written there.
    """
    try:
        tifffile.imwrite(path, labels, photometric="minisblack", compression="zlib")
    except OSError as error:
        raise ImageError(
            f"{path} cannot be written ({error.strerror}); name another file."
        ) from error
