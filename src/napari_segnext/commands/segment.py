"""`napari-segnext segment`: prompts from a JSON file, masks into a labels TIFF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_segnext.commands.options import add_model_options, read_image
from napari_segnext.core.prompts import Prompts
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    import argparse

    import numpy.typing as npt

    from napari_segnext.core.predictor import Predictor

__all__ = ["add_parser", "run", "segment"]

_DESCRIPTION = """\
The JSON file is a list of objects. Each has prompts as (row, col) pixels, for instance
{"plane": [12], "clicks": [{"row": 40, "col": 31}], "boxes": [{"row0": 30, "col0": 20,
"row1": 52, "col1": 43}]}; "plane" are the leading indices of a stack, "label" is the
value to write (the next number by default). The kinds are clicks, boxes, polygons,
scribbles and mask; "positive": false says what the object is not. Prompts with the
same label on several planes make one object. Later objects do not overwrite earlier
ones."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "segment", help="segment an image by prompts in a file", epilog=_DESCRIPTION
    )
    parser.add_argument("image", type=Path, help="TIFF or any image file")
    parser.add_argument("--prompts", type=Path, required=True, help="JSON file")
    parser.add_argument("--out", type=Path, required=True, help="labels TIFF to write")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Segment and write; print the size of every object."""
    from napari_segnext.core.models import load_model
    from napari_segnext.core.predictor import Predictor

    image = read_image(arguments.image)
    objects = _read_objects(arguments.prompts)
    predictor = Predictor(load_model(arguments.model), device=arguments.device)
    labels = segment(predictor, image, objects)
    tifffile.imwrite(
        arguments.out, labels, photometric="minisblack", compression="zlib"
    )
    for label in np.unique(labels[labels > 0]):
        print(f"label {label}: {np.count_nonzero(labels == label)} px")
    print(f"wrote {arguments.out}")
    return 0


def segment(
    predictor: Predictor, image: npt.NDArray[Any], objects: list[dict[str, Any]]
) -> npt.NDArray[np.uint16]:
    """Predict every object and paint it where nothing is yet.

    Parameters
    ----------
    predictor : Predictor
        Model and device.
    image : array (..., H, W) or (..., H, W, 3 or 4)
        A plane or a stack.
    objects : list of dict
        As in the JSON file.

    Returns
    -------
    array (..., H, W), uint16
        Labels.

    Raises
    ------
    PromptError
        If the plane of an object is not in the image.
    """
    from napari_segnext.core.image import contrast_limits

    # a short last axis of bytes is colour
    is_rgb = image.ndim > 2 and image.shape[-1] in (3, 4) and image.dtype == np.uint8
    shape = image.shape[:-1] if is_rgb else image.shape
    limits = None if is_rgb else contrast_limits(image)
    labels = np.zeros(shape, np.uint16)
    for number, content in enumerate(objects, start=1):
        entry = dict(content)
        plane = tuple(entry.pop("plane", ()))
        label = int(entry.pop("label", number))
        _check_plane(plane, shape, number)
        features = predictor.encode(image[plane], contrast_limits=limits)
        mask = predictor.predict(features, Prompts.from_dict(entry)).mask
        view = labels[plane]
        view[mask & (view == 0)] = label
    return labels


def _check_plane(plane: tuple[int, ...], shape: tuple[int, ...], number: int) -> None:
    leading = shape[:-2]
    if len(plane) != len(leading) or not all(
        0 <= index < size for index, size in zip(plane, leading, strict=True)
    ):
        raise PromptError(
            f"Object {number} lies on plane {list(plane)}, but the image has "
            f"{list(leading)} planes; give one index per leading axis."
        )


def _read_objects(path: Path) -> list[dict[str, Any]]:
    try:
        objects = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise PromptError(f"{path} is not JSON: {error}.") from error
    if not (isinstance(objects, list) and all(isinstance(it, dict) for it in objects)):
        raise PromptError(f"{path} must hold a list of objects; see `segment --help`.")
    return objects
