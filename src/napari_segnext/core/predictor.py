"""Encode a plane once, then answer many prompts on it; the windows are a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segnext.core.devices import find_device
from napari_segnext.core.feature_store import Shelf, weights_digest
from napari_segnext.core.features import Features
from napari_segnext.core.image import (
    check_plane,
    plane_limits,
    warn_if_not_finite,
)
from napari_segnext.core.looks import (
    draw_map,
    look_again,
    open_look,
    settled,
    window_at,
)
from napari_segnext.core.models import Model
from napari_segnext.core.seen import Seen
from napari_segnext.core.window_network import WindowNetwork
from napari_segnext.errors import PromptError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from napari_segnext.core.feature_store import FeatureStore
    from napari_segnext.core.looks import Look
    from napari_segnext.core.prediction import Prediction
    from napari_segnext.core.prompts import Prompts
    from napari_segnext.core.windows import Window

    ShouldStop = Callable[[], bool]

__all__ = ["Predictor"]

_MAX_LOOKS = 4


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
        If there is no model, or the device or the window is not known.

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
        given: Any = model  # a script's may be anything
        if not isinstance(given, Model):
            raise SegNextError(
                f"A predictor takes what load_model returns, not {given!r}."
            )
        self.model = model
        self.window = window or model.default_window
        if self.window not in ("whole", "auto"):
            raise SegNextError(f'window is {window!r}; use "whole" or "auto".')
        self.device = find_device(device)
        self._windows = WindowNetwork(model, self.device)
        self._weights = ""

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
        ImageError, PromptError
            If the plane or the limits cannot be used, or `near` lies outside.
        """
        features = self._handle(plane, contrast_limits)
        warn_if_not_finite(features.plane)
        self.prepare(features, near=near, should_stop=should_stop)
        return features

    def open(
        self,
        plane: npt.ArrayLike,
        contrast_limits: tuple[float, float] | None = None,
        *,
        store: FeatureStore | None = None,
    ) -> Features:
        """Return a handle to a plane of which nothing is encoded yet.

        Parameters
        ----------
        plane, contrast_limits
            As for :meth:`encode`.
        store : FeatureStore, optional
            On disk: windows found there are not encoded again.

        Raises
        ------
        ImageError
            As :meth:`encode` does.
        """
        features = self._handle(plane, contrast_limits, store)
        warn_if_not_finite(features.plane)
        return features

    def _handle(
        self,
        plane: npt.ArrayLike,
        contrast_limits: tuple[float, float] | None,
        store: FeatureStore | None = None,
    ) -> Features:
        array = check_plane(plane)
        limits = plane_limits(array, contrast_limits)
        shelf = None
        if store is not None:
            if not self._weights:
                self._weights = weights_digest(self._windows.network)
            shelf = Shelf(store, self._weights, self.device)
        return Features(array, limits, self.model.digest, shelf)

    def prepare(
        self,
        features: Features,
        windows: Sequence[Window] = (),
        near: tuple[float, float] | None = None,
        *,
        should_stop: ShouldStop | None = None,
    ) -> None:
        """Encode windows of a plane ahead of the predictions that will need them.

        Parameters
        ----------
        features : Features
            From :meth:`open` or :meth:`encode`.
        windows : sequence of Window
            Those of another plane of this shape, for instance; see `Features.windows`.
            If there are none, the one that a click at `near` is looked at through.
        near, should_stop
            As for :meth:`encode`.
        """
        self._check(features)
        if not windows:
            windows = [window_at(self.model, self.window, features.shape, near)]
        for window in windows:
            self._windows.encoded(features, window, should_stop)

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
        SegNextError
            If the features are another model's.
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

        Raises
        ------
        PromptError, SegNextError
            As :meth:`predict` does; also if `previous` are not as many as `prompts`.
        """
        self._check(features)
        if previous is None:
            previous = [None] * len(prompts)
        if len(previous) != len(prompts):
            raise PromptError(
                f"{len(prompts)} objects but {len(previous)} previous masks; "
                "give one for each, or None."
            )
        looks = [
            open_look(self.model, self.window, features.shape, given, before)
            for given, before in zip(prompts, previous, strict=True)
        ]
        self._answer(features, looks, should_stop)
        return [
            settled(look, look.answer, self.model.style)
            for look in looks
            if look.answer is not None
        ]

    def look(
        self,
        features: Features,
        prompts: Prompts,
        previous: Prediction | npt.ArrayLike | None = None,
        *,
        should_stop: ShouldStop | None = None,
    ) -> Seen:
        """Return what the network is given for :meth:`predict` with these arguments.

        Where it looks several times, that is the last look, which the answer comes
        from. Takes as long as predicting does.

        Parameters
        ----------
        features, prompts, previous, should_stop
            As for :meth:`predict`.

        Returns
        -------
        Seen
            Where all prompts are negative, what it would be given: it is not asked.

        Raises
        ------
        PromptError
            As :meth:`predict` does.
        """
        self._check(features)
        look = open_look(self.model, self.window, features.shape, prompts, previous)
        self._answer(features, [look], should_stop)
        row, col = look.window.row, look.window.col
        return Seen(
            (row, col, row + look.window.height, col + look.window.width),
            self._windows.pixels(features, look.window),
            draw_map(look, self.model.style).numpy(),
        )

    def _check(self, features: Features) -> None:
        if features.model_digest != self.model.digest:
            raise SegNextError(
                "These features were encoded by another model; "
                "encode the plane with this predictor."
            )

    def _answer(
        self, features: Features, looks: list[Look], should_stop: ShouldStop | None
    ) -> None:
        """Answer what has no answer yet, through as many windows as it takes."""
        looks = [look for look in looks if look.answer is None]
        for left in reversed(range(_MAX_LOOKS if self.window == "auto" else 1)):
            self._windows.answer(features, looks, should_stop)
            if left:
                looks = [look for look in looks if look_again(look, features.shape)]
