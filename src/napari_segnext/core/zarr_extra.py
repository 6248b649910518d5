"""zarr, which not everybody has: encoded windows on disk and .zarr files need it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from napari_segnext.errors import SegNextError

__all__ = ["NO_ZARR", "has_zarr", "import_zarr"]

NO_ZARR = "zarr is not installed; pip install napari-segnext[zarr]."


def has_zarr() -> bool:
    """Whether it is installed; it is not imported."""
    return find_spec("zarr") is not None


def import_zarr() -> Any:
    """Return the module.

    Raises
    ------
    SegNextError
        If it is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise SegNextError(f"This needs zarr: {NO_ZARR}") from error
    return zarr
