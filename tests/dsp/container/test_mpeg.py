"""MP3: every frame is heard, whatever the header counts and whatever lies between."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_files import ID3V1, LYRICS, ape, encoded, heard, id3v2, rubbish

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.container.mpeg import frame_length

RATE = 44_100


def mp3(seconds: float, **options) -> bytes:
    return encoded(seconds, "MP3", **options)


def without_header_frame(data: bytes) -> bytes:
    return data[frame_length(data[:4]) :]


def counting(data: bytes, frames: int | None) -> bytes:
    """With another count of frames in its header."""
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    return data[:at] + struct.pack(">I", frames) + data[at + 4 :]


tags = st.lists(
    st.sampled_from([b"", ID3V1, id3v2(700), id3v2(70_000), ape(400), ape(90, False), bytes(3000), LYRICS]), max_size=3
).map(b"".join)
parts = st.tuples(st.sampled_from([0.3, 0.5, 0.9]), st.booleans(), st.sampled_from(["counted", "bare", "wrong"]), tags)


@settings(max_examples=40, deadline=None)
@given(st.lists(parts, min_size=1, max_size=4), tags)
def test_any_files_joined_are_heard_to_the_end(tmp_path_factory, joined, before):
    data, seconds = before, 0.0
    for each_s, vbr, header, behind in joined:
        part = mp3(each_s, vbr=vbr)
        part = {"counted": part, "bare": without_header_frame(part), "wrong": counting(part, 4)}[header]
        data, seconds = data + part + behind, seconds + each_s
    audio, warning = heard(tmp_path_factory.mktemp("mp3") / "a.mp3", data)
    assert warning is None
    # a coder fills up its last frame, and one without a count cannot say where the sound in it ends
    assert seconds - 0.01 <= len(audio) / RATE < seconds + 0.08 * len(joined)


def test_the_second_of_two_joined_sounds_as_it_does_alone(tmp_path):
    low, high = mp3(1.0, freq_hz=150.0), mp3(1.0, freq_hz=5000.0)
    audio, warning = heard(tmp_path / "a.mp3", low + ID3V1 + id3v2(3000) + high)
    assert warning is None and len(audio) == 2 * RATE
    spectra = [np.abs(np.fft.rfft(part)).argmax() for part in np.split(audio, 2)]
    assert spectra == [150, 5000]
    assert np.array_equal(audio[RATE:], heard(tmp_path / "b.mp3", high)[0])


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (32_000, 1), (24_000, 2), (16_000, 1), (8_000, 1)])
def test_all_generations_and_channels(tmp_path, rate, channels):
    data = mp3(1.0, rate=rate, channels=channels)
    audio, warning = heard(tmp_path / "a.mp3", data + without_header_frame(data))
    assert warning is None and 2 * rate <= len(audio) < 2.2 * rate


@pytest.mark.parametrize("frames", [0, 4, 2**31, 2**32 - 1])
def test_a_wrong_count_is_not_believed(tmp_path, frames):
    audio, warning = heard(tmp_path / "a.mp3", counting(mp3(1.0, vbr=True), frames))
    assert warning is None and len(audio) / RATE == pytest.approx(1, abs=0.05)


def test_a_variable_rate_without_a_count_is_read_to_the_end(tmp_path):
    """libsndfile reckons with the first frame's rate: half may be missing."""
    quiet, loud = mp3(0.5, vbr=True), mp3(3.0, vbr=True, channels=1, freq_hz=90.0)
    audio, warning = heard(tmp_path / "a.mp3", without_header_frame(loud) + without_header_frame(quiet))
    assert warning is None and len(audio) / RATE == pytest.approx(3.5, abs=0.15)


def test_a_file_that_was_cut_says_so(tmp_path):
    data = mp3(2.0)
    audio, warning = heard(tmp_path / "a.mp3", data[: len(data) // 2])
    assert warning.startswith("is cut off: it says that it lasts 2.0") and warning.endswith(" s are there")
    assert 0.9 < len(audio) / RATE < 1.05


def test_rubbish_in_the_middle_is_passed_over_and_said(tmp_path):
    data = mp3(2.0)
    audio, warning = heard(tmp_path / "a.mp3", data[: len(data) // 2] + rubbish(9000) + data[len(data) // 2 :])
    assert "bytes of it are no sound that can be read" in warning and warning.startswith("is damaged: ")
    assert len(audio) / RATE == pytest.approx(2, abs=0.1)


def test_another_sample_rate_behind_it_is_not_read_and_said(tmp_path):
    audio, warning = heard(tmp_path / "a.mp3", mp3(1.0) + mp3(0.5, rate=48_000))
    assert warning == "goes on for 0.50 s with another sample rate or number of channels: that was not read"
    assert len(audio) == RATE


def test_any_place_of_a_joined_file_can_be_reached(tmp_path):
    path = tmp_path / "a.mp3"
    whole, _ = heard(path, mp3(0.5) + id3v2(500) + mp3(0.9, vbr=True) + without_header_frame(mp3(0.3)))
    with AudioFile(path) as file, file.opened() as sound:
        for first in (0, 30_000, 21_000, len(whole) - 100, 5, 22_050, 61_740):
            sound.seek(first)
            got = sound.read(np.empty((4000, 1), np.float32))[:, 0]
            assert len(got) == min(4000, len(whole) - first)
            assert np.abs(got - whole[first : first + 4000]).max() < 1e-3


def test_tags_are_still_told(tmp_path):
    frame = b"TIT2" + struct.pack(">IH", 8, 0) + b"\0A title"
    path = tmp_path / "a.mp3"
    heard(path, b"ID3\x03\0\0" + bytes((0, 0, 0, len(frame))) + frame + mp3(0.5) + mp3(0.3))
    assert AudioFile(path).tags == {"title": "A title"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_ends_in_a_trace(tmp_path_factory, data):
    from reaper_aeq.errors import AudioError

    found = bytearray(id3v2(300) + mp3(0.5) + ID3V1 + mp3(0.3, vbr=True) + ape(50))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(found) - 1))
        found[at : at + data.draw(st.integers(0, 300))] = rubbish(data.draw(st.integers(0, 300)), at)
    path = tmp_path_factory.mktemp("mp3") / "a.mp3"
    path.write_bytes(found)
    try:
        with AudioFile(path) as file:
            assert sum(block.shape[1] for block in file.blocks()) < 2 * RATE
    except AudioError as error:
        assert str(path) in str(error)
