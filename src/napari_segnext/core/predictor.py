"""Encode a plane once, then answer many prompts on it.

Nothing here keeps state between calls but the encoded windows, which are a cache.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from napari_segnext.core.corrections import (
    keep_prompted_changes,
    keep_prompted_parts,
)
from napari_segnext.core.devices import find_device
from napari_segnext.core.features import Features
from napari_segnext.core.image import (
    check_plane,
    normalise,
    plane_limits,
    warn_if_not_finite,
)
from napari_segnext.core.prediction import Prediction, as_prediction, mask_bounds
from napari_segnext.core.prompt_map import check_prompts, draw_prompts
from napari_segnext.core.prompts import prompts_bounds
from napari_segnext.core.window_tensors import to_input, to_plane
from napari_segnext.core.windows import first_look, fit, next_look, union, whole
from napari_segnext.errors import Cancelled, PromptError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from napari_segnext.core.models import Model
    from napari_segnext.core.prompts import Box, Polygon, Prompts
    from napari_segnext.core.windows import Bounds, Window

    ShouldStop = Callable[[], bool]

__all__ = ["Predictor"]

_MAX_LOOKS = 4
_MAX_BATCH = 4  # objects decoded at once: more of them leave the cache


@dataclass(slots=True)
class _Look:
    """One object on its way to an answer."""

    prompts: Prompts
    previous: Prediction | None
    bounds: Bounds  # of everything that is known of the object
    window: Window
    may_shrink: bool  # clicks alone: the answer tells how large the object is
    answer: Prediction | None = None


class Predictor:
    """SegNext on one device: encode once, predict many times.

    Parameters
    ----------
    model : Model
        From :func:`load_model`.
    device : str
        A torch device, or "auto" for cuda, mps or cpu, whichever comes first.
    window : {"whole", "auto"}, optional
        "whole" squashes the plane to the network's input, as the paper does; "auto"
        looks through windows at the object's own scale. By default what suits the
        model.

    Raises
    ------
    SegNextError
        If the device or the window is not known.

    Examples
    --------
    >>> import napari_segnext as ns, numpy as np
    >>> predictor = ns.Predictor(ns.load_model("segnext-lite"))
    >>> features = predictor.encode(np.random.default_rng(0).random((64, 64)))
    >>> answer = predictor.predict(features, ns.Prompts(clicks=[ns.Click(32, 32)]))
    >>> answer.mask.shape
    (64, 64)
    """

    def __init__(
        self, model: Model, device: str = "auto", window: str | None = None
    ) -> None:
        self.model = model
        self.window = window or model.default_window
        if self.window not in ("whole", "auto"):
            raise SegNextError(f'window is {window!r}; use "whole" or "auto".')
        self.device = find_device(device)
        network = model.network
        if self.device.type != "cpu":  # the model's own network stays where it is
            network = copy.deepcopy(network).to(self.device)
        self._network: Any = network
        self._mean = torch.tensor(model.mean, device=self.device)[:, None, None]
        self._std = torch.tensor(model.std, device=self.device)[:, None, None]

    def encode(
        self,
        plane: npt.ArrayLike,
        contrast_limits: tuple[float, float] | None = None,
        near: tuple[float, float] | None = None,
        *,
        should_stop: ShouldStop | None = None,
    ) -> Features:
        """Encode a plane; the slow part, done once.

        Parameters
        ----------
        plane : array (H, W) or (H, W, C <= 4), any real dtype
            uint8 RGB is taken as it is; everything else is stretched.
        contrast_limits : (float, float), optional
            Values to be seen as black and white; by default robust percentiles.
        near : (float, float), optional
            (row, col) around which the first window is encoded; by default the middle.
        should_stop : callable, optional
            Asked now and then; once it says True, ``Cancelled`` is raised.

        Returns
        -------
        Features
            A handle for :meth:`predict`.

        Raises
        ------
        ImageError
            If the plane or the limits cannot be used.
        """
        array = check_plane(plane)
        warn_if_not_finite(array)
        limits = plane_limits(array, contrast_limits)
        features = Features(array, limits, self.model.digest)
        height, width = features.shape
        if near is None:
            near = ((height - 1) / 2, (width - 1) / 2)
        elif not (0 <= near[0] + 0.5 < height and 0 <= near[1] + 0.5 < width):
            raise PromptError(
                f"`near` is {near}, outside the plane of {height} x {width} pixels."
            )
        window = self._first_window(features.shape, (*near, *near), is_vague=True)
        self._encoded(features, window, should_stop)
        return features

    def predict(
        self,
        features: Features,
        prompts: Prompts,
        previous: Prediction | npt.ArrayLike | None = None,
        *,
        should_stop: ShouldStop | None = None,
    ) -> Prediction:
        """Answer the prompts of one object. The same arguments, the same answer.

        Parameters
        ----------
        features : Features
            From :meth:`encode` of a predictor with the same model.
        prompts : Prompts
            All prompts of the object on this plane.
        previous : Prediction or array (H, W), optional
            The answer to an earlier part of these prompts; takes the place of the mask
            prompt in the prompt map. Through windows ("auto") it is changed only in
            connected parts that a prompt touches: what was right stays right. Parts
            that no positive prompt asks for are dropped there.
        should_stop : callable, optional
            Asked now and then; once it says True, ``Cancelled`` is raised.

        Returns
        -------
        Prediction
            Empty where all prompts are negative.

        Raises
        ------
        PromptError
            If there is no prompt, one lies outside the plane, or `previous` has
            another shape.
        """
        return self.predict_many(
            features, [prompts], [previous], should_stop=should_stop
        )[0]

    def predict_many(
        self,
        features: Features,
        prompts: Sequence[Prompts],
        previous: Sequence[Prediction | npt.ArrayLike | None] | None = None,
        *,
        should_stop: ShouldStop | None = None,
    ) -> list[Prediction]:
        """Answer the prompts of several objects: one encoding, batched decoding.

        Parameters
        ----------
        features, should_stop
            As for :meth:`predict`.
        prompts : sequence of Prompts
            One for each object.
        previous : sequence of Prediction, array (H, W) or None, optional
            One for each object.

        Returns
        -------
        list of Prediction
            In the order of `prompts`.
        """
        if features.model_digest != self.model.digest:
            raise SegNextError(
                "These features were encoded by another model; "
                "encode the plane with this predictor."
            )
        if previous is None:
            previous = [None] * len(prompts)
        if len(previous) != len(prompts):
            raise PromptError(
                f"{len(prompts)} objects but {len(previous)} previous masks; "
                "give one for each, or None."
            )
        looks = [
            self._prepare(features, given, before)
            for given, before in zip(prompts, previous, strict=True)
        ]
        open_looks = [look for look in looks if look.answer is None]
        for _ in range(_MAX_LOOKS if self.window == "auto" else 1):
            self._answer(features, open_looks, should_stop)
            open_looks = [
                look for look in open_looks if _look_again(look, features.shape)
            ]
        return [
            self._settled(look, look.answer)
            for look in looks
            if look.answer is not None
        ]

    def _first_window(
        self, shape: tuple[int, int], bounds: Bounds, is_vague: bool
    ) -> Window:
        if self.window == "whole":
            return whole(shape, self.model.size)
        choose = first_look if is_vague else fit
        return choose(bounds, shape, self.model.size)

    def _prepare(
        self,
        features: Features,
        prompts: Prompts,
        previous: Prediction | npt.ArrayLike | None,
    ) -> _Look:
        check_prompts(prompts, features.shape)
        before = as_prediction(previous, features.shape, self.model.threshold)
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
        window = self._first_window(features.shape, bounds, is_vague)
        look = _Look(prompts, before, bounds, window, is_vague)
        if not prompts.has_positive:  # "not here" alone names no object
            row0, col0, row1, col1 = region = window.region(features.shape)
            empty = np.zeros((row1 - row0, col1 - col0), np.float32)
            look.answer = Prediction(
                features.shape, region, empty, self.model.threshold
            )
        return look

    def _encoded(
        self, features: Features, window: Window, should_stop: ShouldStop | None
    ) -> tuple[Tensor, ...]:
        tensors = features.get(window)
        if tensors is None:
            row0, col0, row1, col1 = window.region(features.shape)
            rgb = normalise(features.plane[row0:row1, col0:col1], features.limits)
            image = torch.from_numpy(rgb).to(self.device).permute(2, 0, 1)
            image = ((image - self._mean) / self._std)[None]
            with torch.inference_mode():
                tensors = self._network.encode(to_input(image, window), should_stop)
            features.put(window, tensors)
        return tensors

    def _answer(
        self,
        features: Features,
        looks: list[_Look],
        should_stop: ShouldStop | None,
    ) -> None:
        """Give each look the answer of its window, a few at once."""
        looks = sorted(looks, key=lambda look: (look.window.row, look.window.col))
        for start in range(0, len(looks), _MAX_BATCH):
            if should_stop is not None and should_stop():
                raise Cancelled
            batch = looks[start : start + _MAX_BATCH]
            tensors = self._gathered(features, batch, should_stop)
            maps = torch.stack([self._prompt_map(look) for look in batch])
            with torch.inference_mode():
                logits = self._network.decode(tensors, maps.to(self.device))
                for index, look in enumerate(batch):
                    crop = to_plane(logits[index, None], look.window, features.shape)
                    look.answer = Prediction(
                        features.shape,
                        look.window.region(features.shape),
                        crop[0].cpu().numpy(),
                        self.model.threshold,
                    )

    def _gathered(
        self, features: Features, batch: list[_Look], should_stop: ShouldStop | None
    ) -> tuple[Tensor, ...]:
        """Image features of the looks' windows; of one where they share it."""
        if len({look.window for look in batch}) == 1:
            return self._encoded(features, batch[0].window, should_stop)
        each = [self._encoded(features, look.window, should_stop) for look in batch]
        return tuple(
            # joining loses channels_last, without which depthwise layers crawl
            torch.cat(level).contiguous(memory_format=torch.channels_last)
            if level[0].ndim == 4
            else torch.cat(level)
            for level in zip(*each, strict=True)
        )

    def _settled(self, look: _Look, answer: Prediction) -> Prediction:
        """Give what the prompts ask for, and nothing that nobody pointed at."""
        window, style = look.window, self.model.style
        if window.is_whole or not look.prompts.has_positive:
            return answer
        reach = max(1, round(style.click_radius * window.height / window.size))
        style = replace(style, click_radius=reach)
        if look.previous is not None:
            answer = keep_prompted_changes(answer, look.previous, look.prompts, style)
        return keep_prompted_parts(answer, look.previous, look.prompts, style)

    def _prompt_map(self, look: _Look) -> Tensor:
        window, before = look.window, look.previous
        if not window.is_whole:
            previous = None if before is None else (before.crop, before.region[:2])
            return torch.from_numpy(
                draw_prompts(look.prompts, window.grid, self.model.style, previous)
            )
        # the paper's squash resizes the whole previous mask
        drawn = replace(look.prompts, mask=None)
        maps = torch.from_numpy(draw_prompts(drawn, window.grid, self.model.style))
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


def _look_again(look: _Look, shape: tuple[int, int]) -> bool:
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
