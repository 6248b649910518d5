"""Two layers that show what the model sees, lying where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps.standardize_color import transform_color

from napari_segnext.session.layers import COLORS, METADATA_KEY, SEEN_ROLES
from napari_segnext.session.planes import Affine

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel

    from napari_segnext.core.seen import Seen
    from napari_segnext.session.planes import PlaneKey

__all__ = ["SeenLayers", "SeenPictures"]

_OPACITY = 0.6  # of prompts at full value: the image shows through
_TYPES = dict(zip(SEEN_ROLES, (np.float32, np.uint8), strict=True))
_LIMITS = dict(zip(SEEN_ROLES, ((0, 1), (0, 255)), strict=True))
_CHANNELS = ("mask", "positive", "negative")


@dataclass(frozen=True, slots=True, eq=False)
class SeenPictures:
    """What the model sees, ready to be shown.

    Parameters
    ----------
    image : array (S, S, 3) float32
        From 0 to 1.
    prompts : array (S, S, 4) uint8
        The prompt map in the colours of the prompts, transparent where it is 0.
    origin, step : (float, float)
        Pixel (i, j) lies at ``origin + step * (i, j)`` on the plane.
    """

    image: npt.NDArray[np.float32]
    prompts: npt.NDArray[np.uint8]
    origin: tuple[float, float]
    step: tuple[float, float]

    @classmethod
    def of(cls, seen: Seen) -> SeenPictures:
        """Colour the prompt map: previous mask green, positive blue, negative orange.

        Where channels overlap their colours mix, each as strong as its value.
        """
        weights = seen.prompt_map.clip(0, 1)  # (3, S, S)
        colours = np.stack([transform_color(COLORS[name])[0, :3] for name in _CHANNELS])
        total = weights.sum(axis=0)
        mixed = np.tensordot(weights, colours, (0, 0))  # (S, S, 3)
        mixed /= np.maximum(total, 1e-6)[..., None]
        alpha = _OPACITY * weights.max(axis=0)
        rgba = np.concatenate([mixed, alpha[..., None]], axis=-1)
        prompts = np.round(255 * rgba).astype(np.uint8)
        return cls(seen.image, prompts, seen.origin, seen.step)


class SeenLayers:
    """The layers "seen image" and "seen prompts" of a session.

    Parameters
    ----------
    viewer : ViewerModel
        Where they are put, right above the image.
    image : Image
        The image whose planes are seen.
    """

    def __init__(self, viewer: ViewerModel, image: Image) -> None:
        self._viewer = viewer
        self._image = image
        self._layers: dict[str, Image] = {}

    def has(self, role: str) -> bool:
        """Whether the layer of a role is in the viewer."""
        return role in self._layers and self._layers[role] in self._viewer.layers

    @property
    def are_there(self) -> bool:
        """Whether both layers are in the viewer."""
        return all(self.has(role) for role in SEEN_ROLES)

    def add(self) -> None:
        """Put both into the viewer, showing nothing; what was selected stays so."""
        layers = self._viewer.layers
        selection, active = set(layers.selection), layers.selection.active
        for role in SEEN_ROLES:
            layer = self._layers[role] = Image(
                self._nothing(role),
                rgb=True,
                contrast_limits=_LIMITS[role],
                name=f"{self._image.name} {role}",
                affine=_matrix(Affine.data_to_world(self._image)),
                units=self._image.units,
                axis_labels=self._image.axis_labels,
                metadata={METADATA_KEY: role},
            )
            layers.insert(layers.index(self._image) + len(self._layers), layer)
        layers.selection = selection
        if active is not None:
            layers.selection.active = active

    def remove(self) -> None:
        """Take out of the viewer what is there; harmless when repeated."""
        for layer in self._layers.values():
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers.clear()

    def show(self, pictures: SeenPictures, plane: PlaneKey) -> None:
        """Show pictures on a plane of the image, and nothing on all others."""
        shown: tuple[npt.NDArray[Any], ...] = pictures.image, pictures.prompts
        to_plane = _from_picture(pictures, plane)
        to_world = Affine.data_to_world(self._image).after(to_plane)
        for role, picture in zip(SEEN_ROLES, shown, strict=True):
            self._put(role, np.expand_dims(picture, plane.fixed), to_world)

    def blank(self) -> None:
        """Show nothing."""
        for role in SEEN_ROLES:
            self._put(role, self._nothing(role), Affine.data_to_world(self._image))

    def _nothing(self, role: str) -> npt.NDArray[Any]:
        # one transparent pixel of the image: the sliders' ranges stay as they are;
        # of the type of what is to come: napari keeps the limits of the first data
        return np.zeros((1,) * self._image.ndim + (4,), _TYPES[role])

    def _put(self, role: str, picture: npt.NDArray[Any], to_world: Affine) -> None:
        layer = self._layers[role]
        layer.affine = _matrix(to_world)
        layer.data = picture


def _from_picture(pictures: SeenPictures, plane: PlaneKey) -> Affine:
    """Return the map from a picture's pixels, all axes, to data of the image."""
    matrix, offset = np.eye(plane.ndim), np.zeros(plane.ndim)
    offset[list(plane.fixed)] = plane.index
    for axis, origin, step in zip(
        plane.displayed, pictures.origin, pictures.step, strict=True
    ):
        matrix[axis, axis], offset[axis] = step, origin
    return Affine(matrix, offset)


def _matrix(affine: Affine) -> npt.NDArray[np.float64]:
    """As one (D + 1, D + 1) matrix."""
    matrix = np.eye(len(affine.offset) + 1)
    matrix[:-1, :-1], matrix[:-1, -1] = affine.matrix, affine.offset
    return matrix
