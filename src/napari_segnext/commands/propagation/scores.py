"""What a run found out about every object and slice, as a table and in words."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from napari_segnext.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segnext.commands.propagation.journal import Journal

__all__ = ["Row", "score_rows", "tell_objects", "write_scores"]

_COLUMNS = ("label", "slice", "kind", "score", "reason")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One object on one slice.

    Parameters
    ----------
    label, slice : int
        Of the object, and where.
    kind : {"keyed", "propagated", "ended"}
        Whether the mask was given, was found, or the object is not there any more.
    score : float or None
        How good a propagated mask probably is, from 0 to 1.
    reason : str
        Why the object ended there.
    """

    label: int
    slice: int
    kind: str
    score: float | None = None
    reason: str = ""


def score_rows(journal: Journal) -> list[Row]:
    """Collect what a run wrote down, by label and slice; the newest answer counts."""
    rows = {
        (label, index): Row(label, index, "keyed")
        for label, one in journal.keys.items()
        for index, patch in one.items()
        if patch.area
    }
    for step, _ in journal.records():
        for name, ending in step.endings.items():
            label = cast("int", name)
            rows[label, step.index] = Row(
                label, step.index, "ended", None, ending.reason
            )
        for name, answer in step.answers.items():
            label = cast("int", name)
            rows[label, step.index] = Row(
                label, step.index, "propagated", round(answer.score, 4)
            )
    return [rows[place] for place in sorted(rows)]


def write_scores(path: Path, rows: list[Row]) -> None:
    """Write a table with one line a row, whole or not at all.

    Raises
    ------
    JournalError
        If it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            for row in rows:
                score = "" if row.score is None else f"{row.score:.4f}"
                table.writerow((row.label, row.slice, row.kind, score, row.reason))
        partial.replace(path)
    except OSError as error:
        raise JournalError(
            f"{path} cannot be written ({error.strerror}); choose another --scores and "
            "give the same command again."
        ) from error


def tell_objects(rows: list[Row]) -> list[str]:
    """Say in one line per object where it is, and why it ended."""
    lines = []
    for label in sorted({row.label for row in rows}):
        own = [row for row in rows if row.label == label]
        there = [row.slice for row in own if row.kind != "ended"]
        keyed = sum(row.kind == "keyed" for row in own)
        line = (
            f"label {label}: {len(there)} slices from {there[0]} to {there[-1]}, "
            f"{keyed} of them keyed"
        )
        ended = [row for row in own if row.kind == "ended"]
        reasons = [f"  ended at slice {row.slice}: {row.reason}" for row in ended]
        lines += [line, *reasons]
    return lines
