"""`napari-segnext segment`: prompts from a JSON file, masks into a labels TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.commands.options import (
    add_model_options,
    check_out,
    read_image,
    write_labels,
)
from napari_segnext.commands.prompt_file import read_prompts
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    import argparse

    import numpy.typing as npt

    from napari_segnext.commands.prompt_file import Entry
    from napari_segnext.core.predictor import Predictor

__all__ = ["add_parser", "run", "segment"]

_DESCRIPTION = """\
The JSON file is a list of objects. Each has prompts as (row, col) pixels, for instance
{"plane": [12], "clicks": [{"row": 40, "col": 31}], "boxes": [{"row0": 30, "col0": 20,
"row1": 52, "col1": 43}]}; "plane" are the leading indices of a stack, "label" is the
value to write (the place in the list by default). The kinds are clicks, boxes,
polygons, scribbles and mask; "positive": false says what the object is not. Prompts
with the same label on several planes make one object. Later objects do not overwrite
earlier ones. `propagate` reads the same file."""
_MOST_16_BIT = 2**16 - 1


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "segment", help="segment an image by prompts in a file", epilog=_DESCRIPTION
    )
    parser.add_argument("image", type=Path, help=".tif, .npy or any image file")
    parser.add_argument("--prompts", type=Path, required=True, help="JSON file")
    parser.add_argument("--out", type=Path, required=True, help="labels TIFF to write")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Segment and write; print the size of every object."""
    from napari_segnext.core.models import load_model
    from napari_segnext.core.predictor import Predictor

    check_out(arguments.out, arguments.image, arguments.prompts)
    image = read_image(arguments.image)
    entries = read_prompts(arguments.prompts)
    predictor = Predictor(load_model(arguments.model), device=arguments.device)
    labels = segment(predictor, image, entries)
    write_labels(arguments.out, labels)
    for label in sorted({entry.label for entry in entries}):
        print(f"label {label}: {np.count_nonzero(labels == label)} px")
    print(f"wrote {arguments.out}")
    return 0


def segment(
    predictor: Predictor, image: npt.NDArray[Any], entries: list[Entry]
) -> npt.NDArray[np.unsignedinteger]:
    """Predict the objects, plane by plane, and paint each where nothing is yet.

    Parameters
    ----------
    predictor : Predictor
        Model and device.
    image : array (..., H, W) or (..., H, W, 3 or 4)
        A plane or a stack.
    entries : list of Entry
        Prompts, from a file or `parse_prompts`.

    Returns
    -------
    array (..., H, W), uint16, or uint32 where a label needs it
        Labels.

    Raises
    ------
    PromptError
        If a plane or a prompt is not in the image, or there is none.
    """
    from napari_segnext.core.image import contrast_limits

    # a short last axis is colour where it holds bytes, or the planes leave it over
    is_rgb = image.ndim > 2 and image.shape[-1] in (3, 4)
    if image.dtype != np.uint8:
        is_rgb &= all(len(entry.plane) == image.ndim - 3 for entry in entries)
    shape = image.shape[:-1] if is_rgb else image.shape
    limits = None if is_rgb else contrast_limits(image)
    for entry in entries:
        _check_plane(entry, shape)
    highest = max((entry.label for entry in entries), default=0)
    labels = np.zeros(shape, np.uint16 if highest <= _MOST_16_BIT else np.uint32)
    for plane in dict.fromkeys(entry.plane for entry in entries):
        here = [entry for entry in entries if entry.plane == plane]
        # nothing is encoded before it is known which windows the objects need
        features = predictor.open(image[plane], contrast_limits=limits)
        answers = predictor.predict_many(features, [entry.prompts for entry in here])
        view = labels[plane]
        for entry, answer in zip(here, answers, strict=True):
            view[answer.mask & (view == 0)] = entry.label
    return labels


def _check_plane(entry: Entry, shape: tuple[int, ...]) -> None:
    leading = shape[:-2]
    if len(entry.plane) != len(leading) or not all(
        0 <= index < size for index, size in zip(entry.plane, leading, strict=True)
    ):
        raise PromptError(
            f"{entry.what} lies on plane {list(entry.plane)}, but the image has "
            f"{list(leading)} planes; give one index per leading axis."
        )
