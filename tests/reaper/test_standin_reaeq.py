"""The stand-in's ReaEQ: sound against reaper_aeq.dsp, parameters there and back, bands that are missing."""

from __future__ import annotations

import base64
import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import eq_filters, reaeq_instance
from standin.example import TrackSpec, project, reaeq
from standin.fx_chain import fx_list

from reaper_aeq import Band, BandKind, Eq
from reaper_aeq.dsp.response import eq_response_db
from reaper_aeq.reaper.reaeq import values
from reaper_aeq.reaper.reaeq.instance import TYPE_OF_KIND, to_eq, to_state
from reaper_aeq.reaper.reaeq.state import ReaEqState, StateBand

FREQS_HZ = np.geomspace(20, 20_000, 200)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("kind", list(BandKind))
@settings(max_examples=15, deadline=None)
@given(freq_hz=st.floats(20, 20_000), gain_db=st.floats(-12, 12), width=st.floats(0.1, 4))
def test_every_kind_sounds_as_dsp_computes(kind, sample_rate, freq_hz, gain_db, width):
    eq = Eq((Band(kind, freq_hz, gain_db, width),))
    want = eq_response_db(eq, FREQS_HZ, sample_rate)
    got = eq_filters.response_db(to_state(eq), FREQS_HZ, sample_rate)
    # where a notch or a pass band goes below hearing, dB of next to nothing need not agree
    heard = want > -80
    assert np.max(np.abs(got - want)[heard], initial=0.0) < 0.01


def test_bands_follow_each_other_with_the_global_gain():
    eq = Eq((Band("low_shelf", 150, 4), Band("band", 900, -5, 1.5), Band("high_shelf", 6000, 3)), output_gain_db=-2)
    got = eq_filters.response_db(to_state(eq), FREQS_HZ, 48_000)
    assert np.max(np.abs(got - eq_response_db(eq, FREQS_HZ, 48_000) + 2)) < 1e-6


def test_filtering_has_the_response_that_is_stated():
    state = to_state(Eq((Band("band", 1000, 6), Band("high_pass", 80, 0, 2.0))))
    impulse = np.zeros((1 << 16, 1))
    impulse[0] = 1
    heard = np.fft.rfft(eq_filters.process(state, impulse, 48_000)[:, 0])
    freqs = np.fft.rfftfreq(1 << 16, 1 / 48_000)[50:20_000:50]
    got = 20 * np.log10(np.abs(heard[50:20_000:50]))
    assert np.max(np.abs(got - eq_filters.response_db(state, freqs, 48_000))) < 0.01


