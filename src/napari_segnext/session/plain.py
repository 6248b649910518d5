"""Acts as plain JSON values, and back: what a journal on disk is made of."""

from __future__ import annotations

import base64
from dataclasses import fields, is_dataclass
from typing import Any

from napari_segnext.core.prompts import Prompts
from napari_segnext.errors import JournalError, PromptError
from napari_segnext.session import acts
from napari_segnext.session.acts import ObjectChange, OpenObject, PlaneState
from napari_segnext.session.groups import GroupMask
from napari_segnext.session.history import Beginning, Entry, Snapshot
from napari_segnext.session.pixels import PixelChange, PlaneMask
from napari_segnext.session.planes import PlaneKey

__all__ = ["from_plain", "to_plain", "unknown"]

_VALUES = (
    acts.Accepted,
    acts.Cleared,
    acts.Deleted,
    acts.Edited,
    acts.Grouped,
    acts.Marked,
    acts.Merged,
    acts.PromptsChanged,
    acts.Propagated,
    acts.Relabelled,
    acts.Reviewed,
    acts.Split,
    acts.TargetEdited,
    acts.TargetRemoved,
    ObjectChange,
    OpenObject,
    GroupMask,
    PixelChange,
    acts.PlaneChange,
    acts.SliceChange,
    acts.SliceMark,
    PlaneKey,
    PlaneMask,
    PlaneState,
    acts.State,
    Beginning,
    Entry,
    Snapshot,
)
_TYPES: dict[str, Any] = {kind.__name__: kind for kind in _VALUES}


def from_plain(plain: Any) -> Any:
    """Return the value that `to_plain` was given.

    Raises
    ------
    JournalError
        If `plain` is something else.
    """
    try:
        return _from_plain(plain)
    except (KeyError, TypeError, ValueError, AttributeError, PromptError) as error:
        raise unknown(error) from error


def unknown(what: object) -> JournalError:
    """Return the error of a journal that holds what is not known here."""
    return JournalError(
        f"The journal holds something unknown ({what}), probably of a newer version; "
        "update napari-segnext."
    )


def to_plain(value: Any) -> Any:
    """Return a value of the log as dicts, lists, numbers and strings."""
    if isinstance(value, Prompts):
        return {"type": "Prompts", **value.to_dict()}
    if isinstance(value, bytes):
        return {"type": "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):  # of planes: keys that JSON cannot have
        items = [[to_plain(key), to_plain(item)] for key, item in value.items()]
        return {"type": "dict", "items": items}
    if is_dataclass(value):
        content = {
            field.name: to_plain(getattr(value, field.name)) for field in fields(value)
        }
        return {"type": type(value).__name__, **content}
    return value


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_plain(item) for item in value)
    if not isinstance(value, dict):
        return value
    content = dict(value)
    kind = content.pop("type")
    if kind == "Prompts":
        return Prompts.from_dict(content)
    if kind == "bytes":
        return base64.b64decode(content["base64"], validate=True)
    if kind == "dict":
        return {_from_plain(key): _from_plain(item) for key, item in content["items"]}
    return _TYPES[kind](**{name: _from_plain(item) for name, item in content.items()})
