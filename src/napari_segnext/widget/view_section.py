"""The section of the panel for layers of the user's, and for what the model sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Labels, Points, Shapes
from qtpy.QtCore import Signal  # type: ignore[attr-defined]

from napari_segnext.session.layers import role_of
from napari_segnext.widget import text
from napari_segnext.widget.choices import LayerChoice
from napari_segnext.widget.parts import MAX_SPIN, Section, Spin, quietly
from napari_segnext.widget.pointing import sources_of

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_segnext.session.session import Session
    from napari_segnext.widget.desk import Desk

__all__ = ["ChosenStart", "ViewSection"]

_KINDS: dict[str, type[Layer]] = {
    "points": Points,
    "shapes": Shapes,
    "scribbles": Labels,
}


@dataclass(frozen=True, slots=True)
class ChosenStart:
    """The label that an object is to start from; see `performing.Start`."""

    layer: Labels | None
    label: int | None


class ViewSection(Section):
    """Prompts in layers of the user's, a label to start from, what the model sees.

    Attributes
    ----------
    choices : dict of str to LayerChoice
        The layers of the prompts, by role.
    layer_chosen : Signal(str)
        The user chose a layer for that role.
    source : LayerChoice
        The layer to start from.
    label : Spin
        The label in it; 0 is the one that is selected there.
    """

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(text.VIEW, text.VIEW_TIP)
        self.choices: dict[str, LayerChoice] = {}
        for role, title in text.PROMPT_LAYERS.items():
            choice = self.choices[role] = LayerChoice(text.OWN_LAYER)
            choice.setToolTip(text.PROMPT_LAYER_TIPS[role])
            choice.chosen.connect(lambda chosen=role: self.layer_chosen.emit(chosen))
            self.add_row(title, choice)
        self.source = LayerChoice(text.UNDER_CURSOR)
        self.source.setToolTip(text.SOURCE_TIP)
        self.source.chosen.connect(self._show_start)
        self.label = Spin(0, MAX_SPIN, text.SOURCE_LABEL_TIP)
        self.label.setSpecialValueText(text.SELECTED_LABEL)
        self.label.setAccessibleName(text.SOURCE_LABEL)
        self.add_row(text.SOURCE, self.source)
        self.add_line(self.label, self.add_action("start_from_label"))
        self.sees = self.add_switch("sees", text.SEES_SWITCH)
        self.add_line(self.sees)

    @property
    def start(self) -> ChosenStart:
        """Where an object starts from if the mouse is over no label."""
        layer = self.source.layer
        label = self.label.value() or None
        return ChosenStart(layer if isinstance(layer, Labels) else None, label)

    def show_desk(self, desk: Desk) -> None:
        """Show the layers there are and the session's state."""
        session = desk.session
        self.show_tips()
        self.body.setEnabled(session is not None)
        adopted = desk.adopted
        for role, choice in self.choices.items():
            layers = [] if session is None else _adoptable(desk, session, role)
            choice.show_layers(layers, adopted.get(role))
        sources = sources_of(desk.viewer)
        current = self.source.layer
        self.source.show_layers(sources, current if current in sources else None)
        self._show_start()
        with quietly(self.sees):
            self.sees.setChecked(session is not None and session.sees)

    def forget(self) -> None:
        """Keep no layer alive."""
        for choice in (*self.choices.values(), self.source):
            choice.show_layers([], None)

    def _show_start(self) -> None:
        self.label.setEnabled(self.source.layer is not None)


def _adoptable(desk: Desk, session: Session, role: str) -> list[Layer]:
    """Return the user's own layers that may hold prompts; the session may refuse."""
    target = desk.target
    return [
        layer
        for layer in desk.viewer.layers
        if isinstance(layer, _KINDS[role])
        and role_of(layer) is None
        and layer is not target
        and layer.ndim == session.image.ndim
    ]
