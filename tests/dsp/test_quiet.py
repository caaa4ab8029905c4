"""Decoders keep silent; others do not."""

import ctypes
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from reaper_aeq.dsp import quiet

READ = """
import ctypes, sys, threading
from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.project.media import Library, SourceReader
from reaper_aeq.reaper.rpp.items import Source
from pathlib import Path
path = sys.argv[1]
with AudioFile(path) as file:
    for block in file.blocks():
        print("ours", file=sys.stderr)
source = SourceReader(Source("MP3", "a.mp3", Path(path), ()), Library())
source.read(0, 4000)
source.close()
ctypes.CDLL(None).perror(b"theirs")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="perror names no stream to read elsewhere")
def test_only_our_sentences_reach_the_terminal(noisy):
    said = subprocess.run([sys.executable, "-c", READ, noisy], capture_output=True, text=True, check=True).stderr
    lines = said.splitlines()
    assert set(lines[:-1]) == {"ours"} and lines[-1].startswith("theirs: "), said


READ_WITHOUT = """
import io, os, sys
{before}
from reaper_aeq.dsp.audio import read_audio
print(read_audio(sys.argv[1])[0].shape[1] > 0)
"""
WITHOUT = {
    "closed": "os.close(2)",
    "none": "sys.stderr = None",
    "closed and none": "os.close(2); sys.stderr = None",
    "no descriptor": "sys.stderr = io.StringIO()",
    "descriptor of none": "sys.stderr = type('Odd', (), {'write': lambda *_: None, 'flush': lambda *_: None})()",
}


@pytest.mark.parametrize("before", WITHOUT.values(), ids=WITHOUT)
def test_it_reads_where_there_is_no_terminal_to_be_kept_silent(noisy, before):
    script = READ_WITHOUT.format(before=before)
    run = subprocess.run([sys.executable, "-c", script, noisy], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "True\n", "")


class Function:
    """As ctypes gives it: with types that can be set."""

    def __init__(self, call):
        self.call = call

    def __call__(self, *given):
        return self.call(*given)


class Ucrt:
    """Windows' C library, of which streams lie in memory of ours; `shift` moves where it looks for the descriptor."""

    def __init__(self, descriptor: int, shift: int = 0):
        self.memory = ctypes.create_string_buffer(64)
        self.number = ctypes.c_int32.from_buffer(self.memory, 24 + shift)
        self.number.value = descriptor
        self.before = bytes(self.memory)

    def __getitem__(self, name: str) -> Function:
        calls = {"__acrt_iob_func": lambda _: ctypes.addressof(self.memory), "_fileno": lambda _: self.number.value}
        return Function(calls[name])

    @property
    def unchanged(self) -> bool:
        return bytes(self.memory) == self.before


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the numbers are those of 64 bits")
def test_on_windows_the_descriptor_of_the_stream_is_changed():
    library = Ucrt(2)
    switch, nowhere = quiet._descriptor_of_stderr(library)
    assert library.unchanged and switch.value == 2 and os.fstat(nowhere)
    switch.value = nowhere
    assert library.number.value == nowhere
    os.close(nowhere)


@pytest.mark.parametrize("library", [Ucrt(-2), Ucrt(-1), Ucrt(2, shift=4), Ucrt(0, shift=8)])
def test_on_windows_nothing_is_touched_that_is_not_as_expected(library):
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert quiet._descriptor_of_stderr(library) is None and library.unchanged
    assert not before or len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("platform", ["win32", "darwin", "freebsd14", "emscripten"])
def test_a_system_whose_library_is_another_has_no_switch(platform, monkeypatch):
    def missing(*_):
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert quiet._switch(platform) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the variable of glibc")
def test_the_last_thread_to_leave_gives_the_terminal_back():
    stream = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    before, inside, leave = stream.value, threading.Event(), threading.Event()

    def other():
        with quiet.decoders_silent():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    with quiet.decoders_silent():
        assert stream.value != before
    assert stream.value != before
    leave.set()
    thread.join()
    assert stream.value == before


@pytest.fixture
def noisy(tmp_path):
    """libmpg123 tells of frames that lean on others before them, which a stream cut out of a longer one always has."""
    path = tmp_path / "a.mp3"
    rng = np.random.default_rng(0)
    options = {"compression_level": 0.5, "bitrate_mode": "VARIABLE"}
    with soundfile.SoundFile(path, "w", 8000, 1, "MPEG_LAYER_III", format="MP3", **options) as file:
        for n in range(60):
            file.write((0.3 * rng.standard_normal(800) * (n % 3 == 0)).astype(np.float32))
    data = path.read_bytes()
    path.write_bytes(b"".join(data[len(data) // n :] for n in (2, 5, 6, 12)))  # from the middle of a frame on
    plain = f"import soundfile; soundfile.read({str(path)!r})"
    loud = subprocess.run([sys.executable, "-c", plain], capture_output=True, text=True).stderr
    assert "mpg123" in loud, "otherwise this file proves nothing"
    return path
