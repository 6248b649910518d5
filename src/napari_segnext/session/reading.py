"""Where the worker reads planes from, and how they are normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import ImageError, SegNextError
from napari_segnext.session.planes import read_plane

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.session.planes import PlaneKey

__all__ = ["Reader", "Source"]

_STACK_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Source:
    """Where the worker reads planes from, frozen when a request is made.

    Parameters
    ----------
    data : array
        The image's full-resolution array, lazy or not.
    ndim : int
        Its axes, the colour axis not counted.
    version : int
        Rises when the image's data is replaced or its contrast is taken anew.
    limits : (float, float) or None
        Contrast limits to use; None for percentiles.
    gamma : float
        Used together with `limits`.
    """

    data: Any
    ndim: int
    version: int
    limits: tuple[float, float] | None = None
    gamma: float = 1.0


class Reader:
    """Reads planes of a source, and of a stack some for its contrast limits."""

    def __init__(self) -> None:
        self._stack_limits: dict[int, tuple[float, float] | None] = {}

    def pixels(
        self, source: Source, plane: PlaneKey
    ) -> tuple[npt.NDArray[Any], tuple[float, float] | None]:
        """Return a plane as the model is to see it, and its contrast limits.

        Limits are None where the predictor takes the plane's own.

        Raises
        ------
        ImageError
            If the image cannot be read.
        """
        try:
            return self._pixels(source, plane)
        except SegNextError:
            raise
        except Exception as error:  # files and networks raise nearly anything
            raise ImageError(
                f"The image cannot be read ({type(error).__name__}: {error}); check "
                "the place it comes from, and try again."
            ) from error

    def _pixels(
        self, source: Source, plane: PlaneKey
    ) -> tuple[npt.NDArray[Any], tuple[float, float] | None]:
        pixels = read_plane(source.data, plane)
        if pixels.ndim == 3 and pixels.dtype == np.uint8:
            return pixels, None  # colours are taken as they are
        if source.limits is None:
            return pixels, self._limits(source)
        if source.gamma == 1:
            return pixels, source.limits
        low, high = source.limits
        stretched = (pixels.astype(np.float32) - low) / max(high - low, 1e-12)
        return np.clip(stretched, 0, 1) ** np.float32(source.gamma), (0.0, 1.0)

    def _limits(self, source: Source) -> tuple[float, float] | None:
        """Return limits of the whole stack, so that its slices stay comparable."""
        if source.version not in self._stack_limits:
            from napari_segnext.core.image import contrast_limits

            leading = source.data.shape[: source.ndim - 2]
            count = int(np.prod(leading))
            limits = None
            if count > 1:
                steps = np.linspace(0, count - 1, min(count, _STACK_SAMPLES))
                places = [
                    np.unravel_index(int(step), leading) for step in np.round(steps)
                ]
                samples = [
                    pixels
                    for place in places
                    if (pixels := _readable(source.data, place)) is not None
                ]
                limits = contrast_limits(np.stack(samples)) if samples else None
            self._stack_limits = {source.version: limits}
        return self._stack_limits[source.version]


def _readable(data: Any, place: tuple[Any, ...]) -> npt.NDArray[Any] | None:
    """Return the pixels of a sample, None where a file or network fails."""
    try:
        return np.asarray(data[place])
    except Exception:  # noqa: BLE001 - told where somebody looks at that very plane
        return None
