"""Labels in a file on a disk that fails when it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from napari.layers import Labels
from rooms import STACK_SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room


class Failing:
    """An array that cannot be read, or that is written half, when told to fail."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.ndim = array.ndim
        self.fails = ""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array, dtype)

    def __getitem__(self, key: Any) -> Any:
        if self.fails == "read":
            raise OSError("chunk is gone")
        return self.array[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.fails:
            self.array[key] = value
            return
        half = tuple(axis[: len(axis) // 2] for axis in key)
        self.array[half] = value[: len(value) // 2]
        self.fails = ""
        raise OSError("No space left on device")


class Refusing(Failing):
    """Is written half when told to fail, and then not at all until it is mended."""

    def __setitem__(self, key: Any, value: Any) -> None:
        if self.fails == "gone":
            raise OSError("No space left on device")
        was_failing = bool(self.fails)
        try:
            super().__setitem__(key, value)
        finally:
            self.fails = "gone" if was_failing else ""

    def mend(self) -> None:
        self.fails = ""


Data = TypeVar("Data", bound=Failing)


def with_an_answer(room: Callable[..., Room], kind: type[Data]) -> tuple[Room, Data]:
    """Return a room whose target lies in such a file and has label 9, and that file.

    A click is answered in it, and not accepted yet.
    """
    data = kind(np.zeros(STACK_SHAPE, np.uint8))
    data.array[0, :4, :4] = 9
    here = room(target=Labels(data, name="kept in a file"))
    here.session.add_click((2, 20, 20))
    here.wait()
    return here, data
