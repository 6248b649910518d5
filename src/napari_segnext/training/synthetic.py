"""Image families rendered by code, for what the labelled sets lack.

Every call makes a new plane; nothing is stored. What a camera or a person adds later
(crops, scale, turns, inversion, gamma) is left to `training.crops`.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from napari_segnext.training.synthetic_bacteria import (
    bacteria_fluorescence,
    cocci_phase,
    rods_phase,
)
from napari_segnext.training.synthetic_cells import adherent_phase, yeast_dic
from napari_segnext.training.synthetic_lines import filaments, vessels
from napari_segnext.training.synthetic_membranes import membranes
from napari_segnext.training.synthetic_organelles import (
    mitochondria_em,
    spots,
    vesicles,
)
from napari_segnext.training.synthetic_tissue import tissue_he

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from napari_segnext.training.data import Annotated

__all__ = ["FAMILIES"]

_DRAW: tuple[Callable[[np.random.Generator], Annotated], ...] = (
    rods_phase,
    cocci_phase,
    bacteria_fluorescence,
    yeast_dic,
    filaments,
    vessels,
    membranes,
    vesicles,
    spots,
    adherent_phase,
    tissue_he,
    mitochondria_em,
)


def _never_empty(
    draw: Callable[[np.random.Generator], Annotated], rng: np.random.Generator
) -> Annotated:
    """Draw again where every object fell outside the plane or was covered."""
    plane = draw(rng)
    while not plane.labels.any():
        plane = draw(rng)
    return plane


# partial, not a nested function: loader processes that are spawned get a pickled copy
FAMILIES: Mapping[str, Callable[[np.random.Generator], Annotated]] = MappingProxyType(
    {draw.__name__: partial(_never_empty, draw) for draw in _DRAW}
)
"""Name -> function that renders one plane, 256 to 384 px a side, from a generator.

Image (H, W, 3) uint8, labels (H, W) int32 with ids from 1 without gaps. The same state
of the generator gives the same plane.
"""
