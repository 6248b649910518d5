"""One run of `napari-segnext propagate`: begun, gone on with, or finished already."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext import __version__
from napari_segnext.commands.propagation.journal import Journal, run_digest
from napari_segnext.commands.propagation.keys import predict_keys
from napari_segnext.commands.propagation.labels import Layout, labels_at
from napari_segnext.commands.propagation.planes import Planes
from napari_segnext.commands.propagation.scores import score_rows, write_scores
from napari_segnext.commands.propagation.writing import Writer
from napari_segnext.errors import ImageError, JournalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_segnext.commands.propagation.keys import Given
    from napari_segnext.commands.propagation.labels import Labels
    from napari_segnext.commands.propagation.scores import Row
    from napari_segnext.commands.propagation.stacks import Seen, Stack
    from napari_segnext.commands.propagation.voxels import Voxel
    from napari_segnext.core.predictor import Predictor

__all__ = ["Job", "Outcome", "journal_path", "run_job"]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What to do.

    Parameters
    ----------
    stack : Stack
        The image.
    given : Given
        Prompts or masks of the keyed slices.
    out : Path
        Labels to write.
    slices : range
        Which slices may be written.
    voxel : Voxel or None
        The size of a voxel, as the user or the file tells it.
    dtype : str
        Of the labels.
    scores : Path or None
        Table to write at the end.
    overwrite : bool
        Whether to begin anew, whatever is there.
    """

    stack: Stack
    given: Given
    out: Path
    slices: range
    voxel: Voxel | None = None
    dtype: str = "uint16"
    scores: Path | None = None
    overwrite: bool = False

    @property
    def spacing(self) -> float:
        """Distance of slices over the size of a pixel; 1 where nobody tells it."""
        return 1.0 if self.voxel is None else self.voxel.ratio_along(self.stack.axis)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run.

    Parameters
    ----------
    rows : list of Row or None
        What is known of every object and slice; None where that is gone by now.
    resumed : int
        Steps that an earlier run had done.
    was_finished : bool
        Whether there was nothing to do.
    """

    rows: list[Row] | None
    resumed: int = 0
    was_finished: bool = False


def journal_path(out: Path) -> Path:
    """Where the journal of an unfinished run lies: beside its labels."""
    return out.with_name(f"{out.name}.journal")


def run_job(
    job: Job,
    predictor: Predictor,
    should_stop: Callable[[], bool] | None = None,
    *,
    progress: bool = True,
) -> Outcome:
    """Propagate, from the beginning or from where an earlier run was cut off.

    Parameters
    ----------
    job : Job
        What to do.
    predictor : Predictor
        Of the model.
    should_stop : callable, optional
        Once it says True, ``Cancelled`` is raised; the same call goes on from there.
    progress : bool
        Whether to show a progress bar.

    Raises
    ------
    SegNextError
        If something is there that another run wrote, or a file cannot be used.
    Cancelled
        As soon as `should_stop` says so.
    """
    planes = Planes(job.stack, predictor.model.digest)
    try:
        return _run(job, planes, predictor, should_stop, progress)
    except OSError as error:  # the stack's are told where it is read
        raise ImageError(
            f"{job.out} cannot be written ({error.strerror or error}); free some space "
            "and give the same command again, or choose another --out."
        ) from error


def _run(
    job: Job,
    planes: Planes,
    predictor: Predictor,
    should_stop: Callable[[], bool] | None,
    progress: bool,
) -> Outcome:
    identity = _identity(job, predictor, planes.seen)
    run = run_digest(identity)
    layout = Layout(
        job.stack.volume_shape, np.dtype(job.dtype), job.stack.axis, job.voxel
    )
    labels = labels_at(job.out, layout)
    with ExitStack() as opened:
        opened.callback(labels.close)
        journal = _known_journal(job, identity)
        if journal is not None:
            opened.callback(journal.close)
        made = _made_by(job, labels, run, is_begun=journal is not None)
        if made == (run, True) and not job.overwrite:
            rows = None if journal is None else _rows_of(job, journal)
            return _finished(job, rows, journal)
        if journal is None:
            journal = _new_journal(job, identity, planes, predictor, should_stop)
            opened.callback(journal.close)
            made = None
        if made is None:
            labels.create(run)
        labels.open()
        writer = Writer(job, planes, journal, labels)
        writer.write_keys()
        resumed = writer.go(predictor, should_stop, progress)
        rows = _rows_of(job, journal)
        labels.finish(run)
        journal.remove()
    return Outcome(rows, resumed)


def _identity(job: Job, predictor: Predictor, seen: Seen) -> dict[str, Any]:
    """Name what a run that goes on must have in common with this one."""
    return {
        "stack": seen.digest,
        "prompts": job.given.digest,
        "model": predictor.model.digest,
        "--axis": job.stack.axis,
        "--slices": [job.slices.start, job.slices.stop],
        "--spacing": job.spacing,
        "--dtype": job.dtype,
        "version of napari-segnext": __version__,
    }


def _known_journal(job: Job, identity: dict[str, Any]) -> Journal | None:
    """Open the journal of this run; refuses that of another one."""
    path = journal_path(job.out)
    if job.overwrite or not path.exists():
        return None
    journal = Journal.go_on(path)
    other = [
        name for name, value in identity.items() if journal.identity.get(name) != value
    ]
    if other:
        journal.close()
        raise JournalError(
            f"{job.out} was begun by a run with another {' and '.join(other)}; give "
            "the same to go on, --overwrite to begin anew, or another --out."
        )
    return journal


def _made_by(
    job: Job, labels: Labels, run: str, is_begun: bool
) -> tuple[str, bool] | None:
    """Which run made the labels that are there; refuses to touch those of others."""
    if not job.out.exists():
        return None
    made = labels.made_by()
    if job.overwrite and made is None:
        raise ImageError(
            f"{job.out} was not written by `propagate`, so it is not overwritten; "
            "take it away, or choose another --out."
        )
    if not job.overwrite and (made is None or made[0] != run):
        what = "was put there after this run began" if is_begun else "is there already"
        raise ImageError(
            f"{job.out} {what} and is not of this run (another stack, prompts, model "
            "or options); choose another --out, or give --overwrite."
        )
    return made


def _new_journal(
    job: Job,
    identity: dict[str, Any],
    planes: Planes,
    predictor: Predictor,
    should_stop: Callable[[], bool] | None,
) -> Journal:
    """Predict the keyed slices, and write them down."""
    keys = predict_keys(predictor, planes, job.given, should_stop)
    keyed = sorted({index for one in keys.values() for index in one})
    checks = {index: planes.checksum(index) for index in keyed}
    return Journal.begin(journal_path(job.out), identity, keys, checks)


def _finished(job: Job, rows: list[Row] | None, journal: Journal | None) -> Outcome:
    """Tell that there is nothing to do."""
    if journal is not None:  # cut off between the last two acts
        journal.remove()
    elif job.scores is not None and not job.scores.exists():
        raise ImageError(
            f"{job.out} is finished, and its scores were not asked for then; give "
            "--overwrite to have them."
        )
    return Outcome(rows, 0, was_finished=True)


def _rows_of(job: Job, journal: Journal) -> list[Row]:
    rows = score_rows(journal)
    if job.scores is not None:
        write_scores(job.scores, rows)
    return rows
