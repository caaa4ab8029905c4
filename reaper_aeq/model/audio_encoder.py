"""A recording in the EQ space: by which EQ does it differ from the balance that is usual for a sound of its kind?

    code(x) = encode( LTAS(x) - usual balance of sounds that move like x )

The second term comes from networks and a kernel regression that see only what no EQ can change (`texture`), the first
follows any EQ exactly. So `code(EQ(x)) - code(x) = encode(EQ)` holds by construction wherever x has sound,
and training is only about what "usual" means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..dsp.spectrum import Analysis
from .checkpoint import Checkpoint
from .curves import COMPARED, N_GRID, soft_clip_array, soft_clip_slope
from .eq_autoencoder import N_LATENT, EqAutoencoder
from .texture import segments, statistics, texture
from .texture_nets import NETWORKS

SILENT_BELOW_DB = 60.0  # under the loudest band: nothing there to equalize
VISIBLE_SLOPE_DB = 4.0  # how softly a band goes out of sight, so that no decision flips on a hair
BLIND_VAR = 60.0**2  # dB²: variance given to a band that cannot be seen
# Of what texture lets expect, the share that a score takes for granted; the EQ takes all of it. The rest stays in the
# score, where a listener would look for it: a bright kind of music still scores bright.
SCORED_SHARE = 0.75
STAT_LIMIT = 4.0  # standard deviations
LEVELS_AT_ONCE, LEVEL_ROUNDS = 32, 2  # a thousandth of the range, from which Newton's method doubles the digits
NEWTON_STEPS = 4
LEVELS = np.linspace(0.0, 1.0, LEVELS_AT_ONCE + 1)


class KernelRegression(nn.Module):
    """Ridge regression with a Gaussian kernel on texture statistics (n,) -> (32,); closed form, few data suffice."""

    mean: Tensor
    scale: Tensor
    centres: Tensor
    alpha: Tensor

    def __init__(self, n_centres: int, n_stats: int, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma
        for name, shape in {"mean": (n_stats,), "scale": (n_stats,), "centres": (n_centres, n_stats)}.items():
            self.register_buffer(name, torch.ones(shape))
        self.register_buffer("alpha", torch.zeros(n_centres, N_LATENT))

    def standardize(self, stats: Tensor) -> Tensor:
        """Statistics (..., n) in standard deviations, at most `STAT_LIMIT` of them."""
        return ((stats - self.mean) / self.scale).clamp(-STAT_LIMIT, STAT_LIMIT)

    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        """Standardized (m, n), (k, n) -> (m, k)."""
        return torch.exp(-0.5 * self.gamma * torch.cdist(a, b).square() / a.shape[1])

    def forward(self, stats: Tensor) -> Tensor:
        """Statistics (m, n) -> codes (m, 32)."""
        return self.kernel(self.standardize(stats), self.centres) @ self.alpha


@dataclass(frozen=True)
class Usual:
    """What is usual for a sound of its kind that moves as this one does; all float64 on the CPU.

    Attributes:
        mean_db: (bands,) the expected spectrum. cov: (bands, bands), how far such sounds differ from it.
        granted_db: (bands,) the part of it that a score takes for granted.
        kinds: (kinds,) probabilities in the order of `kinds.KINDS`, None where the encoder tells no kinds apart.
        by_name: whether a name or a person said the kind.
    """

    mean_db: Tensor
    cov: Tensor
    granted_db: Tensor
    kinds: Tensor | None = None
    by_name: bool = False


@dataclass(frozen=True)
class Observation:
    """One sound as the methods see it; all (bands,) float64 on the CPU unless said otherwise.

    Attributes:
        ltas_db: long-term average spectrum, level as it is.
        visible: 0..1, how far each band holds sound at all.
        usual_db: the spectrum that is usual for a sound that moves like this one.
        balance_db: LTAS minus `SCORED_SHARE` of the usual, level-free and bounded; no sound counts as lacking much.
            Every component only ever rises when that band is raised: scores are made of it.
        deviation_db: the same with unseen bands filled in by what the seen ones let expect: EQs are made of it.
        code: (32,) the balance in the EQ space.
        in_reach: bool, below Nyquist.
        usual: all that is usual for such a sound.
        lifted_db: of a section, what one EQ at intensity 1 lifts the whole sound by; as far the section may be lifted
            as well. None for a whole sound.
    """

    ltas_db: Tensor
    visible: Tensor
    usual_db: Tensor
    balance_db: Tensor
    deviation_db: Tensor
    code: Tensor
    in_reach: Tensor
    usual: Usual = None  # type: ignore[assignment]  # some examinations make one without, and ask for none
    lifted_db: Tensor | None = None

    @property
    def visible_share(self) -> float:
        """0..1: the part of 50 Hz to 16 kHz that holds sound."""
        return float(self.visible[COMPARED].mean())


class BalanceEncoder(nn.Module, ABC):
    """How a sound's balance differs from what is usual; who inherits says what is usual.

    `mean_db`: (bands,), of all music. `device`: where networks run, cpu, cuda or mps.
    """

    mean_db: Tensor
    device = "cpu"

    @abstractmethod
    def usual_of(self, analysis: Analysis, prior: Tensor | None, eq_model: EqAutoencoder) -> Usual:
        """What is usual for a sound. `prior`: (kinds,) what its name says of its kind, or None.

        Each by itself: the last digits of a product of matrices depend on how many rows it has, and a sound's answer
        must not depend on its company.
        """

    def place(self, device: str) -> None:
        """Remembers that the other models are on `device`: cuda, mps or cpu. A network moves itself as well
        (`AudioEncoder`); what is none stays where the linear algebra is cheapest."""
        self.device = torch.device(device).type

    @torch.no_grad()
    def observe(self, analysis: Analysis, eq_model: EqAutoencoder, prior: Tensor | None = None) -> Observation:
        """One pass from the analysis of a sound (not silent) to what the methods need."""
        usual = self.usual_of(analysis, prior, eq_model)
        return self.compare(analysis.ltas_db(), usual, analysis.in_reach, eq_model)

    @torch.no_grad()
    def compare(self, ltas_db: Tensor, usual: Usual, in_reach: Tensor, eq_model: EqAutoencoder) -> Observation:
        """A spectrum against what is usual for its texture; also for a spectrum with an EQ thought onto it."""
        visible = visibility(ltas_db) * in_reach
        balance = balance_of(ltas_db, usual)
        deviation = fill_unseen(center_robust(ltas_db - usual.mean_db, visible), visible, usual.cov)
        code = eq_model.encode(balance.to(eq_model.encoder.weight)).double().cpu()
        return Observation(ltas_db, visible, usual.mean_db, balance, deviation, code, in_reach, usual)


class AudioEncoder(BalanceEncoder):
    """`members` texture networks, a kernel regression, and what music is like on average."""

    mix: Tensor
    total_cov: Tensor
    residual_cov: Tensor

    def __init__(
        self, members: int = 4, n_centres: int = 1, n_stats: int = 1, gamma: float = 0.3, network: str = "cnn"
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(NETWORKS[network]() for _ in range(members))
        self.kernel = KernelRegression(n_centres, n_stats, gamma)
        self.register_buffer("mix", torch.tensor([0.5, 0.5]))  # weight of the networks and of the kernel
        self.register_buffer("mean_db", torch.zeros(N_GRID, dtype=torch.float64))
        self.register_buffer("total_cov", torch.eye(N_GRID, dtype=torch.float64))
        self.register_buffer("residual_cov", torch.eye(N_GRID, dtype=torch.float64))

    @torch.no_grad()
    def natural_code(self, texture_map: Tensor) -> Tensor:
        """A sound of any length, (mels, frames) -> (32,): the usual deviation from average music of sounds that move
        like it."""
        # the networks may be somewhere else than the rest: mps lacks the precision that the statistics need
        pieces = segments(texture_map).to(next(self.members.parameters()).device)
        nets = torch.stack([member(pieces) for member in self.members]).mean(0).to(self.mix).mean(0)
        kernel = self.kernel(statistics(texture_map)[None].to(self.mix))[0]
        return self.mix[0] * nets + self.mix[1] * kernel

    def usual_of(self, analysis: Analysis, prior: Tensor | None, eq_model: EqAutoencoder) -> Usual:
        """See `BalanceEncoder`."""
        del prior  # it knows of mixes only
        code = self.natural_code(texture(analysis)).to(eq_model.decoder.weight)
        natural, mean_db = eq_model.decode_curve(code).double().cpu(), self.mean_db.cpu()
        return Usual(mean_db + natural, self.residual_cov.double().cpu(), mean_db + SCORED_SHARE * natural)

    def place(self, device: str) -> None:
        """See `BalanceEncoder`."""
        super().place(device)
        # the statistics need float64, which mps has not: only the networks move there
        self.to(device) if device != "mps" else self.members.to(device)

    @classmethod
    def load(cls, folder: Path | str | None = None, name: str = "audio") -> AudioEncoder:
        """The shipped weights, or those in `folder`; in evaluation mode. Raises `ModelError`."""
        checkpoint = Checkpoint.load(name, folder)
        model = cls(**checkpoint.info["architecture"])
        # weights travel in half precision where that changes nothing
        model.load_state_dict({k: v.to(model.state_dict()[k].dtype) for k, v in checkpoint.tensors.items()})
        return model.eval().requires_grad_(False)


def balance_of(ltas_db: Tensor, usual: Usual) -> Tensor:
    """`Observation.balance_db` of a spectrum (bands,)."""
    # the score's level must not hang on which bands are in sight, or lifting one out of the dark would tilt it
    return center_robust(ltas_db - usual.granted_db, torch.ones_like(ltas_db))


def visibility(ltas_db: Tensor) -> Tensor:
    """(bands,) -> 0..1, half at `SILENT_BELOW_DB` under the loudest band."""
    return torch.sigmoid((ltas_db - ltas_db.max() + SILENT_BELOW_DB) / VISIBLE_SLOPE_DB)


def center_robust(deviation_db: Tensor, visible: Tensor) -> Tensor:
    """Removes the level and bounds what remains, (bands,): finds L with sum of visible * bounded(deviation - L) = 0.

    An M-estimate: one missing octave does not tilt the rest, and adding a level changes nothing.
    """
    # in numpy: on vectors this short a call costs more than what it computes, and numpy's less than torch's
    deviation, seen = deviation_db.numpy(), visible.numpy()
    weight = seen * COMPARED.numpy()
    weight = weight if float(weight.sum()) > 0.5 else seen + 1e-9
    low, high = deviation.min(), deviation.max()
    for _ in range(LEVEL_ROUNDS):
        levels = low + (high - low) * LEVELS
        too_low = soft_clip_array(deviation - levels[:, None]) @ weight > 0  # true up to the level, then false
        last = min(max(int(too_low.sum()) - 1, 0), LEVELS_AT_ONCE - 1)
        low, high = levels[last], levels[last + 1]
    level = 0.5 * (low + high)
    for _ in range(NEWTON_STEPS):
        left = deviation - level
        step = (weight * soft_clip_array(left)).sum() / (weight * soft_clip_slope(left)).sum()
        level = min(max(level + step, low), high)
    return torch.from_numpy(soft_clip_array(deviation - level))


def fill_unseen(deviation_db: Tensor, visible: Tensor, cov: Tensor) -> Tensor:
    """Replaces unseen bands by their expectation given the seen ones under a Gaussian of covariance `cov`."""
    blind = torch.diag(BLIND_VAR * (1 - visible) / visible.clamp_min(1e-6))
    return cov @ torch.linalg.solve(cov + blind + 1e-6 * torch.eye(len(cov)).to(cov), deviation_db)
