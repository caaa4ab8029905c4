"""Everything libsndfile reads comes in as float32 (channels, n); everything else is one clear sentence."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reaper_aeq.dsp.audio import AudioFile, as_channels, check_sample_rate, read_audio, resample
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
        # libsndfile corrects the headers of the others itself
        assert (file.warning is not None) == (kind in ("flac", "mp3"))
        if file.warning:
            seconds = float(re.search(r"only its first ([\d.]+) s were read", file.warning)[1])
            assert seconds == pytest.approx(part.shape[1] / 44_100, abs=0.01)
    share = part.shape[1] / whole.shape[1]
    assert 0.5 < share < 0.65 or (kind == "ogg" and 0.2 < share < 0.65)  # Vorbis pages are long
    assert np.array_equal(part[:, :-4000], whole[:, : part.shape[1] - 4000])


def test_a_file_of_which_nothing_can_be_decoded(tmp_path):
    path = store(tmp_path / "a.flac", noise(2, 44_100), kind="flac")
    data = path.read_bytes()
    start = data.index(b"\xff\xf8")
    path.write_bytes(data[:start] + bytes(len(data) - start))
    refusal(path, "no sample of it can be decoded|is not audio that can be read here")


def test_a_variable_rate_mp3_that_does_not_state_its_length_is_read_to_the_end(tmp_path):
    audio = np.concatenate([noise(2, 300_000, 0.2), noise(2, 300_000, 1e-4)], axis=1)
    path = store(tmp_path / "a.mp3", audio, kind="mp3", compression_level=0.5, bitrate_mode="VARIABLE")
    data = path.read_bytes()
    second = next(i for i in range(data.index(b"Xing"), len(data)) if data[i : i + 2] == data[:2])
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
    for start in (b"", tag):
        path.write_bytes(start + data[second:])
        assert soundfile.info(path).frames < 400_000  # what libsndfile alone would read
        with AudioFile(path) as file:
            assert file.frames is None
            assert abs(sum(block.shape[1] for block in file.blocks()) - 600_000) < 3000


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


# arrays

FLOATS = st.sampled_from([np.float16, np.float32, np.float64, np.dtype(">f4")])
SHAPES = st.one_of(st.tuples(st.integers(1, 300)), st.tuples(st.integers(1, 64), st.integers(1, 40)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_float_array_of_a_lawful_shape_keeps_its_values(data):
    kind = data.draw(FLOATS)
    width = np.dtype(kind).itemsize * 8
    elements = st.floats(-2, 2, width=width)
    array = data.draw(hnp.arrays(kind, data.draw(SHAPES), elements=elements))
    layout = data.draw(st.sampled_from(["C", "F", "reversed", "read-only", "torch", "torch.T"]))
    expected = np.atleast_2d(array).astype(np.float32)
    if layout == "F":
        array = np.asfortranarray(array)
    elif layout == "reversed":
        array = array[..., ::-1].copy()[..., ::-1]
    elif layout == "read-only":
        array.flags.writeable = False
    elif layout.startswith("torch"):
        array = torch.from_numpy(array.astype(kind if kind != np.dtype(">f4") else np.float32))
        array = array.T.contiguous().T if layout == "torch.T" and array.ndim == 2 else array
    tensor = as_channels(array, 44_100)
    assert tensor.dtype == torch.float32 and tensor.is_contiguous()
    assert np.array_equal(tensor.numpy(), expected)


def test_one_sample_in_an_odd_layout():
    packed = np.array([(1, 0.5)], dtype=[("id", "i2"), ("sample", "f4")])["sample"]  # a stride of 6 bytes
    assert as_channels(packed, 44_100).tolist() == [[0.5]]
    assert as_channels(np.array([[0.5], [1.0]])[::-1, ::-1], 44_100).tolist() == [[1.0], [0.5]]
    assert as_channels(np.array([0.5])[::-1], 44_100).tolist() == [[0.5]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_first_bad_sample_of_an_array_is_named(data):
    array = np.zeros(data.draw(st.tuples(st.integers(1, 64), st.integers(1, 50))))
    channel = data.draw(st.integers(0, array.shape[0] - 1))
    frame = data.draw(st.integers(0, array.shape[1] - 1))
    array[channel, frame:] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf, 1e300]))
    with pytest.raises(AudioError, match=re.escape(f" at {frame / 8000:.6g} s:")):
        as_channels(array if data.draw(st.booleans()) else torch.from_numpy(array), 8000)


@pytest.mark.parametrize("kind", ["int8", "int16", "int32"])
def test_pcm_is_scaled_by_its_full_scale(kind):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    array = np.array([low, 0, high // 2 + 1, high], dtype=kind)
    for audio in (array, torch.from_numpy(array)):
        assert as_channels(audio, 44_100)[0].tolist() == pytest.approx([-1, 0, 0.5, high / -low])
    assert as_channels(np.array([0, 128, 192], dtype=np.uint8), 44_100)[0].tolist() == [-1, 0, 0.5]


@pytest.mark.parametrize(
    ("audio", "sentence"),
    [
        (np.zeros((44_100, 2)), r"shape \(44100, 2\) .* it looks like \(samples, channels\), pass audio.T"),
        (np.zeros((65, 100)), r"shape \(65, 100\) has more than 64 channels$"),
        (np.zeros(0), "holds no samples"),
        (np.zeros((0, 10)), "holds no samples"),
        (torch.zeros(2, 0), "holds no samples"),
        (np.zeros((1, 2, 3)), "not 3-dimensional"),
        (np.float32(1), "not 0-dimensional"),
        (np.zeros(10, dtype=np.int64), "int64 is no PCM: pass floats, int16 or int32"),
        (np.zeros(10, dtype=np.uint16), "uint16 is no PCM"),
        (torch.zeros(10, dtype=torch.bool), "bool is no PCM"),
        (np.zeros(10, dtype=complex), "not of type complex128"),
        (np.zeros(10, dtype=bool), "not of type bool"),
        (torch.zeros(10, dtype=torch.complex64), "complex64 is no PCM"),
        (None, "not of type object"),
        ("a.wav", "not of type <U5"),
    ],
)
def test_arrays_that_are_no_audio(audio, sentence):
    with pytest.raises(AudioError, match=sentence):
        as_channels(audio, 44_100)


def test_a_tensor_that_requires_gradients_is_only_read():
    assert not as_channels(torch.zeros(4, requires_grad=True), 44_100).requires_grad


@pytest.mark.parametrize("rate", [0, -1, 7_999, 192_001, 44_100.5, float("nan"), float("inf"), None, "fast"])
def test_sample_rates_out_of_range(rate):
    with pytest.raises(AudioError, match=r"between 8000 and 192000$"):
        as_channels(np.zeros(4), rate)


def test_sample_rates_of_other_types():
    assert [check_sample_rate(r) for r in (8_000, 192_000, 44_100.0, np.int64(48_000))] == [
        8_000,
        192_000,
        44_100,
        48_000,
    ]


# resampling


@pytest.mark.parametrize(("rate", "to"), [(96_000, 44_100), (44_100, 48_000), (8_000, 192_000), (192_000, 8_000)])
def test_resampling_keeps_tones_and_removes_what_would_alias(rate, to):
    seconds = torch.arange(rate, dtype=torch.float64) / rate
    lower = min(rate, to)

    def level_db(freq_hz: float) -> float:
        tone = torch.sin(2 * torch.pi * freq_hz * seconds).float()
        out = resample(torch.stack([tone, tone]), rate, to)
        assert out.shape == (2, to) and out.dtype == torch.float32
        return 20 * np.log10(float(out[:, to // 4 : -to // 4].square().mean().sqrt()) * 2**0.5)

    assert abs(level_db(0.1 * lower)) < 0.01
    assert abs(level_db(0.45 * lower)) < 0.05
    if to < rate:
        assert level_db(0.55 * to) < -100


def test_resampling_to_the_same_rate_is_the_identity():
    audio = torch.randn(3, 100)
    assert resample(audio, 44_100, 44_100) is audio


def test_rates_without_a_common_divisor_stay_cheap_and_in_tune():
    audio = torch.sin(2 * torch.pi * 1000 * torch.arange(44_101) / 44_101)
    out = resample(audio, 44_101, 48_000)
    assert abs(len(out) - 48_000) <= 1
    expected = torch.sin(2 * torch.pi * 1000 * torch.arange(48_000) / 48_000)
    assert (out[1000:47_000] - expected[1000:47_000]).abs().max() < 0.01
