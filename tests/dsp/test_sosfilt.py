"""Second-order sections: scipy's compiled loop alone gives what scipy gives, and where it cannot be had scipy does."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import sosfilt as public

from reaper_aeq.dsp import sosfilt as module
from reaper_aeq.dsp.response import EqFilter
from reaper_aeq.eq import Band, Eq

ALONE = """
import sys
from reaper_aeq.dsp.sosfilt import _compiled
assert _compiled() is not None
assert "scipy.signal" not in sys.modules
from scipy.signal import sosfilt, butter
import numpy as np
assert np.isfinite(sosfilt(butter(2, 0.1, output="sos"), np.ones(9))).all()
"""


def random_filter(count: int = 3) -> np.ndarray:
    rng = np.random.default_rng(count)
    rows = rng.standard_normal((count, 6))
    rows[:, 3], rows[:, 4:] = 1.0, 0.2 * rows[:, 4:]
    return rows


def test_the_compiled_loop_is_loaded_without_the_rest_and_does_not_stand_in_its_way():
    subprocess.run([sys.executable, "-c", ALONE], check=True)


@pytest.mark.parametrize("without", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_a_stream_in_blocks_is_what_scipy_makes_of_the_whole(monkeypatch, channels, without):
    if without:
        monkeypatch.setattr(module, "_compiled", lambda: None)
    else:
        module._compiled.cache_clear()
        monkeypatch.delitem(sys.modules, "scipy.signal")
        assert module._compiled() is not None
    sections, sound = random_filter(), np.random.default_rng(0).standard_normal((channels, 1000))
    state, out = np.zeros((3, channels, 2)), []
    for part in np.split(sound, [1, 300, 301, 998], axis=1):
        before = part.copy()
        found, state = module.sosfilt(sections, part, state)
        assert np.array_equal(part, before)
        out.append(found)
    assert np.allclose(np.concatenate(out, axis=1), public(sections, sound, axis=-1), rtol=1e-12, atol=1e-12)


def test_a_library_that_changed_is_found_out(monkeypatch):
    module._compiled.cache_clear()
    monkeypatch.delitem(sys.modules, "scipy.signal")
    monkeypatch.setattr(module, "_filtered", lambda *_: (np.zeros((1, 3)), np.zeros((2, 1, 2))))
    assert module._compiled() is None
    module._compiled.cache_clear()


def test_channels_that_are_alike_for_a_while_are_filtered_as_others():
    eq, rng = Eq((Band("band", 200.0, 6.0), Band("high_shelf", 3000.0, -4.0)), 1.0), np.random.default_rng(1)
    mono, stereo = np.tile(rng.standard_normal(500), (2, 1)), rng.standard_normal((2, 500))
    stream = EqFilter(eq, 48_000, 2)
    blocks = np.concatenate([stream.process(block) for block in (mono, stereo, mono)], axis=1)
    for side in (0, 1):
        alone = EqFilter(eq, 48_000, 1).process(np.concatenate((mono, stereo, mono), axis=1)[side : side + 1])
        assert np.array_equal(blocks[side], alone[0])


@pytest.mark.parametrize("without", [False, True])
def test_in_silence_a_filter_rings_out_and_then_rests(monkeypatch, without):
    """Numbers near the smallest there are never quite became zero, and each cost fifty times as much."""
    if without:
        monkeypatch.setattr(module, "_compiled", lambda: None)
    sections = EqFilter(Eq((Band("band", 400.0, 9.0, 0.5), Band("high_shelf", 3000.0, -4.0))), 48_000, 2)._sos
    rng, silence = np.random.default_rng(0), np.zeros((2, 200_000))
    sound = np.concatenate(
        (silence, rng.standard_normal((2, 9000)), silence, rng.standard_normal((2, 700)), silence), 1
    )
    whole = public(sections, sound, axis=-1)
    state, out = np.zeros((2, 2, 2)), []
    for part in np.split(sound, [5000, 205_000, 300_001, 450_000], axis=1):
        found, state = module.sosfilt(sections, part, state)
        out.append(found)
    assert np.abs(np.concatenate(out, axis=1) - whole).max() < 1e-20
    assert not state.any() and not out[-1][:, -100_000:].any()
    tiny = np.abs(np.concatenate(out, axis=1))
    assert not ((tiny > 0) & (tiny < np.finfo(np.float64).tiny)).any()
    assert ((np.abs(whole) > 0) & (np.abs(whole) < 1e-290)).any()  # what it is about


def test_one_channel_may_sound_while_the_other_rings_out():
    sections = EqFilter(Eq((Band("band", 400.0, 9.0, 0.5),)), 48_000, 2)._sos
    sound = np.random.default_rng(1).standard_normal((2, 300_000))
    sound[0, 30_000:] = 0.0
    state, out = np.zeros((1, 2, 2)), []
    for part in np.split(sound, [100_000, 200_001], axis=1):
        found, state = module.sosfilt(sections, part, state)
        out.append(found)
    assert np.allclose(np.concatenate(out, axis=1), public(sections, sound, axis=-1), rtol=1e-12, atol=1e-20)
    assert not state[:, 0].any() and state[:, 1].any() and not out[-1][0].any()
