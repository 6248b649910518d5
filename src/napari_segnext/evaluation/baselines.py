"""Classical tools under the same robot user: what needs no trained model.

All of them work on an object-centred crop, reduced to at most 192 px, and are helped
where a choice had to be made; docs/evaluation.md says how.

References
----------
.. [1] L. Grady, "Random walks for image segmentation", IEEE TPAMI 28 (2006).
.. [2] C. Rother, V. Kolmogorov, A. Blake, "GrabCut", ACM SIGGRAPH 2004.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.draw import disk
from skimage.filters import gaussian, sobel
from skimage.morphology import flood
from skimage.segmentation import random_walker, watershed
from skimage.transform import resize

from napari_segnext.evaluation.metrics import iou

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_segnext.core.prompts import Click, Prompts

    Bools = npt.NDArray[np.bool_]
    Method = Callable[["Scene", "Prompts", Bools | None], Bools]

__all__ = ["METHODS", "Scene", "available_methods", "make_answer"]

_MAX_SIDE_PX = 192
_TOLERANCES = np.geomspace(1 / 255, 0.8, 24)
_BETAS = (130, 1000, 10000)  # scikit-image's default first
_GRABCUT_ROUNDS = 2


class Scene:
    """A crop as the classical tools see it.

    Parameters
    ----------
    rgb : array (H, W, 3) uint8
        The crop.
    truth : array (H, W) int8
        Positive where the object is; used to choose the best parameter.
    """

    def __init__(self, rgb: npt.NDArray[np.uint8], truth: npt.NDArray[np.int8]) -> None:
        self.full_shape = truth.shape
        self.truth = truth
        scale = min(1.0, _MAX_SIDE_PX / max(truth.shape))
        self.shape = tuple(max(round(size * scale), 1) for size in truth.shape)
        image = rgb.astype(np.float64) / 255
        if self.shape != truth.shape:
            image = resize(image, (*self.shape, 3), anti_aliasing=True)
        is_grey = bool((rgb[..., :1] == rgb).all())
        #: (h, w, C) float64, one channel where all are equal
        self.image: npt.NDArray[np.float64] = image[..., :1] if is_grey else image

    @cached_property
    def smooth(self) -> npt.NDArray[np.float64]:
        """The image after a blur of one pixel."""
        blurred: npt.NDArray[np.float64] = gaussian(self.image, 1, channel_axis=-1)
        return blurred

    @cached_property
    def gradient(self) -> npt.NDArray[np.float64]:
        """Strength of edges, (h, w)."""
        channels = np.moveaxis(self.smooth, -1, 0)
        edges: npt.NDArray[np.float64] = np.max([sobel(one) for one in channels], 0)
        return edges

    @cached_property
    def bytes_bgr(self) -> npt.NDArray[np.uint8]:
        """What OpenCV takes, (h, w, 3), stretched to all 256 values."""
        image = np.broadcast_to(self.image, (*self.shape, 3))[..., ::-1]
        image = (image - image.min()) / max(float(np.ptp(image)), 1e-9)
        return np.ascontiguousarray(np.round(image * 255), np.uint8)

    def pixel(self, click: Click) -> tuple[int, int]:
        """Pixel of the reduced crop that a click lies on."""
        row, col = (
            min(int((place + 0.5) * small / full), small - 1)
            for place, small, full in zip(
                (click.row, click.col), self.shape, self.full_shape, strict=True
            )
        )
        return row, col

    def enlarged(self, mask: Bools) -> Bools:
        """Bring a mask of the reduced crop to the crop's own pixels."""
        rows, cols = (
            (np.arange(full) + 0.5) * small / full
            for small, full in zip(self.shape, self.full_shape, strict=True)
        )
        return mask[np.ix_(rows.astype(int), cols.astype(int))]

    def best(self, masks: list[Bools]) -> Bools:
        """Return the mask of the reduced crop that fits the truth best."""
        values = [iou(self.truth, self.enlarged(mask)) for mask in masks]
        return masks[int(np.argmax(values))]

    def seeds(self, prompts: Prompts) -> npt.NDArray[np.uint8]:
        """1 around positive clicks, 2 around negative ones and on the rim, else 0."""
        markers = np.zeros(self.shape, np.uint8)
        markers[[0, -1]] = markers[:, [0, -1]] = 2
        radius = max(1, round(max(self.shape) / 64)) + 0.5
        pixels = [(self.pixel(it), 1 if it.positive else 2) for it in prompts.clicks]
        for pixel, value in pixels:
            markers[disk(pixel, radius, shape=self.shape)] = value
        for pixel, value in pixels:  # no disk covers another click
            markers[pixel] = value
        return markers


