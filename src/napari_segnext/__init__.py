"""Interactive segmentation with SegNext in napari.

Everything resolves lazily: importing the package imports neither torch nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_segnext import errors as errors
    from napari_segnext.core.features import Features as Features
    from napari_segnext.core.models import list_models as list_models
    from napari_segnext.core.models import load_model as load_model
    from napari_segnext.core.postprocess import PostProcess as PostProcess
    from napari_segnext.core.prediction import Prediction as Prediction
    from napari_segnext.core.predictor import Predictor as Predictor
    from napari_segnext.core.prompt_map import PromptStyle as PromptStyle
    from napari_segnext.core.prompt_map import prompt_map as prompt_map
    from napari_segnext.core.prompts import Box as Box
    from napari_segnext.core.prompts import Click as Click
    from napari_segnext.core.prompts import Mask as Mask
    from napari_segnext.core.prompts import Polygon as Polygon
    from napari_segnext.core.prompts import Prompts as Prompts
    from napari_segnext.core.prompts import Scribble as Scribble
    from napari_segnext.core.prompts import Stroke as Stroke
    from napari_segnext.evaluation.evaluate import evaluate as evaluate
    from napari_segnext.evaluation.robot import next_click as next_click
    from napari_segnext.session.planes import PlaneKey as PlaneKey
    from napari_segnext.session.recovering import recover as recover
    from napari_segnext.session.session import Session as Session

_HOME_OF = {
    "list_models": "core.models",
    "load_model": "core.models",
    "Features": "core.features",
    "PostProcess": "core.postprocess",
    "Prediction": "core.prediction",
    "Predictor": "core.predictor",
    "PromptStyle": "core.prompt_map",
    "prompt_map": "core.prompt_map",
    "Box": "core.prompts",
    "Click": "core.prompts",
    "Mask": "core.prompts",
    "Polygon": "core.prompts",
    "Prompts": "core.prompts",
    "Scribble": "core.prompts",
    "Stroke": "core.prompts",
    "evaluate": "evaluation.evaluate",
    "next_click": "evaluation.robot",
    "PlaneKey": "session.planes",
    "recover": "session.recovering",
    "Session": "session.session",
}

__all__ = [*_HOME_OF, "errors"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("napari_segnext.errors")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'napari_segnext' has no attribute {name!r}")
    value = getattr(import_module(f"napari_segnext.{home}"), name)
    globals()[name] = value  # so that the second look-up is a plain one
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
