"""Gradient steps on the bands: nearer to the word's region, never at the cost of a law, the same for one and many."""

from __future__ import annotations

import method_laws as laws
import numpy as np
import pytest
import torch
from method_sounds import RATE, SOUNDS, noise
from typer.testing import CliRunner

from reaper_aeq import AdaptiveEQ
from reaper_aeq.cli.main import app
from reaper_aeq.dsp.fit import DEFAULT_KINDS
from reaper_aeq.dsp.response import params_from_eq, response_db
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import BandKind
from reaper_aeq.errors import AeqError, AudioError, RangeError
from reaper_aeq.methods import adaptive, refine
from reaper_aeq.methods.answers import find_eqs
from reaper_aeq.methods.method import MethodInput
from reaper_aeq.methods.refine import heard_response
from reaper_aeq.methods.refine.constraints import (
    FEW,
    NEAR_SHARE,
    constrained_mean,
    keeps_constraints,
    raw_scores,
)
from reaper_aeq.methods.validation import AnalyzedRequest, validated
from reaper_aeq.model.curves import GRID, projection, rms_db
from reaper_aeq.model.score import axes, standard_scores
from reaper_aeq.request import EqRequest

AS_NEAR_AS_BANDS_DB = 0.45  # RMS: how far few bands are from a curve in the worse half of cases


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


def request_of(engine: AdaptiveEQ, sound: np.ndarray, word: str = "warm", **options) -> MethodInput:
    asked = AnalyzedRequest(engine.analyze(sound, RATE), EqRequest(word, **options))
    return engine.requests([validated(asked, engine.words)])[0]


def found(engine: AdaptiveEQ, name: str, word: str, **options):
    """Bands at intensity 1, before what is done to every method's."""
    request = request_of(engine, SOUNDS[name], word, **options)
    method = validated(
        AnalyzedRequest(engine.analyze(SOUNDS[name], RATE), EqRequest(word, **options)), engine.words
    ).method
    return request, find_eqs(engine.eq_model, [method], [request])[0]


def test_null(engine):
    laws.null(engine, method="refine")


def test_level(engine):
    laws.level(engine, method="refine")


@pytest.mark.parametrize(("name", "word"), [("usual", "bright")])
def test_monotone(engine, name, word):
    laws.monotone(engine, name, word, method="refine")


@pytest.mark.parametrize("name", SOUNDS)
def test_safe(engine, name):
    laws.safe(engine, name, "bright" if name == "a bass" else "warm", method="refine", refine=30)


@pytest.mark.parametrize(("name", "word"), list(zip(SOUNDS, ("warm", "bright") * 3, strict=False)))
def test_never_further_from_the_region_than_the_start(engine, name, word):
    # of a bass's top next to nothing may be lifted, which holds both
    for method, most in (("fixed", 0.9 if name == "a bass" else 0.8), ("adaptive", 1.0)):
        request, start = found(engine, name, word, method=method)
        end = found(engine, name, word, method=method, refine=50)[1]
        aims = refine.Aims.of([request], params_from_eq(start)[1], "cpu")
        errors = [float(aims.errors(aims.response(params_from_eq(eq)[0][None]))[0].sqrt()) for eq in (start, end)]
        # what starts as near as few bands come anyway (the mean curve on a sound that is as usual) is only not worsened
        assert errors[1] <= max(most * errors[0], min(errors[0], AS_NEAR_AS_BANDS_DB)), errors


def test_more_steps_go_further_and_none_go_nowhere(engine):
    request, start = found(engine, "thin", "warm", method="fixed")
    assert found(engine, "thin", "warm", method="fixed", refine=0)[1] == start
    aims = refine.Aims.of([request], params_from_eq(start)[1], "cpu")
    ends = [found(engine, "thin", "warm", method="fixed", refine=steps)[1] for steps in (5, 50)]
    errors = [float(aims.errors(aims.response(params_from_eq(eq)[0][None]))[0]) for eq in (start, *ends)]
    assert errors[0] > errors[1] > errors[2]


