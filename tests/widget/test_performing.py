"""What actions do, on a model of a viewer: to which object, and what is said."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

import napari_segnext as ns
from napari_segnext.widget import text
from napari_segnext.widget.actions import ACTIONS
from napari_segnext.widget.leaving import Options
from napari_segnext.widget.performing import Performer

SHAPE = (4, 40, 60)
FIRST, SECOND, FAR = (1, 10, 10), (1, 10, 40), (2, 30, 50)
NOWHERE = (1, 35, 2)
ASKING = ("keys", "export_table")  # need a window


class Stage:
    """A viewer with three objects (1, 2, 3), a session, and what does actions."""

    def __init__(self, predictor) -> None:
        self.viewer = ViewerModel()
        image = Image(np.zeros(SHAPE, np.uint8), scale=(2, 1, 1))
        self.viewer.layers.append(image)
        self.viewer.dims.set_point(0, 2)
        labels = np.zeros(SHAPE, np.uint8)
        for label, (z, y, x) in enumerate((FIRST, SECOND, FAR), start=1):
            labels[z, y - 4 : y + 5, x - 4 : x + 5] = label
        self.target = Labels(labels, scale=(2, 1, 1))
        self.viewer.layers.append(self.target)
        self.session = ns.Session(self.viewer, image, predictor, target=self.target)
        self.session.activate("point")
        self.start = SimpleNamespace(layer=None, label=None)
        self.performer = Performer(self.viewer, self.accept)

    def accept(self, session) -> None:
        session.accept()

    def point_at(self, *position: float) -> None:
        """Rest the mouse at a data position."""
        self.viewer.mouse_over_canvas = True
        self.viewer.cursor.position = self.target.data_to_world(position)

    def perform(self, name: str) -> str:
        return self.performer.perform(name, self.session, None, self.start)

    @property
    def labels(self) -> set[int]:
        return {int(label) for label in np.unique(self.target.data)} - {0}


@pytest.fixture
def stage(predictor):
    stage = Stage(predictor)
    yield stage
    stage.session.close()


@pytest.mark.parametrize("name", [name for name in ACTIONS if name not in ASKING])
def test_every_action_can_be_asked_for_at_any_time(stage, name: str) -> None:
    stage.target.data = np.zeros(SHAPE, np.uint8)
    if name in ("accept",):  # refused in words
        with pytest.raises(ns.errors.PromptError):
            stage.perform(name)
    else:
        assert isinstance(stage.perform(name), str)


def test_accepting_into_hidden_labels_says_where_the_object_went(stage) -> None:
    for visible, place, told in (
        (True, NOWHERE, ""),
        (False, (1, 35, 50), text.ACCEPTED_UNSEEN),
    ):
        stage.target.visible = visible
        stage.session.add_click(place)
        stage.session.wait(60)
        assert stage.perform("accept") == told


@pytest.mark.parametrize("name", ["edit", "delete", "merge", "reviewed"])
def test_an_act_on_an_object_needs_one(stage, name: str) -> None:
    stage.point_at(*NOWHERE)
    assert stage.perform(name) == text.NO_OBJECT_HERE
    assert not stage.session.can_undo


def test_the_object_under_the_mouse_comes_before_the_one_in_focus(stage) -> None:
    stage.session.go_to_object(2)
    stage.point_at(*FIRST)
    stage.perform("delete")
    assert stage.labels == {2, 3}
    stage.point_at(*NOWHERE)
    stage.perform("delete")
    assert stage.labels == {3}


def test_off_the_canvas_the_object_in_focus_counts(stage) -> None:
    stage.session.go_to_object(2)
    stage.point_at(*FIRST)
    stage.viewer.mouse_over_canvas = False
    stage.perform("delete")
    assert stage.labels == {1, 3}


def test_the_mouse_may_rest_while_the_slices_move(stage) -> None:
    stage.point_at(2, 10, 10)
    stage.viewer.dims.set_point(0, 2)  # slice 1 is shown now, where object 1 is
    stage.perform("delete")
    assert stage.labels == {2, 3}


def test_in_3d_the_mouse_points_at_nothing(stage) -> None:
    stage.point_at(*FIRST)
    stage.viewer.dims.ndisplay = 3
    assert stage.perform("delete") == text.NO_OBJECT_HERE


def test_merge_takes_two_presses(stage) -> None:
    stage.point_at(*SECOND)
    assert "2" in stage.perform("merge")
    assert stage.labels == {1, 2, 3}
    stage.point_at(*FIRST)
    stage.perform("merge")
    assert stage.labels == {1, 3}
    stage.perform("undo")
    assert stage.labels == {1, 2, 3}


def test_between_the_presses_one_may_look_around(stage) -> None:
    stage.session.go_to_object(1)
    stage.perform("merge")
    stage.perform("next_object")
    assert stage.performer.marked(stage.session) == 1
    stage.perform("merge")
    assert stage.labels == {1, 3}


@pytest.mark.parametrize("between", ["undo", "polarity", "delete"])
def test_anything_else_between_the_presses_forgets_the_mark(
    stage, between: str
) -> None:
    stage.point_at(*FIRST)
    stage.perform("merge")
    stage.point_at(*SECOND)
    stage.perform(between)
    assert stage.performer.marked(stage.session) is None


def test_merging_an_object_with_itself_takes_the_mark_off(stage) -> None:
    stage.point_at(*FIRST)
    stage.perform("merge")
    assert stage.perform("merge") == text.UNMARKED.format(label=1)
    assert stage.performer.marked(stage.session) is None


def test_edit_opens_the_object_and_says_what_it_dropped(stage) -> None:
    stage.point_at(*FIRST)
    assert stage.perform("edit") == ""
    assert stage.session.objects[1].state == "open"
    assert stage.perform("edit") == text.OPEN_ALREADY.format(label=1)
    stage.point_at(*SECOND)
    assert stage.perform("edit") == text.EDIT_DROPPED
    stage.perform("undo")
    assert stage.session.objects[1].state == "open"


def test_going_through_the_objects_ends_where_all_are_reviewed(stage) -> None:
    visited = []
    while stage.perform("next_unreviewed") != text.NONE_UNREVIEWED:
        visited.append(stage.session.focus)
        stage.perform("reviewed")
    assert visited == [1, 2, 3]


def test_review_is_of_the_object_in_focus_wherever_the_mouse_rests(stage) -> None:
    stage.session.go_to_object(2)
    stage.point_at(*FIRST)
    stage.perform("reviewed")
    assert stage.session.objects[2].reviewed
    assert not stage.session.objects[1].reviewed
    stage.perform("reviewed")
    assert not stage.session.objects[2].reviewed


def test_the_camera_follows_only_to_what_is_out_of_sight(stage) -> None:
    camera = stage.viewer.scene.camera
    camera.zoom, camera.center = 100.0, (0.0, 10.0, 10.0)  # some 8 x 6 px in sight
    stage.perform("next_object")
    assert camera.center == (0.0, 10.0, 10.0)
    stage.perform("next_object")
    np.testing.assert_allclose(camera.center[1:], (10, 40))
    camera.zoom, camera.center = 5.0, (0.0, 30.0, 30.0)
    stage.perform("next_object")
    assert camera.center == (0.0, 30.0, 30.0)
    assert stage.session.plane.index == (2,)


def test_tools_go_round_both_ways_and_cut_is_left_again(stage) -> None:
    stage.perform("next_tool")
    assert stage.session.tool == "box"
    stage.perform("previous_tool")
    stage.perform("previous_tool")
    assert stage.session.tool == "mask"
    stage.perform("cut")
    assert stage.session.tool == "cut"
    stage.perform("cut")
    assert stage.session.tool == "mask"


def test_start_from_the_label_under_the_mouse(stage) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[1, 20:30, 20:30] = 77
    stage.viewer.layers.append(Labels(labels, scale=(2, 1, 1)))
    stage.point_at(1, 25, 25)
    stage.perform("start_from_label")
    prompts = stage.session.objects[stage.session.label].prompts
    (found,) = prompts.values()
    assert found.mask.crop.sum() == 100
    stage.point_at(*NOWHERE)
    assert stage.perform("start_from_label") == text.NO_LABEL_HERE


def test_start_from_the_label_that_was_chosen(stage) -> None:
    assert stage.perform("start_from_label") == text.CHOOSE_LABELS
    stage.start.layer, stage.start.label = stage.target, 2
    stage.perform("start_from_label")
    (found,) = stage.session.objects[stage.session.label].prompts.values()
    assert found.mask.region[1] == 36


def test_nothing_to_undo_or_redo_is_said(stage) -> None:
    assert stage.perform("undo") == text.NO_UNDO
    assert stage.perform("redo") == text.NO_REDO


def test_options_go_from_one_session_to_the_next(stage, predictor) -> None:
    first = stage.session
    first.overlap, first.polarity = "overwrite", "negative"
    first.postprocess = ns.PostProcess(fill_holes=True)
    first.activate("box")
    options = Options.of(first)
    first.close()
    second = ns.Session(stage.viewer, first.image, predictor)
    options.set_in(second)
    assert Options.of(second) == options
    second.close()


def test_the_knife_put_away_by_its_key_gives_the_lasso_back(stage) -> None:
    stage.session.activate("polygon", "lasso")
    stage.perform("cut")
    assert stage.session.tool == "cut"
    stage.perform("cut")
    assert (stage.session.tool, str(stage.session.shapes.mode)) == (
        "polygon",
        "add_polygon_lasso",
    )
