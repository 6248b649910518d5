"""Whole cells without a label: yeast in relief, spread cells in phase contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.draw import polygon

from napari_segnext.training.synthetic_layouts import (
    Rods,
    clumped,
    grown,
    joined,
    mesh,
    pack,
)
from napari_segnext.training.synthetic_optics import (
    blobs,
    blur,
    camera,
    defocus,
    fibres,
    log_uniform,
    phase_contrast,
    relief,
    smooth_noise,
    texture,
    to_rgb,
    uneven,
)
from napari_segnext.training.synthetic_shapes import (
    Canvas,
    curve,
    ellipse,
    interior_depth,
    random_shape,
    stamp_disks,
    tube,
)

if TYPE_CHECKING:
    from napari_segnext.training.data import Annotated
    from napari_segnext.training.synthetic_shapes import Pixels, Plane, Points, Stamp

__all__ = ["adherent_phase", "yeast_dic"]


def _with_buds(rng: np.random.Generator, cells: Rods) -> Rods:
    """Daughters of all sizes on the rim of some of the cells."""
    mothers = np.flatnonzero(rng.random(len(cells.half)) < rng.uniform(0.1, 0.6))
    if not len(mothers):
        return cells
    size = cells.radius[mothers] * rng.uniform(0.35, 0.85, len(mothers))
    angle = rng.uniform(0, 2 * np.pi, len(mothers))
    reach = cells.radius[mothers] * 0.95 + size * 0.85
    offset = np.stack([np.sin(angle), np.cos(angle)], axis=1) * reach[:, None]
    half = size * rng.uniform(0.01, 0.3, len(mothers))
    budding = Rods(
        np.concatenate([cells.centres, cells.centres[mothers] + offset]),
        np.concatenate([cells.angles, angle]),
        np.concatenate([cells.half, half]),
        np.concatenate([cells.radius, size]),
    )
    return pack(budding, rounds=8, squeeze=0.08)


def _fission_yeast(
    rng: np.random.Generator, shape: tuple[int, int], radius: float
) -> Rods:
    """Rod-shaped yeast in a few families."""
    room = int(np.clip(0.5 * shape[0] * shape[1] / (10 * radius**2), 3, 60))
    parts: list[Rods] = []
    while room > 0 and len(parts) < 8:
        count = int(np.clip(log_uniform(rng, 1, 30), 1, room))
        room -= count
        middle = rng.uniform(0.05, 0.95, 2) * shape
        parts.append(grown(rng, count, middle, radius, rng.uniform(1.8, 3)))
    return pack(joined(parts), rounds=10)


def _yeast_cell(
    shape: tuple[int, int], centre: Points, angle: float, half: float, radius: float
) -> Stamp | None:
    if half < 0.6 * radius:
        return ellipse(shape, centre, (half + radius, radius), angle, 3)
    axis = half * np.array([np.sin(angle), np.cos(angle)])
    return tube(shape, np.stack([centre - axis, centre + axis]), radius, 3)


def yeast_dic(rng: np.random.Generator) -> Annotated:
    """Budding yeast in DIC relief, or in bright field out of focus."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 7, 34)
    if rng.random() < 0.2:
        cells = _fission_yeast(rng, shape, radius := log_uniform(rng, 5, 16))
    else:
        cells = clumped(rng, shape, radius, log_uniform(rng, 0.04, 0.8))
        cells = _with_buds(rng, cells)
    canvas = Canvas.blank(shape)
    phase = np.zeros(shape, np.float32)
    wall = np.zeros(shape, np.float32)
    thick = max(1.0, 0.09 * radius)
    for centre, angle, half, own in zip(
        cells.centres, cells.angles, cells.half, cells.radius, strict=True
    ):
        stamp = _yeast_cell(shape, centre, angle, half, own)
        if stamp is None:
            continue
        mask = canvas.put(stamp)
        depth = np.clip(stamp.inside / np.float32(own), 0, 1)
        body = np.sqrt(depth * (2 - depth)) * np.float32(own / radius)
        part = phase[stamp.where]
        part[mask] = body[mask] + 0.25 * part[mask]
        rim = np.exp(-(((stamp.inside - thick) / thick) ** 2))
        wall[stamp.where] = np.maximum(wall[stamp.where], mask * rim)
        _add_organelles(rng, phase, centre, own, radius)
    phase += rng.uniform(0, 0.25) * wall
    inside = ndimage.gaussian_filter((canvas.labels > 0).astype(np.float32), 1)
    phase += rng.uniform(0, 0.08) * inside * texture(rng, shape, 1.5, 0.5 * radius)
    phase += 0.02 * rng.random() * texture(rng, shape, 3, 60)
    phase += 0.2 * rng.random() * blobs(rng, shape, int(rng.integers(0, 15)), (0.8, 4))
    image = _yeast_contrast(rng, phase, wall, radius)
    image = ndimage.gaussian_filter(image, log_uniform(rng, 0.4, 0.05 * radius + 0.8))
    image *= uneven(rng, shape, 0.3)
    unit = camera(rng, image, noise=log_uniform(rng, 0.004, 0.08))
    return canvas.annotate(to_rgb(unit))


