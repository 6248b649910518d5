"""Rods and cocci, in phase contrast and in fluorescence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_segnext.training.synthetic_layouts import Rods, grown, joined, pack
from napari_segnext.training.synthetic_optics import (
    blobs,
    blur,
    camera,
    grain,
    log_uniform,
    phase_contrast,
    smooth_noise,
    texture,
    to_rgb,
    uneven,
)
from napari_segnext.training.synthetic_shapes import Canvas, curve, random_shape, tube

if TYPE_CHECKING:
    from napari_segnext.training.data import Annotated
    from napari_segnext.training.synthetic_shapes import Plane, Points, Stamp

__all__ = ["bacteria_fluorescence", "cocci_phase", "rods_phase"]


def _sizes(
    rng: np.random.Generator, count: int, radius: float, aspect: float
) -> tuple[Points, Points]:
    """Half lengths of the straight part and radii of cells between two divisions."""
    age = np.log2(1 + rng.random(count))  # as many young as old ones in a culture
    length = 2 * radius * aspect * 2 ** (age - 0.5)
    radii = radius * np.exp(rng.normal(0, 0.05, count))
    if aspect > 1.5 and rng.random() < 0.2:  # a few filamentous cells
        length[rng.random(count) < 0.1] *= rng.uniform(2, 4)
    return np.maximum(length / 2 - radii, 0.02 * radii), radii


def _scattered(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, aspect: float
) -> Rods:
    area = 4 * radius**2 * aspect
    cover = log_uniform(rng, 0.02, 0.45)
    count = int(np.clip(cover * shape[0] * shape[1] / area, 4, 160))
    half, radii = _sizes(rng, count, radius, aspect)
    centres = rng.uniform(0, 1, (count, 2)) * shape
    angles = rng.uniform(0, np.pi, count)
    return pack(Rods(centres, angles, half, radii), rounds=12)


def _heaps(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, aspect: float
) -> Rods:
    """Dense patches of cells that came together."""
    area = 4 * radius**2 * aspect
    room = int(np.clip(0.6 * shape[0] * shape[1] / area, 4, 180))
    parts = []
    for _ in range(rng.integers(1, 5)):
        count = int(np.clip(log_uniform(rng, 3, 90), 3, max(room, 3)))
        room -= count
        half, radii = _sizes(rng, count, radius, aspect)
        spread = 0.42 * np.sqrt(count * area)
        middle = rng.uniform(0.15, 0.85, 2) * shape
        stretch = np.exp(rng.normal(0, 0.3))
        offset = rng.normal(0, 1, (count, 2)) * [stretch, 1 / stretch]
        offset /= np.maximum(np.hypot(*offset.T), 1)[:, None] ** 0.5
        turn = smooth_noise(rng, shape, max(4 * radius * aspect, 12))
        centres = middle + spread * offset
        rows, cols = np.clip(centres, 0, np.array(shape) - 1).astype(int).T
        angles = rng.uniform(0, np.pi) + rng.uniform(0.2, 1.5) * turn[rows, cols]
        parts.append(Rods(centres, angles, half, radii))
        if room < 4:
            break
    return pack(joined(parts), rounds=30, squeeze=rng.uniform(-0.05, 0.1))


def _chains(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, aspect: float
) -> Rods:
    """Cells end to end, as after divisions without separation."""
    parts = []
    for _ in range(rng.integers(2, 12)):
        count = int(rng.integers(2, 14))
        half, radii = _sizes(rng, count, radius, aspect)
        pitch = 2 * (half + radii * rng.uniform(0.78, 1.02))
        middles = np.cumsum(pitch) - pitch / 2
        line = curve(
            rng,
            rng.uniform(0, 1, 2) * shape,
            rng.uniform(0, 2 * np.pi),
            float(pitch.sum()) + 2,
            bend=rng.uniform(0.1, 0.8),
        )
        at = np.minimum(middles.astype(int), len(line) - 2)
        direction = line[at + 1] - line[at]
        angles = np.arctan2(direction[:, 0], direction[:, 1])
        parts.append(Rods(line[at], angles, half, radii))
    return joined(parts)


def _grown_colonies(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, aspect: float
) -> Rods:
    """Microcolonies of the descendants of one to a few cells."""
    room = int(np.clip(0.7 * shape[0] * shape[1] / (4 * radius**2 * aspect), 4, 160))
    parts: list[Rods] = []
    while room >= 2 and len(parts) < 6:
        count = int(np.clip(log_uniform(rng, 2, 150), 2, room))
        room -= count if rng.random() < 0.7 else room
        middle = rng.uniform(0.1, 0.9, 2) * shape
        parts.append(grown(rng, count, middle, radius, aspect))
    return pack(joined(parts), rounds=10, squeeze=rng.uniform(-0.06, 0.06))


def _layout(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, aspect: float
) -> Rods:
    rodlike = aspect > 1.5  # cocci divide in changing directions, so do not align
    layouts = (_scattered, _chains, _grown_colonies if rodlike else _heaps, _heaps)
    chosen = layouts[rng.choice(4, p=[0.3, 0.18, 0.37, 0.15])]
    return chosen(rng, shape, radius, aspect)


def _stamps(
    rng: np.random.Generator, shape: tuple[int, int], rods: Rods
) -> list[tuple[Stamp, float]]:
    """Visible cells and their radii: bent, tapered, or about to divide."""
    found = []
    bent = abs(rng.normal(0, 0.15)) if rng.random() < 0.7 else rng.uniform(0.3, 0.9)
    taper = rng.uniform(0, 0.35) if rng.random() < 0.3 else 0.0
    dividing = rng.uniform(0, 0.5)
    position = np.linspace(-1, 1, 5)
    for centre, angle, half, radius in zip(
        rods.centres, rods.angles, rods.half, rods.radius, strict=True
    ):
        axis = np.array([np.sin(angle), np.cos(angle)])
        normal = np.array([axis[1], -axis[0]])
        sag = rng.normal(0, bent) * max(half - 0.5 * radius, 0) * 0.5
        points = (
            centre
            + (half * position)[:, None] * axis
            + (sag * (position**2 - 0.5))[:, None] * normal
        )
        radii = radius * (1 - taper * position**2)
        if half > radius and rng.random() < dividing:
            radii[2] *= rng.uniform(0.45, 0.85)  # the septum
        stamp = tube(shape, points, radii, margin=2)
        if stamp is not None:
            found.append((stamp, float(radius)))
    return found


def _dome(stamp: Stamp, radius: float) -> Plane:
    """Thickness of a round body over its radius: 1 on the axis, 0 on the outline."""
    depth = np.clip(stamp.inside / np.float32(radius), 0, 1)
    return np.sqrt(depth * (2 - depth))


def _background(rng: np.random.Generator, shape: tuple[int, int]) -> Plane:
    """Phase of agar, debris and cells out of focus, in radians."""
    phase = np.float32(log_uniform(rng, 0.005, 0.08)) * texture(rng, shape, 3, 60)
    debris = blobs(rng, shape, int(rng.integers(0, 25)), (0.8, 2.5))
    haze = blobs(rng, shape, int(rng.integers(0, 6)), (5, 25))
    return phase + rng.uniform(-0.2, 0.3) * debris + rng.uniform(0, 0.2) * haze


def _phase_plane(
    rng: np.random.Generator, shape: tuple[int, int], rods: Rods, radius: float
) -> Annotated:
    canvas = Canvas.blank(shape)
    phase = np.zeros(shape, np.float32)
    optical = log_uniform(rng, 0.35, 1.3)
    vary = rng.uniform(0.02, 0.2)
    for stamp, own in _stamps(rng, shape, rods):
        mask = canvas.put(stamp)
        height = _dome(stamp, own) * np.float32(optical * np.exp(rng.normal(0, vary)))
        view = phase[stamp.where]
        view[mask] = np.maximum(view[mask] * 0.6, height[mask])
    if rng.random() < 0.4:  # storage granules or spores, in the cells only
        inner = blobs(rng, shape, 3 * canvas.count, (0.2 * radius, 0.5 * radius))
        phase += (canvas.labels > 0) * inner * np.float32(rng.normal(0, 0.35 * optical))
    phase = ndimage.gaussian_filter(phase, rng.uniform(0.4, 0.18 * radius + 0.45))
    phase += _background(rng, shape)
    image = phase_contrast(
        phase,
        radius * log_uniform(rng, 1.2, 4),
        rng.uniform(0.45, 1.0),
        negative=rng.random() < 0.12,
    )
    image = ndimage.gaussian_filter(image, rng.uniform(0.3, 0.15 * radius + 0.4))
    image *= uneven(rng, shape, 0.3)
    unit = camera(rng, image, noise=log_uniform(rng, 0.004, 0.06))
    return canvas.annotate(to_rgb(unit))


def rods_phase(rng: np.random.Generator) -> Annotated:
    """Rod bacteria in phase contrast: single, in chains, in dense microcolonies."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 2.5, 9)
    rods = _layout(rng, shape, radius, log_uniform(rng, 1.6, 5))
    return _phase_plane(rng, shape, rods, radius)


