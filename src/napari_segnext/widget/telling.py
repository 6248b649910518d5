"""What is told in the place of a session's hint, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_segnext.session.session import Session

__all__ = ["Notice"]


class Notice:
    """A sentence that holds until something else is the case in the session.

    One told while a prediction runs outlives its answer, else it would be gone before
    it is read: the next act ends it.
    """

    def __init__(self) -> None:
        self._sentence = ""
        self._acts: object = None
        self._hint: str | None = None

    def tell(self, sentence: str, session: Session | None) -> None:
        """Say `sentence`; "" says nothing more."""
        self._sentence, self._acts = sentence, _acts(session)
        self._hint = None if session is None or session.is_busy else session.hint

    def hint(self, session: Session | None) -> str:
        """Return what holds now: the sentence, or the session's own hint."""
        if session is None:
            return ""
        if self._hint not in (None, session.hint) or self._acts != _acts(session):
            self._sentence = ""
        return self._sentence or session.hint


def _acts(session: Session | None) -> object:
    """Return what acts change, to be compared; it keeps nothing alive."""
    if session is None:
        return None
    return (
        id(session),
        session.plane,
        session.undo_depth,
        session.polarity,
        session.tool,
    )
