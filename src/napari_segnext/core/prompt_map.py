"""Prompts drawn into SegNext's dense map: previous mask, positive, negative.

Section 3.2 of arXiv 2404.00741. A click is a disk, a scribble a chain of such disks, a
mask goes to the channel of the previous mask. How boxes and polygons look is a setting
of each model, because the paper's released weights saw clicks only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from skimage.draw import polygon as _polygon_pixels

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
    import numpy.typing as npt

    from napari_segnext.core.prompt_types import Vertices
    from napari_segnext.core.prompts import Prompt

__all__ = ["Grid", "PromptStyle", "check_prompts", "draw_prompts", "prompt_map"]

_PREVIOUS, _POSITIVE, _NEGATIVE = range(3)
_DRAWINGS = ("fill", "outline")


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """How prompts look in the map; part of a model, since it was trained so.

    Parameters
    ----------
    click_radius : int
        Radius of a click's disk in map pixels: ``distance ** 2 <= radius ** 2``.
    box, polygon : {"fill", "outline"}
        Whether the inside is filled, or the outline drawn one pixel wide.
    area_value : float
        Value of a filled box or polygon, 0 < value <= 1. Less than one tells an area
        that holds the object from pixels that are the object.
    max_stroke_radius : float
        Half the width in map pixels of the widest scribble the model has learned from;
        wider ones, and what was painted, are drawn as their middle line.

    Raises
    ------
    PromptError
        If a value is not one of these.
    """

    click_radius: int = 5
    box: str = "fill"
    polygon: str = "fill"
    area_value: float = 1.0
    max_stroke_radius: float = math.inf

    def __post_init__(self) -> None:
        """Check the values."""
        if self.click_radius < 0:
            raise PromptError(f"click_radius is {self.click_radius}; use 0 or more.")
        for name in ("box", "polygon"):
            if getattr(self, name) not in _DRAWINGS:
                raise PromptError(
                    f"{name} is {getattr(self, name)!r}; use one of {_DRAWINGS}."
                )
        if not 0 < self.area_value <= 1:
            raise PromptError(f"area_value is {self.area_value}; use 0 < value <= 1.")
        if not self.max_stroke_radius > 0:
            raise PromptError(
                f"max_stroke_radius is {self.max_stroke_radius}; use more than 0."
            )


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the pixels of a map lie on the plane; the one owner of that transform.

    Map pixel ``i`` covers the plane from ``origin + i / scale`` to
    ``origin + (i + 1) / scale``, measured in pixel edges.

    Parameters
    ----------
    origin : (float, float)
        Plane row and column of the map's upper left corner (an edge, not a centre).
    scale : (float, float)
        Map pixels per plane pixel along rows and columns.
    shape : (int, int)
        Rows and columns of the map.
    corner_aligned : bool
        The reference implementation scales coordinates without the half-pixel shift
        that its image resize has. True reproduces that.
    """

    origin: tuple[float, float]
    scale: tuple[float, float]
    shape: tuple[int, int]
    corner_aligned: bool = False

    def to_map(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Plane coordinates (N, 2) to map coordinates (N, 2), pixel centres whole."""
        points = np.asarray(points, float).reshape(-1, 2)
        half = 0.0 if self.corner_aligned else 0.5
        return (points + half - self.origin) * self.scale - half


def check_prompts(prompts: Prompts, shape: tuple[int, int]) -> None:
    """Raise PromptError unless `prompts` make sense on a plane of `shape`.

    Clicks must lie on the plane; everything else must touch it; masks and strokes must
    have its shape.
    """
    if not isinstance(prompts, Prompts):
        raise PromptError(f"Give Prompts(...), not {type(prompts).__name__}.")
    if not len(prompts):
        raise PromptError("There is no prompt; click on the object or draw around it.")
    masks = [] if prompts.mask is None else [prompts.mask]
    for prompt in (*prompts, *masks):
        what = type(prompt).__name__.lower()
        if isinstance(prompt, Mask | Stroke):
            if prompt.shape != tuple(shape):
                raise PromptError(
                    f"The {what} is for a plane of {prompt.shape} pixels, "
                    f"but this plane has {tuple(shape)}; make it anew for this image."
                )
            continue
        row0, col0, row1, col1 = prompt.bounds
        # pixel centres are whole numbers, so the plane begins at -0.5
        if (
            row1 < -0.5
            or col1 < -0.5
            or row0 >= shape[0] - 0.5
            or (col0 >= shape[1] - 0.5)
        ):
            raise PromptError(
                f"The {what} at row {row0:g}, column {col0:g} lies outside the plane "
                f"of {shape[0]} x {shape[1]} pixels; place it on the image."
            )


@lru_cache(maxsize=64)
def _disk(radius_squared: float) -> npt.NDArray[np.intp]:
    reach = int(np.sqrt(radius_squared))
    offsets = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    return offsets[(offsets**2).sum(axis=1) <= radius_squared]


def _stamp(
    channel: np.ndarray, centres: npt.NDArray[np.intp], radius_squared: float
) -> None:
    pixels = (centres[:, None] + _disk(radius_squared)).reshape(-1, 2)
    rows, cols = pixels[((pixels >= 0) & (pixels < channel.shape)).all(axis=1)].T
    channel[rows, cols] = 1


def _chain(
    points: npt.NDArray[np.float64], shape: tuple[int, int], margin: float = 0
) -> npt.NDArray[np.intp]:
    """Whole pixels along a polyline, at most one apart, within `margin` of the map."""
    low, high = -1.0 - margin, np.array(shape) + margin
    pieces = [np.zeros((0, 2))]
    for start, end in pairwise(points):
        step = end - start
        with np.errstate(divide="ignore", invalid="ignore"):
            crossings = np.sort([(low - start) / step, (high - start) / step], axis=0)
        # a line along one axis never crosses the borders of the other: inside or not
        still = step == 0
        inside = (low <= start) & (start <= high)
        crossings[:, still] = np.where(inside, [[0.0], [1.0]], [[2.0], [-1.0]])[
            :, still
        ]
        first, last = max(crossings[0].max(), 0.0), min(crossings[1].min(), 1.0)
        if first <= last:
            count = int(np.ceil(np.abs(step).max() * (last - first))) + 1
            pieces.append(start + np.linspace(first, last, count)[:, None] * step)
    return np.unique(np.floor(np.concatenate(pieces) + 0.5).astype(np.intp), axis=0)


def _draw_area(
    channel: np.ndarray, vertices: Vertices, grid: Grid, drawing: str, value: float
) -> None:
    points = grid.to_map(vertices)
    if drawing == "fill":
        rows, cols = _polygon_pixels(points[:, 0], points[:, 1], channel.shape)
        channel[rows, cols] = np.maximum(channel[rows, cols], value)
    # the outline too: an area thinner than a pixel must not vanish
    outline = _chain(np.vstack([points, points[:1]]), channel.shape)
    rows, cols = outline[((outline >= 0) & (outline < channel.shape)).all(axis=1)].T
    channel[rows, cols] = np.maximum(channel[rows, cols], value)


def _overlaps(grid: Grid, axis: int, start: int, size: int) -> npt.NDArray[np.float32]:
    """How much of each map pixel each of `size` plane pixels covers: (map, plane)."""
    steps = np.arange(grid.shape[axis] + 1) / grid.scale[axis]
    edges = grid.origin[axis] + steps[:, None]
    pixels = start + np.arange(size)
    shared = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return (np.maximum(shared, 0) * grid.scale[axis]).astype(np.float32)


def _resample(
    crop: npt.NDArray[np.float32], corner: tuple[int, int], grid: Grid
) -> npt.NDArray[np.float32]:
    """Mean of `crop`, whose first pixel is plane pixel `corner`, per map pixel."""
    rows = _overlaps(grid, 0, corner[0], crop.shape[0])
    cols = _overlaps(grid, 1, corner[1], crop.shape[1])
    values: npt.NDArray[np.float32] = np.linalg.multi_dot([rows, crop, cols.T])
    return values


def _draw(
    maps: npt.NDArray[np.float32], prompt: Prompt, grid: Grid, style: PromptStyle
) -> None:
    channel = maps[_POSITIVE if prompt.positive else _NEGATIVE]
    if isinstance(prompt, Click):
        centre = np.floor(grid.to_map((prompt.row, prompt.col)) + 0.5).astype(np.intp)
        _stamp(channel, centre, style.click_radius**2)
    elif isinstance(prompt, Box):
        _draw_area(channel, prompt.vertices, grid, style.box, style.area_value)
    elif isinstance(prompt, Polygon):
        _draw_area(channel, prompt.vertices, grid, style.polygon, style.area_value)
    elif isinstance(prompt, Scribble):
        radius = max(style.click_radius, prompt.width * min(grid.scale) / 2)
        radius = min(radius, style.max_stroke_radius)
        chain = _chain(grid.to_map(prompt.vertices), grid.shape, radius)
        _stamp(channel, chain, radius**2)
    else:
        covered = _resample(prompt.crop.astype(np.float32), prompt.region[:2], grid)
        # half a map pixel is enough: a thin stroke must not vanish when reduced
        painted = covered >= min(0.5, min(grid.scale) / 2)
        if math.isfinite(style.max_stroke_radius):
            from skimage.morphology import skeletonize  # 0.1 s, and rarely needed

            painted = skeletonize(painted)
        _stamp(channel, np.argwhere(painted), style.click_radius**2)


def draw_prompts(
    prompts: Prompts,
    grid: Grid,
    style: PromptStyle,
    previous: tuple[npt.NDArray[np.float32], tuple[int, int]] | None = None,
) -> npt.NDArray[np.float32]:
    """Draw prompts on any grid; :func:`prompt_map` is this on the plane itself.

    Parameters
    ----------
    prompts : Prompts
        In plane pixels.
    grid : Grid
        Where the map's pixels lie.
    style : PromptStyle
        How prompts look.
    previous : (array (h, w) float32, (row, col)), optional
        Probabilities and the plane pixel of their upper left corner. Takes the place
        of the mask prompt.

    Returns
    -------
    array (3, rows, columns) float32
    """
    maps = np.zeros((3, *grid.shape), np.float32)
    if previous is None and prompts.mask is not None:
        previous = prompts.mask.crop, prompts.mask.region[:2]
    if previous is not None:
        maps[_PREVIOUS] = _resample(*previous, grid)
    for prompt in prompts:
        _draw(maps, prompt, grid, style)
    return maps


def prompt_map(
    prompts: Prompts,
    shape: tuple[int, int],
    *,
    previous: npt.ArrayLike | None = None,
    style: PromptStyle | None = None,
) -> npt.NDArray[np.float32]:
    """Draw prompts into SegNext's dense map, at the plane's own resolution.

    Parameters
    ----------
    prompts : Prompts
        What the user said about one object.
    shape : (int, int)
        Height and width of the plane in pixels.
    previous : array (H, W) of bool or float probability, optional
        The mask of the step before; takes the place of the mask prompt.
    style : PromptStyle, optional
        How prompts look; by default disks of radius 5 and filled areas.

    Returns
    -------
    array (3, H, W) float32
        Previous mask, positive prompts, negative prompts, from 0 to 1.

    Raises
    ------
    PromptError
        If there is no prompt, one lies outside the plane, or `previous` has another
        shape.

    Examples
    --------
    >>> from napari_segnext import Click, Prompts, prompt_map
    >>> prompt_map(Prompts(clicks=[Click(10, 10)]), (32, 32)).sum()
    np.float32(81.0)
    """
    check_prompts(prompts, shape)
    grid = Grid((0.0, 0.0), (1.0, 1.0), (int(shape[0]), int(shape[1])))
    before = None
    if previous is not None:
        plane = np.asarray(previous, np.float32)
        if plane.shape != grid.shape:
            raise PromptError(
                f"The previous mask has shape {plane.shape}, "
                f"but the plane has {grid.shape}; give one of the plane's shape."
            )
        before = plane, (0, 0)
    return draw_prompts(prompts, grid, style or PromptStyle(), before)
