"""Can the audio encoder tell which production style was applied to a clip it never saw?

Five styles as in Steinmetz, Bryan and Reiss (JAES 2022), here as random EQs: broadcast, telephone, neutral, bright and
warm. The same linear classifier reads our code, a random projection of the log-mel spectrum and plain band energies,
all of 32 numbers; sources are held out whole, and each fold's encoder was trained without them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..dsp.spectrum import N_MELS, Analysis
from ..dsp.virtual_eq import equalized
from ..eq import Band, BandKind, Eq
from ..model.curves import COMPARED, REFERENCE_RATE
from ..model.eq_autoencoder import N_LATENT, EqAutoencoder
from ..result.realization import eq_curve
from ..training.datasets.readers import read_clips
from .folds import N_FOLDS, Paths, Table, Tell, load_fold, mixes_and_folds, sources_in

STYLES = ("broadcast", "telephone", "neutral", "bright", "warm")
# Two shelves, each between two frequencies and two gains.
ENDS = {
    "broadcast": ((80, 200), (2, 6), (4000, 9000), (2, 6)),
    "bright": ((100, 300), (-4, 0), (3000, 8000), (3, 8)),
    "warm": ((150, 400), (2, 6), (3000, 8000), (-8, -2)),
}
DRAWS = 4  # of each style for each clip
SHRINK = 0.5  # of the covariance towards a sphere, the same for all features; each does best near here


def draw_style(style: str, generator: torch.Generator) -> Eq:
    """A random EQ of a style; frequencies in Hz, gains in dB."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=generator))

    if style == "telephone":
        bands = [Band(BandKind.HIGH_PASS, uniform(250, 450), 0, 2), Band(BandKind.LOW_PASS, uniform(2500, 4000), 0, 2)]
    elif style == "neutral":
        bands = [Band(BandKind.BAND, uniform(100, 8000), uniform(-1.5, 1.5), 1.5) for _ in range(3)]
    else:
        low_hz, low_db, high_hz, high_db = ENDS[style]
        bands = [Band(BandKind.LOW_SHELF, uniform(*low_hz), uniform(*low_db))]
        bands.append(Band(BandKind.HIGH_SHELF, uniform(*high_hz), uniform(*high_db)))
    return Eq(tuple(bands))


def run_encoder(audio: Paths, models: Path | str | None = None, tell: Tell = lambda _: None) -> Table:
    """{'five styles': {features: {'accuracy': ...}}} over the mixes in `audio`. Raises `AeqError`, `ModelError`.

    Every mix is read by the encoder of the fold that left its source out; they share one EQ space.
    """
    mixes, fold_of = mixes_and_folds(read_clips(audio, tell), "the encoder's test needs")
    eq_model = EqAutoencoder.load(models)
    encoders = [load_fold(models, k, sources_in(fold_of, k)) for k in range(N_FOLDS)]
    projection = torch.randn(N_MELS, N_LATENT, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    features: dict[str, list[Tensor]] = {"encoder": [], "band energies": [], "random mel projection": []}
    labels, folds = [], []
    for i, clip in enumerate(mixes):
        tell(f"{clip.name} ({i + 1} of {len(mixes)})")
        encoder = encoders[fold_of[clip.source]]
        usual = encoder.observe(clip.analysis, eq_model).usual
        whiten = whitening(usual.cov, eq_model)
        for label, style in enumerate(STYLES):
            for draw in range(DRAWS):
                eq = draw_style(style, torch.Generator().manual_seed(1000 * i + 10 * label + draw))
                shaped = equalized(clip.analysis, eq_curve(eq, REFERENCE_RATE))
                # the texture, hence what is usual, is the same with and without an EQ
                seen = encoder.compare(shaped.ltas_db(), usual, shaped.in_reach, eq_model)
                features["encoder"].append(whiten @ seen.code)
                features["band energies"].append(band_energies(shaped))
                features["random mel projection"].append(log_mel(shaped) @ projection)
                labels.append(label)
                folds.append(fold_of[clip.source])
    truth, fold = torch.tensor(labels), torch.tensor(folds)
    table = {}
    for name, rows in features.items():
        hits = [classify(torch.stack(rows), truth, fold == k) == truth[fold == k] for k in range(N_FOLDS)]
        table[name] = {"accuracy": round(float(torch.cat(hits).double().mean()), 4)}
    return {"five styles": table}


def whitening(cov: Tensor, eq_model: EqAutoencoder) -> Tensor:
    """(32, 32): codes in units of how far music varies once its texture is known, which the encoder has learned."""
    weight = eq_model.encoder.weight.double()
    values, vectors = torch.linalg.eigh(weight @ cov @ weight.T)
    return (vectors / values.clamp_min(1e-3 * float(values.max())).sqrt()) @ vectors.T


def classify(x: Tensor, labels: Tensor, test: Tensor) -> Tensor:
    """Linear discriminant analysis (one covariance for all classes, shrunk), trained where `test` is False."""
    known, y = x[~test], labels[~test]
    means = torch.stack([known[y == k].mean(0) for k in range(len(STYLES))])
    within = known - means[y]
    cov = within.T @ within / len(within)
    cov = cov + SHRINK * cov.diagonal().mean() * torch.eye(x.shape[1], dtype=x.dtype)
    weight = torch.linalg.solve(cov, means.T)  # (features, classes)
    return (x[test] @ weight - 0.5 * (means.T * weight).sum(0)).argmax(1)


def band_energies(analysis: Analysis) -> Tensor:
    """(32,) dB: band levels over log-frequency, level-free."""
    ltas = analysis.ltas_db()[COMPARED]
    bands = torch.nn.functional.interpolate(ltas[None, None], size=N_LATENT, mode="linear", align_corners=True)[0, 0]
    return bands - bands.mean()


def log_mel(analysis: Analysis) -> Tensor:
    """(64,) dB, mean over time of the log-mel spectrum, level-free."""
    power = analysis.mel_power.double()
    level = 10 * power.clamp_min(float(power.max()) * 1e-10).log10().mean(0)
    return level - level.mean()
