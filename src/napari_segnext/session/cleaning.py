"""Answers are post-processed on their way to the preview, never on their way back."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.postprocess import PostProcess
from napari_segnext.errors import PromptError
from napari_segnext.session.core import SessionCore
from napari_segnext.session.groups import GroupAnswer, GroupMask, apart
from napari_segnext.session.pixels import PlaneMask

if TYPE_CHECKING:
    from napari_segnext.core.prediction import Prediction
    from napari_segnext.core.prompts import Prompts
    from napari_segnext.session.history import Entry
    from napari_segnext.session.planes import PlaneKey

    Key = tuple[int, int, PlaneKey, PostProcess]

__all__ = ["Cleaning"]

_MAX_KEPT = 1024


class Cleaning(SessionCore):
    """The part of `Session` that post-processes answers; see there."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._postprocess = PostProcess()
        # what was worked out already: undo over many planes must not take time
        self._cleaned: OrderedDict[Key, PlaneMask] = OrderedDict()

    @property
    def postprocess(self) -> PostProcess:
        """What is done to answers before they are shown and accepted.

        All is off at first. Setting it shows the open object anew at once, without
        inference; accepted objects stay as they are. The network is always given its
        own answers back, so that prompts mean the same with and without it.

        Raises
        ------
        PromptError
            If it is set to anything but a `PostProcess`.
        """
        return self._postprocess

    @postprocess.setter
    def postprocess(self, postprocess: PostProcess) -> None:
        self._sync()
        if not isinstance(postprocess, PostProcess):
            raise PromptError(
                f"`postprocess` takes a PostProcess, not {type(postprocess).__name__}; "
                "set it to PostProcess(fill_holes=True), for instance."
            )
        if postprocess == self._postprocess:
            return
        planes = self._history.state.object.planes
        lacking = [plane for plane in planes if self._is_shown_without_answer(plane)]
        self._postprocess = postprocess
        self._show(planes)
        self._ask(lacking)
        self._update()

    def _is_shown_without_answer(self, plane: PlaneKey) -> bool:
        """Whether an answer was dropped for want of memory and has to be had again."""
        entry = self._history.entry(plane)
        return (
            entry is not None
            and plane in self._preview.masks
            and self._engine.answers.get(entry.number, plane) is None
        )

    def _shown(self, entry: Entry, answer: Prediction | GroupAnswer) -> PlaneMask:
        if self._postprocess == PostProcess():
            return super()._shown(entry, answer)
        key = (self._source.version, entry.number, entry.plane, self._postprocess)
        if key not in self._cleaned:
            mask = _clean(self._postprocess, entry.prompts, answer)
            self._cleaned[key] = mask
            while len(self._cleaned) > _MAX_KEPT:
                self._cleaned.popitem(last=False)
        self._cleaned.move_to_end(key)
        return self._cleaned[key]

    def _visible(self) -> tuple[object, ...]:
        return (*super()._visible(), self._postprocess)


def _clean(
    postprocess: PostProcess, prompts: Prompts, answer: Prediction | GroupAnswer
) -> PlaneMask:
    region = answer.region
    if not isinstance(answer, GroupAnswer):
        mask = postprocess.apply(answer.crop_mask, prompts, region)
        return PlaneMask.from_crop(region, mask)
    singles = apart(prompts)
    parts = {}
    for number in np.unique(answer.crop[answer.crop > 0]):
        own = answer.crop == number
        mask = postprocess.apply(own, singles[number - 1], region)
        # what is added to one object must not take from another
        mask &= own | (answer.crop == 0)
        parts[int(number)] = PlaneMask.from_crop(region, mask)
    return GroupMask.from_parts(parts)
