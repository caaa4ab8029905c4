"""ReaEQ's responses: by their levels, against a second implementation, and against what REAPER itself rendered."""

from __future__ import annotations

import csv
import itertools
import math

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfreqz

from reaper_aeq.dsp.response import (
    EqFilter,
    apply_eq,
    band_coefficients,
    band_responses_db,
    bandwidth_from_q,
    eq_from_params,
    eq_response_db,
    params_from_eq,
    response_db,
)
from reaper_aeq.eq import LIMITS, Band, BandKind, Eq

LS, HS, BAND, LP, HP, NOTCH, BP = (
    BandKind.LOW_SHELF,
    BandKind.HIGH_SHELF,
    BandKind.BAND,
    BandKind.LOW_PASS,
    BandKind.HIGH_PASS,
    BandKind.NOTCH,
    BandKind.BAND_PASS,
)
RATES = (8_000, 16_000, 44_100, 48_000, 96_000, 192_000)


def level(kind: BandKind, row: tuple[float, float, float], freq_hz: float, sample_rate: float) -> float:
    """dB of one band at one frequency."""
    params = torch.tensor([row], dtype=torch.float64)
    return response_db(params, (kind,), torch.tensor([freq_hz]), sample_rate).item()


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("gain_db", [-12.0, -3.0, 0.0, 6.0, 12.0])
def test_levels_at_the_center_the_corner_and_far_away(sample_rate, gain_db):
    nyquist = sample_rate / 2
    assert level(BAND, (1000, gain_db, 1.0), 1000, sample_rate) == pytest.approx(gain_db, abs=1e-8)
    assert level(BAND, (1000, gain_db, 0.5), 1, sample_rate) == pytest.approx(0, abs=1e-3)
    assert level(BAND, (1000, gain_db, 0.5), nyquist, sample_rate) == pytest.approx(0, abs=1e-6)
    for bandwidth_oct in (0.92, 1.0, 2.0):  # a shelf is at half its gain at its frequency, whatever the slope
        assert level(LS, (1000, gain_db, bandwidth_oct), 1000, sample_rate) == pytest.approx(gain_db / 2, abs=1e-8)
        assert level(HS, (1000, gain_db, bandwidth_oct), 1000, sample_rate) == pytest.approx(gain_db / 2, abs=1e-8)
    assert level(LS, (1000, gain_db, 1.0), 1, sample_rate) == pytest.approx(gain_db, abs=1e-3)
    assert level(LS, (1000, gain_db, 1.0), nyquist, sample_rate) == pytest.approx(0, abs=1e-6)
    assert level(HS, (1000, gain_db, 1.0), 1, sample_rate) == pytest.approx(0, abs=1e-3)
    assert level(HS, (1000, gain_db, 1.0), nyquist, sample_rate) == pytest.approx(gain_db, abs=1e-6)


@pytest.mark.parametrize("sample_rate", RATES)
def test_passes_and_notch_ignore_the_gain(sample_rate):
    q = 1 / (2 * math.sinh(math.log(2) / 2 * 2.0))  # analogue law: the corner's level is Q itself
    nyquist = sample_rate / 2
    for gain_db in (-12.0, 0.0, 12.0):
        for kind, passes, stops in ((LP, 1.0, nyquist), (HP, nyquist, 1.0)):
            row = (1000, gain_db, 2.0)
            assert level(kind, row, 1000, sample_rate) == pytest.approx(20 * math.log10(q), abs=1e-8)
            assert level(kind, row, passes, sample_rate) == pytest.approx(0, abs=1e-3)
            assert level(kind, row, stops, sample_rate) < -100
        assert level(NOTCH, (1000, gain_db, 1.0), 1000, sample_rate) < -100
        assert level(NOTCH, (1000, gain_db, 1.0), 1, sample_rate) == pytest.approx(0, abs=1e-3)
        assert level(BP, (1000, gain_db, 1.0), 1000, sample_rate) == pytest.approx(0, abs=1e-8)
        assert level(BP, (1000, gain_db, 1.0), nyquist, sample_rate) < -100


def test_a_band_is_half_its_gain_at_its_edges_one_bandwidth_apart():
    """RBJ's definition of the octave bandwidth, measured: the digital law holds it at low frequencies exactly, and to
    a few per cent at 4 kHz, where the analogue law is off by a tenth of an octave."""
    for freq_hz, tolerance in ((100.0, 1e-3), (4000.0, 0.04)):
        freqs = torch.logspace(math.log10(freq_hz / 3), math.log10(freq_hz * 3), 20_001, dtype=torch.float64)
        curve = response_db(torch.tensor([[freq_hz, 9.0, 1.0]]).double(), (BAND,), freqs, 48_000)
        inside = freqs[curve > 4.5]
        assert math.log2(inside[-1] / inside[0]) == pytest.approx(1.0, abs=tolerance)


