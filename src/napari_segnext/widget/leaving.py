"""Work that waits on its target until its image is chosen, or the widget opened, again.

Nothing but the target and the image lives on when a widget is closed, so this is where
it has to be kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_segnext.core.postprocess import PostProcess
from napari_segnext.errors import SegNextError
from napari_segnext.session.layers import PROMPT_ROLES, role_of
from napari_segnext.widget.opening import targets_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Image, Labels, Layer

    from napari_segnext.session.resuming import Work
    from napari_segnext.session.session import Session

__all__ = [
    "Left",
    "Options",
    "adopted_by",
    "leave",
    "left_on",
    "resumed_target",
    "take",
]

_KEY = "napari_segnext_left"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user set in a session, to be set in the next one.

    Parameters
    ----------
    tool : str or None
        The tool in use.
    polarity, auto_run, overlap, postprocess, sees, each_once, follow
        As the session's properties.
    """

    tool: str | None = "point"
    polarity: str = "positive"
    auto_run: bool = True
    overlap: str = "keep"
    postprocess: PostProcess = field(default_factory=PostProcess)
    sees: bool = False
    each_once: bool = False
    follow: bool = True

    @classmethod
    def of(cls, session: Session) -> Options:
        """Read them."""
        tool = "point" if session.tool == "cut" else session.tool
        return cls(
            tool,
            session.polarity,
            session.auto_run,
            session.overlap,
            session.postprocess,
            session.sees,
            session.each_once,
            session.follow,
        )

    def set_in(self, session: Session) -> None:
        """Set them, but `auto_run`, which a session is opened with."""
        session.overlap = self.overlap
        session.postprocess = self.postprocess
        session.polarity = self.polarity
        session.sees = self.sees
        session.each_once = self.each_once
        session.follow = self.follow
        session.activate(self.tool or "point")


@dataclass(frozen=True, slots=True, eq=False)
class Left:
    """What a closed session left on its target.

    Layers are named by their `unique_id`, so that none is kept alive, and so that a
    duplicate of the target does not pass for it. A copy or pickle of it is None: files
    and other layers have no use for it.
    """

    work: Work = field(repr=False)
    options: Options
    image: str
    target: str
    model: str
    last_label: int | None
    adopted: dict[str, str]
    when_s: float

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave nothing behind where metadata are copied or stored."""
        return type(None), ()

    def layers(self, layers: Iterable[Layer]) -> dict[str, Layer]:
        """Return the user's own prompt layers by role, those that are still there."""
        by_id = {str(layer.unique_id): layer for layer in layers}
        return {
            role: by_id[name] for role, name in self.adopted.items() if name in by_id
        }


def adopted_by(session: Session) -> dict[str, Layer]:
    """Return the user's own layers that hold prompts of a session, by role."""
    layers = {
        role: getattr(session, role) for role in PROMPT_ROLES if session.has(role)
    }
    return {role: layer for role, layer in layers.items() if role_of(layer) is None}


def leave(session: Session, model: str, last_label: int | None) -> Options | None:
    """Close a session and leave its work on its target.

    Returns
    -------
    Options or None
        What was set in it; None if the session had ended already.
    """
    try:
        options, image, target = Options.of(session), session.image, session.target
        adopted = {
            role: str(layer.unique_id) for role, layer in adopted_by(session).items()
        }
        work = session.leave()
    except (SegNextError, RuntimeError):  # at the end parts of Qt go before us
        session.close()
        return None
    target.metadata[_KEY] = Left(
        work,
        options,
        str(image.unique_id),
        str(target.unique_id),
        model,
        last_label,
        adopted,
        time.monotonic(),
    )
    return options


def left_on(target: Labels, image: Image) -> Left | None:
    """Return what waits on `target` for `image`, if anything does."""
    left = target.metadata.get(_KEY)
    if (
        isinstance(left, Left)
        and left.target == str(target.unique_id)
        and left.image == str(image.unique_id)
    ):
        return left
    return None


def take(target: Labels) -> None:
    """Let nobody else take up what waited on `target`."""
    target.metadata.pop(_KEY, None)


def resumed_target(layers: Iterable[Layer], image: Image) -> Labels | None:
    """Return the target on which work was left for `image` last, if any."""
    waiting = [
        (left.when_s, layer)
        for layer in targets_of(layers)
        if (left := left_on(layer, image)) is not None
    ]
    return max(waiting, key=lambda it: it[0])[1] if waiting else None