def test_the_method_is_adaptive_with_fifty_steps(engine):
    one = engine.adapt(SOUNDS["thin"], RATE, "warm", method="refine", kind="mix")
    other = engine.adapt(SOUNDS["thin"], RATE, "warm", refine=50, kind="mix")
    assert one.eq == other.eq != engine.adapt(SOUNDS["thin"], RATE, "warm", kind="mix").eq
    assert (one.method, other.method) == ("refine", "adaptive")
    plain = engine.adapt(SOUNDS["thin"], RATE, "warm", method="refine", refine=0)
    assert plain.eq == engine.adapt(SOUNDS["thin"], RATE, "warm").eq


def test_together_or_alone(engine):
    asked = [
        AnalyzedRequest(engine.analyze(SOUNDS[name], RATE), EqRequest(word, method=method, refine=20))
        for name, word, method in zip(
            ("usual", "thin", "a bass"), ("warm", "bright", "warm"), ("fixed", "adaptive", "fixed"), strict=True
        )
    ]
    for one, together in zip(asked, engine.adapt_many(asked), strict=True):
        alone = engine.adapt_many([one])[0]
        apart = alone.eq.response_db(GRID_HZ, RATE) - together.eq.response_db(GRID_HZ, RATE)
        assert np.abs(apart).max() < 0.05


def test_the_region_gives_as_much_of_the_word_and_stays_near(engine):
    for name in SOUNDS:
        asked = request_of(engine, SOUNDS[name])
        adapted, center = adaptive.curve(asked), constrained_mean(asked)
        axis = axes(asked.mean_db[None], asked.residual_cov)[0]
        assert float(axis @ (center - adapted)) == pytest.approx(0, abs=1e-3 * float(axis @ asked.mean_db))
        assert float(projection(center - adapted, asked.mean_db)) == pytest.approx(0, abs=1e-3)
        assert 0 < float(rms_db(center - adapted)) < NEAR_SHARE * float(rms_db(asked.mean_db))
    assert torch.equal(constrained_mean(request_of(engine, SOUNDS["thin"], adaptation=0.0)), asked.mean_db)
    nothing = constrained_mean(request_of(engine, SOUNDS["thin"], {"warm": 1.0, "less warm": 1.0}))
    assert float(nothing.abs().max()) < 1e-6


def test_of_a_word_with_few_settings_the_region_is_where_adaptive_goes(engine):
    for word, few in (("boomy", True), ("thin", True), ("airy", False)):
        asked = request_of(engine, SOUNDS["usual"], word)
        assert (asked.word.evidence.settings < FEW) == few
        assert torch.equal(constrained_mean(asked), adaptive.curve(asked)) == few


def test_bands_move_for_a_gain_that_is_worth_it_or_not_at_all(engine):
    moved = []
    for name, word in (("usual", "boomy"), ("heavy", "boomy"), ("heavy", "thin"), ("a bass", "muddy")):
        request, start = found(engine, name, word)
        aims = refine.Aims.of([request], params_from_eq(start)[1], "cpu")
        end = found(engine, name, word, refine=50)[1]
        before, after = (float(aims.price(params_from_eq(eq)[0][None], aims.response)[0]) for eq in (start, end))
        moved.append(end != start)
        assert end == start or after < before - refine.WORTH_IT_DB
    assert any(moved) and not all(moved)


def test_what_breaks_a_law_is_seen(engine):
    asked, start = found(engine, "a bass", "bright")
    params, kinds = params_from_eq(start)
    aims = refine.Aims.of([asked], (*kinds, BandKind.HIGH_SHELF), "cpu")
    start = torch.cat((params, torch.tensor([[6000.0, 0.0, 1.0]])))[None]
    hiss, opposite = start.clone(), start.clone()
    hiss[0, -1, 1] = 8.0  # brighter, where there is nothing but hiss
    opposite[..., 1] *= -1

    def respond(bands: torch.Tensor) -> torch.Tensor:
        return aims.comes_out(aims.response(bands))

    kept = keeps_constraints([asked], respond, aims.limit, start, torch.stack((start, hiss, opposite), 1))
    assert (aims.broken(torch.stack((start, hiss), 1)) > 0).all()  # a shelf without sound
    assert kept.tolist() == [[True, False, False]]


