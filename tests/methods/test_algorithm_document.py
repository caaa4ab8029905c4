"""`docs/algorithm.md` is enough to write the program's central idea again: `from_the_document` did, and agrees with it.

Spectra, and what of them tells how bands move, are single precision in the program: they are compared by themselves.
From there on, the same numbers in, curves and scores agree within 1e-6.
"""

from __future__ import annotations

import ast
import json
import re
from functools import lru_cache
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import from_the_document as page
import numpy as np
import pytest
import soundfile

from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.methods.adaptive import curves
from reaper_aeq.methods.validation import AnalyzedRequest, validated
from reaper_aeq.model.kinds import KINDS
from reaper_aeq.model.usual import features
from reaper_aeq.request import EqRequest
from reaper_aeq.result.realization import fit_target

SAME = 1e-6  # dB, or of a score's 0..1, where the same spectra go in
# dB, of a feature's spread, or of a score, from samples: what single precision leaves of bands 70 dB under the loudest.
NEAR = 5e-4
# People's and charts', half of which mean something else for some kinds; a hum has no room for the last two.
WORDS = ("warm", "bright", "muddy", "airy", "presence", "deep", "tinny", "thin")
ADAPTATIONS = (0.0, 0.25, 0.5, 0.6, 0.9)
NAMES = {None: (), "Lead Vox": ("vocals",), "guitar and piano": ("guitar", "keys")}
PAGE = Path(__file__).parents[2] / "docs/algorithm.md"


def noise(rate, seconds, tilt_db_per_oct, channels=1, low_hz=25.0, high_hz=24e3):
    count, draw = round(rate * seconds), np.random.default_rng(1)
    hz = np.fft.rfftfreq(count, 1 / rate)
    gain = (np.maximum(hz, 25) / 1000) ** (tilt_db_per_oct / 6.02) * ((hz >= low_hz) & (hz <= high_hz))
    sound = np.fft.irfft(np.fft.rfft(draw.standard_normal((channels, count))) * gain, count)
    return 0.05 * sound / sound.std()


def notes(rate, seconds, first_hz, channels=1):
    """A note a second, each a third higher, whose partials decay; the right channel comes 2 ms later."""
    t = np.arange(round(rate * seconds)) / rate
    pitch = first_hz * 2 ** (np.floor(t) / 3)
    partials = (np.sin(2 * np.pi * pitch * k * t) * k**-1.5 * np.exp(-(1 + 0.3 * k) * (t % 1)) for k in range(1, 30))
    left = 0.1 * sum(partials)
    return np.stack([left, 0.7 * np.roll(left, round(0.002 * rate))])[:channels]


def beats(rate, seconds, decay=8, every_s=0.5):
    """And a second of rest."""
    fall = np.exp(-decay * (np.arange(round(rate * seconds)) / rate % every_s))
    sound = noise(rate, seconds, -3) * fall
    return np.hstack([sound, np.zeros((1, rate))])


SOUNDS = {
    "beats and a rest": (48_000, lambda rate: beats(rate, 3)),
    "even noise, stereo": (44_100, lambda rate: noise(rate, 2, -4.5, 2)),
    "notes, stereo": (44_100, lambda rate: notes(rate, 5, 110, 2) + noise(rate, 5, -3, 2) / 5),
    "bass and hiss, twice the same channel": (48_000, lambda rate: np.repeat(low(rate), 2, 0)),
    "a hundred seconds": (16_000, lambda rate: beats(rate, 100)),
    "one short note": (48_000, lambda rate: notes(rate, 0.1, 440)),
    "a dull bass": (44_100, lambda rate: noise(rate, 2, -3, high_hz=1500)),
    "only a hiss": (48_000, lambda rate: noise(rate, 2, 0, 2, low_hz=2500)),
    "a click now and then": (48_000, lambda rate: beats(rate, 8, decay=60, every_s=2)),
    "a hum": (44_100, lambda rate: noise(rate, 2, -3, low_hz=60, high_hz=90)),
}


