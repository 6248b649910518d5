"""What encoding ahead and the cache of features bring, and what they take.

    python benchmarks/cache.py [--threads 2] [--slices 240] [--clicks 8]

A synthetic stack of blobs, 256 x 256, without a window. Prints medians in milliseconds:
a click on the slice beside the one that was looked at, with and without encoding ahead;
the first click of a session on a stack that another session had open, with and without
the disk; what a window takes; and the memory of the process while an object is
propagated through the stack, and slices per second. Run it with nothing else running.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

with tempfile.NamedTemporaryFile(suffix=".yaml") as _file:
    os.environ.setdefault("NAPARI_CONFIG", _file.name)

import numpy as np
import psutil
import torch
from napari.components import ViewerModel
from napari.layers import Image
from scipy import ndimage

import napari_segnext as ns
from napari_segnext.session import prefetching

SIDE = 256
REACH = prefetching._REACH


def make_stack(count: int) -> np.ndarray:
    """Slanted tubes on a noisy ground, uint16."""
    rng = np.random.default_rng(0)
    rows, cols = np.indices((SIDE, SIDE))
    stack = np.empty((count, SIDE, SIDE), np.uint16)
    for z in range(count):
        plane = np.zeros((SIDE, SIDE))
        for row in range(40, SIDE, 60):
            for col in range(40, SIDE, 60):
                shift = 6 * np.sin(z / 15 + row)
                plane[(rows - row - shift) ** 2 + (cols - col) ** 2 <= 14**2] = 800
        plane = ndimage.gaussian_filter(plane, 1.5) + 100
        stack[z] = plane + rng.normal(0, 20, plane.shape)
    return stack


class Desk:
    """A session of the stack, at one slice."""

    def __init__(self, stack, predictor, folder, z: int) -> None:
        self.viewer = ViewerModel()
        self.image = Image(stack, contrast_limits=(0, 1000))
        self.viewer.layers.append(self.image)
        self.start = time.perf_counter()
        self.session = ns.Session(self.viewer, self.image, predictor, journal=None)
        self.session.set_cache(folder=folder)
        self.show(z)

    def show(self, z: int) -> None:
        self.viewer.dims.set_point(0, z)
        self.session.sync()

    def click(self, z: int, row: float = 100, col: float = 100) -> float:
        """Milliseconds until the mask shows."""
        start = time.perf_counter()
        self.session.add_click((z, row, col))
        self.session.wait()
        return (time.perf_counter() - start) * 1e3

    def run(self, count: int) -> float:
        """Slices per second, from a click on the first one."""
        self.click(0)
        start = time.perf_counter()
        self.session.propagate(slices=range(count + 1))
        self.session.wait()
        return count / (time.perf_counter() - start)

    def settle(self) -> None:
        """Wait until nothing more is encoded ahead, and all is written."""
        before = -1
        while before != self.session.cache.memory_bytes:
            before = self.session.cache.memory_bytes
            time.sleep(0.5)
        self.session._engine.planes.flush()


def neighbours(stack, predictor, clicks: int) -> None:
    print(f"\nclick on the next slice, median of {clicks} (the first click of each)")
    for reach in (0, REACH):
        prefetching._REACH = reach
        desk = Desk(stack, predictor, None, 10)
        desk.click(10)
        times = []
        for z in range(11, 11 + clicks):
            desk.settle()
            desk.show(z)
            times.append(desk.click(z))
        again = statistics.median(
            desk.click(11 + clicks - 1, 101, 100 + n) for n in range(3)
        )
        name = f"{reach} slices encoded ahead" if reach else "nothing encoded ahead"
        print(
            f"  {name:24} {statistics.median(times):7.1f} ms   "
            f"worst {max(times):7.1f}   correction {again:7.1f}"
        )
        desk.session.close()
    prefetching._REACH = REACH


def impatient(stack, predictor, clicks: int) -> None:
    """The price: clicks made while slices are being encoded ahead."""
    print("\ncorrection right after a slider move, while slices are encoded ahead")
    for reach in (0, REACH):
        prefetching._REACH = reach
        desk = Desk(stack, predictor, None, 10)
        desk.click(10)
        times = []
        for n in range(clicks):
            z = 11 + 10 * n
            desk.show(z)
            desk.click(z)
            time.sleep(0.02)  # in the middle of the first slice
            times.append(desk.click(z, 101, 101))
        print(f"  reach {reach}: {statistics.median(times):7.1f} ms")
        desk.session.close()
    prefetching._REACH = REACH


def reopening(stack, predictor, folder: Path) -> None:
    print("\nopen a session and click where another session clicked, model loaded")
    for name, where in (("encoded", None), ("from disk", folder)):
        first = Desk(stack, predictor, where, 100)
        first.click(100)
        first.settle()
        first.session.close()
        desk = Desk(stack, predictor, where, 100)
        desk.click(100)
        print(f"  {name:24} {(time.perf_counter() - desk.start) * 1e3:7.1f} ms")
        desk.session.close()


def windows(predictor, stack, folder: Path) -> None:
    features = predictor.encode(stack[0])
    tensors = features.get(features.windows[0])
    entries = [path.stat().st_size for path in folder.glob("*.zarr.zip")]
    print(
        f"\na window takes {sum(t.nbytes for t in tensors):,} bytes in memory, "
        f"{round(statistics.mean(entries)):,} on disk ({len(entries)} written)"
    )


def memory(stack, predictor, folder: Path) -> None:
    print("\npropagation, memory budget 64 MB: MB of the process, of the cache")
    desk = Desk(stack, predictor, folder, 0)
    desk.session.set_cache(memory_budget=64 * 10**6)
    own = psutil.Process()
    for low in range(0, len(stack) - 40, 50):
        desk.show(low)
        desk.click(low)  # keyed, so that the next part begins here
        start = time.perf_counter()
        desk.session.propagate(slices=range(low, low + 51))
        desk.session.wait()
        seconds = time.perf_counter() - start
        cache = desk.session.cache
        print(
            f"  up to slice {low + 50:4}: {own.memory_info().rss / 1e6:7.0f} MB, "
            f"{cache.memory_bytes / 1e6:5.1f} MB, on disk "
            f"{cache.disk_bytes / 1e6:6.1f} MB; {50 / seconds:5.1f} slices/s"
        )
    desk.session.close()


def speed(stack, predictor, folder: Path, count: int = 50) -> None:
    print(f"\npropagation of one object through {count} slices, slices per second")
    first = Desk(stack, predictor, folder, 0)
    for name in ("nothing is encoded", "encoded, in memory"):
        print(f"  {name:24} {first.run(count):7.1f}")
        first.session.undo()
    first.settle()
    first.session.close()
    second = Desk(stack, predictor, folder, 0)
    print(f"  {'encoded, on disk':24} {second.run(count):7.1f}")
    second.session.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slices", type=int, default=240)
    parser.add_argument("--clicks", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    stack = make_stack(arguments.slices)
    predictor = ns.Predictor(ns.load_model("segnext-lite"), device="cpu")
    predictor.predict(predictor.encode(stack[0]), ns.Prompts([ns.Click(100, 100)]))
    neighbours(stack, predictor, arguments.clicks)
    impatient(stack, predictor, arguments.clicks)
    with tempfile.TemporaryDirectory() as folder:
        reopening(stack, predictor, Path(folder))
        windows(predictor, stack, Path(folder))
        speed(stack, predictor, Path(folder) / "speed")
        memory(stack, predictor, Path(folder) / "propagation")


if __name__ == "__main__":
    main()
