"""The prompt layers of a session, read and written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari.layers import Points, Shapes

from napari_segnext.core.prompts import Box, Click, Polygon, Prompts, Scribble
from napari_segnext.session.adopting import lies_where
from napari_segnext.session.planes import PlaneKey, planes_along
from napari_segnext.session.prompt_layers import (
    Reading,
    read_points,
    read_shapes,
    take_over,
)
from napari_segnext.session.prompt_writing import OwnRows, write_points, write_shapes
from napari_segnext.session.roles import Roles
from napari_segnext.session.strokes import paint_planes, read_strokes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Labels

    Known = dict[PlaneKey, Prompts]
    Outlined = Box | Polygon | Scribble

__all__ = ["Board"]


class Board(Roles):
    """Reads prompts from the layers and writes them there; see `Roles`."""

    def __init__(self, *parameters: Any) -> None:
        self._own = OwnRows()
        super().__init__(*parameters)

    def read(self, known: Known) -> tuple[Known, list[str]]:
        """Read the dirty prompt layers.

        Parameters
        ----------
        known : dict of PlaneKey to Prompts
            The prompts as they were at the last look.

        Returns
        -------
        dict of PlaneKey to Prompts
            As they are now: what stayed comes in the order that it had.
        list of str
            What in the layers makes no sense, one sentence each, as far as it is new.
        """
        now = dict(known)
        complaints: list[str] = []
        for role, kinds, names in (
            ("points", (Click,), ("clicks",)),
            ("shapes", (Box, Polygon, Scribble), ("boxes", "polygons", "scribbles")),
        ):
            if role not in self.dirty or self.is_being_drawn(role):
                continue
            reading = self._reading(role)
            self.dirty.discard(role)
            complaints += self._new_complaints(role, reading.complaints)
            take_over(now, reading, kinds, names)
        if "scribbles" in self.dirty and not self.is_being_painted("scribbles"):
            self.dirty.discard("scribbles")
            self._read_scribbles(now, known)
            complaints += self._new_complaints("scribbles", self._misplaced())
        return now, complaints

    @property
    def complaint(self) -> str:
        """What still makes no sense in the layers, one sentence; "" if all does."""
        told = (self._told[role] for role in sorted(self._told) if self.has(role))
        return next((sentences[0] for sentences in told if sentences), "")

    def _new_complaints(self, role: str, complaints: list[str]) -> list[str]:
        before = self._told.get(role, [])
        self._told[role] = complaints
        return [sentence for sentence in complaints if sentence not in before]

    def _misplaced(self) -> list[str]:
        if not self.has("scribbles"):
            return []
        layer = self.labels("scribbles")
        if not self._is_readable(layer):
            return [
                f"The scribble layer now has shape {tuple(layer.data.shape)} instead "
                f"of {self.shape}, so that nothing in it is read; give it the image's "
                "shape again, or delete it to get a new one."
            ]
        if lies_where(layer, self.image):
            return []
        return [
            "The scribble layer lies elsewhere than the image (scale, translate, "
            "rotate, shear or affine differ), so that strokes are read elsewhere than "
            "you see them; give it the image's."
        ]

    def _is_readable(self, scribbles: Labels) -> bool:
        return tuple(scribbles.data.shape) == self.shape

    def write(self, known: Known) -> None:
        """Make the prompt layers say what is `known`; layers are made if need be."""
        self._writing = True
        try:
            self._write(known)
        finally:
            self._writing = False
        self.refresh_defaults()

    def _write(self, known: Known) -> None:
        rows = [(plane, prompt) for plane, p in known.items() for prompt in p]
        clicks = [(plane, item) for plane, item in rows if isinstance(item, Click)]
        shapes = [
            (plane, item)
            for plane, item in rows
            if isinstance(item, Box | Polygon | Scribble)
        ]
        if clicks or self.has("points"):
            layer = self.points
            write_points(layer, self.image, self._reading("points"), clicks, self._own)
            self.mend("points", layer)
            self.dirty.discard("points")
        if shapes or self.has("shapes"):
            self._write_shapes(shapes)

    def _write_shapes(self, shapes: list[tuple[PlaneKey, Outlined]]) -> None:
        layer = self.shapes
        reading = self._reading("shapes")
        if self.is_being_drawn("shapes"):
            # the last one is no prompt yet: it may stay, if nothing else is to change
            reading.rows = reading.rows[:-1]
            if Counter(filter(None, reading.rows)) == Counter(shapes):
                return
            self.end_draft(layer)
            reading = self._reading("shapes")
        dims = self.viewer.dims
        ndisplay = dims.ndisplay
        try:
            # napari cannot add shapes to a layer of two dimensions in the 3D view
            dims.ndisplay = min(ndisplay, layer.ndim)
            write_shapes(layer, self.image, reading, shapes, self._own)
        finally:
            dims.ndisplay = ndisplay
        self.mend("shapes", layer)
        self.dirty.discard("shapes")

    def paint(self, known: Known, planes: Iterable[PlaneKey]) -> None:
        """Make the scribble layer hold what is `known` on `planes`."""
        planes = list(planes)
        known = {p: prompts for p, prompts in known.items() if _is_painted(prompts)}
        if not (any(p in known for p in planes) or self.has("scribbles")):
            return
        layer = self.labels("scribbles")
        if self._is_readable(layer) and paint_planes(layer.data, known, planes):
            scan_all = self._scan_all
            layer.refresh()
            self._scan_all = scan_all  # it was not the user's own undo
        self.dirty.discard("scribbles")

    def _reading(self, role: str) -> Reading:
        layer = self._layers.get(role) if self.has(role) else None
        if isinstance(layer, Points | Shapes):
            self.mend(role, layer)
        if isinstance(layer, Points):
            return read_points(layer, self.image, self.axes)
        if isinstance(layer, Shapes):
            return read_shapes(layer, self.image, self.axes)
        return Reading()

    def _read_scribbles(self, now: Known, known: Known) -> None:
        if not self.has("scribbles"):
            for plane, prompts in now.items():
                now[plane] = replace(prompts, strokes=(), mask=None)
            return
        layer = self.labels("scribbles")
        if not self._is_readable(layer):
            return
        data = layer.data
        planes = {plane for plane in known if _is_painted(known[plane])}
        planes |= self._dirty_planes
        if self.plane is not None:
            planes.add(self.plane)
        if self._scan_all:
            planes |= set(planes_along(self.shape, self.axes))
        self._dirty_planes, self._scan_all = set(), False
        for plane in sorted(planes):
            read = read_strokes(data, known, plane)
            painted = replace(
                now.get(plane, Prompts()), strokes=read.strokes, mask=read.mask
            )
            if painted or plane in now:
                now[plane] = painted


def _is_painted(prompts: Prompts) -> bool:
    return bool(prompts.strokes) or prompts.mask is not None
