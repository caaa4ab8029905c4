"""A conditional VAE over people's EQ settings: what somebody might do for this word on this sound.

Word and sound first give a Gaussian (`posterior`): the word's settings, as far as the sound leaves them likely. The
network says how people differ from that Gaussian: it draws in coordinates in which the Gaussian is N(0, 1) in each of
`axes` directions. Its decoder's mean is odd: no word and no sound is a flat EQ, and 'less warm' on a sound is 'warm' on
its opposite, turned round.

The word enters twice: as the mean of its settings, and as a sentence model's vector, which travels in the checkpoint
for each known word. Free text enters as the blend of known words that it was taken for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...model.checkpoint import Checkpoint
from ...model.eq_autoencoder import N_LATENT
from ...model.registry import ModelRegistry

NAME = "cvae"
LEAST_LOG_STD, MOST_LOG_STD = -2.5, 0.7  # of what the decoder leaves open
GATES = 3  # how far the sound is followed, how much it says, how well the word is known


@dataclass(frozen=True)
class Posterior:
    """A Gaussian over settings in the coordinates of `Cvae.axes`.

    Attributes:
        mean: (batch, axes). evidence: (batch, axes), the part of it that comes from the sound.
        root: (batch, axes, axes), symmetric; root @ root is the covariance. inverse: of the root.
        open: (batch,) 0..1, how much the sound leaves open.
    """

    mean: Tensor
    evidence: Tensor
    root: Tensor
    inverse: Tensor
    open: Tensor


def posterior(mean: Tensor, cov: Tensor, precision: Tensor, information: Tensor) -> Posterior:
    """Settings N(mean, cov), (batch, axes) and (batch, axes, axes), seen through a sound that says `information`.

    A sound that deviates by d = -setting + noise N says precision = G' N^-1 G and information = -G' N^-1 d.
    """
    known = torch.linalg.inv(cov)
    values, vectors = torch.linalg.eigh(known + precision)
    left = (vectors / values[..., None, :]) @ vectors.mT  # the covariance that is left
    evidence = (left @ information[..., None])[..., 0]
    expected = (left @ (known @ mean[..., None]))[..., 0]
    half = values.sqrt()[..., None, :]
    spread = left.diagonal(dim1=-2, dim2=-1).sum(-1) / cov.diagonal(dim1=-2, dim2=-1).sum(-1)
    return Posterior(
        evidence + expected, evidence, (vectors / half) @ vectors.mT, (vectors * half) @ vectors.mT, spread
    )


class Cvae(nn.Module):
    """Settings (batch, axes), standardized, given word and sound.

    Args:
        words: known words, in the order of `vectors`. vector: dimensions of the sentence model.
        axes: directions in which people's settings are drawn; the others follow the mean.
        known_from: how many settings a word needs for half of its own vector to count.
    """

    axes: Tensor
    scale: Tensor
    vectors: Tensor
    counts: Tensor

    def __init__(
        self, words: Sequence[str], vector: int = 384, axes: int = 16, text: int = 16, latent: int = 8,
        hidden: int = 96, known_from: float = 64.0, dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.words = {word: n for n, word in enumerate(words)}
        self.latent, self.n_axes, self.known_from = latent, axes, known_from
        self.register_buffer("axes", torch.zeros(N_LATENT, axes, dtype=torch.float64))  # orthonormal
        self.register_buffer("scale", torch.ones(axes, dtype=torch.float64))  # standard deviation of people along each
        self.register_buffer("vectors", torch.zeros(len(self.words), vector))
        self.register_buffer("counts", torch.zeros(len(self.words), dtype=torch.float64))  # settings behind each word
        condition = axes + text + axes
        self.project = nn.Linear(vector, text, bias=False)
        self.encoder = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(axes + condition + GATES, hidden), nn.GELU(), nn.Linear(hidden, hidden),
            nn.GELU(), nn.Linear(hidden, 2 * latent),
        )  # fmt: skip
        self.enter = nn.Linear(latent + condition, hidden, bias=False)
        self.gate = nn.Linear(GATES, hidden)
        self.dropout = nn.Dropout(dropout)
        self.deep = nn.Linear(hidden, hidden, bias=False)
        self.leave = nn.Linear(hidden, axes, bias=False)
        self.direct = nn.Linear(latent, axes, bias=False)
        self.noise = nn.Linear(hidden, axes)
        said = self.encoder[-1]
        assert isinstance(said, nn.Linear)
        for layer in (said, self.leave, self.noise):  # starts as the Gaussian that it refines
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(said.bias)
        nn.init.zeros_(self.noise.bias)

    def standard(self, code: Tensor) -> Tensor:
        """Codes of the EQ space (..., 32) -> (..., axes)."""
        return code @ self.axes / self.scale

    def covariance(self, cov: Tensor) -> Tensor:
        """Of codes (..., 32, 32) -> (..., axes, axes)."""
        to = self.axes / self.scale
        return to.T @ cov @ to

    def code(self, point: Tensor) -> Tensor:
        """(..., axes) -> codes (..., 32)."""
        return point * self.scale @ self.axes.T

    def text(self, weights: Mapping[str, float]) -> tuple[Tensor, Tensor]:
        """A blend of known words -> its vector (dimensions,), and how many settings stand behind it."""
        known = {self.words[word]: weight for word, weight in weights.items() if word in self.words}
        vector, count = torch.zeros_like(self.vectors[0]), torch.zeros((), dtype=torch.float64)
        for n, weight in known.items():
            vector = vector + weight * self.shares(self.counts[n]).float() * self.vectors[n]
            count = count + abs(weight) * self.counts[n] / sum(map(abs, known.values()))
        return vector, count

    def shares(self, counts: Tensor) -> Tensor:
        """How much of a word's vector counts: that of a rare word could only be learned by heart."""
        return counts / (counts + self.known_from)

    def condition(
        self, mean: Tensor, vector: Tensor, sound: Posterior, ratio: Tensor, counts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Everything that settings depend on: odd (batch, ...) and even (batch, GATES)."""
        heard = (sound.inverse @ sound.evidence[..., None])[..., 0]
        gates = torch.stack(((ratio + 0.03).log2() / 3, 1 - sound.open, (counts + 1).log2() / 4 - 1), -1)
        return torch.cat((mean.float(), self.project(vector), heard.float()), -1), gates.float()

    def encode(self, point: Tensor, odd: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
        """A standardized setting (batch, axes) -> mean and log standard deviation of z, (batch, latent)."""
        mean, log_std = self.encoder(torch.cat((point, odd, gates), -1)).chunk(2, -1)
        return mean, log_std.clamp(-4.0, 1.0)

    def decode(self, z: Tensor, odd: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
        """z (..., latent) -> mean of the standardized setting and log standard deviation around it, (..., axes)."""
        inside = torch.tanh(self.enter(torch.cat((z, odd), -1))) * 2 * torch.sigmoid(self.gate(gates))
        inside = torch.tanh(self.deep(self.dropout(inside)))
        log_std = self.noise(inside.square()).clamp(LEAST_LOG_STD, MOST_LOG_STD)  # even, as a spread must be
        return self.leave(inside) + self.direct(z), log_std

    def save(self, folder: Path | str, info: dict[str, Any], name: str = NAME) -> None:
        """Writes `<name>.safetensors` and `<name>.json` into `folder`; `info` holds the architecture."""
        state = {key: value.half() if key == "vectors" else value for key, value in self.state_dict().items()}
        Checkpoint(state, {**info, "words": list(self.words)}).save(folder, name)

    @classmethod
    def load_for(cls, models: ModelRegistry) -> Cvae:
        """For `ModelRegistry.get`."""
        return cls.load(models.folder)

    @classmethod
    def load(cls, folder: Path | str | None = None, name: str = NAME) -> Cvae:
        """The shipped weights, or those in `folder`; in evaluation mode. Raises `ModelError`."""
        checkpoint = Checkpoint.load(name, folder)
        model = cls(checkpoint.info["words"], **checkpoint.info["architecture"])
        own = model.state_dict()
        model.load_state_dict({key: value.to(own[key].dtype) for key, value in checkpoint.tensors.items()})
        return model.eval().requires_grad_(False)


def reconstruction(point: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """(..., axes) -> negative log-likelihood (...), in nats."""
    return F.gaussian_nll_loss(mean, point, (2 * log_std).exp(), full=True, reduction="none").sum(-1)
