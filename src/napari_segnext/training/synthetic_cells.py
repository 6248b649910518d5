"""Yeast in relief, spread cells in phase contrast, nuclei in stained tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.draw import polygon

from napari_segnext.training.synthetic_optics import (
    blobs,
    blur,
    camera,
    defocus,
    fibres,
    grain,
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
    Rods,
    blob,
    ellipse,
    interior_depth,
    pack,
    random_shape,
)

if TYPE_CHECKING:
    from napari_segnext.training.data import Annotated
    from napari_segnext.training.synthetic_shapes import Plane, Points

__all__ = ["adherent_phase", "tissue_he", "yeast_dic"]


def _clumped(
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
    return Rods(
        np.concatenate([cells.centres, cells.centres[mothers] + offset]),
        np.concatenate([cells.angles, angle]),
        np.concatenate([cells.half, half]),
        np.concatenate([cells.radius, size]),
    )


def yeast_dic(rng: np.random.Generator) -> Annotated:
    """Budding yeast in DIC relief, or in bright field out of focus."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 7, 34)
    cells = _clumped(rng, shape, radius, log_uniform(rng, 0.04, 0.8))
    cells = _with_buds(rng, cells)
    canvas = Canvas.blank(shape)
    phase = np.zeros(shape, np.float32)
    wall = np.zeros(shape, np.float32)
    thick = max(1.0, 0.09 * radius)
    for centre, angle, half, own in zip(
        cells.centres, cells.angles, cells.half, cells.radius, strict=True
    ):
        stamp = ellipse(shape, centre, (half + own, own), angle, 3)
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
    kinds = [(-0.4, rng.uniform(0.2, 0.5))] if rng.random() < 0.6 else []
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


