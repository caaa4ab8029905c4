"""A network that says what bands do, in the EQ space, without computing a filter.

Bands in series add in dB and so do codes: the change that an EQ makes is the sum of what its bands make. Each kind of
band has a small network of its own; its answer is multiplied by the band's gain, so a gain of 0 changes nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from ...dsp.fit import DEFAULT_KINDS
from ...errors import ModelError
from ...model.checkpoint import Checkpoint
from ...model.eq_autoencoder import N_LATENT, EqAutoencoder
from ...model.registry import ModelRegistry

NAME = "proxy"
KINDS = tuple(dict.fromkeys(DEFAULT_KINDS))
GAIN_UNIT_DB = 6.0
MIDDLE_OCT, SPAN_OCT = 9.3, 2.5  # of log2 of a frequency in Hz: 630 Hz, and the octaves of one unit


class EqProxy(nn.Module):
    """Params (..., 5, 3) [freq_hz, gain_db, bandwidth_oct] of `DEFAULT_KINDS` -> change of the code (..., 32).

    `usual`, `spread`: (5, 3), mean and standard deviation of what it was trained on, in the coordinates of `features`.
    """

    usual: Tensor
    spread: Tensor

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = hidden
        self.bands = nn.ModuleDict(
            {
                str(kind): nn.Sequential(
                    nn.Linear(3, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, N_LATENT)
                )
                for kind in KINDS
            }
        )
        self.register_buffer("usual", torch.zeros(len(DEFAULT_KINDS), 3))
        self.register_buffer("spread", torch.ones(len(DEFAULT_KINDS), 3))

    def forward(self, params: Tensor) -> Tensor:
        """(..., 5, 3) -> (..., 32)."""
        x = features(params).to(self.usual)
        parts = []
        for kind in KINDS:
            own = x[..., [place for place, other in enumerate(DEFAULT_KINDS) if other == kind], :]
            parts.append((own[..., 1:2] * self.bands[str(kind)](own)).sum(-2))
        return sum(parts)

    @classmethod
    def load_for(cls, models: ModelRegistry) -> EqProxy:
        """For `ModelRegistry.get`, in double precision."""
        # in single precision a search of 150 steps ends elsewhere on another device, once in a hundred by over 0.05 dB
        return cls.load(models.eq, models.folder).double().to("cpu" if models.device == "mps" else models.device)

    @classmethod
    def load(cls, eq_model: EqAutoencoder, folder: Path | str | None = None) -> EqProxy:
        """The shipped weights, or those in `folder`; in evaluation mode.

        Raises `ModelError`, also where it speaks of another EQ space than `eq_model`'s.
        """
        checkpoint = Checkpoint.load(NAME, folder)
        if checkpoint.info["eq_space"] != space(eq_model):
            raise ModelError("the model 'proxy' was trained for another EQ autoencoder: run reaper-aeq train proxy")
        model = cls(**checkpoint.info["architecture"])
        model.load_state_dict(checkpoint.tensors)
        return model.eval().requires_grad_(False)


def features(params: Tensor) -> Tensor:
    """(..., 3) Hz, dB, octaves -> numbers of about one."""
    freq_hz, gain_db, width_oct = params.unbind(-1)
    return torch.stack(((freq_hz.log2() - MIDDLE_OCT) / SPAN_OCT, gain_db / GAIN_UNIT_DB, width_oct.log2()), -1)


def from_features(x: Tensor) -> Tensor:
    """Back, (..., 3)."""
    octaves, gain, width_oct = x.unbind(-1)
    return torch.stack(((MIDDLE_OCT + SPAN_OCT * octaves).exp2(), GAIN_UNIT_DB * gain, width_oct.exp2()), -1)


def space(eq_model: EqAutoencoder) -> str:
    """By which a code is known to be of this EQ space: a hash of its encoder."""
    return hashlib.sha256(eq_model.encoder.weight.detach().cpu().numpy().tobytes()).hexdigest()[:16]