def test_shelf_bandwidth_stops_acting_below_0915():
    at = torch.tensor([500.0], dtype=torch.float64)
    rows = torch.tensor([[[1000, 9, bw]] for bw in (0.1, 0.915, 1.0)], dtype=torch.float64)
    narrow, limit, one = response_db(rows, (LS,), at, 48_000).squeeze(-1).tolist()
    assert narrow == limit != pytest.approx(one, abs=0.01)


@pytest.mark.parametrize("bandwidth_oct", [0.915, 1.0, 1.7, 4.0])
def test_shelf_slope_is_one_over_bandwidth_squared(bandwidth_oct):
    """RBJ's low shelf written out with its slope S, which dasp knows only as Q."""
    a, w, slope = 10 ** (9 / 40), 2 * math.pi * 1000 / 48_000, bandwidth_oct**-2
    spread = 2 * math.sqrt(a) * math.sin(w) / 2 * math.sqrt((a + 1 / a) * (1 / slope - 1) + 2)
    cos_w, up, down = math.cos(w), a + 1, a - 1
    top = (a * (up - down * cos_w + spread), 2 * a * (down - up * cos_w), a * (up - down * cos_w - spread))
    low = (up + down * cos_w + spread, -2 * (down + up * cos_w), up + down * cos_w - spread)
    ours = band_coefficients(torch.tensor([[1000, 9, bandwidth_oct]], dtype=torch.float64), (LS,), 48_000)
    np.testing.assert_allclose(ours.numpy()[0], np.array([*top, *low]) / low[0], rtol=1e-12)


def test_the_floor_is_200_db_down():
    assert level(LP, (1000, 0, 1.0), 24_000, 48_000) == pytest.approx(-200, abs=1e-9)


def test_steepest_shelf_of_absurd_gain_stays_finite():
    assert math.isfinite(level(LS, (1000, 60.0, 0.1), 1000, 48_000))


def rows_within_limits(kinds: tuple[BandKind, ...], batch: int, seed: int) -> torch.Tensor:
    """(batch, bands, 3), frequency and bandwidth even in octaves."""
    unit = torch.rand(batch, len(kinds), 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    freq, gain, width = (LIMITS[name] for name in ("freq_hz", "gain_db", "bandwidth_oct"))
    freq_hz = freq.low * (freq.high / freq.low) ** unit[..., 0]
    bandwidth_oct = width.low * (width.high / width.low) ** unit[..., 2]
    return torch.stack((freq_hz, gain.low + (gain.high - gain.low) * unit[..., 1], bandwidth_oct), -1)


@pytest.mark.parametrize("sample_rate", RATES)
def test_agrees_with_scipy_at_every_rate(sample_rate):
    kinds = (HP, LS, BAND, NOTCH, BAND, BP, HS, LP)  # kinds interleaved: each must come back to its place
    rows = rows_within_limits(kinds, 40, seed=1)
    # bands that run off the end are a test of their own: scipy's complex form loses digits there
    rows[..., 0] = rows[..., 0].clamp(max=0.4 * sample_rate)
    freqs = np.geomspace(20, 0.49 * sample_rate, 64)
    ours = band_responses_db(rows, kinds, torch.from_numpy(freqs), sample_rate).numpy()
    sos = band_coefficients(rows, kinds, sample_rate).numpy()
    for example in range(len(rows)):
        for place in range(len(kinds)):
            _, response = sosfreqz(sos[example, place][None], freqs, fs=sample_rate)
            theirs = 20 * np.log10(np.abs(response) + 1e-10)
            audible = theirs > -100
            np.testing.assert_allclose(ours[example, place][audible], theirs[audible], atol=1e-4)


@pytest.mark.parametrize("sample_rate", RATES)
def test_float32_is_right_at_20_hz(sample_rate):
    kinds = (LS, BAND, HS)
    rows = torch.tensor([[20.0, 12.0, 1.0], [20.0, -12.0, 0.1], [25.0, 12.0, 1.0]])
    freqs = torch.tensor([10.0, 20.0, 25.0, 100.0, 1000.0])
    exact = band_responses_db(rows.double(), kinds, freqs.double(), sample_rate)
    ours = band_responses_db(rows, kinds, freqs, sample_rate)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, exact.float(), atol=1e-4, rtol=0)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sample_rate=st.sampled_from(RATES),
    kinds=st.lists(st.sampled_from(list(BandKind)), min_size=1, max_size=6).map(tuple),
)
def test_properties_within_all_limits(seed, sample_rate, kinds):
    rows = rows_within_limits(kinds, 4, seed)
    freqs = torch.logspace(0, 5, 50, dtype=torch.float64)
    bands = band_responses_db(rows, kinds, freqs, sample_rate)
    total = response_db(rows, kinds, freqs, sample_rate)
    assert bands.shape == (4, len(kinds), 50) and bool(torch.isfinite(bands).all())
    # cascade adds in dB
    torch.testing.assert_close(total, bands.sum(-2))
    # a batch is its members, one by one
    for one in range(4):
        torch.testing.assert_close(response_db(rows[one], kinds, freqs, sample_rate), total[one])
    # above Nyquist: as at Nyquist
    beyond = freqs > sample_rate / 2
    if bool(beyond.any()):
        nyquist = response_db(rows, kinds, torch.tensor([sample_rate / 2]), sample_rate)
        torch.testing.assert_close(total[:, beyond], nyquist.expand(-1, int(beyond.sum())))
    # gain 0 is flat, and cut mirrors boost
    gainful = [i for i, kind in enumerate(kinds) if kind in (LS, HS, BAND)]
    if gainful:
        chosen = tuple(kinds[i] for i in gainful)
        flat = rows[:, gainful] * torch.tensor([1.0, 0.0, 1.0])
        assert response_db(flat, chosen, freqs, sample_rate).abs().max() < 1e-5
        mirrored = rows[:, gainful] * torch.tensor([1.0, -1.0, 1.0])
        mirror = band_responses_db(mirrored, chosen, freqs, sample_rate)
        # not closer: a band held at Nyquist has coefficients that nearly cancel (1.8e-4 dB over 9,000 draws)
        torch.testing.assert_close(mirror, -bands[:, gainful], atol=1e-3, rtol=0)


