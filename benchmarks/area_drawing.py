"""How should boxes and polygons be drawn in the prompt map of segnext-lite?

    python benchmarks/area_drawing.py DATA [--steps 160] [--drawing outline]

DATA holds train/ and val/ (see docs/sources.md). The prompt embedding of the embedded
model is made anew, so that no drawing has an advantage, and the model is trained on
boxes and polygons alone, drawn in one way; then it is asked about one box and one
polygon for objects of val/. Prints the mean IoU of each set, and their mean.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import torch

import napari_segnext as ns
from napari_segnext.core.lite import LiteConfig, SegNextLite
from napari_segnext.core.prompt_map import Grid, PromptStyle, draw_prompts
from napari_segnext.errors import PromptError
from napari_segnext.evaluation.metrics import iou
from napari_segnext.evaluation.prompting import draw_first_prompt
from napari_segnext.training.crops import augment_intensity, random_crop
from napari_segnext.training.data import read_sets
from napari_segnext.training.losses import segmentation_loss

DRAWINGS = {
    "filled with 0.5": PromptStyle(3, area_value=0.5),
    "filled with 1": PromptStyle(3),
    "outline": PromptStyle(3, "outline", "outline"),
}
SIZE = 256
GRID = Grid((0.0, 0.0), (1.0, 1.0), (SIZE, SIZE))
BATCH = 16


def example(planes, kind, style, rng, augment=True):
    """Image, prompt map, truth and what is known of it, or None if that fails."""
    plane = planes[rng.integers(len(planes))]
    instances = plane.instances()
    if not instances:
        return None
    crop = random_crop(plane, instances[rng.integers(len(instances))], SIZE, rng)
    truth = crop.labels == crop.label
    if truth.sum() < 30:
        return None
    try:
        prompts = draw_first_prompt(kind, truth, crop.labels, rng)
    except PromptError:
        return None
    pixels = augment_intensity(crop.image, rng) if augment else crop.image
    image = np.nan_to_num((pixels - 0.5) / 0.5).transpose(2, 0, 1).astype(np.float32)
    return image, draw_prompts(prompts, GRID, style), truth, crop.labels >= 0


def examples(sets, style, rng):
    names = list(sets)
    while True:
        kind = "box" if rng.random() < 0.6 else "polygon"
        found = example(sets[names[rng.integers(len(names))]], kind, style, rng)
        if found is not None:
            yield found


def with_new_embedding() -> SegNextLite:
    model = ns.load_model("segnext-lite")
    network = SegNextLite(LiteConfig(**model.config))
    torch.manual_seed(1)
    fresh = SegNextLite(network.config).state_dict()
    embedding = {k: v for k, v in fresh.items() if k.startswith("prompt")}
    network.load_state_dict({**model.network.state_dict(), **embedding})
    return network


def train(network, sets, style, steps):
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, steps)
    stream = examples(sets, style, np.random.default_rng(3))
    for step in range(steps):
        batch = zip(*itertools.islice(stream, BATCH), strict=True)
        image, maps, truth, known = (torch.from_numpy(np.stack(it)) for it in batch)
        logits = network.decode(network.encode(image), maps)
        loss = segmentation_loss(
            logits, truth[:, None].float(), known[:, None].float()
        ).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        print(f"\rstep {step + 1}, loss {loss.item():.3f}", end="", flush=True)
    print()


@torch.inference_mode()
def score(network, planes, kind, style, count):
    rng = np.random.default_rng(5)
    values: list[float] = []
    while len(values) < count:
        found = example(planes, kind, style, rng, augment=False)
        if found is None:
            continue
        image, maps, truth, known = found
        features = network.encode(torch.from_numpy(image)[None])
        answer = network.decode(features, torch.from_numpy(maps)[None])[0, 0] > 0
        values.append(iou(np.where(known, truth, -1), answer.numpy()))
    return float(np.mean(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=160)
    parser.add_argument("--objects", type=int, default=80, help="of each set of val/")
    parser.add_argument("--drawing", choices=list(DRAWINGS))
    arguments = parser.parse_args()
    trained, held = (read_sets(arguments.data / part) for part in ("train", "val"))
    for name in [arguments.drawing] if arguments.drawing else DRAWINGS:
        style = DRAWINGS[name]
        network = with_new_embedding()
        train(network.train(), trained, style, arguments.steps)
        network.eval()
        print(f"{name:<24} box  polygon")
        figures = [
            [
                score(network, planes, kind, style, arguments.objects)
                for kind in ("box", "polygon")
            ]
            for planes in held.values()
        ]
        for of, row in zip(
            [*held, "mean of sets"], [*figures, np.mean(figures, axis=0)], strict=True
        ):
            print(f"  {of:<20} {row[0]:.3f}   {row[1]:.3f}")


if __name__ == "__main__":
    main()
