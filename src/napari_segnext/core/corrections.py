"""What prompts ask for stays in a mask, what nobody pointed at does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_segnext.core.prediction import Prediction
from napari_segnext.core.prompt_map import Grid, PromptStyle, draw_prompts
from napari_segnext.core.prompts import Box, Mask, Polygon, Prompts
from napari_segnext.core.regions import moved, placed, region_of
from napari_segnext.core.windows import union

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.core.regions import Region

    Bools = npt.NDArray[np.bool_]

__all__ = [
    "clear_negative_areas",
    "keep_prompted_changes",
    "keep_prompted_parts",
    "on_region",
    "touched_pixels",
]

_EXACTLY = PromptStyle(click_radius=0)


def keep_prompted_changes(
    answer: Prediction, before: Prediction, prompts: Prompts, style: PromptStyle
) -> Prediction:
    """Undo those changes of the previous mask that no prompt touches.

    The difference between two masks falls into connected parts. Parts that were added
    stay where a positive prompt touches them, parts that were removed where a negative
    click, scribble or stroke or a positive box or polygon does; everywhere else the
    previous answer holds. Negative boxes and polygons say nothing about what is not in
    them, see :func:`clear_negative_areas`. After the progressive merge of
    FocalClick [1]_.

    Parameters
    ----------
    answer : Prediction
        To all prompts.
    before : Prediction
        The previous answer.
    prompts : Prompts
        Of the object; the mask prompt counts as no touch.
    style : PromptStyle
        Its ``click_radius``, in plane pixels here, is how far a click reaches.

    Returns
    -------
    Prediction
        `answer` itself where there is nothing to undo.

    References
    ----------
    .. [1] Chen et al., FocalClick: Towards Practical Interactive Image Segmentation,
       CVPR 2022.
    """
    bounds = _mask_region(before)
    if bounds is None:
        return answer
    region = union(answer.region, bounds)
    new, old = (on_region(one, region) for one in (answer, before))
    threshold = np.float32(answer.threshold)
    added = (new > threshold) & ~(old > threshold)
    removed = (old > threshold) & ~(new > threshold)

    areas = Prompts(
        boxes=[box for box in prompts.boxes if box.positive],
        polygons=[polygon for polygon in prompts.polygons if polygon.positive],
    )
    asked = replace(prompts, boxes=areas.boxes, polygons=areas.polygons)
    positive, negative = touched_pixels(asked, region, style)
    if areas:
        negative |= touched_pixels(areas, region, style)[0]
    undone = _untouched(added, positive) | _untouched(removed, negative)
    if not undone.any():
        return answer
    crop = np.where(undone, old, new)
    return Prediction(answer.shape, region, crop, answer.threshold)


def keep_prompted_parts(
    answer: Prediction,
    before: Prediction | None,
    prompts: Prompts,
    style: PromptStyle,
) -> Prediction:
    """Drop those connected parts of a mask that no positive prompt asks for.

    A part stays where a positive prompt touches it, where the mask prompt lies on it,
    or where it lies on a part of the previous mask that no positive prompt touched
    either: that one came from elsewhere, an edited label for instance.

    Parameters
    ----------
    answer : Prediction
        To all prompts.
    before : Prediction, optional
        The previous answer.
    prompts : Prompts
        Of the object.
    style : PromptStyle
        Its ``click_radius``, in plane pixels here, is how far a click reaches.

    Returns
    -------
    Prediction
        `answer` itself where every part stays, and where none would.
    """
    mask = answer.crop_mask
    touch = touched_pixels(prompts, answer.region, style)[0]
    if prompts.mask is not None:
        touch |= on_region(prompts.mask, answer.region) > 0
    if before is not None:
        old = on_region(before, answer.region) > np.float32(before.threshold)
        touch |= _untouched(old, touch)
    dropped = _untouched(mask, touch)
    if not dropped.any() or not (mask & ~dropped).any():
        return answer
    return replace(answer, crop=np.where(dropped, np.float32(0), answer.crop))


def clear_negative_areas(answer: Prediction, prompts: Prompts) -> Prediction:
    """Take away what lies in a negative box or polygon: it says "not here".

    The network nearly does so by itself, but only nearly. A positive prompt that lies
    wholly inside such an area is the exception to it: what it asks for stays, which is
    the inside of a box or polygon, and the connected parts of the mask in the area on
    which a click, scribble or stroke lies.

    Parameters
    ----------
    answer : Prediction
        To all prompts.
    prompts : Prompts
        Of the object.

    Returns
    -------
    Prediction
        `answer` itself where there is nothing to take away.
    """
    mask = answer.crop_mask
    taken = np.zeros_like(mask)
    areas: list[Box | Polygon] = [*prompts.boxes, *prompts.polygons]
    for area in areas:
        if not area.positive:
            inside = touched_pixels(Prompts().add(area), answer.region)[1]
            taken |= inside & mask & ~_asked_for(mask, area, inside, answer, prompts)
    if not taken.any():
        return answer
    return replace(answer, crop=np.where(taken, np.float32(0), answer.crop))


def _asked_for(
    mask: Bools,
    area: Box | Polygon,
    inside: Bools,
    answer: Prediction,
    prompts: Prompts,
) -> Bools:
    """Pixels of a negative area that positive prompts wholly inside it ask for."""
    asked = np.zeros_like(mask)
    for prompt in prompts:
        if not prompt.positive or union(prompt.bounds, area.bounds) != area.bounds:
            continue
        drawn = touched_pixels(Prompts().add(prompt), answer.region)[0]
        if (drawn & ~inside).any():
            continue
        if isinstance(prompt, Box | Polygon):
            asked |= drawn
        else:
            here = mask & inside
            asked |= here & ~_untouched(here, drawn)
    return asked


def touched_pixels(
    prompts: Prompts, region: Region, style: PromptStyle = _EXACTLY
) -> tuple[Bools, Bools]:
    """Pixels (h, w) of `region` on positive, and on negative prompts, but the mask."""
    row0, col0, row1, col1 = region
    grid = Grid((float(row0), float(col0)), (1.0, 1.0), (row1 - row0, col1 - col0))
    _, positive, negative = draw_prompts(replace(prompts, mask=None), grid, style) > 0
    return positive, negative


def _untouched(changed: Bools, touch: Bools) -> Bools:
    """Pixels of the connected parts of `changed` on which `touch` is nowhere."""
    parts, count = ndimage.label(changed)
    keep = np.zeros(count + 1, bool)
    keep[parts[touch]] = True
    return changed & ~keep[parts]


def _mask_region(prediction: Prediction) -> Region | None:
    """Return the box (row0, col0, row1, col1), ends excluded, around the mask."""
    region = region_of(prediction.crop_mask)
    return None if region is None else moved(region, prediction.region[:2])


def on_region(known: Prediction | Mask, region: Region) -> npt.NDArray[np.float32]:
    """Probability (h, w) on `region`, 0 where nothing was looked at."""
    values = placed(known.crop, known.region, region)
    return values.astype(np.float32, copy=False)
