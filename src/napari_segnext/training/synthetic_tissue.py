"""Nuclei in stained tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_segnext.training.synthetic_layouts import clumped
from napari_segnext.training.synthetic_optics import (
    fibres,
    log_uniform,
    smooth_noise,
    texture,
    to_rgb,
    uneven,
)
from napari_segnext.training.synthetic_shapes import (
    Canvas,
    blob,
    ellipse,
    random_shape,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.training.data import Annotated
    from napari_segnext.training.synthetic_shapes import Plane

__all__ = ["tissue_he"]


def tissue_he(rng: np.random.Generator) -> Annotated:
    """Haematoxylin and eosin: purple nuclei in a pink fibrous stroma."""
    shape = random_shape(rng)
    radius = log_uniform(rng, 4, 22)
    cells = clumped(rng, shape, radius * 1.25, log_uniform(rng, 0.12, 0.9))
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
        body = radii[0] * rng.uniform(1.2, 1.9), radii[1] * rng.uniform(1.2, 2.2)
        around = ellipse(shape, centre + rng.normal(0, 0.25 * own, 2), body, angle)
        if stamp is None or around is None:
            continue
        mask = canvas.put(stamp)
        rim = np.exp(-stamp.inside / np.float32(0.12 * own + 0.5))
        pale = vesicular * rng.random()
        dye = (1 - 0.7 * pale + 0.7 * rim) * np.exp(rng.normal(0, 0.25))
        blue[stamp.where][mask] = dye[mask]
        cytoplasm[around.where][around.inside > 0] = rng.uniform(0.1, 0.6)
    nuclei = blue > 0
    ragged = 1 + 0.5 * texture(rng, shape, 2, 1.5 * radius + 3)
    cytoplasm *= np.clip(ragged, 0, 1.5)
    cytoplasm = ndimage.gaussian_filter(cytoplasm, 0.08 * radius + 0.8)
    clumps = 1 + rng.uniform(0.1, 0.5) * texture(rng, shape, 1.5, 0.6 * radius + 2)
    blue *= np.clip(clumps, 0.2, 2)
    blue += 0.15 * rng.random() * np.clip(texture(rng, shape, 2, 30), 0, 2)
    red = _stroma(rng, shape, radius)
    covered = np.clip(3 * cytoplasm, 0, 1)
    red = (red * (1 - 0.6 * covered) + cytoplasm) * (1 - 0.7 * nuclei)
    brown = rng.random(canvas.count + 1) < rng.uniform(0.1, 0.9)  # immunostained
    brown &= rng.random() < 0.15
    return canvas.annotate(_stained(rng, blue, red, brown[canvas.labels]))


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
    rng: np.random.Generator, blue: Plane, red: Plane, brown: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Beer-Lambert with the stain vectors of Ruifrok and Johnston (2001), varied.

    Where `brown`, diaminobenzidine takes the place of haematoxylin, and eosin is weak.
    """
    haematoxylin = np.array([0.65, 0.70, 0.29]) * np.exp(rng.normal(0, 0.15, 3))
    eosin = np.array([0.07, 0.99, 0.11]) * np.exp(rng.normal(0, 0.2, 3))
    eosin[::2] += rng.uniform(0, 0.12, 2)
    benzidine = np.array([0.27, 0.57, 0.78]) * np.exp(rng.normal(0, 0.1, 3))
    pink = 0.15 if brown.any() else 1.0
    strength = rng.uniform(0.8, 1.8), pink * rng.uniform(0.3, 1.0)
    sigma = log_uniform(rng, 0.5, 1.6)
    shape = blue.shape[0], blue.shape[1]
    haematoxylin, benzidine, eosin = (
        dye.astype(np.float32) for dye in (haematoxylin, benzidine, eosin)
    )
    stains = [
        np.float32(amount) * ndimage.gaussian_filter(stain, sigma)
        for amount, stain in zip(strength, (blue, red), strict=True)
    ]
    dye = haematoxylin
    if brown.any():
        dye = np.where(brown[..., None], benzidine, haematoxylin)
    density = stains[0][..., None] * dye + stains[1][..., None] * eosin
    light = rng.uniform(0.85, 1) * np.exp(-density) * uneven(rng, shape, 0.2)[..., None]
    sigma = log_uniform(rng, 0.003, 0.03)
    light += np.float32(sigma) * rng.standard_normal(light.shape, dtype=np.float32)
    return to_rgb(light)
