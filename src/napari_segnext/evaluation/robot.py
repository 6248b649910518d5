"""The robot user: where a person would click next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_segnext.core.prompts import Click, Prompts
from napari_segnext.core.regions import region_of
from napari_segnext.evaluation.metrics import check_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

__all__ = ["Answer", "next_click", "play"]


class Answer(Protocol):
    """What the robot user needs to know of an answer: its mask (H, W) bool."""

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Where the object is said to be."""


_Answer = TypeVar("_Answer", bound=Answer)


def play(
    answer: Callable[[Prompts, _Answer | None], _Answer], truth: npt.ArrayLike
) -> Iterator[tuple[_Answer, npt.NDArray[np.bool_]]]:
    """Click on one object for as long as the caller wants to see answers.

    Begins without a previous mask; after that the last answer is fed back. Each click
    is :func:`next_click` of the last mask.

    Parameters
    ----------
    answer : callable
        Takes all clicks so far and the last answer, None at first.
    truth : array (H, W) of bool or int
        Positive where the object is; negative where nobody knows.

    Yields
    ------
    (answer, mask)
        After each click. Never ends by itself.
    """
    prompts = Prompts()
    mask: npt.NDArray[np.bool_] = np.zeros(np.shape(truth), bool)
    last: _Answer | None = None
    while True:
        prompts = prompts.add(next_click(truth, mask, prompts.clicks))
        last = answer(prompts, last)
        mask = last.mask
        yield last, mask


def next_click(
    truth: npt.ArrayLike,
    mask: npt.ArrayLike,
    clicked: Iterable[Click | tuple[float, float]] = (),
) -> Click:
    """Click into the middle of the largest error, as the paper's robot user does.

    The pixel of an error that is farthest from what is right (Euclidean distance, the
    plane's border counting as right); the first one in row-major order among equals.

    Parameters
    ----------
    truth : array (H, W) of bool or int
        Positive where the object is; negative where nobody knows, which is no error.
    mask : array (H, W) of bool or int
        The segmentation so far.
    clicked : iterable of Click or (row, col)
        Earlier clicks; their pixels are not clicked again.

    Returns
    -------
    Click
        Positive where the object was missed, else negative; negative at (0, 0) if
        there is no error left to click on.

    Raises
    ------
    PromptError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_segnext import next_click
    >>> truth = np.zeros((9, 9), bool)
    >>> truth[2:7, 2:7] = True
    >>> next_click(truth, np.zeros((9, 9), bool))
    Click(row=4.0, col=4.0, positive=True)
    """
    wanted, found, counted = check_truth(truth, mask)
    pixels = [
        (round(click.row), round(click.col))
        if isinstance(click, Click)
        else (round(click[0]), round(click[1]))
        for click in clicked
    ]
    missed, row, col = _deepest(wanted & ~found & counted, pixels)
    wrong, wrong_row, wrong_col = _deepest(found & ~wanted & counted, pixels)
    if missed > wrong:
        return Click(row, col, positive=True)
    return Click(wrong_row, wrong_col, positive=False)


def _deepest(
    error: npt.NDArray[np.bool_], clicked: list[tuple[int, int]]
) -> tuple[float, int, int]:
    """Depth, row and column of the innermost pixel of `error`; zeros if none."""
    region = region_of(error)
    if region is None:
        return 0.0, 0, 0
    # All errors lie in this box, so the nearest right pixel lies in it or on its rim.
    row0, col0, row1, col1 = region
    box = np.pad(error[row0:row1, col0:col1], 1)
    # single precision makes ties where the reference has them
    depth = distance_transform_edt(box)[1:-1, 1:-1].astype(np.float32)
    for row, col in clicked:
        if 0 <= row - row0 < depth.shape[0] and 0 <= col - col0 < depth.shape[1]:
            depth[row - row0, col - col0] = 0
    best = int(depth.argmax())
    deepest = float(depth.flat[best])
    if not deepest:
        return 0.0, 0, 0
    row, col = divmod(best, depth.shape[1])
    return deepest, row + row0, col + col0
