"""MP3 files whose length libsndfile would guess wrong."""

import numpy as np
import pytest
import soundfile

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.mp3 import lacks_length


def write_mp3(path, *levels: float, frames: int = 300_000, **options) -> None:
    """Noise at each level in turn, `frames` samples each."""
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 44_100, 2, "MPEG_LAYER_III", format="MP3", **options) as file:
        for level in levels:
            file.write((level * rng.standard_normal((frames, 2))).astype(np.float32))


def test_a_variable_rate_mp3_that_does_not_state_its_length_is_read_to_the_end(tmp_path):
    path = tmp_path / "a.mp3"
    write_mp3(path, 0.2, 1e-4, compression_level=0.5, bitrate_mode="VARIABLE")
    data = path.read_bytes()
    second = next(i for i in range(data.index(b"Xing"), len(data)) if data[i : i + 2] == data[:2])
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
    for start in (b"", tag):
        path.write_bytes(start + data[second:])
        assert soundfile.info(path).frames < 400_000  # what libsndfile alone would read
        with AudioFile(path) as file:
            assert file.frames is None
            assert abs(sum(block.shape[1] for block in file.blocks()) - 600_000) < 3000


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_files_that_say_how_long_they_are_are_left_to_libsndfile(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "mp3":
        write_mp3(path, 0.1, frames=5000)
    else:
        soundfile.write(path, np.zeros((5000, 2)), 44_100)
    assert not lacks_length(path)
