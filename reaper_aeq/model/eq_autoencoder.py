"""EQ curves in 32 dimensions, and back to ReaEQ bands.

Encoder and decoder of the curve are linear without bias. That makes the two properties that adaptation rests on exact
instead of trained for: adding two codes is putting two EQs in series (dB add), and the code 0 is a flat EQ. The
network proper is the proposer: it looks at a code and says which bands make that curve; a few steps of `dsp.fit` then
polish what it proposed.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ..dsp.fit import DEFAULT_KINDS, fit_bands
from ..dsp.response import response_db
from ..eq import LIMITS, SHELF_BANDWIDTH_OCT
from .checkpoint import Checkpoint
from .curves import GRID, N_GRID, REFERENCE_RATE

N_LATENT = 32


class EqAutoencoder(nn.Module):
    """Curves (batch, bands) dB <-> codes (batch, 32) <-> ReaEQ (batch, 5, 3) [freq_hz, gain_db, bandwidth_oct]."""

    scale_db: Tensor

    def __init__(self, n_latent: int = N_LATENT, hidden: int = 256) -> None:
        super().__init__()
        self.encoder = nn.Linear(N_GRID, n_latent, bias=False)
        self.decoder = nn.Linear(n_latent, N_GRID, bias=False)
        self.proposer = nn.Sequential(
            nn.Linear(n_latent, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, 5 * 3)
        )
        self.register_buffer(
            "scale_db", torch.tensor(6.0)
        )  # typical curve RMS, so that the proposer sees figures near 1

    def encode(self, curve_db: Tensor) -> Tensor:
        """(..., bands) dB -> (..., 32)."""
        return self.encoder(curve_db)

    def decode_curve(self, code: Tensor) -> Tensor:
        """(..., 32) -> (..., bands) dB."""
        return self.decoder(code)

    def propose(self, code: Tensor) -> Tensor:
        """(batch, 32) -> (batch, 5, 3): bands inside the limits, low shelf, three bands, high shelf."""
        raw = self.proposer(code / self.scale_db).unflatten(-1, (5, 3))
        freq, gain, width = LIMITS["freq_hz"], LIMITS["gain_db"], LIMITS["bandwidth_oct"]
        # each band starts from its own part of the spectrum: 100, 300, 1000, 3000, 9000 Hz
        home = torch.log2(raw.new_tensor([100.0, 300.0, 1000.0, 3000.0, 9000.0]))
        freq_hz = 2 ** (home + 4 * torch.tanh(raw[..., 0]))
        gain_db = gain.high * torch.tanh(raw[..., 1])
        width_oct = 2 ** (1.5 * torch.tanh(raw[..., 2]) + 0.5)
        shelf = torch.tensor([True, False, False, False, True], device=raw.device)
        width_oct = torch.where(shelf, torch.full_like(width_oct, SHELF_BANDWIDTH_OCT), width_oct)
        return torch.stack((freq_hz.clamp(freq.low, freq.high), gain_db, width_oct.clamp(width.low, width.high)), -1)

    def proposed_response_db(self, code: Tensor) -> Tensor:
        """(batch, 32) -> (batch, bands): what the proposed bands would do, differentiable."""
        return response_db(self.propose(code), DEFAULT_KINDS, GRID.to(code), REFERENCE_RATE)

    @torch.no_grad()
    def decode(self, code: Tensor, sample_rate: int = REFERENCE_RATE) -> Tensor:
        """(batch, 32) -> (batch, 5, 3): five ReaEQ bands a code, as `dsp.fit.fit_bands` has them.

        The flat code gives gains of exactly 0.
        """
        return fit_bands(self.decode_curve(code), sample_rate, starts=self.propose(code).unsqueeze(1))

    @classmethod
    def load(cls, folder: Path | str | None = None) -> EqAutoencoder:
        """The shipped weights, or those in `folder`; in evaluation mode. Raises `ModelError`."""
        checkpoint = Checkpoint.load("eq", folder)
        model = cls(**checkpoint.info["architecture"])
        model.load_state_dict(checkpoint.tensors)
        return model.eval().requires_grad_(False)