def test_kinds_and_params_must_agree():
    with pytest.raises(ValueError, match="1 bands"):
        band_coefficients(torch.ones(2, 2, 3), (BAND,), 48_000)


def test_no_bands_is_flat():
    assert response_db(torch.ones(2, 0, 3), (), torch.ones(4), 48_000).tolist() == [[0.0] * 4] * 2


@pytest.mark.parametrize("kind", list(BandKind))
def test_gradients(kind):
    freqs = torch.tensor([30.0, 300.0, 900.0, 5000.0], dtype=torch.float64)
    rows = torch.tensor([[[1000.0, 4.0, 1.3]], [[200.0, -7.0, 2.0]]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: response_db(p, (kind,), freqs, 48_000), (rows,), atol=1e-5)
    edges = [(f, g, b) for f in (20.0, 20_000.0) for g in (-12.0, 0.0, 12.0) for b in (0.1, 0.915, 4.0)]
    for dtype in (torch.float32, torch.float64):
        for sample_rate in RATES:
            hard = torch.tensor(edges, dtype=dtype).unsqueeze(1).requires_grad_()
            response_db(hard, (kind,), freqs.to(dtype), sample_rate).sum().backward()
            assert bool(torch.isfinite(hard.grad).all())


@given(
    bandwidth_oct=st.floats(0.1, 4),
    freq_hz=st.floats(20, 10_000),
    sample_rate=st.sampled_from((44_100, 48_000, 96_000)),
)
def test_octave_law_round_trip(bandwidth_oct, freq_hz, sample_rate):
    w = 2 * math.pi * freq_hz / sample_rate
    q = 0.5 / math.sinh(math.log(2) / 2 * bandwidth_oct * w / math.sin(w))
    assert bandwidth_from_q(q, freq_hz, sample_rate) == pytest.approx(bandwidth_oct, rel=1e-9)


def test_octave_law_tends_to_the_analogue_one_at_low_frequencies():
    assert bandwidth_from_q(math.sqrt(2), 20.0, 192_000) == pytest.approx(1.0, rel=1e-6)


EQ = Eq(
    (
        Band(LS, 120.0, 5.0),
        Band(BAND, 900.0, -8.0, 0.7),
        Band(HP, 500.0, enabled=False),
        Band(HS, 6000.0, 11.0),
    ),
    output_gain_db=-3.0,
)


def test_params_and_eq_convert_both_ways():
    params, kinds = params_from_eq(EQ)
    assert kinds == (LS, BAND, HS) and params.dtype == torch.float64
    back = eq_from_params(params, kinds, -3.0)
    assert back.bands == tuple(band for band in EQ.bands if band.enabled) and back.output_gain_db == -3.0
    with pytest.raises(ValueError):
        eq_from_params(params, kinds[:2])


def test_filtered_impulse_has_the_response_that_is_claimed():
    sample_rate = 48_000
    impulse = np.zeros(2**15, dtype=np.float32)
    impulse[0] = 1.0
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(EQ.apply(impulse, sample_rate).astype(np.float64))))
    freqs = np.fft.rfftfreq(len(impulse), 1 / sample_rate)
    audible = freqs >= 20
    claimed = eq_response_db(EQ, freqs, sample_rate)
    assert claimed.dtype == np.float64
    np.testing.assert_allclose(spectrum[audible], claimed[audible] - 3.0, atol=2e-3)
    np.testing.assert_array_equal(EQ.response_db(freqs[:9], sample_rate), claimed[:9])


