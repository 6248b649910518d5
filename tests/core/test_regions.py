"""The box around what is not zero, against what is left when it is cut out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_segnext.core.regions import moved, placed, region_of

PLANES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=7))


@given(PLANES, st.integers(0, 3))
def test_nothing_is_outside_and_the_rim_is_needed(plane, margin) -> None:
    region = region_of(plane, margin)
    if region is None:
        assert not plane.any()
        return
    rows, cols = np.nonzero(plane)
    height, width = plane.shape
    row0, col0, row1, col1 = region
    assert (row0, row1) == (
        max(rows.min() - margin, 0),
        min(rows.max() + 1 + margin, height),
    )
    assert (col0, col1) == (
        max(cols.min() - margin, 0),
        min(cols.max() + 1 + margin, width),
    )


@given(PLANES, st.tuples(st.integers(-5, 5), st.integers(-5, 5)))
def test_a_crop_lies_where_it_was_seen_from_another_corner(plane, by) -> None:
    region = region_of(plane)
    if region is None:
        return
    row0, col0, row1, col1 = region
    whole = moved((0, 0, *plane.shape), by)
    back = placed(plane[row0:row1, col0:col1], moved(region, by), whole)
    np.testing.assert_array_equal(back, plane)


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (3, 4)])
def test_where_all_is_zero_there_is_none(shape) -> None:
    assert region_of(np.zeros(shape, bool), margin=2) is None
