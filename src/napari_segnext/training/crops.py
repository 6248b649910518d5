"""Random crops around objects: geometry and intensity augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.training.data import Annotated, Instance

__all__ = ["Crop", "augment_intensity", "centred_crop", "random_crop"]

_MAX_MAGNIFICATION = 6.0  # windows magnify up to 4 times


@dataclass(frozen=True)
class Crop:
    """A square crop, ready for prompts.

    Parameters
    ----------
    image : array (S, S, 3) float32
        0 to 1; NaN outside the plane.
    labels : array (S, S) int32
        Instances; -1 outside the plane.
    neighbours : array (S, S) int32 or None
        Labels of a neighbouring plane of a stack.
    label : int
        The object the crop was made around.
    """

    image: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]
    neighbours: npt.NDArray[np.int32] | None
    label: int


def _random_scale(
    extent: int, plane: int, size: int, rng: np.random.Generator
) -> float:
    """Crop pixels per plane pixel; extents of object and plane in pixels."""
    if rng.random() < 0.25:  # the first look of a window at its natural scale
        scale = np.exp(rng.normal(0, 0.25))
    else:
        scale = np.exp(rng.uniform(np.log(0.08), np.log(0.75))) * size / extent
    # a window is never much larger than the plane
    return float(np.clip(scale, 0.7 * size / plane, _MAX_MAGNIFICATION))


def _keep_inside(
    centre: npt.NDArray[np.float64], shape: tuple[int, ...], side: float
) -> npt.NDArray[np.float64]:
    """Shift a window of `side` plane pixels into the plane, nearly always."""
    limits = np.array(shape[:2], float)
    reach = np.minimum(side * 0.45, limits / 2)
    return np.clip(centre, reach, limits - reach)


def _random_matrix(scale: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Crop offsets to plane offsets: scale, aspect, turn, mirror."""
    aspect = np.exp(rng.normal(0, 0.1))
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else 0.0
    angle += rng.integers(4) * np.pi / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = np.diag([1.0, rng.choice([-1.0, 1.0])])
    return turn @ mirror @ np.diag([aspect / scale, 1 / (aspect * scale)])


def _sample(
    planes: torch.Tensor, points: npt.NDArray[np.float64], mode: str
) -> torch.Tensor:
    """Values of `planes` (C, H, W) at `points` (R, C, 2) as (row, col)."""
    size = np.array(planes.shape[1:])
    normal = (2 * points + 1) / size - 1
    grid = torch.from_numpy(normal[..., ::-1].astype(np.float32).copy())
    return F.grid_sample(planes[None], grid[None], mode=mode, align_corners=False)[0]


def random_crop(
    annotated: Annotated, instance: Instance, size: int, rng: np.random.Generator
) -> Crop:
    """Cut a randomly scaled, turned and shifted square around `instance`.

    Parameters
    ----------
    annotated : Annotated
        The plane.
    instance : Instance
        Ends up somewhere in the crop, not always in its middle.
    size : int
        Side of the crop in pixels.
    rng : numpy.random.Generator
        Source of everything random here.
    """
    shape = annotated.labels.shape
    scale = _random_scale(instance.extent, max(shape), size, rng)
    matrix = _random_matrix(scale, rng)
    free = max(size - instance.extent * scale, 0) / 2
    centre = instance.centre - matrix @ rng.uniform(-free, free, 2) * 0.9
    centre = _keep_inside(centre, shape, size / scale)
    around = annotated.neighbours
    neighbour = around[rng.integers(len(around))] if around else None
    pixels, labels, others = _cut(annotated, neighbour, centre, matrix, scale, size)
    return Crop(pixels, labels, others, instance.label)


def centred_crop(
    annotated: Annotated, instance: Instance, size: int, share: float
) -> Crop:
    """Cut an upright square with `instance` in its middle, nothing random.

    Parameters
    ----------
    annotated : Annotated
        The plane.
    instance : Instance
        Near the border of the plane the square moves inwards.
    size : int
        Side of the crop in pixels.
    share : float
        The object's longer side over the crop's side, where the plane is large enough
        and the object need not be magnified more than a window does.
    """
    shape = annotated.labels.shape
    scale = np.clip(share * size / instance.extent, 0.7 * size / max(shape), 4.0)
    matrix = np.eye(2) / scale
    centre = _keep_inside(instance.centre, shape, size / scale)
    neighbour = annotated.neighbours[-1] if annotated.neighbours else None
    pixels, labels, others = _cut(
        annotated, neighbour, centre, matrix, float(scale), size
    )
    return Crop(pixels, labels, others, instance.label)


