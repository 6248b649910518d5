"""A target with room for more labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import LayerError
from napari_segnext.session.adopting import check_writable
from napari_segnext.session.reviewing import Reviewing

if TYPE_CHECKING:
    from napari.layers import Labels

__all__ = ["Widening", "widen"]

_WIDER = {
    np.dtype(narrow): np.dtype(wide)
    for narrow, wide in (
        (np.uint8, np.uint16),
        (np.uint16, np.uint32),
        (np.uint32, np.uint64),
        (np.int8, np.int16),
        (np.int16, np.int32),
        (np.int32, np.int64),
    )
}


class Widening(Reviewing):
    """The part of `Session` that makes room for more labels; see there."""

    def widen_target(self) -> np.dtype[Any]:
        """Give the target a wider type, so that it holds more labels.

        From uint8 to uint16 to uint32, and so on. The layer stays the same one, with
        its values; what was done can be undone as before, here and by napari. It is no
        act: undoing leaves the type as it is.

        Returns
        -------
        numpy.dtype
            The type that it has now.

        Raises
        ------
        LayerError
            If it cannot be wider, cannot be written, or is kept in a file.
        """
        self._sync()
        widen(self._target.layer)
        self._target.accept_as_is()
        self._update()
        return np.dtype(self._target.layer.data.dtype)


def widen(layer: Labels) -> None:
    """Give a layer the next wider type of label.

    napari's own undo history stays: it holds pixels and values, and they are the same.

    Raises
    ------
    LayerError
        See `Widening.widen_target`.
    """
    check_writable(layer)
    data = layer.data
    dtype = np.dtype(data.dtype)
    if dtype not in _WIDER:
        raise LayerError(
            f"The labels {layer.name!r} ({dtype}) cannot be wider; delete or merge "
            "objects to make room."
        )
    if not isinstance(data, np.ndarray) or _is_in_a_file(data):
        raise LayerError(
            f"The labels {layer.name!r} are kept in a file and not in memory; save "
            f"them as {_WIDER[dtype]} and open them again."
        )
    layer.data = data.astype(_WIDER[dtype])


def _is_in_a_file(data: Any) -> bool:
    while data is not None:
        if isinstance(data, np.memmap):
            return True
        data = getattr(data, "base", None)
    return False
