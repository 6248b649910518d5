"""What the rules of the state machine share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from machine_checks import check_desk, check_same, is_settled, snapshot
from machine_desk import SHAPES, Desk, Setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

# which plane (0..3: the one on display), row and column in quarters of a pixel
spots = st.tuples(st.integers(0, 5), st.integers(0, 95), st.integers(0, 111))
signs = st.sampled_from([True, True, False])
picks = st.integers(0, 7)
setups = st.builds(
    Setup,
    kind=st.sampled_from(["stack", *SHAPES]),
    seed=st.integers(0, 3),
    is_moved=st.booleans(),
    contrast=st.sampled_from(["percentile", "layer"]),
    auto_run=st.sampled_from([True] * 7 + [False]),
    target=st.sampled_from([None, None, "uint8", "uint16", "int32"]),
    points=st.booleans(),
    shapes=st.booleans(),
    scribbles=st.booleans(),
)


class Played:
    """How many acts were played, by name."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def note(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    @property
    def total(self) -> int:
        return sum(self.counts.values())


played = Played()


class Base(RuleBasedStateMachine):
    """A viewer with one or two desks; one of them is being worked at."""

    viewer: ViewerModel
    desks: list[Desk]

    def __init__(self) -> None:
        super().__init__()
        self.desks = []
        self.at = 0
        self.is_hurried = False
        self.has_failed = False
        self.not_ours: list[Any] = []  # layers that the user made
        self.expected: np.ndarray | None = None  # of the target
        self.others: list[tuple[Desk, dict[str, Any]]] = []

    @property
    def desk(self) -> Desk:
        return self.desks[self.at]

    @property
    def is_ready(self) -> bool:
        return bool(self.desks) and self.desk.is_open

    def play(self, name: str, drawn: dict[str, Any]) -> None:
        """Play one act, and check what must hold."""
        method: Any = getattr(self, name)
        if not method.condition(self):
            if self.is_ready:
                return
            name, drawn, method = "reopen", {}, self.reopen
        played.note(name)
        self.has_failed = True
        self.begin()
        method(**drawn)
        self.finish()
        self.has_failed = False

    def reopen(self) -> None:
        raise NotImplementedError

    def begin(self) -> None:
        """Before an act: remember what it must leave alone."""
        if not self.is_ready:
            self.expected = None
            return
        desk = self.desk
        layer = desk.session._board.last("target")
        is_there = layer is not None and layer in self.viewer.layers
        self.expected = np.array(layer.data) if layer and is_there else None

    def finish(self) -> None:
        """After an act: everything that must hold."""
        if self.is_hurried:
            self.is_hurried = False
            return
        for desk in self.desks:
            desk.settle()
        for desk in self.desks:
            check_desk(desk, self.not_ours)
        desk = self.desk
        if desk.is_open and self.expected is not None:
            np.testing.assert_array_equal(desk.target, self.expected, err_msg="target")

    def there_and_back(self, count: int) -> None:
        """Undo followed by redo is the identity."""
        desk = self.desk
        if not is_settled(desk):
            return
        if desk.touched.any():  # what others wrote is not brought back
            self.expected = None
        before = snapshot(desk)
        back = 0
        while back < count and desk.session.undo():
            back += 1
        for _ in range(back):
            assert desk.session.redo(), desk.errors
        desk.settle()
        if is_settled(desk):
            after = snapshot(desk)
            for state in (before, after):  # what somebody else did is not our act
                state["target"][desk.touched] = 0
            check_same(before, after)


def act(**strategies: Any) -> Callable[[Callable[..., None]], Any]:
    """Make an act of a method; it is played while a session is open."""
    return act_if(lambda self: self.is_ready, **strategies)


def act_if(
    condition: Callable[[Any], bool], **strategies: Any
) -> Callable[[Callable[..., None]], Any]:
    """Make an act of a method; it is played while `condition` holds."""

    def decorate(method: Any) -> Any:
        method.condition = condition
        method.strategies = strategies
        return method

    return decorate


def acts_of(kind: type[Base]) -> list[str]:
    """Name the acts of a class."""
    return [name for name, value in vars(kind).items() if hasattr(value, "strategies")]


def rule_of(kind: type[Base], *names: str) -> Any:
    """Make a rule that plays one of the acts of a class; of all if none is named.

    A rule a group, and not one an act: hypothesis draws all rules equally often, and
    leaves some out for a whole game, so that each game has a character.
    """
    unknown = set(names) - set(acts_of(kind))
    assert not unknown, unknown
    steps = [
        st.tuples(st.just(name), st.fixed_dictionaries(getattr(kind, name).strategies))
        for name in names or acts_of(kind)
    ]

    def play(self: Base, step: tuple[str, dict[str, Any]]) -> None:
        self.play(*step)

    return rule(step=st.one_of(steps))(play)
