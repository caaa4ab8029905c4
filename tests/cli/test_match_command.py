"""`reaper-aeq match` on real files with models made by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from json_eq import eq_from_json
from sounds import RATE, noise, store

from reaper_aeq.dsp.analyze_file import analyze_file
from reaper_aeq.dsp.audio import read_audio
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.eq import Band, Eq
from reaper_aeq.errors import AeqError
from reaper_aeq.methods.reference import Matching
from reaper_aeq.model.curves import COMPARED, GRID, center, rms_db
from reaper_aeq.model.kinds import KINDS
from reaper_aeq.request import MatchRequest
from reaper_aeq.result.result import with_loudness

WARM = Eq((Band("low_shelf", 250, 5.0), Band("band", 2000, -3.0, 2.0), Band("high_shelf", 6000, -4.0)))
OUTPUTS = ("-o", "out.wav", "--fxchain", "out.RfxChain", "--plot", "out.png")


@pytest.fixture(scope="session", autouse=True)
def matching(tiny_models) -> Path:
    """Broad EQs of 4 dB, content a third of an octave wide, beside the other models."""
    octaves = GRID.log2()
    apart = (octaves[:, None] - octaves).square()
    flat = 0.01 * torch.eye(len(GRID)).double()
    Matching(16 * torch.exp(-0.2 * apart) + flat, 6 * torch.exp(-5 * apart) + flat).save(tiny_models, {})
    return tiny_models


@pytest.fixture
def wet(song, tmp_path) -> Path:
    """The song through an EQ, 12 dB lower, at another rate of bits."""
    sound = WARM.apply(read_audio(song)[0], RATE) / 4
    return store(tmp_path / "wet.flac", sound, subtype="PCM_24")


def curve_of(answer: dict) -> torch.Tensor:
    eq = eq_from_json(answer)
    return torch.from_numpy(eq.response_db(GRID.numpy(), RATE))


TRUTH = torch.from_numpy(WARM.response_db(GRID.numpy(), RATE))


def test_the_answer_as_json(run, song, wet):
    code, out, err = run("match", song, wet, "--json")
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert list(answer) == [
        "file", "sample_rate", "channels", "duration_s", "kind", "outputs",
        "word", "intensity", "method", "score", "confidence", "explanation", "output_gain_db", "bands",
        "references", "by", "distance_db",
    ]  # fmt: skip
    assert (answer["word"], answer["method"], answer["by"]) == (None, "reference", "posterior")
    assert answer["references"] == [str(wet)]
    assert answer["kind"] in ("unsure", "melodic", *KINDS)  # as in `adapt`; it was "full", of another list
    assert answer["distance_db"]["after"] < 0.3 < 2 < answer["distance_db"]["before"]
    assert answer["score"]["after"] > 0.9 > 0.7 > answer["score"]["before"] and answer["confidence"] > 0.5
    assert float(rms_db(curve_of(answer) - TRUTH)) < 0.3


@pytest.mark.parametrize("by", ["ltas", "encoder"])
def test_the_other_ways_find_it_too(run, song, wet, by):
    answer = json.loads(run("match", song, wet, "--by", by, "--json")[1])
    assert answer["by"] == by and float(rms_db(curve_of(answer) - TRUTH)) < 1.0


def test_sound_chain_and_picture(tmp_path, monkeypatch, run, song, wet):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("match", "song.wav", "wet.flac", *OUTPUTS, "--intensity", "0.8")
    assert (code, err) == (0, "") and sorted(os.listdir()) == ["out.RfxChain", "out.png", "out.wav", *sorted_names()]
    for part in ("dB from the reference's. ", "likeness 0.", "output gain", "wrote out.wav"):
        assert part in out, out
    assert '"AEQ match: wet 80%"' in Path("out.RfxChain").read_text()
    assert Path("out.png").read_bytes().startswith(b"\x89PNG")
    before, after = (read_audio(name)[0] for name in ("song.wav", "out.wav"))
    assert after.shape == before.shape and np.abs(after - before).max() > 0.01


def sorted_names() -> list[str]:
    return ["song.wav", "wet.flac"]


def test_weights(run, tmp_path, song, wet):
    answers = []
    for weights in ("1,0.001", "1, 1", "0.001,1"):
        answer = json.loads(run("match", song, wet, song, "--weights", weights, "--json")[1])
        assert answer["references"] == [str(wet), str(song)]
        answers.append(float(center(curve_of(answer)) @ center(TRUTH) / center(TRUTH).square().sum()))
    assert answers == pytest.approx([1.0, 0.5, 0.0], abs=0.07)
    assert "the mean of 2 references" in run("match", song, wet, song)[1]


def test_intensity(run, song, wet):
    none, half, full, twice = (
        json.loads(run("match", song, wet, "--intensity", str(value), "--json")[1]) for value in (0, 0.5, 1, 2)
    )
    assert all(band["gain_db"] == 0 for band in none["bands"]) and "Intensity 0 changes nothing" in none["explanation"]
    assert float(rms_db(curve_of(half) - 0.5 * TRUTH)) < 0.3 and float(rms_db(curve_of(twice) - 2 * TRUTH)) < 0.6
    assert half["score"]["after"] < full["score"]["after"]


def test_outside_of_the_limits_the_eq_is_flat(run, song, wet):
    answer = json.loads(run("match", song, wet, "--low", "400", "--high", "3000", "--json")[1])
    curve = curve_of(answer)
    outside = (GRID < 400 / 2) | (GRID > 3000 * 2)
    assert float(curve[outside & COMPARED].abs().max()) < 0.6
    inside = (GRID > 500) & (GRID < 2400)
    off = (curve - TRUTH)[inside]
    assert float((off - off.mean()).abs().max()) < 1.0


def test_a_smoother_eq(run, song, wet):
    rough, smooth = (
        curve_of(json.loads(run("match", song, wet, "--smoothing", width, "--json")[1])) for width in ("0", "4")
    )
    assert float(smooth[COMPARED].diff(n=2).norm()) < 0.5 * float(rough[COMPARED].diff(n=2).norm())


REQUESTS = {
    "no reference": ([], "Missing argument 'REF...'"),
    "weights too few": (
        ["wet.flac", "song.wav", "--weights", "1"],
        "each reference needs one weight, not 1 weight for 2 references",
    ),
    "weights of words": (["wet.flac", "--weights", "all"], "cannot read the weights 'all'"),
    "weight of nothing": (["wet.flac", "--weights", "0"], "the weight of a reference must be a number above 0"),
    "intensity": (["wet.flac", "--intensity", "-1"], "intensity must lie between 0 and 2, not -1"),
    "limits": (["wet.flac", "--low", "500", "--high", "400"], "nothing can be matched from 500 to 400 Hz"),
    "limit": (["wet.flac", "--high", "99999"], "the upper limit in Hz must lie between 20 and 20000"),
    "smoothing": (["wet.flac", "--smoothing", "5"], "the smoothing in octaves must lie between 0 and 4"),
    "way": (["wet.flac", "--by", "ear"], "unknown way to match 'ear'"),
    "silent reference": (["silent.wav"], "silent.wav is silent"),
    "reference missing": (["gone.wav"], "gone.wav does not exist"),
    "one of two silent": (["wet.flac", "silent.wav"], "silent.wav is silent"),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_what_cannot_be_done_is_one_sentence_and_leaves_no_file(tmp_path, monkeypatch, run, song, wet, kind):
    arguments, sentence = REQUESTS[kind]
    monkeypatch.chdir(tmp_path)
    store(tmp_path / "silent.wav", np.zeros((2, RATE)))
    before = sorted(os.listdir())
    code, out, err = run("match", "song.wav", *arguments, *OUTPUTS)
    assert code == 2 and out == "" and err.count("\n") == 1
    assert err.startswith("error: ") and sentence in err, err
    assert sorted(os.listdir()) == before


def test_arrays_and_files_get_the_same_eq(matching, song, wet):
    engine = AdaptiveEQ.load(matching, device="cpu")
    dry, processed = read_audio(song)[0], read_audio(wet)[0]
    by_array = engine.match(dry, RATE, torch.from_numpy(processed), RATE)
    heard, other = analyze_file(str(song)), analyze_file(str(wet))
    by_file = with_loudness(engine.match_analysis(heard.analysis, [other.analysis], [str(wet)], MatchRequest()), heard)
    assert by_array.eq == by_file.eq and by_array.references == ("reference 1",) and by_file.references == (str(wet),)
    for gain in (0.03, 2.0):
        louder = engine.match(dry * gain, RATE, [processed, processed * 0.1], RATE).eq
        freqs_hz = GRID[COMPARED].numpy()
        assert np.abs(louder.response_db(freqs_hz, RATE) - by_array.eq.response_db(freqs_hz, RATE)).max() < 0.1
    with pytest.raises(AeqError, match="reference 2 is silent"):
        engine.match(dry, RATE, [processed, 0 * processed], [RATE, RATE])
    with pytest.raises(AeqError, match="each reference needs one sample rate, but there are 2 and 1"):
        engine.match(dry, RATE, [processed, processed], [RATE])
    silent = engine.match(0 * dry, RATE, processed, RATE)
    assert silent.eq == Eq() and silent.confidence == 0


def test_a_reference_at_another_rate(matching, tmp_path, song):
    engine = AdaptiveEQ.load(matching, device="cpu")
    dry = read_audio(song)[0]
    half = dry[:, ::2]  # white enough for this: its top octave folds down, its balance below stays
    result = engine.match(dry, RATE, half, RATE // 2)
    held = result.target_low_db[GRID.numpy() > 12_000]
    assert np.isnan(held).all() and np.isfinite(result.target_low_db).sum() > 40


def test_silence_in_the_source_is_not_lifted(matching, tmp_path):
    engine = AdaptiveEQ.load(matching, device="cpu")
    dry = noise(1, 2.0)[0]
    spectrum, freqs = np.fft.rfft(dry), np.fft.rfftfreq(len(dry), 1 / RATE)
    dull = np.fft.irfft(np.where(freqs > 5000, 1e-5, 1) * spectrum, len(dry)).astype(np.float32)
    bright = Eq((Band("high_shelf", 3000, 10.0),)).apply(dry, RATE)
    result = engine.match(dull, RATE, bright, RATE)
    top = GRID.numpy()[(GRID.numpy() > 6500) & (GRID.numpy() < 16_000)]
    assert (result.eq.response_db(top, RATE) + result.eq.output_gain_db).max() <= 3.0


@pytest.mark.shared
def test_an_eq_on_real_music_is_recovered(shared_dir):
    engine = AdaptiveEQ.load(device="cpu")
    pairs, halves = [], []
    for path in sorted((shared_dir / "audio").glob("surge_*"))[:5]:
        sound, rate = read_audio(path)
        wet, half = WARM.apply(sound, rate), sound.shape[1] // 2
        truth = torch.from_numpy(WARM.response_db(GRID.numpy(), rate))
        for errors, source, reference in ((pairs, sound, wet), (halves, sound[:, :half], wet[:, half:])):
            result = engine.match(source, rate, reference, rate)
            errors.append(float(rms_db(torch.from_numpy(result.eq.response_db(GRID.numpy(), rate)) - truth)))
    assert np.median(pairs) < 0.3 and np.median(halves) < 2.0, (pairs, halves)
