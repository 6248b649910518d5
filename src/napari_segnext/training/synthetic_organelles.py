"""Vesicles, spots and mitochondria."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.special import j1

from napari_segnext.training.synthetic_layouts import Rods, mesh, pack
from napari_segnext.training.synthetic_optics import (
    blobs,
    camera,
    fibres,
    grain,
    log_uniform,
    smooth_noise,
    texture,
    to_rgb,
    uneven,
)
from napari_segnext.training.synthetic_shapes import (
    Canvas,
    blob,
    curve,
    ellipse,
    random_shape,
    stamp_disks,
    tube,
)

if TYPE_CHECKING:
    from napari_segnext.training.data import Annotated
    from napari_segnext.training.synthetic_shapes import Plane, Stamp

__all__ = ["mitochondria_em", "spots", "vesicles"]

# of nine radii along a mitochondrion
_SMOOTHING = ndimage.gaussian_filter1d(np.eye(9), 1.2, axis=0)


def _clutter(rng: np.random.Generator, shape: tuple[int, int]) -> Plane:
    """Cytoplasm of about unit variance: soft texture, reticulum, streaks, granules."""
    total = rng.uniform(0.3, 1) * texture(rng, shape, 2, 50)
    scale = log_uniform(rng, 3, 15)
    ridges = 0.5 - np.abs(smooth_noise(rng, shape, scale))  # a reticulum
    total += rng.choice([0.0, rng.uniform(0, 1.2)]) * ridges
    total += rng.choice([0.0, rng.uniform(0, 0.6)]) * fibres(rng, shape, 2.5, 30)
    total += rng.uniform(0, 1.5) * blobs(rng, shape, int(rng.integers(0, 60)), (0.8, 3))
    return total / np.float32(max(total.std(), 1e-3))


def vesicles(rng: np.random.Generator) -> Annotated:
    """Rings and disks (vesicles, droplets, vacuoles) in a cluttered cytoplasm."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 3.5, 28)
    cover = log_uniform(rng, 0.02, 0.55)
    count = int(np.clip(cover * shape[0] * shape[1] / (3.2 * radius**2), 2, 200))
    radii = radius * np.exp(rng.normal(0, rng.uniform(0.1, 0.5), count))
    radii = np.clip(radii, 2.8, 60)
    centres = rng.uniform(0, 1, (count, 2)) * shape
    if rng.random() < 0.5:  # in clusters
        centres = centres[rng.integers(0, max(count // 8, 1), count)]
        centres = centres + rng.normal(0, 4 * radius, (count, 2))
    rods = Rods(centres, np.zeros(count), np.full(count, 0.01), radii)
    rods = pack(rods, rounds=15, squeeze=rng.uniform(-0.1, 0.15))
    canvas = Canvas.blank(shape)
    image = log_uniform(rng, 0.03, 0.2) * _clutter(rng, shape)
    polarity = rng.choice([-1, 1])
    rim_px = np.clip(log_uniform(rng, 0.07, 0.3) * radius, 0.8, 5)
    filled = rng.choice([0.0, 1.0, rng.uniform(-0.7, 0.7)])
    mixed = rng.random() < 0.25
    solid = rng.random() < 0.4
    wobble = rng.uniform(0, 0.08)
    for centre, own in zip(rods.centres, radii, strict=True):
        axes = own * rng.uniform(1, 1.2), own / rng.uniform(1, 1.15)
        stamp = blob(rng, shape, centre, axes, rng.uniform(0, np.pi), wobble)
        if stamp is None:
            continue
        mask = canvas.put(stamp)
        level = polarity * np.exp(rng.normal(0, 0.25)) * (rng.choice([-1, 1]) ** mixed)
        ring = np.exp(-(((stamp.inside - rim_px) / rim_px) ** 2))
        part = image[stamp.where]
        lumen = np.clip(stamp.inside / rim_px, 0, 1)
        look = lumen if solid else ring + filled * lumen
        part[mask] = (0.5 * part + np.float32(0.5 * level) * look)[mask]
    haze = rng.uniform(-0.3, 0.3) * blobs(rng, shape, int(rng.integers(0, 8)), (6, 25))
    image = ndimage.gaussian_filter(image, log_uniform(rng, 0.5, 0.15 * radius + 0.7))
    image = (image - image.min() + 0.2 + np.abs(haze)) * uneven(rng, shape, 0.5)
    unit = camera(rng, image, noise=log_uniform(rng, 0.005, 0.1))
    return canvas.annotate(to_rgb(unit))


def _airy(distance: Plane, radius: float, defocus: float) -> tuple[Plane, float]:
    """Image of a point at `distance` px from it, and the radius of its object.

    In focus the Airy pattern with its first zero at `radius`, its object the half
    maximum; out of focus a disk with a bright rim and rings, its object the disk.
    """
    if defocus < 0.5:
        scaled = np.maximum(distance, 1e-3) * np.float32(3.83 / radius)
        return (2 * j1(scaled) / scaled) ** 2, 0.45 * radius
    edge = radius * (1 + defocus)
    width = np.float32(0.35 * radius)
    rim = np.exp(-(((distance - edge) / width) ** 2))
    inner = np.cos(np.pi * distance / np.float32(1.1 * radius)) ** 2
    body = (0.25 + 0.3 * inner) / (1 + np.exp((distance - edge) / (0.5 * width)))
    return rim + body, edge + 0.7 * float(width)


def spots(rng: np.random.Generator) -> Annotated:
    """Points in and out of focus: Airy patterns, blurred disks, defocus rings."""
    shape = random_shape(rng)
    base = log_uniform(rng, 5.5, 16)
    most = int(np.clip(log_uniform(rng, 4, 22000 / base**2), 4, 160))
    vary = rng.normal(0, rng.uniform(0, 0.5), most)
    radii = np.maximum(base * np.exp(vary), 5.5)
    out = rng.random(most) < rng.random()
    depths = np.exp(rng.uniform(np.log(0.6), np.log(3), most)) * out
    edges = 0.45 * radii * (1 + 1.8 * depths)
    cover = np.cumsum(np.pi * edges**2) / (shape[0] * shape[1])
    count = max(int((cover < 0.5).sum()), 1)
    edges = edges[:count]
    centres = rng.uniform(0, 1, (count, 2)) * shape
    # which of two spots on the same place is meant, nobody could say
    apart = Rods(centres, np.zeros(count), np.full(count, 0.01), edges)
    centres = pack(apart, rounds=10, squeeze=rng.uniform(0, 0.4)).centres
    canvas = Canvas.blank(shape)
    light: Plane = np.zeros(shape, np.float32)
    for centre, radius, depth in zip(centres, radii, depths, strict=False):
        reach = radius * (3.2 + 1.5 * depth)
        window = ellipse(shape, centre, (reach, reach), 0)
        if window is None:
            continue
        distance = np.float32(reach) - window.inside
        if depth > 0 and rng.random() < 0.4:  # thick or aberrated: no rings
            sigma = float(0.45 * radius * (1 + depth))
            pattern, edge = np.exp(-((distance / sigma) ** 2) / 2), 1.18 * sigma
        else:
            pattern, edge = _airy(distance, radius, depth)
        # defocus spreads the same light
        height = np.exp(rng.normal(0, 0.4)) / (1 + depth) ** rng.uniform(0.5, 1.2)
        light[window.where] += np.float32(max(height, 0.3)) * pattern
        canvas.put(window._replace(inside=np.float32(edge) - distance))
    light += rng.uniform(0, 0.1) * (1.5 + texture(rng, shape, 3, 60))
    light += 0.2 * rng.random() * blobs(rng, shape, int(rng.integers(0, 6)), (15, 50))
    light = light * uneven(rng, shape, 0.5)
    if rng.random() < 0.25:  # absorbing beads
        light = np.exp(-rng.uniform(0.5, 1.5) * light)
    unit = camera(rng, light, noise=log_uniform(rng, 0.005, 0.08))
    return canvas.annotate(to_rgb(unit))


def mitochondria_em(rng: np.random.Generator) -> Annotated:
    """Mitochondria with double membrane and cristae in an electron micrograph."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 6, 28)
    canvas = Canvas.blank(shape)
    image = _cytoplasm_em(rng, shape, radius)
    most = np.clip(14000 / radius**2, 5, 60)
    count = int(log_uniform(rng, 2, most))
    aspect = np.exp(np.abs(rng.normal(0, 0.7, count)))
    radii = radius * np.exp(rng.normal(0, 0.2, count))
    rods = Rods(
        rng.uniform(0, 1, (count, 2)) * shape,
        rng.uniform(0, np.pi) + rng.normal(0, rng.uniform(0.1, 2), count),
        radii * (aspect - 1) + 0.05,
        radii,
    )
    rods = pack(rods, rounds=15, squeeze=-0.1)
    look = (
        rng.uniform(0.35, 0.62),  # grey of the matrix
        rng.uniform(0.08, 0.3),  # contrast of cristae
        np.clip(0.07 * radius, 0.7, 2),  # thickness of a membrane
        log_uniform(rng, 0.25, 0.7) * radius,  # period of cristae
    )
    swollen = rng.uniform(0.05, 0.35)
    for centre, angle, half, own in zip(
        rods.centres, rods.angles, rods.half, radii, strict=True
    ):
        axis = np.array([np.sin(angle), np.cos(angle)])
        start = centre - axis * half
        line = curve(rng, start, angle, 2 * half + 1, bend=rng.uniform(0.1, 0.9))
        line = line[np.linspace(0, len(line) - 1, 9).astype(int)]
        widths = own * np.exp(_SMOOTHING @ rng.normal(0, swollen, 9))
        stamp = tube(shape, line, widths, margin=2)
        if stamp is not None:
            _paint_mitochondrion(rng, image, canvas, stamp, half + own, look)
    image = ndimage.gaussian_filter(image, log_uniform(rng, 0.5, 0.06 * radius + 0.8))
    image *= uneven(rng, shape, 0.15)
    unit = camera(rng, image, noise=log_uniform(rng, 0.02, 0.18))
    return canvas.annotate(to_rgb(unit))


def _paint_mitochondrion(
    rng: np.random.Generator,
    image: Plane,
    canvas: Canvas,
    stamp: Stamp,
    reach: float,
    look: tuple[float, float, float, float],
) -> None:
    matrix, contrast, membrane_px, period_px = look
    mask = canvas.put(stamp)
    size = stamp.inside.shape
    depth = stamp.inside
    along = np.zeros(size, np.float32) if stamp.along is None else stamp.along
    grey = matrix + rng.normal(0, 0.04) + 0.05 * texture(rng, size, 1.5, 8)
    # lamellar cristae across the long axis, with wandering phase and gaps
    wander = 1.3 * smooth_noise(rng, size, 1.5 * period_px)
    turn = 2 * np.pi * (2 * reach * along + 0.4 * rng.normal() * depth) / period_px
    stripes = np.clip(np.sin(turn + wander) * 2 - 0.3, -0.3, 1)
    gaps = np.clip(0.8 + smooth_noise(rng, size, period_px), 0, 1)
    inner = depth > 3 * membrane_px
    grey = grey - np.float32(contrast) * stripes * gaps * inner
    outer = np.exp(-(((depth - membrane_px) / membrane_px) ** 2))
    second = np.exp(-(((depth - 3.4 * membrane_px) / membrane_px) ** 2))
    dark = 0.32 * np.maximum(outer, 0.75 * second)
    image[stamp.where][mask] = (grey - dark.astype(np.float32))[mask]


def _cytoplasm_em(
    rng: np.random.Generator, shape: tuple[int, int], radius: float
) -> Plane:
    """Ribosomes, reticulum, vesicles, lysosomes, plasma membranes: none labelled."""
    image = 0.7 + rng.uniform(0.02, 0.07) * texture(rng, shape, 1.2, 40)
    image -= rng.uniform(0, 0.15) * np.clip(grain(rng, shape, 1.0) - 1, 0, 2)
    if rng.random() < 0.7:  # plasma membranes of several cells
        _, border = mesh(rng, shape, rng.uniform(4, 12) * radius)
        image -= 0.35 * np.clip(2 * ndimage.gaussian_filter(border, 0.9), 0, 1)
    for _ in range(rng.integers(0, 25)):  # cisternae of the reticulum
        start, length = rng.uniform(0, 1, 2) * shape, radius * rng.uniform(2, 8)
        line = curve(rng, start, rng.uniform(0, 6.3), length, bend=0.6, step=0.7)
        width = np.full(len(line), np.clip(0.1 * radius, 1.2, 3))
        outer = stamp_disks(shape, line, width + 1)
        lumen = stamp_disks(shape, line, width)
        image[outer] = 0.42
        image[lumen] = 0.68
    for _ in range(rng.integers(0, 60)):  # vesicles and lysosomes
        centre, own = rng.uniform(0, 1, 2) * shape, radius * log_uniform(rng, 0.1, 0.6)
        stamp = ellipse(shape, centre, (own, own * rng.uniform(0.8, 1)), 0)
        if stamp is not None:
            fill = 0.3 if rng.random() < 0.2 else 0.75
            grey = fill - 0.35 * np.exp(-((stamp.inside - 0.8) ** 2))
            mask = stamp.inside > 0
            image[stamp.where][mask] = grey[mask]
    return image
