"""A recording in the EQ space: it follows any EQ by just that EQ, and does not dream of what it cannot hear."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.dsp.spectrum import GRID_HZ, N_MELS, analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.model import NETWORKS as SHIPPED
from reaper_aeq.model.audio_encoder import (
    SILENT_BELOW_DB,
    AudioEncoder,
    KernelRegression,
    center_robust,
    fill_unseen,
    visibility,
)
from reaper_aeq.model.curves import COMPARED, GRID, N_GRID, center, rms_db
from reaper_aeq.model.eq_autoencoder import N_LATENT, EqAutoencoder
from reaper_aeq.model.texture import SEGMENT
from reaper_aeq.model.texture_nets import NETWORKS
from reaper_aeq.training.datasets.sources import shaped_noise

RATE = 48_000
OCTAVES = GRID.log2()
COV = 30 * torch.exp(-0.5 * (OCTAVES[:, None] - OCTAVES).square()) + torch.eye(N_GRID, dtype=torch.float64)
ONES = torch.ones(N_GRID, dtype=torch.float64)


@pytest.fixture(scope="module")
def encoder() -> AudioEncoder:
    return AudioEncoder.load()


@pytest.fixture(scope="module")
def eq_model() -> EqAutoencoder:
    return EqAutoencoder.load()


@pytest.fixture(scope="module")
def full_band(encoder) -> np.ndarray:
    """Noise in gusts with the mean spectrum of music: sound in every band."""
    return shaped_noise(encoder.mean_db, 6.0, RATE, torch.Generator().manual_seed(0), 1.0, 0.7).numpy()


EQS = {
    "low shelf": Eq((Band("low_shelf", 200, 5.0),)),
    "high shelf": Eq((Band("high_shelf", 5000, -6.0),)),
    "band": Eq((Band("band", 1000, 6.0, 1.5),)),
    "many": Eq((Band("low_shelf", 150, -4.0), Band("band", 600, 3.0, 1.0), Band("high_shelf", 7000, 6.0))),
}


@pytest.mark.parametrize("name", EQS)
def test_the_code_follows_an_eq_by_the_code_of_that_eq(encoder, eq_model, full_band, name):
    eq = EQS[name]
    before, after = (
        encoder.observe(analyze_blocks([sound], RATE), eq_model) for sound in (full_band, eq.apply(full_band, RATE))
    )
    wanted = eq_model.encode(center(torch.from_numpy(eq.response_db(GRID_HZ, RATE))).float()).double()
    moved = eq_model.decode_curve((after.code - before.code - wanted).float())
    assert rms_db(moved) < 0.5
    assert rms_db(eq_model.decode_curve(wanted.float())) > 1.5  # it was a move worth measuring
    assert rms_db(after.usual_db - before.usual_db) < 0.1  # what is usual for the sound has nothing to do with it


def test_level_changes_nothing(encoder, eq_model, full_band):
    plain, quiet = (
        encoder.observe(analyze_blocks([sound], RATE), eq_model) for sound in (full_band, full_band * np.float32(0.03))
    )
    assert (plain.code - quiet.code).abs().max() < 0.01
    torch.testing.assert_close(plain.visible, quiet.visible, rtol=0, atol=1e-4)


def test_a_full_band_sound_is_seen_whole_and_a_dull_one_in_part(encoder, eq_model, full_band):
    whole = encoder.observe(analyze_blocks([full_band], RATE), eq_model)
    assert whole.visible_share > 0.99
    spectrum = np.fft.rfft(full_band)
    spectrum[:, np.fft.rfftfreq(full_band.shape[1], 1 / RATE) > 2000] = 0
    fade = np.minimum(1.0, 10 * np.hanning(full_band.shape[1]))  # a hard edge would be a click, heard everywhere
    dull_sound = (np.fft.irfft(spectrum, full_band.shape[1]) * fade).astype(np.float32)
    dull = encoder.observe(analyze_blocks([dull_sound], RATE), eq_model)
    assert dull.visible_share == pytest.approx(float((GRID[COMPARED] < 2000).double().mean()), abs=0.05)
    assert bool((dull.visible[GRID > 2300] < 0.05).all()) and bool((dull.visible[GRID < 1800] > 0.95).all())
    # what is missing is lacking, but the deviation an EQ is made of keeps to what the seen bands let expect
    assert dull.balance_db[GRID > 3000].max() < -15 and dull.deviation_db[GRID > 3000].min() > -10


def test_bands_above_nyquist_are_not_seen(encoder, eq_model):
    analysis = analyze_blocks([np.random.default_rng(0).standard_normal((1, 16_000)).astype(np.float32)], 8_000)
    seen = encoder.observe(analysis, eq_model)
    assert not seen.visible[~analysis.in_reach].any() and bool(torch.isfinite(seen.code).all())


def test_visibility_goes_softly_at_60_db_below_the_loudest():
    ltas = torch.linspace(0, -100, 101, dtype=torch.float64) - 37.0
    seen = visibility(ltas)
    assert seen[round(SILENT_BELOW_DB)].item() == pytest.approx(0.5)
    assert bool((seen.diff() < 0).all()) and seen[0] > 0.999 and seen[-1] < 0.001
    assert seen.diff().abs().max() < 0.07  # a band does not vanish by a hair


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 20), st.floats(-100, 100))
def test_centered_ignores_level(seed, spread, level):
    deviation = spread * torch.randn(N_GRID, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    torch.testing.assert_close(
        center_robust(deviation + level, ONES), center_robust(deviation, ONES), rtol=0, atol=1e-6
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, N_GRID - 1), st.floats(0, 20))
def test_raising_a_band_never_lowers_it(seed, band, more):
    deviation = 8 * torch.randn(N_GRID, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    raised = deviation.clone()
    raised[band] += more
    assert center_robust(raised, ONES)[band] >= center_robust(deviation, ONES)[band] - 1e-9


def test_a_missing_octave_does_not_tilt_the_rest():
    deviation = torch.zeros(N_GRID, dtype=torch.float64)
    deviation[40:46] = -80.0
    rest = torch.cat([center_robust(deviation, ONES)[:40], center_robust(deviation, ONES)[46:]])
    assert rest.abs().max() < 5.0  # a plain mean would lift all by 9.4 dB
    unseen = ONES.clone()
    unseen[40:46] = 0.0
    rest = center_robust(deviation, unseen)[COMPARED & (unseen > 0)]
    assert rest.abs().max() < 1e-6


def test_nothing_seen_where_curves_are_compared_is_no_error():
    visible = torch.where(COMPARED, 0.0, 1.0).double()
    assert bool(torch.isfinite(center_robust(torch.randn(N_GRID).double(), visible)).all())


def test_fill_unseen_keeps_what_is_seen_and_expects_the_rest():
    deviation = 4 * torch.sin(OCTAVES)
    kept = fill_unseen(deviation, ONES, COV)
    torch.testing.assert_close(kept, deviation, rtol=0, atol=1e-3)
    visible = ONES.clone()
    visible[30:40] = 0.0
    wild = deviation.clone()
    wild[30:40] = -24.0
    filled = fill_unseen(wild, visible, COV)
    seen = visible > 0
    torch.testing.assert_close(filled[seen], deviation[seen], rtol=0, atol=0.05)
    # the expectation of a Gaussian given the others, whatever stood there
    other = torch.linalg.solve(COV[seen][:, seen], deviation[seen])
    torch.testing.assert_close(filled[~seen], COV[~seen][:, seen] @ other, rtol=0, atol=0.2)
    assert (filled[~seen] + 24).abs().min() > 15


@pytest.mark.parametrize("name", NETWORKS)
def test_an_untrained_network_says_usual(name):
    """Training starts from 'every sound is like all music' and can only add to it."""
    said = NETWORKS[name]().eval()(torch.randn(3, N_MELS, SEGMENT))
    assert said.shape == (3, N_LATENT) and not said.any()


@pytest.mark.parametrize("name", SHIPPED)
def test_networks_know_high_from_low(name):
    """Time is pooled, frequency is not: the same movement two octaves higher is another sound."""
    torch.manual_seed(0)
    net = NETWORKS[name]().eval()
    torch.nn.init.normal_(net.head[-1].weight)
    low = torch.zeros(1, N_MELS, SEGMENT)
    low[:, 8:16, ::8] = 2.0
    assert (net(low) - net(low.roll(24, 1))).norm() > 0.05 * net(low).norm()
    # a whole patch later is nearly the same sound to the CNN; the transformer knows when, but hardly minds
    assert (net(low) - net(low.roll(16, 2))).norm() < 0.5 * (net(low) - net(low.roll(24, 1))).norm()


def test_kernel_regression_meets_what_it_was_solved_for():
    stats = torch.randn(20, 12, generator=torch.Generator().manual_seed(0))
    wanted = torch.randn(20, N_LATENT, generator=torch.Generator().manual_seed(1))
    kernel = KernelRegression(20, 12, gamma=0.3)
    kernel.mean, kernel.scale = stats.mean(0), stats.std(0)
    kernel.centres = kernel.standardize(stats)
    kernel.alpha = torch.linalg.solve(kernel.kernel(kernel.centres, kernel.centres), wanted)
    torch.testing.assert_close(kernel(stats), wanted, rtol=0, atol=0.01)
    assert kernel(torch.full((1, 12), 1e6)).isfinite().all()


def test_the_shipped_encoder_knows_music(encoder):
    """Falling highs, more certainty than the whole spread of music, symmetric covariances."""
    assert encoder.mean_db[20] > encoder.mean_db[40] > encoder.mean_db[54]
    for cov in (encoder.total_cov, encoder.residual_cov):
        torch.testing.assert_close(cov, cov.T, rtol=0, atol=1e-6)
        assert torch.linalg.eigvalsh(cov).min() > 0
    assert encoder.residual_cov[COMPARED][:, COMPARED].trace() < 1.1 * encoder.total_cov[COMPARED][:, COMPARED].trace()
    assert not encoder.training and not any(p.requires_grad for p in encoder.parameters())
