"""Filaments and branching vessels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_segnext.training.synthetic_layouts import mesh
from napari_segnext.training.synthetic_optics import (
    blobs,
    blur,
    camera,
    fibres,
    grain,
    log_uniform,
    phase_contrast,
    smooth_noise,
    texture,
    to_rgb,
    uneven,
)
from napari_segnext.training.synthetic_shapes import (
    Canvas,
    curve,
    interior_depth,
    random_shape,
    stamp_disks,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.training.data import Annotated
    from napari_segnext.training.synthetic_shapes import Plane, Points

__all__ = ["filaments", "vessels"]


def _filament_line(rng: np.random.Generator, shape: tuple[int, int]) -> Points:
    start = rng.uniform(-0.1, 1.1, 2) * shape
    towards = rng.uniform(0.2, 0.8, 2) * shape - start
    angle = np.arctan2(towards[0], towards[1]) + rng.normal(0, 0.4)
    length = log_uniform(rng, 0.25, 1.6) * max(shape)
    bend = log_uniform(rng, 0.08, 0.9)
    return curve(rng, start, angle, length, bend=bend, step=0.7)


def filaments(rng: np.random.Generator) -> Annotated:
    """Microtubules, actin bundles or hyphae that cross, each one object."""
    shape = random_shape(rng)
    canvas = Canvas.blank(shape)
    base = log_uniform(rng, 1.3, 6)
    hyphae = base > 3 and rng.random() < 0.6
    light: Plane = np.zeros(shape, np.float32)
    count = int(log_uniform(rng, 3, 45 / base + 4))
    for _ in range(count):
        line = _filament_line(rng, shape)
        radius = base * np.exp(rng.normal(0, 0.15 if hyphae else 0.25))
        lines = [line, *_side_branches(rng, line)] if hyphae else [line]
        parts = [stamp_disks(shape, part, _widths(rng, part, radius)) for part in lines]
        rows, cols = (np.concatenate(axis) for axis in zip(*parts, strict=True))
        if not len(rows):
            continue
        canvas.count += 1
        canvas.labels[rows, cols] = canvas.count
        own = np.zeros(shape, bool)
        own[rows, cols] = True
        bright = np.float32(np.exp(rng.normal(0, 0.35)))
        light = light * np.where(own, 0.5, 1) + own * bright
    if hyphae:
        image = _hyphae_image(rng, canvas, light, base)
    else:
        image = _glow_image(rng, light, base)
    unit = camera(rng, image, noise=log_uniform(rng, 0.008, 0.12))
    return canvas.annotate(to_rgb(unit), largest_share=0)


def _side_branches(rng: np.random.Generator, line: Points) -> list[Points]:
    """Lines that leave a hypha at an angle; they belong to it."""
    branches = []
    for _ in range(rng.poisson(0.8)):
        at = int(rng.uniform(0.2, 0.9) * (len(line) - 2))
        ahead = line[at + 1] - line[at]
        turn = rng.choice([-1, 1]) * rng.uniform(0.5, 1.3)
        angle = float(np.arctan2(ahead[0], ahead[1])) + turn
        length = log_uniform(rng, 15, 150)
        branches.append(curve(rng, line[at], angle, length, bend=0.3, step=0.7))
    return branches


def _widths(rng: np.random.Generator, line: Points, radius: float) -> Points:
    """Radii along a filament: a little uneven, thinner at both ends."""
    along = np.linspace(0, 1, len(line))
    wave = np.interp(along, np.linspace(0, 1, 6), rng.normal(0, 0.12, 6))
    ends = np.clip(np.minimum(along, 1 - along) * 30, 0.4, 1) ** 0.5
    return np.maximum(radius * (1 + wave) * ends, 1.0)


def _glow_image(rng: np.random.Generator, light: Plane, radius: float) -> Plane:
    shape = light.shape[0], light.shape[1]
    beads = 1 + rng.uniform(0, 0.35) * texture(rng, shape, 2, 12)  # uneven labelling
    light = light * np.clip(beads, 0.2, 3)
    sharp = ndimage.gaussian_filter(light, log_uniform(rng, 0.6, 0.6 * radius + 0.5))
    cell = blur((smooth_noise(rng, shape, 110) > -0.4).astype(np.float32), 8)
    haze = rng.uniform(0, 0.25) * cell * (1.5 + 0.5 * texture(rng, shape, 4, 40))
    far = rng.uniform(0, 0.5) * blur(np.roll(light, 97, axis=0), log_uniform(rng, 2, 8))
    image = (sharp + far) * (0.6 + 0.4 * cell) + haze
    image += rng.uniform(0, 0.4) * blobs(rng, shape, int(rng.integers(0, 20)), (1, 6))
    return image * uneven(rng, shape, 0.5)


def _hyphae_image(
    rng: np.random.Generator, canvas: Canvas, light: Plane, radius: float
) -> Plane:
    """Thick transparent tubes in phase contrast, with vacuoles and septa."""
    shape = light.shape[0], light.shape[1]
    depth = np.clip(interior_depth(canvas.labels) / np.float32(radius), 0, 1)
    phase = np.sqrt(depth * (2 - depth)) * np.float32(log_uniform(rng, 0.4, 1.4))
    phase *= 1 + 0.3 * texture(rng, shape, 0.5 * radius, 2 * radius)
    phase = ndimage.gaussian_filter(phase, rng.uniform(0.5, 1.2))
    phase += 0.04 * rng.random() * texture(rng, shape, 3, 60)
    phase += 0.3 * rng.random() * blobs(rng, shape, int(rng.integers(0, 30)), (0.8, 3))
    halo_px = radius * log_uniform(rng, 1.2, 4)
    image = phase_contrast(phase, halo_px, rng.uniform(0.5, 1))
    image = ndimage.gaussian_filter(image, rng.uniform(0.3, 1.2))
    return image * uneven(rng, shape, 0.3)


def _tree(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, thinnest: float
) -> list[tuple[Points, Points]]:
    """Branches (line, radii) of a tree from the border; radii by Murray's law."""
    side = np.array(shape)
    start = rng.uniform(0, 1, 2) * side
    axis = rng.integers(2)
    start[axis] = rng.choice([0.0, float(side[axis])])
    towards = rng.uniform(0.3, 0.7, 2) * side - start
    queue = [(start, float(np.arctan2(*towards)), radius)]
    wiggle = log_uniform(rng, 0.15, 0.7)
    reach = rng.uniform(5, 14)
    branches: list[tuple[Points, Points]] = []
    while queue and len(branches) < 70:
        start, angle, wide = queue.pop(0)
        length = reach * wide * rng.uniform(0.6, 1.6) + 12
        line = curve(rng, start, angle, length, bend=wiggle, step=0.8)
        share = rng.beta(3, 3)  # of the flow, to the first daughter
        first, second = wide * share ** (1 / 3), wide * (1 - share) ** (1 / 3)
        branches.append((line, np.linspace(wide, max(first, second), len(line))))
        end = line[-1]
        if (end < -20).any() or (end > side + 20).any():
            continue
        direction = line[-1] - line[-3]
        angle = float(np.arctan2(direction[0], direction[1]))
        spread = rng.uniform(0.5, 1.3)
        side_sign = rng.choice([-1, 1])
        for child, part in ((first, 1 - share), (second, -share)):
            if child > thinnest:
                turn = side_sign * spread * part + rng.normal(0, 0.1)
                queue.append((end, angle + turn, child))
    return branches


