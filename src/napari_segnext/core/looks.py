"""One object on its way to an answer: through which window, with which prompt map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from napari_segnext.core.corrections import (
    clear_negative_areas,
    keep_prompted_changes,
    keep_prompted_parts,
)
from napari_segnext.core.prediction import Prediction, as_prediction, mask_bounds
from napari_segnext.core.prompt_map import check_prompts, draw_prompts
from napari_segnext.core.prompts import prompts_bounds
from napari_segnext.core.windows import first_look, fit, next_look, union, whole
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from napari_segnext.core.models import Model
    from napari_segnext.core.prompt_map import PromptStyle
    from napari_segnext.core.prompts import Box, Polygon, Prompts
    from napari_segnext.core.windows import Bounds, Window

__all__ = [
    "Look",
    "draw_map",
    "look_again",
    "open_look",
    "settled",
    "window_at",
]


@dataclass(slots=True)
class Look:
    """One object on its way to an answer.

    Parameters
    ----------
    prompts : Prompts
        Of the object.
    previous : Prediction or None
        What is fed back.
    bounds : (row0, col0, row1, col1)
        Of everything that is known of the object, in plane pixels, ends included.
    window : Window
        Through which it is, or was last, looked at.
    may_shrink : bool
        Clicks alone: the answer tells how large the object is.
    answer : Prediction or None
        What was seen through the window.
    """

    prompts: Prompts
    previous: Prediction | None
    bounds: Bounds
    window: Window
    may_shrink: bool
    answer: Prediction | None = None


def _first_window(
    model: Model, kind: str, shape: tuple[int, int], bounds: Bounds, is_vague: bool
) -> Window:
    """Return the window to begin with.

    Parameters
    ----------
    model : Model
        Says how large the network's input is.
    kind : {"whole", "auto"}
        See `Predictor`.
    shape : (int, int)
        Of the plane.
    bounds : (row0, col0, row1, col1)
        Of what is known of the object, ends included.
    is_vague : bool
        Whether that does not tell how large the object is.
    """
    if kind == "whole":
        return whole(shape, model.size)
    choose = first_look if is_vague else fit
    return choose(bounds, shape, model.size)


def window_at(
    model: Model,
    kind: str,
    shape: tuple[int, int],
    near: tuple[float, float] | None = None,
) -> Window:
    """Return the window through which a click is looked at first.

    Parameters
    ----------
    model, kind, shape
        As for :func:`_first_window`.
    near : (row, col), optional
        Of the click; by default the middle of the plane.

    Raises
    ------
    PromptError
        If it lies outside the plane.
    """
    height, width = shape
    if near is None:
        near = ((height - 1) / 2, (width - 1) / 2)
    elif not (0 <= near[0] + 0.5 < height and 0 <= near[1] + 0.5 < width):
        raise PromptError(
            f"`near` is {near}, outside the plane of {height} x {width} pixels."
        )
    return _first_window(model, kind, shape, (*near, *near), is_vague=True)


def open_look(
    model: Model,
    kind: str,
    shape: tuple[int, int],
    prompts: Prompts,
    previous: Prediction | npt.ArrayLike | None,
) -> Look:
    """Check prompts and find the first window; an answer that needs none is given.

    Raises
    ------
    PromptError
        If there is no prompt, one lies outside the plane, or `previous` has another
        shape.
    """
    check_prompts(prompts, shape)
    before = as_prediction(previous, shape, model.threshold)
    known = [] if prompts.mask is None else [prompts.mask]
    bounds = prompts_bounds([*prompts, *known])
    seen = None if before is None else mask_bounds(before, prompts)
    if seen is not None:
        bounds = union(bounds, seen)
    # clicks and scribbles lie inside the object, areas and masks show its extent
    areas: list[Box | Polygon] = [*prompts.boxes, *prompts.polygons]
    is_vague = (
        seen is None
        and prompts.mask is None
        and not any(area.positive for area in areas)
    )
    window = _first_window(model, kind, shape, bounds, is_vague)
    look = Look(prompts, before, bounds, window, is_vague)
    if not prompts.has_positive:  # "not here" alone names no object
        row0, col0, row1, col1 = region = window.region(shape)
        empty = np.zeros((row1 - row0, col1 - col0), np.float32)
        look.answer = Prediction(shape, region, empty, model.threshold)
    return look


def look_again(look: Look, shape: tuple[int, int]) -> bool:
    """Whether the answer asks for another window; sets it."""
    if look.answer is None:
        return False
    seen = mask_bounds(look.answer, look.prompts)
    if seen is None:
        return False
    known = union(look.bounds, seen)
    window = next_look(look.window, seen, known, shape, look.may_shrink)
    if window is None:
        return False
    look.may_shrink &= window.level < look.window.level
    look.window = window
    return True


def settled(look: Look, answer: Prediction, style: PromptStyle) -> Prediction:
    """Give what the prompts ask for, and nothing that nobody pointed at.

    The paper's squash is left as published.
    """
    window = look.window
    if window.is_whole or not look.prompts.has_positive:
        return answer
    reach = max(1, round(style.click_radius * window.height / window.size))
    style = replace(style, click_radius=reach)
    if look.previous is not None:
        answer = keep_prompted_changes(answer, look.previous, look.prompts, style)
    answer = clear_negative_areas(answer, look.prompts)
    return keep_prompted_parts(answer, look.previous, look.prompts, style)


def draw_map(look: Look, style: PromptStyle) -> Tensor:
    """Draw the prompt map (3, S, S) float32 that the network gets for a look."""
    window, before = look.window, look.previous
    if not window.is_whole:
        previous = None if before is None else (before.crop, before.region[:2])
        return torch.from_numpy(
            draw_prompts(look.prompts, window.grid, style, previous)
        )
    # the paper's squash resizes the whole previous mask
    drawn = replace(look.prompts, mask=None)
    maps = torch.from_numpy(draw_prompts(drawn, window.grid, style))
    plane = None
    if before is not None:
        plane = before.probability
    elif look.prompts.mask is not None:
        plane = look.prompts.mask.array
    if plane is not None:
        size = (window.size, window.size)
        maps[0] = F.interpolate(
            torch.from_numpy(plane)[None, None], size, mode="bilinear"
        )[0, 0]
    return maps
