"""The mappings against the numbers that ReaEQ itself shows (docs/reaper.md, section 4)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reaper_aeq.eq import LIMITS, BandKind
from reaper_aeq.reaper.reaeq import values


@pytest.mark.parametrize(
    "freq_hz, x", [(20, 0), (100, 0.1414), (300, 0.2895), (1000, 0.4760), (5000, 0.7394), (24_000, 1)]
)
def test_frequency_knob_of_the_default_bands(freq_hz, x):
    assert values.normalized_to_freq(x) == pytest.approx(freq_hz, rel=1e-3)


@pytest.mark.parametrize("gain_db, raw", [(-math.inf, 0), (-6.0206, 0.125), (0, 0.25), (6.0206, 0.5), (12.0412, 1)])
def test_the_raw_scale_of_a_gain(gain_db, raw):
    assert values.raw_to_gain_db(raw) == pytest.approx(gain_db, abs=1e-4)


@pytest.mark.parametrize("octaves, raw", [(0.8, 0.2), (1.18, 0.295), (2, 0.5), (4, 1)])
def test_bandwidth_knob(octaves, raw):
    assert values.raw_to_bandwidth(raw) == pytest.approx(octaves)


def test_global_gain_is_the_amplitude_itself():
    assert values.raw_to_global_gain_db(2.8184) == pytest.approx(9.0, abs=1e-3)


def test_beyond_the_knobs_is_clamped():
    assert values.normalized_to_freq(-1.0) == pytest.approx(20)
    assert values.normalized_to_freq(7.0) == pytest.approx(24_000)
    assert values.raw_to_gain_db(9.0) == pytest.approx(12.0412, abs=1e-4)
    assert values.raw_to_bandwidth(0.0) == 0.01
    assert values.raw_to_bandwidth(9.0) == 4.0


@pytest.mark.parametrize(
    "scale", [values.normalized_to_freq, values.raw_to_gain_db, values.raw_to_bandwidth, values.raw_to_global_gain_db]
)
@given(st.floats(0, 1), st.floats(0, 1))
def test_more_is_more(scale, one, other):
    low, high = sorted((one, other))
    assert scale(low) <= scale(high)


def test_what_we_allow_lies_within_what_reaeq_reaches():
    for name in ("freq_hz", "bandwidth_oct"):
        assert LIMITS[name].low in values.RANGES[name]
        assert LIMITS[name].high in values.RANGES[name]
    assert values.db_to_linear(LIMITS["gain_db"].high) in values.RANGES["gain"]


def test_every_kind_has_an_api_number_of_its_own():
    assert set(values.API_BAND_TYPES) == set(BandKind)
    assert len(set(values.API_BAND_TYPES.values())) == len(BandKind)
