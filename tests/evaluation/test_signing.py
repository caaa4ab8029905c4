"""What the law 'signable' counts, and that answers keep it on a few sounds."""

from __future__ import annotations

import numpy as np
import pytest

from reaper_aeq import AdaptiveEQ, Band
from reaper_aeq.cli.commands.evaluate import LAWS
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.evaluation.law import TestSound, read_sounds
from reaper_aeq.evaluation.laws import CHECKS, run_laws
from reaper_aeq.evaluation.laws_of_signing import fighting, in_silence, magnitudes, signable, wrong_shelf

RATE = 48_000
EVERYWHERE = np.ones(len(GRID_HZ), dtype=bool)


def test_magnitudes_are_one_without_canceling():
    agreeing = [Band("low_shelf", 150, 4.0), Band("band", 3000, 3.0, 1.0)]
    assert magnitudes(agreeing, EVERYWHERE, RATE) == pytest.approx(1.0, abs=1e-6)
    assert magnitudes([], EVERYWHERE, RATE) == 1.0
    against = [Band("band", 300, 6.0, 1.0), Band("band", 330, -5.0, 1.0)]
    assert magnitudes(against, EVERYWHERE, RATE) > 3
    assert magnitudes([*agreeing, Band("high_pass", 400)], EVERYWHERE, RATE) == pytest.approx(1.0, abs=1e-6)
    # what happens where there is no sound does not count
    low = GRID_HZ < 100
    assert magnitudes([Band("low_shelf", 80, 3.0), *against], low, RATE) < 1.1


def test_laws_can_be_asked_for_by_name():
    assert tuple(check.__name__ for check in CHECKS) == LAWS


def test_what_nobody_signs():
    assert wrong_shelf(Band("low_shelf", 1200, 1.0)) and wrong_shelf(Band("high_shelf", 900, 1.0))
    assert not wrong_shelf(Band("low_shelf", 900, 1.0)) and not wrong_shelf(Band("band", 5000, 1.0))
    assert fighting(Band("band", 300, 3.0), Band("band", 500, -2.5))
    assert not fighting(Band("band", 300, 3.0), Band("band", 500, -1.5))
    assert not fighting(Band("band", 300, 3.0), Band("band", 700, -3.0))
    sound = GRID_HZ > 200
    assert in_silence(Band("band", 100, 1.0), sound) and not in_silence(Band("band", 400, 1.0), sound)


def noise(low_hz: float, high_hz: float) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal((1, 3 * RATE)))
    freqs = np.maximum(np.fft.rfftfreq(3 * RATE, 1 / RATE), 20.0)
    fall = -4 * np.log2(freqs / 1000) - 40 * np.maximum(np.log2(low_hz / freqs), 0)
    fall -= 40 * np.maximum(np.log2(freqs / high_hz), 0)
    sound = np.fft.irfft(spectrum * 10 ** (fall / 20))
    return (0.05 * sound / sound.std()).astype(np.float32)


def test_answers_are_signable():
    sounds = [
        TestSound(f"{low}", "bass", noise(low, high), noise(low, high), RATE) for low, high in ((20, 500), (150, 6e3))
    ]
    laws = list(signable(AdaptiveEQ.load(device="cpu"), sounds))
    assert len(laws) == 6 and not [f"{law.name}: {law.figure}" for law in laws if not law.passed]


@pytest.mark.shared
@pytest.mark.slow
def test_answers_on_recordings_are_signable(shared_dir):
    laws = run_laws(AdaptiveEQ.load(), read_sounds(shared_dir / "audio", 8), only=["signable"])
    assert len(laws) == 12 and not [f"{law.name}: {law.figure}" for law in laws if not law.passed]
