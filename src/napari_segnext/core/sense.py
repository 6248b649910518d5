"""Combinations of prompts that make no sense, told in one sentence.

Nothing is refused: the network answers every combination. These are hints for somebody
who wonders about the answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.prompts import Box, Click, Polygon, Scribble, Stroke

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    import numpy.typing as npt

    from napari_segnext.core.prompts import Mask, Prompt, Prompts

    Area = Box | Polygon
    FloatArray = npt.NDArray[np.float64]
    Shape = tuple[int, int]

__all__ = ["complaint"]

_SAME_PLACE_PX = 1.5


@lru_cache(maxsize=64)
def complaint(prompts: Prompts, shape: Shape) -> str | None:
    """Say what makes no sense in the prompts of one object.

    Parameters
    ----------
    prompts : Prompts
        All prompts of one object on one plane.
    shape : (int, int)
        Height and width of the plane in pixels.

    Returns
    -------
    str or None
        One sentence: what is wrong, and what to do. None if all makes sense.
    """
    if not len(prompts):
        return None
    for rule in _RULES:
        sentence = rule(prompts, shape)
        if sentence is not None:
            return sentence
    return None


def _only_negatives(prompts: Prompts, shape: Shape) -> str | None:
    if prompts.has_positive:
        return None
    return "Nothing says where the object is; add a positive prompt."


def _same_place(prompts: Prompts, shape: Shape) -> str | None:
    """Find clicks, areas or lines of both polarities at the same place."""
    positive, negative = _by_polarity(prompts)
    yes, no = _points(positive), _points(negative)
    distances = np.hypot(*(yes[:, None] - no[None]).transpose(2, 0, 1))
    for index in np.argwhere(distances <= _SAME_PLACE_PX)[:1, 0]:
        return (
            f"A positive and a negative click {_place(yes[index])} say the opposite; "
            "remove one of them."
        )
    outlines = {_outline(prompt) for prompt in negative}
    for prompt in positive:
        if not isinstance(prompt, Click) and _outline(prompt) in outlines:
            return (
                f"A {_name(prompt)} is there twice, positive and negative; "
                "remove one of them."
            )
    return None


def _click_on_the_opposite(prompts: Prompts, shape: Shape) -> str | None:
    """Find a click in an area, or on a line, that says the opposite."""
    positive, negative = _by_polarity(prompts)
    yes, no = _points(positive), _points(negative)
    for prompt in negative:
        for point in yes[_covered(prompt, yes)][:1]:
            return (
                f"The positive click {_place(point)} lies in a negative "
                f"{_name(prompt)}, which says that the object is not there; "
                "remove one of them."
            )
    for prompt in positive:
        if isinstance(prompt, Box | Polygon):
            continue  # a negative click in one cuts something out, which makes sense
        for point in no[_covered(prompt, no)][:1]:
            return (
                f"The negative click {_place(point)} lies on a positive "
                f"{_name(prompt)}; remove one of them."
            )
    return None


def _box_around_nothing(prompts: Prompts, shape: Shape) -> str | None:
    """Find a box without a click in it, while there are clicks outside all boxes."""
    boxes = [box for box in prompts.boxes if box.positive]
    clicks = _points(_by_polarity(prompts)[0])
    inside = np.array([_contains(box, clicks) for box in boxes], bool)
    outside = clicks[~inside.any(axis=0)] if boxes else clicks
    if boxes and len(outside) and not inside.any(axis=1).all():
        return (
            f"A box has no click in it, and the click {_place(outside[0])} lies "
            "outside all boxes; if it is about another object, accept this one first."
        )
    return None


def _mask_not_here(prompts: Prompts, shape: Shape) -> str | None:
    """Find a mask that lies wholly in an area that says "not here"."""
    if prompts.mask is None:
        return None
    points = _pixels(prompts.mask)
    for area in _negative_areas(prompts):
        if len(points) and _contains(area, points).all():
            return (
                f"The mask lies wholly inside a negative {_name(area)}, which says "
                "that the object is not there; remove one of them."
            )
    return None


def _nowhere(prompts: Prompts, shape: Shape) -> str | None:
    """Find an area that leaves no place for the object."""
    rows, cols = shape[0] - 1, shape[1] - 1
    corners = np.array([(0, 0), (0, cols), (rows, cols), (rows, 0)], float)
    middles = (corners + np.roll(corners, 1, axis=0)) / 2
    rim = np.concatenate([corners, middles])
    for area in prompts.boxes:
        if not area.positive and _contains(area, rim).all():
            return (
                "A negative box covers the whole plane and leaves no place for the "
                "object; draw a smaller one."
            )
    return None


_RULES: tuple[Callable[[Prompts, Shape], str | None], ...] = (
    _only_negatives,
    _same_place,
    _click_on_the_opposite,
    _mask_not_here,
    _nowhere,
    _box_around_nothing,
)


def _by_polarity(prompts: Prompts) -> tuple[list[Prompt], list[Prompt]]:
    every = list(prompts)
    positive = [prompt for prompt in every if prompt.positive]
    return positive, [prompt for prompt in every if not prompt.positive]


def _negative_areas(prompts: Prompts) -> list[Area]:
    areas: list[Area] = [*prompts.boxes, *prompts.polygons]
    return [area for area in areas if not area.positive]


def _name(prompt: Prompt) -> str:
    return type(prompt).__name__.lower()


def _place(point: FloatArray) -> str:
    return f"at row {point[0]:.0f}, column {point[1]:.0f}"


def _points(prompts: Iterable[Prompt]) -> FloatArray:
    """Return (N, 2) rows and columns of the clicks among prompts."""
    found = [(click.row, click.col) for click in prompts if isinstance(click, Click)]
    return np.array(found, float).reshape(-1, 2)


def _outline(prompt: Prompt) -> Hashable:
    """Return what two prompts at the same place share, whatever their polarity."""
    if isinstance(prompt, Stroke):
        return prompt.region, prompt.bits
    if isinstance(prompt, Scribble):
        return min(tuple(prompt.vertices), tuple(reversed(prompt.vertices)))
    if isinstance(prompt, Click):
        return prompt.row, prompt.col
    return frozenset(prompt.vertices)


def _covered(prompt: Prompt, points: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether each of (N, 2) points lies in an area, or on a line."""
    if isinstance(prompt, Click) or not len(points):
        return np.zeros(len(points), bool)
    if isinstance(prompt, Stroke):
        row0, col0, row1, col1 = prompt.region
        rows, cols = np.rint(points).astype(int).T
        inside = (rows >= row0) & (rows < row1) & (cols >= col0) & (cols < col1)
        inside[inside] = prompt.crop[rows[inside] - row0, cols[inside] - col0]
        return inside
    if isinstance(prompt, Scribble):
        return np.array([_distance(prompt, at) <= prompt.width / 2 for at in points])
    return _contains(prompt, points)


def _contains(area: Area, points: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether each of (N, 2) points lies in the area, its rim included."""
    row0, col0, row1, col1 = area.bounds
    inside = (points >= (row0, col0)) & (points <= (row1, col1))
    result: npt.NDArray[np.bool_] = np.all(inside, axis=1)
    if isinstance(area, Polygon) and result.any():
        from skimage.measure import points_in_poly

        result[result] = points_in_poly(points[result], np.asarray(area.vertices))
    return result


def _distance(line: Scribble, point: FloatArray) -> float:
    """Distance in pixels of a point from the nearest piece of a line."""
    vertices = np.asarray(line.vertices, float)
    starts, steps = vertices[:-1], np.diff(vertices, axis=0)
    lengths = np.maximum((steps**2).sum(axis=1), 1e-12)
    along = np.clip(((point - starts) * steps).sum(axis=1) / lengths, 0, 1)
    nearest = starts + along[:, None] * steps
    return float(np.hypot(*(point - nearest).T).min())


def _pixels(mask: Mask) -> FloatArray:
    """Return (N, 2) rows and columns of the object's pixels in a mask."""
    inside = np.argwhere(mask.crop_mask)
    return inside + np.array(mask.region[:2], float)
