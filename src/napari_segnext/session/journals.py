"""Where journals are on disk."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from platformdirs import user_data_path

from napari_segnext.session.locks import is_written

__all__ = [
    "JOURNALS_VARIABLE",
    "MOST_LOOKED_AT",
    "journals_folder",
    "list_journals",
    "new_journal_path",
]

JOURNALS_VARIABLE = "NAPARI_SEGNEXT_JOURNALS"
MOST_LOOKED_AT = 8
"""How many of the newest journals may be offered to be recovered."""
_SUFFIX = ".journal"
_MOST_FILES = 30
_MOST_BYTES = 500 * 2**20


def journals_folder() -> Path:
    """Where journals go: what the environment says, or the user's data folder."""
    named = os.environ.get(JOURNALS_VARIABLE)
    if named:
        return Path(named).expanduser()
    return user_data_path("napari-segnext", appauthor=False) / "journals"


def new_journal_path(image: str) -> Path:
    """Return a file that is not there yet, named by time and image.

    The oldest files are removed where there are more than 30, or than 500 MB of them;
    not the newest ones, however large, and none that a session writes.
    """
    folder = journals_folder()
    _prune()
    now = datetime.now(UTC).astimezone().strftime("%Y-%m-%d_%H-%M-%S")
    name = "".join(c if c.isalnum() else "-" for c in image)[:40].strip("-") or "image"
    return folder / f"{now}_{name}_{token_hex(3)}{_SUFFIX}"


def list_journals() -> list[Path]:
    """Return the journals in the folder, the one written last first."""
    times: dict[Path, float] = {}
    for path in journals_folder().glob(f"*{_SUFFIX}"):
        with suppress(OSError):  # another process removed it just now
            times[path] = path.stat().st_mtime
    return sorted(times, key=lambda path: times[path], reverse=True)


def _prune() -> None:
    total = 0
    for index, path in enumerate(list_journals()):
        with suppress(OSError):  # gone, or open on Windows: another time
            total += path.stat().st_size
            is_much = total > _MOST_BYTES and index >= MOST_LOOKED_AT
            if (is_much or index >= _MOST_FILES - 1) and not is_written(path):
                path.unlink()
