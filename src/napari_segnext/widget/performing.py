"""What every action of `actions.ACTIONS` does in a session, without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from weakref import WeakMethod, ref

from napari_segnext.session.planes import go_to_plane
from napari_segnext.widget import text
from napari_segnext.widget.actions import TOOLS, key_of
from napari_segnext.widget.pointing import (
    bring_into_view,
    label_under_cursor,
    object_pointed_at,
    sources_of,
)
from napari_segnext.widget.volume_acts import VOLUME_ACTS, Extent

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_segnext.session.session import Session

__all__ = ["Performer", "Start"]

# what may come between the two presses of "merge"
_LOOKING = {
    *("merge", "preview", "sees"),
    *("next_object", "previous_object", "next_unreviewed", "next_worst"),
}


_EVERYWHERE = Extent()


class Start(Protocol):
    """Says where an object starts from if the mouse is over no label."""

    @property
    def layer(self) -> Labels | None:
        """The chosen layer, if any."""

    @property
    def label(self) -> int | None:
        """The chosen label; None is the one selected in the layer."""


class Performer:
    """Does actions by name.

    Parameters
    ----------
    viewer : ViewerModel
        Where the mouse is.
    accept : callable
        Accepts, asking the user where need be; a method, which is not kept alive.
    """

    def __init__(
        self, viewer: ViewerModel, accept: Callable[[Session], object]
    ) -> None:
        self._viewer = viewer
        self._accept = WeakMethod(accept)
        self._marked: tuple[ref[Session], int] | None = None

    def perform(
        self,
        name: str,
        session: Session,
        last_label: int | None,
        start: Start,
        extent: Extent = _EVERYWHERE,
    ) -> str:
        """Do what the action `name` says.

        Parameters
        ----------
        name : str
            A name of `actions.ACTIONS`, but "keys" and "export_table".
        session : Session
            In which.
        last_label : int or None
            The label accepted last.
        start : Start
            What "start_from_label" takes where the mouse does not say.
        extent : Extent
            Which slices propagation may write.

        Returns
        -------
        str
            What is to be told about it, if anything: why nothing happened, or what
            cannot be seen.

        Raises
        ------
        SegNextError
            If the session refuses.
        """
        if name not in _LOOKING:
            self._marked = None
        if name == "same_object":
            if last_label is not None:
                session.label = last_label
            return ""
        if name == "start_from_label":
            return self._start_from_label(session, start)
        if name in VOLUME_ACTS:
            return VOLUME_ACTS[name](session, extent)
        acts: dict[str, Callable[[Session], str | None]] = {
            "accept": self._do_accept,
            "polarity": lambda it: it.toggle_polarity(),
            "next_tool": lambda it: _step_tool(it, 1),
            "previous_tool": lambda it: _step_tool(it, -1),
            "undo": _undo,
            "redo": _redo,
            "clear": lambda it: it.clear(),
            "run": lambda it: it.run(),
            "preview": _toggle_preview,
            "several": _toggle_several,
            "sees": _toggle_sees,
            "edit": self._edit,
            "delete": self._delete,
            "merge": self._merge,
            "cut": self._cut,
            "next_object": lambda it: self._go(it, 1),
            "previous_object": lambda it: self._go(it, -1),
            "next_unreviewed": lambda it: self._go(it, 1, unreviewed=True),
            "reviewed": self._review,
        }
        return acts[name](session) or ""

    def _do_accept(self, session: Session) -> str:
        accept = self._accept()
        if accept is None:
            return ""
        accept(session)
        return "" if session.target.visible else text.ACCEPTED_UNSEEN

    # ---- accepted objects

    def _edit(self, session: Session) -> str:
        label = object_pointed_at(self._viewer, session)
        if label is None:
            return text.NO_OBJECT_HERE
        found = session.objects.get(label)
        if found is not None and found.state == "open":
            return text.OPEN_ALREADY.format(label=label)
        drops = session.can_clear
        session.edit(label)
        return text.EDIT_DROPPED if drops else ""

    def _delete(self, session: Session) -> str:
        label = object_pointed_at(self._viewer, session)
        if label is None:
            return text.NO_OBJECT_HERE
        session.delete(label)
        return text.DELETED.format(label=label)

    def _merge(self, session: Session) -> str:
        label = object_pointed_at(self._viewer, session)
        if label is None:
            return text.NO_OBJECT_HERE
        first = self.marked(session)
        self._marked = None
        if first is None:
            self._marked = ref(session), label
            return text.MARKED.format(label=label, key=key_of("merge"))
        if first == label:
            return text.UNMARKED.format(label=label)
        return text.MERGED.format(label=session.merge([first, label]))

    def marked(self, session: Session) -> int | None:
        """Return the object that was marked to be merged, if it is still there."""
        if self._marked is None:
            return None
        where, label = self._marked
        return label if where() is session and label in session.objects else None

    def _cut(self, session: Session) -> None:
        if session.tool == "cut":
            if session.stop_cutting() is None:
                session.activate("point")
        else:
            session.activate("cut")

    def _go(self, session: Session, step: int, unreviewed: bool = False) -> str:
        label = session.next_object(step, unreviewed=unreviewed)
        if label is None:
            return text.NONE_UNREVIEWED if unreviewed else text.NO_OBJECTS
        bring_into_view(self._viewer, session, label)
        return text.AT_OBJECT.format(label=label)

    def go_to(self, session: Session, label: int) -> str:
        """Go to an object that was chosen, and bring it into view.

        Raises
        ------
        SegNextError
            If it is gone.
        """
        found = session.objects.get(label)
        if found is not None and found.state == "open":
            if found.keyed and session.plane not in found.keyed:
                go_to_plane(self._viewer.dims, session.image, found.keyed[0])
            return text.OPEN_ALREADY.format(label=label)
        session.go_to_object(label)
        bring_into_view(self._viewer, session, label)
        return text.AT_OBJECT.format(label=label)

    def _review(self, session: Session) -> str:
        # the one in focus first: on the way from one to the next the mouse rests
        label = session.focus
        if label is None:
            label = object_pointed_at(self._viewer, session)
        if label is None:
            return text.NO_OBJECT_HERE
        reviewed = not session.objects[label].reviewed
        session.review(label, reviewed)
        return (text.REVIEWED if reviewed else text.UNREVIEWED).format(label=label)

    # ---- prompts

    def _start_from_label(self, session: Session, start: Start) -> str:
        chosen = start.layer
        for layer in [chosen] if chosen is not None else sources_of(self._viewer):
            label = label_under_cursor(self._viewer, layer)
            if label and layer.visible:
                session.add_label(layer, label)
                return ""
        if self._viewer.mouse_over_canvas:
            return text.NO_LABEL_HERE
        if chosen is None:
            return text.CHOOSE_LABELS
        session.add_label(chosen, start.label)
        return ""


def _step_tool(session: Session, step: int) -> None:
    names = list(TOOLS)
    if session.tool in names:
        index = names.index(session.tool) + step
    else:
        index = 0 if step > 0 else -1
    session.activate(names[index % len(names)])


def _undo(session: Session) -> str:
    if not session.can_undo:
        return text.NO_UNDO
    session.undo()  # what keeps it from doing so is told by the session's `error`
    return ""


def _redo(session: Session) -> str:
    if not session.can_redo:
        return text.NO_REDO
    session.redo()
    return ""


def _toggle_preview(session: Session) -> None:
    if session.has("preview"):
        session.preview.visible = not session.preview.visible


def _toggle_several(session: Session) -> None:
    session.each = not session.each
    session.each_once = False


def _toggle_sees(session: Session) -> None:
    session.sees = not session.sees
