"""What a vandal does: each senseless act is one clear sentence, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image

import napari_segnext as ns
from napari_segnext.errors import ImageError, LayerError, PromptError, SegNextError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms import Room

    from napari_segnext.session.session import Session

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
