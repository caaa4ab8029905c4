"""FLAC: the last frame says how long it is, not the header."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_files import ID3V1, ape, encoded, heard, id3v2, rubbish, tone

RATE = 44_100


def flac(seconds: float, subtype: str = "PCM_16", **options) -> bytes:
    return encoded(seconds, "FLAC", subtype, **options)


def counting(data: bytes, samples: int) -> bytes:
    """With another count of samples in its header."""
    high = bytes([data[21] & 0xF0 | samples >> 32])
    return data[:21] + high + struct.pack(">I", samples & 0xFFFF_FFFF) + data[26:]


tags = st.lists(st.sampled_from([b"", ID3V1, id3v2(700), id3v2(50), ape(400), bytes(3000)]), max_size=3).map(b"".join)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.01, 0.3, 0.5, 0.9]), st.sampled_from([None, 0, 100, 2**35]), tags),
        min_size=1, max_size=3,
    ),
    st.sampled_from([b"", id3v2(300), id3v2(300) * 2]),
)  # fmt: skip
def test_any_files_joined_with_any_counts_are_heard_to_the_end(tmp_path_factory, joined, before):
    data, expected = before, []
    for seconds, count, behind in joined:
        part = flac(seconds)
        data += (part if count is None else counting(part, count)) + behind
        expected.append(tone(seconds)[:, 0])
    audio, warning = heard(tmp_path_factory.mktemp("flac") / "a.flac", data)
    too_many = any(count == 2**35 for _, count, _ in joined)
    assert (warning is not None and warning.startswith("is cut off: it says")) == too_many
    assert np.abs(audio - np.concatenate(expected)).max() <= 2**-15


@pytest.mark.parametrize(("subtype", "rate", "channels"), [("PCM_S8", 8000, 1), ("PCM_24", 192_000, 8)])
def test_an_unknown_count_at_any_rate_and_depth(tmp_path, subtype, rate, channels):
    audio, warning = heard(tmp_path / "a.flac", counting(flac(0.4, subtype, rate=rate, channels=channels), 0))
    assert warning is None and len(audio) == round(0.4 * rate)


def test_tags_behind_the_sound_are_no_damage(tmp_path):
    for behind in (ID3V1, ape(3000), bytes(70_000), id3v2(100)):
        for data in (flac(0.5), counting(flac(0.5), 0)):
            audio, warning = heard(tmp_path / "a.flac", data + behind)
            assert warning is None and len(audio) == RATE // 2


def test_cut_off_and_damaged_files_say_so(tmp_path):
    data = flac(3.0)
    audio, warning = heard(tmp_path / "a.flac", data[: len(data) * 6 // 10])
    assert warning.startswith("is cut off: it says that it lasts 3.00 s, 1.") and 1.6 < len(audio) / RATE < 1.9
    audio, warning = heard(tmp_path / "a.flac", counting(data, 0)[: len(data) * 6 // 10])
    assert warning == "is cut off in the middle of a frame: what lies before it was read"
    assert 1.6 < len(audio) / RATE < 1.9
    middle = len(data) // 2
    audio, warning = heard(tmp_path / "a.flac", data[:middle] + rubbish(3000) + data[middle + 3000 :])
    assert warning.startswith("is damaged or cut off: only its first 1.") and 1.2 < len(audio) / RATE < 1.6
    assert np.abs(audio - tone(3.0)[: len(audio), 0]).max() <= 2**-15, "nothing that is not in the file"