def low(rate):
    return notes(rate, 4, 55) + noise(rate, 4, -5) / 3


@pytest.fixture(scope="module")
def engine():
    return AdaptiveEQ.load(device="cpu")


@lru_cache
def shipped():
    rows = json.loads((page.MODELS / "words.json").read_text())["words"]
    return SimpleNamespace(usual=page.tensors("usual"), words=page.tensors("words"), rows=rows, eq=page.tensors("eq"))


@lru_cache
def sound_of(name):
    """(channels, samples) and their rate; faint noise is in all of them, as single precision ends above silence."""
    rate, make = SOUNDS[name]
    sound = make(rate)
    return (sound + np.random.default_rng(2).normal(0, 1e-4, sound.shape)).astype(np.float32), rate


def in_the_pages_words(analysis):
    return page.Measured(analysis.ltas_db().numpy(), features(analysis).numpy(), analysis.in_reach.numpy())


@pytest.fixture(scope="module")
def heard(engine):
    """From a sound's name to what the program measures of it, and the page."""

    @lru_cache
    def measured(name):
        analysis = engine.analyze(*sound_of(name))
        return analysis, in_the_pages_words(analysis), page.measured(*sound_of(name))

    return measured


def by_page(measured, words, said=()):
    """(what is usual, the sound against it, [each word as it is meant here])"""
    files = shipped()
    usual = page.usual(files.usual, measured.features, page.name_says(*said) if said else None)
    seen = page.compared(measured.ltas, measured.reach, usual)
    decoder = files.eq["decoder.weight"]
    return usual, seen, [page.word(files.words, files.rows, decoder, word, usual.kinds) for word in words]


def curves_by_page(measured, asked, said=()):
    """(n, 59) dB for [(word, adaptation)]."""
    names = tuple(dict.fromkeys(word for word, _ in asked))
    usual, seen, words = by_page(measured, names, said)
    meant = dict(zip(names, words, strict=True))
    return np.stack([page.curve(measured.ltas, seen, usual, meant[word], part) for word, part in asked])


def by_program(engine, analysis, adaptations, name=None, words=WORDS):
    """[(word, adaptation)], what the method is asked for each, and its curves (n, 59) dB."""
    asked = list(product(words, adaptations))
    each = [AnalyzedRequest(analysis, EqRequest(word, adaptation=part, name=name)) for word, part in asked]
    requests = engine.requests([validated(one, engine.words) for one in each])
    return asked, requests, curves(requests)


def test_kinds_are_in_the_order_of_the_page():
    assert tuple(KINDS) == page.KINDS


@pytest.mark.parametrize("name", SOUNDS)
def test_what_is_measured(heard, name):
    _, program, written = heard(name)
    assert (np.isnan(written.features) == np.isnan(program.features)).all()
    assert (written.reach == program.reach).all()
    off_db = np.abs(written.ltas - program.ltas).max()
    off = np.nanmax(np.abs(written.features - program.features) / shipped().usual["feature_scale"])
    print(f"{name}: LTAS {off_db:.1e} dB, features {off:.1e} of their spread")
    assert max(off_db, off) < NEAR


@pytest.mark.parametrize("said", NAMES)
@pytest.mark.parametrize("name", SOUNDS)
def test_the_curve(engine, heard, name, said):
    analysis, program, written = heard(name)
    asked, _, expected = by_program(engine, analysis, ADAPTATIONS, said)
    for label, measured, within in (("from the same spectra", program, SAME), ("from samples", written, NEAR)):
        found = curves_by_page(measured, asked, NAMES[said])
        off = np.abs(found - expected.numpy()).max()
        print(f"{name}, named {said}, {label}: {off:.1e} dB")
        assert off < within


