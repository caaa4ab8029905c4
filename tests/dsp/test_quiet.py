"""Decoders keep silent; others do not."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

READ = """
import ctypes, sys, threading
from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.project.media import Library, SourceReader
from reaper_aeq.reaper.items import Source
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
def test_only_our_sentences_reach_the_terminal(tmp_path):
    """libmpg123 tells of frames that lean on others before them, which a stream cut out of a longer one always has."""
    path = tmp_path / "a.mp3"
    rng = np.random.default_rng(0)
    options = {"compression_level": 0.5, "bitrate_mode": "VARIABLE"}
    with soundfile.SoundFile(path, "w", 8000, 1, "MPEG_LAYER_III", format="MP3", **options) as file:
        for n in range(60):
            file.write((0.3 * rng.standard_normal(800) * (n % 3 == 0)).astype(np.float32))
    data = path.read_bytes()
    path.write_bytes(b"".join(data[len(data) // n :] for n in (2, 5, 6, 12)))  # from the middle of a frame on
    said = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True).stderr
    plain = f"import soundfile; soundfile.read({str(path)!r})"
    loud = subprocess.run([sys.executable, "-c", plain], capture_output=True, text=True).stderr
    assert "mpg123" in loud, "otherwise this file proves nothing"
    lines = said.splitlines()
    assert set(lines[:-1]) == {"ours"} and lines[-1].startswith("theirs: "), said
