"""What is told in the place of a session's hint, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_segnext.session.session import Session

__all__ = ["Notice"]


class Notice:
    """A sentence that holds until something else is the case in the session."""

    def __init__(self) -> None:
        self._sentence = ""
        self._moment: object = None

    def tell(self, sentence: str, session: Session | None) -> None:
        """Say `sentence`; "" says nothing more."""
        self._sentence, self._moment = sentence, _moment(session)

    def hint(self, session: Session | None) -> str:
        """Return what holds now: the sentence, or the session's own hint."""
        if session is None:
            return ""
        if self._sentence and self._moment == _moment(session):
            return self._sentence
        return session.hint


def _moment(session: Session | None) -> object:
    """Return what the sentence is about, to be compared; it keeps nothing alive."""
    if session is None:
        return None
    return (
        id(session),
        session.hint,
        session.plane,
        session.undo_text,
        session.redo_text,
        session.polarity,
        session.tool,
    )