def _random_walker(scene: Scene, prompts: Prompts, _previous: Bools | None) -> Bools:
    """Where a random walker [1]_ meets a positive seed first, at the best beta."""
    markers = scene.seeds(prompts)
    masks = []
    for beta in _BETAS:
        with warnings.catch_warnings():  # of seeds that are cut off, or rounding
            warnings.simplefilter("ignore")
            labels = random_walker(
                scene.image, markers, beta=beta, mode="cg_j", channel_axis=-1
            )
        masks.append(labels == 1)
    return scene.best(masks)


def _watershed(scene: Scene, prompts: Prompts, _previous: Bools | None) -> Bools:
    """Where water from a positive seed arrives first on the gradient."""
    found: Bools = watershed(scene.gradient, scene.seeds(prompts).astype(int)) == 1
    return found


def _flood_fill(scene: Scene, prompts: Prompts, previous: Bools | None) -> Bools:
    """Add, or take away, the flood around the last click, at the best tolerance."""
    click = prompts.clicks[-1]
    before = np.zeros(scene.shape, bool) if previous is None else previous
    pixel = scene.pixel(click)
    distance = np.abs(scene.smooth - scene.smooth[pixel]).max(axis=-1)
    floods = [flood(distance, pixel, tolerance=it) for it in _TOLERANCES]
    return scene.best(
        [before | wet if click.positive else before & ~wet for wet in floods]
    )


def _grabcut(scene: Scene, prompts: Prompts, _previous: Bools | None) -> Bools:
    """Cut the graph of GrabCut [2]_; the crop's middle begins as probable object."""
    cv2: Any = import_module("cv2")  # an optional extra, without types everywhere
    height, width = scene.shape
    labels = np.full(scene.shape, cv2.GC_PR_BGD, np.uint8)
    middle = np.s_[height // 4 : height - height // 4, width // 4 : width - width // 4]
    labels[middle] = cv2.GC_PR_FGD
    markers = scene.seeds(prompts)
    labels[markers == 1] = cv2.GC_FGD
    labels[markers == 2] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    models = np.zeros((2, 1, 65))
    cv2.grabCut(
        scene.bytes_bgr,
        labels,
        (0, 0, 0, 0),
        models[0],
        models[1],
        _GRABCUT_ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


METHODS: dict[str, Method] = {
    "random walker": _random_walker,
    "watershed": _watershed,
    "flood fill": _flood_fill,
    "GrabCut": _grabcut,
}


def available_methods() -> list[str]:
    """Names of the tools that are installed: all, but for GrabCut without OpenCV."""
    has_opencv = find_spec("cv2") is not None
    return [name for name in METHODS if has_opencv or name != "GrabCut"]


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    reduced: Bools
    mask: Bools


def make_answer(
    name: str, scene: Scene
) -> Callable[[Prompts, _Answer | None], _Answer]:
    """Return what the robot user asks: clicks and the last answer to an answer.

    Parameters
    ----------
    name : str
        One of :func:`available_methods`.
    scene : Scene
        The crop.
    """
    return partial(_answer, METHODS[name], scene)


def _answer(
    method: Method, scene: Scene, prompts: Prompts, previous: _Answer | None
) -> _Answer:
    mask = method(scene, prompts, None if previous is None else previous.reduced)
    parts, count = ndimage.label(mask)
    if count > 1:  # what nobody pointed at is not meant
        clicked = {parts[scene.pixel(it)] for it in prompts.clicks if it.positive}
        mask = np.isin(parts, list(clicked - {0}))
    return _Answer(mask, scene.enlarged(ndimage.binary_fill_holes(mask)))
