"""The moments at which what is on disk changes, counted."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from tubes import BrightPredictor

from napari_segnext.commands.propagation import journal
from napari_segnext.commands.propagation.labels import TiffLabels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ACTS = (
    (Path, "replace"),  # chunks of a zarr, too
    (Path, "unlink"),
    (shutil, "rmtree"),
    (os, "fsync"),
    (TiffLabels, "write"),
    (BrightPredictor, "predict_many"),
    (journal, "_line"),
)


@contextmanager
def watched(on_moment: Callable[[int], object], *without: Any) -> Iterator[None]:
    """Call `on_moment` with a running number before and after every act.

    Acts of the owners in `without` are left out.
    """
    numbers = count()
    with ExitStack() as patches:
        for owner, name in _ACTS:
            if owner in without:
                continue
            act = getattr(owner, name)
            patches.enter_context(
                mock.patch.object(owner, name, _watch(act, numbers, on_moment))
            )
        yield


def _watch(act: Any, numbers: Iterator[int], on_moment: Callable[[int], object]) -> Any:
    def acted(*args: Any, **kwargs: Any) -> Any:
        on_moment(next(numbers))
        result = act(*args, **kwargs)
        on_moment(next(numbers))
        return result

    return acted
