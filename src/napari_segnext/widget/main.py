"""The dock widget: opens a session for the chosen image, forwards to it, shows it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from napari.utils.notifications import (
    ErrorNotification,
    notification_manager,
    show_error,
)
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_segnext.errors import LabelRangeError, PromptError, SegNextError
from napari_segnext.session.planes import go_to_plane
from napari_segnext.widget import text
from napari_segnext.widget.actions import with_key
from napari_segnext.widget.activity import Activity
from napari_segnext.widget.desk import Desk
from napari_segnext.widget.dialogs import (
    ask_to_accept,
    ask_to_overwrite,
    ask_to_widen,
    ask_where_to_export,
)
from napari_segnext.widget.helping import Help
from napari_segnext.widget.panel import Panel
from napari_segnext.widget.performing import Performer
from napari_segnext.widget.rows import act_on_rows, export
from napari_segnext.widget.settings import read_settings
from napari_segnext.widget.several import SeveralKey
from napari_segnext.widget.volume_acts import endings_told

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from qtpy.QtGui import QCloseEvent

    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.session import Session

__all__ = ["SegNextWidget"]

_MOST_SHOWN = 4  # in one go: showing changes nothing by itself


class SegNextWidget(QWidget):
    """Segment objects of an image with clicks, boxes, polygons, scribbles and masks.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer, or napari's proxy of it.

    Attributes
    ----------
    panel : Panel
        What is shown: `panel.choices`, `panel.hint`, `panel.controls`.
    """

    def __init__(
        self, napari_viewer: napari.Viewer, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        settings = read_settings()
        # a plugin gets a proxy whose layers are proxies too: not one is identical
        viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        widget = ref(self)
        self._desk = Desk(
            viewer,
            settings,
            partial(_perform, widget),
            partial(_hold, widget),
            partial(_ask_to_overwrite, widget),
        )
        self._performer = Performer(viewer, self._accept)
        self._several = SeveralKey()
        self._is_showing = self._is_outdated = self._has_run = False
        self._ended = self._just_ended = ""
        self._refresh_soon = QTimer(self)
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.timeout.connect(self._desk.refresh)
        self.panel = Panel(settings.model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self._connect_view()
        self._desk.changed.connect(self._show)
        self._activity = Activity(self._desk, self)
        self._activity.began.connect(self._on_run_began)
        self._activity.ended.connect(self._on_run_ended)
        self._activity.moved.connect(self.panel.controls.show_progress)
        self._help = Help(self._desk)
        self._desk.stale.connect(self._on_desk_stale)
        self._desk.busy.connect(self.panel.controls.show_busy)
        self._desk.closed.connect(self._on_closed)
        self._desk.failed.connect(self._on_failed)
        # however the widget ends: by then neither it nor its methods are there
        self.destroyed.connect(partial(_close, self._desk))
        self._desk.open()

    @property
    def session(self) -> Session | None:
        """The session of the chosen image, or None while there is no image."""
        return self._desk.session

    def perform(self, name: str) -> None:
        """Do what the button or key of the action `name` does."""
        if name == "keys":
            self._help.toggle_sheet()
        elif name == "export_table":
            self._forward(lambda it: export(it, partial(ask_where_to_export, self)))
        else:
            self._forward(
                lambda it: self._performer.perform(
                    *(name, it, self._desk.last_label),
                    self.panel.view.start,
                    self.panel.volume.extent,
                )
            )

    def hold(self, name: str, held_s: float | None) -> None:
        """Do what the key of an action of `actions.HELD` does.

        Parameters
        ----------
        name : str
            Name of the action.
        held_s : float or None
            None when the key is pressed; the seconds since when it is let go.
        """
        if held_s is None:
            self._forward(self._several.press)
        elif self._several.is_down:  # else the press was refused, and that was told
            self._forward(lambda it: self._several.release(it, held_s))

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Close the session together with the widget."""
        self._desk.close()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:
        """Close when taken out of the window, and open again when put back."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._desk.close()
            else:
                self._desk.open()

    # ---- showing

    def _show(self) -> None:
        # reading a layer of the session syncs it: an answer may come meanwhile, when
        # a part of the panel was shown already
        self._is_outdated = True
        if self._is_showing:
            return
        self._is_showing = True
        try:
            for _ in range(_MOST_SHOWN):
                if self._is_outdated:
                    self._is_outdated = False
                    self._show_once()
        finally:
            self._is_showing = False

    def _show_once(self) -> None:
        if self._desk.session is not None:  # layers that went are seen here
            self._desk.bind_keys()
        self.panel.show_state(self._desk)

    def _on_closed(self) -> None:
        with suppress(RuntimeError):  # however it ends: parts of Qt may have gone
            self._refresh_soon.stop()
            self.panel.forget()

    # ---- what the user chose

    def _on_image_chosen(self) -> None:
        image = self.panel.choices.image.layer
        if image is None or image is self._desk.image or not self._may_leave():
            self._show()
        else:
            self._desk.choose_image(image)

    def _on_target_chosen(self) -> None:
        target = self.panel.choices.target.layer
        if target is self._desk.target or not self._may_leave():
            self._show()
        else:
            self._desk.choose_target(target)
            session = self.session
            if session and session.target is target and session.objects:
                self._desk.tell(f"{with_key(text.CORRECT_THESE, 'edit')}.")

    def _on_model_chosen(self, model: str) -> None:
        self._desk.choose_model(model)

    def _may_leave(self) -> bool:
        """Ask what to do with an open object; accept it if the user says so."""
        session = self.session
        if session is None or not session.can_accept:
            return True
        answer = ask_to_accept(self)
        return self._try(self._accept, session) if answer else answer is False

    def _on_tool_chosen(self, tool: str, shape: str) -> None:
        self._forward(lambda session: session.activate(tool, shape=shape or None))

    def _on_polarity_chosen(self, polarity: str) -> None:
        self._forward(lambda session: setattr(session, "polarity", polarity))

    def _on_label_chosen(self, label: int) -> None:
        self._forward(lambda session: setattr(session, "label", label))

    def _on_option_chosen(self, name: str, value: object) -> None:
        self._forward(lambda session: setattr(session, name, value))

    def _on_layer_chosen(self, role: str) -> None:
        layer = self.panel.view.choices[role].layer
        if layer is self._desk.adopted.get(role):
            self._show()
        else:
            self._desk.adopt(role, layer)

    def _on_plane_chosen(self, plane: PlaneKey) -> None:
        self._forward(lambda it: go_to_plane(it.viewer.dims, it.image, plane))

    def _on_object_chosen(self, label: int) -> None:
        self._forward(lambda session: self._performer.go_to(session, label))

    def _on_rows_acted(self, name: str, labels: list[int]) -> None:
        extent = self.panel.volume.extent
        self._forward(lambda session: act_on_rows(name, session, labels, extent))

    def _on_run_began(self) -> None:
        # what comes is to be seen; who folds it again has seen it
        if not self._has_run:
            self._has_run = True
            self.panel.show_strip()

    def _on_run_ended(self) -> None:
        session = self.session
        if session is not None:
            told = endings_told(session, self.panel.volume.extent.axis)
            if told not in ("", self._ended):
                self._just_ended = told
                self._desk.tell(told)
            self._ended = told

    def _forward(self, act: Callable[[Session], object]) -> None:
        session = self.session
        if session is not None:
            self._try(act, session)

    def _accept(self, session: Session) -> None:
        try:
            self._desk.last_label = session.accept()
        except LabelRangeError as error:
            if not ask_to_widen(self, str(error)):
                raise
            session.widen_target()
            self._desk.last_label = session.accept()

    def _try(self, act: Callable[[Session], object], session: Session) -> bool:
        """Do `act` and show its outcome; a refusal is told in the place of the hint."""
        told: object = ""
        self._just_ended = ""
        try:
            told = act(session)
        except SegNextError as error:
            told = str(error)
            return False
        finally:
            if session is self._desk.session:
                # a short run that it began may have ended already
                told = told if isinstance(told, str) else ""
                self._desk.tell(told or self._just_ended)
            else:
                self._show()
        return True

    def _on_failed(self, error: Exception) -> None:
        """Tell why prompts were refused in the panel, and anything else in a popup."""
        if isinstance(error, PromptError) and self._desk.session is not None:
            self._desk.tell(str(error))
        else:
            _notify(error)

    def _on_desk_stale(self) -> None:
        self._refresh_soon.start(0)

    def _connect_view(self) -> None:
        choices, controls = self.panel.choices, self.panel.controls
        self.panel.recover.clicked.connect(self._desk.recover)
        choices.image.chosen.connect(self._on_image_chosen)
        choices.model.chosen.connect(self._on_model_chosen)
        choices.target.chosen.connect(self._on_target_chosen)
        controls.acted.connect(self.perform)
        controls.tool_chosen.connect(self._on_tool_chosen)
        controls.polarity_chosen.connect(self._on_polarity_chosen)
        controls.label_chosen.connect(self._on_label_chosen)
        controls.auto_run_chosen.connect(partial(self._on_option_chosen, "auto_run"))
        for section in self.panel.sections.values():
            section.acted.connect(self.perform)
            section.option_chosen.connect(self._on_option_chosen)
        self.panel.view.layer_chosen.connect(self._on_layer_chosen)
        self.panel.volume.plane_chosen.connect(self._on_plane_chosen)
        self.panel.table.object_chosen.connect(self._on_object_chosen)
        self.panel.table.rows_acted.connect(self._on_rows_acted)


def _notify(error: Exception) -> None:
    if isinstance(error, SegNextError):
        show_error(str(error))
    else:
        notification_manager.dispatch(ErrorNotification(error))


def _perform(widget: ref[SegNextWidget], name: str) -> None:
    # the desk outlives the widget by a moment, and must not keep it alive
    alive = widget()
    if alive is not None:
        alive.perform(name)


def _ask_to_overwrite(
    widget: ref[SegNextWidget], overlaps: dict[int, int]
) -> str | None:
    alive = widget()
    return None if alive is None else ask_to_overwrite(alive, overlaps)


def _hold(widget: ref[SegNextWidget], name: str, held_s: float | None) -> None:
    alive = widget()
    if alive is not None:
        alive.hold(name, held_s)


def _close(desk: Desk, *_widget: object) -> None:
    # at the end of the process parts of Qt go before us
    with suppress(RuntimeError):
        desk.close()
