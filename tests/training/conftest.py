"""Folders of labelled discs and of real images, and a tiny network."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from made import REAL, TINY, discs, noisy, write_pair, write_stack
from skimage.io import imread

from napari_segnext.core.checkpoints import save_safetensors
from napari_segnext.core.lite import SegNextLite
from napari_segnext.training.initial import STYLE


@pytest.fixture
def folder(tmp_path):
    """One image and one stack of three slices, each with three discs."""
    data = tmp_path / "data"
    labels = discs()
    image = noisy(labels)
    write_pair(data / "cells", "a", image.astype(np.uint8), labels)
    stack = np.stack([image] * 3).astype(np.uint16)
    write_stack(data / "stacks", "nuclei", stack, np.stack([labels] * 3))
    return data


@pytest.fixture
def real(tmp_path):
    """Four real images in one set, so that one is held out; few objects in each."""
    data = tmp_path / "real"
    for name in ("set46", "set47"):
        image, labels = (
            imread(REAL / "usiigaci" / part / f"{name}.png")
            for part in ("images", "labels")
        )
        for index, part in enumerate((np.s_[:96, :96], np.s_[96:, 96:])):
            write_pair(data, f"{name}-{index}", image[part], labels[part])
    return data


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Weights file of a network small enough for many steps."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    card = {"threshold": 0.5, "mean": [0.5] * 3, "std": [0.5] * 3}
    card["style"] = asdict(STYLE)
    network = SegNextLite(TINY)
    save_safetensors(path, network, kind="lite", config=asdict(TINY), model=card)
    return path
