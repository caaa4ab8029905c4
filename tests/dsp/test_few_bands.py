"""As few bands as a person would use: each in its place, none against another, the same alone and in company."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.dsp.few_bands import (
    BAND_PRICE_DB,
    GAINS_DB,
    NEIGHBORS_OCT,
    RANGES_HZ,
    WIDTHS_OCT,
    Curve,
    broken_rules,
    few_bands,
)
from reaper_aeq.dsp.response import params_from_eq
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import Band, Eq

RATE, FREQS = 48_000, torch.from_numpy(GRID_HZ)
FULL = torch.ones(len(FREQS), dtype=torch.bool)


def response(eq: Eq, sample_rate: int = RATE) -> torch.Tensor:
    return torch.from_numpy(eq.response_db(FREQS.numpy(), sample_rate))


def curve(target_db: torch.Tensor, sound: torch.Tensor = FULL, axis: torch.Tensor | None = None) -> Curve:
    weight = torch.where(sound, 1.0, 0.02).double()
    free = torch.full_like(target_db, 60.0)
    return Curve(target_db, weight, sound, free, torch.zeros_like(target_db) if axis is None else axis)


def missed_db(eq: Eq, target_db: torch.Tensor, sound: torch.Tensor = FULL) -> float:
    off = (response(eq) - target_db)[sound]
    return float((off - off.mean()).square().mean().sqrt())


PLAIN = [
    (Band("low_shelf", 180, 4.0),),
    (Band("high_shelf", 6000, -3.0),),
    (Band("band", 420, -3.2, 1.5),),
    (Band("low_shelf", 150, 3.0), Band("high_shelf", 5000, -2.5)),
    (Band("low_shelf", 120, -4.0), Band("band", 900, 3.0, 1.2)),
    (Band("band", 250, -4.0, 1.2), Band("band", 2000, 3.0, 1.5), Band("high_shelf", 9000, -3.0)),
]


@pytest.mark.parametrize("bands", PLAIN)
def test_a_person_s_setting_comes_back_with_as_many_bands(bands):
    target = response(Eq(bands))
    found = few_bands([curve(target)], RATE)[0]
    assert [band.kind for band in found.bands] == [band.kind for band in bands]
    for got, wanted in zip(found.bands, bands, strict=True):
        assert got.gain_db == pytest.approx(wanted.gain_db, abs=0.4)
        assert got.freq_hz == pytest.approx(wanted.freq_hz, rel=0.12)


def test_nothing_and_a_level_need_no_band():
    level = torch.full((len(FREQS),), 2.0, dtype=torch.float64)
    hardly = 0.5 * BAND_PRICE_DB * torch.cos(FREQS.log2())
    assert [eq.bands for eq in few_bands([curve(0 * level), curve(level), curve(hardly)], RATE)] == [()] * 3


def test_another_band_is_taken_for_what_it_gains():
    """A second bell of 3 dB is worth it, one that brings the response hardly nearer is not."""
    for gain_db, count in ((3.0, 2), (0.3, 1)):
        target = response(Eq((Band("band", 300, 4.0, 1.2), Band("band", 4000, gain_db, 1.2))))
        assert len(few_bands([curve(target)], RATE)[0].bands) == count


def test_bands_stay_where_the_source_has_sound():
    target = response(Eq((Band("low_shelf", 90, 5.0), Band("high_shelf", 4000, 8.0), Band("band", 60, 9.0, 0.8))))
    for low_hz, high_hz in ((25, 400), (300, 3000), (2500, 20_000)):
        sound = (low_hz <= FREQS) & (high_hz >= FREQS)
        found = few_bands([curve(target, sound)], RATE)[0]
        assert all(low_hz * 0.94 <= band.freq_hz <= high_hz * 1.06 for band in found.bands), found


def test_a_hole_in_the_sound_holds_no_band():
    hole = (FREQS > 500) & (FREQS < 3000)
    target = response(Eq((Band("band", 1200, -6.0, 0.7), Band("low_shelf", 100, 3.0))))
    for band in few_bands([curve(target, ~hole)], RATE)[0].bands:
        assert not 540 < band.freq_hz < 2700


def test_sound_where_no_band_may_be_gets_none():
    target = response(Eq((Band("band", 1200, -6.0, 0.7),)))
    for hz in (26, 18_000):
        tone = (FREQS / hz).log2().abs() < 0.1
        assert bool(tone.any()) and few_bands([curve(target, tone)], RATE)[0].bands == ()
        assert len(few_bands([curve(target), curve(target, tone)], RATE)[0].bands) == 1
    assert few_bands([], RATE) == []


def test_a_direction_is_kept_exactly():
    """What lies along a word's curve is made, whatever else is missed."""
    word = torch.cos(0.6 * FREQS.log2())
    ragged = 3 * word + 1.5 * torch.sin(5 * FREQS.log2())
    weight = torch.full_like(word, 1 / len(word))
    centered = word - word.mean()
    axis = 30**0.5 * weight * centered / centered.square().mean().sqrt()

    def share(db: torch.Tensor) -> float:
        return float((db * centered).sum() / (centered * centered).sum())

    found = few_bands([curve(ragged, axis=axis)], RATE)[0]
    assert share(response(found)) == pytest.approx(share(ragged), rel=0.02)


