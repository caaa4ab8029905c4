"""Audio is written whole or not at all; a full disk never passes for success."""

import os
import shutil
import signal
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from reaper_aeq.dsp import write
from reaper_aeq.dsp.audio import AudioFile, read_audio
from reaper_aeq.dsp.write import CONTAINERS, AudioWriter
from reaper_aeq.errors import AudioError, OutputError

SUFFIXES = sorted(CONTAINERS)


def noise(channels=2, samples=44_100, level=0.1, seed=0) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal((channels, samples))).astype(np.float32)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_blocks_come_back_as_they_were(tmp_path, suffix):
    audio, path = noise(), tmp_path / f"a{suffix}"
    with AudioWriter(path, 44_100, 2) as writer:
        for start in range(0, audio.shape[1], 10_000):
            writer.write(audio[:, start : start + 10_000])
    back, rate = read_audio(path)
    assert rate == 44_100 and writer.frames == audio.shape[1]
    if suffix in (".ogg", ".mp3"):
        assert abs(back.shape[1] - audio.shape[1]) < 3000
        assert np.std(back) == pytest.approx(np.std(audio), rel=0.2)
    else:
        assert np.abs(back - audio).max() <= (0 if suffix == ".wav" else 2**-23)
    subtype = {".wav": "FLOAT", ".ogg": "VORBIS", ".mp3": "MPEG_LAYER_III"}.get(suffix, "PCM_24")
    assert soundfile.info(path).subtype == subtype
    assert os.listdir(tmp_path) == [f"a{suffix}"]


@pytest.mark.parametrize("rate", [8_000, 11_025, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 3, 8, 64])
def test_wav_holds_every_rate_and_number_of_channels(tmp_path, rate, channels):
    audio = noise(channels, 500)
    with AudioWriter(tmp_path / "a.wav", rate, channels) as writer:
        writer.write(audio)
    back, back_rate = read_audio(tmp_path / "a.wav")
    assert back_rate == rate and np.array_equal(back, audio)


def test_what_lies_beyond_full_scale_is_counted_kept_in_wav_and_clipped_in_flac(tmp_path):
    audio = np.array([[-1.5, 2.0, 0.5, 1.0]], dtype=np.float32)
    for suffix, clips, top in ((".wav", False, 2.0), (".flac", True, 1.0)):
        with AudioWriter(tmp_path / f"a{suffix}", 48_000, 1) as writer:
            writer.write(audio[:, :2])
            writer.write(audio[:, 2:])
        assert (writer.peak, writer.over_full_scale, writer.clips) == (2.0, 2, clips)
        back = read_audio(tmp_path / f"a{suffix}")[0]
        assert back.max() == pytest.approx(top, abs=1e-6)
        assert back.min() == pytest.approx(-min(top, 1.5), abs=1e-6)


def test_a_wav_satisfies_other_readers(tmp_path, monkeypatch):
    """Of floats the standard asks for a format chunk that tells the size of its extension; SoX warns where it lacks."""
    with soundfile.SoundFile(tmp_path / "in.flac", "w", 44_100, 1) as file:
        file.title = "A title of odd length"
        file.write(np.zeros(5000))
    for channels, limit, tags in ((1, 2**32, False), (2, 2**32, True), (3, 2**32, False), (2, 1000, False)):
        monkeypatch.setattr(write, "MAX_LIMITED_BYTES", limit)
        path, audio = tmp_path / "a.wav", noise(channels, 1001)
        with (
            AudioFile(tmp_path / "in.flac") as like,
            AudioWriter(path, 44_100, channels, like if tags or limit == 1000 else None) as writer,
        ):
            writer.write(audio)
        data, position, chunks = path.read_bytes(), 12, {}
        while position < len(data):
            name, size = struct.unpack_from("<4sI", data, position)
            chunks[name] = data[position + 8 : position + 8 + size]
            position += 8 + (min(size, len(data) - position - 8)) + size % 2
            if name == b"data":
                break
        assert data[:4] == (b"RF64" if limit == 1000 else b"RIFF")
        if data[:4] == b"RIFF":
            assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
        rates = 44_100, 44_100 * 4 * channels, 4 * channels, 32, 0
        assert chunks[b"fmt "] == struct.pack("<HHIIHHH", 3, channels, *rates)
        assert b"PEAK" not in chunks and np.frombuffer(chunks[b"data"], "<f4").tolist() == audio.T.ravel().tolist()
        assert np.array_equal(read_audio(path)[0], audio)
        assert AudioFile(path).tags == ({"title": "A title of odd length"} if tags or limit == 1000 else {})
        if shutil.which("soxi"):
            said = subprocess.run(["soxi", path], capture_output=True, text=True, check=True)
            assert said.stderr == "" and f"Channels       : {channels}" in said.stdout


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_a_file_can_be_written_over_itself_while_it_is_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with AudioWriter(path, 44_100, 2) as writer:
        writer.write(noise(2, 100_000))
    before = read_audio(path)[0]
    with AudioFile(path) as source, AudioWriter(path, 44_100, 2, like=source) as writer:
        for block in source.blocks(0.5):
            writer.write(0.5 * block)
    tolerance = 0.1 if suffix == ".ogg" else 1e-6
    assert np.abs(read_audio(path)[0] - 0.5 * before).max() < tolerance


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_tags_are_copied_from_the_source(tmp_path, suffix):
    with soundfile.SoundFile(tmp_path / "in.flac", "w", 44_100, 1) as file:
        file.title, file.artist = "A title", "Someone"
        file.write(np.zeros(5000))
    with AudioFile(tmp_path / "in.flac") as source, AudioWriter(tmp_path / f"o{suffix}", 44_100, 1, source) as writer:
        writer.write(noise(1, 5000))
    assert AudioFile(tmp_path / f"o{suffix}").tags.items() >= {"title": "A title", "artist": "Someone"}.items()