def _spread_outline(
    rng: np.random.Generator, centre: Points, size: float, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of a flat cell: lobes, a few narrow protrusions, stretched and bent."""
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    reach = np.ones_like(turn)
    for wave in range(2, 9):
        height = rng.normal(0, 0.28 / wave)
        reach += height * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    for _ in range(rng.poisson(2.5)):  # lamellipodia and filopodia
        width = log_uniform(rng, 0.06, 0.35)
        gap = np.angle(np.exp(1j * (turn - rng.uniform(0, 2 * np.pi))))
        reach += rng.uniform(0.2, 1.1) * np.exp(-((gap / width) ** 2))
    reach = np.maximum(reach, 0.35)
    stretch = np.exp(abs(rng.normal(0, 0.35)))
    x, y = reach * np.cos(turn) * stretch, reach * np.sin(turn) / stretch
    y = y + rng.normal(0, 0.2) * x**2
    angle = rng.uniform(0, np.pi)
    rows = centre[0] + size * (x * np.sin(angle) + y * np.cos(angle))
    cols = centre[1] + size * (x * np.cos(angle) - y * np.sin(angle))
    return polygon(rows, cols, shape)


def adherent_phase(rng: np.random.Generator) -> Annotated:
    """Flat spread cells in phase contrast: faint borders, granules at the nucleus."""
    shape = random_shape(rng)
    size = log_uniform(rng, 16, 75)
    cover = log_uniform(rng, 0.08, 1.1)
    count = int(np.clip(cover * shape[0] * shape[1] / (3 * size**2), 2, 70))
    centres = rng.uniform(0, 1, (count, 2)) * shape
    sizes = size * np.exp(rng.normal(0, 0.25, count))
    angles = np.zeros(count)
    cells = pack(Rods(centres, angles, 0.01 * sizes, 0.85 * sizes), rounds=12)
    canvas = Canvas.blank(shape)
    height = np.zeros(shape, np.float32)
    granular = np.zeros(shape, np.float32)
    nuclei = np.zeros(shape, np.float32)
    rounded = rng.uniform(0, 0.25) if rng.random() < 0.5 else 0.0
    for centre, own in zip(cells.centres, sizes, strict=True):
        canvas.count += 1
        if rng.random() < rounded:  # about to divide, or dead
            own = own * rng.uniform(0.35, 0.55)
            stamp = ellipse(shape, centre, (own, own * rng.uniform(0.8, 1)), 0)
            if stamp is None:
                continue
            canvas.labels[stamp.where][stamp.inside > 0] = canvas.count
            dome = np.sqrt(np.clip(stamp.inside / np.float32(own), 0, 1))
            height[stamp.where] += np.float32(rng.uniform(1, 3)) * dome
            continue
        canvas.labels[_spread_outline(rng, centre, own, shape)] = canvas.count
        _add_nucleus(rng, (nuclei, granular), centre, own)
    depth = interior_depth(canvas.labels)
    edge = np.float32(log_uniform(rng, 0.06, 0.4) * size)
    sheet = (1 - np.exp(-depth / edge)) * (canvas.labels > 0)
    vary = np.exp(rng.normal(0, 0.25, canvas.count + 1)).astype(np.float32)
    height += sheet * vary[canvas.labels] * rng.uniform(0.15, 0.6)
    inside = ndimage.gaussian_filter(sheet, 1.0)
    image = _adherent_image(rng, height, inside, nuclei, granular, size)
    unit = camera(rng, image, noise=log_uniform(rng, 0.01, 0.12))
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
    around = np.exp(-((np.minimum(level, 0) / 0.9) ** 2)) * (1 - 0.8 * (level > 0))
    granular[stamp.where] = np.maximum(granular[stamp.where], around)
    for _ in range(rng.integers(0, 4)):  # nucleoli
        place = centre + rng.normal(0, 0.35 * size, 2)
        spot = ellipse(shape, place, (0.2 * size, 0.17 * size), angle)
        if spot is not None:
            nuclei[spot.where] += 0.7 * np.clip(spot.inside / (0.1 * size), 0, 1)


def _adherent_image(
    rng: np.random.Generator,
    height: Plane,
    inside: Plane,
    nuclei: Plane,
    granular: Plane,
    size: float,
) -> Plane:
    shape = height.shape[0], height.shape[1]
    fine = max(1.2, 0.03 * size)
    organelles = texture(rng, shape, fine, 4 * fine) * granular
    organelles += 0.3 * fibres(rng, shape, 1.5 * fine, 12 * fine)
    phase = height * (1 + 0.15 * texture(rng, shape, 2 * fine, 0.5 * size))
    phase += rng.uniform(0.1, 0.5) * nuclei * inside
    phase += rng.uniform(0.05, 0.35) * organelles * inside
    phase *= np.float32(log_uniform(rng, 0.25, 1.2))
    phase = ndimage.gaussian_filter(phase, log_uniform(rng, 0.5, 0.4 * fine + 0.8))
    phase += log_uniform(rng, 0.003, 0.05) * texture(rng, shape, 2, 80)
    phase += 0.5 * rng.random() * blobs(rng, shape, int(rng.integers(0, 40)), (0.8, 3))
    halo_px = size * log_uniform(rng, 0.08, 0.5)
    image = phase_contrast(phase, halo_px, rng.uniform(0.5, 1))
    image += 0.2 * rng.random() * blobs(rng, shape, int(rng.integers(0, 7)), (4, 18))
    return blur(image, rng.uniform(0.3, 1.2)) * uneven(rng, shape, 0.4)


def tissue_he(rng: np.random.Generator) -> Annotated:
    """Haematoxylin and eosin: purple nuclei in a pink fibrous stroma."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 4, 22)
    cells = _clumped(rng, shape, radius * 1.25, log_uniform(rng, 0.12, 0.9))
    canvas = Canvas.blank(shape)
    blue = np.zeros(shape, np.float32)  # haematoxylin, in absorbance
    cytoplasm = np.zeros(shape, np.float32)
    slender = rng.uniform(0, 0.5)
    vesicular = rng.random()
    for centre, own in zip(cells.centres, cells.radius / 1.25, strict=True):
        aspect = rng.uniform(1.8, 4) if rng.random() < slender else rng.uniform(1, 1.5)
        radii = own * np.sqrt(aspect), own / np.sqrt(aspect)
        angle = rng.uniform(0, np.pi)
        stamp = blob(rng, shape, centre, radii, angle, rng.uniform(0, 0.2))
        around = ellipse(shape, centre, (radii[0] * 1.8, radii[1] * 2), angle)
        if stamp is None or around is None:
            continue
        mask = canvas.put(stamp)
        rim = np.exp(-stamp.inside / np.float32(0.12 * own + 0.5))
        pale = vesicular * rng.random()
        dye = (1 - 0.7 * pale + 0.7 * rim) * np.exp(rng.normal(0, 0.25))
        blue[stamp.where][mask] = dye[mask]
        cytoplasm[around.where][around.inside > 0] = rng.uniform(0.1, 0.7)
    nuclei = blue > 0
    clumps = 1 + rng.uniform(0.1, 0.5) * texture(rng, shape, 1.5, 0.6 * radius + 2)
    blue *= np.clip(clumps, 0.2, 2)
    blue += 0.15 * rng.random() * np.clip(texture(rng, shape, 2, 30), 0, 2)
    red = _stroma(rng, shape, radius)
    red = np.where(cytoplasm > 0, 0.4 * red + cytoplasm, red) * (1 - 0.7 * nuclei)
    return canvas.annotate(_stained(rng, blue, red))


def _stroma(rng: np.random.Generator, shape: tuple[int, int], radius: float) -> Plane:
    """Eosin: wavy collagen, red blood cells, gaps where the slide shines through."""
    strands = fibres(rng, shape, rng.uniform(2, 5), rng.uniform(20, 70))
    red = np.clip(0.5 + 0.22 * strands + 0.15 * texture(rng, shape, 3, 60), 0.05, 2)
    if rng.random() < 0.6:
        level = rng.uniform(0.7, 1.8)
        gaps = smooth_noise(rng, shape, rng.uniform(15, 60)) > level
        red *= 1 - ndimage.gaussian_filter(gaps.astype(np.float32), 1.2)
    if rng.random() < 0.4:
        for _ in range(rng.integers(2, 25)):
            centre, size = rng.uniform(0, 1, 2) * shape, radius * rng.uniform(0.6, 0.9)
            cell = ellipse(shape, centre, (size, size * rng.uniform(0.6, 1)), 0)
            if cell is not None:
                red[cell.where][cell.inside > 0] = rng.uniform(0.9, 1.4)
    return red


def _stained(
    rng: np.random.Generator, blue: Plane, red: Plane
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Beer-Lambert with the stain vectors of Ruifrok and Johnston (2001), varied."""
    haematoxylin = np.array([0.65, 0.70, 0.29]) * np.exp(rng.normal(0, 0.15, 3))
    eosin = np.array([0.07, 0.99, 0.11]) * np.exp(rng.normal(0, 0.2, 3))
    eosin[::2] += rng.uniform(0, 0.12, 2)
    strength = rng.uniform(0.8, 1.8), rng.uniform(0.3, 1.0)
    sigma = log_uniform(rng, 0.5, 1.6)
    shape = blue.shape[0], blue.shape[1]
    stains = [
        np.float32(amount) * ndimage.gaussian_filter(stain, sigma)
        for amount, stain in zip(strength, (blue, red), strict=True)
    ]
    density = stains[0][..., None] * haematoxylin + stains[1][..., None] * eosin
    light = rng.uniform(0.85, 1) * np.exp(-density) * uneven(rng, shape, 0.2)[..., None]
    light += log_uniform(rng, 0.003, 0.04) * grain(rng, shape, 0)[..., None]
    return to_rgb(light)
