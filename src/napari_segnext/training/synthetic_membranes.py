"""Cells parted by membranes: epithelia and leaves in fluorescence, neuropil in EM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_segnext.training.synthetic_layouts import mesh
from napari_segnext.training.synthetic_optics import (
    blobs,
    blur,
    camera,
    log_uniform,
    smooth_noise,
    texture,
    to_rgb,
    uneven,
)
from napari_segnext.training.synthetic_shapes import Canvas, blob, random_shape

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.training.data import Annotated
    from napari_segnext.training.synthetic_shapes import Labels, Plane

__all__ = ["membranes"]


def membranes(rng: np.random.Generator) -> Annotated:
    """Cells parted by membranes: bright on dark (a dye), or dark on bright (EM)."""
    shape = random_shape(rng)
    electron = rng.random() < 0.5
    size = log_uniform(rng, 14, 60 if electron else 90)
    cells, border = mesh(rng, shape, size)
    most = 1.6 if electron else 4.0
    thick = min(log_uniform(rng, 0.5, 0.06 * size + 0.6), most)
    apart = ndimage.distance_transform_edt(border == 0).astype(np.float32)
    width = thick * (1 + 0.25 * smooth_noise(rng, shape, 0.6 * size))
    if rng.random() < (0.1 if electron else 0.3):  # matrix between the cells
        gap = np.maximum(smooth_noise(rng, shape, 0.8 * size), 0)
        width = width + 0.08 * size * gap
    canvas = Canvas.blank(shape)
    inside = apart > np.maximum(width, 0.5)
    canvas.labels[inside] = cells[inside]
    edge = np.clip(1.5 + width - apart, 0, 1)
    if electron:
        image = _electron(rng, edge, cells, size)
        unit = camera(rng, image, noise=log_uniform(rng, 0.02, 0.2))
        return canvas.annotate(to_rgb(unit))
    if rng.random() < 0.3:  # some cells are not there
        gone = rng.random(int(cells.max()) + 1) < rng.uniform(0.05, 0.4)
        edge = edge * ndimage.maximum_filter(~gone[cells], 5)
        canvas.labels[gone[cells]] = 0
    return canvas.annotate(_dye(rng, edge, canvas.labels, size))


def _dye(
    rng: np.random.Generator, edge: Plane, labels: Labels, size: float
) -> npt.NDArray[np.uint8]:
    """Fluorescent membranes, patchy; some with haze, with nuclei, in two colours."""
    shape = edge.shape[0], edge.shape[1]
    gaps = np.clip(1 + rng.uniform(0, 0.6) * smooth_noise(rng, shape, 0.4 * size), 0, 2)
    light = edge * gaps * np.clip(1 + 0.3 * texture(rng, shape, 2, 8), 0.2, 2)
    haze = rng.uniform(0, 1) * blur(light, rng.uniform(4, 12))
    sharp = ndimage.gaussian_filter(light, log_uniform(rng, 0.5, 2))
    inner = rng.uniform(0, 0.2) * (1 + 0.5 * texture(rng, shape, 2, 0.5 * size))
    dots = rng.uniform(0, 0.7) * blobs(rng, shape, int(rng.integers(0, 80)), (0.8, 2.5))
    shade = uneven(rng, shape, 0.6)
    noise = log_uniform(rng, 0.01, 0.12)
    membrane = (sharp + haze + inner * (labels > 0) + dots) * shade
    if rng.random() > 0.35:
        return to_rgb(camera(rng, membrane, noise=noise))
    nuclei = _nuclei(rng, labels, size) * shade
    if rng.random() < 0.4:  # one channel, or two shown as one
        both = membrane + rng.uniform(0.2, 1.2) * nuclei
        return to_rgb(camera(rng, both, noise=noise))
    hues = rng.permutation(np.eye(3)) + rng.choice([0, 1], (3, 3), p=[0.8, 0.2])
    channels = (camera(rng, plane, noise=noise) for plane in (membrane, nuclei))
    merged = [
        plane[..., None] * hue for plane, hue in zip(channels, hues, strict=False)
    ]
    return to_rgb(sum(merged, start=np.zeros((*shape, 3))))


def _nuclei(rng: np.random.Generator, labels: Labels, size: float) -> Plane:
    """Nuclei in most of the cells; the objects here are the cells."""
    shape = labels.shape[0], labels.shape[1]
    nuclei = np.zeros(shape, np.float32)
    share = rng.uniform(0.25, 0.42)
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None or rng.random() < 0.1:
            continue
        rows, cols = np.nonzero(labels[box] == index)
        radius = share * np.sqrt(len(rows) / np.pi) * 1.6
        centre = rows.mean() + box[0].start, cols.mean() + box[1].start
        axes = radius * rng.uniform(0.9, 1.25), radius * rng.uniform(0.75, 1)
        stamp = blob(rng, shape, centre, axes, rng.uniform(0, np.pi), 0.08)
        if stamp is not None:
            part = nuclei[stamp.where]
            part[stamp.inside > 0] = np.exp(rng.normal(0, 0.25))
    nuclei *= np.clip(1 + 0.25 * texture(rng, shape, 1.5, 0.2 * size + 2), 0.2, 2)
    return ndimage.gaussian_filter(nuclei, log_uniform(rng, 0.6, 1.8))


def _electron(
    rng: np.random.Generator, edge: Plane, cells: Labels, size: float
) -> Plane:
    """Dark membranes, cells of different tone, organelles that are no objects."""
    shape = edge.shape[0], edge.shape[1]
    tone = rng.normal(0, rng.uniform(0.02, 0.1), int(cells.max()) + 1)
    image = 0.75 + tone.astype(np.float32)[cells]
    image += rng.uniform(0.02, 0.1) * texture(rng, shape, 1.5, 0.3 * size + 3)
    crowd = 0.9 * rng.random() * shape[0] * shape[1] / size**2
    for _ in range(int(np.clip(crowd, 0, 70))):
        centre, own = rng.uniform(0, 1, 2) * shape, size * log_uniform(rng, 0.03, 0.22)
        axes = own * rng.uniform(1, 2.5), own
        stamp = blob(rng, shape, centre, axes, rng.uniform(0, np.pi), 0.15)
        if stamp is None:
            continue
        middle = np.clip(np.round(centre).astype(int), 0, np.array(shape) - 1)
        home = cells[stamp.where] == cells[middle[0], middle[1]]
        rim = np.exp(-((stamp.inside / 1.2) ** 2))
        fill = np.clip(stamp.inside, 0, 1) * rng.uniform(-0.05, 0.3)
        image[stamp.where] -= home * (rng.uniform(0.15, 0.4) * rim + fill)
    faint = np.clip(1 + rng.uniform(0, 0.6) * smooth_noise(rng, shape, size), 0.15, 1.5)
    image = image * (1 - rng.uniform(0.4, 0.9) * np.clip(edge * faint, 0, 1))
    image = ndimage.gaussian_filter(image, log_uniform(rng, 0.5, 1.2))
    return image * uneven(rng, shape, 0.2)
