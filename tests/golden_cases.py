"""The reference's answers, and models that hold the reference's weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_segnext.core.network import SegNext
from napari_segnext.core.vit_config import ViTConfig

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as file:
        return dict(file)


def state_dict(case: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {
        key.removeprefix("sd/"): torch.from_numpy(value)
        for key, value in case.items()
        if key.startswith("sd/")
    }


def official_config(case: dict[str, np.ndarray]) -> dict[str, Any]:
    """The nested configuration that an official checkpoint would carry."""
    flat = json.loads(str(case["config"]))
    width, neck = flat["embed_dim"], flat["neck_out_dims"]
    official = {
        "backbone_params": {
            "img_size": (flat["img_size"],) * 2,
            "patch_size": (flat["patch_size"],) * 2,
            **{
                name: flat[name]
                for name in (
                    "in_chans",
                    "embed_dim",
                    "depth",
                    "global_atten_freq",
                    "num_heads",
                    "mlp_ratio",
                    "qkv_bias",
                )
            },
        },
        "neck_params": {"in_dim": width, "out_dims": neck},
        "head_params": {
            "in_channels": neck,
            "in_select_index": [0, 1, 2, 3],
            "dropout_ratio": 0.1,
            "num_classes": 1,
            "out_channels": flat["head_channels"],
        },
        "fusion_params": {
            "type": "self_attention",
            "depth": flat["fusion_depth"],
            "params": {
                "dim": width,
                "num_heads": flat["fusion_heads"],
                "mlp_ratio": 4,
                "qkv_bias": True,
            },
        },
        "use_disks": flat["use_disks"],
        "norm_radius": flat["norm_radius"],
    }
    return {
        "class": "isegm.model.is_plainvit_model.PlainVitModel",
        "params": {
            name: {"type": "builtin", "value": value, "specified": True}
            for name, value in official.items()
        },
    }


def save_official(path: Path, case: dict[str, np.ndarray]) -> Path:
    """Write a golden case as an official checkpoint."""
    content = {"state_dict": state_dict(case), "config": official_config(case)}
    torch.save(content, path)
    return path


def network(case: dict[str, np.ndarray]) -> SegNext:
    result = SegNext(ViTConfig.from_dict(official_config(case)))
    result.load_state_dict(state_dict(case))
    return result.eval()
