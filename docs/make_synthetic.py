"""Look at the image families that are rendered by code.

Without options it makes docs/synthetic.png, two planes of every family, the left one
with the outlines of its objects. With a family it makes a sheet of twelve planes, each
beside itself with outlines::

    python docs/make_synthetic.py
    python docs/make_synthetic.py rods_phase --seed 3 --out sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage.segmentation import find_boundaries

from napari_segnext.training.synthetic import FAMILIES

YELLOW = 255, 220, 0
TITLE_PX = 14


def tile(plane, size, *, outlines):
    """Cut the square of the plane that holds most of its objects' borders."""
    step = size // 4
    height, width = plane.labels.shape
    corners = [
        (row, col)
        for row in range(0, height - size + 1, step)
        for col in range(0, width - size + 1, step)
    ]
    edges = find_boundaries(plane.labels, mode="inner")
    row, col = max(corners, key=lambda at: edges[square(at, size)].sum())
    image = plane.image[square((row, col), size)].copy()
    if outlines:
        image[edges[square((row, col), size)]] = YELLOW
    return image


def square(corner, size):
    """Index of a square."""
    return tuple(slice(at, at + size) for at in corner)


def overview(seed, side=208, size=144, columns=3):
    """Every family: one plane with outlines, one without; `side` px shown as `size`."""
    cells = []
    for name, render in FAMILIES.items():
        rng = np.random.default_rng(seed)
        pair = [
            Image.fromarray(tile(render(rng), side, outlines=first)).resize(
                (size, size)
            )
            for first in (True, False)
        ]
        title = Image.new("RGB", (2 * size, TITLE_PX), "white")
        ImageDraw.Draw(title).text((2, 1), name, fill="black")
        cells.append(np.concatenate([np.asarray(title), np.hstack(pair)]))
    rows = [cells[at : at + columns] for at in range(0, len(cells), columns)]
    return np.concatenate([np.hstack(row) for row in rows])


def sheet(name, seed, size=256):
    """Twelve planes of a family, each beside itself with outlines."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(12):
        plane = FAMILIES[name](rng)
        pairs.append(
            np.hstack([tile(plane, size, outlines=lines) for lines in (False, True)])
        )
    return np.concatenate([np.hstack(pairs[at : at + 2]) for at in range(0, 12, 2)])


def main():
    """Write the picture asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", nargs="?", choices=list(FAMILIES))
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("synthetic.png")
    )
    options = parser.parse_args()
    if options.family is None:
        picture = Image.fromarray(overview(options.seed))
        picture = picture.quantize(160, dither=Image.Dither.NONE)  # a smaller file
    else:
        picture = Image.fromarray(sheet(options.family, options.seed))
    picture.save(options.out, optimize=True)


if __name__ == "__main__":
    main()
