"""The key for several objects at once: tapped it switches, held it is for once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.settings import get_settings

if TYPE_CHECKING:
    from napari_segnext.session.session import Session

__all__ = ["SeveralKey"]


class SeveralKey:
    """One press of the key, from down to up.

    Tapped, it switches between one object and several. Held while prompts are made, it
    makes several objects of these, and the session goes back to one after accept. How
    long "held" is, napari's Preferences say.
    """

    def __init__(self) -> None:
        self._session: Session | None = None
        self._switched_on = False

    @property
    def is_down(self) -> bool:
        """Whether it was pressed, and not refused."""
        return self._session is not None

    def press(self, session: Session) -> None:
        """Switch several objects on, so that the first prompt counts already.

        Raises
        ------
        PromptError
            If an object is open.
        """
        self._session = None  # where this raises, letting the key go does nothing
        self._switched_on = not session.each
        session.each = True
        self._session = session

    def release(self, session: Session, held_s: float) -> None:
        """Keep what the press switched on, for good or for once, or switch it off.

        Parameters
        ----------
        session : Session
            Nothing happens if it is another one than at the press.
        held_s : float
            Seconds since the press.

        Raises
        ------
        PromptError
            If a tap is to go back to one object while several are open.
        """
        began_in, self._session = self._session, None
        if began_in is not session:
            return
        session.sync()
        is_tap = held_s < get_settings().application.hold_button_delay
        if not self._switched_on:
            if is_tap:
                session.each = False
        elif session.can_clear:  # prompts came while it was held
            session.each_once = True
        elif not is_tap:
            session.each = False
