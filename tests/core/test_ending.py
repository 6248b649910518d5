from __future__ import annotations

import numpy as np
import pytest

from napari_segnext.core.ending import EndRule, Sight, brightness, reason_to_end
from napari_segnext.core.features import Features
from napari_segnext.core.patches import EMPTY, Patch
from napari_segnext.errors import SegNextError


def square(side, corner=(10, 10)):
    return Patch.of(np.ones((side, side)), corner)


def seen(brightness):
    """A slice with a noisy square of 10 px at (10, 10), this much brighter."""
    image = np.random.default_rng(0).normal(0.3, 0.02, (40, 40))
    image[10:20, 10:20] += brightness
    return Features(image.astype(np.float32), ((0.0, 1.0),), "none")


CASES = [
    # before, found, confidence, what the sentence names
    (square(10), EMPTY, 0.0, "too small: 0 px, below 4 px"),
    (square(10), square(1), 0.9, "too small: 1 px, below 4 px"),
    (square(10), square(3), 0.9, "from 100 to 9 px, below 10.00%"),
    (square(10), square(21), 0.9, "from 100 to 441 px, above 4 times"),
    (square(10), square(10, (11, 19)), 0.9, "is 0.047, below 0.100"),
    (square(10), square(10), 0.5, "confidence is 0.50, below 0.70"),
    (square(10), square(10), 0.9, None),
]


@pytest.mark.parametrize(("before", "found", "confidence", "named"), CASES)
def test_an_object_ends_by_a_limit_that_is_named(before, found, confidence, named):
    reason = reason_to_end(EndRule(), Sight(100), before, found, confidence)

    assert reason is None if named is None else named in reason


def test_it_ends_where_little_is_left_of_the_key():
    reason = reason_to_end(EndRule(), Sight(500), square(5), square(4), 0.9)
    assert "too small: 16 px, below 5% of the 500 px of the largest slice" in reason


def test_slices_far_apart_may_differ_more():
    near, far = (
        reason_to_end(EndRule(), Sight(100), square(10), square(3), 0.9, spacing=s)
        for s in (1.0, 2.0)
    )
    assert "below 10.00%" in near
    assert far is None


def test_a_bright_object_that_fades_ends():
    sight = Sight.of(square(10), seen(0.4))
    assert sight.light.contrast == pytest.approx(0.4, abs=0.02)

    for by, ends in ((0.4, False), (0.2, False), (0.1, True), (-0.3, True)):
        reason = reason_to_end(EndRule(), sight, square(10), square(10), 0.9, seen(by))
        assert (reason is not None) == ends
        assert reason is None or reason.startswith("It faded: ")


def test_a_neighbour_that_comes_close_is_no_fading():
    """The contrast is gone, the object is as bright as ever."""
    sight = Sight.of(square(10), seen(0.4))
    image = np.full((40, 40), 0.7, np.float32)
    bright = Features(image, ((0.0, 1.0),), "none")

    assert not reason_to_end(EndRule(), sight, square(10), square(10), 0.9, bright)


def test_what_never_stood_out_cannot_fade():
    sight = Sight.of(square(10), seen(0.005))
    assert sight.light is None
    assert not reason_to_end(EndRule(), sight, square(10), square(10), 0.9, seen(-0.2))


def test_an_object_that_fills_the_plane_has_no_surroundings():
    assert brightness(Patch.of(np.ones((40, 40))), seen(0.1)) is None


@pytest.mark.parametrize(
    "limits",
    [{"min_area_px": 0}, {"max_area_share": 1.0}, {"min_confidence": 1.0}]
    + [{name: -0.1} for name in ("min_area_share", "min_key_share")],
)
def test_limits_that_make_no_sense_are_refused(limits):
    with pytest.raises(SegNextError, match=next(iter(limits))):
        EndRule(**limits)
