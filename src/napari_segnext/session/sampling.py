"""One label of any Labels layer, as a mask on a plane of the image.

The layer may have another transform, shape, dtype or number of dimensions than the
image: every pixel of the plane is looked up in it through the world, nearest pixel
taken. Of lazy and multiscale data only the part under the plane is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.planes import Affine, PlaneKey, level_0, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from napari.layers import Labels, Layer

    BoolArray = npt.NDArray[np.bool_]
    Box = tuple[slice, ...]

__all__ = ["label_on_plane"]

_ROWS_AT_ONCE = 256
_SEARCH_PIXELS = 2**28  # of arrays in memory; read in well under a second
_SEARCH_LAZY_PIXELS = 2**24


def label_on_plane(
    layer: Labels,
    label: int,
    image: Layer,
    plane: PlaneKey,
    world: Sequence[float],
) -> BoolArray:
    """Return where `layer` has `label` on a plane of `image`.

    Parameters
    ----------
    layer : Labels
        Any, lazy and multiscale included.
    label : int
        The label.
    image : Layer
        Whose plane it is.
    plane : PlaneKey
        The plane.
    world : sequence of float
        The sliders' place, for axes that the layer has and the image has not.

    Returns
    -------
    array (H, W) of bool
        At least one pixel is True.

    Raises
    ------
    LayerError
        If the layer does not lie on the plane.
    PromptError
        If the label is not on the plane; it says where it is.
    """
    to_layer = _plane_to_layer(layer, image, plane, world)
    mask = _sampled(level_0(layer), label, to_layer, plane.shape_in(shape_of(image)))
    if mask is None or not np.abs(to_layer.matrix).any(axis=0).all():
        raise LayerError(
            f"The labels {layer.name!r} do not lie on this plane of the image; "
            "choose labels that do, or give them the image's scale and place."
        )
    if not mask.any():
        raise PromptError(_where_it_is(layer, label, image, plane))
    return mask


def _sampled(
    data: Any, label: int, to_layer: _PlaneMap, shape: tuple[int, int]
) -> BoolArray | None:
    box = _box_under(to_layer, shape, data.shape)
    if box is None:
        return None
    found = np.asarray(data[box]) == label
    if to_layer.is_identity:
        return _on_canvas(found, box, shape)
    start = np.array([part.start for part in box])
    result = np.zeros(shape, bool)
    for row in range(0, shape[0], _ROWS_AT_ONCE):
        stop = min(row + _ROWS_AT_ONCE, shape[0])
        pixels = to_layer.pixels(np.arange(row, stop), np.arange(shape[1])) - start
        inside = ((pixels >= 0) & (pixels < found.shape)).all(axis=-1)
        result[row:stop][inside] = found[tuple(pixels[inside].T)]
    return result


class _PlaneMap:
    """From (row, col) on a plane to the nearest pixel of a layer."""

    def __init__(
        self, matrix: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
    ) -> None:
        self.matrix = matrix  # (layer's ndim, 2)
        self.offset = offset

    @property
    def is_identity(self) -> bool:
        """Whether rows and columns of the plane are the layer's last two axes."""
        other, own = self.matrix[:-2], self.matrix[-2:]
        return bool(
            np.array_equal(own, np.eye(2))
            and not other.any()
            and not self.offset[-2:].any()
        )

    def pixels(
        self, rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.intp]:
        """(rows, cols, layer's ndim): the nearest pixels, perhaps outside."""
        along_rows = rows[:, None, None] * self.matrix[:, 0]
        along_cols = cols[None, :, None] * self.matrix[:, 1]
        return np.rint(along_rows + along_cols + self.offset).astype(np.intp)


def _plane_to_layer(
    layer: Layer, image: Layer, plane: PlaneKey, world: Sequence[float]
) -> _PlaneMap:
    corners = Affine.data_to_world(image)(plane.lift([(0, 0), (1, 0), (0, 1)]))
    count = layer.ndim
    if count > image.ndim:  # napari aligns the last axes of layers
        missing = np.asarray(world, float)[-count:][: count - image.ndim]
        corners = np.hstack([np.tile(missing, (3, 1)), corners])
    positions = Affine.data_to_world(layer).inverse()(corners[:, -count:])
    steps = np.round(positions[1:] - positions[0], 9)
    return _PlaneMap(steps.T, np.round(positions[0], 9))


