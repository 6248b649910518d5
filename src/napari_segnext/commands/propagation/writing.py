"""Steps on their way to the journal and to the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from tqdm import tqdm

from napari_segnext.core.propagation import propagate
from napari_segnext.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    import numpy.typing as npt

    from napari_segnext.commands.propagation.journal import Journal
    from napari_segnext.commands.propagation.labels import Labels
    from napari_segnext.commands.propagation.planes import Planes
    from napari_segnext.commands.propagation.running import Job
    from napari_segnext.core.predictor import Predictor
    from napari_segnext.core.propagation import Step

__all__ = ["Writer"]


class Writer:
    """Takes steps from the network to the journal, then to the labels.

    Parameters
    ----------
    job : Job
        What to do.
    planes : Planes
        The slices.
    journal : Journal
        Keys, and the steps of earlier runs.
    labels : Labels
        Open for writing.
    """

    def __init__(
        self, job: Job, planes: Planes, journal: Journal, labels: Labels
    ) -> None:
        self.job = job
        self.planes = planes
        self.journal = journal
        self.labels = labels
        self._written: set[int] = set()
        self._resumed = 0

    def write_keys(self) -> None:
        """Write the keyed slices, after a look whether they are what they were."""
        for index, check in self.journal.checks.items():
            self.planes.check(index, check)
        for index in {index for one in self.journal.keys.values() for index in one}:
            self._write(index, {})

    def go(
        self,
        predictor: Predictor,
        should_stop: Callable[[], bool] | None,
        progress: bool,
    ) -> int:
        """Take every step that is left; return how many there were before."""
        shape = self.job.stack.shape
        keys: dict[Hashable, Mapping[int, npt.ArrayLike]] = {
            label: {index: patch.plane(shape) for index, patch in one.items()}
            for label, one in self.journal.keys.items()
        }
        with tqdm(desc="propagate", unit="slice", disable=not progress) as bar:
            steps = propagate(
                predictor,
                self.planes,
                keys,
                self.job.slices,
                spacing=self.job.spacing,
                should_stop=should_stop,
                resume=self._known(bar, should_stop),
            )
            for step in steps:
                self.journal.add(step, self.planes.checksum(step.index))
                self._take(step, bar)
        return self._resumed

    def _known(
        self, bar: tqdm, should_stop: Callable[[], bool] | None
    ) -> Iterator[Step]:
        """Yield the steps of earlier runs; the labels may lack the last ones."""
        for step, check in self.journal.records():
            if should_stop is not None and should_stop():
                raise Cancelled
            self.planes.check(step.index, check)
            self._take(step, bar)
            self._resumed += 1
            yield step

    def _take(self, step: Step, bar: tqdm) -> None:
        shape = self.job.stack.shape
        masks = {
            cast("int", label): one.mask(shape) for label, one in step.answers.items()
        }
        if masks:
            self._write(step.index, masks)
        bar.total = step.total
        bar.update(step.done - bar.n)

    def _write(self, index: int, masks: dict[int, npt.NDArray[Any]]) -> None:
        """Write objects where no other is; what this run writes first begins empty."""
        shape = self.job.stack.shape
        if index in self._written:
            plane = self.labels.read(index)
        else:
            plane = np.zeros(shape, self.job.dtype)
            for label, one in self.journal.keys.items():
                if index in one:
                    plane[one[index].plane(shape)] = label
        for label, mask in masks.items():
            plane[plane == label] = 0
            plane[mask & (plane == 0)] = label
        self.labels.write(index, plane)
        self._written.add(index)
