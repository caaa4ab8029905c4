"""Every file libsndfile reads comes in as float32 (channels, n); everything else is one clear sentence."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reaper_aeq.dsp.audio import AudioFile, read_audio
from reaper_aeq.errors import AudioError

FORMATS = {
    "wav": ("WAV", "PCM_16", 2**-15),
    "flac": ("FLAC", "PCM_24", 2**-23),
    "aiff": ("AIFF", "PCM_24", 2**-23),
    "w64": ("W64", "FLOAT", 0),
    "ogg": ("OGG", "VORBIS", None),
    "mp3": ("MP3", "MPEG_LAYER_III", None),
}


def noise(channels=2, samples=44_100, level=0.1, seed=0) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal((channels, samples))).astype(np.float32)


def store(path, audio, rate=44_100, kind="wav", **options):
    container, subtype, _ = FORMATS[kind]
    options = {"subtype": subtype, **options}
    with soundfile.SoundFile(path, "w", rate, len(audio), format=container, **options) as file:
        file.write(audio.T)
    return path


def refusal(path, pattern: str) -> None:
    """Reading `path` to its end must fail with one sentence that names it and fits `pattern`."""
    with pytest.raises(AudioError, match=pattern) as caught:
        read_audio(path)
    assert os.path.basename(path) in str(caught.value) and "\n" not in str(caught.value)


# reading


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_round_trip_in_contiguous_blocks(tmp_path, kind):
    audio = noise(2, 100_000)
    path = store(tmp_path / f"a.{kind}", audio, kind=kind)
    with AudioFile(path) as file:
        assert (file.path, file.sample_rate, file.channels) == (str(path), 44_100, 2)
        assert abs(file.frames - 100_000) < 3000
        blocks = list(file.blocks(0.7))
        again = np.concatenate(list(file.blocks(10)), axis=1)
        assert file.warning is None
    assert all(b.dtype == np.float32 and b.flags.c_contiguous and b.shape[0] == 2 for b in blocks)
    assert {b.shape[1] for b in blocks[:-1]} == {int(0.7 * 44_100)}
    assert np.array_equal(np.concatenate(blocks, axis=1), again)
    tolerance = FORMATS[kind][2]
    if tolerance is None:
        assert abs(again.shape[1] - 100_000) < 3000 and np.std(again) == pytest.approx(0.1, rel=0.2)
    else:
        assert np.abs(again - audio).max() <= tolerance


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6, 64])
def test_all_rates_and_channels(tmp_path, rate, channels):
    audio = noise(channels, 1000)
    back, back_rate = read_audio(store(tmp_path / "a.wav", audio, rate, subtype="FLOAT"))
    assert back_rate == rate and np.array_equal(back, audio)


@pytest.mark.parametrize(("rate", "channels"), [(7_999, 1), (192_001, 1), (44_100, 65)])
def test_rates_and_channels_out_of_range(tmp_path, rate, channels):
    store(tmp_path / "a.wav", noise(channels, 100), rate)
    refusal(tmp_path / "a.wav", "between 8000 and 192000" if channels == 1 else "65 channels: at most 64")


def test_things_that_are_no_file(tmp_path):
    refusal(tmp_path / "no.wav", "does not exist: check the path")
    refusal(tmp_path, "is a folder: give an audio file")
    refusal(tmp_path / ("n" * 300), "too long")
    if os.name != "nt":
        os.mkfifo(tmp_path / "pipe.wav")
        refusal(tmp_path / "pipe.wav", "is a device or a pipe")


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "txt", "raw", ""])
def test_things_that_are_no_audio(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"")
    refusal(path, "is an empty file")
    path.write_text("some notes about the mix\n" * 500)
    refusal(path, "is not audio that can be read here: convert it to WAV or FLAC first")
    path.write_bytes(np.random.default_rng(0).bytes(50_000))
    refusal(path, "is not audio that can be read here: convert it to WAV or FLAC first")


def test_headers_without_samples_or_channels(tmp_path):
    store(tmp_path / "none.wav", np.zeros((2, 0)))
    refusal(tmp_path / "none.wav", "holds no samples")
    header = bytearray(store(tmp_path / "zero.wav", noise(2, 100)).read_bytes())
    header[22:24] = b"\0\0"
    (tmp_path / "zero.wav").write_bytes(header)
    refusal(tmp_path / "zero.wav", r"is not audio that can be read here \(Channel count is zero\)")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_file_one_may_not_read():
    # Not tmp_path: an unprivileged user cannot enter that one when the tests run as root.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = store(Path(folder, "a.wav"), noise())
        path.chmod(0)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)
            refusal(path, "cannot be opened: you have no permission to read it")
        finally:
            os.seteuid(user)


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_the_first_sample_that_is_no_number_is_named(tmp_path, value, word):
    audio = noise(2, 100_000)
    audio[1, 66_150:] = value
    path = store(tmp_path / "a.wav", audio, subtype="FLOAT")
    refusal(path, f"holds {word} at 1.5 s")
    with AudioFile(path) as file, pytest.raises(AudioError, match=r"at 1\.5 s"):
        list(file.blocks(0.4))  # the position counts from the start of the file, not of the block


@pytest.mark.parametrize("kind", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_of_a_truncated_file_what_is_there_is_read(tmp_path, kind):
    path = store(tmp_path / f"a.{kind}", noise(2, 441_000), kind=kind)
    whole = read_audio(path)[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with AudioFile(path) as file:
        part = np.concatenate(list(file.blocks()), axis=1)
        assert file.warning.count(str(path)) == 1
        if kind == "ogg":
            assert file.warning.endswith("is cut off in the middle of a page: what lies before it was read")
        else:
            seconds = re.search(r"is cut off: it says that it lasts 10\.\d\d s, ([\d.]+) s are there", file.warning)[1]
            assert float(seconds) == pytest.approx(part.shape[1] / 44_100, abs=0.05)
    share = part.shape[1] / whole.shape[1]
    assert 0.5 < share < 0.65 or (kind == "ogg" and 0.2 < share < 0.65)  # Vorbis pages are long
    assert np.array_equal(part[:, :-4000], whole[:, : part.shape[1] - 4000])


def test_a_file_of_which_nothing_can_be_decoded(tmp_path):
    path = store(tmp_path / "a.flac", noise(2, 44_100), kind="flac")
    data = path.read_bytes()
    start = data.index(b"\xff\xf8")
    path.write_bytes(data[:start] + bytes(len(data) - start))
    refusal(path, "no sample of it can be decoded|is not audio that can be read here")


def test_leaving_the_context_ends_a_pass(tmp_path):
    with AudioFile(store(tmp_path / "a.wav", noise())) as file:
        blocks = file.blocks(0.1)
        next(blocks)
    assert list(blocks) == []


def test_tags(tmp_path):
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 44_100, 1) as file:
        file.title = "Ärger"
        file.write(np.zeros(10))
    assert AudioFile(tmp_path / "a.flac").tags == {"title": "Ärger"}


MEMORY = """
import os, resource, struct, sys
from reaper_aeq.dsp.audio import AudioFile
path, frames = sys.argv[1], 20 * 60 * 96000
head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + 4 * frames, b"WAVE", b"fmt ", 16, 1, 2, 96000, 384000, 4, 16,
                   b"data", 4 * frames)
with open(path, "wb") as file:
    file.write(head)
    file.truncate(44 + 4 * frames)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
with AudioFile(path) as audio:
    assert sum(block.shape[1] for block in audio.blocks()) == frames
print((peak() - before) / 2**20)
"""


@pytest.mark.skipif(os.name == "nt", reason="resource is POSIX")
def test_twenty_minutes_of_96_khz_stereo_stay_small_in_memory(tmp_path):
    run = subprocess.run([sys.executable, "-c", MEMORY, tmp_path / "a.wav"], capture_output=True, text=True, check=True)
    (tmp_path / "a.wav").unlink()
    assert float(run.stdout) < 60  # MiB; the whole would be 880


def test_blocks_of_many_channels_are_shorter(tmp_path):
    path = store(tmp_path / "a.wav", np.zeros((64, 150_000), dtype=np.float32), 192_000)
    with AudioFile(path) as file:
        assert [block.shape[1] for block in file.blocks()] == [2**17, 150_000 - 2**17]
