from __future__ import annotations

import numpy as np
import pytest

from napari_segnext.core.bits import pack, unpack


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (2, 4), (7, 9), (3, 256)])
def test_a_mask_packed_is_an_eighth_as_large_and_the_same_unpacked(shape) -> None:
    mask = np.random.default_rng(0).random(shape) > 0.5
    bits = pack(mask)
    assert len(bits) == -(-mask.size // 8)
    again = unpack(bits, (5, 6, 5 + shape[0], 6 + shape[1]))
    assert again.dtype == bool
    np.testing.assert_array_equal(again, mask)
