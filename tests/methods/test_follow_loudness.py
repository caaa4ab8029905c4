"""An EQ that follows the song leaves each section as loud as it was, on songs joined of people's recordings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.loudness import integrated_loudness
from reaper_aeq.dsp.moving_filter import MovingEqFilter
from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.methods.validation import AnalyzedRequest
from reaper_aeq.request import EqRequest

RATE = 48_000
CLIP_S, RAMP_S = 10.0, 0.6
# of unlike balance, each two of one rate and joined to one song
SONGS = [
    ("ichbin_lithium_mix", "ichbin_lithium_bass"),
    ("ichbin_sodium_vocals", "ichbin_sodium_drums", "ichbin_sodium_mix"),
    ("ichbin_caesium_synth", "ichbin_caesium_drums"),
    ("ichbin_potassium_mix", "ichbin_francium_mix", "ichbin_caesium_mix"),
    ("ichbin_francium_vocals", "ichbin_potassium_synth"),
]
WORDS = ("warm", "bright", "clear")


@pytest.fixture(scope="module")
def engine():
    return AdaptiveEQ.load(device="cpu")


def clip(folder, name):
    with AudioFile(str(folder / "audio" / f"{name}.flac")) as file:
        assert file.sample_rate == RATE
        sound = np.concatenate(list(file.blocks()), 1)[:, : round(CLIP_S * RATE)]
    return (np.repeat(sound, 2, 0) if len(sound) == 1 else sound).astype(np.float32)


@pytest.mark.shared
@pytest.mark.parametrize(("names", "level"), [*((names, 0.2) for names in SONGS), (SONGS[0], 1.0)])
def test_every_section_of_a_joined_song_keeps_its_loudness(shared_dir, engine, names, level):
    """But for what the output gain gives way to peaks, which the sentence tells: nothing where there is room."""
    clips = [level * clip(shared_dir, name) for name in names]
    song = np.concatenate(clips, 1)
    analysis = analyze_blocks([song], RATE, sections=True)
    cuts = list(itertools.accumulate(one.shape[1] / RATE for one in clips[:-1]))
    asked = [AnalyzedRequest(analysis, EqRequest(word, sections=True), edges_s=cuts) for word in WORDS]
    movements = 0
    for word, result in zip(WORDS, engine.adapt_many(asked), strict=True):
        out = MovingEqFilter(result.moving, RATE, 2).process(song) if result.moving else song
        for one in result.sections:
            # without the ramp, in which it is on its way to the next
            part = slice(round((one.start_s + 0.1) * RATE), round((one.stop_s - RAMP_S) * RATE))
            before, after = (integrated_loudness(sound[:, part], RATE) for sound in (song, out))
            if not np.isfinite(before):  # as good as silent
                continue
            gave_way_db = one.result.gave_way_db
            print(f"{word} {one.start_s:.0f} s: {after - before:+.2f} LU, gave way {gave_way_db:.2f} dB")
            movements += 1
            assert level == 1.0 or gave_way_db == 0.0
            assert after + gave_way_db == pytest.approx(before, abs=0.5), (word, one.start_s)
    assert movements, "none of the words moves along this song: it shows nothing"
