"""The encoder of the original plan: a CNN that hears a sound and says which EQ is on it, trained by example.

It is not shipped. It stands beside the one that is (`model.audio_encoder`, which cannot be fooled by an EQ because its
network never sees one) in `evaluate training`, where the kinds of training data and the loss terms are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..dsp.spectrum import Analysis
from ..dsp.virtual_eq import on_mels
from ..model.curves import COMPARED
from ..model.eq_autoencoder import EqAutoencoder
from ..model.texture import FRAMES_PER_S, MAX_SEGMENTS, SEGMENT, UNIT_DB
from ..model.texture_nets import NETWORKS
from .datasets.sources import TrainingSource
from .loop import Run, Schedule, fingerprint, train_network

FLOOR_DB = -70.0  # under the mean power of all bands and frames
BATCH, LEARNING_RATE, WEIGHT_DECAY = 24, 3e-3, 0.05


def levels(analysis: Analysis) -> Tensor:
    """(mels, frames) dB at `FRAMES_PER_S`, at least `SEGMENT` frames; long sounds in pieces spread evenly."""
    power = analysis.mel_power.T.float()
    frames = max(1, round(power.shape[1] / analysis.frame_rate * FRAMES_PER_S))
    power = F.interpolate(power[None], size=frames, mode="linear", align_corners=False)[0]
    if frames < SEGMENT:
        power = power.repeat(1, -(-SEGMENT // frames))[:, :SEGMENT]
    starts = torch.linspace(0, power.shape[1] - SEGMENT, min(MAX_SEGMENTS, power.shape[1] // SEGMENT)).round().long()
    return 10 * torch.cat([power[:, s : s + SEGMENT] for s in starts.tolist()], 1).clamp_min(1e-20).log10()


def features(levels_db: Tensor) -> Tensor:
    """(batch, mels, frames) dB of any level -> what the network sees, in tens of dB about the sound's own level."""
    mean = 10 * (10 ** (levels_db / 10)).mean((1, 2), keepdim=True).log10()
    return (levels_db - mean).clamp_min(FLOOR_DB) / UNIT_DB


def train_direct(
    network: str, ways: Sequence[TrainingSource], eq_model: EqAutoencoder, run: Run, name: str, *, steps: int,
    equivariance: bool,
) -> nn.Module:  # fmt: skip
    """A network (batch, mels, SEGMENT) -> (batch, 32): the code of the EQ that was put on each sound.

    `network`: of `model.texture_nets.NETWORKS`. `equivariance`: |code(EQ(x)) - code(x) - encode(EQ)| counts as well.
    """
    maps = [[levels(clip.analysis) for clip in way.clips] for way in ways]
    with torch.random.fork_rng():
        torch.manual_seed(run.seed)
        net = NETWORKS[network]().to(run.device)

    def crops(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Sounds without an EQ in dB, and two EQs for each; every way gives its share of a batch."""
        sounds, first, second = [], [], []
        for way, known in zip(ways, maps, strict=True):
            count = BATCH // len(ways)
            for i in torch.randint(len(known), (count,), generator=generator).tolist():
                start = int(torch.randint(known[i].shape[1] - SEGMENT + 1, (1,), generator=generator))
                sounds.append(known[i][:, start : start + SEGMENT])
            first.append(way.draw(count, generator))
            second.append(way.draw(count, generator))
        return torch.stack(sounds), torch.cat(first), torch.cat(second)

    def off_db(code: Tensor, curve: Tensor) -> Tensor:
        off = (eq_model.decode_curve(code.cpu()) - curve.float())[:, COMPARED]
        off = off - off.mean(-1, keepdim=True)
        return (off.square().mean(-1) + 0.1).sqrt().mean()

    def loss_of(generator: torch.Generator) -> dict[str, Tensor]:
        sounds, first, second = crops(generator)
        one = net(features(sounds + on_mels(first).float()[..., None]).to(run.device))
        figures = {"heard_db": off_db(one, first)}
        loss = figures["heard_db"]
        if equivariance:
            two = net(features(sounds + on_mels(second).float()[..., None]).to(run.device))
            figures["equivariance_db"] = off_db(two - one, second - first)
            loss = loss + figures["equivariance_db"]
        return {"loss": loss, **figures}

    about = fingerprint((network, equivariance, [way.name for way in ways]), *(known[0] for known in maps))
    train_network(run, name, net, Schedule(steps, LEARNING_RATE, WEIGHT_DECAY, 250, about), loss_of)
    return net.cpu()


@torch.no_grad()
def heard_code(net: nn.Module, analysis: Analysis) -> Tensor:
    """(32,): the EQ that the network hears on a sound."""
    pieces = features(levels(analysis)[None])[0].unfold(1, SEGMENT, SEGMENT).transpose(0, 1)
    return net(pieces).mean(0)
