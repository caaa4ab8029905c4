"""Reading sources anywhere: sections in sections, loops, damage."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.errors import AudioError
from reaper_aeq.project.media import Library, SourceReader
from reaper_aeq.reaper.rpp.items import Section, Source, media_path

RATE, FRAMES = 8000, 2000


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("media") / "ramp.wav"
    soundfile.write(path, np.arange(FRAMES) / 4096, RATE, subtype="FLOAT")
    return path


def reader(path, *sections, loop=False, library=None):
    return SourceReader(Source("WAVE", path.name, path, sections), library or Library(), loop)


sections = st.builds(
    lambda start, length, reverse: Section(start / RATE, length / RATE if length else None, reverse),
    st.integers(0, FRAMES + 50), st.integers(0, FRAMES + 500), st.booleans(),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(sections, max_size=3), st.booleans(), st.lists(st.tuples(st.integers(-99, 5000), st.integers(0, 900))))
def test_any_place_is_what_the_whole_says(file, nested, loop, reads):
    whole = np.arange(FRAMES) / 4096
    for section in nested:  # written out with plain arrays
        start = round(section.start_s * RATE)
        length = max(0, len(whole) - start) if section.length_s is None else round(section.length_s * RATE)
        whole = np.concatenate([whole[start:], np.zeros(length)])[:length]
        whole = whole[::-1] if section.reverse else whole
    source = reader(file, *nested, loop=loop)
    assert source.length == len(whole)
    for first, count in reads:
        at = np.arange(first, first + count)
        if loop and len(whole):
            wanted = whole[at % len(whole)]
        else:
            inside = (at >= 0) & (at < len(whole))
            wanted = np.zeros(count)
            wanted[inside] = whole[at[inside]]
        assert np.array_equal(source.read(first, count)[:, 0], wanted.astype(np.float32))
    source.close()


def test_an_ogg_can_be_read_again_from_its_start(tmp_path):
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, 3 * 44_100)
    soundfile.write(tmp_path / "a.ogg", audio, 44_100)
    library = Library()
    source = reader(tmp_path / "a.ogg", loop=True, library=library)
    first = source.read(0, 44_100)
    source.read(44_100, 2 * 44_100)
    assert np.abs(source.read(3 * 44_100, 44_100) - first).max() < 1e-3 and first.std() > 0.1
    assert library.warnings == {}


def test_a_file_that_is_cut_off_is_silent_from_there_with_a_warning(tmp_path):
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 80_000), RATE)
    path.write_bytes(path.read_bytes()[:60_000])
    library = Library()
    source = reader(path, library=library)
    assert source.read(0, 4096).std() > 0.1 and not source.read(70_000, 4096).any()
    assert "is cut off: it says that it lasts 10.00 s, " in library.warnings[path]


def test_not_a_number_becomes_silence_with_a_warning(tmp_path):
    audio = np.full(100, 0.5)
    audio[7] = np.nan
    soundfile.write(tmp_path / "nan.wav", audio, RATE, subtype="FLOAT")
    library = Library()
    assert reader(tmp_path / "nan.wav", library=library).read(0, 10)[:, 0].tolist() == [0.5] * 7 + [0] + [0.5] * 2
    assert "that are not numbers" in library.warnings[tmp_path / "nan.wav"]


def test_what_cannot_be_heard_is_said(tmp_path, file):
    library = Library()
    assert library.missing(Source("WAVE", "ramp.wav", file)) is None
    assert "does not exist" in library.missing(Source("WAVE", "x.wav", tmp_path / "x.wav"))
    assert "offline" in library.missing(Source("WAVE", "ramp.wav", file, offline=True))
    assert "VIDEO" in library.missing(Source("VIDEO", "a.mp4", tmp_path / "a.mp4"))
    with pytest.raises(AudioError):
        library.file(tmp_path / "x.wav")


@pytest.mark.parametrize(
    ("written", "lies"),
    [
        ("D:\\sessions\\old name\\Take One.WAV", "Take One.WAV"),
        ("D:\\sessions\\take one.wav", "Take One.WAV"),
        ("/home/ann/Take One.wav", "Take One.WAV"),
        ("take one.wav", "Take One.WAV"),
        ("audio/take one.wav", "audio/Take One.WAV"),
        ("audio/take one.wav", "Take One.WAV"),
    ],
)
def test_a_file_that_moved_with_its_project_or_changed_its_case_is_named_where_it_lies(tmp_path, written, lies):
    where = tmp_path / lies
    where.parent.mkdir(exist_ok=True)
    where.write_bytes(b"RIFF")
    source = Source("WAVE", written, media_path(written, tmp_path), folder=tmp_path)
    told = Library().missing(source)
    assert told == f"{written} does not exist, but {where} does: choose it in REAPER"


def test_a_missing_file_that_lies_nowhere_near_is_just_missing(tmp_path):
    told = Library().missing(Source("WAVE", "a.wav", tmp_path / "gone" / "a.wav", folder=tmp_path))
    assert told == "a.wav does not exist: bring it back or choose another"


def test_what_several_items_use_is_decoded_once(file, monkeypatch):
    library = Library()
    readers = [SourceReader(Source("WAVE", "x.wav", file), library) for _ in range(3)]
    decoded = [reader._whole is not None for reader in readers]
    assert decoded == [False, True, True] and readers[1]._whole is readers[2]._whole
    for first, count in ((-5, 20), (100, 500), (FRAMES - 3, 9)):
        sounds = [reader.read(first, count) for reader in readers]
        assert np.array_equal(sounds[0], sounds[1]) and np.array_equal(sounds[0], sounds[2])
    monkeypatch.setattr("reaper_aeq.project.media.KEPT_FILE_BYTES", 10)
    small = Library()
    assert all(SourceReader(Source("WAVE", "x.wav", file), small)._whole is None for _ in range(3))
