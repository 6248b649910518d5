"""All prompts of one object on one plane, as one frozen value.

The types of prompts are in ``prompt_types.py`` and ``prompt_pixels.py``; they are
public from here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.core.prompt_pixels import Mask, Stroke
from napari_segnext.core.prompt_types import Box, Click, Polygon, Scribble
from napari_segnext.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Box",
    "Click",
    "Mask",
    "Polygon",
    "Prompt",
    "Prompts",
    "Scribble",
    "Stroke",
    "prompts_bounds",
]

Prompt = Click | Box | Polygon | Scribble | Stroke
_FIELD_OF: dict[type, str] = {
    Click: "clicks",
    Box: "boxes",
    Polygon: "polygons",
    Scribble: "scribbles",
    Stroke: "strokes",
}
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, zlib.error)


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompts of one object on one plane; iterating yields all but the mask.

    Parameters
    ----------
    clicks, boxes, polygons, scribbles, strokes : sequences
        Prompts of each type, in the order they were made.
    mask : Mask or array (H, W) of bool or float probability, optional
        A rough mask to start from.

    Raises
    ------
    PromptError
        If a sequence holds something else, or the mask is none.

    Examples
    --------
    >>> from napari_segnext import Box, Click, Prompts
    >>> prompts = Prompts(clicks=[Click(40, 31)]).add(Box(30, 20, 52, 43))
    >>> len(prompts), prompts == Prompts.from_json(prompts.to_json())
    (2, True)
    """

    clicks: Sequence[Click] = ()
    boxes: Sequence[Box] = ()
    polygons: Sequence[Polygon] = ()
    scribbles: Sequence[Scribble] = ()
    strokes: Sequence[Stroke] = ()
    mask: Mask | None = None

    def __post_init__(self) -> None:
        """Freeze the sequences and check what is in them."""
        for kind, name in _FIELD_OF.items():
            given: Any = getattr(self, name)
            if not isinstance(given, Iterable):
                raise PromptError(
                    f"`{name}` takes a list of {kind.__name__} values, not {given!r}."
                )
            values = tuple(given)
            wrong = [value for value in values if not isinstance(value, kind)]
            if wrong:
                raise PromptError(
                    f"`{name}` takes {kind.__name__} values, "
                    f"not {type(wrong[0]).__name__}."
                )
            object.__setattr__(self, name, values)
        mask: Any = self.mask  # arrays are welcome too
        if mask is not None and not isinstance(mask, Mask):
            object.__setattr__(self, "mask", Mask.from_array(mask))

    def __iter__(self) -> Iterator[Prompt]:
        """All prompts but the mask, by type."""
        for name in _FIELD_OF.values():
            yield from getattr(self, name)

    def __len__(self) -> int:
        """Count the prompts, the mask included."""
        return sum(1 for _ in self) + (self.mask is not None)

    @property
    def has_positive(self) -> bool:
        """Whether anything says where the object is (a mask does)."""
        return self.mask is not None or any(prompt.positive for prompt in self)

    def add(self, *prompts: Prompt | Mask) -> Prompts:
        """Return these prompts and `prompts`; a mask replaces the one before.

        Raises
        ------
        PromptError
            If one of them is no prompt.
        """
        result = self
        for prompt in prompts:
            if isinstance(prompt, Mask):
                result = replace(result, mask=prompt)
                continue
            name = _FIELD_OF.get(type(prompt))
            if name is None:
                raise PromptError(f"{type(prompt).__name__} is not a prompt.")
            result = _replaced(result, name, (*getattr(result, name), prompt))
        return result

    def remove(self, prompt: Prompt | Mask) -> Prompts:
        """Return these prompts without the last one that equals `prompt`.

        Raises
        ------
        PromptError
            If there is no such prompt.
        """
        if isinstance(prompt, Mask) and prompt == self.mask:
            return replace(self, mask=None)
        name = _FIELD_OF.get(type(prompt), "")
        values = list(getattr(self, name, ()))
        for index in reversed(range(len(values))):
            if values[index] == prompt:
                del values[index]
                return _replaced(self, name, values)
        raise PromptError("There is no such prompt to remove.")

    def contains(self, other: Prompts) -> bool:
        """Whether every prompt of `other` is here too, with the same mask."""
        return self.mask == other.mask and Counter(other) <= Counter(self)

    def digest(self) -> str:
        """Return a hexadecimal SHA-256 of the content (64 characters)."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Return a JSON object as text; :meth:`from_json` reads it back, equal."""
        return json.dumps(self.to_dict(), separators=(",", ":"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings; empty types are left out."""
        content: dict[str, Any] = {
            name: [_to_plain(value) for value in getattr(self, name)]
            for name in _FIELD_OF.values()
            if getattr(self, name)
        }
        if self.mask is not None:
            content["mask"] = _to_plain(self.mask)
        return content

    @classmethod
    def from_json(cls, text: str) -> Prompts:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        PromptError
            If the text is not a JSON object of prompts.
        """
        try:
            content = json.loads(text)
        except (ValueError, TypeError) as error:
            raise PromptError(f"These are not prompts in JSON: {error}.") from error
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Prompts:
        """Read what :meth:`to_dict` returned.

        Raises
        ------
        PromptError
            If it is something else.
        """
        try:
            kinds = [*_FIELD_OF.values(), "mask"]
            unknown = set(content).difference(kinds)
            if unknown:
                raise PromptError(
                    f"Unknown kinds of prompts: {sorted(unknown)}; there are "
                    f"{', '.join(kinds)}."
                )
            for name in set(content) - {"mask"}:
                if not isinstance(content[name], list):
                    raise PromptError(f"{name} are {content[name]!r}; give a list.")
            prompts = [
                _from_plain(kind, value)
                for kind, name in _FIELD_OF.items()
                for value in content.get(name, ())
            ]
            if "mask" in content:
                prompts.append(_from_plain(Mask, content["mask"]))
        except _UNREADABLE as error:
            raise PromptError(f"These are not prompts: {error}.") from error
        return cls().add(*prompts)


def prompts_bounds(
    prompts: Iterable[Prompt | Mask],
) -> tuple[float, float, float, float]:
    """Bounding box (row0, col0, row1, col1) of at least one prompt, ends included."""
    bounds = np.array([prompt.bounds for prompt in prompts])
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _replaced(prompts: Prompts, name: str, values: Sequence[Prompt]) -> Prompts:
    changes: dict[str, Any] = {name: tuple(values)}
    return replace(prompts, **changes)


def _to_plain(value: Prompt | Mask) -> dict[str, Any]:
    return {
        field.name: (
            base64.b64encode(item).decode() if isinstance(item, bytes) else item
        )
        for field in fields(value)
        for item in [getattr(value, field.name)]
    }


def _from_plain(kind: type, content: dict[str, Any]) -> Any:
    if not isinstance(content, dict):
        raise PromptError(
            f"A {kind.__name__.lower()} is {content!r}; write its values with their "
            'names, as {"row": 40, "col": 31} for a click.'
        )
    arguments: dict[str, Any] = {
        name: tuple(item) if name in ("shape", "region") else item
        for name, item in content.items()
    }
    for name in ("bits", "values"):
        if name in arguments:
            arguments[name] = base64.b64decode(arguments[name])
    positive = arguments.get("positive", True)
    if not isinstance(positive, bool):  # "false" would count as true
        raise PromptError(f"`positive` is {positive!r}; write true or false.")
    try:
        signature(kind).bind(**arguments)
    except TypeError as error:
        names = ", ".join(field.name for field in fields(kind))
        given = ", ".join(map(str, content)) or "nothing"
        raise PromptError(
            f"A {kind.__name__.lower()} has {given}; write {names}."
        ) from error
    prompt = kind(**arguments)
    if isinstance(prompt, Mask | Stroke) and not prompt.crop.any():
        raise PromptError(f"A {kind.__name__.lower()} has no pixel; leave it out.")
    return prompt
