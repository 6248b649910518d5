"""`napari-segnext segment`: prompts from a JSON file, masks into a labels TIFF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.commands.options import (
    add_model_options,
    check_out,
    read_image,
    write_labels,
)
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
_MOST_16_BIT, _MOST_32_BIT = 2**16 - 1, 2**32 - 1


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

    check_out(arguments.out, arguments.image, arguments.prompts)
    image = read_image(arguments.image)
    objects = _read_objects(arguments.prompts)
    predictor = Predictor(load_model(arguments.model), device=arguments.device)
    labels = segment(predictor, image, objects)
    write_labels(arguments.out, labels)
    for label in np.unique(labels[labels > 0]):
        print(f"label {label}: {np.count_nonzero(labels == label)} px")
    print(f"wrote {arguments.out}")
    return 0


def segment(
    predictor: Predictor, image: npt.NDArray[Any], objects: list[dict[str, Any]]
) -> npt.NDArray[np.unsignedinteger]:
    """Predict the objects, plane by plane, and paint each where nothing is yet.

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
    array (..., H, W), uint16, or uint32 where a label needs it
        Labels.

    Raises
    ------
    PromptError
        If what an object has is no prompt, its label is none, or its plane is not in
        the image.
    """
    from napari_segnext.core.image import contrast_limits

    # a short last axis of bytes is colour
    is_rgb = image.ndim > 2 and image.shape[-1] in (3, 4) and image.dtype == np.uint8
    shape = image.shape[:-1] if is_rgb else image.shape
    limits = None if is_rgb else contrast_limits(image)
    parts = [_parsed(content, number) for number, content in enumerate(objects, 1)]
    for number, (plane, _, _) in enumerate(parts, 1):
        _check_plane(plane, shape, number)
    highest = max((label for _, label, _ in parts), default=0)
    labels = np.zeros(shape, np.uint16 if highest <= _MOST_16_BIT else np.uint32)
    for plane in dict.fromkeys(plane for plane, _, _ in parts):
        here = [(label, prompts) for other, label, prompts in parts if other == plane]
        # nothing is encoded before it is known which windows the objects need
        features = predictor.open(image[plane], contrast_limits=limits)
        answers = predictor.predict_many(features, [prompts for _, prompts in here])
        view = labels[plane]
        for (label, _), answer in zip(here, answers, strict=True):
            view[answer.mask & (view == 0)] = label
    return labels


def _parsed(
    content: dict[str, Any], number: int
) -> tuple[tuple[int, ...], int, Prompts]:
    """Return plane, label and prompts of an object; they have not met the image yet."""
    entry = dict(content)
    plane, label = entry.pop("plane", []), entry.pop("label", number)
    if not isinstance(plane, list) or any(type(index) is not int for index in plane):
        raise PromptError(
            f"The plane of object {number} is {plane!r}; give the leading indices as a "
            "list, for instance [12]."
        )
    if type(label) is not int or not 0 < label <= _MOST_32_BIT:
        raise PromptError(
            f"The label of object {number} is {label!r}; give a whole number from 1 "
            f"to {_MOST_32_BIT}, or none."
        )
    return tuple(plane), label, Prompts.from_dict(entry)


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
