"""The section of the panel for the accepted objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel

from napari_segnext.widget import text
from napari_segnext.widget.parts import Section, quietly

if TYPE_CHECKING:
    from napari_segnext.session.objects import ObjectInfo
    from napari_segnext.session.session import Session

__all__ = ["ObjectsSection"]

_ABOUT_FOCUS = ("edit", "delete", "merge", "reviewed")
_ABOUT_ANY = ("previous_object", "next_object", "cut")


class ObjectsSection(Section):
    """Go from object to object, review, correct, join and cut them.

    Attributes
    ----------
    count : QLabel
        How many there are, and how many of them are to be reviewed.
    focus : QLabel
        The one in focus.
    """

    def __init__(self) -> None:
        super().__init__(text.OBJECTS, text.OBJECTS_TIP)
        self.count = QLabel()
        self.count.setWordWrap(True)
        self.focus = QLabel()
        self.focus.setToolTip(text.FOCUS_TIP)
        self.reviewed = self.add_switch("reviewed", text.REVIEWED_SWITCH)
        self.several = self.add_switch("several", text.SEVERAL_SWITCH)
        self.add_line(self.count)
        self.add_line(*map(self.add_action, ("previous_object", "next_object")))
        self.add_line(self.add_action("next_unreviewed"))
        self.add_line(self.focus, self.reviewed)
        self.add_line(*map(self.add_action, ("edit", "delete")))
        self.add_line(*map(self.add_action, ("merge", "cut")))
        self.add_line(self.several)

    def show_session(
        self, session: Session | None, objects: dict[int, ObjectInfo]
    ) -> None:
        """Show what there is in `session`.

        Parameters
        ----------
        session : Session or None
            The session; without one everything is disabled.
        objects : dict of int to ObjectInfo
            Its objects.
        """
        accepted = {
            label: it.reviewed for label, it in objects.items() if it.state != "open"
        }
        focus = None if session is None else session.focus
        to_review = sum(not reviewed for reviewed in accepted.values())
        self.show_tips()
        self.body.setEnabled(session is not None)
        count = text.counted(text.OBJECTS_COUNT, len(accepted), to_review=to_review)
        self.count.setText(count)
        self.focus.setText(
            text.NO_FOCUS if focus is None else text.FOCUS.format(label=focus)
        )
        for name in _ABOUT_FOCUS:
            self.controls[name].setEnabled(focus is not None)
        for name in _ABOUT_ANY:
            self.controls[name].setEnabled(bool(objects))
        self.controls["next_unreviewed"].setEnabled(bool(to_review))
        with quietly(self.reviewed, self.several):
            # an object that is open for editing is reviewed when it is accepted
            self.reviewed.setChecked(focus is not None and accepted.get(focus, False))
            self.several.setChecked(session is not None and session.each)
