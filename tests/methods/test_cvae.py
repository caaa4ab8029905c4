"""Draws of what people might do: different, plausible, the same every time, and within the laws of any other answer."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.eq import LIMITS, MAX_BANDS, Band, Eq
from reaper_aeq.errors import ModelError, RangeError
from reaper_aeq.methods import cvae
from reaper_aeq.methods.cvae.network import Cvae, posterior
from reaper_aeq.methods.method import MethodInput
from reaper_aeq.model.curves import center, projection, rms_db

RATE = 48_000
N = 4


def noise(tilt_db_per_oct: float = -3.0, seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """Float32 (1, samples), falling as music about does."""
    samples = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((1, samples)))
    freqs = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 25.0)
    sound = np.fft.irfft(spectrum * (freqs / 1000) ** (tilt_db_per_oct / 6.02), samples)
    return (0.05 * sound / sound.std()).astype(np.float32)


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


@pytest.fixture(scope="module")
def warm(engine):
    return engine.adapt(noise(), RATE, "warm", method="cvae", variations=N)


def response(eq: Eq) -> torch.Tensor:
    return center(torch.from_numpy(eq.response_db(GRID_HZ, RATE)))


def request(engine: AdaptiveEQ, word, adaptation: float = 0.5, tilt: float = -3.0) -> MethodInput:
    seen = engine.encoder.observe(engine.analyze(noise(tilt), RATE), engine.eq_model)
    asked = engine.words.blend(word)
    decoder = engine.eq_model.decoder.weight.double()
    mean, cov = center(decoder @ asked.mean), decoder @ asked.cov @ decoder.T
    return MethodInput(mean, cov, seen, seen.usual.cov, adaptation, asked, engine.models)


# ---- the network


def random_network(seed: int = 0) -> Cvae:
    """With weights that are far from where training starts, where the network does nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Cvae(["warm", "bright"], vector=12, axes=5, text=3, latent=2, hidden=16)
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.5)
    network.axes.copy_(torch.linalg.qr(torch.randn(32, 5, dtype=torch.float64)).Q)
    network.counts.copy_(torch.tensor([200.0, 20.0]))
    return network.eval()


def test_nothing_asked_of_nothing_is_a_flat_eq_and_the_opposite_is_the_opposite():
    network = random_network()
    generator = torch.Generator().manual_seed(1)
    z, odd, gates = (torch.randn(7, n, generator=generator) for n in (2, 5 + 3 + 5, 3))
    mean, log_std = network.decode(z, odd, gates)
    turned, same = network.decode(-z, -odd, gates)
    torch.testing.assert_close(turned, -mean)
    torch.testing.assert_close(same, log_std)
    assert mean.abs().max() > 0.1 and not network.decode(0 * z, 0 * odd, gates)[0].any()


def test_a_word_s_vector_counts_as_far_as_the_word_is_known():
    network = random_network()
    network.vectors.copy_(torch.eye(2, 12))
    vector, count = network.text({"warm": 0.5, "bright": -0.5, "unheard": 1.0})
    assert vector[0] == pytest.approx(0.5 * 200 / 264) and vector[1] == pytest.approx(-0.5 * 20 / 84)
    assert float(count) == pytest.approx(110)


def test_the_posterior_is_bayes():
    """Of a Gaussian seen through noise: the textbook's gain, and nothing where nothing is said."""
    generator = torch.Generator().manual_seed(2)
    root = torch.randn(2, 4, 4, generator=generator, dtype=torch.float64)
    cov, noise_cov = root @ root.mT + torch.eye(4), torch.eye(4).double() * 0.5
    mean, seen = torch.randn(2, 2, 4, generator=generator, dtype=torch.float64)
    found = posterior(mean, cov, torch.linalg.inv(noise_cov).expand(2, 4, 4), torch.linalg.solve(noise_cov, seen.mT).mT)
    gain = cov @ torch.linalg.inv(cov + noise_cov)
    torch.testing.assert_close(found.mean, mean + (gain @ (seen - mean)[..., None])[..., 0])
    torch.testing.assert_close(found.root @ found.root, cov - gain @ cov)
    torch.testing.assert_close(found.root @ found.inverse, torch.eye(4).double().expand(2, 4, 4))
    blind = posterior(mean, cov, torch.zeros_like(cov), torch.zeros_like(mean))
    torch.testing.assert_close(blind.mean, mean)
    assert not blind.evidence.any() and torch.allclose(blind.open, torch.ones(2).double())