def _box_under(
    to_layer: _PlaneMap, shape: tuple[int, int], data_shape: Sequence[int]
) -> Box | None:
    """Return the part of the layer that lies under a plane of `shape`, if any."""
    corners = to_layer.pixels(
        np.array([0, shape[0] - 1]), np.array([0, shape[1] - 1])
    ).reshape(4, -1)
    low = np.maximum(corners.min(axis=0), 0)
    high = np.minimum(corners.max(axis=0) + 1, data_shape[: len(low)])
    if (low >= high).any():
        return None
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _on_canvas(found: BoolArray, box: Box, shape: tuple[int, int]) -> BoolArray:
    result = np.zeros(shape, bool)
    result[box[-2:]] = found.reshape(found.shape[-2:])
    return result


def _where_it_is(layer: Labels, label: int, image: Layer, plane: PlaneKey) -> str:
    """Say in a sentence where the nearest pixel of `label` lies.

    Planes of the layer are read from the place of `plane` outwards; of huge layers
    not all of them.
    """
    what = f"Label {label} of {layer.name!r}"
    data = level_0(layer)
    budget = _SEARCH_PIXELS if isinstance(data, np.ndarray) else _SEARCH_LAZY_PIXELS
    for index in _outwards(layer, image, plane, data.shape):
        rows, cols = np.nonzero(np.asarray(data[index]) == label)
        if rows.size:
            middle = rows.size // 2
            pixel = (*index, rows[middle], cols[middle])
            return _tell(what, _in_image(pixel, layer, image, plane), image, plane)
        budget -= int(np.prod(data.shape[-2:]))
        if budget < 0:
            return f"{what} is not on this plane nor near it; choose one that is."
    return f"There is no label {label} in {layer.name!r}; choose one that is there."


def _tell(what: str, place: Sequence[int], image: Layer, plane: PlaneKey) -> str:
    shape = shape_of(image)
    if any(not 0 <= at < size for at, size in zip(place, shape, strict=True)):
        return f"{what} lies outside the image; choose one that lies on it."
    index = tuple(place[axis] for axis in plane.fixed)
    if index == plane.index:
        return f"{what} is smaller than a pixel of the image; choose a larger one."
    slices = str(index[0]) if len(index) == 1 else str(index)
    return f"{what} is not on this plane; it is on slice {slices}, go there first."


def _outwards(
    layer: Layer, image: Layer, plane: PlaneKey, shape: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """Yield indices of the layer's planes, those near `plane` first."""
    leading = tuple(int(size) for size in shape[: layer.ndim - 2])
    if not leading:
        yield ()
        return
    world = Affine.data_to_world(image)(plane.lift((0, 0)))[0]
    padded = np.concatenate([np.zeros(max(layer.ndim - image.ndim, 0)), world])
    near = Affine.data_to_world(layer).inverse()(padded[-layer.ndim :])[0]
    indices = np.array(list(np.ndindex(*leading)))
    distance = np.abs(indices - near[: len(leading)]).sum(axis=1)
    for number in np.argsort(distance, kind="stable"):
        yield tuple(int(place) for place in indices[number])


def _in_image(
    pixel: Sequence[int], layer: Layer, image: Layer, plane: PlaneKey
) -> tuple[int, ...]:
    """Return the data position in `image` of a pixel of `layer`."""
    world = Affine.data_to_world(layer)(np.asarray(pixel, float))[0]
    here = Affine.data_to_world(image)(plane.lift((0, 0)))[0]
    full = np.concatenate([here[: max(image.ndim - layer.ndim, 0)], world])
    inside = Affine.data_to_world(image).inverse()(full[-image.ndim :])[0]
    return tuple(int(place) for place in np.rint(inside))
