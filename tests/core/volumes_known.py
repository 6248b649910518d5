"""Volumes whose truth is known, and a predictor that sees what is bright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_segnext.core.prediction import Prediction
from napari_segnext.errors import Cancelled


@dataclass
class Plane:
    """What stands for the features of a slice: its brightness."""

    brightness: np.ndarray

    @property
    def shape(self):
        return self.brightness.shape


class Seer:
    """Finds the connected bright part on which a positive click lies.

    Probability is the brightness itself; dim objects are doubtful objects.
    """

    def __init__(self):
        self.asked = 0

    def predict_many(self, features, prompts, previous=None, *, should_stop=None):
        if should_stop is not None and should_stop():
            raise Cancelled
        self.asked += 1
        return [self._answer(features.brightness, one) for one in prompts]

    @staticmethod
    def _answer(brightness, prompts):
        parts, _ = ndimage.label(brightness > 0.5)
        clicked = {parts[round(c.row), round(c.col)] for c in prompts.clicks} - {0}
        found = np.isin(parts, list(clicked)) * brightness
        row0, col0, row1, col1 = region = (0, 0, *brightness.shape)
        crop = found[row0:row1, col0:col1].astype(np.float32)
        return Prediction(brightness.shape, region, crop, 0.5)


class Volume:
    """Brightness (Z, H, W) as the features of its slices; counts what is read."""

    def __init__(self, brightness):
        self.brightness = np.asarray(brightness, np.float32)
        self.read = []

    def __call__(self, index, near):
        self.read.append(index)
        return Plane(self.brightness[index])


def ball(shape, centre, radius, spacing=1.0):
    """Return a sphere (Z, H, W) bool, seen in slices `spacing` pixels apart."""
    z, y, x = np.indices(shape)
    return (
        ((z - centre[0]) * spacing) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    ) <= radius**2


def tube(shape, path, radius):
    """Return a tube (Z, H, W) bool around `path`, which gives (row, col) of z."""
    volume = np.zeros(shape, bool)
    y, x = np.indices(shape[1:])
    for index in range(shape[0]):
        row, col = path(index)
        volume[index] = (y - row) ** 2 + (x - col) ** 2 <= radius**2
    return volume


def written(steps, shape, name=1):
    """Return the volume (Z, H, W) bool that an object's answers make, newest last."""
    volume = np.zeros(shape, bool)
    for step in steps:
        if name in step.answers:
            volume[step.index] = step.answers[name].mask(shape[1:])
    return volume
