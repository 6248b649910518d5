"""What becomes of pixels that belong to other objects already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.errors import PromptError
from napari_segnext.session.compose import OVERLAPS, check_label, overlapping
from napari_segnext.session.pixels import PlaneMask
from napari_segnext.session.widening import Widening

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segnext.session.planes import PlaneKey

    Masks = dict[PlaneKey, PlaneMask]

__all__ = ["Overlapping"]


class Overlapping(Widening):
    """The part of `Session` that keeps neighbours safe; see there."""

    on_overlap: Callable[[dict[int, int]], str | None] | None = None
    _overlap = "keep"
    _is_asking = False

    @property
    def overlap(self) -> str:
        """What accept does with pixels of other objects: "keep", "overwrite", "ask".

        Raises
        ------
        PromptError
            If it is set to anything else.
        """
        return self._overlap

    @overlap.setter
    def overlap(self, overlap: str) -> None:
        self._sync()
        if overlap not in OVERLAPS:
            raise PromptError(
                f"overlap is {overlap!r}; use 'keep' (pixels of other objects stay "
                "theirs), 'overwrite', or 'ask'."
            )
        self._overlap = overlap
        self._update()

    def overlaps(self) -> dict[int, int]:
        """Count the pixels of other objects that the preview lies over, by label.

        Nothing where the target's `preserve_labels` is set: they are kept then.

        Returns
        -------
        dict of int to int
            Label of another object to number of pixels.

        Raises
        ------
        LayerError
            If the target does not have the image's shape any more.
        """
        self._sync()
        self._target.check_shape()
        return self._overlaps()

    def _overlaps(self) -> dict[int, int]:
        layer, state = self._target.layer, self._history.state
        if layer.preserve_labels:
            return {}
        own: set[int | None] = {state.label, *state.object.opened}
        if not state.object.each:
            return overlapping(layer, self._masks_to_accept(), own)
        counts: dict[int, int] = {}
        for plane, mask in self._masks_to_accept().items():
            for part in mask.parts.values():
                for label, count in overlapping(layer, {plane: part}, own).items():
                    counts[label] = counts.get(label, 0) + count
                own = set()  # the first object has `label`, the others new ones
        return counts

    def _settled_overlap(self) -> str:
        """Return "keep" or "overwrite", after asking if that is to be done."""
        if self._overlap != "ask":
            return self._overlap
        check_label(self._target.layer, self._history.state.label)
        counts = self._overlaps()
        if not counts:
            return "keep"
        if self.on_overlap is None or self._is_asking:
            names = ", ".join(str(label) for label in sorted(counts))
            raise PromptError(
                f"The object lies over others (label {names}); set `overlap` to "
                "'keep' or 'overwrite', or set `on_overlap` to be asked."
            )
        before = self._history.revision, self._preview.revision
        self._is_asking = True
        try:
            answer = self.on_overlap(counts)
        finally:
            self._is_asking = False
        # a dialog lets the window live on: the session may be another by now
        self._sync()
        if answer is None:
            raise PromptError("Nothing was accepted; correct the prompts, or go on.")
        if answer not in OVERLAPS[:2]:
            raise PromptError(
                f"`on_overlap` returned {answer!r}; it must return 'keep', "
                "'overwrite' or None."
            )
        if before != (self._history.revision, self._preview.revision):
            raise PromptError(
                "What is shown changed while you were asked; look, and accept again."
            )
        return answer

    # what is to be accepted ---------------------------------------------------------

    def _masks_to_accept(self) -> Masks:
        """Return what is shown; for a reopened object also what is shown to be gone."""
        current = self._history.state.object
        shown = self._preview.masks
        masks = {plane: shown[plane] for plane in current.planes if plane in shown}
        if current.opened:
            for plane in current.planes:
                if plane not in shown and self._is_settled(plane):
                    masks[plane] = PlaneMask()
        return masks

    def _has_own_pixels(self, masks: Masks) -> bool:
        data, label = self._target.layer.data, self._history.state.label
        return any(
            (
                np.asarray(data[plane.region_slices(mask.region)])[mask.crop] == label
            ).any()
            for plane, mask in masks.items()
            if mask
        )

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self._overlap)
