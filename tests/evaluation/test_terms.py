"""`evaluate terms`: the law "charted" counts what it should, and presets are read as the curves they are."""

from __future__ import annotations

import json

import pytest
import torch

from reaper_aeq.cli.main import main
from reaper_aeq.dsp.response import eq_response_db
from reaper_aeq.eq import Band, BandKind, Eq
from reaper_aeq.evaluation.terms import TWO_SIDED, TermReport, has_sides, law_charted, preset_curve, reaches, run_terms
from reaper_aeq.model.curves import GRID, center


def bell(hz: float, octaves: float = 1.0) -> torch.Tensor:
    return 4 * torch.exp(-0.5 * ((GRID / hz).log2() / octaves).square())


@pytest.mark.parametrize(("hz", "sign", "met"), [(1000, 1, True), (720, 1, True), (1900, 1, False), (480, 1, False)])
def test_within_half_an_octave_in_the_charted_direction(hz, sign, met):
    assert reaches(bell(hz, 0.3), 900, 1200, sign) is met
    assert reaches(-bell(hz, 0.3), 900, 1200, -sign) is met


def test_a_plateau_counts_as_its_extremum():
    wide = torch.where(GRID > 5000, 3.0, 0.0) + 0.3 * (GRID / 20_000)
    assert reaches(wide, 5000, 6000, 1) and not reaches(torch.where(GRID > 5000, GRID / 2000, 0.0), 5000, 6000, 1)


SIDES = ((130.0, 170.0, 1), (3000.0, 10_000.0, -1))


def test_a_word_of_two_sides_has_both_where_charts_put_them_and_they_can_be_heard():
    assert has_sides(bell(150) - bell(5000), SIDES)
    assert not has_sides(0.2 * (bell(150) - bell(5000)), SIDES), "0.8 dB"
    assert not has_sides(bell(150) - 0.2 * bell(5000), SIDES) and not has_sides(bell(150), SIDES)
    assert not has_sides(bell(5000) - bell(150), SIDES), "the other way round"
    assert not has_sides(bell(600) - bell(5000), SIDES) and not has_sides(bell(150) - bell(1000), SIDES), "elsewhere"
    assert not has_sides(bell(150) - bell(5000), SIDES[:1]), "charts state one side only"


def report(verdict: str, kinds=None) -> TermReport:
    return TermReport("x", "x", 1.0, 2.0, 1, 1.0, 1.0, 0, 5, None, verdict, kinds or {})


def test_the_law_wants_none_unknown_and_54_of_59():
    good = [report("pass", {"bass": "pass", "keys": "FAIL"})]
    assert law_charted(good * 54 + [report("FAIL")] * 5)[0]
    assert not law_charted(good * 53 + [report("FAIL")] * 6)[0]
    assert not law_charted(good * 53 + [report("people")] * 6)[0]
    kept, said = law_charted(good * 58 + [report("UNKNOWN")])
    assert not kept and "58 of 59" in said and "1 unknown" in said and "58 of 116" in said


def test_a_presets_bands_are_its_curve():
    curve = preset_curve("bell:1000:4:1.0;highshelf:8000:-2:0.71;dynbell:300:9:1;odd")
    eq = Eq((Band(BandKind.BAND, 1000, 4.0, 1.388), Band(BandKind.HIGH_SHELF, 8000, -2.0, 1.0)))
    wanted = center(torch.from_numpy(eq_response_db(eq, GRID.numpy(), 48_000)))
    torch.testing.assert_close(curve, wanted, atol=0.05, rtol=0)
    drawn = preset_curve("graphic:100:3:;graphic:1000:0:;graphic:10000:-3:")
    assert float(drawn[0]) == pytest.approx(3.0, abs=0.3) and float(drawn[-1]) == pytest.approx(-3.0, abs=0.3)
    assert preset_curve("lowshelf_boost:60:5:") is None and preset_curve("") is None


@pytest.mark.shared
def test_the_shipped_words_are_charted(shared_dir):
    terms, presets = run_terms(shared_dir / "data")
    kept, said = law_charted(terms)
    assert kept, said
    assert {one.term: one.verdict for one in terms if one.term in TWO_SIDED} == dict.fromkeys(TWO_SIDED, "pass")
    assert len(terms) == 59 and {"mix", "bass"} <= set(next(t for t in terms if t.term == "presence").kinds)
    alike = {one.term: one.correlation for one in presets if one.presets >= 10}
    assert len(alike) >= 7 and all(value > 0 for value in alike.values())
    assert alike["presence"] > 0.6 and alike["less muddy"] > 0.5 and alike["telephone"] > 0.6


@pytest.mark.shared
def test_the_command_prints_every_term(shared_dir, capsys):
    data = str(shared_dir / "data")
    assert main(["evaluate", "terms", "--data", data]) == 0
    out = capsys.readouterr().out
    assert "sibilant" in out and "charted: 5" in out and "named presets" in out
    assert main(["evaluate", "terms", "--data", data, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["passed"] and len(answer["terms"]) == 59 and answer["terms"][0]["verdict"] == "pass"
