"""The training loop: restartable, on any device, validated as it goes."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from napari_segnext.core.stopping import StopRequest, ignore_stops
from napari_segnext.errors import SegNextError
from napari_segnext.training.checkpoint import load_checkpoint, save_checkpoint
from napari_segnext.training.curves import Curves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from torch import Tensor

    from napari_segnext.training.batches import Batches
    from napari_segnext.training.curves import Row
    from napari_segnext.training.learner import Learner
    from napari_segnext.training.validation import Validation

    State = dict[str, Tensor]
    Batch = dict[str, Tensor]

__all__ = ["Plan", "Trainer"]

_LOSS_STEPS = 25  # one row of the curve
_DENSE_UNTIL = 0.8  # of the run
_BAR = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn.

    Parameters
    ----------
    steps : int or inf
        Optimiser steps of the whole run; the learning rate falls to zero over them.
    minutes : float
        Wall time of the whole run, waiting included; the learning rate follows
        whichever of the two is further on.
    learning_rate : float
        Peak of AdamW.
    dense_share : float
        How much the dense losses count at the beginning; they fade out.
    warm_up_steps : int
        The rate rises over so many.
    save_minutes : float
        A checkpoint is written this often.
    validate_steps : int, optional
        Validate every so many steps; which weights are kept then depends on the seed
        alone.
    validate_minutes : float
        Validate this often where `validate_steps` is None.
    """

    steps: float = math.inf
    minutes: float = math.inf
    learning_rate: float = 2e-3
    dense_share: float = 0
    warm_up_steps: int = 100
    save_minutes: float = 3
    validate_steps: int | None = None
    validate_minutes: float = 5