def _add_organelles(
    rng: np.random.Generator,
    phase: Plane,
    centre: Points,
    own: float,
    radius: float,
) -> None:
    """Add a vacuole (less dense) and granules (denser), well inside the cell."""
    shape = phase.shape[0], phase.shape[1]
    kinds = [(-0.6, rng.uniform(0.2, 0.5))] if rng.random() < 0.6 else []
    kinds += [(0.25, rng.uniform(0.05, 0.14)) for _ in range(rng.integers(0, 5))]
    for height, share in kinds:
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.75 - share) * own
        middle = centre + away * np.array([np.sin(angle), np.cos(angle)])
        stamp = ellipse(shape, middle, (share * own, share * own * 0.9), angle)
        if stamp is not None:
            bump = np.sqrt(np.clip(stamp.inside / np.float32(share * own), 0, 1))
            strength = np.float32(height * own / radius * rng.uniform(0.3, 1))
            phase[stamp.where] += strength * bump


def _yeast_contrast(
    rng: np.random.Generator, phase: Plane, wall: Plane, radius: float
) -> Plane:
    kind = rng.random()
    if kind < 0.6:
        smooth = ndimage.gaussian_filter(phase, 0.06 * radius + 0.3)
        shear = rng.uniform(0.8, 2.5)
        depth = np.float32(log_uniform(rng, 0.08, 0.35) * radius / shear)
        bias = rng.uniform(0.7, 1.8)
        return relief(smooth * depth, shear, rng.uniform(0, 2 * np.pi), bias)
    if kind < 0.9:
        reach = rng.choice([-1, 1]) * log_uniform(rng, 0.12, 0.5) * radius
        absorption = wall * np.float32(rng.uniform(0, 0.15))
        depth = np.float32(log_uniform(rng, 0.5, 2.5))
        smooth = ndimage.gaussian_filter(phase, 0.04 * radius + 0.3)
        return defocus(depth * smooth, absorption, float(reach))
    depth = np.float32(log_uniform(rng, 0.6, 2))
    return phase_contrast(depth * phase, radius * rng.uniform(0.4, 1.5), 0.7)


def _lobed_outline(
    rng: np.random.Generator, centre: Points, size: float, shape: tuple[int, int]
) -> Pixels:
    """Pixels of a flat cell: lobes, few protrusions, stretched and bent."""
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    reach = np.ones_like(turn)
    for wave in range(2, 9):
        height = rng.normal(0, 0.45 / wave**1.5)
        reach += height * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    for _ in range(rng.poisson(1.2)):  # lamellipodia
        width = log_uniform(rng, 0.12, 0.6)
        gap = np.angle(np.exp(1j * (turn - rng.uniform(0, 2 * np.pi))))
        reach += rng.uniform(0.2, 0.8) * np.exp(-((gap / width) ** 2))
    reach = np.maximum(reach, 0.4)
    stretch = np.exp(abs(rng.normal(0, 0.35)))
    x, y = reach * np.cos(turn) * stretch, reach * np.sin(turn) / stretch
    y = y + rng.normal(0, 0.2) * x**2
    angle = rng.uniform(0, np.pi)
    rows = centre[0] + size * (x * np.sin(angle) + y * np.cos(angle))
    cols = centre[1] + size * (x * np.cos(angle) - y * np.sin(angle))
    return polygon(rows, cols, shape)


