"""Weights files: read with every check, written atomically.

Two formats are read. The official ``.pth`` is ``{'state_dict', 'config'}`` in torch's
pickle, read by torch's restricted reader, which executes nothing. Our own
``.safetensors`` holds half-precision weights, and the configuration as JSON in its
metadata: ``format``, ``kind``, ``config``, ``model``.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from napari_segnext.core.models import Model
from napari_segnext.errors import CheckpointError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from napari_segnext.core.prompt_map import PromptStyle
    from napari_segnext.core.vit_config import ViTConfig

__all__ = ["read_checkpoint", "save_safetensors"]

_FORMAT = "napari-segnext"
_OFFICIAL_THRESHOLD = 0.49
_REFUSED_BY_TORCH = ("Unsupported global", "Unsupported class", "allowed global")
_BAD_METADATA = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    SegNextError,
    TypeError,
    ValueError,
)
_NAMED = 3  # how many keys a message names


def read_checkpoint(path: Path, name: str) -> Model:
    """Load the weights file `path` as the model `name`.

    Raises
    ------
    CheckpointError
        If the file is damaged, unsafe, or of another architecture.
    """
    try:
        if not path.stat().st_size:
            raise CheckpointError(f"'{path.name}' is empty; get the file again.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(
            f"'{path}' cannot be read ({error.strerror}); check its permissions."
        ) from error
    try:
        if path.suffix.lower() == ".safetensors":
            return _read_safetensors(path, name, digest)
        return _read_official(path, name, digest)
    except CheckpointError as error:
        raise CheckpointError(f"'{path.name}' cannot be used. {error}") from error


def save_safetensors(
    path: str | os.PathLike[str],
    network: nn.Module,
    *,
    kind: Literal["vit", "lite"],
    config: Mapping[str, Any],
    model: Mapping[str, Any],
) -> None:
    """Write a network's weights in half precision, whole or not at all.

    Parameters
    ----------
    path : path
        The file, which ends in ``.safetensors``; replaced if it exists.
    network : torch.nn.Module
        Its state dict is written.
    kind : {"vit", "lite"}
        The class of the network.
    config : mapping
        Arguments of its configuration, plain values.
    model : mapping
        ``threshold``, ``mean``, ``std`` and ``style`` (arguments of PromptStyle) as
        :func:`load_model` needs them; ``name``, ``licence`` and whatever else is worth
        saying.

    Raises
    ------
    CheckpointError
        If the weights do not fit into half precision, or the file cannot be written.
    """
    import torch
    from safetensors.torch import save

    path = Path(path)
    weights = {
        key: value.detach().to("cpu", torch.float16).contiguous()
        for key, value in network.state_dict().items()
    }
    _check_finite(weights, "after rounding to half precision; train with less extremes")
    metadata = {
        "format": _FORMAT,
        "kind": kind,
        "config": json.dumps(dict(config)),
        "model": json.dumps(dict(model)),
    }
    content = save(weights, metadata)
    temporary: str | None = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # weights are for everybody to read
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise CheckpointError(
            f"'{path}' cannot be written ({error.strerror}); choose another folder."
        ) from error


def _read_official(path: Path, name: str, digest: str) -> Model:
    import torch

    from napari_segnext.core.network import SegNext
    from napari_segnext.core.prompt_map import PromptStyle
    from napari_segnext.core.vit_config import ViTConfig

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged pickles raise nearly anything
        unsafe = any(words in str(error) for words in _REFUSED_BY_TORCH)
        raise CheckpointError(
            "It holds objects that could run code, and was not opened further; use "
            "the file as the SegNext authors released it."
            if unsafe
            else "It is damaged, incomplete or no torch checkpoint at all; "
            "get the file again."
        ) from error
    if not (
        isinstance(content, dict)
        and isinstance(content.get("state_dict"), dict)
        and isinstance(content.get("config"), dict)
    ):
        raise CheckpointError(
            "It is not an official SegNext checkpoint, which has the entries "
            "'state_dict' and 'config'; use a file as the SegNext authors released it."
        )
    config = ViTConfig.from_dict(content["config"])
    with torch.device("meta"):
        network = SegNext(config)
    _load_weights(network, content["state_dict"])
    style = PromptStyle(click_radius=config.norm_radius)
    return _vit(name, network, config, _OFFICIAL_THRESHOLD, style, digest)


def _vit(
    name: str,
    network: nn.Module,
    config: ViTConfig,
    threshold: float,
    style: PromptStyle,
    digest: str,
) -> Model:
    if not config.use_disks:
        raise CheckpointError(
            "Its clicks are distance maps, which are not supported; "
            "use a checkpoint whose configuration has use_disks."
        )
    return Model(
        name=name,
        network=network,
        kind="vit",
        config=config.to_dict(),
        threshold=threshold,
        style=style,
        digest=digest,
        default_window="whole",
        mean=cast("tuple[float, float, float]", config.mean),
        std=cast("tuple[float, float, float]", config.std),
        size=config.img_size,
    )


def _read_safetensors(path: Path, name: str, digest: str) -> Model:
    import torch
    from safetensors import SafetensorError, safe_open

    from napari_segnext.core.prompt_map import PromptStyle

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            "It is damaged, incomplete or no safetensors file at all; "
            "get the file again."
        ) from error
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(
            "It was not made by napari-segnext (its metadata has no format "
            f"'{_FORMAT}'); use a file written by `napari-segnext train`."
        )
    try:
        config, model = (json.loads(metadata[key]) for key in ("config", "model"))
        threshold = float(model["threshold"])
        mean, std = _triple(model["mean"]), _triple(model["std"])
        style = PromptStyle(**model["style"])
        if not 0 < threshold < 1:
            raise ValueError(f"threshold {threshold}")
        if metadata["kind"] == "vit":
            from napari_segnext.core.network import SegNext
            from napari_segnext.core.vit_config import ViTConfig

            vit_config = ViTConfig.from_dict(config)
            with torch.device("meta"):
                vit = SegNext(vit_config)
            _load_weights(vit, weights)
            return _vit(name, vit, vit_config, threshold, style, digest)
        if metadata["kind"] != "lite":
            raise ValueError(f"kind {metadata['kind']}")
        from napari_segnext.core.lite import LiteConfig, SegNextLite

        lite_config = LiteConfig(**config)
        with torch.device("meta"):
            network = SegNextLite(lite_config)
    except CheckpointError:
        raise
    except _BAD_METADATA as error:
        raise CheckpointError(
            f"Its metadata cannot be understood ({type(error).__name__}: {error}); "
            "get the file again, or update napari-segnext."
        ) from error
    _load_weights(network, weights)
    return Model(
        name=name,
        network=network,
        kind="lite",
        config=config,
        threshold=threshold,
        style=style,
        digest=digest,
        default_window="auto",
        mean=mean,
        std=std,
        size=lite_config.size,
    )


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _load_weights(network: nn.Module, weights: Mapping[str, Any]) -> None:
    """Check `weights` key by key and shape by shape, and put them into `network`."""
    import torch

    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    missing = [key for key in expected if key not in weights]
    unexpected = [str(key) for key in weights if key not in expected]
    other = [
        key
        for key, value in weights.items()
        if not (isinstance(value, torch.Tensor) and value.is_floating_point())
    ]
    misshapen = [
        f"{key} is {tuple(weights[key].shape)} instead of {shape}"
        for key, shape in expected.items()
        if key in weights and key not in other and tuple(weights[key].shape) != shape
    ]
    problems = [
        f"{what}: {_name_some(keys)}"
        for what, keys in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("not weights", [str(key) for key in other]),
            ("of another shape", misshapen),
        )
        if keys
    ]
    if problems:
        raise CheckpointError(
            f"Its weights do not fit its configuration ({'; '.join(problems)}); "
            "use a checkpoint and configuration that belong together."
        )
    plain = {key: weights[key].to("cpu", torch.float32) for key in expected}
    _check_finite(plain, "so the file is damaged or training diverged; use another")
    network.load_state_dict(plain, assign=True)  # the network is on no device yet
    network.eval().requires_grad_(False)


def _check_finite(weights: Mapping[str, Tensor], remedy: str) -> None:
    bad = [key for key, value in weights.items() if not bool(value.isfinite().all())]
    if bad:
        raise CheckpointError(
            f"There are weights that are not finite ({_name_some(bad)}), {remedy}."
        )


def _name_some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return ", ".join(keys[:_NAMED]) + more
