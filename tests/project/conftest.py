"""Projects made by the stand-in's writer, sounds of our own, and the stand-in's independent mixer to compare with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

# the stand-in REAPER lies beside the tests it was made for
sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from project_kit import RATE
from standin import Reaper
from standin.example import TrackSpec, write
from standin.mixer import Mix

from reaper_aeq.dsp.spectrum import Analysis, analyze_blocks
from reaper_aeq.project.mix import Mixer
from reaper_aeq.reaper.rpp.project import Project


@pytest.fixture
def sound(tmp_path) -> Callable[..., Path]:
    """sound(name, rate, channels, seconds): a file of colored noise that gets louder, so that places can be told."""

    def make(name="n.wav", rate=RATE, channels=2, seconds=4.0, seed=0) -> Path:
        rng = np.random.default_rng(seed)
        count = round(rate * seconds)
        spectrum = np.fft.rfft(rng.standard_normal((channels, count)))
        spectrum /= np.sqrt(np.maximum(np.arange(spectrum.shape[1]) / seconds, 30.0))
        audio = np.fft.irfft(spectrum, n=count)
        # each second has another balance: reading from a wrong place shows
        for second in range(int(seconds)):
            part = slice(second * rate, (second + 1) * rate)
            audio[:, part] = audio[:, part] if second % 2 else np.diff(audio[:, part], prepend=0) * 3
        audio = 0.1 * audio / audio.std() * np.linspace(0.3, 1, count)
        path = tmp_path / name
        soundfile.write(path, np.clip(audio, -0.95, 0.95).T, rate)
        return path

    return make


@pytest.fixture
def both(tmp_path) -> Callable[..., tuple[Analysis, Analysis]]:
    """both(tracks, track=0): what we and what the stand-in hear at the front of a track's chain; None: the master."""
    (tmp_path / "resource").mkdir()

    def listen(tracks: list[TrackSpec], track: int | None = 0, rate: int = RATE) -> tuple[Analysis, Analysis]:
        path = write(tmp_path / "song.rpp", tracks, sample_rate=rate)
        mixer = Mixer(Project.read(path))
        analyze = partial(analyze_blocks, sample_rate=rate)
        ours = (
            mixer.analyze_master({}, analyze)
            if track is None
            else mixer.analyze_track(mixer.tracks[track], {}, analyze)
        )
        numbers = range(len(tracks)) if track is None else mixer.heard_by(mixer.tracks[track])
        with Reaper(path, tmp_path / "resource") as reaper:
            # from where we begin to where we end: in bands of some Hz a few frames depend on where they lie
            spans = mixer.spans(numbers)
            mix = Mix(reaper.project, spans[0].start / rate, spans[-1].stop / rate, rate)
            theirs = mix.master() if track is None else mix.track(reaper.project.tracks[track], pre_fader=True)
        return ours, analyze_blocks([theirs.T.astype(np.float32).copy()], rate)

    return listen
