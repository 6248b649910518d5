"""A small stack with known objects, and a predictor that finds bright parts."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_segnext.commands.propagation.keys import read_given
from napari_segnext.commands.propagation.running import Job, run_job
from napari_segnext.commands.propagation.stacks import open_stack
from napari_segnext.core.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_segnext.commands.propagation.running import Outcome
    from napari_segnext.core.features import Features
    from napari_segnext.core.prompts import Prompts

SHAPE = (12, 36, 44)
KEY = 5
# label: row, column, radius, first and last slice; 2 and 3 touch, 4 leans
TUBES = {
    1: (9, 10, 5, 2, 9),
    2: (25, 18, 6, 0, 11),
    3: (25, 30, 6, 0, 11),
    7: (8, 30, 4, 3, 11),
}
PROMPTS = {
    "objects": [
        {
            "label": label,
            "slices": {str(KEY): {"clicks": [{"row": row, "col": col}]}},
        }
        for label, (row, col, *_) in TUBES.items()
    ]
}
PROMPTS["objects"][1]["slices"]["10"] = {"clicks": [{"row": 25, "col": 18}]}
PROMPTS["objects"][2]["slices"]["10"] = {"clicks": [{"row": 25, "col": 30}]}


def make_truth(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Labels of the tubes; of two that touch, the first one has the pixel."""
    truth = np.zeros(shape, np.uint16)
    rows, cols = np.indices(shape[1:])
    for label, (row, col, radius, first, last) in TUBES.items():
        for z in range(first, min(last + 1, shape[0])):
            disk = (rows - row) ** 2 + (cols - col) ** 2 <= radius**2
            truth[z][disk & (truth[z] == 0)] = label
    return truth


def make_stack(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 100, shape)
    return (noise + 1000 * (make_truth(shape) > 0)).astype(np.uint16)


class BrightPredictor:
    """Finds the bright parts that are clicked on, nearer clicks more probable.

    Parameters
    ----------
    digest : str
        Of its model.
    on_call : callable, optional
        Called before every answer.
    """

    def __init__(
        self, digest: str = "bright", on_call: Callable[[], object] | None = None
    ) -> None:
        self.model = SimpleNamespace(digest=digest, threshold=0.5)
        self.calls = 0
        self.on_call = on_call

    def predict_many(
        self,
        features: Features,
        prompts: Sequence[Prompts],
        previous: Any = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[Prediction]:
        self.calls += 1
        if self.on_call is not None:
            self.on_call()
        bright = np.asarray(features.plane, float) > 500
        parts, _ = ndimage.label(bright)
        return [self._answer(parts, one) for one in prompts]

    def _answer(self, parts: np.ndarray, prompts: Prompts) -> Prediction:
        spots = [(round(c.row), round(c.col)) for c in prompts.clicks if c.positive]
        clicked = {int(parts[spot]) for spot in spots} - {0}
        rows, cols = np.indices(parts.shape)
        squares = [(rows - row) ** 2 + (cols - col) ** 2 for row, col in spots]
        near = np.exp(-np.min([*squares, np.full(parts.shape, 9999)], axis=0) / 400)
        crop = np.where(np.isin(parts, list(clicked)), 0.6 + 0.35 * near, 0)
        return Prediction(parts.shape, (0, 0, *parts.shape), crop.astype("f4"), 0.5)


def write_inputs(folder: Path, prompts: Any = None) -> tuple[Path, Path]:
    """Write the stack and prompts for it, and return where they are."""
    stack, file = folder / "stack.npy", folder / "prompts.json"
    np.save(stack, make_stack())
    file.write_text(json.dumps(PROMPTS if prompts is None else prompts))
    return stack, file


def truth_keys() -> dict[int, dict[int, np.ndarray]]:
    """Return the truth on the slices that `PROMPTS` names, by label and slice."""
    truth = make_truth()
    slices = {1: [KEY], 2: [KEY, 10], 3: [KEY, 10], 7: [KEY]}
    return {
        label: {index: truth[index] == label for index in indices}
        for label, indices in slices.items()
    }


def write_keys(folder: Path) -> Path:
    """Write them as a stack of labels."""
    keys = np.zeros(SHAPE, np.uint16)
    for label, masks in truth_keys().items():
        for index, mask in masks.items():
            keys[index][mask] = label
    np.save(folder / "keys.npy", keys)
    return folder / "keys.npy"


def make_job(folder: Path, name: str = "labels.zarr", **options: Any) -> Job:
    """Open what :func:`write_inputs` wrote."""
    axis = options.pop("axis", 0)
    stack = open_stack(options.pop("stack", folder / "stack.npy"), axis)
    given = read_given(options.pop("prompts", folder / "prompts.json"), stack)
    slices = options.pop("slices", range(len(stack)))
    return Job(stack, given, folder / name, slices, **options)


def go(
    folder: Path, name: str = "labels.zarr", predictor: Any = None, **options: Any
) -> Outcome:
    """Run once, without a progress bar."""
    should_stop = options.pop("should_stop", None)
    job = make_job(folder, name, **options)
    return run_job(job, predictor or BrightPredictor(), should_stop, progress=False)


def read_labels(path: Path) -> np.ndarray:
    """Read a labels file with what others would read it with."""
    import tifffile
    import zarr

    if path.suffix == ".zarr":
        return np.asarray(zarr.open_array(path, mode="r")[...])
    return tifffile.imread(path)
