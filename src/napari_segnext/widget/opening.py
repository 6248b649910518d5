"""How the widget opens a session, and how it finds yesterday's work again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Image, Labels

from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_segnext.core.predictor import Predictor
    from napari_segnext.widget.settings import Settings

__all__ = [
    "PredictorLoader",
    "images_of",
    "leave_target",
    "open_session",
    "resumed_target",
    "targets_of",
]

_ROLE = "napari_segnext"
_IMAGE_OF_TARGET = "napari_segnext_image"


@dataclass(frozen=True, slots=True)
class PredictorLoader:
    """Makes a predictor where it is called: on the session's inference thread.

    Parameters
    ----------
    model : str
        Name or path.
    device : str
        As `Predictor` takes it.
    threads : int
        CPU threads of the network, so that the window keeps a core of its own.
    """

    model: str
    device: str
    threads: int

    def __call__(self) -> Predictor:
        """Import torch, set its threads, load the weights."""
        import torch

        from napari_segnext.core.models import load_model
        from napari_segnext.core.predictor import Predictor

        torch.set_num_threads(self.threads)
        return Predictor(load_model(self.model), device=self.device)


def open_session(
    viewer: ViewerModel,
    image: Image,
    model: str,
    target: Labels | None,
    settings: Settings,
) -> Session:
    """Open a session as the settings say.

    Raises
    ------
    SegNextError
        If the image or the target cannot play its part.
    """
    return Session(
        viewer,
        image,
        model=PredictorLoader(model, settings.device, settings.thread_count),
        target=target,
        contrast=settings.contrast,
        auto_run=settings.auto_run,
    )


def images_of(layers: Iterable[Layer]) -> list[Image]:
    """Return the layers that can be segmented."""
    return [layer for layer in layers if isinstance(layer, Image)]


def targets_of(layers: Iterable[Layer]) -> list[Labels]:
    """Return the layers that objects can be written to: not previews, not scribbles."""
    return [
        layer
        for layer in layers
        if isinstance(layer, Labels) and layer.metadata.get(_ROLE) in (None, "target")
    ]


def leave_target(session: Session) -> None:
    """Note on the target which image it belongs to, for :func:`resumed_target`."""
    if session.has("target"):
        session.target.metadata[_IMAGE_OF_TARGET] = session.image.unique_id


def resumed_target(layers: Iterable[Layer], image: Image) -> Labels | None:
    """Return the target that an earlier session left for `image`, if any."""
    for layer in targets_of(layers):
        if layer.metadata.get(_IMAGE_OF_TARGET) == image.unique_id:
            del layer.metadata[_IMAGE_OF_TARGET]
            return layer
    return None
