"""What the actions about the slices of a volume do in a session, without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segnext.widget import text
from napari_segnext.widget.actions import with_key
from napari_segnext.widget.quality_strip import describe_slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_segnext.session.planes import PlaneKey
    from napari_segnext.session.session import Session

__all__ = ["VOLUME_ACTS", "Extent", "endings_told", "place_along", "propagate_labels"]

_MOST_ENDINGS = 3


@dataclass(frozen=True, slots=True)
class Extent:
    """Which slices propagation may write.

    Parameters
    ----------
    slices : range or None
        None: until the object ends.
    axis : int or None
        The data axis to go along; None: the last one on a slider.
    """

    slices: range | None = None
    axis: int | None = None


def place_along(plane: PlaneKey, axis: int | None = None) -> int:
    """Return the index of a plane along an axis; None: the last one on a slider."""
    fixed = plane.fixed
    return plane.index[fixed.index(axis) if axis in fixed else -1]


def propagate_labels(session: Session, labels: Iterable[int], extent: Extent) -> str:
    """Propagate objects that were chosen; the open one may be the only one of them.

    Raises
    ------
    SegNextError
        If the session refuses.
    """
    wanted = list(labels)
    if wanted == [session.label] and _is_open(session):
        session.propagate(None, extent.slices, axis=extent.axis)
    else:
        session.propagate(wanted, extent.slices, axis=extent.axis)
    return ""


def endings_told(session: Session, axis: int | None) -> str:
    """Say where the last run ended, in the order of slices, and what next.

    Why it ended is said by the strip: in the place of the hint it would take more room
    than there is, unless there is nothing else to say.
    """
    endings = sorted(session.endings.items(), key=lambda item: item[0].index)
    places = [str(place_along(plane, axis)) for plane, _reason in endings]
    if not places:
        return ""
    if all(info.kind == "keyed" for info in session.slices.values()):
        told = zip(places[:_MOST_ENDINGS], endings, strict=False)
        return " ".join(
            text.ENDED.format(index=place, reason=reason)
            for place, (_plane, reason) in told
        )
    listed = [*places[:_MOST_ENDINGS], *(["…"] if places[_MOST_ENDINGS:] else [])]
    return text.counted(text.RUN_ENDED, len(places), slices=", ".join(listed))


def _is_open(session: Session) -> bool:
    found = session.objects.get(session.label)
    return found is not None and found.state == "open"


def _object(session: Session) -> tuple[bool, int | None]:
    """Return whether there is an object to act on, and its label if it is not open."""
    if _is_open(session):
        return True, None
    return session.focus is not None, session.focus


def _propagate(session: Session, extent: Extent) -> str:
    is_there, label = _object(session)
    if not is_there:
        return text.NO_OBJECT_TO_ACT_ON
    session.propagate(label, extent.slices, axis=extent.axis)
    return ""


def _interpolate(session: Session, extent: Extent) -> str:
    is_there, label = _object(session)
    if not is_there:
        return text.NO_OBJECT_TO_ACT_ON
    session.interpolate(label, axis=extent.axis)
    return ""


def _cancel(session: Session, _extent: Extent) -> str:
    if not session.is_propagating:
        return text.NOTHING_TO_CANCEL
    session.cancel()
    return text.STOPPED


def _next_worst(session: Session, extent: Extent) -> str:
    plane = session.next_worst()
    if plane is None:
        return text.NO_WORST
    index = place_along(plane, extent.axis)
    told = describe_slice(index, session.slices.get(plane))
    return f"{with_key(text.AT_WORST.format(told=told), 'review_slice')}."


def _lock(session: Session, extent: Extent) -> str:
    plane = session.plane
    if plane is None or not _object(session)[0]:
        return text.NO_OBJECT_TO_ACT_ON
    info = session.slices.get(plane)  # None: it says that the object is not there
    is_locked = info is not None and info.locked
    session.lock(plane, not is_locked)
    told = text.UNLOCKED_NOW if is_locked else text.LOCKED_NOW
    return told.format(index=place_along(plane, extent.axis))


def _review(session: Session, extent: Extent) -> str:
    plane = session.plane
    info = session.slices.get(plane) if plane is not None else None
    if plane is None or info is None:
        return text.NOT_ON_SLICE
    session.review_slice(plane, not info.reviewed)
    told = text.SLICE_UNREVIEWED_NOW if info.reviewed else text.SLICE_REVIEWED_NOW
    return told.format(index=place_along(plane, extent.axis))


VOLUME_ACTS: dict[str, Callable[[Session, Extent], str]] = {
    "propagate": _propagate,
    "interpolate": _interpolate,
    "cancel": _cancel,
    "next_worst": _next_worst,
    "lock_slice": _lock,
    "review_slice": _review,
}
