"""WAV and its relatives: a length that was never written, is unknown, or is more than there is."""

import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_files import ID3V1, encoded, heard, id3v2, rubbish, tone

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.errors import AudioError

SECONDS = 1.0
SIZE_AT = {"WAV": (4, "<I"), "RF64": (None, ""), "AIFF": (4, ">I"), "W64": (16, "<Q"), "CAF": (4, ">Q")}
CODINGS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAV", "PCM_U8"), ("W64", "PCM_16"),
    ("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("AIFF", "FLOAT"), ("CAF", "PCM_16"), ("CAF", "FLOAT"), ("CAF", "ULAW"),
]  # fmt: skip
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOINAM" + struct.pack("<I", 14) + b"Some title...."


def sized(data: bytes, container: str, size: int) -> bytes:
    """With another word about the sound's size in its header, in bytes of sound."""
    name, offset, form, more = {
        "WAV": (b"data", 4, "<I", 0), "AIFF": (b"SSND", 4, ">I", 8), "W64": (b"data", 16, "<Q", 24),
        "CAF": (b"data", 4, ">q", 4),
    }[container]  # fmt: skip
    at = data.index(name) + offset
    coded = struct.pack(form, size + more if size else 0)
    return data[:at] + coded + data[at + len(coded) :]


def same_as(audio: np.ndarray, subtype: str) -> bool:
    coarse = {"PCM_U8": 2**-6, "ULAW": 0.03, "PCM_16": 2**-14, "PCM_24": 2**-22, "FLOAT": 0}[subtype]
    return len(audio) == 44_100 and np.abs(audio - tone(SECONDS)[:, 0]).max() <= coarse


@pytest.mark.parametrize(("container", "subtype"), CODINGS)
def test_a_recording_that_was_never_finished_is_read_whole_and_said(tmp_path, container, subtype):
    data = encoded(SECONDS, container, subtype)
    audio, warning = heard(tmp_path / "a", sized(data, container, 0))
    assert warning == "was not finished by its recorder: all 1.00 s of it were read"
    assert same_as(audio, subtype)


@pytest.mark.parametrize(("container", "subtype"), CODINGS)
def test_a_length_of_the_last_safe_moment_is_not_the_end(tmp_path, container, subtype):
    data = encoded(SECONDS, container, subtype)
    frame = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}.get(subtype, 1)
    audio, warning = heard(tmp_path / "a", sized(data, container, 10_000 * frame))
    assert warning.startswith("was not finished by its recorder: all 1.00 s") and same_as(audio, subtype)


@pytest.mark.parametrize(("container", "subtype"), CODINGS)
def test_a_copy_that_broke_off_says_so(tmp_path, container, subtype):
    data = encoded(SECONDS, container, subtype)
    audio, warning = heard(tmp_path / "a", data[: len(data) // 2])
    assert warning.startswith("is cut off: it says that it lasts 1.00 s, 0.4") or "0.50 s are there" in warning
    assert 0.4 < len(audio) / 44_100 < 0.51


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000, 0x8000_0000, 0xFFFF_FFB7])
@pytest.mark.parametrize("whole", [0xFFFF_FFFF, 0x7FFF_F024, 0])
def test_what_was_written_into_a_pipe_is_whole(tmp_path, size, whole):
    data = sized(encoded(SECONDS, "WAV", "PCM_16"), "WAV", size)
    audio, warning = heard(tmp_path / "a.wav", data[:4] + struct.pack("<I", whole) + data[8:])
    assert warning is None and same_as(audio, "PCM_16")


def test_a_caf_of_unknown_length_is_whole(tmp_path):
    audio, warning = heard(tmp_path / "a.caf", sized(encoded(SECONDS, "CAF", "PCM_16"), "CAF", -5))
    assert warning is None and same_as(audio, "PCM_16")


