"""What a hand did to an EQ of ours, and keeping it: the same in the actions' Lua as in Python, band for band."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
from actions_kit import SCRIPTS
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import WITHOUT_GAIN, Band, Eq
from reaper_aeq.reaper.edits import HeldEq, described, kept, signature, toward

RATE = 48_000


def runtime(version: str):
    lua = importlib.import_module(f"lupa.lua{version.replace('.', '')}").LuaRuntime()
    lua.execute(f'package.path = "{SCRIPTS}/?.lua"; reaper = {{GetOS = function() return "Other" end}}')
    return lua


RUNTIMES = {version: runtime(version) for version in ("5.3", "5.4")}
KINDS = ["low_shelf", "band", "high_shelf", "low_pass", "high_pass", "notch"]
BANDS = st.builds(
    Band, st.sampled_from(KINDS), st.floats(30, 16_000), st.floats(-11, 11), st.floats(0.2, 3.5), st.just(True)
)
EQS = st.builds(Eq, st.lists(BANDS, max_size=5).map(tuple), st.floats(-6, 6))
HANDS = st.lists(
    st.tuples(
        st.sampled_from(["gain", "freq", "width", "off", "delete", "add", "kind"]), st.integers(0, 9), BANDS
    ),
    max_size=4,
)  # fmt: skip


def by_hand(eq: Eq, changes, output_db: float = 0.0) -> HeldEq:
    bands: list[Band] = list(eq.bands)
    for what, n, other in changes:
        n = n % len(bands) if bands else 0
        if what == "add":
            bands.append(other)
        elif bands and what == "delete":
            del bands[n]
        elif bands:
            one = bands[n]
            bands[n] = {
                "gain": replace(one, gain_db=other.gain_db), "freq": replace(one, freq_hz=other.freq_hz),
                "width": replace(one, bandwidth_oct=other.bandwidth_oct), "off": replace(one, enabled=False),
                "kind": replace(one, kind=other.kind),
            }[what]  # fmt: skip
    return HeldEq(tuple(bands), eq.output_gain_db + output_db)


def in_lua(lua, eq):
    rows = [
        lua.table_from(
            {
                "kind": str(b.kind), "freq_hz": b.freq_hz, "gain_db": b.gain_db, "bandwidth_oct": b.bandwidth_oct,
                "enabled": b.enabled,
            }
        )
        for b in eq.bands
    ]  # fmt: skip
    return lua.table_from({"bands": lua.table_from(rows), "output_gain_db": eq.output_gain_db})


def plain(found) -> tuple[list, float]:
    rows = [(b.kind, b.freq_hz, b.gain_db, b.bandwidth_oct, b.enabled) for b in found.bands.values()]
    return rows, found.output_gain_db


def rows_of(eq) -> tuple[list, float]:
    rows = [(str(b.kind), b.freq_hz, b.gain_db, b.bandwidth_oct, b.enabled) for b in eq.bands]
    return rows, eq.output_gain_db


def assert_alike(found, wanted) -> None:
    (rows, gain_db), (others, other_db) = found, wanted
    assert gain_db == pytest.approx(other_db, abs=1e-9)
    assert [(row[0], row[4]) for row in rows] == [(row[0], row[4]) for row in others]
    assert np.allclose([row[1:4] for row in rows], [row[1:4] for row in others], rtol=1e-9, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(EQS, HANDS, EQS, st.floats(-3, 3), st.floats(0, 1), st.sampled_from(["5.3", "5.4"]))
def test_the_actions_do_what_python_does(computed, changes, new, output_db, share, version):
    lua, held = RUNTIMES[version], by_hand(computed, changes, output_db)
    edits = lua.eval('(require("aeq.edits"))')
    tables = [in_lua(lua, one) for one in (computed, held, new)]
    assert edits.described(*tables[:2]) == described(computed, held)
    assert edits.signature(tables[1]) == signature(held)
    assert_alike(plain(edits.kept(*tables)), rows_of(kept(computed, held, new)))
    assert_alike(plain(edits.toward(tables[0], tables[1], share)), rows_of(toward(computed, held, share)))


@settings(max_examples=100, deadline=None)
@given(EQS, HANDS, st.floats(-3, 3))
def test_the_same_answer_again_is_what_the_hand_made(computed, changes, output_db):
    held = by_hand(computed, changes, output_db)
    found = kept(computed, held, computed)
    assert found.output_gain_db == pytest.approx(held.output_gain_db, abs=0.06)
    assert len(found.bands) == len(held.bands)
    for then in held.bands:
        assert any(alike(now, then) for now in found.bands), then


def alike(now: Band, then: Band) -> bool:
    return (
        (now.kind, now.enabled) == (then.kind, then.enabled)
        and now.freq_hz == pytest.approx(then.freq_hz, rel=6e-3)
        and now.bandwidth_oct == pytest.approx(then.bandwidth_oct, abs=0.03)
        and (now.kind in WITHOUT_GAIN or now.gain_db == pytest.approx(then.gain_db, abs=0.06))
    )


@settings(max_examples=100, deadline=None)
@given(EQS, EQS)
def test_without_a_hand_an_answer_stays_what_it_is(computed, new):
    assert described(computed, HeldEq(computed.bands, computed.output_gain_db)) == ""
    assert rows_of(kept(computed, HeldEq(computed.bands, computed.output_gain_db), new)) == rows_of(new)


@settings(max_examples=100, deadline=None)
@given(EQS, HANDS, st.floats(0, 1))
def test_what_a_word_has_learned_is_not_kept_twice(computed, changes, share):
    """The next answer has `share` of the edit by itself: together it is what the hand made, no more."""
    held = by_hand(computed, [change for change in changes if change[0] in ("gain", "freq", "width", "add")])
    later = toward(computed, held, share)
    found = kept(later, held, later)
    curves = [Eq(tuple(bands)).response_db(GRID_HZ, RATE) for bands in (found.bands, held.bands)]
    curves = [curve.clip(-100) for curve in curves]  # in the middle of a notch the last digit decides
    assert np.abs(curves[0] - curves[1]).max() < 0.35
    assert share > 0 or rows_of(later)[0][: len(computed.bands)] == rows_of(computed)[0]


SHELF, BELL, AIR = Band("low_shelf", 150, 3), Band("band", 400, -2, 1.5), Band("high_shelf", 8000, 2)
COMPUTED = Eq((SHELF, BELL, AIR), -0.5)


@pytest.mark.parametrize(
    ("bands", "text"),
    [
        ((SHELF, BELL, AIR), ""),
        ((SHELF, replace(BELL, gain_db=-0.5), AIR), "+1.5 dB at 400 Hz"),
        ((replace(SHELF, gain_db=1), BELL, replace(AIR, gain_db=4)), "-2.0 dB below 150 Hz, +2.0 dB above 8 kHz"),
        ((SHELF, replace(BELL, freq_hz=500), AIR), "400 Hz moved to 500 Hz"),
        ((SHELF, replace(BELL, bandwidth_oct=0.5), AIR), "narrower at 400 Hz"),
        ((SHELF, replace(BELL, enabled=False), AIR), "the band at 400 Hz off"),
        ((SHELF, AIR), "the band at 400 Hz off"),
        ((SHELF, BELL, AIR, Band("notch", 60)), "a notch at 60 Hz"),
        ((SHELF, BELL, AIR, Band("band", 3200, 1.5)), "+1.5 dB at 3.2 kHz"),
        ((SHELF, BELL, AIR, Band("band", 3200, 1.5, enabled=False), Band("band", 900, 0)), ""),
        ((replace(SHELF, kind="high_pass"), BELL, AIR), "a high-pass for the low shelf at 150 Hz"),
        ((SHELF, BELL, AIR, None), "a band of another kind"),
        ((SHELF, replace(BELL, gain_db=-2.04, freq_hz=401), AIR), ""),
    ],
)
def test_what_was_changed_is_said(bands, text):
    held = HeldEq(bands, -0.5)
    assert described(COMPUTED, held) == text


def test_a_change_without_its_band_goes_beside_the_next_answer_and_does_the_same():
    held = HeldEq((SHELF, replace(BELL, gain_db=-0.5), AIR, Band("notch", 60, 0, 0.1)), -0.5)
    new = Eq((Band("band", 3000, -4, 1),), 1.0)
    found = kept(COMPUTED, held, new)
    assert found.bands[0] == new.bands[0] and found.bands[1].kind == "notch" and found.output_gain_db == 1.0
    assert found.bands[2] == replace(BELL, gain_db=1.5)
    moved = HeldEq((SHELF, replace(BELL, freq_hz=700), AIR), -0.5)
    found = kept(COMPUTED, moved, new)
    change = [Eq(tuple(bands)).response_db(GRID_HZ, RATE) for bands in (moved.bands, COMPUTED.bands)]
    beside = [Eq(tuple(bands)).response_db(GRID_HZ, RATE) for bands in (found.bands, new.bands)]
    assert np.abs((change[0] - change[1]) - (beside[0] - beside[1])).max() < 1e-6


def test_a_hand_goes_along_with_its_band():
    """Another intensity, a slightly other place: the hand's 1.5 dB stay 1.5 dB."""
    held = HeldEq((SHELF, replace(BELL, gain_db=-0.5, freq_hz=440), AIR), -0.5)
    new = Eq((replace(SHELF, gain_db=1.5), replace(BELL, gain_db=-1, freq_hz=420), replace(AIR, gain_db=1)), 0)
    low, bell, high = kept(COMPUTED, held, new).bands
    assert (low, high) == (new.bands[0], new.bands[2])
    assert (bell.freq_hz, bell.gain_db, bell.bandwidth_oct) == pytest.approx((462.0, 0.5, 1.5))
