"""The choices on top of the widget: image, model, target, each with its state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from napari_segnext.core.models import list_models
from napari_segnext.widget import text
from napari_segnext.widget.parts import caption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer
    from qtpy.QtGui import QPaintEvent

__all__ = ["Choice", "Choices", "LayerChoice", "ModelChoice"]

_BEARING_PX = 2  # of the last letter, where nothing is drawn


class Choice(QComboBox):
    """A combo box that gives way in a narrow dock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        adjust = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(adjust)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def shown_text(self) -> str:
        """What there is room for."""
        return self._option().currentText or ""

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw `shown_text`; Qt would cut the end off without a sign."""
        painter, option = QStylePainter(self), self._option()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    @property
    def _elided(self) -> Qt.TextElideMode:
        return Qt.TextElideMode.ElideRight

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        if style is not None:
            room = style.subControlRect(
                QStyle.ComplexControl.CC_ComboBox,
                option,
                QStyle.SubControl.SC_ComboBoxEditField,
                self,
            )
            option.currentText = self.fontMetrics().elidedText(
                option.currentText, self._elided, room.width() + _BEARING_PX
            )
        return option


class LayerChoice(Choice):
    """A choice among layers, which it tells apart by identity, not by name.

    Parameters
    ----------
    nothing : str, optional
        Text of a first entry that means no layer.

    Attributes
    ----------
    chosen : Signal()
        The user chose; see `layer`.
    """

    chosen = Signal()

    def __init__(self, nothing: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nothing = nothing
        self._layers: list[Layer | None] = []
        self.show_layers([], None)
        self.activated.connect(self.chosen)

    @property
    def layer(self) -> Layer | None:
        """The layer on display, if any."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def show_layers(self, layers: Iterable[Layer], current: Layer | None) -> None:
        """List `layers` and show `current`, silently."""
        self._layers = [*([None] if self._nothing else []), *layers]
        names = [self._nothing if it is None else it.name for it in self._layers]
        with QSignalBlocker(self):
            if names != [self.itemText(index) for index in range(self.count())]:
                self.clear()
                self.addItems(names)
            places = [i for i, it in enumerate(self._layers) if it is current]
            self.setCurrentIndex(places[0] if places else -1)
        self.setEnabled(bool(self._layers))

    @property
    def _elided(self) -> Qt.TextElideMode:
        # names of layers often begin alike
        is_layer = self.layer is not None
        mode = Qt.TextElideMode
        return mode.ElideMiddle if is_layer else mode.ElideRight


class ModelChoice(Choice):
    """A choice among the models of the registry and files.

    Attributes
    ----------
    chosen : Signal(str)
        Name or path of the model that the user chose.
    """

    chosen = Signal(str)

    def __init__(self, model: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = [info.name for info in list_models()]
        for index, info in enumerate(list_models()):
            self.addItem(info.name)
            state = "" if info.available else f"\n{text.NOT_HERE}"
            self.setItemData(
                index,
                f"{info.description}{state}",
                Qt.ItemDataRole.ToolTipRole,
            )
        self.addItem(text.FROM_FILE)
        self.model_name = model
        self.show_model(model)
        self.activated.connect(self._on_activated)

    def show_model(self, model: str) -> None:
        """Show `model`, adding it if it is a file that is not listed yet."""
        if model not in self._names:
            self._names.append(model)
            self.insertItem(self.count() - 1, Path(model).name)
        self.model_name = model
        self.setCurrentIndex(self._names.index(model))

    def _on_activated(self, index: int) -> None:
        if index < len(self._names):
            model = self._names[index]
        else:
            model, _kind = QFileDialog.getOpenFileName(
                self, text.MODEL, "", text.FILE_OF_MODEL
            )
        if not model or model == self.model_name:
            self.show_model(self.model_name)
            return
        self.show_model(model)
        self.chosen.emit(model)


class Choices(QWidget):
    """Image, model and target, one below the other.

    Parameters
    ----------
    model : str
        Name or path of the model to begin with.
    """

    def __init__(self, model: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = LayerChoice()
        self.model = ModelChoice(model)
        self.target = LayerChoice(text.NEW_LAYER)
        self.states: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, (name, title, tip, choice) in enumerate(
            (
                ("image", text.IMAGE, text.IMAGE_TIP, self.image),
                ("model", text.MODEL, text.MODEL_TIP, self.model),
                ("target", text.TARGET, text.TARGET_TIP, self.target),
            )
        ):
            choice.setToolTip(tip)
            grid.addWidget(caption(title, choice), 2 * row, 0)
            grid.addWidget(choice, 2 * row, 1)
            self.states[name] = _state_label()
            grid.addWidget(self.states[name], 2 * row + 1, 1)

    def show_states(self, **states: str) -> None:
        """Show the state of the image, the model or the target."""
        for name, state in states.items():
            self.states[name].setText(state)


def _state_label() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setStyleSheet("font-style: italic;")  # greyed it could hardly be read
    return label
