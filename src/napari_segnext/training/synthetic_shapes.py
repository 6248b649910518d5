"""Outlines of cells and organelles, and how they lie beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_segnext.training.data import Annotated

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Plane: TypeAlias = npt.NDArray[np.floating]
    Labels: TypeAlias = npt.NDArray[np.int32]
    Points: TypeAlias = npt.NDArray[np.float64]
    Pixels: TypeAlias = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]

__all__ = [
    "Canvas",
    "Stamp",
    "blob",
    "curve",
    "ellipse",
    "interior_depth",
    "random_shape",
    "stamp_disks",
    "tube",
]

_MIN_AREA_PX = 20


class Stamp(NamedTuple):
    """A shape on the pixels around it.

    `inside` (h, w) is the distance in pixels to the outline, positive inside; `rows`
    and `cols` say where in the plane; `along` (h, w) runs 0 to 1 along a tube, else is
    None.
    """

    rows: slice
    cols: slice
    inside: Plane
    along: Plane | None = None

    @property
    def where(self) -> tuple[slice, slice]:
        """Index of these pixels in the plane."""
        return self.rows, self.cols


@dataclass(slots=True)
class Canvas:
    """Labels under way: every shape put on it covers those before."""

    labels: Labels
    count: int = field(default=0)

    @classmethod
    def blank(cls, shape: tuple[int, int]) -> Canvas:
        """Nothing on it yet."""
        return cls(np.zeros(shape, np.int32))

    def put(self, stamp: Stamp) -> npt.NDArray[np.bool_]:
        """Make `stamp` the next object; returns its pixels (h, w)."""
        mask = stamp.inside > 0
        self.count += 1
        self.labels[stamp.where][mask] = self.count
        return mask

    def annotate(
        self, image: npt.NDArray[np.uint8], *, largest_share: float = 0.5
    ) -> Annotated:
        """`image` with ids from 1 on, without scraps.

        Of an object that others cut, pieces smaller than `largest_share` of its largest
        piece are left to the background; so are objects below 20 px.
        """
        labels = self.labels
        kept = 0
        result = np.zeros_like(labels)
        for index, box in enumerate(ndimage.find_objects(labels), start=1):
            if box is None:
                continue
            pieces, found = ndimage.label(labels[box] == index, np.ones((3, 3)))
            areas = np.bincount(pieces.ravel(), minlength=found + 1)
            areas[0] = 0
            good = areas >= max(_MIN_AREA_PX, largest_share * areas.max())
            if good.any():
                kept += 1
                result[box][good[pieces]] = kept
        return Annotated(image, result)


def random_shape(rng: np.random.Generator) -> tuple[int, int]:
    """Sides of a plane, 256 to 384 px."""
    rows, cols = rng.integers(256, 385, 2)
    return int(rows), int(cols)


def _window(
    shape: tuple[int, int], low: npt.ArrayLike, high: npt.ArrayLike
) -> tuple[slice, slice, Plane, Plane] | None:
    """Part of the plane between two corners, with row and column coordinates."""
    start = np.maximum(np.floor(low).astype(int), 0)
    stop = np.minimum(np.ceil(high).astype(int) + 1, shape)
    if (stop <= start).any():
        return None
    rows, cols = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    grid = np.ogrid[rows, cols]
    return rows, cols, grid[0].astype(np.float32), grid[1].astype(np.float32)


def ellipse(
    shape: tuple[int, int],
    centre: npt.ArrayLike,
    radii: tuple[float, float],
    angle: float,
    margin: float = 1,
) -> Stamp | None:
    """Stamp an ellipse (distances to first order), or None outside the plane."""
    centre = np.asarray(centre, float)
    reach = max(radii) + margin
    window = _window(shape, centre - reach, centre + reach)
    if window is None:
        return None
    rows, cols, y, x = window
    y, x = y - np.float32(centre[0]), x - np.float32(centre[1])
    sin, cos = np.float32(np.sin(angle)), np.float32(np.cos(angle))
    along, across = x * cos + y * sin, y * cos - x * sin
    long, short = (np.float32(max(radius, 0.5)) for radius in radii)
    tiny = np.float32(1e-6)  # the centre lies `short` inside
    level = np.hypot(along / long, across / short) + tiny
    slope = np.hypot(along / long**2, across / short**2) + tiny / short
    depth = level * (1 - level) / slope  # right at the outline, too deep on the axis
    ridge = short * np.sqrt(np.maximum(1 - level**2, 0))
    return Stamp(rows, cols, np.where(level < 1, np.minimum(depth, ridge), depth))


def blob(
    rng: np.random.Generator,
    shape: tuple[int, int],
    centre: npt.ArrayLike,
    radii: tuple[float, float],
    angle: float,
    wobble: float,
) -> Stamp | None:
    """Stamp an ellipse whose radius varies around it by about `wobble` (relative)."""
    stamp = ellipse(shape, centre, radii, angle, 1 + 3 * wobble * max(radii))
    if stamp is None or wobble <= 0:
        return stamp
    centre = np.asarray(centre, float)
    rows, cols = np.ogrid[stamp.rows, stamp.cols]
    around = (cols - centre[1]) + 1j * (rows - centre[0])
    around = (around / (np.abs(around) + 1e-6)).astype(np.complex64)
    waves = rng.normal(0, wobble, (4, 2)) / np.arange(2, 6)[:, None]
    edge = np.polyval([*(waves @ [1, 1j])[::-1].astype(np.complex64), 0, 0], around)
    size = np.float32(np.sqrt(radii[0] * radii[1]))
    return stamp._replace(inside=stamp.inside + size * edge.real)


def curve(
    rng: np.random.Generator,
    start: npt.ArrayLike,
    angle: float,
    length: float,
    *,
    bend: float,
    step: float = 1,
) -> Points:
    """Walk at random but smoothly: points (N, 2) `step` px apart.

    `bend` is the standard deviation of the direction, in radians, after 50 px.
    """
    count = max(int(length / step) + 1, 2)
    knots = max(int(length / 25) + 1, 2)
    turning = np.interp(
        np.linspace(0, knots - 1, count), np.arange(knots), rng.normal(0, 1, knots)
    )
    angles = angle + np.cumsum(turning) * bend * step / 40
    steps = step * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return np.asarray(start, float) + np.cumsum(steps, axis=0)


def tube(
    shape: tuple[int, int], points: Points, radii: npt.ArrayLike, margin: float = 1
) -> Stamp | None:
    """Stamp a tube around a polyline of few points (K, 2) with a radius at each."""
    radius = np.broadcast_to(np.asarray(radii, np.float32), len(points))
    reach = float(radius.max()) + margin
    window = _window(shape, points.min(axis=0) - reach, points.max(axis=0) + reach)
    if window is None:
        return None
    rows, cols, y, x = window
    best = np.full((y.size, x.size), -np.inf, np.float32)
    along = np.zeros_like(best)
    corners = points.astype(np.float32)
    last = len(points) - 1
    for index in range(last):
        start, vector = corners[index], corners[index + 1] - corners[index]
        dy, dx = y - start[0], x - start[1]
        square = max(float(vector @ vector), 1e-6)
        part = np.clip((dy * vector[0] + dx * vector[1]) / square, 0, 1)
        distance = np.hypot(dy - part * vector[0], dx - part * vector[1])
        inside = radius[index] + part * (radius[index + 1] - radius[index]) - distance
        better = inside > best
        best = np.where(better, inside, best)
        along = np.where(better, (index + part) / last, along)
    return Stamp(rows, cols, best, along)


def stamp_disks(shape: tuple[int, int], points: Points, radii: Points) -> Pixels:
    """Rows and columns of all pixels within `radii` (N,) of dense `points` (N, 2)."""
    # wide disks overlap enough with fewer of them
    steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    pace = np.floor(np.cumsum(steps / np.maximum(0.2 * radii, 0.5)))
    kept = np.diff(pace, prepend=-1) > 0
    points, radii = points[kept], radii[kept]
    reach = int(np.ceil(radii.max()))
    offset = np.arange(-reach, reach + 1)
    centre = np.round(points).astype(np.intp)
    square = ((centre - points)[..., None] + offset) ** 2  # N x 2 x offsets
    distance = square[:, 0, :, None] + square[:, 1, None, :]
    which, down, right = np.nonzero(distance <= radii[:, None, None] ** 2)
    rows = centre[which, 0] + offset[down]
    cols = centre[which, 1] + offset[right]
    inside = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
    return rows[inside], cols[inside]


def interior_depth(labels: Labels) -> Plane:
    """Distance (H, W) of every object pixel to its object's outline, in pixels."""
    apart = labels > 0
    for axis in (0, 1):
        ahead = np.roll(labels, -1, axis)
        edge = labels != ahead
        edge[(slice(None),) * axis + (-1,)] = False
        apart &= ~edge
        apart &= ~np.roll(edge, 1, axis)
    return ndimage.distance_transform_edt(apart).astype(np.float32)