# ---- answers and variations


def test_variations_are_numbered_different_and_all_more_of_the_word(engine, warm):
    curves = torch.stack([response(one.eq) for one in warm.variations])
    assert len(curves) == N and all(one.method == "cvae" and not one.variations for one in warm.variations)
    apart = torch.stack([rms_db(row - curves) for row in curves])
    assert apart[~torch.eye(N, dtype=torch.bool)].min() > 0.8
    assert all(one.score_after > one.score_before for one in (warm, *warm.variations))
    word = engine.curve_of("warm")
    assert all(float(projection(curve, word)) > 0.1 for curve in curves)
    assert [one["bands"] for one in warm.to_dict()["variations"]] == [
        one.eq.to_dict()["bands"] for one in warm.variations
    ]


def test_draws_that_turn_the_word_round_are_no_variations(engine):
    asked = request(engine, "warm", tilt=-4.0)
    shares = projection(cvae.drawn(asked, 64), asked.mean_db)
    assert shares.min() < 0 < shares.median()
    assert projection(cvae.variations(asked, 16), asked.mean_db).min() >= cvae.LEAST_SHARE - 1e-6


def test_the_same_sound_gets_the_same_variations_and_fewer_are_the_first(engine, warm):
    again = engine.adapt(noise(), RATE, "warm", method="cvae", variations=N)
    assert [one.eq for one in again.variations] == [one.eq for one in warm.variations] and again.eq == warm.eq
    asked = request(engine, "warm")
    torch.testing.assert_close(cvae.variations(asked, 2), cvae.variations(asked, N)[:2])


def test_any_method_may_have_variations(engine, warm):
    result = engine.adapt(noise(), RATE, "warm", variations=2)
    assert result.method == "adaptive" and result.eq == engine.adapt(noise(), RATE, "warm").eq
    assert [one.eq for one in result.variations] == [one.eq for one in warm.variations[:2]]
    assert "variations" not in engine.adapt(noise(), RATE, "warm").to_dict()


def test_the_answer_is_the_middle_of_what_people_might_do(engine):
    asked = request(engine, "bright")
    drawn = cvae.drawn(asked, 64)
    answer = cvae.curves([asked])[0]
    assert rms_db(answer - drawn.mean(0)) < 0.5 * rms_db(drawn - drawn.mean(0)).mean()
    assert rms_db(cvae.drawn(asked, cvae.MEAN_OF).mean(0) - cvae.drawn(asked, 2 * cvae.MEAN_OF).mean(0)) < 0.15


@pytest.mark.parametrize("count", [-1, 33])
def test_too_many_variations_are_refused(engine, count):
    with pytest.raises(RangeError, match="variations must lie between 0 and 32"):
        engine.adapt(noise(), RATE, "warm", variations=count)


def test_models_without_it_are_told(engine, tmp_path):
    other = AdaptiveEQ(engine.eq_model, engine.encoder, engine.words, tmp_path)
    with pytest.raises(ModelError, match=r"cvae\.json is missing"):
        other.adapt(noise(), RATE, "warm", method="cvae")


# ---- interpolation


@pytest.mark.parametrize(
    ("first", "second", "adaptation"), [("warm", "airy", 0.0), ("warm", "deep", 0.5), ("warm", "soft", 0.3)]
)
def test_between_two_words_answers_move_from_one_to_the_other(engine, first, second, adaptation):
    asked = [request(engine, {first: 1 - t, second: t}, adaptation) for t in np.linspace(0, 1, 6)]
    curves = cvae.curves(asked)
    for word, end in ((first, curves[0]), (second, curves[-1])):
        assert rms_db(end - cvae.curves([request(engine, word, adaptation)])[0]) < 1e-6
    way = curves[-1] - curves[0]
    shares = [float(projection(curve - curves[0], way)) for curve in curves]
    assert rms_db(way) > 1.2 and all(b > a for a, b in pairwise(shares)), shares
    # no leap: no step is much longer than an even one
    assert max(float(rms_db(b - a)) for a, b in pairwise(curves)) < 1.4 * float(rms_db(way)) / (len(asked) - 1)


