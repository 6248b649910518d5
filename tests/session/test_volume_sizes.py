"""Slices and pixels of all objects: measured in one look, and one by one."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

import napari_segnext as ns
from napari_segnext.session import sizes
from napari_segnext.session.sizes import measured, sizes_of

CASES = [
    ((40, 50), (0, 1), ()),
    ((9, 20, 21), (1, 2), ()),
    ((9, 20, 21), (0, 2), ()),
    ((9, 20, 21), (1, 2), (0,)),
    ((4, 9, 20, 21), (2, 3), (0,)),
    ((4, 9, 20, 21), (1, 3), (0,)),
    ((4, 9, 20, 21), (0, 3), ()),
]


def some_labels(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 300, shape).astype(np.uint16) // 10 * 7


@pytest.mark.parametrize(("shape", "axes", "times"), CASES)
def test_one_look_finds_what_looking_at_each_finds(shape, axes, times) -> None:
    data = some_labels(shape)
    found = sizes_of(data, axes, times)
    labels = set(np.unique(data).tolist()) - {0}
    assert set(found) == labels
    fixed = tuple(axis for axis in range(len(shape)) if axis not in axes)
    for label in labels:
        own = data == label
        assert found[label] == measured(np.nonzero(own), axes, times)
        slices = own.any(axis=axes).sum() if fixed else 1
        others = tuple(axis for axis in range(len(shape)) if axis not in times)
        points = own.any(axis=others).sum() if times else 1
        assert found[label] == (slices, own.sum() / points)


def test_only_objects_that_changed_are_measured_again(monkeypatch) -> None:
    viewer = ViewerModel()
    image = Image(np.zeros((6, 40, 60), np.uint8))
    viewer.layers.append(image)
    data = np.zeros((6, 40, 60), np.uint16)
    for label in range(1, 121):
        row, col = divmod(label, 12)
        data[2:4, 3 * row : 3 * row + 2, 5 * col : 5 * col + 3] = label
    target = Labels(data)
    viewer.layers.append(target)
    session = ns.Session(viewer, image, object(), target=target, journal=None)
    rows = {row.label: row for row in session.table()}
    assert len(rows) == 120
    assert (rows[7].slices, rows[7].volume) == (2, 12)
    found: list[int] = []
    find = type(session._target).find
    monkeypatch.setattr(
        type(session._target),
        "find",
        lambda self, label: found.append(label) or find(self, label),
    )
    monkeypatch.setattr(sizes, "sizes_of", lambda *_: 1 / 0)
    session.delete(7)
    session.merge([8, 9])
    found.clear()
    rows = {row.label: row for row in session.table()}
    assert 7 not in rows
    assert rows[8].volume == 24
    assert set(found) <= {8}
    session.undo()
    session.undo()
    found.clear()
    rows = {row.label: row for row in session.table()}
    assert [rows[label].volume for label in (7, 8, 9)] == [12, 12, 12]
    assert set(found) <= {7, 8, 9}
    session.close()
