"""Endless random batches, made in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from napari_segnext.core.prompt_map import Grid, draw_prompts
from napari_segnext.evaluation.prompting import sample_prompts
from napari_segnext.training.carried import sample_carried_prompts
from napari_segnext.training.crops import augment_intensity, random_crop
from napari_segnext.training.dense import dense_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from napari_segnext.core.prompt_map import PromptStyle
    from napari_segnext.core.prompts import Prompts
    from napari_segnext.training.crops import Crop
    from napari_segnext.training.data import Annotated, Instance

    Source = Sequence[Annotated] | Callable[[np.random.Generator], Annotated]

__all__ = ["Batches", "Recipe"]

_MIN_VISIBLE_PX = 30
_CARRIED = 0.45  # of the objects that the slice beside has, too


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a batch is made of.

    Parameters
    ----------
    crops, objects : int
        Crops per batch and objects per crop: the encoder runs once for all objects.
    size : int
        Side of a crop in pixels.
    style : PromptStyle
        How prompts look to the network.
    mean, std : (float, float, float)
        Normalisation of the image.
    seed : int
        Batch number n is the same for the same seed.
    dense : bool
        Whether batches hold targets of dense losses, too.
    """

    crops: int
    objects: int
    size: int
    style: PromptStyle
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    seed: int = 0
    dense: bool = False


def _first_prompts(
    truth: npt.NDArray[np.bool_], crop: Crop, label: int, rng: np.random.Generator
) -> Prompts:
    neighbour = None if crop.neighbours is None else crop.neighbours == label
    if neighbour is not None and neighbour.any() and rng.random() < _CARRIED:
        return sample_carried_prompts(truth, neighbour, rng)
    return sample_prompts(truth, crop.labels, neighbour, rng)


def _with_objects(
    planes: Sequence[Annotated],
) -> list[tuple[Annotated, list[Instance]]]:
    pairs = [(plane, plane.instances()) for plane in planes]
    return [pair for pair in pairs if pair[1]]


class Batches(IterableDataset[dict[str, torch.Tensor]]):
    """Random batches of images, true masks and first prompt maps.

    Parameters
    ----------
    sets : mapping
        Name -> planes, as :func:`read_sets` returns, or a function that renders a fresh
        plane from a random generator.
    shares : mapping
        Name -> how often a crop comes from this set; missing names count 1.
    recipe : Recipe
        What a batch is made of.
    first : int
        Number of the first batch; a resumed run goes on where it was.
    """

    def __init__(
        self,
        sets: Mapping[str, Source],
        shares: Mapping[str, float],
        recipe: Recipe,
        first: int = 0,
    ) -> None:
        self._sources = {
            name: source if callable(source) else _with_objects(source)
            for name, source in sets.items()
        }
        self._names = [name for name, source in self._sources.items() if source]
        weights = np.array([shares.get(name, 1.0) for name in self._names])
        self._chances = weights / weights.sum()
        self._recipe = recipe
        self._first = first

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """Yield batches for ever; with several loader processes they interleave."""
        info = get_worker_info()
        number = self._first + (info.id if info else 0)
        step = info.num_workers if info else 1
        while True:
            yield self._batch(np.random.default_rng([self._recipe.seed, number]))
            number += step

    def _crop(self, rng: np.random.Generator) -> Crop:
        name = self._names[rng.choice(len(self._names), p=self._chances)]
        source = self._sources[name]
        if callable(source):
            plane = source(rng)
            instances = plane.instances()
            if not instances:  # rendered empty, which is rare
                return self._crop(rng)
        else:
            plane, instances = source[rng.integers(len(source))]
        instance = instances[rng.integers(len(instances))]
        return random_crop(plane, instance, self._recipe.size, rng)

    def _pick_objects(
        self, crop: Crop, rng: np.random.Generator
    ) -> npt.NDArray[np.integer]:
        """Return labels of visible objects, the crop's own first if it is visible."""
        areas = np.bincount(np.maximum(crop.labels, 0).ravel())
        areas[0] = 0
        visible = np.flatnonzero(areas >= _MIN_VISIBLE_PX)
        others = rng.permutation(visible[visible != crop.label])
        own = visible[visible == crop.label]
        picked = np.concatenate([own, others])[: self._recipe.objects]
        # fewer objects than asked for: the same ones again, with other prompts
        return np.resize(picked, self._recipe.objects) if len(picked) else picked

    def _batch(self, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        recipe = self._recipe
        grid = Grid((0.0, 0.0), (1.0, 1.0), (recipe.size, recipe.size))
        images: list[npt.NDArray[np.float64]] = []
        truths, known, maps, dense = [], [], [], []
        while len(images) < recipe.crops:
            crop = self._crop(rng)
            labels = self._pick_objects(crop, rng)
            if not len(labels):
                continue
            image = augment_intensity(crop.image, rng)
            image = (image - np.array(recipe.mean)) / np.array(recipe.std)
            images.append(np.nan_to_num(image, nan=0.0).transpose(2, 0, 1))
            if recipe.dense:
                dense.append(dense_targets(crop.labels))
            for label in labels:
                truth = crop.labels == label
                prompts = _first_prompts(truth, crop, label, rng)
                truths.append(truth)
                known.append(crop.labels >= 0)
                maps.append(draw_prompts(prompts, grid, recipe.style))
        batch = {
            "images": torch.from_numpy(np.stack(images).astype(np.float32)),
            "truths": torch.from_numpy(np.stack(truths)[:, None]),
            "known": torch.from_numpy(np.stack(known)[:, None]),
            "maps": torch.from_numpy(np.stack(maps)),
        }
        if dense:
            batch["dense"] = torch.from_numpy(np.stack(dense))
        return batch
