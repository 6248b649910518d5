"""Masks into the target: which pixels change, and one napari undo step for all."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import LabelRangeError, LayerError
from napari_segnext.session.adopting import check_writable
from napari_segnext.session.pixels import PixelChange, PlaneMask, take

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt
    from napari.layers import Labels

    from napari_segnext.session.found import Found
    from napari_segnext.session.pixels import Coordinates
    from napari_segnext.session.planes import PlaneKey

__all__ = [
    "OVERLAPS",
    "check_change",
    "check_label",
    "compose",
    "compose_together",
    "overlapping",
    "plain_labels",
    "recolour",
    "write",
]

OVERLAPS = ("keep", "overwrite", "ask")


def plain_labels(labels: int | Iterable[int]) -> tuple[int, ...]:
    """Return one label or several, each once, as Python's numbers.

    Raises
    ------
    LayerError
        If they are no whole numbers.
    """
    several = labels if isinstance(labels, Iterable) else [labels]
    try:
        return tuple(dict.fromkeys(index(label) for label in several))
    except TypeError as error:
        raise LayerError(
            f"Labels are whole numbers, not {labels!r}; name one or several."
        ) from error


def check_label(target: Labels, label: int) -> None:
    """Check that `target` can hold `label` and be written.

    Raises
    ------
    LabelRangeError
        If its type has no room for the label.
    LayerError
        If it cannot be written. Nothing has been changed then.
    """
    check_writable(target)
    highest = int(np.iinfo(target.data.dtype).max)
    if not 1 <= label <= highest:
        raise LabelRangeError(
            f"The labels {target.name!r} ({target.data.dtype}) have room for labels 1 "
            f"to {highest}, not for {label}; make room for more, or choose a label "
            "that is free."
        )


def compose(
    target: Labels,
    masks: Mapping[PlaneKey, PlaneMask],
    label: int,
    *,
    editing: int | None = None,
    opened: Mapping[PlaneKey, PlaneMask] | None = None,
    overlap: str = "keep",
) -> PixelChange:
    """Work out which pixels of `target` change when `masks` become `label`.

    Parameters
    ----------
    target : Labels
        Read, not written.
    masks : mapping of PlaneKey to PlaneMask
        The object, plane by plane.
    label : int
        What the pixels become.
    editing : int or None
        A label that the object had before: its pixels are the object's own, and those
        that are not in the masks are freed, on the planes of the masks.
    opened : mapping of PlaneKey to PlaneMask, optional
        What the object was when it was opened for editing: only that is freed, and
        not what was painted by hand since.
    overlap : {"keep", "overwrite"}
        Whether pixels of other labels are kept. They always are where the layer's
        `preserve_labels` is set.

    Raises
    ------
    LayerError
        If the layer cannot be written or cannot hold the label.
    """
    found = None if opened is None or editing is None else {editing: opened}
    kept = overlap == "keep" or target.preserve_labels
    own = () if editing is None else (editing,)
    check_label(target, label)
    # a pixel may be outside on one plane and inside on another that crosses it:
    # the first mention counts
    return PixelChange.joined(
        [
            _taken(target.data, masks, label, own if kept else None),
            *(_freed(target.data, masks, old, found) for old in own),
        ]
    )


def compose_together(
    target: Labels,
    objects: Mapping[int, Mapping[PlaneKey, PlaneMask]],
    *,
    opened: Mapping[int, Mapping[PlaneKey, PlaneMask]],
    overlap: str = "keep",
) -> PixelChange:
    """Work out which pixels change when objects that were reopened together change.

    Parameters
    ----------
    target : Labels
        Read, not written.
    objects : mapping of int to mapping of PlaneKey to PlaneMask
        Each one's masks by its label, empty ones where nothing is left of it.
    opened, overlap
        As for `compose`, by label. They may take pixels from each other.

    Raises
    ------
    LayerError
        If the layer cannot be written or cannot hold the labels.
    """
    own = tuple(objects) if overlap == "keep" or target.preserve_labels else None
    for label in objects:
        check_label(target, label)
    taken = [_taken(target.data, it, label, own) for label, it in objects.items()]
    freed = [_freed(target.data, it, label, opened) for label, it in objects.items()]
    return PixelChange.joined([*taken, *freed])


def _taken(
    data: Any,
    masks: Mapping[PlaneKey, PlaneMask],
    label: int,
    own: Collection[int] | None,
) -> PixelChange:
    """Return the pixels under masks becoming `label`; those of others only if `own`."""
    inside = _concatenate(
        [key.coordinates_of(mask.region, mask.crop) for key, mask in masks.items()],
        data.ndim,
    )
    values = take(data, inside)
    if own is not None:
        free = np.isin(values, [0, label, *own])
        inside = tuple(axis[free] for axis in inside)
        values = values[free]
    return PixelChange.from_arrays(data.shape, inside, values, label)


def _freed(
    data: Any,
    masks: Mapping[PlaneKey, PlaneMask],
    label: int,
    opened: Mapping[int, Mapping[PlaneKey, PlaneMask]] | None,
) -> PixelChange:
    """Return the pixels of `label` beside masks becoming 0, on the masks' planes."""
    before = None if opened is None else opened.get(label, {})
    parts = [
        _stale_pixels(data, key, mask, label, before) for key, mask in masks.items()
    ]
    return PixelChange.from_arrays(data.shape, _concatenate(parts, data.ndim), label, 0)


