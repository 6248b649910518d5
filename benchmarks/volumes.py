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
from napari_segnext.evaluation.volume_objects import (
    overlap_3d,
    pick_objects,
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
    Case("plant_1136_mini", 0.284 / 0.127, 500, 5, 26, 8, 0.90, 40, None),
    Case("fibsem_medulla", 1.0, 5000, 20, 20, 8, 0.85, 40, 48),
)


def mean(values) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def cap(case: Case, labels: np.ndarray) -> None:
    kept = []
    for true_object in pick_objects(
        labels, min_voxels=case.min_voxels, min_slices=case.min_slices
    ):
        truth = labels == true_object.label
        kept.append(overlap_3d(truth, track_one_profile(truth, true_object.middle)))
    print(f"  one profile tracked with true masks: {mean(kept):.3f} ({len(kept)})")


def one(case: Case, player: Player, share: float) -> None:
    true_objects = pick_objects(
        player.labels,
        min_voxels=case.min_voxels,
        min_slices=case.min_slices,
        count=round(case.one * share),
    )
    for name in ("one click", "true mask"):
        results = []
        for true_object in true_objects:
            key = player.labels[true_object.middle] == true_object.label
            if name == "one click":
                key = player.first_mask(true_object, true_object.middle)
            results.append(player.propagate_from(true_object, key))
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
    true_objects = pick_objects(
        player.labels,
        min_voxels=case.min_voxels,
        min_slices=max(case.min_slices, 9),
        count=round(case.one * share),
    )
    found: dict[str, list[float]] = {}
    for true_object in true_objects:
        for name, ious in player.between_keys(true_object).items():
            found.setdefault(name, []).extend(ious)
    text = ", ".join(f"{name} {mean(ious):.3f}" for name, ious in found.items())
    count = len(found["plain"])
    print(
        f"  every 8th slice keyed, {count} others of {len(true_objects)}: {text}",
        flush=True,
    )


LADDER = (0.70, 0.75, 0.80, 0.85, 0.90)


def first_at(curve, least: float) -> int | None:
    """How many clicks it takes until a curve is high enough."""
    reached = np.flatnonzero(np.array(curve) >= least)
    return int(reached[0]) + 1 if reached.size else None


def compare(mine, least: float) -> None:
    """Clicks to a 3D IoU against those slice by slice to the same mean 2D IoU."""
    pairs, failed = [], 0
    for state, curve in mine:
        here = first_at(state.curve, least)
        there = here and first_at(curve, state.slice_ious[here - 1])
        if here is None:
            failed += 1
        else:
            pairs.append((here, there or len(curve)))
    if not pairs:
        print(f"    3D IoU {least:.2f}: reached by none of {failed}")
        return
    here, there = np.array(pairs).T
    print(
        f"    3D IoU {least:.2f}: reached by {len(pairs)} of {len(mine)}, "
        f"{here.mean():.1f} clicks (median {np.median(here):.0f}), slice by slice "
        f"{there.mean():.1f}: {here.sum() / there.sum():.2f} of the clicks"
    )


def clicks(case: Case, player: Player, share: float) -> None:
    true_objects = pick_objects(
        player.labels,
        min_voxels=case.min_voxels,
        min_slices=case.min_slices,
        count=round(case.clicked * share),
        seed=1,
    )
    played, kept = [], []
    for true_object in true_objects:
        state = player.correct(true_object, case.target, case.max_clicks)
        curve = slice_by_slice(player, true_object, max(state.slice_ious))
        played.append((state, curve))
        truth = player.labels == true_object.label
        kept += [
            (score, overlap_3d(truth[z], state.volume[z]))
            for z, score in state.scores.items()
            if z in true_object.slices
        ]
        early = [state.curve[min(n, len(state.curve)) - 1] for n in (1, 5, 10)]
        print(
            f"    object {true_object.label} on {len(true_object.slices)} slices: "
            f"3D IoU {np.round(early, 2)} after 1, 5, 10 clicks, "
            f"{state.curve[-1]:.3f} after {len(state.curve)}",
            flush=True,
        )
    print(
        f"  robot user on {len(true_objects)} objects, {case.max_clicks} clicks at "
        f"most: 3D IoU at the end {mean([s.curve[-1] for s, _ in played]):.3f}"
    )
    for least in LADDER:
        if least <= case.target:
            compare(played, least)
    print(
        f"    score and true IoU after the corrections: Spearman "
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