@pytest.mark.shared
def test_real_instances_sound_as_dsp_computes(shared_dir):
    """Every decoded instance of real projects."""
    numbers = {"lowshelf": 0, "highshelf": 1, "band": 8, "band_alt2": 2, "lowpass": 3, "highpass": 4}
    checked = 0
    with (shared_dir / "reaeq_decoded.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            text = next(value for key, value in row.items() if key.startswith("bands("))
            rows = [band.strip().split(",") for band in text.split("|")]
            bands = tuple(
                StateBand(numbers[kind], enabled == "1", float(hz), 10 ** (float(db) / 20), max(float(octaves), 0.01))
                for kind, enabled, hz, db, octaves, _ in rows
                if db != "-inf"
            )
            state = ReaEqState(bands, float(row["master_gain_lin"]))
            eq = to_eq(state)
            want = eq_response_db(eq, FREQS_HZ, 48_000) + eq.output_gain_db
            got = eq_filters.response_db(state, FREQS_HZ, 48_000)
            assert np.max(np.abs(got - want)[want > -80], initial=0.0) < 0.01, text
            checked += 1
    assert checked == 162


@pytest.mark.parametrize("field", [0, 1, 2])
@given(x=st.floats(0.004, 1))
def test_mappings_there_and_back(field, x):
    assert reaeq_instance.to_raw(field, reaeq_instance.from_raw(field, x)) == pytest.approx(x, abs=1e-9)
    normalized = reaeq_instance.to_normalized(field, reaeq_instance.from_normalized(field, x))
    assert normalized == pytest.approx(x, abs=1e-9)


@given(x=st.floats(0.004, 1))
def test_two_writings_of_the_mappings_agree(x):
    assert values.normalized_to_freq(x) == pytest.approx(reaeq_instance.from_raw(0, x))
    assert values.db_to_linear(values.raw_to_gain_db(x)) == pytest.approx(reaeq_instance.from_raw(1, x))
    assert values.raw_to_bandwidth(x) == pytest.approx(reaeq_instance.from_raw(2, x))


def test_a_default_instance_lists_its_parameters(run_lua):
    reaper = run_lua(
        """
        local tr = reaper.GetTrack(0, 0)
        reaper.Undo_BeginBlock2(0)
        local fx = reaper.TrackFX_AddByName(tr, "ReaEQ", false, -1)
        reaper.Undo_EndBlock2(0, "add", 2)
        for p = 0, reaper.TrackFX_GetNumParams(tr, fx) - 1 do
          local _, name = reaper.TrackFX_GetParamName(tr, fx, p)
          local _, ident = reaper.TrackFX_GetParamIdent(tr, fx, p)
          assert(reaper.TrackFX_GetParamFromIdent(tr, fx, ident) == p)
          reaper.ShowConsoleMsg(("%s %.4f %.4f\\n"):format(name, reaper.TrackFX_GetParam(tr, fx, p),
            reaper.TrackFX_GetParamNormalized(tr, fx, p)))
        end
        assert(reaper.TrackFX_GetParamFromIdent(tr, fx, ":wet") == 17)
        """
    )
    lines = reaper.ui.console.splitlines()
    assert len(lines) == 19
    assert lines[:2] == ["Freq-Low Shelf 0.1414 0.1414", "Gain-Low Shelf 0.2500 0.5000"]
    assert lines[6] == "Freq-Band 3 0.4760 0.4760"
    assert [line.split()[0] for line in lines[15:]] == ["Global", "Bypass", "Wet", "Delta"]


WRITE = """
local tr = reaper.GetTrack(0, 0)
reaper.Undo_BeginBlock2(0)
assert(reaper.TrackFX_SetEQParam(tr, 0, 1, 0, 0, 180, false))
assert(reaper.TrackFX_SetEQParam(tr, 0, 1, 0, 1, 10 ^ (3 / 20), false))
assert(reaper.TrackFX_SetEQParam(tr, 0, 1, 0, 2, 1.0, false))
assert(reaper.TrackFX_SetNamedConfigParm(tr, 0, "BANDTYPE4", "6"))
assert(not reaper.TrackFX_SetNamedConfigParm(tr, 0, "BANDENABLED4", "1")) -- works and answers false
assert(reaper.TrackFX_SetEQParam(tr, 0, -1, 0, 1, 0.5, false))
assert(reaper.TrackFX_SetNamedConfigParm(tr, 0, "renamed_name", "AEQ: warm 70%"))
reaper.Undo_EndBlock2(0, "write", -1)
assert(not reaper.TrackFX_GetNamedConfigParm(tr, 0, "BANDTYPE5"))
assert(select(2, reaper.TrackFX_GetFXName(tr, 0)) == "AEQ: warm 70%")
local ok, kind, number, field, norm = reaper.TrackFX_GetEQParam(tr, 0, 1)
assert(ok and kind == 1 and number == 0 and field == 1 and math.abs(norm - (0.5 + (10 ^ 0.15 - 1) / 6)) < 1e-6)
"""


def test_what_the_calls_write_is_in_the_stored_state(run_lua):
    fx = reaeq(reaeq_instance.DEFAULT)
    reaper = run_lua(WRITE, project([TrackSpec("a", fx=[fx])]))
    [instance] = fx_list(reaper.project.tracks[0])
    state = instance.eq.state
    assert instance.renamed == "AEQ: warm 70%"
    assert state.bands[0].freq_hz == pytest.approx(180) and state.bands[0].bandwidth_oct == 1.0
    assert 20 * np.log10(state.bands[0].gain) == pytest.approx(3, abs=1e-5)
    assert (state.bands[4].type, state.bands[4].enabled) == (TYPE_OF_KIND[BandKind.NOTCH], True)
    assert state.gain == 0.5
    assert state.bands[1:4] == reaeq_instance.DEFAULT.bands[1:4]


def test_writing_what_is_there_changes_no_byte(run_lua):
    data = project([TrackSpec("a", fx=[reaeq(Eq((Band("band", 123.4, 1.7, 0.9),)))])])
    reaper = run_lua(
        """
        local tr = reaper.GetTrack(0, 0)
        for p = 0, 5 do
          reaper.TrackFX_SetParam(tr, 0, p, (reaper.TrackFX_GetParam(tr, 0, p)))
          reaper.TrackFX_SetParamNormalized(tr, 0, p, reaper.TrackFX_GetParamNormalized(tr, 0, p))
        end
        reaper.TrackFX_SetEnabled(tr, 0, true)
        """,
        data,
    )
    assert reaper.project.bytes() == data


def test_values_end_where_the_knobs_end(run_lua):
    source = "local tr = reaper.GetTrack(0, 0)\nreaper.Undo_BeginBlock2(0)\n"
    for band, row in enumerate([(1e5, 8, 9), (5, -1, 0)]):
        for field, value in enumerate(row):
            source += f"reaper.TrackFX_SetEQParam(tr, 0, 2, {band}, {field}, {value}, false)\n"
    data = project([TrackSpec("a", fx=[reaeq(reaeq_instance.DEFAULT)])])
    reaper = run_lua(source + 'reaper.Undo_EndBlock2(0, "x", 2)', data)
    high, low = fx_list(reaper.project.tracks[0])[0].eq.state.bands[1:3]
    assert (high.freq_hz, high.gain, high.bandwidth_oct) == (24_000, 4, 4)
    assert (low.freq_hz, low.gain, low.bandwidth_oct) == (20, 0, 0.01)


MISSING = """
local tr = reaper.GetTrack(0, 0)
reaper.Undo_BeginBlock2(0)
local band = reaper.TrackFX_SetEQParam(tr, 0, 2, 2, 0, 500, false)
local notch = reaper.TrackFX_SetEQParam(tr, 0, 3, 0, 0, 50, false)
reaper.Undo_EndBlock2(0, "x", -1)
reaper.ShowConsoleMsg(tostring(band) .. " " .. tostring(notch))
"""


@pytest.mark.parametrize(
    "options, console, types",
    [
        ({}, "true false", [0, 8, 8, 1, 4, 8]),
        ({"eq_creates": "all"}, "true true", [0, 8, 8, 1, 4, 8, 6]),
        ({"eq_new_band_at": "start"}, "true false", [8, 0, 8, 8, 1, 4]),
    ],
)
def test_missing_bands_are_made_as_told(run_lua, options, console, types):
    reaper = run_lua(MISSING, project([TrackSpec("a", fx=[reaeq(reaeq_instance.DEFAULT)])]), **options)
    assert reaper.ui.console == console
    assert [band.type for band in fx_list(reaper.project.tracks[0])[0].eq.state.bands] == types


@pytest.mark.parametrize("chunk, taken", [("B", True), ("AB", False), ("refused", False)])
def test_the_chunk_is_what_the_option_says(run_lua, chunk, taken):
    state = to_state(Eq((Band("notch", 50, 0),)))
    payload = base64.b64encode(state.parts()[1]).decode()
    source = f"""
        local tr = reaper.GetTrack(0, 0)
        reaper.Undo_BeginBlock2(0)
        reaper.ShowConsoleMsg(tostring(reaper.TrackFX_SetNamedConfigParm(tr, 0, "vst_chunk", "{payload}")))
        reaper.Undo_EndBlock2(0, "x", -1)
    """
    reaper = run_lua(source, project([TrackSpec("a", fx=[reaeq(reaeq_instance.DEFAULT)])]), eq_chunk=chunk)
    assert reaper.ui.console == str(taken).lower()
    bands = fx_list(reaper.project.tracks[0])[0].eq.state.bands
    assert bands == (state.bands if taken else reaeq_instance.DEFAULT.bands)
