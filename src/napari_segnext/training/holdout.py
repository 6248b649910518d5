"""What is kept from training to see whether it helps."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segnext.training.data import Annotated

__all__ = ["MIN_IMAGES", "MIN_SLICES", "hold_out"]

MIN_IMAGES = 4  # fewer are worth more in training
MIN_SLICES = 10
_SHARE = 10  # one in so many


def hold_out(
    sets: Mapping[str, list[Annotated]], seed: int
) -> tuple[dict[str, list[Annotated]], dict[str, list[Annotated]]]:
    """Split sets into what is trained on and what is held out.

    About a tenth of the images of a set, drawn at random; of a stack its last tenth,
    and the slices before it (a twentieth, at least two) go to neither part, because
    they show nearly the same. A set that is too small is trained on as a whole.

    Parameters
    ----------
    sets : mapping
        As :func:`read_sets` returns.
    seed : int
        The same seed holds out the same images of a set, whatever other sets there are.

    Returns
    -------
    (trained, held) : dicts
        `held` has only the sets of which something is held out.
    """
    trained, held = {}, {}
    for name, planes in sets.items():
        is_stack = any(plane.neighbours for plane in planes)
        split = _split_stack(planes) if is_stack else _split_images(planes, name, seed)
        if split is None or not all(map(_has_objects, split)):
            trained[name] = planes
        else:
            trained[name], held[name] = split
    return trained, held


def _has_objects(planes: list[Annotated]) -> bool:
    return any(plane.instances() for plane in planes)


def _split_stack(
    planes: list[Annotated],
) -> tuple[list[Annotated], list[Annotated]] | None:
    if len(planes) < MIN_SLICES:
        return None
    first = len(planes) - len(planes) // _SHARE
    gap = max(2, len(planes) // (2 * _SHARE))
    return planes[: first - gap], planes[first:]


def _split_images(
    planes: list[Annotated], name: str, seed: int
) -> tuple[list[Annotated], list[Annotated]] | None:
    useful = [index for index, plane in enumerate(planes) if plane.instances()]
    if len(useful) < MIN_IMAGES:
        return None
    rng = np.random.default_rng([seed, crc32(name.encode())])
    count = max(1, len(useful) // _SHARE)
    chosen = set(rng.choice(useful, count, replace=False).tolist())
    return (
        [plane for index, plane in enumerate(planes) if index not in chosen],
        [plane for index, plane in enumerate(planes) if index in chosen],
    )
