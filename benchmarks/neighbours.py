"""Do accepted neighbours, drawn as "not here", save clicks on touching objects?

    python benchmarks/neighbours.py DATA [--sets dsb2018 usiigaci] [--objects 60]

DATA holds SET/images and SET/labels (see docs/sources.md). The robot user clicks on
objects that touch others, as if all others were accepted already, and each object is
clicked on anew in several ways:

plain          as the predictor answers
removed        pixels of neighbours are taken out of every answer (not of what is fed
               back), as accepting does where neighbours are kept
avoid E px at V  the neighbours, eroded by E px, are drawn into the negative channel of
               the prompt map with the value V
first E px at V  the same, but only before the first answer is fed back
both           removed, and one of these

Prints clicks to an IoU of 0.85 (an object that never gets there counts as --max-clicks)
and the mean IoU after 1, 3 and 5 clicks, and what each way saves compared with plain,
with a 95 % interval of a bootstrap over objects.
"""

from __future__ import annotations

import argparse
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

import napari_segnext as ns
from napari_segnext.core import looks, predictor
from napari_segnext.core.prompts import Mask, Prompts
from napari_segnext.evaluation.datasets import find_pairs, read_pair
from napari_segnext.evaluation.metrics import iou
from napari_segnext.evaluation.robot import play
from napari_segnext.evaluation.scoring import encode_near, truth_of

GOAL = 0.85
MIN_AREA_PX = 60
CLICKS = (1, 3, 5)
SQUARE = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Way:
    """How neighbours are treated."""

    erosion_px: int | None = None  # None: they are not drawn
    value: float = 1.0
    removed: bool = False
    first_only: bool = False  # drawn only while no answer is fed back


WAYS = {
    "plain": Way(),
    "removed": Way(removed=True),
    "avoid 1 px at 1": Way(1),
    "avoid 1 px at 0.5": Way(1, 0.5),
    "avoid 2 px at 1": Way(2),
    "avoid 2 px at 0.5": Way(2, 0.5),
    "first 1 px at 0.5": Way(1, 0.5, first_only=True),
    "both 1 px at 1": Way(1, removed=True),
    "both 1 px at 0.5": Way(1, 0.5, removed=True),
    "both, first only": Way(1, 0.5, removed=True, first_only=True),
}


@dataclass(frozen=True)
class Answer:
    """What the robot user sees, and what is fed back."""

    raw: ns.Prediction
    mask: np.ndarray


@contextmanager
def drawing(neighbours, value):
    """Draw `neighbours` (H, W) bool into the negative channel of all prompt maps."""
    if neighbours is None or not neighbours.any():
        yield
        return
    known = Prompts(mask=Mask.from_array(neighbours))

    def draw_map(look, style):
        maps = looks.draw_map(look, style)
        covered = looks.draw_prompts(known, look.window.grid, style)[0]
        drawn = torch.from_numpy(np.float32(value) * (covered >= 0.5))
        maps[2] = torch.maximum(maps[2], drawn)
        return maps

    predictor.draw_map = draw_map
    try:
        yield
    finally:
        predictor.draw_map = looks.draw_map


def curve(model, features, labels, label, way, max_clicks):
    """IoU after each click, until it is good enough and all of CLICKS are there."""
    truth = truth_of(labels, label)
    others = (labels > 0) & (labels != label)
    drawn = None
    if way.erosion_px is not None:
        drawn = np.zeros_like(others)
        near = np.unique(labels[others & dilated(truth > 0, 40)])
        for other in near:  # each by itself: what touches must not be joined
            drawn |= ndimage.binary_erosion(labels == other, SQUARE, way.erosion_px)

    def answer(prompts, last):
        here = None if way.first_only and last is not None else drawn
        with drawing(here, way.value):
            raw = model.predict(features, prompts, None if last is None else last.raw)
        return Answer(raw, raw.mask & ~others if way.removed else raw.mask)

    ious: list[float] = []
    for _, mask in islice(play(answer, truth), max_clicks):
        ious.append(iou(truth, mask))
        if len(ious) >= max(CLICKS) and max(ious) >= GOAL:
            break
    return ious


