"""From Python, a value of a wrong type is our error and one sentence; nothing of the inside is seen."""

import numpy as np
import pytest

from reaper_aeq import AdaptiveEQ, Band, Eq
from reaper_aeq.errors import AeqError, WrongTypeError, as_number

RATE = 44_100
SOUND = (0.1 * np.random.default_rng(0).standard_normal((2, RATE // 2))).astype("float32")
EQ = Eq((Band("band", 1000.0, 3.0),))


@pytest.fixture(scope="module")
def aeq():
    return AdaptiveEQ.load()


ADAPT = {
    "audio": [("x", RATE, "warm"), (None, RATE, "warm"), (object(), RATE, "warm"), ([[1.0], [1.0, 2.0]], RATE, "warm"),
              (SOUND.astype(complex), RATE, "warm"), ({}, RATE, "warm")],
    "rate": [(SOUND, "x", "warm"), (SOUND, None, "warm"), (SOUND, [RATE], "warm"), (SOUND, "44100", "warm"),
             (SOUND, b"44100", "warm")],
    "word": [(SOUND, RATE, word) for word in (3, None, ["warm"], b"warm", {"warm": "x"}, {"warm": None}, {3: 1.0}, {})],
}  # fmt: skip
OPTIONS = [
    {"intensity": "x"}, {"intensity": None}, {"intensity": [1]}, {"intensity": 10**400}, {"intensity": True},
    {"intensity": np.ones(2)}, {"adaptation": "x"}, {"adaptation": []}, {"method": 3}, {"method": ["fixed"]},
    {"method": None}, {"refine": "x"}, {"refine": 1.5}, {"variations": "x"}, {"variations": 1.5}, {"variations": None},
    {"kind": 3}, {"kind": ["vocals"]}, {"name": 5}, {"name": [5]}, {"name": b"vox"}, {"name": {1: 2}},
]  # fmt: skip
MATCH = [
    {"intensity": "x"}, {"intensity": None}, {"weights": "x"}, {"weights": [None]}, {"weights": ["1"]}, {"by": 3},
    {"by": []}, {"low_hz": "x"}, {"high_hz": [1]}, {"smoothing_oct": "x"}, {"reference": None}, {"reference": "x"},
    {"reference_sr": None}, {"reference_sr": "x"}, {"reference": []},
]  # fmt: skip


def refused(call, *arguments, **options) -> str:
    with pytest.raises(AeqError) as caught:
        call(*arguments, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence and 10 < len(sentence) < 250
    return sentence


@pytest.mark.parametrize("arguments", [row for rows in ADAPT.values() for row in rows], ids=range(19))
def test_what_is_adapted(aeq, arguments):
    refused(aeq.adapt, *arguments)
    if arguments[0] is not SOUND or arguments[1] is not RATE:
        refused(aeq.profile, *arguments[:2])
        refused(aeq.analyze, *arguments[:2])
    else:
        refused(aeq.score, *arguments)
        refused(aeq.curve_of, arguments[2])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_how(aeq, options):
    assert next(iter(options)) in refused(aeq.adapt, SOUND, RATE, "warm", **options)


@pytest.mark.parametrize("options", MATCH, ids=str)
def test_what_is_matched(aeq, options):
    refused(aeq.match, **{"audio": SOUND, "sample_rate": RATE, "reference": SOUND, "reference_sr": RATE, **options})


@pytest.mark.parametrize(
    "options", [{"device": "tpu"}, {"device": 3}, {"folder": 3}, {"encoder": 3}, {"encoder": []}], ids=str
)
def test_what_is_loaded(options):
    refused(AdaptiveEQ.load, **options)


def test_an_eq():
    refused(EQ.apply, "x", RATE)
    refused(EQ.apply, SOUND, "x")
    refused(EQ.response_db, "x", RATE)
    refused(EQ.response_db, [100.0], None)


def test_numbers_of_any_kind_pass(aeq):
    import torch

    for one in (1, 1.0, np.float32(1), np.int64(1), torch.tensor(1.0)):
        assert as_number("x", one) == 1.0 == as_number("x", one, whole=True)
    assert len(aeq.adapt(SOUND, RATE, "warm", variations=np.int64(2)).variations) == 2
    with pytest.raises(TypeError):  # whoever expects Python's own gets it, too
        as_number("x", "1")
    assert issubclass(WrongTypeError, AeqError)
