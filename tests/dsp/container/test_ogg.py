"""OGG: every stream of a chain is heard, and the sound of a film."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_files import ID3V1, encoded, heard, id3v2, rubbish

RATE = 48_000


def ogg(seconds: float, coding: str = "VORBIS", **options) -> bytes:
    return encoded(seconds, "OGG", coding, rate=RATE, **options)


def pages(data: bytes) -> list[bytes]:
    found, position = [], 0
    while position < len(data):
        table = data[position + 27 : position + 27 + data[position + 26]]
        found.append(data[position : position + 27 + len(table) + sum(table)])
        position += len(found[-1])
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.3, 0.5, 0.9]), st.sampled_from([b"", ID3V1, bytes(500)])), min_size=1),
    st.sampled_from(["VORBIS", "OPUS"]), st.sampled_from([b"", id3v2(300)]),
)  # fmt: skip
def test_any_streams_one_behind_the_other_are_heard(tmp_path_factory, chain, coding, before):
    data = before + b"".join(ogg(seconds, coding) + behind for seconds, behind in chain)
    audio, warning = heard(tmp_path_factory.mktemp("ogg") / "a.ogg", data)
    assert warning is None and len(audio) == round(RATE * sum(seconds for seconds, _ in chain))


@pytest.mark.parametrize("coding", ["VORBIS", "OPUS"])
def test_the_second_stream_sounds_as_it_does_alone(tmp_path, coding):
    first, second = (ogg(1.0, coding, freq_hz=freq_hz) for freq_hz in (150.0, 5000.0))
    audio, _ = heard(tmp_path / "a.ogg", first + second)
    assert [np.abs(np.fft.rfft(part)).argmax() for part in np.split(audio, 2)] == [150, 5000]
    assert np.array_equal(audio[RATE:], heard(tmp_path / "b.ogg", second)[0])


def test_a_stream_cut_in_a_page_says_so(tmp_path):
    data = ogg(3.0)
    audio, warning = heard(tmp_path / "a.ogg", data[: len(data) * 2 // 3])
    assert warning == "is cut off in the middle of a page: what lies before it was read" and len(audio) > RATE


@pytest.mark.parametrize("left", [1, 4, 21, 26])
def test_a_stream_cut_in_the_head_of_a_page_says_so_too(tmp_path, left):
    *whole, last = pages(ogg(3.0))
    assert heard(tmp_path / "a.ogg", b"".join(whole) + last[:left])[1].startswith("is cut off in the middle of a page")


def test_rubbish_between_pages_and_a_stream_that_is_no_sound_are_said(tmp_path):
    first = pages(ogg(2.0))
    audio, warning = heard(tmp_path / "a.ogg", b"".join(first[:4]) + rubbish(6000) + b"".join(first[4:]))
    assert warning == "is damaged: 6000 bytes of it are no sound that can be read" and len(audio) == 2 * RATE


def test_a_picture_beside_the_sound_is_left_out(tmp_path):
    """Pages of two streams in turn, as a film has them; libsndfile refuses it whole."""
    sound = pages(ogg(2.0))
    picture = [page[:14] + b"\x99\x00\x00\x00" + page[18:] for page in sound]
    begin = bytearray(picture[0])
    begin[28 : 28 + 7] = b"\x80theora"
    film = [bytes(begin), sound[0]]
    for one, other in zip(picture[1:], sound[1:], strict=True):
        film += [one, other]
    audio, warning = heard(tmp_path / "a.ogv", b"".join(film))
    assert warning is None and len(audio) == 2 * RATE


def test_another_number_of_channels_behind_it_is_not_read_and_said(tmp_path):
    audio, warning = heard(tmp_path / "a.ogg", ogg(1.0) + ogg(0.5, channels=2))
    assert "goes on for 0.50 s with another sample rate or number of channels" in warning and len(audio) == RATE