def test_apply_keeps_type_and_shape_and_never_clips():
    noise = np.random.default_rng(0).standard_normal((3, 500))
    out = apply_eq(EQ, noise, 44_100)
    assert out.dtype == np.float32 and out.shape == noise.shape and np.abs(out).max() > 1.0
    for channel in range(3):
        np.testing.assert_array_equal(apply_eq(EQ, noise[channel], 44_100), out[channel])
    tensor = apply_eq(EQ, torch.from_numpy(noise), 44_100)
    assert isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float32
    np.testing.assert_array_equal(tensor.numpy(), out)
    louder = Eq(output_gain_db=20.0).apply(noise, 44_100)  # no bands: the gain alone
    np.testing.assert_allclose(louder, 10 * noise, rtol=1e-6)
    assert apply_eq(EQ, noise[:, :0], 44_100).shape == (3, 0)


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 1000), max_size=6))
def test_streaming_equals_one_shot(cuts):
    noise = np.random.default_rng(1).standard_normal((2, 1000)).astype(np.float32)
    stream = EqFilter(EQ, 48_000, channels=2)
    edges = [0, *sorted(cuts), 1000]
    blocks = [stream.process(noise[:, a:b]) for a, b in itertools.pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(blocks, 1), apply_eq(EQ, noise, 48_000))


def test_a_block_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="samples"):
        EqFilter(EQ, 48_000, channels=2).process(np.zeros((3, 10)))


# What the renders' scripts wrote, by label -12..12 and ReaEQ's scale (docs/reaper.md, section 4).
NORMALIZED = (
    ".126 .141 .158 .177 .199 .223 .251 .281 .315 .354 .397 .446 .500 "
    ".520 .543 .569 .597 .630 .666 .706 .752 .803 .860 .925 .997"
)
GAIN_DB = {
    label: 20 * math.log10(2 * n if n <= 0.5 else 1 + 6 * (n - 0.5))
    for label, n in zip(range(-12, 13), map(float, NORMALIZED.split()), strict=True)
}
RENDERED = {"loshelf": LS, "bell1": BAND, "bell2": BAND, "bell3": BAND, "hishelf": HS}


@pytest.mark.shared
@pytest.mark.slow
def test_sounds_like_what_reaper_rendered(shared_dir):
    librosa = pytest.importorskip("librosa")
    pytest.importorskip("soxr")
    folder = shared_dir / "reaeq_renders"
    dry, rate = soundfile.read(folder / "dry.wav", dtype="float64")
    dry = dry.mean(1)
    eqs, theirs = [], []
    with open(folder / "features.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            _, _, name, freq_hz, label = row["file"].removesuffix(".wav").split("_")
            theirs.append([float(row[f"mfcc_{i}"]) for i in range(1, 14)])
            eqs.append(Eq((Band(RENDERED[name], float(freq_hz), GAIN_DB[int(label)], 1.0),)))
    ours = []
    for some in range(0, len(eqs), 25):  # as channels of one file: librosa's filter bank is made once
        wet = np.stack([apply_eq(eq, dry, rate) for eq in eqs[some : some + 25]])
        wet = librosa.resample(wet, orig_sr=rate, target_sr=44_100, res_type="soxr_hq")
        for mel in librosa.feature.melspectrogram(y=wet, sr=44_100):
            # one by one: the decibels are cut 80 below the loudest there is
            ours.append(librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=13).mean(-1))
    theirs, moved = np.array(theirs), np.array([eq.bands[0].gain_db != 0 for eq in eqs])
    errors = np.sqrt(np.mean((np.array(ours) - theirs) ** 2, 1))[moved]
    effects = np.sqrt(np.mean((theirs[~moved][0] - theirs) ** 2, 1))[moved]
    print(f"MFCC difference: median {np.median(errors):.4f}, worst {errors.max():.4f}; effect {np.median(effects):.2f}")
    assert len(errors) == 120
    assert errors.max() <= 0.02 and np.median(errors) <= 0.003