def dilated(mask, count):
    return ndimage.binary_dilation(mask, SQUARE, count)


def touching_objects(folder, count, rng):
    """Labels by image of at most `count` objects that touch another, drawn evenly."""
    found = []
    for image, labels in find_pairs(folder):
        _, plane = read_pair(image, labels)
        ids, sizes = np.unique(plane[plane > 0], return_counts=True)
        for label in ids[sizes >= MIN_AREA_PX]:
            own = plane == label
            around = plane[dilated(own, 1) & ~own]
            if (around > 0).any():
                found.append(((image, labels), int(label)))
    chosen = rng.permutation(len(found))[:count]
    by_image: dict = {}
    for index in sorted(chosen):
        pair, label = found[index]
        by_image.setdefault(pair, []).append(label)
    return by_image


def measure(model, folder, ways, count, max_clicks, seed):
    """IoU curves by way, one for each object."""
    curves = {name: [] for name in ways}
    by_image = touching_objects(folder, count, np.random.default_rng(seed))
    done, total = 0, sum(map(len, by_image.values()))
    for pair, chosen in by_image.items():
        image, labels = read_pair(*pair)
        features = encode_near(model, image, truth_of(labels, chosen[0]))
        for label in chosen:
            for name in ways:
                ious = curve(model, features, labels, label, WAYS[name], max_clicks)
                curves[name].append(ious)
            done += 1
            print(f"\r{folder.name}: {done} of {total}", end="", flush=True)
    print()
    return curves


def clicks_needed(ious, max_clicks):
    good = np.flatnonzero(np.asarray(ious) >= GOAL)
    return int(good[0]) + 1 if good.size else max_clicks


def report(curves, max_clicks, seed):
    plain = np.array([clicks_needed(one, max_clicks) for one in curves["plain"]])
    chosen = np.random.default_rng(seed).integers(0, len(plain), (10_000, len(plain)))
    heads = "".join(f"{f'IoU@{k}':>8}" for k in CLICKS)
    print(f"{'':20}{'NoC85':>7}{heads}   saved clicks (95 %)")
    for name, ious in curves.items():
        needed = np.array([clicks_needed(one, max_clicks) for one in ious])
        after = [np.mean([one[k - 1] for one in ious]) for k in CLICKS]
        saved = plain - needed
        low, high = np.percentile(saved[chosen].mean(axis=1), [2.5, 97.5])
        cells = "".join(f"{value:8.3f}" for value in after)
        print(
            f"{name:20}{needed.mean():7.2f}{cells}"
            f"   {saved.mean():+.2f} ({low:+.2f} to {high:+.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", default=["dsb2018", "usiigaci"])
    parser.add_argument("--objects", type=int, default=60)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--max-clicks", type=int, default=20)
    parser.add_argument("--model", default="segnext-lite")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.max_clicks < max(CLICKS):
        parser.error(f"--max-clicks must be {max(CLICKS)} or more")
    torch.set_num_threads(1)
    model = ns.Predictor(ns.load_model(options.model), device="cpu")
    ways = dict.fromkeys(["plain", *options.ways])
    joined = {name: [] for name in ways}
    for name in options.sets:
        folder = options.data / name
        curves = measure(
            model, folder, ways, options.objects, options.max_clicks, options.seed
        )
        print(f"{name}, {len(curves['plain'])} objects")
        report(curves, options.max_clicks, options.seed)
        for way in ways:
            joined[way] += curves[way]
    if len(options.sets) > 1:
        print(f"all, {len(joined['plain'])} objects")
        report(joined, options.max_clicks, options.seed)


if __name__ == "__main__":
    main()
