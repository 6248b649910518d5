"""Train segnext-lite on folders of images and labels."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from napari_segnext.core.checkpoints import save_safetensors
from napari_segnext.core.cores import count_cores
from napari_segnext.errors import CheckpointError, SegNextError
from napari_segnext.training.batches import Batches, Recipe
from napari_segnext.training.data import read_sets
from napari_segnext.training.holdout import MIN_IMAGES, MIN_SLICES, hold_out
from napari_segnext.training.initial import IMAGENET, Initial, initial_model
from napari_segnext.training.learner import Learner
from napari_segnext.training.loop import Plan, Trainer
from napari_segnext.training.settings import Settings
from napari_segnext.training.validation import FIGURES, Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from napari_segnext.training.batches import Source
    from napari_segnext.training.curves import Row
    from napari_segnext.training.data import Annotated

    Sets = dict[str, list[Annotated]]

__all__ = ["Outcome", "Settings", "train"]

_RATE, _FINE_TUNING_RATE = 2e-3, 3e-4
_WARM_UP_STEPS, _FINE_TUNING_WARM_UP_STEPS = 100, 20
_SYNTHETIC_SHARE = 0.15
_VALIDATE_MINUTES = 5
_VALIDATIONS = 10  # of a run that is told its steps
_ROUNDING = 1e-6  # shares are typed with few digits


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Parameters
    ----------
    weights : Path
        The weights file; :func:`load_model` reads it. A run that was stopped before
        its first weights has none there.
    steps : int
        Taken so far.
    stopped_by : int or None
        Number of the signal that stopped the run before its end.
    """

    weights: Path
    steps: int
    stopped_by: int | None


def train(settings: Settings, say: Callable[[str], object] = tqdm.write) -> Outcome:
    """Train, and write ``segnext-lite.safetensors`` with the best averaged weights.

    Parameters
    ----------
    settings : Settings
        What to do.
    say : callable
        Takes each line for the user; by default they go to standard output, between
        the progress bars.

    Raises
    ------
    ImageError
        If the data cannot be read.
    CheckpointError
        If the initial weights or a checkpoint cannot be read, or `out` not written to.
    SegNextError
        If the loss diverges or memory runs out.
    """
    _check_folder(settings.out)
    with _resources(settings.device):
        torch.manual_seed(settings.seed)
        initial = initial_model(settings.init)
        trained, held = _split(settings, say)
        recipe = Recipe(
            settings.crops,
            settings.objects,
            initial.network.config.size,
            initial.style,
            initial.mean,
            initial.std,
            settings.seed,
            dense=settings.dense > 0,
        )
        validation = _validation(held, recipe, say)
        trainer = _trainer(settings, initial, trained, recipe, validation, say)
        if trainer.resume():
            say(f"Going on at step {trainer.step}.")
            if trainer.is_finished:
                say("This run is finished; more --steps or --minutes make it go on.")
        stopped_by = trainer.run()
    if stopped_by is None and trainer.best is not None:
        _report(trainer.curves.scores[0], trainer.best[1], trainer.step, say)
    return Outcome(settings.out / "segnext-lite.safetensors", trainer.step, stopped_by)


def _trainer(
    settings: Settings,
    initial: Initial,
    trained: Sets,
    recipe: Recipe,
    validation: Validation | None,
    say: Callable[[str], object],
) -> Trainer:
    is_new = initial.digest == IMAGENET
    synthetic = _synthetic_share(settings, is_new)
    sets, shares = _mixture(trained, settings.shares, synthetic)
    rate = settings.learning_rate
    if rate is None:
        rate = _RATE if is_new else _FINE_TUNING_RATE
    by_steps = settings.minutes is None and settings.validate_minutes is None
    steps = settings.steps or math.inf
    plan = Plan(
        steps=steps,
        minutes=settings.minutes or math.inf,
        learning_rate=rate,
        dense_share=settings.dense,
        warm_up_steps=_WARM_UP_STEPS if is_new else _FINE_TUNING_WARM_UP_STEPS,
        validate_steps=max(1, math.ceil(steps / _VALIDATIONS)) if by_steps else None,
        validate_minutes=settings.validate_minutes or _VALIDATE_MINUTES,
    )
    learner = Learner(
        initial.network,
        device=settings.device,
        radius=initial.style.click_radius,
        bfloat16=settings.bfloat16,
        seed=settings.seed,
    )
    return Trainer(
        learner,
        lambda first: Batches(sets, shares, recipe, first),
        plan,
        settings.out,
        validation=validation,
        export=_exporter(settings, initial, trained, validation),
        identity={
            "network": asdict(initial.network.config),
            "--init": initial.digest,
            "--seed": settings.seed,
        },
        device=settings.device,
        loaders=_loaders(settings),
        say=say,
    )


