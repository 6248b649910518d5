"""What the network sees: a part of the plane at its scale, and the prompts on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Seen"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was fed to the network for an answer; from :meth:`Predictor.look`.

    Parameters
    ----------
    region : (int, int, int, int)
        (row0, col0, row1, col1) in plane pixels, ends excluded; reaches beyond the
        plane where the window does, whose outside is medium grey.
    image : array (S, S, 3) float32
        The window as it is normalised, from 0 to 1; the network gets it less the
        model's mean and divided by its standard deviation.
    prompt_map : array (3, S, S) float32
        Previous mask, positive and negative prompts, from 0 to 1.
    """

    region: tuple[int, int, int, int]
    image: npt.NDArray[np.float32]
    prompt_map: npt.NDArray[np.float32]

    @property
    def step(self) -> tuple[float, float]:
        """Rows and columns of the plane from one pixel of the input to the next."""
        row0, col0, row1, col1 = self.region
        height, width = self.image.shape[:2]
        return (row1 - row0) / height, (col1 - col0) / width

    @property
    def origin(self) -> tuple[float, float]:
        """Row and column of the plane on which the input's pixel (0, 0) lies.

        Pixel (i, j) lies at ``origin + step * (i, j)``; pixel centres are whole
        numbers on the plane. In the paper's squash ("whole") that holds for the image;
        the prompts are drawn up to half a pixel of the input off, as published.
        """
        rows, cols = self.step
        return self.region[0] + (rows - 1) / 2, self.region[1] + (cols - 1) / 2
