"""Planes of a stack: which one, where it lies, and its pixels.

Three kinds of coordinates meet here. *World*: what napari's dims speak. *Data*:
positions in the array of one layer, (N, D), pixel centres at integers. *Plane*: (row,
col) on one plane. The axes of a plane are always in ascending order, so that an image
and its transposed view share planes, prompts and answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.errors import ImageError, PromptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from napari.components import Dims
    from napari.layers import Layer

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "SAME_PX",
    "Affine",
    "PlaneKey",
    "displayed_plane",
    "go_to_plane",
    "is_tilted",
    "is_transposed_view",
    "level_0",
    "plane_of_points",
    "planes_along",
    "read_plane",
    "shape_of",
    "varying_axes",
    "view_axes",
]


_TILT_SLICES = 0.5  # from one side of the view to the other
SAME_PX = 1 / 128  # half the step to which prompts are rounded


@dataclass(frozen=True, slots=True, order=True)
class PlaneKey:
    """One plane of an image.

    Parameters
    ----------
    index : tuple of int
        Position along the axes that are not displayed, in ascending order of axes.
    displayed : (int, int)
        The axes that the plane spans, in ascending order: row axis, column axis.
    """

    index: tuple[int, ...]
    displayed: tuple[int, int]

    def __post_init__(self) -> None:
        """Normalise the numbers and check that the axes make sense."""
        rows, cols = sorted(int(axis) for axis in self.displayed)
        index = tuple(int(position) for position in self.index)
        if rows == cols or rows < 0 or cols >= len(index) + 2:
            raise PromptError(
                f"Axes {self.displayed} do not span a plane of an image with "
                f"{len(index) + 2} axes; name two different ones."
            )
        object.__setattr__(self, "displayed", (rows, cols))
        object.__setattr__(self, "index", index)

    @property
    def ndim(self) -> int:
        """Number of axes of the image (the colour axis not counted)."""
        return len(self.index) + 2

    @property
    def fixed(self) -> tuple[int, ...]:
        """The axes that are not displayed, in ascending order."""
        return tuple(axis for axis in range(self.ndim) if axis not in self.displayed)

    @property
    def slices(self) -> tuple[int | slice, ...]:
        """What to index the image's array with to get (H, W[, C])."""
        result: list[int | slice] = [slice(None)] * self.ndim
        for axis, position in zip(self.fixed, self.index, strict=True):
            result[axis] = position
        return tuple(result)

    def region_slices(
        self, region: tuple[int, int, int, int]
    ) -> tuple[int | slice, ...]:
        """Return the same for the region (row0, col0, row1, col1) of the plane."""
        result = list(self.slices)
        result[self.displayed[0]] = slice(region[0], region[2])
        result[self.displayed[1]] = slice(region[1], region[3])
        return tuple(result)

    def shape_in(self, shape: Sequence[int]) -> tuple[int, int]:
        """(H, W) of the plane in an image of `shape`."""
        return int(shape[self.displayed[0]]), int(shape[self.displayed[1]])

    def is_in(self, shape: Sequence[int]) -> bool:
        """Whether an image of `shape` has this plane."""
        return len(shape) == self.ndim and all(
            0 <= position < shape[axis]
            for axis, position in zip(self.fixed, self.index, strict=True)
        )

    def at(self, axis: int, index: int) -> PlaneKey:
        """Return the parallel plane at an index along one of the `fixed` axes."""
        position = list(self.index)
        position[self.fixed.index(axis)] = index
        return replace(self, index=tuple(position))

    def lift(self, coordinates: npt.ArrayLike) -> FloatArray:
        """(N, 2) on the plane -> (N, D) in data coordinates."""
        flat = np.atleast_2d(np.asarray(coordinates, float))
        points = np.empty((len(flat), self.ndim))
        points[:, self.displayed] = flat
        points[:, self.fixed] = self.index
        return points

    def drop(self, points: npt.ArrayLike) -> FloatArray:
        """(N, D) in data coordinates -> (N, 2) on the plane."""
        flat = np.atleast_2d(np.asarray(points, float))
        return flat[:, self.displayed]

    def coordinates_of(
        self, region: tuple[int, int, int, int], crop: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.intp], ...]:
        """D index arrays of the pixels that are True in the `crop` of a region."""
        rows, cols = np.nonzero(crop)
        result: list[npt.NDArray[np.intp]] = [rows] * self.ndim
        for axis, position in zip(self.fixed, self.index, strict=True):
            result[axis] = np.full(len(rows), position, np.intp)
        result[self.displayed[0]] = rows + region[0]
        result[self.displayed[1]] = cols + region[1]
        return tuple(result)

    def pixels_on(
        self, coordinates: tuple[npt.NDArray[np.intp], ...]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Rows and columns of those of D index arrays that lie on this plane."""
        here = np.ones(len(coordinates[0]), bool)
        for axis, position in zip(self.fixed, self.index, strict=True):
            here &= coordinates[axis] == position
        rows, cols = self.displayed
        return coordinates[rows][here], coordinates[cols][here]


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A vectorised affine map of (N, D) points: ``points @ matrix.T + offset``."""

    matrix: FloatArray
    offset: FloatArray

    @classmethod
    def data_to_world(cls, layer: Layer) -> Affine:
        """Return the map from the data of `layer` to the world.

        napari converts one position at a time; the map is linear, so zero and the
        unit vectors determine it.
        """
        zeros = np.zeros(layer.ndim)
        offset: FloatArray = np.array(layer.data_to_world(zeros), np.float64)
        matrix = np.empty((layer.ndim, layer.ndim))
        for axis, unit in enumerate(np.eye(layer.ndim)):
            matrix[:, axis] = np.asarray(layer.data_to_world(unit)) - offset
        return cls(matrix, offset)

    def __call__(self, points: npt.ArrayLike) -> FloatArray:
        """Map (N, D) points."""
        return np.atleast_2d(np.asarray(points, float)) @ self.matrix.T + self.offset

    def inverse(self) -> Affine:
        """Return the map back."""
        matrix: FloatArray = np.asarray(np.linalg.inv(self.matrix), np.float64)
        return Affine(matrix, -matrix @ self.offset)

    def after(self, first: Affine) -> Affine:
        """Return the map that applies `first`, then this one."""
        return Affine(
            self.matrix @ first.matrix, self.matrix @ first.offset + self.offset
        )

    def is_close_to(self, other: Affine) -> bool:
        """Whether both map every point to the same place, up to rounding."""
        return np.allclose(self.matrix, other.matrix) and np.allclose(
            self.offset, other.offset
        )

    def magnification(self, axes: tuple[int, int]) -> float:
        """How much longer a line becomes, on average over directions along `axes`."""
        steps = self.matrix[:, list(axes)]
        return float(np.linalg.det(steps.T @ steps) ** (1 / 4))

    @classmethod
    def between(cls, source: Layer, target: Layer) -> Affine:
        """Return the map from data of `source` to data of `target`, same ndim."""
        to_world = cls.data_to_world(source)
        from_world = cls.data_to_world(target)
        if np.array_equal(to_world.matrix, from_world.matrix) and np.array_equal(
            to_world.offset, from_world.offset
        ):  # exactly, so that no rounding creeps in
            return cls(np.eye(source.ndim), np.zeros(source.ndim))
        return from_world.inverse().after(to_world)


def shape_of(image: Layer) -> tuple[int, ...]:
    """Shape of the image's full-resolution array, without the colour axis."""
    return tuple(int(size) for size in level_0(image).shape[: image.ndim])


def level_0(image: Layer) -> Any:
    """Return the full-resolution array of a layer, lazy or not."""
    return image.data[0] if getattr(image, "multiscale", False) else image.data


def view_axes(dims: Dims, image: Layer) -> tuple[int, int] | None:
    """Return the image axes shown vertically and horizontally, as on display.

    In a 3D view: those that a 2D view would show. None if the view shows an axis
    that the image does not have.
    """
    leading = dims.ndim - image.ndim
    row, col = (axis - leading for axis in dims.order[-2:])
    return None if row < 0 or col < 0 else (row, col)


def go_to_plane(dims: Dims, image: Layer, plane: PlaneKey) -> None:
    """Move the sliders to a plane of an image; in a 3D view, to where they will be."""
    leading = dims.ndim - image.ndim
    position = np.array(image.world_to_data(dims.point), float)
    position[list(plane.fixed)] = plane.index
    world = image.data_to_world(position)
    hidden = {axis - leading for axis in dims.not_displayed if axis >= leading}
    moved = sorted({*plane.fixed, *hidden})
    dims.set_point([axis + leading for axis in moved], [world[axis] for axis in moved])


def is_transposed_view(dims: Dims, image: Layer) -> bool:
    """Whether the view shows the plane's columns vertically."""
    axes = view_axes(dims, image)
    return axes is not None and axes[0] > axes[1]


def is_tilted(dims: Dims, image: Layer, to_world: Affine) -> bool:
    """Whether the view cuts obliquely through the slices, by half of one at least.

    `to_world` is :meth:`Affine.data_to_world` of the image, which takes time.
    """
    axes = view_axes(dims, image)
    if axes is None or image.ndim == 2:
        return False
    shown = list(axes)
    fixed = [axis for axis in range(image.ndim) if axis not in axes]
    lengths = np.array(shape_of(image))[shown]
    extent = np.abs(to_world.matrix[np.ix_(shown, shown)]) @ lengths
    slices = np.abs(to_world.inverse().matrix[np.ix_(fixed, shown)]) @ extent
    return bool((slices > _TILT_SLICES).any())


def displayed_plane(dims: Dims, image: Layer) -> PlaneKey | None:
    """Return the plane of `image` at the sliders' place; None if there is none."""
    axes = view_axes(dims, image)
    if axes is None:
        return None
    position = np.asarray(image.world_to_data(dims.point), float)
    index = tuple(
        int(np.round(position[axis])) for axis in range(image.ndim) if axis not in axes
    )
    plane = PlaneKey(index, axes)
    return plane if plane.is_in(shape_of(image)) else None


def plane_of_points(points: FloatArray, axes: tuple[int, int]) -> PlaneKey:
    """Return the plane with `axes` on which all (N, D) data points lie.

    Raises
    ------
    PromptError
        If they lie on different planes or are not finite.
    """
    if not np.isfinite(points).all():
        raise PromptError("A coordinate is not a finite number; give pixels.")
    fixed = [axis for axis in range(points.shape[1]) if axis not in axes]
    index = np.round(points[:, fixed]).astype(int)
    if (index != index[0]).any():
        raise PromptError(
            "The prompt does not lie on one plane; draw it on a single slice."
        )
    return PlaneKey(tuple(int(position) for position in index[0]), axes)


def varying_axes(points: FloatArray, default: tuple[int, int]) -> tuple[int, int]:
    """Return the axes that (N, D) points span, or the default if not exactly two."""
    extent = np.ptp(points, axis=0)
    spanned = [axis for axis in range(points.shape[1]) if extent[axis] > SAME_PX]
    if len(spanned) == 2:
        return spanned[0], spanned[1]
    return default


def read_plane(image_data: Any, plane: PlaneKey) -> npt.NDArray[Any]:
    """Read one plane of a numpy, dask, zarr or similar array into memory.

    Returns
    -------
    ndarray
        (H, W), or (H, W, C) where the array has a colour axis.

    Raises
    ------
    ImageError
        If the array has no such plane any more.
    """
    if not plane.is_in(image_data.shape[: plane.ndim]):
        raise ImageError(
            f"The image of shape {tuple(image_data.shape)} has no plane {plane.index}; "
            "choose a slice inside it."
        )
    return np.asarray(image_data[plane.slices])


def planes_along(
    shape: Sequence[int], displayed: tuple[int, int]
) -> Iterator[PlaneKey]:
    """All planes of an image of `shape` that span the axes `displayed`."""
    fixed = [axis for axis in range(len(shape)) if axis not in displayed]
    for index in np.ndindex(*(shape[axis] for axis in fixed)):
        yield PlaneKey(index, displayed)