def _stale_pixels(
    data: Any,
    plane: PlaneKey,
    mask: PlaneMask,
    label: int,
    opened: Mapping[PlaneKey, PlaneMask] | None,
) -> Coordinates:
    own = np.asarray(data[plane.slices]) == label
    row0, col0, row1, col1 = mask.region
    if mask:
        own[row0:row1, col0:col1] &= ~mask.crop
    if opened is not None:
        own &= opened.get(plane, PlaneMask()).plane((own.shape[0], own.shape[1]))
    return plane.coordinates_of((0, 0, *own.shape), own)


def _concatenate(parts: list[Coordinates], ndim: int) -> Coordinates:
    if not parts:
        return tuple(np.empty(0, np.intp) for _ in range(ndim))
    return tuple(np.concatenate(axes) for axes in zip(*parts, strict=True))


def overlapping(
    target: Labels, masks: Mapping[PlaneKey, PlaneMask], own: Collection[int | None]
) -> dict[int, int]:
    """Count the pixels under `masks` that have a label and none of `own`, by label."""
    parts = [key.coordinates_of(mask.region, mask.crop) for key, mask in masks.items()]
    inside = _concatenate(parts, target.data.ndim)
    if len(parts) > 1 and inside[0].size:  # planes may cross: no pixel counts twice
        flat = np.unique(np.ravel_multi_index(inside, target.data.shape))
        inside = tuple(np.unravel_index(flat, target.data.shape))
    labels, counts = np.unique(take(target.data, inside), return_counts=True)
    return {
        int(label): int(count)
        for label, count in zip(labels, counts, strict=True)
        if label and int(label) not in own
    }


def recolour(target: Labels, objects: Mapping[int, Found], value: int) -> PixelChange:
    """Work out which pixels change when all of `objects`, by label, become `value`."""
    if value:
        check_label(target, value)
    else:
        check_writable(target)
    return PixelChange.joined(
        found.change_to(label, value) for label, found in objects.items()
    )


def check_change(target: Labels, change: PixelChange) -> None:
    """Check that `target` can be written, has the pixels, and can hold the labels.

    Raises
    ------
    LayerError
        If not.
    """
    check_writable(target)
    if tuple(target.data.shape) != change.shape:
        raise LayerError(
            f"The labels {target.name!r} changed their shape; "
            "what was done before cannot be applied to them."
        )
    if change.highest:
        check_label(target, change.highest)


def write(target: Labels, change: PixelChange) -> bool:
    """Write `change` where the pixels still have the value before it: one undo step.

    Parameters
    ----------
    target : Labels
        One that passes `check_change`.
    change : PixelChange
        What to write.

    Returns
    -------
    bool
        Whether that was everywhere.
    """
    coordinates = change.coordinates
    same: npt.NDArray[np.bool_] = take(target.data, coordinates) == change.before
    if same.any():
        if not target.visible:
            # napari does not slice what is hidden, and writes into its old slice
            target.set_view_slice()
        target.data_setitem(
            tuple(axis[same] for axis in coordinates),
            change.after[same].astype(target.data.dtype),
        )
    return bool(same.all())
