"""Several objects at once: a prompt each, one answer for all, a number each."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.bits import pack
from napari_segnext.core.prediction import most_probable
from napari_segnext.core.prompts import Prompts
from napari_segnext.session.pixels import PlaneMask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_segnext.core.prediction import Prediction
    from napari_segnext.core.regions import Region

__all__ = ["GroupAnswer", "GroupMask", "answer_mask", "apart"]

_COLORS = 250  # numbers go round: the preview is uint8


def apart(prompts: Prompts) -> tuple[Prompts, ...]:
    """Return each positive prompt with all the negative ones, in a fixed order."""
    negative = Prompts().add(*(prompt for prompt in prompts if not prompt.positive))
    single = [negative.add(prompt) for prompt in prompts if prompt.positive]
    if prompts.mask is not None:
        single.append(replace(negative, mask=prompts.mask))
    return tuple(single)


@dataclass(frozen=True, slots=True, eq=False)
class GroupAnswer:
    """The answers to several objects of one plane, competing for pixels.

    Parameters
    ----------
    region : (int, int, int, int)
        (row0, col0, row1, col1), ends excluded: what was looked at.
    crop : array (row1 - row0, col1 - col0) uint16
        The number of the object, from 1 on, in the order of `apart`; 0: none.
    """

    region: Region
    crop: npt.NDArray[np.uint16]

    @classmethod
    def from_answers(cls, answers: Sequence[Prediction]) -> GroupAnswer:
        """Give every pixel to the object that is most probable there."""
        if not answers:
            return cls((0, 0, 0, 0), np.zeros((0, 0), np.uint16))
        return cls(*most_probable(answers))


@dataclass(frozen=True, slots=True)
class GroupMask(PlaneMask):
    """A mask of one plane that is made of several objects.

    Make one with :meth:`from_parts`.

    Parameters
    ----------
    numbers : bytes
        zlib-compressed little-endian uint16 numbers of the objects in the region.
    """

    numbers: bytes = b""

    @classmethod
    def from_parts(cls, parts: dict[int, PlaneMask]) -> PlaneMask:
        """Make one of masks by number; where they overlap, the later one counts."""
        regions = np.array([mask.region for mask in parts.values() if mask])
        if not regions.size:
            return PlaneMask()
        row0, col0 = (int(value) for value in regions[:, :2].min(axis=0))
        row1, col1 = (int(value) for value in regions[:, 2:].max(axis=0))
        numbers = np.zeros((row1 - row0, col1 - col0), "<u2")
        for number, mask in parts.items():
            top, left, bottom, right = mask.region
            place = slice(top - row0, bottom - row0), slice(left - col0, right - col0)
            numbers[place][mask.crop] = number
        return cls(
            (row0, col0, row1, col1),
            pack(numbers > 0),
            zlib.compress(numbers.tobytes(), 1),
        )

    @property
    def _crop_numbers(self) -> npt.NDArray[np.uint16]:
        row0, col0, row1, col1 = self.region
        numbers = np.frombuffer(zlib.decompress(self.numbers), "<u2")
        return numbers.reshape(row1 - row0, col1 - col0).astype(np.uint16)

    @property
    def values(self) -> npt.NDArray[np.uint8]:
        """What the preview shows in the region: 1 and above, a colour for each."""
        numbers = self._crop_numbers.astype(int)
        shown = np.where(numbers > 0, (numbers - 1) % _COLORS + 1, 0)
        return shown.astype(np.uint8)

    @property
    def parts(self) -> dict[int, PlaneMask]:
        """The mask of every object, by number."""
        numbers = self._crop_numbers
        return {
            int(number): PlaneMask.from_crop(self.region, numbers == number)
            for number in np.unique(numbers[numbers > 0])
        }


def answer_mask(answer: Prediction | GroupAnswer) -> PlaneMask:
    """Return the mask to be shown for an answer."""
    if not isinstance(answer, GroupAnswer):
        return PlaneMask.from_crop(answer.region, answer.crop_mask)
    numbers = np.unique(answer.crop[answer.crop > 0])
    parts = {
        int(number): PlaneMask.from_crop(answer.region, answer.crop == number)
        for number in numbers
    }
    return GroupMask.from_parts(parts)
