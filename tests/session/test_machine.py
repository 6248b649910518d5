"""Thousands of random acts, and what must hold after every one.

The profile "ci" is fixed; ``SEGNEXT_MACHINE=long`` plays for long, from a new seed
every time (see CONTRIBUTING.md).
"""

from __future__ import annotations

import gc
import os
import weakref

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, run_state_machine_as_test
from machine_base import played, rule_of, setups
from machine_checks import check_gone, check_journal
from machine_desk import Desk, Setup
from machine_objects import Objects, undo_and_redo_all
from machine_options import Options
from machine_predictor import WELL
from machine_prompting import Prompting
from machine_surroundings import Surroundings
from machine_volume import Volumes
from napari.components import ViewerModel

BY_SCRIPT = ("add_click", "add_clicks", "add_box", "add_polygon", "add_scribble")
TARGET = (
    *("paint_in_target", "write_in_target", "assign_target", "undo_in_target"),
    *("click_and_accept", "undo"),
)
IMAGE = ("replace_image", "change_contrast", "refresh_contrast", "change_slice")
COMMON = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
PROFILES = {
    "ci": settings(COMMON, max_examples=45, stateful_step_count=40, derandomize=True),
    "long": settings(COMMON, max_examples=1000, stateful_step_count=80),
}


class Machine(Prompting, Objects, Volumes, Options, Surroundings):
    """A viewer, an image, a session, and a user who forgives nothing."""

    by_script = rule_of(Prompting, *BY_SCRIPT)
    by_script_again = rule_of(Prompting, *BY_SCRIPT)
    by_hand = rule_of(Prompting)
    by_hand_again = rule_of(Prompting)
    objects = rule_of(Objects)
    objects_again = rule_of(Objects)
    target = rule_of(Objects, *TARGET)
    log = rule_of(
        Objects,
        *("undo", "redo", "go_there_and_back", "check_undo_of_all"),
        "read_the_journal",
    )
    volumes = rule_of(Volumes)
    volumes_again = rule_of(Volumes)
    options = rule_of(Options)
    predictor = rule_of(Surroundings, "block", "fail", "run", "hurry")
    recovery = rule_of(Surroundings, "recover")
    image = rule_of(Surroundings, *IMAGE)
    view = rule_of(Surroundings, "change_slice", "change_order", "change_order_back")
    surroundings = rule_of(Surroundings)

    @initialize(setup=setups)
    def sit_down(self, setup: Setup) -> None:
        self.viewer = ViewerModel()
        self.desks.append(Desk(self.viewer, setup, "image"))

    def teardown(self) -> None:
        sessions = []
        for desk in self.desks:
            desk.predictor.mood = WELL
            if not self.has_failed:
                desk.settle()
                if desk.is_open:
                    check_journal(desk)
                undo_and_redo_all(desk)
            desk.session.close()
            sessions.append(weakref.ref(desk.session))
            desk.journals.cleanup()
        if self.has_failed or not sessions:
            return
        layers = [*self.viewer.layers, *self.not_ours, *(d.image for d in self.desks)]
        check_gone(self.viewer, layers)
        self.desks.clear()
        del desk
        gc.collect()
        assert [session() for session in sessions] == [None] * len(sessions)


PROFILE = os.environ.get("SEGNEXT_MACHINE", "ci")


@pytest.mark.timeout(450 if PROFILE == "ci" else 0)
def test_whatever_is_done_in_whatever_order_the_invariants_hold() -> None:
    before = played.total
    gc.collect()
    gc.freeze()  # what is there already need not be searched after every example
    try:
        run_state_machine_as_test(Machine, settings=PROFILES[PROFILE])
    finally:
        gc.unfreeze()
    assert played.total - before > 1000