def _cut(
    annotated: Annotated,
    neighbour: npt.NDArray[np.int32] | None,
    centre: npt.NDArray[np.float64],
    matrix: npt.NDArray[np.float64],
    scale: float,
    size: int,
) -> tuple[
    npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int32] | None
]:
    """Image, labels and neighbouring labels of a square, resampled."""
    # only the part of the plane the crop can reach is worth converting
    reach = int(np.ceil(np.abs(matrix).sum(axis=1).max() * size / 2)) + 2
    low = np.maximum(np.floor(centre).astype(int) - reach, 0)
    part = tuple(
        slice(start, max(int(middle) + reach, start + 1))
        for start, middle in zip(low, centre, strict=True)
    )
    over = int(np.clip(np.ceil(1 / scale), 1, 4))  # so that reducing does not alias

    def points(steps: int) -> npt.NDArray[np.float64]:
        offsets = (np.arange(steps) + 0.5) * size / steps - size / 2
        grid = np.stack(np.meshgrid(offsets, offsets, indexing="ij"), axis=-1)
        return grid @ matrix.T + centre - low

    image = torch.from_numpy(annotated.image[part].astype(np.float32) / 255)
    image = _sample(image.permute(2, 0, 1), points(size * over), "bilinear")
    image = F.avg_pool2d(image, over)
    planes = [annotated.labels] if neighbour is None else [annotated.labels, neighbour]
    stack = np.stack([plane[part] for plane in planes])
    inside = np.ones_like(stack[:1])
    stack = np.concatenate([stack, inside]).astype(np.float32)
    nearest = _sample(torch.from_numpy(stack), points(size), "nearest").numpy()
    labels = nearest.astype(np.int32)
    outside = labels[-1] == 0
    pixels = image.permute(1, 2, 0).numpy()
    pixels[outside] = np.nan
    labels[0][outside] = -1
    return pixels, labels[0], None if neighbour is None else labels[1]


def augment_intensity(
    image: npt.NDArray[np.floating], rng: np.random.Generator
) -> npt.NDArray[np.floating]:
    """Make (S, S, 3) float32 look as if another microscope had taken it.

    Inversion, colour changes, uneven background, blur, gamma, contrast and noise; each
    with a chance of its own. NaN (outside the plane) stays NaN.
    """
    outside = np.isnan(image[..., 0])
    image = np.nan_to_num(image, nan=0.5)
    image = _augment_colour(image, rng)
    size = image.shape[0]
    if rng.random() < 0.25:  # uneven background
        ramp = ndimage.zoom(rng.normal(0, 1, (3, 3)), size / 3, order=1)
        image = image + rng.uniform(0.03, 0.25) * ramp[..., None]
    if rng.random() < 0.3:
        sigma = np.exp(rng.uniform(np.log(0.5), np.log(3)))
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    if rng.random() < 0.5:
        image = np.clip(image, 0, 1) ** np.exp(rng.normal(0, 0.4))
    if rng.random() < 0.5:
        gain, offset = np.exp(rng.normal(0, 0.35)), rng.normal(0, 0.15)
        image = (image - image.mean()) * gain + image.mean() + offset
    if rng.random() < 0.4:
        sigma = np.exp(rng.uniform(np.log(0.005), np.log(0.12)))
        grey = rng.random() < 0.7
        noise = rng.normal(0, sigma, (size, size, 1 if grey else 3))
        if rng.random() < 0.5:  # coarser grain than a pixel
            noise = ndimage.gaussian_filter(noise, (1, 1, 0)) * 2.5
        if rng.random() < 0.5:  # shot noise grows with the signal
            noise = noise * 2 * np.sqrt(np.clip(image, 0.01, 1))
        image = image + noise
    image = np.clip(image, 0, 1).astype(np.float32)
    image[outside] = np.nan
    return image


def _augment_colour(
    image: npt.NDArray[np.floating], rng: np.random.Generator
) -> npt.NDArray[np.floating]:
    is_grey = bool((image[..., 0] == image[..., 1]).all())
    if rng.random() < (0.3 if is_grey else 0.15):
        image = 1 - image
    if is_grey and rng.random() < 0.12:  # one fluorophore shown in false colour
        image = image * rng.dirichlet([0.5] * 3) * 1.5
    elif not is_grey and rng.random() < 0.4:  # one channel, or a mixture, as grey
        image = np.repeat((image @ rng.dirichlet([1.0] * 3))[..., None], 3, axis=2)
    if rng.random() < 0.3:
        image = image[..., rng.permutation(3)]
    return image
