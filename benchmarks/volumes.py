"""What propagation reaches on annotated stacks; every figure of docs/volumes.md.

    python benchmarks/volumes.py DATA/val/stacks [--model M] [--quick] [--parts ...]

DATA/val/stacks holds plant_1136_mini.tif, fibsem_medulla.tif and their labels
(docs/sources.md). About ten minutes on one core; --quick takes a third of the objects.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

import napari_segnext as ns
from napari_segnext.evaluation.datasets import read_stack
from napari_segnext.evaluation.volume_things import (
    overlap_3d,
    pick_things,
    track_one_profile,
)
from napari_segnext.evaluation.volumes import Player, slice_by_slice

PARTS = ("cap", "one", "between", "clicks")


@dataclass(frozen=True)
class Case:
    name: str
    spacing: float
    min_voxels: int
    min_slices: int
    one: int  # objects for one click
    clicked: int  # objects for the robot user
    target: float
    max_clicks: int
    slab: int | None  # middle slices that the robot user works on


CASES = (
    Case("plant_1136_mini", 0.284 / 0.127, 500, 5, 20, 8, 0.90, 40, None),
    Case("fibsem_medulla", 1.0, 5000, 20, 10, 3, 0.85, 40, 48),
)


def mean(values) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def cap(case: Case, labels: np.ndarray) -> None:
    kept = []
    for thing in pick_things(
        labels, min_voxels=case.min_voxels, min_slices=case.min_slices
    ):
        truth = labels == thing.label
        kept.append(overlap_3d(truth, track_one_profile(truth, thing.middle)))
    print(f"  one profile tracked with true masks: {mean(kept):.3f} ({len(kept)})")


def one(case: Case, player: Player, share: float) -> None:
    things = pick_things(
        player.labels,
        min_voxels=case.min_voxels,
        min_slices=case.min_slices,
        count=round(case.one * share),
    )
    for name in ("one click", "true mask"):
        results = []
        for thing in things:
            key = player.labels[thing.middle] == thing.label
            if name == "one click":
                key = player.first_mask(thing, thing.middle)
            results.append(player.propagate_from(thing, key))
        ious = [result.iou for result in results]
        ends = np.array([off for result in results for off in result.ends_off])
        scores = np.concatenate([result.scores for result in results])
        true = np.concatenate([result.ious for result in results])
        inside = [
            spearmanr(result.scores, result.ious)[0]
            for result in results
            if len(set(result.scores)) > 3 and len(set(result.ious)) > 3
        ]
        print(
            f"  {name} in the middle slice: 3D IoU {mean(ious):.3f} ({len(ious)}), "
            f"quartiles {np.percentile(ious, [25, 50, 75]).round(2)}, "
            f"the key itself {mean([r.key_iou for r in results]):.3f}\n"
            f"    score and true IoU of {len(true)} slices: Spearman "
            f"{spearmanr(scores, true)[0]:.2f}, within an object {mean(inside):.2f}\n"
            f"    ends found within 2 slices: {mean(np.abs(ends) <= 2):.0%} "
            f"({len(ends)} ends), too early {mean(ends < -2):.0%}, "
            f"too late {mean(ends > 2):.0%}",
            flush=True,
        )


def between(case: Case, player: Player, share: float) -> None:
    things = pick_things(
        player.labels,
        min_voxels=case.min_voxels,
        min_slices=max(case.min_slices, 9),
        count=round(case.one * share),
    )
    found: dict[str, list[float]] = {}
    for thing in things:
        for name, ious in player.between_keys(thing).items():
            found.setdefault(name, []).extend(ious)
    text = ", ".join(f"{name} {mean(ious):.3f}" for name, ious in found.items())
    count = len(found["plain"])
    print(
        f"  every 8th slice keyed, {count} others of {len(things)}: {text}", flush=True
    )


def clicks(case: Case, player: Player, share: float) -> None:
    things = pick_things(
        player.labels,
        min_voxels=case.min_voxels,
        min_slices=case.min_slices,
        count=round(case.clicked * share),
        seed=1,
    )
    mine, theirs, reached, ends, kept = 0, 0, 0, [], []
    for thing in things:
        state = player.correct(thing, case.target, case.max_clicks)
        needed, mean_iou = slice_by_slice(player, thing, state.slice_ious[-1])
        mine, theirs = mine + len(state.curve), theirs + needed
        reached += state.curve[-1] >= case.target
        ends.append(state.curve[-1])
        truth = player.labels == thing.label
        kept += [
            (score, overlap_3d(truth[z], state.volume[z]))
            for z, score in state.scores.items()
            if z in thing.slices
        ]
        early = [state.curve[min(n, len(state.curve)) - 1] for n in (1, 5, 10)]
        print(
            f"    object {thing.label} on {len(thing.slices)} slices: "
            f"{len(state.curve)} clicks to 3D IoU {state.curve[-1]:.3f}, mean 2D IoU "
            f"{state.slice_ious[-1]:.3f}; slice by slice {needed} to {mean_iou:.3f}; "
            f"after 1, 5, 10 clicks "
            f"{np.round(early, 2)}",
            flush=True,
        )
    print(
        f"  robot user: {mine / len(things):.1f} clicks an object, {reached} of "
        f"{len(things)} reached {case.target} in {case.max_clicks}, mean end "
        f"{mean(ends):.3f}; slice by slice {theirs / len(things):.1f} to the same mean "
        f"2D IoU: {mine / theirs:.2f} of the clicks\n"
        f"    score and true IoU between keys: Spearman "
        f"{spearmanr(*zip(*kept, strict=True))[0]:.2f} ({len(kept)} slices)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="segnext-lite")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--only", help="one stack's name")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    predictor = ns.Predictor(ns.load_model(arguments.model))
    share = 1 / 3 if arguments.quick else 1.0
    for case in CASES:
        paths = sorted(arguments.folder.glob(f"{case.name.split('_1')[0]}*_labels.tif"))
        for path in paths:
            name = path.name.removesuffix("_labels.tif")
            if arguments.only not in (None, name):
                continue
            stack, labels, limits = read_stack(path.with_name(f"{name}.tif"), path)
            print(name, flush=True)
            if "cap" in arguments.parts:
                cap(case, labels)
            player = Player(predictor, stack, labels, limits, case.spacing)
            for part, act in (("one", one), ("between", between)):
                if part in arguments.parts:
                    start = time.perf_counter()
                    act(case, player, share)
                    print(f"    ({time.perf_counter() - start:.0f} s)", flush=True)
            if "clicks" in arguments.parts:
                slab = np.s_[:]
                if case.slab is not None:
                    low = (len(stack) - case.slab) // 2
                    slab = np.s_[low : low + case.slab]
                player = Player(
                    predictor, stack[slab], labels[slab], limits, case.spacing
                )
                start = time.perf_counter()
                clicks(case, player, share)
                print(f"    ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
