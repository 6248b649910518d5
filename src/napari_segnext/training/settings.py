"""What a training run may be told, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training run may be told.

    Parameters
    ----------
    data, out : Path
        Folder of annotated sets, and the folder that receives checkpoint, curves and
        weights. A run found in `out` goes on.
    init : str
        "imagenet", or a segnext-lite model to go on from.
    steps, minutes : optional
        Whichever comes first ends the run.
    validate : Path, optional
        Folder of annotated sets to validate on; by default a part of `data` is held
        out where there is enough.
    validate_minutes : float, optional
        Validate this often; by default every five minutes, and in a run that is told
        its steps alone every tenth of them, so that the seed decides which are best.
    synthetic : float, optional
        Share of crops that are rendered; by default 0.15 from ImageNet, else 0.
    shares : mapping
        Name of a set -> its share of crops. Without one, sets are drawn in proportion
        to the square root of their number of objects.
    dense : float
        How much the dense losses count at the beginning. They take all that is not
        labelled for background.
    device : str
        A torch device.
    bfloat16 : bool
        Compute in bfloat16: faster where the processor has instructions for it.
    crops, objects : int
        Crops per step and objects per crop.
    learning_rate : float, optional
        Peak; by default 2e-3 from ImageNet, else 3e-4, which keeps what was learned.
    loaders : int, optional
        Processes that make batches; by default as many as the cores can feed.
    seed : int
        The same seed on one device gives the same weights.
    """

    data: Path
    out: Path
    init: str = "segnext-lite"
    steps: int | None = None
    minutes: float | None = None
    validate: Path | None = None
    validate_minutes: float | None = None
    synthetic: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    dense: float = 0
    device: str = "cpu"
    bfloat16: bool = False
    crops: int = 6
    objects: int = 4
    learning_rate: float | None = None
    loaders: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.steps is None and self.minutes is None:
            raise SegNextError("Say how long to train: --minutes or --steps.")
        for name in ("steps", "minutes", "validate_minutes", "crops", "objects"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SegNextError(f"{name} is {value}; it must be more than 0.")
        if self.learning_rate is not None and not self.learning_rate >= 0:
            raise SegNextError(f"learning_rate is {self.learning_rate}; use 0 or more.")
        if self.synthetic is not None and not 0 <= self.synthetic < 1:
            raise SegNextError(
                f"synthetic is {self.synthetic}; it is a share from 0 to less than 1."
            )
        for name, share in self.shares.items():
            if not 0 < share <= 1:
                raise SegNextError(
                    f"The share of {name} is {share}; use more than 0 and at most 1."
                )
        if not self.dense >= 0:
            raise SegNextError(f"dense is {self.dense}; use 0 or more.")
        if self.loaders is not None and self.loaders < 0:
            raise SegNextError(f"loaders is {self.loaders}; use 0 or more.")
        if not 0 <= self.seed < 2**63:
            raise SegNextError(f"seed is {self.seed}; use a whole number from 0.")
