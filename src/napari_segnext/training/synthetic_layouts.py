"""How cells lie beside each other: packed, grown into colonies, in a mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_segnext.training.synthetic_optics import log_uniform, smooth_noise

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.training.synthetic_shapes import Labels, Plane, Points

__all__ = ["Rods", "clumped", "grown", "joined", "mesh", "pack"]


@dataclass(frozen=True, slots=True)
class Rods:
    """Capsules: centres (N, 2) and half axes in pixels, angles (N,) in radians.

    `half` is that of the straight part, `radius` that of the caps; both (N,).
    """

    centres: Points
    angles: Points
    half: Points
    radius: Points

    @property
    def axes(self) -> Points:
        """Unit vectors (N, 2) along the rods."""
        return np.stack([np.sin(self.angles), np.cos(self.angles)], axis=1)


def pack(rods: Rods, *, rounds: int, squeeze: float = 0.03) -> Rods:
    """Push overlapping rods apart, as growth in a colony does.

    Each round moves and turns every pair that overlaps by its overlap; `squeeze` is the
    share of the summed radii by which they may stay overlapped.
    """
    centres, angles = rods.centres.copy(), rods.angles.copy()
    half, radius = rods.half, rods.radius
    reach = half + radius
    pairs = np.zeros((0, 2), int)
    for turn in range(rounds):
        if turn % 5 == 0:
            tree = cKDTree(centres)
            pairs = tree.query_pairs(2.3 * float(reach.max()), output_type="ndarray")
        if not len(pairs):
            break
        moved = Rods(centres, angles, half, radius)
        push, twist = _contacts(moved, pairs, squeeze)
        centres = centres + push
        angles = angles + np.clip(twist, -0.2, 0.2)
    return Rods(centres, angles, half, radius)


def _contacts(
    rods: Rods, pairs: npt.NDArray[np.intp], squeeze: float
) -> tuple[Points, Points]:
    """Return moves (N, 2) and turns (N,) that resolve half of each overlap."""
    first, second = pairs.T
    axis1, axis2 = rods.axes[first], rods.axes[second]
    half1, half2 = rods.half[first], rods.half[second]
    between = rods.centres[first] - rods.centres[second]
    cosine = (axis1 * axis2).sum(axis=1)
    on1, on2 = (axis1 * between).sum(axis=1), (axis2 * between).sum(axis=1)
    at1 = (cosine * on2 - on1) / np.maximum(1 - cosine**2, 1e-3)
    at2 = np.clip(np.clip(at1, -half1, half1) * cosine + on2, -half2, half2)
    at1 = np.clip(at2 * cosine - on1, -half1, half1)
    gap = between + at1[:, None] * axis1 - at2[:, None] * axis2
    distance = np.maximum(np.hypot(*gap.T), 1e-3)
    free = (1 - squeeze) * (rods.radius[first] + rods.radius[second])
    overlap = np.maximum(free - distance, 0)
    push = gap * (0.4 * overlap / distance)[:, None]
    size = len(rods.half)
    total = np.zeros((size, 2))
    twist = np.zeros(size)
    for who, axis, at, force in (
        (first, axis1, at1, push),
        (second, axis2, at2, -push),
    ):
        torque = at * (axis[:, 1] * force[:, 0] - axis[:, 0] * force[:, 1])
        inertia = rods.half[who] ** 2 / 3 + rods.radius[who] ** 2
        np.add.at(total, who, force)
        np.add.at(twist, who, torque / inertia)
    return total, twist


def joined(parts: list[Rods]) -> Rods:
    """All the rods of `parts`."""
    return Rods(
        np.concatenate([part.centres for part in parts]),
        np.concatenate([part.angles for part in parts]),
        np.concatenate([part.half for part in parts]),
        np.concatenate([part.radius for part in parts]),
    )


def grown(
    rng: np.random.Generator, count: int, middle: Points, radius: float, aspect: float
) -> Rods:
    """Grow a microcolony from one cell at `middle` until it has `count` cells.

    Cells lengthen, divide across at about twice the length they were born with, and
    push each other aside: neighbours lie side by side, in patches. `aspect` is that of
    the average cell.
    """
    born = 0.72 * radius * aspect  # half its length, caps included
    cells = Rods(
        np.asarray(middle, float)[None],
        rng.uniform(0, np.pi, 1),
        np.array([max(born - radius, 0.02 * radius)]),
        np.array([radius]),
    )
    limit = np.array([2 * born])
    stiff = rng.uniform(0.03, 0.25)
    while len(cells.half) < count:
        pace = rng.uniform(1.15, 1.35, len(cells.half))
        reach = pace * (cells.half + cells.radius)
        ready = reach > np.maximum(limit, 2.1 * cells.radius)
        part = np.where(ready, reach / 2, reach)
        offset = cells.axes[ready] * part[ready, None]
        centres = cells.centres.copy()
        centres[ready] -= offset
        size = int(ready.sum())
        cells = Rods(
            np.concatenate([centres, centres[ready] + 2 * offset]),
            np.concatenate([cells.angles, cells.angles[ready]]),
            np.concatenate([part, part[ready]]) - radius,
            np.concatenate([cells.radius, cells.radius[ready]]),
        )
        cells.angles[:] += rng.normal(0, stiff / 2, len(cells.angles))
        later = 2 * born * np.exp(rng.normal(0, 0.15, (2, size)))
        limit[ready] = later[0]
        limit = np.concatenate([limit, later[1]])
        cells = pack(cells, rounds=4, squeeze=0.0)
    return pack(cells, rounds=12, squeeze=0.0)


def clumped(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, cover: float
) -> Rods:
    """Round cells, alone and in clumps, covering about a share `cover` of the plane."""
    count = int(np.clip(cover * shape[0] * shape[1] / (3.1 * radius**2), 2, 150))
    clumps = max(int(count / log_uniform(rng, 1, 25)), 1)
    middles = rng.uniform(0.05, 0.95, (clumps, 2)) * shape
    member = rng.integers(0, clumps, count)
    spread = radius * np.sqrt(count / clumps) * 0.9
    centres = middles[member] + rng.normal(0, spread, (count, 2))
    radii = radius * np.exp(rng.normal(0, rng.uniform(0.05, 0.3), count))
    angles = rng.uniform(0, np.pi, count)
    half = radii * np.abs(rng.normal(0, 0.15, count)) + 0.01
    rods = Rods(centres, angles, half, radii)
    return pack(rods, rounds=25, squeeze=rng.uniform(-0.05, 0.08))


def _seeds(
    rng: np.random.Generator, shape: tuple[int, int], size: float, uneven_size: float
) -> Points:
    """Seeds about `size` px apart; `uneven_size` makes some regions denser."""
    count = int(np.clip(shape[0] * shape[1] / size**2, 4, 400))
    candidates = rng.uniform(0, 1, (12 * count, 2)) * shape
    rows, cols = candidates.astype(int).T
    density = np.exp(uneven_size * smooth_noise(rng, shape, 2.5 * size)[rows, cols])
    order = np.argsort(rng.random(len(density)) ** (1 / density))[::-1]
    chosen = order[:count]
    own = size * np.sqrt(density.mean() / density[chosen])
    radii = rng.uniform(0.2, 0.5) * np.minimum(own, 2 * size)
    halves, angles = np.full(count, 0.01), np.zeros(count)
    return pack(Rods(candidates[chosen], angles, halves, radii), rounds=8).centres


def mesh(
    rng: np.random.Generator, shape: tuple[int, int], size: float
) -> tuple[Labels, Plane]:
    """Voronoi cells with curved borders, about `size` px wide.

    Returns
    -------
    cells : array (H, W) int32
        From 1 on; every pixel belongs to one.
    border : array (H, W) float32
        1 on the last pixels of a cell, else 0.
    """
    seeds = _seeds(rng, shape, size, rng.uniform(0, 1.2))
    rows, cols = np.clip(np.round(seeds).astype(int), 0, np.array(shape) - 1).T
    empty = np.ones(shape, bool)
    empty[rows, cols] = False
    numbers = np.zeros(shape, np.int32)
    numbers[rows, cols] = np.arange(1, len(rows) + 1)
    stretch = np.exp(rng.normal(0, 0.25))  # columnar or flattened cells
    nearest = ndimage.distance_transform_edt(
        empty,
        sampling=(stretch, 1 / stretch),
        return_distances=False,
        return_indices=True,
    )
    cells = numbers[tuple(nearest)]
    scale = max(rng.uniform(0.3, 1.2) * size, 8)
    bend = rng.uniform(0, 0.28) * scale  # beyond, the borders would fold
    shift = [bend * smooth_noise(rng, shape, scale) for _ in range(2)]
    grid = np.ogrid[: shape[0], : shape[1]]
    index = tuple(
        np.clip((axis + move).astype(np.intp), 0, side - 1)
        for axis, move, side in zip(grid, shift, shape, strict=True)
    )
    cells = cells[index]
    border = np.zeros(shape, np.float32)
    border[:-1] = cells[:-1] != cells[1:]
    border[:, :-1] = np.maximum(border[:, :-1], cells[:, :-1] != cells[:, 1:])
    return cells, border