def test_between_the_sound_as_it_is_and_the_answer(engine, warm):
    half = engine.adapt(noise(), RATE, "warm", method="cvae", intensity=0.5, variations=2)
    for part, whole in ((half, warm), *zip(half.variations, warm.variations, strict=False)):
        assert rms_db(response(part.eq) - 0.5 * response(whole.eq)) < 0.5


def test_free_text_enters_as_what_it_was_taken_for(engine):
    asked, blend = request(engine, "warm and airy"), request(engine, {"warm": 0.5, "airy": 0.5})
    torch.testing.assert_close(cvae.drawn(asked, 5), cvae.drawn(blend, 5))


# ---- laws


@pytest.mark.parametrize("word", ["warm", "less muddy", {"warm": 0.7, "airy": 0.3}])
def test_intensity_0_changes_nothing(engine, word):
    result = engine.adapt(noise(), RATE, word, method="cvae", intensity=0, variations=2)
    assert all(band.gain_db == 0 for one in (result, *result.variations) for band in one.eq.bands)


@pytest.mark.parametrize("tilt", [-6.0, -3.0, 0.0])
def test_scores_rise_with_intensity_and_nothing_leaves_the_limits(engine, tilt):
    results = [
        engine.adapt(noise(tilt), RATE, "bright", method="cvae", intensity=i, variations=3) for i in (0, 0.5, 1, 2)
    ]
    for scores in zip(*([r.score_after, *(v.score_after for v in r.variations)] for r in results), strict=True):
        assert all(b >= a - 0.002 for a, b in pairwise(scores[:3]))
        assert scores[2] > scores[0] or scores[0] > 0.95
    for one in results[-1].variations:
        assert len(one.eq.bands) <= MAX_BANDS and math.isfinite(one.eq.output_gain_db)
        assert all(
            getattr(b, key) in LIMITS[key] for b in one.eq.bands for key in ("freq_hz", "gain_db", "bandwidth_oct")
        )


@pytest.mark.parametrize("level", [0.03, 3.0])
def test_level_means_nothing(engine, warm, level):
    other = engine.adapt(level * noise(), RATE, "warm", method="cvae", variations=2)
    for one, two in zip((warm, *warm.variations), (other, *other.variations), strict=False):
        for a, b in zip(one.eq.bands, two.eq.bands, strict=True):
            assert abs(a.gain_db - b.gain_db) < 0.1


def test_a_sound_that_lacks_the_word_gets_more_of_it(engine):
    word = engine.curve_of("warm")
    shares = []
    for sign in (-1, 1):
        sound = Eq((Band("low_shelf", 400.0, 8.0 * sign),)).apply(noise(), RATE)
        shares.append(float(projection(response(engine.adapt(sound, RATE, "warm", method="cvae").eq), word)))
    assert shares[0] > shares[1] + 0.2 and shares[1] > 0


def test_without_adaptation_all_sounds_get_the_same(engine):
    answers = [cvae.variations(request(engine, "warm", 0.0, tilt), 2) for tilt in (-6.0, 0.0)]
    assert rms_db(answers[0] - answers[1]).max() < 1e-6


@pytest.mark.parametrize("sound", [np.zeros((1, RATE)), np.eye(1, RATE, 100), 0.1 * np.ones((1, RATE))])
def test_odd_sounds_get_finite_answers(engine, sound):
    result = engine.adapt(sound.astype(np.float32), RATE, "warm", method="cvae", variations=2)
    assert all(math.isfinite(one.eq.output_gain_db) for one in (result, *result.variations))
    assert len(result.variations) in (0, 2)
