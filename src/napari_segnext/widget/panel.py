"""What the dock widget shows, from top to bottom; scrolls where room is scarce."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QFontMetricsF
from qtpy.QtWidgets import QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from napari_segnext.session.planes import level_0
from napari_segnext.widget import text
from napari_segnext.widget.choices import Choices
from napari_segnext.widget.controls import Controls
from napari_segnext.widget.neighbours_section import NeighboursSection
from napari_segnext.widget.objects_section import ObjectsSection
from napari_segnext.widget.opening import images_of, targets_of
from napari_segnext.widget.table_section import TableSection
from napari_segnext.widget.view_section import ViewSection
from napari_segnext.widget.volume_section import VolumeSection

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_segnext.session.journal import Recording
    from napari_segnext.session.objects import ObjectInfo
    from napari_segnext.session.session import Session
    from napari_segnext.widget.desk import Desk
    from napari_segnext.widget.parts import Section

__all__ = ["Panel"]

_HINT_PADDING_PX = 4


class Panel(QScrollArea):
    """Choices, the line that says what to do now, the buttons, sections that fold.

    Parameters
    ----------
    model : str
        Name or path of the model to begin with.

    Attributes
    ----------
    choices : Choices
        Image, model and target.
    hint : QLabel
        A line or two that say what to do now.
    recover : QPushButton
        There where a crash cut off work on the image.
    controls : Controls
        The buttons.
    objects : ObjectsSection
        Accepted objects.
    volume : VolumeSection
        Slices of a volume; for stacks only.
    table : TableSection
        Table of objects.
    neighbours : NeighboursSection
        Neighbours and clean-up.
    view : ViewSection
        Layers and view.
    """

    def __init__(self, model: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choices = Choices(model)
        self.hint = _Hint()
        self.recover = QPushButton()
        self.recover.setToolTip(text.RECOVER_TIP)
        self.recover.setAccessibleName(text.RECOVER_NAME)
        self.controls = Controls()
        self.objects = ObjectsSection()
        self.volume = VolumeSection()
        self.table = TableSection()
        self.neighbours = NeighboursSection()
        self.view = ViewSection()
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(6, 6, 6, 6)
        parts = (self.choices, self.hint, self.recover, self.controls)
        for part in (*parts, *self.sections.values()):
            column.addWidget(part)
        column.addStretch()
        self._to_strip = QTimer(self)
        self._to_strip.setSingleShot(True)
        self._to_strip.timeout.connect(
            lambda: self.ensureWidgetVisible(self.volume.told)
        )
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidget(body)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    @property
    def sections(self) -> dict[str, Section]:
        """The parts that fold, by name, from top to bottom."""
        return {
            "objects": self.objects,
            "volume": self.volume,
            "table": self.table,
            "neighbours": self.neighbours,
            "view": self.view,
        }

    def minimumSizeHint(self) -> QSize:
        """Ask for the width of the content: cut in half it would be of no use."""
        hint = super().minimumSizeHint()
        body, bar = self.widget(), self.verticalScrollBar()
        if body is None or bar is None:
            return hint
        width = body.minimumSizeHint().width() + bar.sizeHint().width()
        width += 2 * self.frameWidth()  # the style draws one even where there is none
        return QSize(width, hint.height())

    def show_state(self, desk: Desk) -> None:
        """Show what there is on the desk and what can be done.

        Parameters
        ----------
        desk : Desk
            The chosen image, its session and target.
        """
        # layers first: reading one syncs the session, and may change the rest
        target, layers = desk.target, desk.viewer.layers
        session, image = desk.session, desk.image
        self.choices.image.show_layers(images_of(layers), image)
        scribbles = desk.adopted.get("scribbles")
        targets = [layer for layer in targets_of(layers) if layer is not scribbles]
        self.choices.target.show_layers(targets, target)
        self.choices.setEnabled(image is not None)
        self.choices.model.show_model(desk.model)
        self.controls.show_session(session, desk.last_label)
        self._offer(desk.unfinished)
        objects = {} if session is None else session.objects
        self.objects.show_session(session, objects)
        self.volume.show_session(session, objects)
        self.table.show_session(lambda: desk.session)
        self.neighbours.show_session(session)
        self.view.show_desk(desk)
        if session is None:
            self._show_no_session(image)
        else:
            self.hint.setText(desk.hint)
            self._show_states(session, target, objects)

    def show_strip(self) -> None:
        """Unfold the slices of a volume, and scroll to them as far as needed."""
        if not self.volume.isExpanded():
            self.volume.expand()
            self._to_strip.start(0)  # when all have their places

    def forget(self) -> None:
        """Keep no layer alive."""
        self.choices.image.show_layers([], None)
        self.choices.target.show_layers([], None)
        self.view.forget()
        self.volume.forget()
        self.table.forget()

    def _offer(self, unfinished: Recording | None) -> None:
        if unfinished is not None:
            count = len(unfinished.history.acts)
            self.recover.setText(text.counted(text.RECOVER, count))
        self.recover.setVisible(unfinished is not None)

    def _show_no_session(self, image: Image | None) -> None:
        self.hint.setText(text.NO_IMAGE if image is None else text.WRONG_IMAGE)
        state = text.NO_IMAGE_STATE if image is None else _describe(image)
        self.choices.show_states(image=state, model="", target="")

    def _show_states(
        self, session: Session, target: Labels | None, objects: dict[int, ObjectInfo]
    ) -> None:
        count = sum(info.state != "open" for info in objects.values())
        done = text.counted(text.OBJECTS_DONE, count)
        self.choices.show_states(
            image=_describe(session.image),
            model=text.MODEL_STATES[session.model_state],
            target=text.TARGET_NEW if target is None else done,
        )


class _Hint(QLabel):
    """Keeps room for two lines: the buttons below stay where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setStyleSheet(f"font-weight: bold; padding: {_HINT_PADDING_PX}px 0px;")

    def heightForWidth(self, width: int) -> int:
        """See `QWidget`."""
        return max(super().heightForWidth(width), self._least_px)

    def minimumSizeHint(self) -> QSize:
        """See `QWidget`."""
        return super().minimumSizeHint().expandedTo(QSize(0, self._least_px))

    @property
    def _least_px(self) -> int:
        line_px = ceil(QFontMetricsF(self.font()).lineSpacing())
        return 2 * line_px + 2 * _HINT_PADDING_PX


def _describe(image: Image) -> str:
    data = level_0(image)
    return f"{' x '.join(str(size) for size in data.shape)}, {image.dtype}"
