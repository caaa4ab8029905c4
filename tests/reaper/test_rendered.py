"""Several rendered files made one."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from reaper_aeq.errors import OutputError
from reaper_aeq.reaper.live.rendered import Rendered, RenderedPart, summed

RATE = 8000


def rendered(folder, *lengths_s: float, spans=None) -> list[Rendered]:
    """Each of the level 0.1, one part of a length."""
    found = []
    for n, length_s in enumerate(lengths_s):
        path = folder / f"{n}.wav"
        soundfile.write(path, np.full((round(length_s * RATE), 2), 0.1), RATE, subtype="FLOAT")
        target = SimpleNamespace(name=f"T{n}")
        found.append(Rendered(target, folder, [RenderedPart(path, 0.0, length_s, spans)]))
    return found


def open_files() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.path.basename(os.readlink(f"/proc/self/fd/{name}")))
        except OSError:
            continue  # that of the list itself
    return found


def test_files_are_summed_to_the_end_of_the_first(tmp_path):
    sound, rate = soundfile.read(summed(rendered(tmp_path, 20.0, 20.0, 20.0)))
    assert rate == RATE and sound.shape == (20 * RATE, 2) and sound == pytest.approx(0.3)


def test_stretches_are_joined(tmp_path):
    (one,) = rendered(tmp_path, 20.0, spans=[(1.0, 3.0), (10.0, 19.0)])
    assert len(soundfile.read(one.whole())[0]) == 11 * RATE


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to see what is open")
@pytest.mark.parametrize("way", ["summed", "joined"])
def test_nothing_stays_open_where_the_disk_is_full(tmp_path, monkeypatch, way):
    """What is open cannot be removed on every system, and the folder would stay just where there is no room."""

    def full(self, block):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sounds = rendered(tmp_path, 20.0, 20.0) if way == "summed" else rendered(tmp_path, 20.0, spans=[(1.0, 19.0)])
    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises(OutputError, match="the disk is full") as failed:
        summed(sounds) if way == "summed" else sounds[0].whole()
    assert failed.value and not {name for name in open_files() if name.endswith(".wav")}
