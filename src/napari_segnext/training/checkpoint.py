"""``checkpoint.pt``: everything a restart needs, and a check that it is ours."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch

from napari_segnext.errors import CheckpointError
from napari_segnext.training.curves import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["NAME", "load_checkpoint", "save_checkpoint"]

NAME = "checkpoint.pt"
_FORMAT = "napari-segnext training 2"


def save_checkpoint(
    folder: Path, state: Mapping[str, Any], identity: Mapping[str, Any]
) -> None:
    """Write ``checkpoint.pt`` into `folder`, whole or not at all.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    state : mapping
        Tensors and plain values.
    identity : mapping
        What a run that goes on must have in common with this one; plain values.

    Raises
    ------
    CheckpointError
        If the file cannot be written.
    """
    buffer = io.BytesIO()  # torch turns a full disk into errors of many kinds
    torch.save({**state, "format": _FORMAT, "identity": dict(identity)}, buffer)
    write_whole(folder / NAME, buffer.getvalue())


def load_checkpoint(
    folder: Path, identity: Mapping[str, Any], device: str
) -> dict[str, Any] | None:
    """Read ``checkpoint.pt`` of `folder`; None if there is none.

    Raises
    ------
    CheckpointError
        If it is damaged, no checkpoint of a training, or of a run that differs in
        `identity`.
    """
    path = folder / NAME
    if not path.exists():
        return None
    remedy = "choose another --out, or take the file away to begin anew."
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # damaged pickles raise nearly anything
        raise CheckpointError(
            f"'{path}' is damaged or no checkpoint of a training; {remedy}"
        ) from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise CheckpointError(
            f"'{path}' is no checkpoint of this version's `napari-segnext train`; "
            f"{remedy}"
        )
    other = [key for key, value in identity.items() if state["identity"][key] != value]
    if other:
        raise CheckpointError(
            f"'{path}' belongs to a run with another {' and '.join(other)}; {remedy}"
        )
    return state
