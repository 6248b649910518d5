"""Which slices are visited, in which order, starting from which keyed masks."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.patches import Patch
from napari_segnext.errors import PromptError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    import numpy.typing as npt

    from napari_segnext.core.features import Features

__all__ = [
    "Keys",
    "Run",
    "Schedule",
    "check_shape",
    "check_spacing",
    "plan_runs",
    "read_keys",
]


@dataclass(frozen=True, slots=True)
class Keys:
    """Keyed masks of all objects.

    Parameters
    ----------
    shape : (int, int)
        Of the planes.
    patches : dict of id to dict of int to Patch
        Slices in ascending order; empty patches say "not here".
    """

    shape: tuple[int, int]
    patches: dict[Hashable, dict[int, Patch]]

    def spans(self, name: Hashable) -> list[tuple[int, int]]:
        """Pairs of slices with masks that no other key lies between."""
        known = self.patches[name]
        return [
            pair for pair in pairwise(known) if all(known[key].area for key in pair)
        ]

    def distance(self, name: Hashable, index: int) -> int:
        """Slices to the nearest key of an object that has a mask."""
        known = self.patches[name].items()
        return min(abs(key - index) for key, patch in known if patch.area)

    def largest(self, name: Hashable) -> tuple[int, Patch]:
        """Return the slice on which a keyed mask is largest, and the mask."""
        known = self.patches[name].items()
        return max(known, key=lambda item: item[1].area)

    def on(self, index: int) -> dict[Hashable, Patch]:
        """Masks that are keyed on a slice."""
        return {
            name: known[index] for name, known in self.patches.items() if index in known
        }


@dataclass(slots=True)
class Run:
    """One object on its way from a key over the slices after it.

    Parameters
    ----------
    name : hashable
        Of the object.
    start, stop : int or None
        The key it comes from; the key with a mask that it goes to, None where the
        object may end on the way.
    indices : tuple of int
        The slices on the way, in the order of the visits.
    before : Patch
        The mask on the slice visited last, the key's at first.
    last : int
        That slice.
    ended : bool
        Whether the object was left alone before the last of `indices`.
    """

    name: Hashable
    start: int
    stop: int | None
    indices: tuple[int, ...]
    before: Patch
    last: int
    ended: bool = False

    @property
    def is_forward(self) -> bool:
        """Whether it goes upwards."""
        return self.indices[-1] > self.start


@dataclass(slots=True)
class Schedule:
    """Visits of slices in their order, and how many of them are still to come.

    Parameters
    ----------
    runs : list of Run
        Of one direction, or of several one after the other.
    """

    runs: list[list[Run]]
    visits: list[tuple[int, list[Run]]] = field(init=False)
    left: int = field(init=False)

    def __post_init__(self) -> None:
        """List the visits."""
        self.visits = []
        for number, runs in enumerate(self.runs):
            on: dict[int, list[Run]] = {}
            for run in runs:
                for index in run.indices:
                    on.setdefault(index, []).append(run)
            order = sorted(on, reverse=number == 1)
            self.visits += [(index, on[index]) for index in order]
        self.left = len(self.visits)

    @property
    def visited_backward(self) -> frozenset[int]:
        """The slices that are visited downwards."""
        return frozenset(i for i, runs in self.visits if not runs[0].is_forward)

    def count_left(self, number: int) -> int:
        """Visits after `number` that a run still wants."""
        return sum(
            any(not run.ended for run in runs) for _, runs in self.visits[number + 1 :]
        )


def read_keys(keys: Mapping[Hashable, Mapping[int, npt.ArrayLike]]) -> Keys:
    """Check keyed masks (H, W) and store their boxes.

    Raises
    ------
    PromptError
        If they differ in shape or an object has no mask that is not empty.
    """
    patches: dict[Hashable, dict[int, Patch]] = {}
    shapes = set()
    for name, masks in keys.items():
        patches[name] = {}
        for index in sorted(masks):
            mask = np.asarray(masks[index])
            shapes.add(mask.shape)
            if mask.ndim == 2:
                patches[name][int(index)] = Patch.of(mask)
        if not any(patch.area for patch in patches[name].values()):
            raise PromptError(
                f"Object {name} has no keyed slice with a mask; annotate one first."
            )
    if len(shapes) != 1 or any(len(shape) != 2 for shape in shapes):
        raise PromptError(
            f"The keyed masks have shapes {sorted(shapes)}; give planes (H, W) of one "
            "shape, at least one."
        )
    (shape,) = shapes
    return Keys((shape[0], shape[1]), patches)


def plan_runs(keys: Keys, slices: Iterable[int], step: int) -> list[Run]:
    """Return the runs of all objects in one direction, 1 or -1."""
    order = sorted(set(slices), reverse=step < 0)
    runs = []
    for name, known in keys.patches.items():
        keyed = sorted(known, reverse=step < 0)
        for number, key in enumerate(keyed):
            if not known[key].area:
                continue
            following = keyed[number + 1] if number + 1 < len(keyed) else None
            way = tuple(
                index
                for index in order
                if (index - key) * step > 0
                and (following is None or (following - index) * step > 0)
            )
            if way:
                goes_on = following is not None and known[following].area
                stop = following if goes_on else None
                runs.append(Run(name, key, stop, way, known[key], key))
    return runs


def check_spacing(spacing: float) -> None:
    """Refuse a distance of slices that makes no sense."""
    if not 0 < spacing < float("inf"):
        raise SegNextError(
            f"The spacing is {spacing}; give the distance of two slices over the size "
            "of a pixel, above 0."
        )


def check_shape(features: Features, keys: Keys) -> None:
    """Refuse keyed masks of another shape than the slices."""
    if tuple(features.shape) != keys.shape:
        raise PromptError(
            f"The keyed masks have shape {keys.shape}, but the slice has "
            f"{tuple(features.shape)}; give masks of the slice's shape."
        )