def _exporter(
    settings: Settings,
    initial: Initial,
    trained: Sets,
    validation: Validation | None,
) -> Callable[[dict[str, Tensor], Row], None]:
    """Return what writes weights, and how they came about, into the weights file."""
    card = {
        "name": "segnext-lite",
        "threshold": initial.threshold,
        "mean": initial.mean,
        "std": initial.std,
        "style": asdict(initial.style),
        "init": initial.digest,
        "seed": settings.seed,
        "sets": {name: len(planes) for name, planes in trained.items()},
        "validated on": None if validation is None else validation.objects,
    }

    def export(weights: dict[str, Tensor], row: Row) -> None:
        network = type(initial.network)(initial.network.config)
        network.load_state_dict(weights)
        save_safetensors(
            settings.out / "segnext-lite.safetensors",
            network,
            kind="lite",
            config=asdict(network.config),
            model={**card, **row},
        )

    return export


def _split(settings: Settings, say: Callable[[str], object]) -> tuple[Sets, Sets]:
    """Read what is trained on and what is held out, and say which."""
    sets = read_sets(settings.data)
    if settings.validate is not None:
        trained, held = sets, read_sets(settings.validate)
    else:
        trained, held = hold_out(sets, settings.seed)
    for verb, part in (("Training", trained), ("Validating", held)):
        names = ", ".join(f"{name} ({len(planes)})" for name, planes in part.items())
        if part:
            say(f"{verb} on planes of {names}.")
    return trained, held


def _validation(
    held: Sets, recipe: Recipe, say: Callable[[str], object]
) -> Validation | None:
    """Choose what to validate on; None, and a line that says so, without objects."""
    if not held:
        say(
            f"Nothing is held out to validate on (that takes {MIN_IMAGES} images, a "
            f"stack of {MIN_SLICES} slices, or --validate): the last weights are kept."
        )
        return None
    validation = Validation(held, recipe)
    if not validation.objects:
        say(
            "No held-out object is wide enough to be seen when all of it is in the "
            "picture: nothing is validated, and the last weights are kept."
        )
        return None
    return validation


def _synthetic_share(settings: Settings, is_new: bool) -> float:
    if settings.synthetic is not None:
        return settings.synthetic
    return _SYNTHETIC_SHARE if is_new else 0.0


def _mixture(
    trained: Sets, given: Mapping[str, float], synthetic: float
) -> tuple[dict[str, Source], dict[str, float]]:
    """Say how often each set is drawn: large ones more, but not in proportion."""
    sets: dict[str, Source] = dict(trained)
    roots = {
        name: math.sqrt(sum(len(plane.instances()) for plane in planes))
        for name, planes in trained.items()
    }
    for name in given:
        if not roots.get(name):
            names = ", ".join(name for name, root in roots.items() if root)
            raise SegNextError(
                f"There is no set '{name}' with objects to take a share from; "
                f"there are: {names}."
            )
    rest = 1 - synthetic - sum(given.values())
    if rest < -_ROUNDING:
        raise SegNextError(
            f"The shares of sets and rendered images add up to {1 - rest:.3g}; give "
            "less than 1 in all."
        )
    others = sum(root for name, root in roots.items() if name not in given) or 1
    shares = {name: max(rest, 0) * root / others for name, root in roots.items()}
    shares |= given
    if synthetic:
        from napari_segnext.training.synthetic import FAMILIES

        each = synthetic / len(FAMILIES)
        for name, family in FAMILIES.items():
            sets[f"synthetic {name}"] = family
            shares[f"synthetic {name}"] = each
    return sets, shares


def _report(before: Row, best: Row, steps: int, say: Callable[[str], object]) -> None:
    """Say what changed on the held-out objects."""
    if best["step"] == before["step"]:
        say(
            f"Training did not help: validation {before['score']:.3f} before, and not "
            "better at any time. The weights are those of before."
        )
        return
    say(
        f"Best at step {best['step']:.0f} of {steps}, mean IoU on held-out objects: "
        f"{before['score']:.3f} -> {best['score']:.3f}"
    )
    names = ["1 click", "3 clicks", "5 clicks", "box", "rough mask"]
    names = [f"after {name}" for name in names]
    of_sets = [name for name in best if name.startswith("score ")]
    for name, column in zip(names, FIGURES, strict=True):
        say(f"  {name:<20} {before[column]:.3f} -> {best[column]:.3f}")
    for column in of_sets if len(of_sets) > 1 else []:
        name = column.removeprefix("score ")
        say(f"  {name:<20} {before[column]:.3f} -> {best[column]:.3f}")


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"'{folder}' cannot be made ({error.strerror}); choose another --out."
        ) from error


def _loaders(settings: Settings) -> int:
    """Choose how many processes of one thread make batches meanwhile."""
    if settings.loaders is not None:
        return settings.loaders
    if settings.device == "cpu":  # a step takes several times as long as a batch
        return min(4, max(1, count_cores() // 4))
    return min(12, max(1, count_cores() - 1))


@contextmanager
def _resources(device: str) -> Iterator[None]:
    """Threads for the cores there are; on a GPU, sums in the same order every time."""
    if device == "cpu":
        before = torch.get_num_threads()
        if "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(count_cores())
        try:
            yield
        finally:
            torch.set_num_threads(before)
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    was_on = torch.are_deterministic_algorithms_enabled()
    warned_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_on, warn_only=warned_only)