@pytest.mark.parametrize("tilt_db_per_oct", [-14, -9, 3, 6])
def test_every_word_within_its_bounds(engine, tilt_db_per_oct):
    """Noise so steep that answers have to be held: for a narrow source, for one between, for a wide one."""
    sound = noise(44_100, 2, tilt_db_per_oct) + np.random.default_rng(2).normal(0, 1e-4, (1, 88_200))
    analysis = engine.analyze(sound.astype(np.float32), 44_100)
    asked, _, expected = by_program(engine, analysis, (0.5,), words=tuple(engine.words))
    off = np.abs(curves_by_page(in_the_pages_words(analysis), asked) - expected.numpy()).max()
    print(f"{tilt_db_per_oct} dB an octave: {off:.1e} dB")
    assert off < SAME


@pytest.mark.parametrize("name", SOUNDS)
def test_the_score(engine, heard, name):
    analysis, program, written = heard(name)
    profile = engine.profile_analysis(analysis)
    for label, measured, within in (("from the same spectra", program, SAME), ("from samples", written, NEAR)):
        usual, seen, words = by_page(measured, profile)
        off = max(
            abs(page.score(seen, usual, meant) - expected)
            for meant, expected in zip(words, profile.values(), strict=True)
        )
        print(f"{name}, {label}: {off:.1e}")
        assert off < within
    assert profile["warm"] == pytest.approx(engine.score(*sound_of(name), "warm"), abs=1e-12)


@pytest.mark.parametrize("name", SOUNDS)
def test_what_bands_are_searched_for(engine, heard, name):
    """The program rounds to hundredths; before that it agrees, as far as single precision in the codes lets it."""
    analysis, program, _ = heard(name)
    blocks = page.gating_blocks(analysis.band_power.double().numpy(), analysis.frame_rate)
    usual, seen, words = by_page(program, WORDS)
    weight = page.importance(program.ltas, seen.visible)
    meant = dict(zip(WORDS, words, strict=True))
    for (word, part), request, curve in zip(*by_program(engine, analysis, (0.5, 0.9)), strict=True):
        code = engine.eq_model.encode(curve.float())
        expected = fit_target(engine.eq_model, code, request.observation, request.loudness, request.mean_db)
        found = page.curve(program.ltas, seen, usual, meant[word], part)
        found = page.target(shipped().eq, found, meant[word].m, program.ltas, seen.visible, blocks)
        assert np.abs(found - expected.target_db.numpy()).max() < 0.005 + 1e-5
        assert np.abs(weight - expected.weight.numpy()).max() < 0.005 + SAME
        limit = np.minimum(page.most_lift(program.ltas) + 0.4, page.may_be_lifted(program.ltas))
        assert np.abs(limit - expected.most_db.numpy()).max() < SAME


@pytest.mark.shared
def test_the_curve_of_recordings(engine, shared_dir):
    """A few of the team's, ten seconds each: the same as above, for whatever music is."""
    files = sorted(path for path in (shared_dir / "audio").rglob("*") if path.suffix in {".ogg", ".flac", ".wav"})
    for path in files[:: max(len(files) // 6, 1)]:
        sound, rate = soundfile.read(path, frames=441_000, dtype="float32", always_2d=True)
        sound = np.ascontiguousarray(sound.T)
        analysis = engine.analyze(sound, rate)
        asked, _, expected = by_program(engine, analysis, (0.5,))
        for measured, within in ((in_the_pages_words(analysis), SAME), (page.measured(sound, rate), NEAR)):
            off = np.abs(curves_by_page(measured, asked) - expected.numpy()).max()
            print(f"{path.name}: {off:.1e} dB")
            assert off < within, path.name


def test_every_number_stands_on_the_page():
    """What was written again uses no number that a reader would have to look up in the program."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", PAGE.read_text(encoding="utf-8"))
    told = {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?", text)}
    told |= {1000 * float(n) for n in re.findall(r"(\d+(?:\.\d+)?) kHz", text)}
    written = ast.parse(Path(page.__file__).read_text(encoding="utf-8"))
    # the filter of BS.1770 stands in the standard
    parts = [part for part in written.body if getattr(part, "name", "") != "k_weighting"]
    numbers = {
        float(node.value)
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }
    bisections = {40, 80}
    assert sorted(numbers - told - bisections) == []