def _processes(
    rng: np.random.Generator, centre: Points, size: float, shape: tuple[int, int]
) -> Pixels:
    """Pixels of two to five thin processes that leave a cell and taper."""
    first = rng.uniform(0, 2 * np.pi)
    many = 2 + rng.poisson(0.6)
    lines, radii = [], []
    for index in range(many):
        angle = first + 2 * np.pi * index / many + rng.normal(0, 0.3)
        length = size * rng.uniform(1.2, 2.8)
        line = curve(rng, centre, angle, length, bend=0.25, step=1.5)
        along = np.linspace(0, 1, len(line))
        wide = 0.32 * size * (1 - along) ** 1.6
        lines.append(line)
        radii.append(np.maximum(wide, log_uniform(rng, 0.8, 2)))
    return stamp_disks(shape, np.concatenate(lines), np.concatenate(radii))


def _single_cells(
    rng: np.random.Generator, canvas: Canvas, size: float, height: Plane
) -> list[tuple[Points, float]]:
    """Spread, spindle-shaped and rounded cells; centres and sizes of the flat ones."""
    shape = height.shape[0], height.shape[1]
    cover = log_uniform(rng, 0.08, 1.1)
    count = int(np.clip(cover * shape[0] * shape[1] / (3 * size**2), 2, 60))
    sizes = size * np.exp(rng.normal(0, 0.25, count))
    centres = rng.uniform(0, 1, (count, 2)) * shape
    straight = Rods(centres, np.zeros(count), 0.01 * sizes, 0.85 * sizes)
    cells = pack(straight, rounds=12)
    rounded = rng.uniform(0, 0.25) if rng.random() < 0.5 else 0.0
    spindly = rng.choice([0.0, rng.uniform(0, 1)])
    flat = []
    for centre, own in zip(cells.centres, sizes, strict=True):
        if rng.random() < rounded:  # about to divide, or dead
            radius = own * rng.uniform(0.35, 0.55)
            axes = radius, radius * rng.uniform(0.8, 1)
            stamp = ellipse(shape, centre, axes, rng.uniform(0, np.pi))
            if stamp is not None:
                canvas.put(stamp)
                dome = np.sqrt(np.clip(stamp.inside / np.float32(radius), 0, 1))
                height[stamp.where] += np.float32(rng.uniform(1, 6)) * dome
            continue
        canvas.count += 1
        if rng.random() < spindly:
            canvas.labels[_processes(rng, centre, own, shape)] = canvas.count
            own = 0.6 * own
        canvas.labels[_lobed_outline(rng, centre, own, shape)] = canvas.count
        flat.append((centre, own))
    return flat


def _monolayer(
    rng: np.random.Generator, canvas: Canvas, size: float
) -> list[tuple[Points, float]]:
    """Cells side by side, confluent or nearly so; their centres and sizes."""
    shape = canvas.labels.shape[0], canvas.labels.shape[1]
    cells, border = mesh(rng, shape, 1.8 * size)
    free = border > 0
    if rng.random() < 0.5:  # bare patches
        free |= smooth_noise(rng, shape, 2.5 * size) > rng.uniform(0.6, 1.5)
    canvas.labels[:] = np.where(free, 0, cells)
    canvas.count = int(cells.max())
    present = np.unique(canvas.labels)
    centres = ndimage.center_of_mass(canvas.labels > 0, canvas.labels, present[1:])
    return [(np.array(centre), size * rng.uniform(0.7, 1.1)) for centre in centres]


def adherent_phase(rng: np.random.Generator) -> Annotated:
    """Flat spread cells, mostly in phase contrast: faint borders, granular inside."""
    shape = random_shape(rng)
    size = log_uniform(rng, 16, 75)
    canvas = Canvas.blank(shape)
    height, granular, nuclei = (np.zeros(shape, np.float32) for _ in range(3))
    if rng.random() < 0.3:
        flat = _monolayer(rng, canvas, size)
    else:
        flat = _single_cells(rng, canvas, size, height)
    for centre, own in flat:
        _add_nucleus(rng, (nuclei, granular), centre, own)
    depth = interior_depth(canvas.labels)
    edge = np.float32(log_uniform(rng, 0.06, 0.4) * size)
    sheet = (1 - np.exp(-depth / edge)) * (canvas.labels > 0)
    vary = np.exp(rng.normal(0, 0.25, canvas.count + 1)).astype(np.float32)
    height += sheet * vary[canvas.labels] * np.float32(rng.uniform(0.2, 0.6))
    maps = height, ndimage.gaussian_filter(sheet, 1.0), nuclei, granular
    image = _adherent_image(rng, maps, size)
    unit = camera(rng, image, noise=log_uniform(rng, 0.01, 0.1))
    return canvas.annotate(to_rgb(unit))


