"""What may be done to a mask after the network: each an option, each off by default."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_segnext.core.corrections import on_region, touched_pixels
from napari_segnext.core.regions import moved, region_of
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.core.prompts import Prompts
    from napari_segnext.core.regions import Region

    Bools = npt.NDArray[np.bool_]

__all__ = ["PostProcess"]

_MAX_SMOOTH_PX = 100
_REACH = 4  # a Gaussian is cut off after so many of its widths


@dataclass(frozen=True, slots=True)
class PostProcess:
    """What is done to an answer before it is shown and accepted.

    Applied in the order of the options. Nothing is ever added where a negative prompt
    lies, and a mask that is not empty never becomes empty.

    Parameters
    ----------
    touched : bool
        Keep only the connected parts on which a positive prompt or the mask prompt
        lies; all of them where there is none such.
    fill_holes : bool
        Fill holes, but those in which a negative prompt lies.
    smooth_px : int
        Width (sigma) in pixels of the Gaussian that smooths the outline, 0 to 100; 0
        leaves it as it is. Parts that are too small to outlast it stay as they are.
    min_size_px : int
        Drop connected parts with fewer pixels; the largest part stays at any size.

    Raises
    ------
    PromptError
        If a number is not whole or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_segnext import Click, PostProcess, Prompts
    >>> ring = np.ones((9, 9), bool)
    >>> ring[4, 4] = False
    >>> prompts = Prompts(clicks=[Click(1, 1)])
    >>> PostProcess(fill_holes=True).apply(ring, prompts, (0, 0, 9, 9)).all()
    np.True_
    """

    touched: bool = False
    fill_holes: bool = False
    smooth_px: int = 0
    min_size_px: int = 0

    def __post_init__(self) -> None:
        """Check and normalise the values."""
        for name in ("touched", "fill_holes"):
            object.__setattr__(self, name, bool(getattr(self, name)))
        for name, most in (("smooth_px", _MAX_SMOOTH_PX), ("min_size_px", None)):
            object.__setattr__(self, name, _pixels(name, getattr(self, name), most))

    def apply(self, mask: npt.ArrayLike, prompts: Prompts, region: Region) -> Bools:
        """Return `mask` as the options want it.

        Parameters
        ----------
        mask : array (h, w) of bool
            The object, in a part of the plane.
        prompts : Prompts
            Of the object, in plane pixels.
        region : (row0, col0, row1, col1)
            Which part of the plane it is, ends excluded.

        Returns
        -------
        array (h, w) of bool
            A new array.

        Raises
        ------
        PromptError
            If the mask does not have the region's shape.
        """
        given = np.array(mask, bool)
        row0, col0, row1, col1 = region
        if given.shape != (row1 - row0, col1 - col0):
            raise PromptError(
                f"The mask has shape {given.shape}, but its region is "
                f"{row1 - row0} x {col1 - col0} pixels; give the region's mask."
            )
        # what follows takes time with the area, and most of it is empty
        found = region_of(given, margin=_REACH * self.smooth_px + 1)
        if self == PostProcess() or found is None:
            return given
        part = np.s_[found[0] : found[2], found[1] : found[3]]
        result = np.zeros_like(given)
        there = moved(found, (row0, col0))
        result[part] = self._applied(given[part], prompts, there)
        return result

    def _applied(self, given: Bools, prompts: Prompts, region: Region) -> Bools:
        positive, negative = touched_pixels(prompts, region)
        result = given
        if self.touched:
            if prompts.mask is not None:
                positive |= on_region(prompts.mask, region) > 0
            result = _parts_on(result, positive)
        if self.fill_holes:
            result = _filled(result, negative)
        if self.smooth_px:
            result = _smoothed(result, self.smooth_px, negative)
        if self.min_size_px:
            result = _large_parts(result, self.min_size_px)
        return result


def _pixels(name: str, value: object, most: int | None) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0 or (most is not None and number > most):
        limits = "0 (off) or more" if most is None else f"0 (off) to {most}"
        raise PromptError(
            f"`{name}` is {value!r}; use a whole number of pixels, {limits}."
        )
    return number


def _parts_on(mask: Bools, pixels: Bools) -> Bools:
    """Keep the parts of `mask` on which `pixels` lie; all where they lie on none."""
    parts, count = ndimage.label(mask)
    keep = np.zeros(count + 1, bool)
    keep[parts[pixels]] = True
    keep[0] = False
    return keep[parts] if keep.any() else mask


def _filled(mask: Bools, negative: Bools) -> Bools:
    holes, count = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
    fill = np.ones(count + 1, bool)
    fill[holes[negative]] = False
    fill[0] = False
    return mask | fill[holes]


def _smoothed(mask: Bools, sigma: int, negative: Bools) -> Bools:
    # beyond the border goes on what is at it: nothing shrinks away from the border
    blurred = ndimage.gaussian_filter(
        mask.astype(np.float32), sigma, mode="nearest", truncate=_REACH
    )
    smooth: Bools = (blurred > 0.5) & (mask | ~negative)
    parts, count = ndimage.label(mask)
    lost = np.ones(count + 1, bool)
    lost[parts[smooth]] = False
    lost[0] = False
    return smooth | lost[parts]


def _large_parts(mask: Bools, least: int) -> Bools:
    parts, count = ndimage.label(mask)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    keep = (sizes >= least) | (np.arange(count + 1) == sizes.argmax())
    keep[0] = False
    return keep[parts]
