"""`evaluate training`: what each kind of training data and each idea behind the encoder is worth.

Every row is an encoder trained here, on everything but the recordings it is examined on (and their repositories), and
put to the same use: its idea of a sound's deviation goes into the shipped rule (`methods.adaptive`), with the spread
that the encoder's own training sounds show as noise. Shorter trainings than the shipped one, so that all fit in half
an hour: rows are compared with each other, the repair test ranks what is shipped.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from ..dsp.spectrum import Analysis
from ..dsp.virtual_eq import equalized
from ..methods import adaptive
from ..methods.method import MethodInput
from ..model.audio_encoder import AudioEncoder, Observation, center_robust, fill_unseen, visibility
from ..model.curves import N_GRID, center, rms_db
from ..model.eq_autoencoder import EqAutoencoder
from ..model.score import standard_scores
from ..training.audio import train_audio
from ..training.datasets.readers import Clip, read_clips
from ..training.datasets.sources import TrainingSource, bootstrap, noise, random_curves
from ..training.direct import heard_code, train_direct
from ..training.loop import Run
from ..util.settings import AudioTraining
from .baselines import Fold
from .folds import Paths, Table
from .unseen import PEOPLE_WORDS, load_folds

EXAMINED_FOLDS = (0, 1)
EQS_PER_CLIP, ROWS_PER_CLIP = 3, 6
AMOUNTS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # times the word's curve
DIRECT, OURS = "hears the sound", "hears its movement (shipped kind)"
NOISE_SOUNDS = 120
Listener = Callable[[Analysis], Observation]


@dataclass(frozen=True)
class Variant:
    """A row: which kind of encoder, from which ways of `train.sounds`, and what is left out."""

    kind: str
    ways: tuple[str, ...]
    equivariance: bool = True
    network: str = "cnn"

    @property
    def title(self) -> str:
        """As the table calls it."""
        data = "all three" if len(self.ways) == 3 else " + ".join(self.ways)
        without = [] if self.equivariance else ["no equivariance"]
        without += ["frequency pooled away"] if self.network == "cnn-pooled" else []
        return ", ".join([data, *without])


ALL = ("noise", "music", "bootstrap")
VARIANTS = (
    *(Variant(DIRECT, (way,)) for way in ALL),
    Variant(DIRECT, ALL),
    Variant(DIRECT, ALL, equivariance=False),
    Variant(DIRECT, ALL, network="cnn-pooled"),
    *(Variant(OURS, (way,)) for way in ALL),
    Variant(OURS, ALL),
    Variant(OURS, ("music",), network="cnn-pooled"),
)


def run_training(
    audio: Paths, learn: Paths, data: Path | str, models: Path | str | None, run: Run, *, steps: int = 400
) -> Table:
    """{kind of encoder: {what it was trained on: figures}}; examined on mixes of `audio`, trained on the rest of both.

    Raises `AeqError` for missing data.
    """
    eq_model = EqAutoencoder.load(models)
    folds = [fold for k, fold in enumerate(load_folds(audio, data, models, run.tell)) if k in EXAMINED_FOLDS]
    unseen = {clip.source for fold in folds for clip in fold.clips}
    recordings = [clip for clip in read_clips([*audio, *learn], run.tell) if clip.source not in unseen]
    known = folds[0].engine.encoder  # of which only the mean spectrum of music is used, and none of its recordings
    ways = {
        "noise": noise(NOISE_SOUNDS, run, 16),
        "music": TrainingSource("music", recordings, random_curves),
        "bootstrap": bootstrap(NOISE_SOUNDS, run, 16, eq_model, known),
    }
    report: Table = {}
    for n, variant in enumerate(VARIANTS):
        run.tell(f"{n + 1} of {len(VARIANTS)}: {variant.kind}, {variant.title}")
        own = [ways[name] for name in variant.ways]
        made = _direct if variant.kind == DIRECT else _ours
        listen, residual_cov = made(variant, own, eq_model, run, steps, f"row{n}")
        report.setdefault(variant.kind, {})[variant.title] = examine(listen, residual_cov, folds, eq_model)
    return report


def _direct(
    variant: Variant, ways: Sequence[TrainingSource], eq_model: EqAutoencoder, run: Run, steps: int, name: str
) -> tuple[Listener, Tensor]:
    net = train_direct(variant.network, ways, eq_model, run, name, steps=steps, equivariance=variant.equivariance)

    def curve(analysis: Analysis) -> Tensor:
        return center(eq_model.decode_curve(heard_code(net, analysis)).double())

    # what it hears where there is nothing to hear: its bias, and its noise
    quiet = torch.stack([curve(clip.analysis) for way in ways for clip in way.clips])
    cov = torch.cov(quiet.T) + torch.eye(N_GRID, dtype=torch.float64)

    def listen(analysis: Analysis) -> Observation:
        deviation = curve(analysis) - quiet.mean(0)
        ltas = analysis.ltas_db()
        visible = visibility(ltas) * analysis.in_reach
        code = eq_model.encode(deviation.float()).double()
        filled = fill_unseen(center_robust(deviation, visible), visible, cov)
        return Observation(ltas, visible, ltas - deviation, deviation, filled, code, analysis.in_reach)

    return listen, cov


def _ours(
    variant: Variant, ways: Sequence[TrainingSource], eq_model: EqAutoencoder, run: Run, steps: int, name: str
) -> tuple[Listener, Tensor]:
    settings = AudioTraining(network=variant.network, members=2, steps=steps)
    clips: list[Clip] = [clip for way in ways for clip in (way.clips if way.name == "music" else way.with_eqs(run))]
    train_audio(settings, clips, None, eq_model, run.folder, run, name=name)
    encoder = AudioEncoder.load(run.folder, name)
    return lambda analysis: encoder.observe(analysis, eq_model), encoder.residual_cov


def examine(listen: Listener, residual_cov: Tensor, folds: Sequence[Fold], eq_model: EqAutoencoder) -> dict[str, float]:
    """How far an EQ on a sound is heard as that EQ, whether scores follow it, and the repair of people's edits."""
    off, follows = [], []
    lsd: dict[str, list[float]] = {word: [] for word in PEOPLE_WORDS}
    generator, decoder = torch.Generator().manual_seed(0), eq_model.decoder.weight.double()
    for fold in folds:
        for clip in fold.clips:
            plain = listen(clip.analysis)
            for curve in random_curves(EQS_PER_CLIP, generator):
                heard = listen(equalized(clip.analysis, curve)).balance_db - plain.balance_db
                off.append(float(rms_db(heard - curve)))
            for word, errors_db in lsd.items():
                meant = fold.engine.words[word]
                mean = center(eq_model.decode_curve(meant.mean.float()).double())
                cov = decoder @ meant.cov @ decoder.T
                amounts = [listen(equalized(clip.analysis, amount * mean)).balance_db for amount in AMOUNTS]
                scores = [float(standard_scores(mean[None], balance, residual_cov)[0]) for balance in amounts]
                follows.append(all(a < b for a, b in pairwise(scores)))
                for row in fold.people[word][:ROWS_PER_CLIP]:
                    seen = listen(equalized(clip.analysis, -row))
                    answer = adaptive.curve(MethodInput(mean, cov, seen, residual_cov, adaptation=0.5))
                    errors_db.append(float(rms_db(answer - row)))
    figures = {"EQ_heard_wrong_db": statistics.median(off), "scores_follow": statistics.fmean(follows)}
    figures |= {f"{word}_lsd_db": statistics.median(values) for word, values in lsd.items()}
    return {name: round(value, 3) for name, value in figures.items()}