def _add_nucleus(
    rng: np.random.Generator, maps: tuple[Plane, Plane], centre: Points, own: float
) -> None:
    """Thickness of the nucleus, and where around it the organelles are."""
    nuclei, granular = maps
    shape = nuclei.shape[0], nuclei.shape[1]
    size = own * rng.uniform(0.25, 0.38)
    angle = rng.uniform(0, np.pi)
    centre = centre + rng.normal(0, 0.1 * own, 2)
    stamp = ellipse(shape, centre, (size * rng.uniform(1, 1.4), size), angle, 1.2 * own)
    if stamp is None:
        return
    level = np.clip(stamp.inside / np.float32(size), -3, 1)
    dome = np.sqrt(np.clip(level, 0, 1))
    nuclei[stamp.where] = np.maximum(nuclei[stamp.where], dome)
    wide = rng.uniform(0.8, 2)
    around = np.exp(-((np.minimum(level, 0) / wide) ** 2))
    around *= 1 - 0.6 * np.clip(3 * level, 0, 1)
    granular[stamp.where] = np.maximum(granular[stamp.where], around)
    for _ in range(rng.integers(0, 4)):  # nucleoli
        place = centre + rng.normal(0, 0.35 * size, 2)
        spot = ellipse(shape, place, (0.2 * size, 0.17 * size), angle)
        if spot is not None:
            nuclei[spot.where] += 0.7 * np.clip(spot.inside / (0.1 * size), 0, 1)


def _adherent_image(
    rng: np.random.Generator, maps: tuple[Plane, Plane, Plane, Plane], size: float
) -> Plane:
    height, inside, nuclei, granular = maps
    shape = height.shape[0], height.shape[1]
    fine = float(np.clip(0.03 * size, 1.2, 2.5))
    organelles = granular * texture(rng, shape, fine, 4 * fine)
    organelles += 0.15 * rng.random() * fibres(rng, shape, 1.5 * fine, 15 * fine)
    phase = height * (1 + 0.12 * texture(rng, shape, 2 * fine, 0.5 * size))
    phase += rng.uniform(0.1, 0.5) * nuclei * inside
    phase += rng.uniform(0.03, 0.2) * organelles * inside
    drops = blobs(rng, shape, 60, (0.5 * fine, 1.2 * fine))
    phase += rng.uniform(-0.2, 0.4) * drops * inside * granular
    depth = log_uniform(rng, 0.35, 1.2)
    phase *= np.float32(depth)
    phase = ndimage.gaussian_filter(phase, log_uniform(rng, 0.5, 0.4 * fine + 0.8))
    phase += depth * log_uniform(rng, 0.005, 0.03) * texture(rng, shape, 2, 80)
    debris = blobs(rng, shape, int(rng.integers(0, 40)), (0.8, 3))
    phase += rng.choice([0.0, rng.uniform(-0.3, 0.5)]) * debris
    kind = rng.random()
    if kind < 0.75:
        halo_px = size * log_uniform(rng, 0.08, 0.5)
        image = phase_contrast(phase, halo_px, rng.uniform(0.5, 1))
    elif kind < 0.9:
        steep = ndimage.gaussian_filter(phase, 0.8) * np.float32(2)
        angle = rng.uniform(0, 2 * np.pi)
        image = relief(steep, rng.uniform(1, 2.5), angle, rng.uniform(0.7, 1.8))
    else:
        reach_px = rng.choice([-1, 1]) * log_uniform(rng, 2, 6)
        image = defocus(phase, 0.05 * phase, float(reach_px))
    image += 0.2 * rng.random() * blobs(rng, shape, int(rng.integers(0, 7)), (4, 18))
    return blur(image, rng.uniform(0.3, 1.2)) * uneven(rng, shape, 0.4)
