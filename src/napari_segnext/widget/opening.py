"""How the widget opens a session, and which layers it can be about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels

from napari_segnext.session.layers import METADATA_KEY, PROMPT_ROLES, role_of
from napari_segnext.session.recovering import recover
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_segnext.core.predictor import Predictor
    from napari_segnext.widget.settings import Settings

__all__ = [
    "PredictorLoader",
    "first_image",
    "images_of",
    "layers_of",
    "open_session",
    "targets_of",
]


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
    *,
    auto_run: bool,
    adopted: Mapping[str, Layer],
    journal: Path | None = None,
) -> Session:
    """Open a session as the settings say, but for `auto_run`.

    Parameters
    ----------
    viewer, image, model, target
        As `Session` takes them.
    settings : Settings
        Device, threads and contrast.
    auto_run : bool
        Whether prompts are answered at once.
    adopted : mapping of str to Layer
        The user's own prompt layers by role.
    journal : Path, optional
        Of a session that a crash cut off, to be recovered; `target` is None then.

    Raises
    ------
    SegNextError
        If the image or the target cannot play its part.
    """
    loader = PredictorLoader(model, settings.device, settings.thread_count)
    options: dict[str, Any] = {
        "contrast": settings.contrast,
        "auto_run": auto_run,
        **adopted,
    }
    if journal is not None:
        return recover(viewer, image, journal, model=loader, **options)
    return Session(viewer, image, model=loader, target=target, **options)


def images_of(layers: Iterable[Layer]) -> list[Image]:
    """Return the layers that can be segmented: not what shows a model's view."""
    return [
        layer
        for layer in layers
        if isinstance(layer, Image) and layer.metadata.get(METADATA_KEY) is None
    ]


def first_image(viewer: ViewerModel) -> Image | None:
    """Return the image to begin with: the active one, else the lowest, if any."""
    images = images_of(viewer.layers)
    active = viewer.layers.selection.active
    return next((it for it in images if it is active), next(iter(images), None))


def layers_of(session: Session) -> list[Layer]:
    """Return the layers of a session that are in the viewer; makes none."""
    roles = (*PROMPT_ROLES, "preview", "target")
    layers = [getattr(session, role) for role in roles if session.has(role)]
    active = session.viewer.layers.selection.active
    if session.tool == "cut" and active is not None and role_of(active) == "cuts":
        layers.append(active)
    return layers


def targets_of(layers: Iterable[Layer]) -> list[Labels]:
    """Return the layers that objects can be written to: not previews, not scribbles."""
    return [
        layer
        for layer in layers
        if isinstance(layer, Labels) and role_of(layer) in (None, "target")
    ]
