"""Which device the network runs on."""

from __future__ import annotations

import torch

from napari_segnext.errors import SegNextError

__all__ = ["find_device"]


def find_device(name: str) -> torch.device:
    """Return a torch device by name; "auto" is cuda, mps or cpu.

    Raises
    ------
    SegNextError
        If the device cannot be used here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SegNextError(
            f"The device {name!r} cannot be used here; "
            'use "cpu", or "auto" for the best there is.'
        ) from error
    return device
