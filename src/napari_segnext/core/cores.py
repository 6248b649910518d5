"""How many cores there are to be used; free of torch, so that asking is cheap."""

from __future__ import annotations

import os

__all__ = ["count_cores"]


def count_cores() -> int:
    """Return the cores that this process may run on, at least 1.

    A container or a cluster often lends fewer than the machine has.
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