def test_scores_of_many_are_those_of_one(engine):
    asked = [request_of(engine, SOUNDS[name], word) for name, word in (("thin", "warm"), ("a bass", "bright"))]
    curves = torch.stack([engine.curve_of(word) for word in ("deep", "airy", "warm")]).expand(2, -1, -1)
    for row, one, many in zip(curves, asked, raw_scores(asked, curves), strict=True):
        seen = one.observation
        after = [engine.encoder.compare(seen.ltas_db + c, seen.usual, seen.in_reach, engine.eq_model) for c in row]
        single = torch.stack([standard_scores(one.mean_db[None], a.balance_db, one.residual_cov)[0] for a in after])
        assert torch.allclose(many / many[0], single / single[0], rtol=1e-4, atol=1e-4)


def test_what_dasp_does_to_a_waveform_is_reaeqs_response():
    sound = torch.from_numpy(noise(-3.0, 5, seconds=3.0))
    rows = [[120.0, 5.0, 1.0], [500.0, -6.0, 1.5], [1500.0, 3.0, 2.0], [3000.0, 0.0, 1.0], [7e3, 4.0, 1.0]]
    params = torch.tensor([rows], dtype=torch.float64)
    gained = heard_response(sound, DEFAULT_KINDS, RATE)(params)
    inside = (GRID > 50) & (GRID < 16_000)
    assert float((gained - response_db(params, DEFAULT_KINDS, GRID, RATE))[:, inside].abs().max()) < 0.35


def test_exact(engine):
    sound = noise(-1.5, 1, seconds=0.5)

    def response(samples=None, **options) -> np.ndarray:
        """Of the bands before they are rounded."""
        request = EqRequest("warm", method="fixed", **options)
        asked = AnalyzedRequest(engine.analyze(sound, RATE), request, samples)
        checked = validated(asked, engine.words)
        eq = find_eqs(engine.eq_model, [checked.method], engine.requests([checked]))[0]
        return eq.response_db(GRID_HZ, RATE)

    plain, quick, exact = response(), response(refine=8), response(sound, refine=8)
    assert 0 < np.std(exact - quick) < 0.3 * np.std(exact - plain)
    answer = engine.adapt(sound, RATE, "warm", method="fixed", refine=8, exact=True)
    assert np.abs(answer.eq.response_db(GRID_HZ, RATE) - exact).max() < 0.2


def test_what_cannot_be_asked(engine, tmp_path):
    for steps in (-1, 501):
        with pytest.raises(RangeError, match="refine must lie between 0 and 500"):
            engine.adapt(SOUNDS["thin"], RATE, "warm", refine=steps)
    long = np.tile(SOUNDS["thin"][:1], 61)
    with pytest.raises(AudioError, match="at most 60 s"):
        engine.adapt(long, RATE, "warm", refine=2, exact=True)
    for options in (["--exact"], ["--exact", "--method", "refine", "--refine", "0"]):
        result = CliRunner().invoke(app, ["adapt", str(tmp_path / "none.wav"), "warm", *options])
        assert isinstance(result.exception, AeqError) and "--exact needs --method refine" in str(result.exception)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same_bands(engine):
    engines = (engine, AdaptiveEQ.load(device="cuda"))
    for method in ("refine", "proxy"):
        results = [one.adapt(SOUNDS["thin"], RATE, "warm", method=method) for one in engines]
        both = [result.eq.response_db(GRID_HZ, RATE) for result in results]
        assert np.abs(both[0] - both[1]).max() < 0.05