def _cocci(rng: np.random.Generator, shape: tuple[int, int], radius: float) -> Rods:
    return _layout(rng, shape, radius, rng.uniform(1.0, 1.35))


def cocci_phase(rng: np.random.Generator) -> Annotated:
    """Cocci in phase contrast: single, in pairs and chains, in grape-like clusters."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 3, 14)
    return _phase_plane(rng, shape, _cocci(rng, shape, radius), radius)


def bacteria_fluorescence(rng: np.random.Generator) -> Annotated:
    """Rods or cocci in fluorescence, the label in the cytoplasm or the membrane."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 2.5, 10)
    if rng.random() < 0.7:
        rods = _layout(rng, shape, radius, log_uniform(rng, 1.6, 5))
    else:
        rods = _cocci(rng, shape, radius)
    canvas = Canvas.blank(shape)
    light = np.zeros(shape, np.float32)
    membrane = rng.random() < 0.45
    rim = max(0.9, 0.18 * radius)
    fill = rng.uniform(0, 0.4) if membrane else 1.0
    vary = rng.uniform(0.05, 0.6)
    for stamp, own in _stamps(rng, shape, rods):
        mask = canvas.put(stamp)
        glow = np.float32(fill) * _dome(stamp, own)
        if membrane:
            glow = glow + np.exp(-(((stamp.inside - rim) / rim) ** 2))
            if stamp.along is not None and rng.random() < 0.3:  # a new septum
                middle = np.abs(stamp.along - 0.5) * np.float32(4 * own)
                glow = glow + mask * np.exp(-((middle / rim) ** 2))
        view = light[stamp.where]
        view += mask * glow * np.float32(np.exp(rng.normal(0, vary)))
    if rng.random() < 0.5:  # clumpy cytoplasm, plasmids, nucleoids
        light *= np.clip(1 + 0.35 * texture(rng, shape, 0.4 * radius, 2 * radius), 0, 3)
    haze = log_uniform(rng, 0.02, 0.4) * blur(light, 3 * radius)
    light = ndimage.gaussian_filter(light, log_uniform(rng, 0.5, 0.35 * radius + 0.4))
    light += np.float32(haze)
    light += 0.15 * rng.random() * blobs(rng, shape, int(rng.integers(0, 12)), (3, 20))
    light *= uneven(rng, shape, 0.5)
    light += np.float32(rng.uniform(0, 0.06)) * (3 + grain(rng, shape, 2))
    unit = camera(rng, light, noise=log_uniform(rng, 0.005, 0.12))
    return canvas.annotate(to_rgb(unit))