def test_what_may_not_be_lifted_is_not():
    """A curve that rises into what must not rise: bands that stay below are taken."""
    target = response(Eq((Band("high_shelf", 3000, 6.0),)))
    sound = FREQS < 9000
    most = torch.where(sound, 60.0, target.mean() + 1.0)
    free, held = (few_bands([replace(curve(target, sound), most_db=one)], RATE)[0]
                  for one in (torch.full_like(target, 60.0), most))  # fmt: skip

    def over(eq: Eq) -> float:
        offset = float((target - response(eq))[sound].mean())
        return float((response(eq) + offset - most).max())

    assert over(held) < over(free)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), sample_rate=st.sampled_from((8_000, 44_100, 192_000)))
def test_any_curve_gets_bands_that_keep_the_rules_the_same_alone_and_in_company(seed, sample_rate):
    generator = torch.Generator().manual_seed(seed)
    waves = torch.cos(torch.linspace(0, torch.pi, len(FREQS)).double() * torch.arange(7).unsqueeze(1))
    targets = 2.5 * torch.randn(3, 7, generator=generator, dtype=torch.float64) @ waves
    edges = torch.rand(3, 2, generator=generator) * 0.4
    place = torch.linspace(0, 1, len(FREQS))
    curves = [
        curve(target, (place >= low) & (place <= 1 - high)) for target, (low, high) in zip(targets, edges, strict=True)
    ]
    together = few_bands(curves, sample_rate)
    assert together == [few_bands([one], sample_rate)[0] for one in curves]
    for one, eq in zip(curves, together, strict=True):
        assert len(eq.bands) <= 5
        for band in eq.bands:
            low, high = RANGES_HZ[band.kind]
            assert low * 0.999 <= band.freq_hz <= high * 1.001 and GAINS_DB[0] <= band.gain_db <= GAINS_DB[1]
            assert band.kind != "band" or WIDTHS_OCT[0] * 0.999 <= band.bandwidth_oct <= WIDTHS_OCT[1] * 1.001
        if eq.bands:
            params, _ = params_from_eq(eq)
            assert broken_rules(params[None], one.sound[None]).item() == 0


def test_where_nothing_is_wanted_a_high_pass_takes_the_place_of_shelf_and_bells():
    target = response(Eq((Band("high_pass", 90, 0.0, 1.9), Band("band", 900, 3.0, 1.2)))).clamp_min(-12.0)
    plain = curve(target)
    weight = torch.where(FREQS > 70, plain.weight, 0.02)  # more of a cut is no error
    wanted = replace(plain, weight=weight, ends=torch.tensor([70.0, torch.inf], dtype=torch.float64))
    passing, bell = few_bands([wanted], RATE)[0].bands
    assert (passing.kind, passing.gain_db, passing.bandwidth_oct) == ("high_pass", 0.0, pytest.approx(1.9))
    assert passing.freq_hz == pytest.approx(90, rel=0.1) and bell.freq_hz == pytest.approx(900, rel=0.1)
    without = few_bands([curve(target)], RATE)[0]
    assert "high_pass" not in [band.kind for band in without.bands], "nobody asked for it"
    lifted = few_bands([replace(wanted, target_db=-target)], RATE)[0]
    assert "high_pass" not in [band.kind for band in lifted.bands], "it cannot lift"


def test_a_low_pass_is_taken_where_it_comes_nearer_than_a_shelf():
    ends = torch.tensor([0.0, 8e3], dtype=torch.float64)
    steep = response(Eq((Band("low_pass", 5000, 0.0, 1.9),)))
    gentle = response(Eq((Band("high_shelf", 8000, -3.0),)))
    for target, kind in ((steep.clamp_min(-12.0), "low_pass"), (gentle, "high_shelf")):
        plain = curve(target)
        weight = torch.where(FREQS < 8000, plain.weight, 0.02)
        (band,) = few_bands([replace(plain, weight=weight, ends=ends)], RATE)[0].bands
        assert band.kind == kind


def test_what_breaks_a_rule():
    def broken(*rows: tuple[float, float, float], sound: torch.Tensor = FULL) -> int:
        params = torch.tensor([rows], dtype=torch.float64)
        return int(broken_rules(params, sound[None]))

    near, far = 300 * 2 ** (0.9 * NEIGHBORS_OCT), 300 * 2 ** (1.1 * NEIGHBORS_OCT)
    assert broken((300, 4.0, 1), (near, 4.0, 1)) == broken((300, 4.0, 1), (far, -4.0, 1)) == 0
    assert broken((300, 4.0, 1), (near, -4.0, 1)) > 0 and broken((300, 4.0, 1), (near, -1.0, 1)) == 0
    assert broken((300, 4.0, 1), sound=FREQS > 1000) == 1
