"""Which models there are, where their weights lie, and how they are loaded.

Importing this module does not import torch: :func:`list_models` is cheap.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from platformdirs import user_data_path

from napari_segnext.errors import CheckpointError

if TYPE_CHECKING:
    from torch import nn

    from napari_segnext.core.prompt_map import PromptStyle

__all__ = [
    "DEFAULT_MODEL",
    "Model",
    "ModelInfo",
    "list_models",
    "load_model",
    "models_folders",
]

DEFAULT_MODEL = "segnext-lite"
MODELS_VARIABLE = "NAPARI_SEGNEXT_MODELS"


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network with its weights, and what must be known to use it.

    Parameters
    ----------
    name : str
        Name in the registry, or the file's name without its ending.
    network : torch.nn.Module
        In evaluation mode, without gradients, on the CPU.
    kind : {"vit", "lite"}
        The paper's plain ViT, or segnext-lite.
    config : dict
        The network's configuration as plain values.
    threshold : float
        Probability above which a pixel is object.
    style : PromptStyle
        How prompts are drawn for these weights.
    digest : str
        SHA-256 of the weights file, hexadecimal.
    default_window : {"whole", "auto"}
        What a Predictor does with a plane unless told.
    mean, std : tuple of float
        Normalisation of RGB in 0..1.
    size : int
        Side of the network's square input in pixels.
    """

    name: str
    network: nn.Module
    kind: Literal["vit", "lite"]
    config: dict[str, Any]
    threshold: float
    style: PromptStyle
    digest: str
    default_window: Literal["whole", "auto"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What :func:`list_models` tells about one model.

    Parameters
    ----------
    name : str
        What :func:`load_model` takes.
    description, licence : str
        In a few words.
    size_bytes : int
        Of the weights file, roughly where it is not on this machine.
    path : Path or None
        The weights file, or None if it is not on this machine.
    """

    name: str
    description: str
    licence: str
    size_bytes: int
    path: Path | None

    @property
    def available(self) -> bool:
        """Whether the weights are on this machine."""
        return self.path is not None


@dataclass(frozen=True, slots=True)
class _Entry:
    description: str
    licence: str
    size_bytes: int
    file: str
    embedded: bool = False


_OFFICIAL_LICENCE = (
    "not stated; trained from MAE weights under CC BY-NC 4.0 (non-commercial)"
)
_REGISTRY = {
    DEFAULT_MODEL: _Entry(
        "small network for microscopy, comes with the package",
        "BSD-3-Clause",
        10_000_000,
        "segnext-lite.safetensors",
        embedded=True,
    ),
    "vitb_sax1": _Entry(
        "the paper's ViT-B, one fusion block, COCO + LVIS",
        _OFFICIAL_LICENCE,
        427_000_000,
        "vitb_sa1_cocolvis_epoch_90.pth",
    ),
    "vitb_sax2": _Entry(
        "the paper's ViT-B, two fusion blocks, COCO + LVIS",
        _OFFICIAL_LICENCE,
        456_000_000,
        "vitb_sa2_cocolvis_epoch_90.pth",
    ),
    "vitb_sax2_hq": _Entry(
        "the paper's ViT-B, two fusion blocks, fine-tuned on HQSeg-44K",
        _OFFICIAL_LICENCE,
        456_000_000,
        "vitb_sa2_cocolvis_hq44k_epoch_0.pth",
    ),
}


def list_models() -> list[ModelInfo]:
    """List the models that :func:`load_model` knows by name.

    Returns
    -------
    list of ModelInfo
        Name, description, licence, size, and the file if it is on this machine.

    Examples
    --------
    >>> from napari_segnext import list_models
    >>> [model.name for model in list_models()]
    ['segnext-lite', 'vitb_sax1', 'vitb_sax2', 'vitb_sax2_hq']
    """
    return [_info(name, entry) for name, entry in _REGISTRY.items()]


def load_model(name_or_path: str | os.PathLike[str] = DEFAULT_MODEL) -> Model:
    """Load a model by its name, or from a file.

    Parameters
    ----------
    name_or_path : str or path
        "segnext-lite" (comes with the package), "vitb_sax1", "vitb_sax2" or
        "vitb_sax2_hq" (official weights, which you put into the models folder), or
        the path of an official ``.pth`` or of one of our ``.safetensors`` files.

    Returns
    -------
    Model

    Raises
    ------
    CheckpointError
        If there is no such model or file, or the file is damaged, unsafe or of
        another architecture. Nothing in a file is ever executed.
    """
    from napari_segnext.core.checkpoints import read_checkpoint

    entry = _REGISTRY.get(name_or_path) if isinstance(name_or_path, str) else None
    if entry is None:
        path = Path(name_or_path).expanduser()
        _check_file(path, str(name_or_path))
        return read_checkpoint(path, path.stem)
    name = str(name_or_path)
    info = _info(name, entry)
    if info.path is None:
        raise CheckpointError(_where_to_put(name, entry))
    return read_checkpoint(info.path, name)


def models_folders() -> list[Path]:
    """Folders in which official weights are looked for, in this order.

    Those of the environment variable NAPARI_SEGNEXT_MODELS first, then the user's data
    folder.
    """
    named = os.environ.get(MODELS_VARIABLE, "").split(os.pathsep)
    return [
        *(Path(folder).expanduser() for folder in named if folder),
        user_data_path("napari-segnext", appauthor=False) / "models",
    ]


def _info(name: str, entry: _Entry) -> ModelInfo:
    path = _find(entry)
    size = entry.size_bytes if path is None else path.stat().st_size
    return ModelInfo(name, entry.description, entry.licence, size, path)


def _find(entry: _Entry) -> Path | None:
    if entry.embedded:
        # the package is always installed as files: napari's own manifest needs that too
        folders = [Path(str(resources.files("napari_segnext") / "weights"))]
    else:
        folders = models_folders()
    return next(
        (folder / entry.file for folder in folders if (folder / entry.file).is_file()),
        None,
    )


def _where_to_put(name: str, entry: _Entry) -> str:
    if entry.embedded:
        return (
            f"The weights of {name} are missing from the installation; "
            "reinstall napari-segnext."
        )
    return (
        f"The weights of {name} are not on this machine: get '{entry.file}' from the "
        f"SegNext authors (github.com/uncbiag/SegNext) and put it into "
        f"{models_folders()[-1]}, or set {MODELS_VARIABLE} to the folder it is in."
    )


def _check_file(path: Path, given: str) -> None:
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        is_folder = is_file = False
    if is_folder:
        raise CheckpointError(
            f"'{given}' is a folder; give the .pth or .safetensors file in it."
        )
    if not is_file:
        raise CheckpointError(
            f"There is no model and no file '{given}'; the models are "
            f"{', '.join(_REGISTRY)}, or give the path of a .pth or .safetensors file."
        )
