"""The section of the panel for the slices of a volume; shown for stacks only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QLabel

from napari_segnext.session.measuring import slice_axis
from napari_segnext.session.planes import shape_of, view_axes
from napari_segnext.widget import text
from napari_segnext.widget.choices import Choice
from napari_segnext.widget.parts import (
    Section,
    Spin,
    caption,
    follow_font,
    quietly,
    stretch,
)
from napari_segnext.widget.quality_strip import QualityStrip
from napari_segnext.widget.volume_acts import Extent, place_along

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segnext.session.features import CacheInfo
    from napari_segnext.session.objects import ObjectInfo
    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.session import Session
    from napari_segnext.session.slices import SliceInfo

    Slices = Mapping[PlaneKey, SliceInfo]

__all__ = ["VolumeSection"]

_MOST = 2**31 - 1
_KILO = 1000.0


class VolumeSection(Section):
    """Propagate and interpolate, and see how good the slices are.

    Attributes
    ----------
    plane_chosen : Signal(PlaneKey)
        The user wants to see this slice.
    strip : QualityStrip
        All slices of the object.
    told : QLabel
        The slice on display, in words.
    first, last : Spin
        The range of slices.
    until_end, follow : QCheckBox
        Whether the range counts; whether corrections are followed.
    axis : Choice
        The axis to go along; shown where there are several.
    cache : QLabel
        What the features take.
    """

    plane_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(text.VOLUME, text.VOLUME_TIP)
        self._session: Session | None = None
        self._plane: PlaneKey | None = None
        self._axes: tuple[int, ...] = ()
        self.strip = QualityStrip()
        self.strip.chosen.connect(self._on_slice_chosen)
        self.told = _line()
        self.place = _line()
        self.place.setText(text.PLACE_3D)
        self.add_line(self.strip)
        self.add_line(self.told)
        self.add_line(self.place)
        self.add_line(*map(self.add_action, ("propagate", "interpolate")))
        self.add_line(*map(self.add_action, ("cancel", "next_worst")))
        follow_font(self.controls["propagate"], self.strip)
        self.lock = self.add_switch("lock_slice", text.LOCK_SWITCH)
        self.reviewed = self.add_switch("review_slice", text.REVIEW_SWITCH)
        self.add_line(self.lock, self.reviewed)
        self._add_extent()
        self.follow = QCheckBox(text.FOLLOW)
        self.follow.setAccessibleName(text.FOLLOW)
        self.follow.setToolTip(text.FOLLOW_TIP)
        self.follow.toggled.connect(self._on_follow)
        self.add_line(stretch(self.follow))
        self.cache = _line()
        self.cache.setToolTip(text.CACHE_TIP)
        self.add_line(self.cache)
        self.toggled.connect(lambda _is_open: self._on_unfolded())

    @property
    def extent(self) -> Extent:
        """The slices that may be written, and along which axis."""
        session = self._session
        has_several = session is not None and session.image.ndim > 3
        axis = self._chosen_axis if has_several else None
        if self.until_end.isChecked():
            return Extent(None, axis)
        first, last = sorted((self.first.value(), self.last.value()))
        return Extent(range(first, last + 1), axis)

    def show_session(
        self, session: Session | None, objects: dict[int, ObjectInfo]
    ) -> None:
        """Show how far `session` is; hidden where there are no slices.

        Parameters
        ----------
        session : Session or None
            The session.
        objects : dict of int to ObjectInfo
            Its objects.
        """
        before, self._session = self._session, session
        plane = None if session is None else session.plane
        if session is None or session.image.ndim < 3:
            self.setVisible(False)
            self._plane, self._axes = None, ()
            return
        if before is not None and before.image is not session.image:
            self._axes = ()  # nobody chose one of its axes
        self.setVisible(True)
        self.show_tips()
        if plane is not None:
            self._plane = plane
        elif self._plane is not None and self._plane.ndim != session.image.ndim:
            self._plane = None
        self._show_axes(session)
        if self.isExpanded():
            self._show_all(session, plane, objects)

    def forget(self) -> None:
        """Keep no session alive."""
        self._session = self._plane = None

    # ---- parts

    def _add_extent(self) -> None:
        self.until_end = QCheckBox(text.UNTIL_END)
        self.until_end.setAccessibleName(text.UNTIL_END)
        self.until_end.setToolTip(text.UNTIL_END_TIP)
        self.until_end.setChecked(True)
        self.first = Spin(0, _MOST, text.SLICES_RANGE_TIP)
        self.last = Spin(0, _MOST, text.SLICES_RANGE_TIP)
        self.until_end.toggled.connect(lambda _is_on: self._show_range())
        heading = caption(text.SLICES_RANGE, self.first)
        self.first.setAccessibleName(text.SLICES_FROM)
        self.last.setAccessibleName(text.SLICES_TO)
        self.add_line(heading, stretch(self.until_end))
        self.add_line(self.first, self.last)
        self.axis = Choice()
        self.axis.setToolTip(text.AXIS_TIP)
        self.axis.activated.connect(lambda _index: self._on_axis())
        self.axis_title = caption(text.AXIS, self.axis)
        self.add_line(self.axis_title, self.axis)
        self._show_range()

    # ---- showing

    def _show_all(
        self,
        session: Session,
        plane: PlaneKey | None,
        objects: dict[int, ObjectInfo],
    ) -> None:
        slices = session.slices
        info = None if plane is None else slices.get(plane)
        self._show_strip(session, slices)
        is_running = session.is_propagating
        is_open = session.label in objects and objects[session.label].state == "open"
        is_there = is_open or session.focus is not None
        keyed = sum(it.kind == "keyed" for it in slices.values())
        self.controls["propagate"].setEnabled(is_there and not is_running)
        self.controls["interpolate"].setEnabled(is_there and not is_running)
        self.controls["cancel"].setEnabled(is_running)
        self.controls["next_worst"].setEnabled(len(slices) > keyed)
        with quietly(self.lock, self.reviewed, self.follow):
            self.lock.setChecked(info is not None and info.locked)
            self.reviewed.setChecked(info is not None and info.reviewed)
            self.follow.setChecked(session.follow)
        self.lock.setEnabled(is_there and plane is not None)
        self.reviewed.setEnabled(info is not None)
        if not is_there:
            told = text.NO_SLICES
        else:
            told = text.counted(text.SLICES_COUNT, len(slices), keyed=keyed)
            if plane is not None:
                told = f"{self.strip.describe(self._index)}\n{told}"
        self.told.setText(told)
        self.place.setVisible(session.viewer.dims.ndisplay == 3)
        self._show_cache(session.cache)

    def _show_strip(self, session: Session, slices: Slices) -> None:
        plane, axis = self._plane, self._chosen_axis
        if plane is None or axis is None:
            self.strip.show_slices(0, {}, None)
            return

        def beside(other: PlaneKey) -> bool:
            return other.displayed == plane.displayed and all(
                here == there
                for fixed, here, there in zip(
                    plane.fixed, plane.index, other.index, strict=True
                )
                if fixed != axis
            )

        self.strip.show_slices(
            shape_of(session.image)[axis],
            {
                place_along(other, axis): info
                for other, info in slices.items()
                if beside(other)
            },
            self._index,
            {
                place_along(other, axis): reason
                for other, reason in session.endings.items()
                if beside(other)
            },
        )

    def _show_axes(self, session: Session) -> None:
        """Offer the axes on sliders, and the range that the chosen one has."""
        image = session.image
        shape = shape_of(image)
        shown = view_axes(session.viewer.dims, image) or ()
        fixed = tuple(axis for axis in range(image.ndim) if axis not in shown)
        axes = tuple(axis for axis in fixed if shape[axis] > 1) or fixed[-1:]
        sliders = session.viewer.dims.axis_labels[-image.ndim :]
        names = [_axis_name(sliders[number]) for number in axes]
        offered = [self.axis.itemText(at) for at in range(self.axis.count())]
        if axes != self._axes or names != offered:
            # where there was only one, nobody chose it
            current = self._chosen_axis if len(self._axes) > 1 else None
            self._axes = axes
            with quietly(self.axis):
                self.axis.clear()
                for name, number in zip(names, axes, strict=True):
                    self.axis.addItem(name, number)
                kept = self.axis.findData(current)
                usual = axes.index(slice_axis(image, axes))
                self.axis.setCurrentIndex(kept if kept >= 0 else usual)
            self._show_range()
        is_several = len(axes) > 1
        self.axis.setVisible(is_several)
        self.axis_title.setVisible(is_several)
        axis = self._chosen_axis
        last = 0 if axis is None else shape[axis] - 1
        if self.last.maximum() != last:
            with quietly(self.first, self.last):
                self.first.setRange(0, last)
                self.last.setRange(0, last)
                self.first.setValue(0)
                self.last.setValue(last)

    def _show_range(self) -> None:
        is_ranged = not self.until_end.isChecked()
        self.first.setEnabled(is_ranged)
        self.last.setEnabled(is_ranged)

    def _show_cache(self, info: CacheInfo) -> None:
        memory = _of(text.CACHE_MEMORY, info.memory_bytes, info.memory_budget)
        tip = text.CACHE_TIP
        if info.folder is not None:
            disk = _of(text.CACHE_ON_DISK, info.disk_bytes, info.disk_budget)
            if info.problem:
                disk = text.CACHE_NO_DISK
            memory = text.CACHE_DISK.format(memory=memory, disk=disk)
            folder = text.CACHE_FOLDER.format(folder=info.folder)
            tip = f"{tip}\n{folder}"
        if info.problem:
            tip = f"{tip}\n{info.problem}"
        self.cache.setText(text.CACHE.format(memory=memory))
        self.cache.setToolTip(tip)

    # ---- what the user did

    def _on_unfolded(self) -> None:
        if self.isExpanded() and self._session is not None:
            self.show_session(self._session, self._session.objects)

    def _on_slice_chosen(self, index: int) -> None:
        plane, axis = self._plane, self._chosen_axis
        if plane is not None and axis in plane.fixed:
            self.plane_chosen.emit(plane.at(axis, index))

    def _on_follow(self, is_on: bool) -> None:
        self.option_chosen.emit("follow", is_on)

    def _on_axis(self) -> None:
        if self._session is not None:
            self.show_session(self._session, self._session.objects)

    @property
    def _chosen_axis(self) -> int | None:
        axis = self.axis.currentData()
        return axis if isinstance(axis, int) else None

    @property
    def _index(self) -> int:
        plane = self._plane
        return 0 if plane is None else place_along(plane, self._chosen_axis)


def _line() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    return label


def _axis_name(slider: str) -> str:
    # beside its slider napari calls an axis without a name "-1", "-2" and so on
    return text.SLIDER.format(name=slider) if slider.startswith("-") else slider


def _of(sentence: str, used: int, budget: int) -> str:
    return sentence.format(used=_bytes(used), budget=_bytes(budget))


def _bytes(count: float) -> str:
    """Write a number of bytes for people."""
    for unit in text.BYTES[:-1]:
        if count < _KILO:
            return f"{count:.3g} {unit}"
        count /= _KILO
    return f"{count:.3g} {text.BYTES[-1]}"
