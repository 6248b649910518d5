"""How good the network is on objects it is not trained on, in seconds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import torch

from napari_segnext.core.prompt_map import Grid, draw_prompts
from napari_segnext.core.prompts import Box, Click, Mask, Prompts
from napari_segnext.evaluation.metrics import iou
from napari_segnext.evaluation.prompting import sample_rough_mask
from napari_segnext.evaluation.robot import next_click
from napari_segnext.training.crops import centred_crop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    from torch import Tensor

    from napari_segnext.core.lite import SegNextLite
    from napari_segnext.training.batches import Recipe
    from napari_segnext.training.crops import Crop
    from napari_segnext.training.data import Annotated, Instance

__all__ = ["FIGURES", "Validation"]

FIGURES = ("click1", "click3", "click5", "box", "mask")
_CLICKS = 5
_MAX_OBJECTS = 96  # of all sets together
_PER_SET = (4, 32)  # at least, at most
_SHARES = (0.33, 0.5)  # of the crop that an object takes
_MIN_VISIBLE_PX = 30
_BATCH = 8


@dataclass(frozen=True)
class _Probe:
    """One object: the network's input, the truth, and its box and mask prompts."""

    image: Tensor  # 3 x S x S, normalised
    truth: npt.NDArray[np.int32]  # S x S: 1 object, 0 not, -1 outside the plane
    box: Tensor  # 3 x S x S
    mask: Tensor  # 3 x S x S


class Validation:
    """Objects that are prompted in the same way every time.

    Object-centred crops, nothing augmented. A robot user clicks five times into the
    larger error, the answer fed back; beside that, each object is prompted by its
    bounding box alone, and by a rough mask alone.

    Parameters
    ----------
    sets : mapping
        Name -> planes that are not trained on.
    recipe : Recipe
        Size, style and normalisation of the network, and the seed that chooses objects.
    """

    def __init__(self, sets: Mapping[str, list[Annotated]], recipe: Recipe) -> None:
        self._recipe = recipe
        size = recipe.size
        self._grid = Grid((0.0, 0.0), (1.0, 1.0), (size, size))
        per_set = int(np.clip(_MAX_OBJECTS // max(len(sets), 1), *_PER_SET))
        self._probes = {
            name: self._choose(name, planes, per_set) for name, planes in sets.items()
        }
        self._probes = {name: found for name, found in self._probes.items() if found}

    @property
    def objects(self) -> dict[str, int]:
        """How many objects of each set are prompted."""
        return {name: len(probes) for name, probes in self._probes.items()}

    @property
    def digest(self) -> str:
        """Name of these objects: figures of other objects are not comparable."""
        content = hashlib.sha256()
        for name, probes in self._probes.items():
            content.update(name.encode())
            for probe in probes:
                content.update(probe.image.numpy().tobytes())
                content.update(probe.truth.tobytes())
        return content.hexdigest()

    def score(self, network: SegNextLite, device: str) -> dict[str, float]:
        """Mean IoU after prompts of each kind, and their mean.

        Parameters
        ----------
        network : SegNextLite
            On `device`.
        device : str
            A torch device.

        Returns
        -------
        dict
            "score", the mean of what follows; "click1", "click3", "click5" (after so
            many clicks), "box", "mask" (after that alone), each the mean over sets; and
            "score NAME" for each set.
        """
        network.eval()
        by_set = {}
        for name, probes in self._probes.items():
            rows: list[npt.NDArray[np.float64]] = []
            for start in range(0, len(probes), _BATCH):
                rows += self._answer(network, device, probes[start : start + _BATCH])
            by_set[name] = np.mean(rows, axis=0)
        means = np.mean(list(by_set.values()), axis=0)
        return {
            "score": float(means.mean()),
            **dict(zip(FIGURES, map(float, means), strict=True)),
            **{f"score {name}": float(row.mean()) for name, row in by_set.items()},
        }

    def _choose(self, name: str, planes: list[Annotated], count: int) -> list[_Probe]:
        rng = np.random.default_rng([self._recipe.seed, crc32(name.encode())])
        probes = []
        for plane, instance in _in_turn(planes, rng):
            share = rng.uniform(*_SHARES)
            crop = centred_crop(plane, instance, self._recipe.size, share)
            if np.count_nonzero(crop.labels == crop.label) >= _MIN_VISIBLE_PX:
                probes.append(self._probe(crop, rng))
            if len(probes) == count:
                break
        return probes

    def _probe(self, crop: Crop, rng: np.random.Generator) -> _Probe:
        mean, std = np.array(self._recipe.mean), np.array(self._recipe.std)
        image = np.nan_to_num((crop.image - mean) / std, nan=0.0)
        truth = crop.labels == crop.label
        other = None if crop.neighbours is None else crop.neighbours == crop.label
        rows, cols = np.nonzero(truth)
        box = Box(
            rows.min() - 0.5, cols.min() - 0.5, rows.max() + 0.5, cols.max() + 0.5
        )
        rough = sample_rough_mask(truth, crop.labels, other, rng)
        return _Probe(
            torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32)),
            np.where(crop.labels < 0, -1, truth).astype(np.int32),
            self._map(Prompts(boxes=(box,))),
            self._map(Prompts(mask=Mask.from_array(rough))),
        )

    def _map(self, prompts: Prompts) -> Tensor:
        return torch.from_numpy(draw_prompts(prompts, self._grid, self._recipe.style))

    @torch.no_grad()
    def _answer(
        self, network: SegNextLite, device: str, probes: list[_Probe]
    ) -> list[npt.NDArray[np.float64]]:
        """One row per object: IoUs in the order of FIGURES."""
        images = torch.stack([probe.image for probe in probes])
        features = network.encode(images.to(device))

        def probability(maps: list[Tensor]) -> Tensor:
            logits = network.decode(features, torch.stack(maps).to(device))
            return torch.sigmoid(logits)[:, 0].cpu()

        def ious(answer: Tensor) -> list[float]:
            masks = (answer > 0.5).numpy()
            return [
                iou(probe.truth, mask)
                for probe, mask in zip(probes, masks, strict=True)
            ]

        clicks: list[tuple[Click, ...]] = [()] * len(probes)
        answer = torch.zeros(len(probes), *self._grid.shape)
        after = []
        for _ in range(_CLICKS):
            maps = []
            for index, probe in enumerate(probes):
                wrong = (answer[index] > 0.5).numpy()
                click = next_click(probe.truth, wrong, clicks[index])
                clicks[index] = (*clicks[index], click)
                drawn = self._map(Prompts(clicks=clicks[index]))
                drawn[0] = answer[index]
                maps.append(drawn)
            answer = probability(maps)
            after.append(ious(answer))
        columns = [after[0], after[2], after[4]]
        columns += [
            ious(probability([probe.box for probe in probes])),
            ious(probability([probe.mask for probe in probes])),
        ]
        return list(np.array(columns).T)


def _in_turn(
    planes: list[Annotated], rng: np.random.Generator
) -> Iterator[tuple[Annotated, Instance]]:
    """Objects in random order, one of each plane before the second of any."""
    waiting = [(plane, plane.instances()) for plane in planes]
    waiting = [waiting[index] for index in rng.permutation(len(waiting))]
    while waiting := [pair for pair in waiting if pair[1]]:
        for plane, instances in waiting:
            yield plane, instances.pop(rng.integers(len(instances)))
