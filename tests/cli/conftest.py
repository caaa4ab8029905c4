"""Models made by hand: the real engine runs on them in a blink, wherever and whatever the shipped ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from sounds import RATE, noise, store

from reaper_aeq.cli.main import main
from reaper_aeq.dsp.fine_structure import N_FINE
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.model.audio_encoder import AudioEncoder
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.curves import GRID, center
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.model.kinds import KINDS
from reaper_aeq.model.texture import statistics, texture
from reaper_aeq.model.usual import SMOOTH, UsualBalance
from reaper_aeq.model.words import Evidence, Vocabulary, Word
from reaper_aeq.training.datasets.sources import random_curves

MEANINGS = {
    "warm": ("en", 500, Band("low_shelf", 300, 4.0), Band("high_shelf", 4000, -4.0)),
    "bright": ("en", 400, Band("low_shelf", 300, -3.0), Band("high_shelf", 4000, 4.0)),
    "airy": ("en", 14, Band("high_shelf", 8000, 5.0)),
    "muddy": ("en", 20, Band("band", 300, 6.0, 2.0)),
    "boomy": ("en", 10, Band("low_shelf", 150, 6.0)),
    "crisp": ("en", 10, Band("band", 5000, 4.0, 2.0)),
    "deep": ("en", 10, Band("low_shelf", 80, 5.0)),
    "clear": ("en", 10, Band("band", 3000, 4.0, 2.5)),
    "dulce": ("es", 2, Band("high_shelf", 6000, -4.0)),
}


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> Path:
    """A folder for --models: words of one shelf or band each, principal components of random EQs, pink-ish music."""
    folder = tmp_path_factory.mktemp("models")
    model = EqAutoencoder()
    curves = random_curves(300, torch.Generator().manual_seed(0)).double()
    axes = torch.linalg.svd(curves, full_matrices=False).Vh[: model.encoder.out_features].float()
    with torch.no_grad():
        model.encoder.weight.copy_(axes)
        model.decoder.weight.copy_(axes.T)
    Checkpoint(model.state_dict(), {"architecture": {"n_latent": 32, "hidden": 256}}).save(folder, "eq")

    n_stats = len(statistics(texture(analyze_blocks([noise()], RATE))))
    architecture = {"members": 1, "n_centres": 1, "n_stats": n_stats, "gamma": 0.3}
    encoder = AudioEncoder(**architecture)
    octaves = GRID.log2()
    encoder.total_cov = 36 * torch.exp(-0.5 * (octaves[:, None] - octaves).square()) + torch.eye(len(GRID)).double()
    encoder.residual_cov = 0.8 * encoder.total_cov
    Checkpoint(encoder.state_dict(), {"architecture": architecture}).save(folder, "audio")

    # as many sounds as bands, of all kinds, whose residuals have just that covariance
    usual = UsualBalance(len(GRID), n_stats + N_FINE)
    usual.feature_scale += 1
    usual.away_scale += 1
    usual.weight += 1
    usual.kind = torch.arange(len(GRID)).double() % len(KINDS)
    usual.residual = len(GRID) ** 0.5 * torch.linalg.cholesky(encoder.residual_cov).T
    usual.scale_offset = torch.tensor([0.0] + [-4.0] * len(SMOOTH)).double()
    about = {"n": len(GRID), "f": n_stats + N_FINE, "shape": asdict(usual.shape)}
    Checkpoint(usual.state_dict(), {"architecture": about}).save(folder, "usual")

    words = {}
    for name, (language, settings, *bands) in MEANINGS.items():
        curve = center(torch.from_numpy(Eq(tuple(bands)).response_db(GRID.numpy(), 48_000)))
        evidence = Evidence(settings, settings, 0.6 if settings > 2 else 0.0, None, ("SAFE",))
        words[name] = Word(
            name, language, model.encode(curve.float()).detach().double(), torch.eye(32).double(), evidence
        )
    Vocabulary(words, {"brighter": "bright", "unmuddy": "less muddy"}).save(folder, {})
    return folder


@pytest.fixture
def song(tmp_path) -> Path:
    """A stereo second as a 32-bit float WAV, alone in its folder."""
    return store(tmp_path / "song.wav", noise())


@pytest.fixture
def run(tiny_models, capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line with the tiny models: exit code, stdout, stderr."""

    def call(*args: object) -> tuple[int, str, str]:
        code = main([*map(str, args), "--models", str(tiny_models)])
        return code, *capsys.readouterr()

    return call
