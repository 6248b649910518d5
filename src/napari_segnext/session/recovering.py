"""A session from what a journal holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_segnext.errors import JournalError
from napari_segnext.session.adopting import check_image
from napari_segnext.session.journal import has_ended, read_journal
from napari_segnext.session.journals import MOST_LOOKED_AT, list_journals
from napari_segnext.session.layers import unwrapped
from napari_segnext.session.locks import is_written
from napari_segnext.session.planes import shape_of
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    import os

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_segnext.session.journal import Recording

__all__ = ["recover", "unfinished_journal"]


def recover(
    viewer: ViewerModel,
    image: Image,
    journal: str | os.PathLike[str],
    *,
    model: Any = None,
    **options: Any,
) -> Session:
    """Open a session with everything that was accepted or prompted before a crash.

    The labels come in a new layer; the open prompts are answered again, and undo and
    redo go on where they were. The journal is written on; a new one, where another
    session writes it.

    Parameters
    ----------
    viewer, image
        As for `Session`; the image that the journal is about.
    journal : path
        The file; `napari-segnext replay` lists them.
    model : optional
        See `Session`; by default the one of the journal.
    **options
        `device`, `window`, `contrast`, `auto_run`; see `Session`.

    Returns
    -------
    Session
        A new session.

    Raises
    ------
    JournalError
        If the file cannot be read, is no journal, or is about an image of another
        shape. Where only its end is damaged, all before that is recovered, and
        `Session.hint` says so.
    """
    recording = read_journal(journal)
    beginning = recording.beginning
    shape = shape_of(check_image(unwrapped(image)))
    if beginning.shape != shape:
        raise JournalError(
            f"The journal is about an image of shape {beginning.shape}, this one has "
            f"{shape}; open {beginning.image!r}."
        )
    chosen = beginning.model if model is None else model
    session = Session(viewer, image, chosen, journal=None, **options)
    try:
        session._recover(recording, Path(journal).absolute())
    except BaseException:
        session.close()
        raise
    return session


def unfinished_journal(image: Image) -> Recording | None:
    """Return the newest journal about `image` whose session never ended, if any.

    Sessions that go on, here or in another process, are not meant.

    Parameters
    ----------
    image : napari.layers.Image
        Its name and shape tell which journals are about it.
    """
    for path in list_journals()[:MOST_LOOKED_AT]:
        try:
            if has_ended(path):
                continue
            recording = read_journal(path)
            if is_written(path, recording.process):
                continue
        except (JournalError, OSError):
            continue
        beginning = recording.beginning
        if (beginning.image, beginning.shape) == (image.name, shape_of(image)):
            return recording
    return None
