"""What a vandal does: each senseless act is one clear sentence, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from failing import Failing, with_an_answer
from napari.components import ViewerModel
from napari.layers import Image
from rooms import make_stack

import napari_segnext as ns
from napari_segnext.errors import ImageError, LayerError, PromptError, SegNextError
from napari_segnext.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

NAN = float("nan")

SENSELESS: dict[str, tuple[Callable[[Session], object], type[SegNextError]]] = {
    "click outside": (lambda s: s.add_click((1, 200, 20)), PromptError),
    "click on no slice": (lambda s: s.add_click((9, 20, 20)), PromptError),
    "click of another dimension": (lambda s: s.add_click((20, 20)), PromptError),
    "click at NaN": (lambda s: s.add_click((1, NAN, 20)), PromptError),
    "click at text": (lambda s: s.add_click("abc"), PromptError),  # type: ignore[arg-type]
    "flat box": (lambda s: s.add_box((1, 5, 5), (1, 5, 30)), PromptError),
    "box across slices": (lambda s: s.add_box((1, 5, 5), (2, 9, 30)), PromptError),
    "polygon of a point": (lambda s: s.add_polygon([(1, 5, 5)]), PromptError),
    "scribble of a point": (lambda s: s.add_scribble([(1, 5, 5)]), PromptError),
    "mask of another shape": (lambda s: s.add_mask(np.ones((5, 5))), PromptError),
    "empty mask": (lambda s: s.add_mask(np.zeros((40, 50))), PromptError),
    "plane of text": (lambda s: s.add_mask(np.eye(40, 50), plane="a"), PromptError),  # type: ignore[arg-type]
    "plane between planes": (lambda s: s.lock(("z", 2)), PromptError),  # type: ignore[arg-type]
    "nothing to accept": (lambda s: s.accept(), PromptError),
    "unknown label": (lambda s: s.edit(77), LayerError),
    "unknown polarity": (lambda s: setattr(s, "polarity", "maybe"), PromptError),
    "label 0": (lambda s: setattr(s, "label", 0), LayerError),
}


@pytest.mark.parametrize(("act", "error"), SENSELESS.values(), ids=SENSELESS)
def test_senseless_act_is_a_sentence_and_loses_nothing(
    room: Callable[..., Room],
    act: Callable[[Session], object],
    error: type[SegNextError],
) -> None:
    made = room()
    session = made.session
    if error is not PromptError or act is not SENSELESS["nothing to accept"][0]:
        session.add_click((0, 20, 20))
        made.wait()
    before = session.mask()
    with pytest.raises(error, match=r"\w .*[.]$"):
        act(session)
    made.wait()
    np.testing.assert_array_equal(session.mask(), before)


PLANES = {
    "1x1": np.ones((1, 1)),
    "1xN": np.linspace(0, 1, 300)[None],
    "constant stack": np.full((3, 30, 30), 7, np.uint16),
    "bool": np.eye(40, dtype=bool),
    "half precision": np.eye(40, dtype=np.float16),
    "beyond float": np.eye(40, dtype=np.uint64) * np.uint64(2**63),
    "RGB stack": np.full((2, 30, 30, 3), 9, np.uint8),
}


@pytest.mark.parametrize("data", PLANES.values(), ids=PLANES)
def test_any_image_is_answered_by_the_embedded_model(
    room: Callable[..., Room], data: np.ndarray
) -> None:
    model = ns.load_model("segnext-lite")
    made = room(data=data, predictor=ns.Predictor(model, device="cpu"))
    position = [0] * made.image.ndim
    made.session.add_click(position)
    made.wait()
    assert made.session.mask().shape == data.shape[made.image.ndim - 2 :][:2]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # napari thumbnail
def test_a_stack_of_no_slices_is_refused(room: Callable[..., Room]) -> None:
    image = Image(np.zeros((0, 30, 30)), contrast_limits=(0, 1))
    with pytest.raises(ImageError, match="no planes"):
        room(image=image)


@pytest.mark.parametrize("image", [np.ones((9, 9)), "stack", None])
def test_what_is_no_image_layer_is_refused(image: Any) -> None:
    with pytest.raises(ImageError, match="needs an image layer, not"):
        Session(ViewerModel(), image)


def test_what_is_no_viewer_is_refused() -> None:
    nothing: Any = None
    with pytest.raises(LayerError, match="needs a napari viewer, not NoneType"):
        Session(nothing, Image(np.ones((9, 9))))


def test_given_a_full_disk_when_labels_are_written_then_all_is_as_before(
    room: Callable[..., Room],
) -> None:
    here, data = with_an_answer(room, Failing)
    session = here.session
    shown = np.array(session.preview.data)
    before = data.array.copy()

    data.fails = "write"
    with pytest.raises(LayerError, match=r"'kept in a file' cannot be written .*room"):
        session.accept()
    np.testing.assert_array_equal(session.preview.data, shown)
    np.testing.assert_array_equal(data.array, before)
    assert session.accept() == 10
    after = data.array.copy()
    assert (after == 10).sum() == shown.sum()

    data.fails = "write"
    assert not session.undo()
    assert "cannot be written" in str(here.errors[-1])
    np.testing.assert_array_equal(data.array, after)
    assert session.undo()
    np.testing.assert_array_equal(session.preview.data, shown)
    np.testing.assert_array_equal(data.array, before)
    assert session.redo()
    np.testing.assert_array_equal(data.array, after)


def test_given_a_chunk_that_cannot_be_read_then_it_is_a_sentence_and_tried_again(
    room: Callable[..., Room],
) -> None:
    data = Failing(make_stack())
    here = room(data)
    data.fails = "read"
    here.session.add_click((2, 20, 20))
    with pytest.raises(ImageError, match=r"cannot be read .*chunk is gone"):
        here.wait()
    data.fails = ""
    here.session.run()
    here.wait()
    assert here.session.mask().any()


@pytest.mark.parametrize("shape", [(3, 3, 3), (40, 50)])
def test_given_labels_of_another_shape_then_every_act_is_a_sentence(
    room: Callable[..., Room], shape: tuple[int, ...]
) -> None:
    here = room()
    session = here.session
    session.add_click((4, 20, 20))
    here.wait()
    right = session.target.data
    session.target.data = np.ones(shape, np.uint8)
    for act in (session.accept, session.overlaps, lambda: session.edit(1)):
        with pytest.raises(LayerError, match="give them the image's shape again"):
            act()
    session.target.data = right
    assert session.accept() == 1
    assert right[4].any()


@pytest.mark.parametrize("shape", [(3, 4, 5), (40, 50), (9, 40, 50)], ids=str)
def test_given_scribbles_of_another_shape_then_it_is_told_once_and_they_stay(
    room: Callable[..., Room], shape: tuple[int, ...]
) -> None:
    here = room()
    session = here.session
    here.show(0, 0)
    session.scribbles.data_setitem((np.zeros(9, int), np.full(9, 10), np.arange(9)), 1)
    here.wait()
    before, drawn = session.mask(), np.array(session.scribbles.data)
    assert before.any()
    session.scribbles.data = np.zeros(shape, np.uint8)
    session.sync()
    session.sync()
    assert [str(error).partition(", so")[0] for error in here.errors] == [
        f"The scribble layer now has shape {shape} instead of (5, 40, 50)"
    ]
    assert "delete it" in session.hint
    np.testing.assert_array_equal(session.mask(), before)
    session.add_click((0, 30, 30))
    here.wait()
    assert session.undo()
    here.wait()
    np.testing.assert_array_equal(session.mask(), before)
    session.scribbles.data = drawn
    here.wait()
    assert "scribble layer" not in session.hint
    np.testing.assert_array_equal(session.mask(), before)
    session.accept()
    assert len(here.errors) == 1
