"""Who writes a file: the system lets go of a lock, however a process ends."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING

from psutil import NoSuchProcess, Process

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_written", "lock"]


def lock(file: IO[bytes]) -> bool | None:
    """Keep a file until it is closed.

    Returns
    -------
    bool or None
        False where another one has it; None where the system or the disk knows no
        locks.
    """
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_written(path: Path, process: int | None = None) -> bool:
    """Whether a session writes a journal now, here or in another process.

    Parameters
    ----------
    path : Path
        The journal.
    process : int, optional
        Number of the process that wrote it last. It is asked for only where there are
        no locks: numbers come again, always the same ones in a container.
    """
    with path.open("rb") as file:
        is_free = lock(file)
    if is_free is not None:
        return not is_free
    try:
        begun = Process(process).create_time() if process is not None else None
    except NoSuchProcess:
        return False
    return begun is not None and begun <= path.stat().st_mtime
