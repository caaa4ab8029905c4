"""One curve at several sample rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq import Band, Eq
from reaper_aeq.dsp.other_rate import APART_DB, at_rate
from reaper_aeq.dsp.spectrum import GRID_HZ

INSIDE = GRID_HZ <= 16_000.0
DRUMS = Eq((Band("band", 285.0, 1.9, 2.15), Band("band", 1070.0, -1.0, 1.38), Band("band", 12_000.0, -3.2, 2.33)))


def apart_db(eq: Eq, found_at: int, other: Eq, sample_rate: int) -> float:
    inside = GRID_HZ[INSIDE]
    return float(np.abs(eq.response_db(inside, found_at) - other.response_db(inside, sample_rate)).max())


def test_a_wide_bell_at_the_top_does_the_same_at_every_rate():
    """An answer that real drums get: as it is, it takes 0.55 dB more at 16 kHz when it runs at 96 kHz."""
    assert apart_db(DRUMS, 44_100, DRUMS, 96_000) > 0.5
    low, high = (at_rate(DRUMS, 48_000, rate) for rate in (44_100, 96_000))
    assert low == DRUMS  # near enough: one sound keeps one setting
    assert apart_db(low, 44_100, high, 96_000) < 0.25
    assert [band.kind for band in high.bands] == [band.kind for band in DRUMS.bands]
    assert high.bands[0].gain_db == pytest.approx(1.9, abs=0.02)


def test_nothing_moves_where_nothing_is_apart():
    assert at_rate(DRUMS, 48_000, 48_000) is DRUMS and at_rate(Eq(), 48_000, 96_000) == Eq()
    bass = Eq((Band("low_shelf", 100.0, 6.0), Band("band", 300.0, -9.0, 1.0)))
    assert at_rate(bass, 48_000, 192_000) is bass


def test_pass_filters_stay_and_nothing_makes_up_for_them():
    eq = Eq((Band("high_pass", 60.0, 0.0, 1.9), *DRUMS.bands))
    moved = at_rate(eq, 48_000, 192_000)
    assert moved.bands[0] == eq.bands[0] and moved.bands[3] != eq.bands[3]
    # a low-pass does something else at every rate, by 4 dB at 16 kHz
    low_pass = Eq((Band("low_shelf", 600.0, 3.0), Band("band", 1900.0, 2.0, 3.0), Band("low_pass", 9000.0, 0.0, 1.9)))
    for rate in (44_100, 96_000, 192_000):
        assert at_rate(low_pass, 48_000, rate) == low_pass


def test_bands_keep_to_their_ranges():
    eq = Eq((Band("low_shelf", 200.0, 4.0), Band("band", 11_500.0, -6.0, 2.9), Band("high_shelf", 13_000.0, 5.0)))
    moved = at_rate(eq, 48_000, 192_000)
    low, bell, high = moved.bands
    assert low == eq.bands[0] and bell != eq.bands[1]
    assert bell.freq_hz <= 12_000.0 + 1e-6 and bell.bandwidth_oct <= 3.0 + 1e-9 and high.freq_hz <= 14_000.0 + 1e-6
    assert all(abs(band.gain_db) <= 12.0 for band in moved.bands) and high.bandwidth_oct == pytest.approx(1.0)


TOPS = st.builds(
    Band,
    kind=st.sampled_from(["band", "high_shelf"]),
    freq_hz=st.floats(2000.0, 12_000.0),
    gain_db=st.floats(-8.0, 8.0),
    bandwidth_oct=st.just(1.0),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TOPS, min_size=1, max_size=3), st.sampled_from([44_100, 88_200, 96_000, 192_000]))
def test_it_never_comes_out_further_apart(bands, sample_rate):
    eq = Eq(tuple(bands))
    before, after = (apart_db(eq, 48_000, one, sample_rate) for one in (eq, at_rate(eq, 48_000, sample_rate)))
    assert after <= max(before, APART_DB) and after <= before + 1e-9
    assert after < 0.5 or after < 0.75 * before
