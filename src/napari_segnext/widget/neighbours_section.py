"""The section of the panel for neighbours, and for what is done after the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox

from napari_segnext.core.postprocess import PostProcess
from napari_segnext.widget import text
from napari_segnext.widget.choices import Choice
from napari_segnext.widget.parts import Section, Spin, quietly, stretch

if TYPE_CHECKING:
    from napari_segnext.session.session import Session

__all__ = ["NeighboursSection"]

_MAX_SMOOTH_PX = 100
_MAX_SIZE_PX = 10**9


class NeighboursSection(Section):
    """Whose pixels are whose, and how masks are cleaned up.

    Attributes
    ----------
    overlap : Choice
        What accept does where other objects are.
    touched, fill_holes : QCheckBox
        Options of `PostProcess`.
    smooth_px, min_size_px : Spin
        Options of `PostProcess`.
    """

    def __init__(self) -> None:
        super().__init__(text.NEIGHBOURS, text.NEIGHBOURS_TIP)
        self.overlap = Choice()
        self.overlap.setToolTip(text.OVERLAP_TIP)
        for policy, title in text.OVERLAPS.items():
            self.overlap.addItem(title, policy)
        self.overlap.activated.connect(self._on_overlap)
        self.touched = self._make_switch(text.TOUCHED, text.TOUCHED_TIP)
        self.fill_holes = self._make_switch(text.FILL_HOLES, text.FILL_HOLES_TIP)
        self.smooth_px = self._make_spin(_MAX_SMOOTH_PX, text.SMOOTH_TIP)
        self.min_size_px = self._make_spin(_MAX_SIZE_PX, text.MIN_SIZE_TIP)
        self.add_row(text.OVERLAP, self.overlap)
        self.add_line(self.touched)
        self.add_line(self.fill_holes)
        self.add_row(text.SMOOTH, self.smooth_px)
        self.add_row(text.MIN_SIZE, self.min_size_px)

    def show_session(self, session: Session | None) -> None:
        """Show how `session` is set; without one everything is disabled."""
        self.body.setEnabled(session is not None)
        if session is None:
            return
        options = session.postprocess
        switches = (self.touched, self.fill_holes)
        with quietly(self.overlap, *switches, self.smooth_px, self.min_size_px):
            self.overlap.setCurrentIndex(self.overlap.findData(session.overlap))
            self.touched.setChecked(options.touched)
            self.fill_holes.setChecked(options.fill_holes)
            self.smooth_px.setValue(options.smooth_px)
            self.min_size_px.setValue(options.min_size_px)

    def _make_switch(self, title: str, tip: str) -> QCheckBox:
        switch = QCheckBox(title)
        switch.setToolTip(tip)
        switch.setAccessibleName(title)
        switch.toggled.connect(self._on_postprocess)
        return stretch(switch)

    def _make_spin(self, high: int, tip: str) -> Spin:
        spin = Spin(0, high, tip)
        spin.setSuffix(text.PIXELS)
        spin.setSpecialValueText(text.OFF)
        spin.valueChanged.connect(self._on_postprocess)
        return spin

    def _on_overlap(self) -> None:
        self.option_chosen.emit("overlap", self.overlap.currentData())

    def _on_postprocess(self) -> None:
        options = PostProcess(
            touched=self.touched.isChecked(),
            fill_holes=self.fill_holes.isChecked(),
            smooth_px=self.smooth_px.value(),
            min_size_px=self.min_size_px.value(),
        )
        self.option_chosen.emit("postprocess", options)