def test_bw64_is_rf64_by_another_name(tmp_path):
    data = encoded(SECONDS, "RF64", "PCM_16")
    for magic in (b"RF64", b"BW64"):
        audio, warning = heard(tmp_path / "a.wav", magic + data[4:])
        assert warning is None and same_as(audio, "PCM_16")
        at = data.index(b"ds64") + 8
        audio, warning = heard(tmp_path / "a.wav", magic + data[4:at] + bytes(24) + data[at + 24 :])
        assert warning.startswith("was not finished") and same_as(audio, "PCM_16")
        audio, warning = heard(tmp_path / "a.wav", magic + data[4 : len(data) // 2])
        assert warning.startswith("is cut off: it says that it lasts 1.00 s, 0.50 s are there")


@pytest.mark.parametrize("behind", [LIST, LIST * 3, ID3V1, id3v2(5000), bytes(50_000), rubbish(500)], ids=repr)
def test_what_belongs_to_no_sound_is_passed_over(tmp_path, behind):
    audio, warning = heard(tmp_path / "a.wav", encoded(SECONDS, "WAV", "PCM_16") + behind)
    assert warning is None and same_as(audio, "PCM_16")


@pytest.mark.parametrize("behind", [rubbish(50_000), b"what somebody wrote about it " * 1000], ids=["noise", "text"])
def test_bytes_that_are_no_sound_are_not_read_and_said(tmp_path, behind):
    for subtype in ("PCM_16", "FLOAT"):
        audio, warning = heard(tmp_path / "a.wav", encoded(SECONDS, "WAV", subtype) + behind)
        assert warning == f"has {len(behind)} bytes behind its sound that were not read" and same_as(audio, subtype)


@pytest.mark.parametrize("container", ["WAV", "W64"])
def test_of_samples_that_are_packed_the_time_is_right_too(tmp_path, container):
    data = encoded(2.0, container, "IMA_ADPCM")
    _, warning = heard(tmp_path / "a", data[: len(data) // 2])
    stated_s, there_s = map(float, re.findall(r"(\d+\.\d+) s", warning))
    assert abs(stated_s - 2.0) < 0.1 and abs(there_s - 1.0) < 0.1


def test_a_header_without_sound_is_still_empty(tmp_path):
    data = encoded(SECONDS, "WAV", "PCM_16")
    head = data[: data.index(b"data")] + b"data\0\0\0\0"
    for behind in (b"", LIST):
        (tmp_path / "a.wav").write_bytes(head + behind)
        with pytest.raises(AudioError, match="holds no samples"):
            AudioFile(tmp_path / "a.wav")


def test_tags_of_an_unfinished_file_are_told(tmp_path):
    data = encoded(SECONDS, "WAV", "PCM_16")
    at = data.index(b"data")
    path = tmp_path / "a.wav"
    path.write_bytes(sized(data[:at] + LIST + data[at:], "WAV", 0))
    assert AudioFile(path).tags == {"title": "Some title...."}


def test_more_than_4_gb_can_be_unfinished(tmp_path):
    """A file with a hole, which takes no room."""
    data = sized(encoded(SECONDS, "WAV", "PCM_16", channels=2), "WAV", 0)
    path = tmp_path / "a.wav"
    with open(path, "wb") as file:
        file.write(data)
        file.seek(2**32 + 2**20)
        file.write(b"\x01\x00" * 50)
    with AudioFile(path) as audio:
        assert audio.frames == (2**32 + 2**20 + 100 - data.index(b"data") - 8) // 4
        with audio.opened() as sound:
            sound.seek(audio.frames - 10)
            assert (sound.read(np.empty((50, 2), np.float32)) == 2**-15).all()


def test_an_aiff_with_an_absurd_sample_rate_is_refused(tmp_path):
    data = encoded(SECONDS, "AIFF", "PCM_16")
    at = data.index(b"COMM") + 16
    path = tmp_path / "a.aiff"
    path.write_bytes(data[:at] + b"\x7f\xff" + data[at + 2 :])
    with pytest.raises(AudioError):
        AudioFile(path)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_damage_ends_in_a_trace(tmp_path_factory, data):
    kind = data.draw(st.sampled_from(["WAV", "RF64", "AIFF", "W64", "CAF"]))
    found = bytearray(encoded(0.05, kind, "PCM_16") + LIST)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, 130))
        found[at : at + data.draw(st.integers(0, 8))] = rubbish(data.draw(st.integers(0, 8)), at)
    path = tmp_path_factory.mktemp(kind) / "a"
    path.write_bytes(found)
    try:
        with AudioFile(path) as file:
            assert sum(block.shape[1] for block in file.blocks()) < 50_000
    except AudioError as error:
        assert str(path) in str(error)
