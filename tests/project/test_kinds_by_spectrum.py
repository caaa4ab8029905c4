"""Kinds of material: by sounds made here, and on the recordings they were set on."""

import csv

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.project.kinds import kind_of

RATE = 44_100


def made(name: str) -> np.ndarray:
    """(1, samples) float32"""
    rng, time = np.random.default_rng(0), np.arange(4 * RATE) / RATE
    noise = rng.standard_normal(len(time))
    pink = np.fft.irfft(np.fft.rfft(noise) / np.sqrt(np.maximum(np.arange(len(time) // 2 + 1), 80)), n=len(time))
    pink *= 0.1 / pink.std()
    hits = np.exp(-((time * 2) % 1) * 18)
    sounds = {
        "drums": pink * hits + 0.3 * hits * np.sin(2 * np.pi * 60 * time),
        "low": np.sin(2 * np.pi * 55 * time) + 0.2 * np.sin(2 * np.pi * 110 * time),
        "high": sosfilt(butter(4, 6000, "high", fs=RATE, output="sos"), noise),
        "full": pink,
        "middle": sum(np.sin(2 * np.pi * 220 * n * time) / n for n in range(1, 9)),
    }
    return (0.1 * sounds[name]).astype(np.float32)[None]


KINDS = ("drums", "low", "high", "full", "middle")


@pytest.mark.parametrize("name", KINDS)
def test_made_sounds(name):
    assert kind_of(analyze_blocks([made(name)], RATE)) == name


def test_silence_and_a_click_are_something():
    click = np.zeros((1, 500), np.float32)
    assert kind_of(analyze_blocks([click], RATE)) == "middle"
    click[0, 250] = 1
    assert kind_of(analyze_blocks([click], RATE)) in KINDS


@pytest.mark.shared
def test_recordings_of_basses_and_drums(shared_dir):
    found: dict[str, list[str]] = {}
    with open(shared_dir / "audio" / "MANIFEST.tsv", encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if row["kind"] in ("bass", "drums", "percussion", "vocals", "keys", "strings"):
                with AudioFile(shared_dir / "audio" / row["file"]) as file:
                    found.setdefault(row["kind"], []).append(kind_of(analyze_blocks(file.blocks(), file.sample_rate)))
    assert found["bass"].count("low") >= 6
    hits = found["drums"] + found["percussion"]
    assert hits.count("drums") >= 7 and hits.count("drums") + hits.count("high") >= 9
    others = found["vocals"] + found["keys"] + found["strings"]
    assert others.count("low") == 0 and others.count("drums") <= 1
