"""What a run has done so far, on disk: enough to go on exactly where it was.

The first line says what the run is about and holds the keyed masks, every other line
one step. A line counts once it is whole: it ends in a line break and begins with the
checksum of the rest. What a kill left of the last one is cut off.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from napari_segnext.core.bits import pack, unpack
from napari_segnext.core.patches import Patch
from napari_segnext.core.propagation import Ending, Slice, Step
from napari_segnext.errors import JournalError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping
    from pathlib import Path

    from napari_segnext.commands.propagation.keys import Keys

__all__ = ["Journal", "Record", "run_digest"]

_FORMAT = "napari-segnext propagate 1"
_Plain = dict[str, Any]

Record = tuple[Step, int]
"""A step, and the checksum of the slice that it was found on."""


def run_digest(identity: Mapping[str, Any]) -> str:
    """SHA-256 of what runs must have in common to be one."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


class Journal:
    """A journal that is open for more; make one with :meth:`begin` or :meth:`go_on`.

    Parameters
    ----------
    path : Path
        The file.
    identity : dict
        What a run that goes on must have in common; plain values.
    keys : dict
        Keyed masks by label and slice.
    checks : dict of int to int
        Checksums of the keyed slices.
    """

    def __init__(
        self, path: Path, identity: _Plain, keys: Keys, checks: dict[int, int]
    ) -> None:
        self.path = path
        self.identity = identity
        self.keys = keys
        self.checks = checks
        self._file = _open_locked(path)

    @classmethod
    def begin(
        cls, path: Path, identity: _Plain, keys: Keys, checks: dict[int, int]
    ) -> Self:
        """Write a new journal, whole or not at all, in place of one that is there.

        Raises
        ------
        JournalError
            If it cannot be written, or another run is writing it.
        """
        header = {
            "format": _FORMAT,
            "identity": identity,
            "checks": {str(index): check for index, check in checks.items()},
            "keys": {
                str(label): {str(index): _to_plain(mask) for index, mask in one.items()}
                for label, one in keys.items()
            },
        }
        partial = path.with_name(f"{path.name}.partial")
        if path.exists():
            _open_locked(path).close()
        try:
            with partial.open("wb") as file:
                file.write(_line(header))
                _sync(file)
            partial.replace(path)
            return cls(path, identity, keys, checks)
        except OSError as error:
            raise _cannot_write(path, error) from error

    @classmethod
    def go_on(cls, path: Path) -> Self:
        """Open a journal that is there; what is torn off at its end is cut away.

        Raises
        ------
        JournalError
            If it cannot be read or is none of this version.
        """
        remedy = "take it away or give --overwrite to begin anew."
        try:
            end = 0
            header: _Plain | None = None
            with path.open("rb") as file:
                for line in file:
                    content = _content(line)
                    if content is None:
                        break
                    header = header or content
                    end += len(line)
                torn = file.read(1) != b""
        except OSError as error:
            raise JournalError(f"{path} cannot be read: {error.strerror}.") from error
        if torn:  # only the last line can be what a kill left
            raise JournalError(f"{path} is damaged; {remedy}")
        if header is None or header.get("format") != _FORMAT:
            raise JournalError(
                f"{path} is no journal of this version's `propagate`; {remedy}"
            )
        if end < path.stat().st_size:
            with path.open("r+b") as file:
                file.truncate(end)
        keys = {
            int(label): {int(index): _to_patch(mask) for index, mask in one.items()}
            for label, one in header["keys"].items()
        }
        checks = {int(index): check for index, check in header["checks"].items()}
        return cls(path, header["identity"], keys, checks)

    def records(self) -> Iterator[Record]:
        """Read the steps in their order, one at a time."""
        self._file.flush()
        with self.path.open("rb") as file:
            next(file)  # the header
            for line in file:
                content = _content(line)
                if content is None:
                    raise JournalError(
                        f"{self.path} was changed while it was read; start again."
                    )
                yield _to_step(content), content["check"]

    def add(self, step: Step, check: int) -> None:
        """Write a step down; it is on disk when this returns.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        try:
            self._file.write(_line({**_from_step(step), "check": check}))
            _sync(self._file)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def close(self) -> None:
        """Close the file, which stays."""
        self._file.close()

    def remove(self) -> None:
        """Close the file and take it away."""
        self.close()
        self.path.unlink(missing_ok=True)


def _line(content: _Plain) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _content(line: bytes) -> _Plain | None:
    """Return what a line holds, or None if it is not whole."""
    if not line.endswith(b"\n") or b"%08x" % zlib.crc32(line[9:-1]) != line[:8]:
        return None
    content = json.loads(line[9:])
    return content if isinstance(content, dict) else None


def _open_locked(path: Path) -> BinaryIO:
    """Open a file for more, and keep other processes out.

    The system lets go of it, however this process ends.
    """
    file = path.open("ab")
    try:
        if sys.platform != "win32":  # there, an open file cannot be replaced anyway
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise JournalError(
            f"Another run is writing {path} now; wait for it, or stop it first."
        ) from error
    return file


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _cannot_write(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path} cannot be written ({error.strerror}); free some space and give the "
        "same command again, or choose another --out."
    )


def _to_plain(mask: Patch | Slice) -> _Plain:
    bits = zlib.compress(pack(mask.crop), 1)
    return {"region": list(mask.region), "bits": base64.b64encode(bits).decode()}


def _to_patch(content: _Plain) -> Patch:
    row0, col0, row1, col1 = content["region"]
    region = (row0, col0, row1, col1)
    bits = zlib.decompress(base64.b64decode(content["bits"]))
    return Patch(region, unpack(bits, region))


def _from_step(step: Step) -> _Plain:
    return {
        "index": step.index,
        "answers": {
            str(label): {
                **_to_plain(one),
                "figures": [one.score, one.confidence, one.agreement],
            }
            for label, one in step.answers.items()
        },
        "endings": {str(label): one.reason for label, one in step.endings.items()},
        "progress": [step.done, step.total],
    }


def _to_step(content: _Plain) -> Step:
    index = content["index"]
    answers: dict[Hashable, Slice] = {}
    for label, one in content["answers"].items():
        patch = _to_patch(one)
        answers[int(label)] = Slice(patch.region, patch.crop, *one["figures"])
    endings: dict[Hashable, Ending] = {
        int(label): Ending(index, reason)
        for label, reason in content["endings"].items()
    }
    return Step(index, answers, endings, *content["progress"])
