"""A network that looks at planes through windows, on one device."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from napari_segnext.core.image import normalise
from napari_segnext.core.looks import draw_map
from napari_segnext.core.prediction import Prediction
from napari_segnext.core.window_tensors import to_input, to_plane
from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from napari_segnext.core.features import Features
    from napari_segnext.core.looks import Look
    from napari_segnext.core.models import Model
    from napari_segnext.core.windows import Window

    ShouldStop = Callable[[], bool]

__all__ = ["WindowNetwork"]

_MAX_BATCH = 4  # objects decoded at once: more of them leave the cache


class WindowNetwork:
    """A model's network behind windows: pixels in, features and answers out.

    Parameters
    ----------
    model : Model
        From :func:`load_model`; its own network stays where it is.
    device : torch.device
        Where to compute.

    Attributes
    ----------
    network : torch.nn.Module
        On the device.
    """

    def __init__(self, model: Model, device: torch.device) -> None:
        network = model.network
        if device.type != "cpu":
            network = copy.deepcopy(network).to(device)
        self.network: Any = network
        self._model = model
        self._device = device
        self._mean = torch.tensor(model.mean, device=device)[:, None, None]
        self._std = torch.tensor(model.std, device=device)[:, None, None]

    def pixels(self, features: Features, window: Window) -> npt.NDArray[np.float32]:
        """Return what the network is shown of a window, (S, S, 3) from 0 to 1."""
        image = self._input(features, window)[0] * self._std + self._mean
        return image.clamp(0, 1).permute(1, 2, 0).cpu().numpy()

    def encoded(
        self, features: Features, window: Window, should_stop: ShouldStop | None
    ) -> tuple[Tensor, ...]:
        """Return the image features of a window, encoded unless they are known."""
        tensors = features.get(window)
        if tensors is None:
            image = self._input(features, window)
            with torch.inference_mode():
                tensors = self.network.encode(image, should_stop)
            features.put(window, tensors)
        return tensors

    def answer(
        self, features: Features, looks: list[Look], should_stop: ShouldStop | None
    ) -> None:
        """Give each look the answer of its window, a few at once."""
        looks = sorted(looks, key=lambda look: (look.window.row, look.window.col))
        for start in range(0, len(looks), _MAX_BATCH):
            if should_stop is not None and should_stop():
                raise Cancelled
            batch = looks[start : start + _MAX_BATCH]
            tensors = self._gathered(features, batch, should_stop)
            maps = torch.stack([draw_map(look, self._model.style) for look in batch])
            with torch.inference_mode():
                logits = self.network.decode(tensors, maps.to(self._device))
                for index, look in enumerate(batch):
                    crop = to_plane(logits[index, None], look.window, features.shape)
                    look.answer = Prediction(
                        features.shape,
                        look.window.region(features.shape),
                        crop[0].cpu().numpy(),
                        self._model.threshold,
                    )

    def _gathered(
        self, features: Features, batch: list[Look], should_stop: ShouldStop | None
    ) -> tuple[Tensor, ...]:
        """Image features of the looks' windows; of one where they share it."""
        if len({look.window for look in batch}) == 1:
            return self.encoded(features, batch[0].window, should_stop)
        each = [self.encoded(features, look.window, should_stop) for look in batch]
        return tuple(
            # joining loses channels_last, without which depthwise layers crawl
            torch.cat(level).contiguous(memory_format=torch.channels_last)
            if level[0].ndim == 4
            else torch.cat(level)
            for level in zip(*each, strict=True)
        )

    def _input(self, features: Features, window: Window) -> Tensor:
        """Return the network's input (1, 3, S, S) of a window."""
        row0, col0, row1, col1 = window.region(features.shape)
        rgb = normalise(features.plane[row0:row1, col0:col1], features.limits)
        image = torch.from_numpy(rgb).to(self._device).permute(2, 0, 1)
        image = ((image - self._mean) / self._std)[None]
        with torch.inference_mode():
            return to_input(image, window)
