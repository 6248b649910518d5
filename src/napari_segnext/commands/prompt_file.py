"""Prompts in a JSON file, as `segment` and `propagate` read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_segnext.core.prompts import Prompts
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LAYOUT", "Entry", "check_label", "parse_prompts", "read_prompts"]

LAYOUT = '[{"label": 1, "plane": [12], "clicks": [{"row": 40, "col": 31}]}]'
MAX_LABEL = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """The prompts of one object on one plane; they have not met an image yet.

    Parameters
    ----------
    label : int
        From 1 to 4,294,967,295.
    plane : tuple of int
        Leading indices in the stack; () of an image that is one plane.
    prompts : Prompts
        In (row, column) pixels of the plane.
    """

    label: int
    plane: tuple[int, ...]
    prompts: Prompts

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"Object {self.label}"


def read_prompts(path: Path) -> list[Entry]:
    """Read a file of prompts.

    Raises
    ------
    PromptError
        If it cannot be read, its content makes no sense, or it holds no object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise PromptError(f"{path} is not JSON: {error}.") from error
    # older files of `propagate` have the list in an object
    objects = content.get("objects") if isinstance(content, dict) else content
    if not isinstance(objects, list) or not all(isinstance(it, dict) for it in objects):
        raise PromptError(f"{path} holds no list of objects; write {LAYOUT}.")
    if not objects:
        raise PromptError(f"{path} holds no object; write {LAYOUT}.")
    return parse_prompts(objects)


def parse_prompts(objects: list[dict[str, Any]]) -> list[Entry]:
    """Return what the list in a file says; a missing label is the place in the list.

    Raises
    ------
    PromptError
        If it makes no sense.
    """
    entries = []
    for number, one in enumerate(objects, start=1):
        rest = dict(one)
        label = check_label(rest.pop("label", number), f"Object {number}")
        for plane, content in _planes_of(rest, f"Object {label}"):
            try:
                entries.append(Entry(label, plane, Prompts.from_dict(content)))
            except PromptError as error:
                raise PromptError(f"Object {label}: {error}") from error
    return entries


def check_label(value: Any, what: str) -> int:
    """Return a label that can be written.

    Raises
    ------
    PromptError
        If `value` is none; `what` has it.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise PromptError(
            f"{what} has the label {value!r}; labels are whole numbers from 1, since 0 "
            "is the background."
        )
    if value > MAX_LABEL:
        raise PromptError(
            f"{what} has the label {value}; the largest that fits is {MAX_LABEL}."
        )
    return value


def _planes_of(
    one: dict[str, Any], what: str
) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """Yield planes and what is on them: one, or, in older files, a dict of slices."""
    if "slices" not in one:
        plane = one.pop("plane", [])
        if not isinstance(plane, list) or any(
            type(index) is not int for index in plane
        ):
            raise PromptError(
                f"{what} has the plane {plane!r}; give the leading indices as a list, "
                "for instance [12]."
            )
        yield tuple(plane), one
        return
    slices = one.pop("slices")
    if one or not isinstance(slices, dict) or not slices:
        raise PromptError(f"{what} needs planes with prompts; write {LAYOUT}.")
    for name, content in slices.items():
        if not name.strip().isdecimal():
            raise PromptError(
                f"{what} has a slice {name!r}; slices are whole numbers from 0."
            )
        yield (int(name),), content