def vessels(rng: np.random.Generator) -> Annotated:
    """Branching vessels, stained or absorbing; a tree or each branch an object."""
    shape = random_shape(rng)
    canvas = Canvas.blank(shape)
    light = np.zeros(shape, np.float32)
    if rng.random() < 0.25:
        inside = _plexus(rng, shape)
        canvas.labels[inside] = 1
        light[inside] = 1.0
    else:
        _plant_trees(rng, canvas, light)
    depth = interior_depth((light > 0).astype(np.int32))
    light *= np.minimum(0.55 + 0.15 * depth, 1.6)
    image = _vessel_image(rng, light)
    return canvas.annotate(image, largest_share=0)


def _plexus(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Network with loops: capillaries, veins of a leaf, a culture forming tubes."""
    size = log_uniform(rng, 22, 90)
    _, border = mesh(rng, shape, size)
    apart = ndimage.distance_transform_edt(border == 0)
    narrow = max(log_uniform(rng, 0.02, 0.12) * size, 1.0)
    vary = rng.uniform(0, 0.5) * smooth_noise(rng, shape, 1.5 * size)
    radius = narrow * np.exp(vary)
    if rng.random() < 0.5:  # not every loop is closed
        radius = np.where(smooth_noise(rng, shape, size) < -1, 0, radius)
    return apart < radius


def _plant_trees(rng: np.random.Generator, canvas: Canvas, light: Plane) -> None:
    shape = light.shape[0], light.shape[1]
    whole = rng.random() < 0.6
    thinnest = rng.uniform(1.0, 1.6)
    for _ in range(rng.integers(1, 4)):
        branches = _tree(rng, shape, log_uniform(rng, 3, 13), thinnest)
        bright = np.float32(np.exp(rng.normal(0, 0.25)))
        canvas.count += 1
        for line, radii in reversed(branches):
            rows, cols = stamp_disks(shape, line, radii)
            canvas.count += 0 if whole else 1
            canvas.labels[rows, cols] = canvas.count
            light[rows, cols] = bright


def _vessel_image(rng: np.random.Generator, light: Plane) -> npt.NDArray[np.uint8]:
    shape = light.shape[0], light.shape[1]
    light = ndimage.gaussian_filter(light, log_uniform(rng, 0.6, 2))
    noise = log_uniform(rng, 0.008, 0.1)
    kind = rng.random()
    if kind < 0.35:  # stained or injected: bright on dark
        image = light * (1 + 0.15 * texture(rng, shape, 2, 12))
        stroma = 1.5 + texture(rng, shape, 3, 50)
        image += log_uniform(rng, 0.01, 0.2) * np.clip(stroma, 0, 4)
        image += (
            0.3 * rng.random() * blobs(rng, shape, int(rng.integers(0, 25)), (1, 8))
        )
        return to_rgb(camera(rng, image * uneven(rng, shape, 0.6), noise=noise))
    tissue = 0.1 * rng.random() * texture(rng, shape, 2, 20)
    tissue += 0.06 * rng.random() * fibres(rng, shape, 2.5, 30)
    tissue += 0.1 * rng.random() * blobs(rng, shape, int(rng.integers(0, 9)), (6, 30))
    absorbed = rng.uniform(0.25, 0.9) * light + tissue
    grey = np.exp(-absorbed) * uneven(rng, shape, 0.6)
    unit = camera(rng, grey, noise=noise)
    if kind < 0.65:
        return to_rgb(unit)
    # blood takes green and blue; fundus and skin keep the red
    tint = np.array([rng.uniform(0.1, 0.4), 1.0, rng.uniform(0.7, 1.2)])
    paper = np.array(
        [rng.uniform(0.75, 1), rng.uniform(0.4, 0.8), rng.uniform(0.1, 0.6)]
    )
    colour = paper * np.clip(unit + 0.02, 0, 1)[..., None] ** tint
    colour += 0.02 * rng.random() * grain(rng, shape, 0.7)[..., None]
    return to_rgb(colour)
