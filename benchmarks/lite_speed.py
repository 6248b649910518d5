"""How long segnext-lite takes to encode and to answer a click.

    python benchmarks/lite_speed.py [--threads 2] [--repeats 20]

Prints medians in milliseconds, of the network alone on square inputs and of the
predictor on a 512x512 plane (windows of 256 px at the object's own scale). Run it with
nothing else running: two OpenMP threads on fewer than two free cores are many times
slower.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

import napari_segnext as ns
from napari_segnext.samples import load_sample


def median_ms(act, repeats: int) -> float:
    for _ in range(3):
        act()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = ns.load_model("segnext-lite")
    print(f"torch {torch.__version__}, {arguments.threads} threads")
    print("network alone        encode    click    click, 8 objects at once")
    for side in (256, 512):
        image = torch.randn(1, 3, side, side)
        maps = torch.zeros(8, 3, side, side)
        with torch.inference_mode():
            features = model.network.encode(image)
            encode = median_ms(
                lambda i=image: model.network.encode(i), arguments.repeats
            )
            click = median_ms(
                lambda f=features, m=maps[:1]: model.network.decode(f, m),
                arguments.repeats,
            )
            many = median_ms(
                lambda f=features, m=maps: model.network.decode(f, m),
                arguments.repeats,
            )
        print(
            f"{side:4d} x {side:<4d}       {encode:7.1f}  {click:7.1f}  {many / 8:7.1f}"
        )

    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:512, :512]
    cell = (rows - 200) ** 2 + (cols - 300) ** 2 < 20**2
    plane = (rng.normal(200, 20, (512, 512)) + 300 * cell).astype(np.uint16)
    predictor = ns.Predictor(model, device="cpu")
    first = ns.Prompts(clicks=[ns.Click(200, 300)])
    second = first.add(ns.Click(230, 300, positive=False))

    def session() -> None:
        predictor.predict(predictor.encode(plane, near=(200, 300)), first)

    features = predictor.encode(plane, near=(200, 300))
    answer = predictor.predict(features, first)
    print("predictor, 512 x 512 plane, a cell of 40 px")
    encode = median_ms(
        lambda: predictor.encode(plane, near=(200, 300)), arguments.repeats
    )
    print(f"encode (first window)            {encode:7.1f}")
    print(
        f"encode and first answer          {median_ms(session, arguments.repeats):7.1f}"
    )
    again = median_ms(lambda: predictor.predict(features, first), arguments.repeats)
    print(f"first click, windows encoded     {again:7.1f}")
    correct = median_ms(
        lambda: predictor.predict(features, second, previous=answer), arguments.repeats
    )
    print(f"correction click                 {correct:7.1f}")

    sample = load_sample("nuclei_2d")
    labels = sample.labels
    clicks = [ns.next_click(labels == i, labels < 0) for i in np.unique(labels) if i]
    prompts = [ns.Prompts(clicks=[click]) for click in clicks]
    features = predictor.encode(sample.image)
    few = max(3, arguments.repeats // 4)
    single = median_ms(lambda: [predictor.predict(features, p) for p in prompts], few)
    batch = median_ms(lambda: predictor.predict_many(features, prompts), few)
    print(f"first click on each of {len(prompts)} nuclei, encoded, per object")
    print(f"one by one                       {single / len(prompts):7.1f}")
    print(f"predict_many                     {batch / len(prompts):7.1f}")
    print(f"one by one / predict_many        {single / batch:7.2f}")


if __name__ == "__main__":
    main()
