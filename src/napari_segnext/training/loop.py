"""The training loop: restartable, on any device, one log line per interval."""

from __future__ import annotations

import csv
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from napari_segnext.training.losses import correction_clicks, segmentation_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torch import Tensor

    from napari_segnext.core.lite import SegNextLite
    from napari_segnext.training.batches import Batches

__all__ = ["Plan", "Trainer"]

_WARM_UP_STEPS = 100
_EMA_DECAY = 0.998
_ENCODER_SHARE = 0.3  # of the learning rate: ImageNet features are already good
_ROUND_CHANCES = (0.25, 0.2, 0.17, 0.13, 0.1, 0.08, 0.07)  # of 0 to 6 more clicks


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn.

    Parameters
    ----------
    steps : int
        Optimiser steps of the whole run; the learning rate falls to zero over them.
    minutes : float
        Stop earlier than that; the learning rate follows whichever is further on.
    learning_rate : float
        Peak of AdamW.
    save_minutes : float
        A checkpoint is written this often.
    """

    steps: int = 100_000
    minutes: float = float("inf")
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    save_minutes: float = 3
    seed: int = 0


class Trainer:
    """Owns the network, its moving average, the optimiser and the log.

    Parameters
    ----------
    network : SegNextLite
        Trained in place.
    batches : callable
        Takes the number of the first batch, returns an endless data set.
    plan : Plan
        How long and how fast.
    folder : Path
        Receives ``checkpoint.pt`` and ``loss.csv``.
    device : str
        A torch device.
    radius : int
        Of a click's disk in map pixels.
    """

    def __init__(
        self,
        network: SegNextLite,
        batches: Callable[[int], Batches],
        plan: Plan,
        folder: Path,
        *,
        device: str = "cpu",
        radius: int = 3,
        loaders: int = 1,
    ) -> None:
        self.network = network.to(device)
        self.plan = plan
        self._batches = batches
        self._folder = folder
        self._device = device
        self._radius = radius
        self._loaders = loaders
        # lists, not sets: a resumed run must find its parameters in the same order
        encoder = list(network.encoder.parameters())
        rest = [
            parameter
            for name, parameter in network.named_parameters()
            if not name.startswith("encoder.")
        ]
        self._optimiser = torch.optim.AdamW(
            [
                {"params": rest, "share": 1.0},
                {"params": encoder, "share": _ENCODER_SHARE},
            ],
            weight_decay=plan.weight_decay,
        )
        self._average = {k: v.clone() for k, v in network.state_dict().items()}
        self._generator = torch.Generator().manual_seed(plan.seed)
        self.step = 0
        self.seconds = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def _checkpoint(self) -> Path:
        return self._folder / "checkpoint.pt"

    def averaged_state(self) -> dict[str, Tensor]:
        """Return the moving average of the weights, which is what validates best."""
        return {k: v.clone() for k, v in self._average.items()}

    def save(self) -> None:
        """Write everything a restart needs, atomically."""
        state = {
            "network": self.network.state_dict(),
            "average": self._average,
            "optimiser": self._optimiser.state_dict(),
            "generator": self._generator.get_state(),
            "step": self.step,
            "seconds": self.seconds,
        }
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._checkpoint)

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; False if there is none."""
        if not self._checkpoint.exists():
            return False
        state = torch.load(
            self._checkpoint, map_location=self._device, weights_only=True
        )
        self.network.load_state_dict(state["network"])
        self._average = state["average"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._generator.set_state(state["generator"].cpu())
        self.step, self.seconds = state["step"], state["seconds"]
        return True

    def run(self) -> None:
        """Train to the end of the plan."""
        losses: deque[float] = deque(maxlen=100)
        saved = self.seconds
        bar = tqdm(total=self.plan.steps, initial=self.step, mininterval=5, unit="step")
        with bar:
            for batch in self._loader():
                started = time.perf_counter()
                self._set_learning_rate()
                losses.append(self._train(batch))
                self.step += 1
                self.seconds += time.perf_counter() - started
                bar.update()
                bar.set_postfix(loss=f"{sum(losses) / len(losses):.3f}")
                done = self._progress() >= 1
                if done or self.seconds - saved >= self.plan.save_minutes * 60:
                    saved = self.seconds
                    self.save()
                    self._log({"loss": sum(losses) / len(losses)})
                if done:
                    return

    def _loader(self) -> Iterable[dict[str, Tensor]]:
        return DataLoader(
            self._batches(self.step),
            batch_size=None,
            num_workers=self._loaders,
            prefetch_factor=4 if self._loaders else None,
        )

    def _progress(self) -> float:
        return max(self.step / self.plan.steps, self.seconds / (60 * self.plan.minutes))

    def _set_learning_rate(self) -> None:
        warm = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        fall = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * self._progress())).item())
        for group in self._optimiser.param_groups:
            group["lr"] = self.plan.learning_rate * group["share"] * warm * fall

    def _train(self, batch: dict[str, Tensor]) -> float:
        batch = {name: value.to(self._device) for name, value in batch.items()}
        truth, known = batch["truths"].float(), batch["known"].float()
        objects = len(truth) // len(batch["images"])
        self.network.train()
        encoded = self.network.encode(batch["images"])
        features = tuple(
            # repeating loses channels_last, without which depthwise layers crawl
            f.repeat_interleave(objects, dim=0).contiguous(
                memory_format=torch.channels_last
            )
            for f in encoded
        )
        maps = self._corrected(features, batch["maps"], truth, known)
        logits = self.network.decode(features, maps)
        loss = segmentation_loss(logits, truth, known).mean()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        decay = min(_EMA_DECAY, (self.step + 1) / (self.step + 10))
        for name, value in self.network.state_dict().items():
            self._average[name].lerp_(value, 1 - decay)
        return float(loss.detach())

    @torch.no_grad()
    def _corrected(
        self,
        features: tuple[Tensor, ...],
        maps: Tensor,
        truth: Tensor,
        known: Tensor,
    ) -> Tensor:
        """Prompt maps after some clicks on the model's own errors."""
        chances = torch.tensor(_ROUND_CHANCES)
        rounds = int(torch.multinomial(chances, 1, generator=self._generator))
        detached = tuple(feature.detach() for feature in features)
        for _ in range(rounds):
            logits = self.network.decode(detached, maps)
            probability = torch.sigmoid(logits)
            maps = correction_clicks(
                maps, probability, truth, known, self._radius, self._generator
            )
            # sometimes the previous mask is empty or stale, as in real sessions
            fate = torch.rand(len(maps), generator=self._generator).to(maps)
            maps[:, :1] = torch.where(
                fate[:, None, None, None] < 0.85, probability, maps[:, :1]
            )
            maps[fate > 0.93, 0] = 0
        return maps

    def _log(self, figures: dict[str, Any]) -> None:
        row = {"step": self.step, "minutes": round(self.seconds / 60, 2), **figures}
        path = self._folder / "loss.csv"
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if is_new:
                writer.writeheader()
            writer.writerow(row)
