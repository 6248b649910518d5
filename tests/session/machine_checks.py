"""The invariants of the state machine."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from machine_desk import ROLES, Desk, check_sentence
from machine_model import (
    Fold,
    PlaneFold,
    clicks_in,
    clicks_of,
    outlines_in,
    outlines_of,
    painted,
    singles,
)
from machine_predictor import BLOCKED, ScriptedFailureError

from napari_segnext.errors import SegNextError
from napari_segnext.session.journal import read_journal

if TYPE_CHECKING:
    from napari_segnext.session.pixels import PlaneMask
    from napari_segnext.session.planes import PlaneKey

METADATA_KEY = "napari_segnext"


def check_desk(desk: Desk, not_ours: list[Any]) -> None:
    """Everything that must hold after every act."""
    check_errors(desk)
    check_layers(desk, not_ours)
    if desk.is_open:
        fold = desk.fold
        check_prompts(desk, fold)
        check_preview(desk, fold)
        check_objects(desk)


def check_journal(desk: Desk) -> None:
    """What is on disk gives the log, the state and the labels again."""
    path, history = desk.session.journal, desk.session._history
    if path is None or not path.exists():
        assert not history.acts
        return
    recording = read_journal(path)
    assert recording.is_whole
    assert recording.history.acts == history.acts
    assert recording.history.state == history.state
    assert recording.history.next == history.next
    ours = ~desk.touched
    np.testing.assert_array_equal(recording.labels()[ours], desk.target[ours])


def check_errors(desk: Desk) -> None:
    for error in desk.errors:
        if isinstance(error, SegNextError):
            check_sentence(error)
        else:
            assert isinstance(error, ScriptedFailureError), repr(error)
            assert desk.lenient
    desk.errors.clear()


def check_layers(desk: Desk, not_ours: list[Any]) -> None:
    """One layer a role and session at most; none is left over by a closed one."""
    made = [
        layer.metadata[METADATA_KEY]
        for layer in desk.viewer.layers
        if METADATA_KEY in layer.metadata
        and layer not in not_ours
        and layer.name.startswith(desk.name)
    ]
    if desk.is_open:
        assert len(made) == len(set(made)), made
    else:
        assert set(made) <= {"target"}, made


def check_prompts(desk: Desk, fold: Fold) -> None:
    """The prompt layers hold the prompts of the log, no more and no less."""
    session = desk.session
    known = {plane: found.prompts for plane, found in fold.planes.items()}
    assert {
        plane: prompts for plane, prompts in known.items() if prompts
    } == session_prompts(desk)
    if session.has("points"):
        assert clicks_in(session.points, desk.image, desk.axes) == clicks_of(known)
    else:
        assert not clicks_of(known)
    if session.has("shapes"):
        found = outlines_in(session.shapes, desk.image, desk.axes)
        assert found == outlines_of(known)
    else:
        assert not outlines_of(known)
    if not session.has("scribbles"):
        assert not any(p.strokes or p.mask is not None for p in known.values())
    elif len({p.displayed for p in known}) < 2:
        held = np.asarray(session.scribbles.data)
        np.testing.assert_array_equal(held, painted(known, desk.shape))


def session_prompts(desk: Desk) -> dict[PlaneKey, Any]:
    info = desk.session.objects.get(desk.session.label)
    if info is None or info.state != "open":
        return {}
    return dict(info.prompts)


def candidates(
    desk: Desk, fold: Fold, plane: PlaneKey, found: PlaneFold
) -> list[np.ndarray]:
    """What the preview may show on a plane; the first is what it should show."""
    shape = plane.shape_in(desk.shape)
    if found.stored is not None:
        return [painted_mask(found.stored, shape)]
    shown = []
    for number in reversed(found.entries):
        if not fold.entries[number, plane][0]:
            break
        fresh = desk.oracle.fresh(fold, number, plane, desk.data, desk.low)
        shown.append(cleaned(desk, fold, number, plane, fresh))
        if desk.lenient:  # the image was another when it was asked
            shown += [
                cleaned(desk, fold, number, plane, old)
                for old in desk.oracle.outdated(number, plane)
            ]
        if (number, plane) in fold.replaced:
            stored = fold.replaced[number, plane]
            shown.append(painted_mask(stored, shape))
            break
    return [*shown, np.zeros(shape, int)]


def painted_mask(mask: PlaneMask, shape: tuple[int, int]) -> np.ndarray:
    """Draw a mask, of several objects with their numbers."""
    result = np.zeros(shape, int)
    for number, part in mask.parts.items():
        result[part.plane(shape)] = number
    return result


def cleaned(
    desk: Desk, fold: Fold, number: int, plane: PlaneKey, answer: np.ndarray
) -> np.ndarray:
    """An answer as the options for post-processing want it."""
    postprocess = desk.session.postprocess
    prompts, _, each = fold.entries[number, plane]
    region = (0, 0, *answer.shape)
    if not each:
        return postprocess.apply(answer > 0, prompts, region).astype(int)
    result = np.zeros_like(answer)
    for count, single in enumerate(singles(prompts), 1):
        own = answer == count
        if own.any():
            mask = postprocess.apply(own, single, region)
            result[mask & (own | (answer == 0))] = count
    return result


def must_be_shown(desk: Desk, plane: PlaneKey) -> bool:
    return (
        not desk.lenient
        and desk.session.auto_run
        and (plane == desk.shown or plane in desk.named)
    )


def check_preview(desk: Desk, fold: Fold) -> None:
    """The preview is a fresh prediction of what the log records."""
    shown = np.asarray(desk.session.preview.data).astype(int)
    least, most = np.zeros(desk.shape, int), np.zeros(desk.shape, int)
    for plane, found in fold.planes.items():
        possible = candidates(desk, fold, plane, found)
        if must_be_shown(desk, plane):
            possible = possible[:1]
        elif not fold.is_crossed and found.is_used:
            actual = shown[plane.slices]
            possible = [mask for mask in possible if np.array_equal(mask, actual)][:1]
            assert possible, f"{plane} shows the answer to none of its entries"
        for mask in possible:
            _draw(mask, most[plane.slices])
        if len(possible) == 1:
            _draw(possible[0], least[plane.slices])
    if fold.is_crossed:  # lines of some planes lie on others
        shown, least, most = shown > 0, least > 0, most > 0
    np.testing.assert_array_equal(shown[least > 0], least[least > 0])
    np.testing.assert_array_equal(shown[most == 0], 0)


def _draw(mask: np.ndarray, onto: np.ndarray) -> None:
    onto[mask > 0] = mask[mask > 0]


def check_objects(desk: Desk) -> None:
    """The table of objects lists exactly the labels that are in the target."""
    objects = desk.session.objects
    listed = {label for label, info in objects.items() if info.state != "open"}
    present = set(desk.labels)
    assert listed <= present, (listed, present)
    opened = {label for label, info in objects.items() if info.state == "open"}
    assert present - listed <= opened, (listed, present)


def snapshot(desk: Desk) -> dict[str, Any]:
    """What undo followed by redo must bring back."""
    session = desk.session
    fold = desk.fold
    return {
        "target": desk.target,
        "preview": np.array(session.preview.data),
        "prompts": {p: f.prompts for p, f in fold.planes.items() if f.prompts},
        "stored": {p: f.stored for p, f in fold.planes.items() if f.stored},
        "label": session.label,
        "editing": fold.editing,
        "each": fold.each,
        "acts": session._history.acts,
        "known": session._history.state.known,
    }


def check_same(before: dict[str, Any], after: dict[str, Any], *but: str) -> None:
    for name, value in before.items():
        if name in but:
            continue
        if isinstance(value, np.ndarray):
            actual = after[name].copy()
            if name == "preview":  # what had not been looked at may be answered now
                for plane in before["prompts"]:
                    if not value[plane.slices].any():
                        actual[plane.slices] = 0
            np.testing.assert_array_equal(actual, value, err_msg=name)
        else:
            assert after[name] == value, name


def is_settled(desk: Desk) -> bool:
    return desk.is_open and not desk.lenient and desk.predictor.mood != BLOCKED


def check_gone(viewer: Any, layers: list[Any]) -> None:
    """After close nobody of ours listens, waits or runs."""
    assert "segnext" not in {thread.name for thread in threading.enumerate()}
    for source in (viewer, viewer.layers, viewer.dims, *layers):
        for name, emitter in source.events.emitters.items():
            for callback in emitter.callbacks:
                assert not is_ours(callback), f"{source!r}.events.{name}: {callback}"
        for kind in ("drag", "move", "wheel", "double_click"):
            for callback in getattr(source, f"mouse_{kind}_callbacks", ()):
                assert not is_ours(callback), f"{source!r}: {callback}"
    assert not any(is_ours(callback) for callback in viewer.keymap.values())


def is_ours(callback: Any) -> bool:
    if isinstance(callback, tuple):  # napari: a reference to the owner, and a name
        owner = callback[0]()
        return type(owner).__module__.startswith("napari_segnext")
    module = getattr(callback, "__module__", "") or ""
    return module.startswith("napari_segnext")


__all__ = [
    "ROLES",
    "check_desk",
    "check_gone",
    "check_same",
    "is_settled",
    "snapshot",
]