class Trainer:
    """Owns the best weights, the curves and the clock; the learner owns the rest.

    Parameters
    ----------
    learner : Learner
        Takes the steps.
    batches : callable
        Takes the number of the first batch, returns an endless data set.
    plan : Plan
        How long and how fast.
    folder : Path
        Receives ``checkpoint.pt`` and the curves.
    validation : Validation, optional
        Says how good the averaged weights are; the best ones are kept.
    export : callable, optional
        Called with weights and their row of ``validation.csv`` whenever there are
        better ones; without validation, with the last ones and a row of step and
        minutes.
    identity : mapping, optional
        What a run that goes on must have in common with the checkpoint.
    device : str
        A torch device.
    loaders : int
        Processes that make batches; 0 makes them in this one.
    say : callable
        Takes each line for the user.
    """

    def __init__(
        self,
        learner: Learner,
        batches: Callable[[int], Batches],
        plan: Plan,
        folder: Path,
        *,
        validation: Validation | None = None,
        export: Callable[[State, Row], None] | None = None,
        identity: Mapping[str, Any] | None = None,
        device: str = "cpu",
        loaders: int = 1,
        say: Callable[[str], object] = tqdm.write,
    ) -> None:
        self.plan = plan
        self.curves = Curves()
        self.best: tuple[State, Row] | None = None
        self.step = 0
        self._learner = learner
        self._judged = None if validation is None else copy.deepcopy(learner.network)
        self._validation = validation
        self._export = export
        self._identity = dict(identity or {})
        self._batches = batches
        self._folder = folder
        self._device = device
        self._loaders = loaders
        self._say = say
        self._losses: list[float] = []  # since the last row of the curve
        self._earlier_s = 0.0
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, those before a restart included."""
        now = 0 if self._started is None else time.perf_counter() - self._started
        return self._earlier_s + now

    @property
    def is_finished(self) -> bool:
        """Whether the plan is fulfilled."""
        return self._progress() >= 1

    def save(self) -> None:
        """Write the checkpoint, the curves and, without validation, the weights.

        Raises
        ------
        CheckpointError
            If the folder cannot be written to.
        """
        state = {
            "learner": self._learner.state(),
            "step": self.step,
            "seconds": self.seconds,
            "losses": self._losses,
            "curves": vars(self.curves),
            "best": self.best,
            "validation": self._validation and self._validation.digest,
        }
        save_checkpoint(self._folder, state, self._identity)
        self.curves.write(self._folder)
        if self._validation is None and self._export is not None:
            row: Row = {"step": self.step, "minutes": self._minutes()}
            self._export(self._learner.averaged_state(), row)

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; False if there is none.

        Raises
        ------
        CheckpointError
            If it is damaged or of another run.
        """
        state = load_checkpoint(self._folder, self._identity, self._device)
        if state is None:
            return False
        self._learner.load_state(state["learner"])
        self.step, self._earlier_s = state["step"], state["seconds"]
        self._losses = state["losses"]
        self.curves = Curves(**state["curves"])
        self.best = state["best"]
        digest = self._validation and self._validation.digest
        if digest != state["validation"]:
            self._say("The held-out objects are others than before: scores begin anew.")
            self.curves.scores, self.best = [], None
        return True

    def run(self) -> int | None:
        """Train to the end of the plan.

        Returns
        -------
        int or None
            The number of the signal that stopped the run before its end, if one did.

        Raises
        ------
        SegNextError
            If the loss is not finite any more, memory runs out, or the folder cannot be
            written to.
        """
        self._started = time.perf_counter()
        with StopRequest() as stop:
            try:
                if self._validation is not None and not self.curves.scores:
                    self._validate()
                self.save()  # now, so that a full disk shows before the work is done
                self._learn(stop)
            except (RuntimeError, MemoryError) as error:
                if (known := _explained(error)) is not None:
                    raise known from error
                raise
            if self.is_finished:
                self._log_loss()
                if self._validation is not None and not self._is_validated():
                    self._validate()
            self.save()
        self._earlier_s, self._started = self.seconds, None
        return None if self.is_finished else stop.signal

    def _learn(self, stop: StopRequest) -> None:
        """Take steps until the plan is fulfilled or somebody wants to stop."""
        saved = self.seconds
        batches = iter(self._loader())
        with tqdm(total=100, mininterval=2, bar_format=_BAR, leave=False) as bar:
            while not self.is_finished and stop.signal is None:
                batch = next(batches)
                loss = self._learner.learn(
                    batch, self._learning_rate(), self._dense_share()
                )
                if not math.isfinite(loss):
                    raise SegNextError(
                        f"The loss is not finite any more at step {self.step}; go on "
                        "from the checkpoint with a smaller --learning-rate."
                    )
                self._losses.append(loss)
                self.step += 1
                bar.set_postfix(step=self.step, loss=f"{loss:.3f}", refresh=False)
                bar.update(100 * min(self._progress(), 1) - bar.n)
                if len(self._losses) == _LOSS_STEPS:
                    self._log_loss()
                if self._is_validation_due():
                    self._validate()
                if self.seconds - saved >= self.plan.save_minutes * 60:
                    saved = self.seconds
                    self.save()

    def _loader(self) -> Iterable[Batch]:
        return DataLoader(
            self._batches(self.step),
            batch_size=None,
            num_workers=self._loaders,
            prefetch_factor=4 if self._loaders else None,
            worker_init_fn=ignore_stops,
        )

    def _minutes(self) -> float:
        return round(self.seconds / 60, 3)

    def _progress(self) -> float:
        return max(self.step / self.plan.steps, self.seconds / (60 * self.plan.minutes))

    def _is_validated(self) -> bool:
        return bool(self.curves.scores) and self.curves.scores[-1]["step"] == self.step

    def _is_validation_due(self) -> bool:
        if self._validation is None:
            return False
        if self.plan.validate_steps is not None:
            return self.step % self.plan.validate_steps == 0
        since = self.seconds / 60 - self.curves.scores[-1]["minutes"]
        return since >= self.plan.validate_minutes

    def _validate(self) -> None:
        """Judge the averaged weights; keep them if they are the best so far."""
        assert self._validation is not None  # noqa: S101 - both callers have asked
        assert self._judged is not None  # noqa: S101
        weights = self._learner.averaged_state()
        self._judged.load_state_dict(weights)
        scores = self._validation.score(self._judged, self._device)
        row: Row = {"step": self.step, "minutes": self._minutes(), **scores}
        self.curves.scores.append(row)
        is_best = self.best is None or row["score"] > self.best[1]["score"]
        if is_best:
            self.best = weights, row
            if self._export is not None:
                self._export(*self.best)
        self._say(
            f"step {self.step}, {row['minutes']:.1f} min: validation "
            f"{row['score']:.3f}{' (best so far)' if is_best else ''}"
        )

    def _log_loss(self) -> None:
        if self._losses:
            mean = sum(self._losses) / len(self._losses)
            self.curves.losses.append(
                {"step": self.step, "minutes": self._minutes(), "loss": mean}
            )
            self._losses = []

    def _learning_rate(self) -> float:
        warm = min(1.0, (self.step + 1) / self.plan.warm_up_steps)
        fall = 0.5 * (1 + math.cos(math.pi * min(self._progress(), 1)))
        return self.plan.learning_rate * warm * fall

    def _dense_share(self) -> float:
        """Fall to 0, so that the end is for prompted objects alone."""
        return self.plan.dense_share * max(0.0, 1 - self._progress() / _DENSE_UNTIL)


def _explained(error: RuntimeError | MemoryError) -> SegNextError | None:
    """Say what to do about the errors of torch that are not our fault."""
    is_full = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    if is_full or "DefaultCPUAllocator" in str(error):  # worded by platform after it
        return SegNextError(
            "The memory is full; use fewer --crops or --objects, or --device cpu."
        )
    if "DataLoader worker" in str(error):
        return SegNextError(
            "A process that makes batches was ended, mostly for want of (shared) "
            "memory; go on with the same command and --loaders 0."
        )
    return None
