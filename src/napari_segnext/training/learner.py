"""One step of learning: losses on the answers to simulated prompts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from napari_segnext.training.dense import DenseHead, dense_loss
from napari_segnext.training.losses import correction_clicks, segmentation_loss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from napari_segnext.core.lite import SegNextLite

    State = dict[str, Tensor]
    Batch = dict[str, Tensor]

__all__ = ["Learner"]

_EMA_DECAY = 0.998
_ENCODER_SHARE = 0.3  # of the learning rate: ImageNet features are already good
_ROUND_CHANCES = (0.35, 0.2, 0.15, 0.1, 0.08, 0.07, 0.05)  # of 0 to 6 more clicks


class Learner:
    """Owns the network, its moving average, the optimiser and the click generator.

    Parameters
    ----------
    network : SegNextLite
        Trained in place.
    device : str
        A torch device.
    radius : int
        Of a click's disk in map pixels.
    weight_decay : float
        Of AdamW.
    bfloat16 : bool
        Whether the network computes in bfloat16 where torch deems that safe; weights,
        losses and the optimiser stay in single precision.
    seed : int
        Of the correction clicks; batches have their own.
    """

    def __init__(
        self,
        network: SegNextLite,
        *,
        device: str = "cpu",
        radius: int = 3,
        weight_decay: float = 0.02,
        bfloat16: bool = False,
        seed: int = 0,
    ) -> None:
        self.network = network.to(device)
        self._device = device
        self._radius = radius
        self._bfloat16 = bfloat16
        self._dense = DenseHead(network.config.width4).to(device)
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
                {"params": list(self._dense.parameters()), "share": 1.0},
            ],
            weight_decay=weight_decay,
        )
        self._average = {k: v.clone() for k, v in network.state_dict().items()}
        self._generator = torch.Generator().manual_seed(seed)
        self._steps = 0

    def averaged_state(self) -> State:
        """Return the moving average of the weights, which is what validates best."""
        return {k: v.clone() for k, v in self._average.items()}

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "network": self.network.state_dict(),
            "dense": self._dense.state_dict(),
            "average": self._average,
            "optimiser": self._optimiser.state_dict(),
            "generator": self._generator.get_state(),
            "steps": self._steps,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self.network.load_state_dict(state["network"])
        self._dense.load_state_dict(state["dense"])
        self._average = state["average"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._generator.set_state(state["generator"].cpu())
        self._steps = state["steps"]

    def learn(self, batch: Batch, rate: float, dense_share: float = 0) -> float:
        """Take one optimiser step.

        Parameters
        ----------
        batch : dict of Tensor
            As :class:`Batches` yields.
        rate : float
            Learning rate; the encoder gets a share of it.
        dense_share : float
            How much the dense losses count; if they do, the batch has their targets.

        Returns
        -------
        float
            The loss of the prompted objects before the step; where it is not finite,
            nothing was learned.
        """
        batch = {name: value.to(self._device) for name, value in batch.items()}
        truth, known = batch["truths"].float(), batch["known"].float()
        objects = len(truth) // len(batch["images"])
        self.network.train()
        with self._autocast():
            encoded = self.network.encode(batch["images"])
        features = tuple(
            # repeating loses channels_last, without which depthwise layers crawl
            f.repeat_interleave(objects, dim=0).contiguous(
                memory_format=torch.channels_last
            )
            for f in encoded
        )
        maps = self._corrected(features, batch["maps"], truth, known)
        logits = self._decode(features, maps)
        loss = segmentation_loss(logits, truth, known).mean()
        if not math.isfinite(figure := float(loss.detach())):
            return figure
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self._optimiser.zero_grad(set_to_none=True)
        if dense_share:
            with self._autocast():
                dense = self._dense(encoded[0])
            loss = loss + dense_share * dense_loss(dense.float(), batch["dense"])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        decay = min(_EMA_DECAY, (self._steps + 1) / (self._steps + 10))
        for name, value in self.network.state_dict().items():
            self._average[name].lerp_(value, 1 - decay)
        self._steps += 1
        return figure

    def _autocast(self) -> torch.autocast:
        kind = torch.device(self._device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self._bfloat16)

    def _decode(self, features: tuple[Tensor, ...], maps: Tensor) -> Tensor:
        with self._autocast():
            return self.network.decode(features, maps).float()

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
            logits = self._decode(detached, maps)
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
