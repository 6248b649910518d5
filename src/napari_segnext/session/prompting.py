"""Prompts and masks by script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_segnext.core.prompts import Box, Click, Mask, Polygon, Prompts, Scribble
from napari_segnext.errors import LayerError, PromptError
from napari_segnext.session.cutting import Cutting
from napari_segnext.session.layers import unwrapped
from napari_segnext.session.planes import is_transposed_view
from napari_segnext.session.sampling import label_on_plane

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_segnext.session.planes import PlaneKey

__all__ = ["Prompting"]


class Prompting(Cutting):
    """The part of `Session` that takes prompts and gives masks; see there."""

    def add_click(self, position: Sequence[float], positive: bool = True) -> None:
        """Add a click.

        Parameters
        ----------
        position : sequence of float
            (..., y, x) in data pixels; the nearest plane is meant.
        positive : bool
            True on the object, False on the background.

        Raises
        ------
        PromptError
            If it lies outside the image or is no position. Nothing changes then; so
            with all prompts.
        """
        self._sync()
        plane, flat = self._placed([position])
        self._prompt(plane, Prompts((Click(flat[0, 0], flat[0, 1], positive),)))

    def add_box(
        self, corner: Sequence[float], opposite: Sequence[float], positive: bool = True
    ) -> None:
        """Add a box around the object, or around what it is not.

        Parameters
        ----------
        corner, opposite : sequence of float
            Two opposite corners (..., y, x) in data pixels, on one plane.
        positive : bool
            False says "not here".

        Raises
        ------
        PromptError
            If it has no area, or does not lie on one plane of the image.
        """
        self._sync()
        plane, flat = self._placed([corner, opposite])
        box = Box(flat[0, 0], flat[0, 1], flat[1, 0], flat[1, 1], positive)
        self._prompt(plane, Prompts(boxes=(box,)))

    def add_polygon(
        self, vertices: Sequence[Sequence[float]], positive: bool = True
    ) -> None:
        """Add an outline of the object, or of what it is not.

        Parameters
        ----------
        vertices : sequence of (..., y, x)
            Three or more, in data pixels, on one plane; closed implicitly.
        positive : bool
            False says "not here".

        Raises
        ------
        PromptError
            If it has no area, or does not lie on one plane of the image.
        """
        self._sync()
        plane, flat = self._placed(vertices)
        self._prompt(plane, Prompts(polygons=(Polygon(_pairs(flat), positive),)))

    def add_scribble(
        self,
        vertices: Sequence[Sequence[float]],
        positive: bool = True,
        width: float = 3,
    ) -> None:
        """Add a free line over the object, or over the background.

        Parameters
        ----------
        vertices : sequence of (..., y, x)
            Two or more, in data pixels, on one plane.
        positive : bool
            True on the object, False on the background.
        width : float
            Width of the line in pixels.

        Raises
        ------
        PromptError
            If it has no length or width, or does not lie on one plane of the image.
        """
        self._sync()
        plane, flat = self._placed(vertices)
        scribble = Scribble(_pairs(flat), positive, width)
        self._prompt(plane, Prompts(scribbles=(scribble,)))

    def add_mask(
        self,
        mask: npt.ArrayLike,
        plane: PlaneKey | int | Sequence[int] | None = None,
    ) -> None:
        """Start from a rough mask; it takes the place of one that was there.

        Parameters
        ----------
        mask : array (H, W) of bool, labels or probabilities
            Rows and columns as on display, or in the order of the image's axes where
            `plane` is given.
        plane : PlaneKey, int or sequence of int, optional
            The plane, or its index along the axes that are not displayed; the displayed
            one if not given.

        Raises
        ------
        PromptError
            If it is empty, does not have the plane's shape or has probabilities outside
            0 to 1, or if there is no such plane.
        """
        self._sync()
        array = np.asarray(mask)
        key = self._named_plane(plane)
        if plane is None and array.ndim == 2 and self._is_transposed:
            array = array.T
        self._prompt(key, Prompts(mask=Mask.from_array(array)))

    def add_label(
        self,
        layer: Labels,
        label: int | None = None,
        plane: PlaneKey | int | Sequence[int] | None = None,
    ) -> None:
        """Start from a label of any Labels layer, as it is on one plane.

        It becomes the mask prompt of the open object; the layer stays as it is. Its
        transform, shape, dtype and number of dimensions may be others than the
        image's: the pixels are looked up through the world, nearest taken. Of lazy
        and multiscale layers only what lies under the plane is read.

        Parameters
        ----------
        layer : napari.layers.Labels
            The layer, for instance a result of another segmentation.
        label : int, optional
            The label; `layer.selected_label` if not given.
        plane : PlaneKey, int or sequence of int, optional
            The plane of the image, or its index along the axes that are not
            displayed; the displayed one if not given.

        Raises
        ------
        LayerError
            If `layer` is not a Labels layer, or does not lie on the plane.
        PromptError
            If the label is not on the plane; it says where it is.
        """
        self._sync()
        layer = unwrapped(layer)
        if not isinstance(layer, Labels):
            raise LayerError(
                f"A label is taken from a Labels layer, not {type(layer).__name__}; "
                "choose one."
            )
        wanted = _label(layer.selected_label if label is None else label)
        key = self._named_plane(plane)
        world = self._viewer.dims.point
        mask = label_on_plane(layer, wanted, self._image, key, world)
        self._prompt(key, Prompts(mask=Mask.from_array(mask)))

    @property
    def _is_transposed(self) -> bool:
        return is_transposed_view(self._viewer.dims, self._image)

    def mask(
        self,
        region: tuple[int, int, int, int] | None = None,
        plane: PlaneKey | int | Sequence[int] | None = None,
    ) -> npt.NDArray[np.bool_]:
        """Return what the preview shows on a plane.

        Parameters
        ----------
        region : (row0, col0, row1, col1), optional
            A part of it, ends excluded; cheap on huge planes.
        plane : PlaneKey, int or sequence of int, optional
            The plane, or its index along the axes that are not displayed; the displayed
            one if not given.

        Returns
        -------
        array (H, W) of bool
            Rows and columns as on display, or in the order of the image's axes where
            `plane` is given; of what lies on the plane of `region`.

        Raises
        ------
        PromptError
            If the image has no such plane, or none on display.
        """
        self._sync()
        key = self._named_plane(plane)
        if plane is not None or not self._is_transposed:
            return self._preview.read(key, region)
        if region is not None:
            region = (region[1], region[0], region[3], region[2])
        return self._preview.read(key, region).T


def _label(value: object) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | np.integer)
        or not int(value)
    ):
        raise PromptError(
            f"An object's label is a whole number other than 0, not {value!r}; "
            "pick one in the layer."
        )
    return int(value)


def _pairs(flat: npt.NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((float(row), float(col)) for row, col in flat)