def test_mistakes_are_said_before_anything_is_written(tmp_path):
    with pytest.raises(OutputError, match=r"choose a name that ends in one of \.wav, \.flac, \.ogg"):
        AudioWriter(tmp_path / "a.m4a", 44_100, 2)
    with pytest.raises(AudioError, match="between 8000 and 192000"):
        AudioWriter(tmp_path / "a.wav", 4_000, 2)
    for name, rate, channels in (("a.flac", 44_100, 9), ("a.mp3", 44_100, 3), ("a.mp3", 96_000, 2)):
        with pytest.raises(OutputError, match=rf"cannot hold {channels} channels at {rate} Hz: choose a \.wav"):
            AudioWriter(tmp_path / name, rate, channels).__enter__()
    with pytest.raises(OutputError, match="create it first"), AudioWriter(tmp_path / "no" / "a.wav", 44_100, 2):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("problem", [RuntimeError("a defect"), KeyboardInterrupt()])
def test_an_error_in_the_block_leaves_the_old_file(tmp_path, problem):
    (tmp_path / "a.flac").write_bytes(b"old")
    with pytest.raises(type(problem)), AudioWriter(tmp_path / "a.flac", 44_100, 2) as writer:
        writer.write(noise())
        raise problem
    assert (tmp_path / "a.flac").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.flac"]


def test_nan_is_never_written(tmp_path):
    with pytest.raises(OutputError, match="NaN or infinity"), AudioWriter(tmp_path / "a.wav", 44_100, 1) as writer:
        writer.write(np.array([[0.0, np.nan]], dtype=np.float32))
    assert os.listdir(tmp_path) == []


def test_a_block_of_another_shape_is_a_defect(tmp_path):
    with pytest.raises(ValueError, match=r"must be \(2, n\)"), AudioWriter(tmp_path / "a.wav", 44_100, 2) as writer:
        writer.write(noise(1, 10))


def test_past_4_gb_a_wav_becomes_rf64_if_the_length_is_known_and_is_refused_otherwise(tmp_path, monkeypatch):
    with AudioWriter(tmp_path / "in.wav", 44_100, 1) as writer:
        writer.write(noise(1))
    monkeypatch.setattr(write, "MAX_LIMITED_BYTES", 100_000)  # nobody wants to write 4 GB here
    with AudioFile(tmp_path / "in.wav") as source, AudioWriter(tmp_path / "a.wav", 44_100, 1, source) as writer:
        writer.write(noise(1))
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"
    assert np.array_equal(read_audio(tmp_path / "a.wav")[0], noise(1))
    for suffix in (".wav", ".aiff"):
        with pytest.raises(OutputError, match="would pass 4 GB"), AudioWriter(tmp_path / f"b{suffix}", 44_100, 1) as w:
            w.write(noise(1))
    assert sorted(os.listdir(tmp_path)) == ["a.wav", "in.wav"]


FULL_DISK = """
import os, resource, sys
import numpy as np
from reaper_aeq.dsp.write import AudioWriter
from reaper_aeq.errors import OutputError
folder, seconds = sys.argv[1], float(sys.argv[2])
audio = (0.1 * np.random.default_rng(0).standard_normal((2, int(44100 * seconds)))).astype(np.float32)
for item in sys.argv[3:]:
    suffix, limit = item.split(":")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        with AudioWriter(os.path.join(folder, "a" + suffix), 44100, 2) as writer:
            for part in np.array_split(audio, 4, axis=1):
                writer.write(part)
        text = "written"
    except OutputError as error:
        text = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(item, text, os.listdir(folder), sep="|")
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_full_disk_is_an_error_at_every_point_of_every_format(tmp_path):
    # Limits from "not even the header" to "all but the last bytes", which are written on closing.
    audio = noise(2, 22_050)
    items = []
    for suffix in SUFFIXES:
        with AudioWriter(tmp_path / f"whole{suffix}", 44_100, 2) as writer:
            for part in np.array_split(audio, 4, axis=1):
                writer.write(part)
        size = os.path.getsize(tmp_path / f"whole{suffix}")
        (tmp_path / f"whole{suffix}").unlink()
        # An OGG's length varies by a few bytes with its random serial number.
        margin = 200 if suffix == ".ogg" else 1
        items += [f"{suffix}:{limit}" for limit in (0, 10, 1000, size // 2, size - 1000, size - margin)]
    command = [sys.executable, "-c", FULL_DISK, tmp_path, "0.5", *items]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.split("|") for line in run.stdout.splitlines()]
    assert [line[0] for line in lines] == items
    for item, text, left in lines:
        assert text.startswith("cannot write") and "larger than" in text, (item, text)
        assert left == "[]", (item, left)
    assert run.stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupt_inside_libsndfile_is_not_lost(tmp_path, monkeypatch):
    # It arrives while Python code that C called is running, where cffi would print it and go on.
    real = write._Disk.write

    def interrupted(disk, data):
        signal.raise_signal(signal.SIGINT)
        return real(disk, data)

    monkeypatch.setattr(write._Disk, "write", interrupted)
    with pytest.raises(KeyboardInterrupt), AudioWriter(tmp_path / "a.flac", 44_100, 2) as writer:
        writer.write(noise())
    assert os.listdir(tmp_path) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
