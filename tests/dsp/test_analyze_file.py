"""What ends listening to a file before its end: a limit on how long it may be, and whoever asked no longer waiting."""

import numpy as np
import pytest
import soundfile

from reaper_aeq.dsp import analyze_file as listen_module
from reaper_aeq.dsp.analyze_file import analyze_file
from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.errors import AudioError


def long_flac(path, hours: float, channels: int = 1, rate: int = 8000):
    """A small file of many hours: a click, then nothing."""
    block = np.zeros((3600 * rate // 4, channels), np.float32)
    with soundfile.SoundFile(path, "w", rate, channels, "PCM_16") as file:
        block[0] = 0.5
        for _ in range(round(4 * hours)):
            file.write(block)
            block[0] = 0
    return path


def test_a_small_file_of_very_many_hours_is_refused_before_it_is_decoded(tmp_path):
    path = long_flac(tmp_path / "long.flac", 12.25)
    assert path.stat().st_size < 2**21
    read = []
    with pytest.raises(AudioError, match=r"long\.flac holds more than 12 hours of sound, too long to listen to: cut"):
        analyze_file(path, lambda: read.append(1))
    assert not read


def test_the_limit_holds_where_the_header_does_not_tell_the_length(tmp_path, monkeypatch):
    path = long_flac(tmp_path / "long.flac", 0.5)
    monkeypatch.setattr(listen_module, "MAX_HOURS", 0.25)
    with AudioFile(path) as file:
        file.frames = None
        with pytest.raises(AudioError, match=r"more than 0\.25 hours"):
            listen_module.analyze_opened(file)
    monkeypatch.setattr(listen_module, "MAX_HOURS", 12)
    monkeypatch.setattr(listen_module, "MAX_SAMPLES", 8000 * 1200)
    with pytest.raises(AudioError, match=r"more than 0\.333 hours"):
        analyze_file(path)


def test_whoever_no_longer_waits_is_asked_between_blocks(tmp_path):
    path, asked = long_flac(tmp_path / "long.flac", 0.5), []

    def cancelled():
        asked.append(1)
        if len(asked) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        analyze_file(path, cancelled)
    assert len(asked) == 3
