"""First prompts as a person would give them, made from the true mask."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours
from skimage.morphology import skeletonize

from napari_segnext.core.prompts import (
    Box,
    Click,
    Mask,
    Polygon,
    Prompts,
    Scribble,
    Stroke,
)
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_segnext.core.prompts import Prompt

    Bools = npt.NDArray[np.bool_]
    Sampler = Callable[[Bools, np.random.Generator], Prompt]

__all__ = ["KINDS", "draw_first_prompt", "sample_prompts", "sample_rough_mask"]

KINDS = ("click", "box", "polygon", "scribble", "mask")
_CHANCES = (0.44, 0.12, 0.08, 0.14, 0.22)


def _extent(truth: Bools) -> float:
    rows, cols = np.nonzero(truth)
    return float(max(np.ptp(rows), np.ptp(cols)) + 1)


def _click_in(truth: Bools, rng: np.random.Generator, positive: bool = True) -> Click:
    """Near the middle, or anywhere inside."""
    depth = ndimage.distance_transform_edt(np.pad(truth, 1))[1:-1, 1:-1]
    least = rng.choice([0.99, 0.6, 0.3, 0.0], p=[0.35, 0.3, 0.2, 0.15])
    candidates = np.argwhere(truth & (depth >= least * depth.max()))
    row, col = candidates[rng.integers(len(candidates))]
    return Click(row, col, positive)


def _box(truth: Bools, rng: np.random.Generator) -> Box:
    """Corners off by up to a tenth of the sides."""
    rows, cols = np.nonzero(truth)
    corners = np.array([rows.min(), cols.min(), rows.max(), cols.max()], float)
    sides = np.array([np.ptp(rows), np.ptp(cols)] * 2) + 1.0
    corners += [-0.5, -0.5, 0.5, 0.5]  # around the pixels, not through their centres
    corners += rng.normal(0, 0.04, 4) * sides + sides * [-0.02, -0.02, 0.02, 0.02]
    return Box(*corners)


def _polygon(truth: Bools, rng: np.random.Generator) -> Polygon:
    """Draw a coarse outline of the largest part, vertices off."""
    extent = _extent(truth)
    outline = max(find_contours(np.pad(truth, 1).astype(float), 0.5), key=len) - 1
    outline = approximate_polygon(outline, extent * rng.uniform(0.02, 0.08))[:-1]
    middle = outline.mean(axis=0)
    outline = middle + (outline - middle) * rng.uniform(0.95, 1.15)
    return Polygon(outline + rng.normal(0, 0.02 * extent, outline.shape))


def _scribble(truth: Bools, rng: np.random.Generator) -> Prompt:
    """Draw a stroke along the middle with breaks, or a short straight line inside."""
    if rng.random() < 0.6:
        depth = ndimage.distance_transform_edt(truth)
        core = depth > depth.max() * rng.uniform(0, 0.5)
        line = skeletonize(core)
        rows = np.argwhere(line)
        gap = rows[rng.integers(len(rows))]
        distance = np.abs(np.argwhere(line) - gap).max(axis=1)
        keep = rows[distance > rng.uniform(0, 0.3) * _extent(truth)]
        if len(keep) > 2:
            painted = np.zeros_like(truth)
            painted[tuple(keep.T)] = True
            return Stroke.from_array(painted)
    start = _click_in(truth, rng)
    candidates = np.argwhere(truth)
    for _ in range(8):
        end = candidates[rng.integers(len(candidates))]
        line = np.linspace((start.row, start.col), end, 16)
        rows, cols = np.round(line).astype(int).T
        if truth[rows, cols].mean() > 0.85 and np.abs(line[-1] - line[0]).max() >= 2:
            middle = line[8] + rng.normal(0, 1.5, 2)
            return Scribble([line[0], middle, line[-1]], width=rng.uniform(1, 9))
    return start


def sample_rough_mask(
    truth: Bools,
    labels: npt.NDArray[np.int32],
    other_plane: Bools | None,
    rng: np.random.Generator,
) -> Bools:
    """Return the truth eroded, dilated, shifted, merged, holed or of the next slice."""
    if other_plane is not None and other_plane.any() and rng.random() < 0.75:
        return other_plane
    extent = _extent(truth)
    shift = rng.normal(0, 0.05 * extent, 2).round().astype(int)
    mask = ndimage.shift(truth, shift, order=0)
    depth = ndimage.distance_transform_edt(mask)
    outside = ndimage.distance_transform_edt(~mask)
    # a border that wanders smoothly by up to a fifth of the extent
    size = truth.shape[0]
    coarse = ndimage.zoom(rng.normal(0, 1, (7, 7)), size / 7, order=1)
    offset = (rng.normal(0, 0.05) + 0.05 * coarse) * extent
    rough = (depth - outside) > np.clip(offset, -0.2 * extent, 0.45 * depth.max())
    near = labels[ndimage.binary_dilation(truth, iterations=3) & ~truth]
    near = near[near > 0]
    if near.size and rng.random() < 0.15:  # merged with a neighbour
        rough |= labels == rng.choice(near)
    return rough if rough.any() else truth


_SAMPLERS: dict[str, Sampler] = {
    "click": _click_in,
    "box": _box,
    "polygon": _polygon,
    "scribble": _scribble,
}


def sample_prompts(
    truth: Bools,
    labels: npt.NDArray[np.int32],
    other_plane: Bools | None,
    rng: np.random.Generator,
) -> Prompts:
    """First prompts for one object.

    Parameters
    ----------
    truth : array (S, S) bool
        The object; at least one pixel.
    labels : array (S, S) int32
        All objects of the crop, for negatives and merged masks.
    other_plane : array (S, S) bool or None
        The object on the neighbouring plane of a stack.
    rng : numpy.random.Generator
        Source of everything random here.
    """
    kind = str(rng.choice(KINDS, p=_CHANCES))
    prompts = Prompts()
    try:
        if kind == "mask":
            rough = sample_rough_mask(truth, labels, other_plane, rng)
            prompts = prompts.add(Mask.from_array(rough))
        else:
            prompts = prompts.add(_SAMPLERS[kind](truth, rng))
    except (PromptError, ValueError):  # too small for this kind
        kind = "click"
        prompts = Prompts(clicks=(_click_in(truth, rng),))
    if kind != "click" and rng.random() < 0.25:
        prompts = prompts.add(_click_in(truth, rng))
    others = (labels > 0) & ~truth
    if rng.random() < 0.12 and others.any():
        distance = ndimage.distance_transform_edt(~truth)
        near = others & (distance < _extent(truth))
        if near.any():
            prompts = prompts.add(_click_in(near, rng, positive=False))
    return prompts


_TRIES = 10  # a wobbly outline of few pixels may have no area


def draw_first_prompt(
    kind: str,
    truth: Bools,
    labels: npt.NDArray[np.int32],
    rng: np.random.Generator,
) -> Prompts:
    """Draw one prompt of one kind for an object of a whole plane.

    Parameters
    ----------
    kind : {"click", "box", "polygon", "scribble", "mask"}
        A mask is the truth spoiled, see :func:`sample_rough_mask`.
    truth : array (H, W) bool
        The object; at least one pixel.
    labels : array (H, W) int32
        All objects of the plane, for rough masks that swallow a neighbour.
    rng : numpy.random.Generator
        The same state draws the same prompt.

    Returns
    -------
    Prompts
        Of exactly one prompt, in pixels of the plane.

    Raises
    ------
    PromptError
        If the object is too small for this kind.
    """
    rows, cols = np.nonzero(truth)
    side = 2 * int(_extent(truth)) + 8
    middle = np.array([rows.min() + rows.max(), cols.min() + cols.max()]) // 2
    row0, col0 = (int(start) for start in middle - side // 2)
    near = _cut(truth, row0, col0, side)
    around = _cut(labels, row0, col0, side)
    if kind == "mask":
        rough = sample_rough_mask(near, around, None, rng)
        whole = _paste(rough, row0, col0, truth.shape)
        return Prompts(mask=Mask.from_array(whole if whole.any() else truth))
    for _ in range(_TRIES):
        with suppress(PromptError, ValueError):
            prompt = _SAMPLERS[kind](near, rng)
            return Prompts().add(_moved(prompt, row0, col0, truth.shape))
    raise PromptError(
        f"An object of {len(rows)} px is too small for a {kind}; leave it out."
    )


def _cut(
    plane: npt.NDArray[np.generic], row: int, col: int, side: int
) -> npt.NDArray[Any]:
    """Return the square at (row, col), zero outside the plane."""
    square = np.zeros((side, side), plane.dtype)
    height, width = plane.shape
    rows = slice(max(row, 0), min(row + side, height))
    cols = slice(max(col, 0), min(col + side, width))
    part = plane[rows, cols]
    top, left = rows.start - row, cols.start - col
    square[top : top + part.shape[0], left : left + part.shape[1]] = part
    return square


def _paste(square: Bools, row: int, col: int, shape: tuple[int, ...]) -> Bools:
    """Put a square back on a plane; what lies outside is lost."""
    plane = np.zeros(shape, bool)
    rows = slice(max(row, 0), min(row + len(square), shape[0]))
    cols = slice(max(col, 0), min(col + len(square), shape[1]))
    plane[rows, cols] = square[
        rows.start - row : rows.stop - row, cols.start - col : cols.stop - col
    ]
    return plane


def _moved(prompt: Prompt, row: int, col: int, shape: tuple[int, ...]) -> Prompt:
    """Return the prompt of a square at (row, col) in pixels of the plane."""
    match prompt:
        case Click():
            return replace(prompt, row=prompt.row + row, col=prompt.col + col)
        case Box(row0, col0, row1, col1):
            return Box(row0 + row, col0 + col, row1 + row, col1 + col)
        case Polygon() | Scribble():
            moved = tuple((r + row, c + col) for r, c in prompt.vertices)
            return replace(prompt, vertices=moved)
        case Stroke(region=region):
            bounds = region[0] + row, region[1] + col, region[2] + row, region[3] + col
            return replace(prompt, shape=(shape[0], shape[1]), region=bounds)
