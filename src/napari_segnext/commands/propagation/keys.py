"""What the user gave: prompts in a JSON file, or slices of labels."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.commands.prompt_file import check_label, read_prompts
from napari_segnext.commands.propagation.stacks import open_stack
from napari_segnext.commands.propagation.volumes import read_plane
from napari_segnext.core.bits import pack
from napari_segnext.core.patches import Patch
from napari_segnext.core.prediction import most_probable
from napari_segnext.core.prompt_map import check_prompts
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from napari_segnext.commands.prompt_file import Entry
    from napari_segnext.commands.propagation.stacks import Stack
    from napari_segnext.core.features import Features
    from napari_segnext.core.predictor import Predictor
    from napari_segnext.core.prompts import Prompts

__all__ = ["Given", "Keys", "predict_keys", "read_given"]

Keys = dict[int, dict[int, Patch]]  # by label and slice


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Prompts, or masks, of all objects.

    Parameters
    ----------
    prompts : dict of int to dict of int to Prompts
        By label and slice; empty where there are masks.
    masks : dict of int to dict of int to Patch
        By label and slice; empty where there are prompts.
    digest : str
        SHA-256 of the content.
    """

    prompts: dict[int, dict[int, Prompts]]
    masks: Keys
    digest: str

    @property
    def highest(self) -> int:
        """The largest label."""
        return max([*self.prompts, *self.masks])

    @property
    def prompted(self) -> dict[int, dict[int, Prompts]]:
        """Prompts by slice, ascending, and label."""
        slices = sorted({index for one in self.prompts.values() for index in one})
        return {
            index: {
                label: one[index] for label, one in self.prompts.items() if index in one
            }
            for index in slices
        }


def read_given(path: Path, stack: Stack, key_slice: int | None = None) -> Given:
    """Read prompts for a stack.

    Parameters
    ----------
    path : Path
        JSON, or labels of the stack's shape in any format that stacks have.
    stack : Stack
        What they are for.
    key_slice : int, optional
        Of the stack; `path` then holds the labels of this slice alone.

    Raises
    ------
    PromptError
        If the file is missing, or its content makes no sense or lies outside.
    ImageError
        If labels cannot be read.
    """
    if not path.exists():
        raise PromptError(f"There is no {path}; check the path of the prompts.")
    if path.suffix.lower() != ".json":
        return _read_masks(path, stack, key_slice)
    if key_slice is not None:
        raise PromptError(
            "--key-slice is for prompts that are one plane of labels; a JSON file "
            "names its slices itself."
        )
    return _read_json(path, stack)


def predict_keys(
    predictor: Predictor,
    features: Callable[[int, tuple[float, float] | None], Features],
    given: Given,
    should_stop: Callable[[], bool] | None = None,
) -> Keys:
    """Answer the prompts of each slice together; the more probable gets a pixel.

    Raises
    ------
    PromptError
        If nothing is found at positive prompts.
    Cancelled
        As soon as `should_stop` says so.
    """
    keys: Keys = {label: {} for label in (*given.prompts, *given.masks)}
    for label, masks in given.masks.items():
        keys[label].update(masks)
    for index, asked in given.prompted.items():
        answers = predictor.predict_many(
            features(index, None), list(asked.values()), should_stop=should_stop
        )
        region, numbers = most_probable(answers)
        for number, (label, one) in enumerate(asked.items(), start=1):
            patch = Patch.of(numbers == number, region[:2])
            if one.has_positive and not patch.area:
                raise PromptError(
                    f"Object {label}: nothing was found at its prompts on slice "
                    f"{index}; add a click, or draw a box around it."
                )
            keys[label][index] = patch
    for label, known in keys.items():
        if not any(patch.area for patch in known.values()):
            raise PromptError(
                f"Object {label} has only negative prompts; say where it is, too."
            )
    return keys


def _read_json(path: Path, stack: Stack) -> Given:
    entries = read_prompts(path)
    prompts: dict[int, dict[int, Prompts]] = {}
    for entry in entries:
        index = _slice_of(entry, stack)
        on_slices = prompts.setdefault(entry.label, {})
        if index in on_slices:
            raise PromptError(
                f"{entry.what} is there twice on slice {index}; put its prompts there "
                "into one entry."
            )
        on_slices[index] = entry.prompts
    prompts = {label: dict(sorted(one.items())) for label, one in prompts.items()}
    plain = {
        str(label): {str(index): known.to_dict() for index, known in one.items()}
        for label, one in prompts.items()
    }
    text = json.dumps(plain, sort_keys=True)
    return Given(prompts, {}, hashlib.sha256(text.encode()).hexdigest())


def _slice_of(entry: Entry, stack: Stack) -> int:
    """Return the slice that the prompts of `entry` are on, and fit on."""
    if len(entry.plane) != 1:
        raise PromptError(
            f"{entry.what} lies on plane {list(entry.plane)}; give the number of its "
            'slice, as in "plane": [12].'
        )
    (index,) = entry.plane
    _check_slice(index, stack, entry.what)
    try:
        check_prompts(entry.prompts, stack.shape)
    except PromptError as error:
        raise PromptError(f"{entry.what}, slice {index}: {error}") from error
    return index


def _check_slice(index: int, stack: Stack, what: str) -> None:
    if not 0 <= index < len(stack):
        axis = "zyx"[stack.axis]
        raise PromptError(
            f"{what} names slice {index}, but the stack has slices 0 to "
            f"{len(stack) - 1} along {axis}; correct the slice, or choose another "
            "--axis."
        )


def _read_masks(path: Path, stack: Stack, key_slice: int | None) -> Given:
    masks: Keys = {}
    content = hashlib.sha256()
    for index, plane in _labelled(path, stack, key_slice):
        if plane.dtype.kind not in "bui":
            raise PromptError(
                f"{path} holds {plane.dtype} values; labels are whole numbers, 0 for "
                "the background."
            )
        for value in np.unique(plane[plane != 0]).tolist():
            label = check_label(int(value), str(path))
            patch = Patch.of(plane == value)
            masks.setdefault(label, {})[index] = patch
            content.update(f"{label} {index} {patch.region}".encode())
            content.update(pack(patch.crop))
    if not masks:
        raise PromptError(
            f"{path} has no labels above 0; label the object on a slice first."
        )
    return Given({}, dict(sorted(masks.items())), content.hexdigest())


def _labelled(
    path: Path, stack: Stack, key_slice: int | None
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield slices of labels, one after the other."""
    if key_slice is not None:
        _check_slice(key_slice, stack, "--key-slice")
        plane = read_plane(path)
        _check_shape(path, plane.shape, stack.shape)
        yield key_slice, plane
        return
    labels = open_stack(path, stack.axis)
    _check_shape(path, labels.full_shape, stack.volume_shape)
    for index in range(len(labels)):
        yield index, labels.plane(index)


def _check_shape(path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise PromptError(
            f"The labels in {path} have shape {shape}, not {expected}; give a label "
            "for each pixel of the stack, or one slice and its number as --key-slice."
        )
