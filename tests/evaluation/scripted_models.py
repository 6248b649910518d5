"""Predictors whose answers are known, and annotated planes for them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segnext.core.features import Features
from napari_segnext.core.image import check_plane, plane_limits

if TYPE_CHECKING:
    from napari_segnext.core.prompts import Prompts


@dataclass
class Answer:
    mask: np.ndarray

    @property
    def region(self):
        return (0, 0, *self.mask.shape)

    @property
    def crop(self):
        return self.mask.astype(np.float32)

    @property
    def crop_mask(self):
        return self.mask


class Painter:
    """Draws squares of 11 px around clicks; gives areas and masks back as they are."""

    reach = 5

    def encode(self, plane, contrast_limits=None, near=None, *, should_stop=None):
        plane = check_plane(plane)
        return Features(plane, plane_limits(plane, contrast_limits), "painter")

    def predict(self, features, prompts: Prompts, previous=None, *, should_stop=None):
        mask = np.zeros(features.shape, bool)
        for click in prompts.clicks:
            row, col = int(click.row), int(click.col)
            rows = slice(max(row - self.reach, 0), row + self.reach + 1)
            cols = slice(max(col - self.reach, 0), col + self.reach + 1)
            mask[rows, cols] = click.positive
        for area in (*prompts.boxes, *prompts.polygons, *prompts.scribbles):
            row0, col0, row1, col1 = (max(round(x), 0) for x in area.bounds)
            mask[row0 : row1 + 1, col0 : col1 + 1] = True
        for stroke in prompts.strokes:
            row0, col0, row1, col1 = stroke.region
            mask[row0:row1, col0:col1] |= stroke.crop
        if prompts.mask is not None:
            mask |= prompts.mask.array > 0.5
        return Answer(mask)

    def predict_many(self, features, prompts, previous=None, *, should_stop=None):
        return [self.predict(features, one) for one in prompts]


class Stumbler(Painter):
    """Fails on images that are white everywhere."""

    def encode(self, plane, contrast_limits=None, near=None, *, should_stop=None):
        if np.asarray(plane).min() == 255:
            raise RuntimeError("nothing but white")
        return super().encode(plane)


class Quitter(Painter):
    """Takes its process along on images that are white everywhere."""

    def encode(self, plane, contrast_limits=None, near=None, *, should_stop=None):
        if np.asarray(plane).min() == 255:
            os._exit(3)
        return super().encode(plane)


def squares(shift: int = 0) -> np.ndarray:
    """Three squares of 11, 15 and 9 px, and one too small to count."""
    labels = np.zeros((60, 90), np.uint16)
    labels[5:16, 5 + shift : 16 + shift] = 3
    labels[20:35, 40:55] = 7
    labels[45:54, 70:79] = 8
    labels[2:5, 80:83] = 9
    return labels


def image_of(labels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 20, labels.shape)
    return np.where(labels > 0, 200, 40).astype(np.uint8) + noise.astype(np.uint8)
