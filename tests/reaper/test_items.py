"""Items, takes, sources, sections and fades, read from the lines REAPER writes."""

import os
from pathlib import Path

import pytest
from rpp_samples import laid_out, song

from reaper_aeq.errors import ProjectError
from reaper_aeq.reaper.chunks import parse
from reaper_aeq.reaper.rpp.items import Fade, Section, Source, media_path, read_item
from reaper_aeq.reaper.rpp.project import Project

FOLDER = Path("/songs/one")


def item(*lines):
    return read_item(parse(laid_out(["<ITEM", *lines, ">"])).find("ITEM"), FOLDER)


def test_an_item_with_takes():
    two = Project.from_bytes(song(), FOLDER / "a.rpp").tracks[1].items[0]
    assert (two.position_s, two.length_s, two.loop, two.mute, two.volume) == (1.5, 4.0, False, False, 0.5)
    assert (two.fade_in, two.fade_out) == (Fade(0.01, 1), Fade(0.5, 2))
    one, second, empty = two.takes
    assert (one.offset_s, one.rate, one.pitch_semitones, one.channel_mode) == (0.25, 1.5, -2.0, 3)
    assert (one.volume, one.phase_flipped, one.pan, one.preserve_pitch) == (2.0, True, 0.1, True)
    assert one.source == Source("WAVE", "Media/kick drum.wav", FOLDER / "Media/kick drum.wav", folder=FOLDER)
    assert (second.volume, second.pan, second.phase_flipped) == (0.8, -0.5, False)
    assert (second.source.kind, second.source.sections) == ("FLAC", (Section(0.75, 2.0, True),))
    assert empty.source is None
    assert two.active == 1 and two.take is second


def test_midi_and_empty_items():
    midi, empty = Project.from_bytes(song()).tracks[2].items
    assert (midi.mute, midi.take.source.kind, midi.take.source.file, midi.take.source.path) == (True, "MIDI", "", None)
    assert (empty.takes, empty.take, empty.volume, empty.fade_in) == ((), None, 1.0, Fade())


def test_the_first_take_may_be_an_empty_one():
    both = item("POSITION 0", "LENGTH 1", "TAKE", "NAME b", "<SOURCE WAVE", "FILE b.wav", ">")
    assert [take.source and take.source.file for take in both.takes] == [None, "b.wav"] and both.take is None
    assert item("TAKE SEL", "NAME b", "<SOURCE WAVE", "FILE b.wav", ">").take.source.file == "b.wav"
    assert item("NAME a", "<SOURCE WAVE", "FILE a.wav", ">", "TAKE NULL SEL").take is None


@pytest.mark.parametrize("lines, section", [
    (["LENGTH 2.5", "STARTPOS 1", "OVERLAP 0.01"], Section(1.0, 2.5, False)),
    (["LENGTH 2.5", "MODE 2", "STARTPOS 1", "OVERLAP 0.01"], Section(1.0, 2.5, True)),
    (["LENGTH 2.5", "MODE 3", "STARTPOS 1", "OVERLAP 0.01"], Section(0.0, None, True)),
    (["LENGTH 0", "MODE 2"], Section(0.0, None, True)),
])  # fmt: skip
def test_sections(lines, section):
    source = item("<SOURCE SECTION", *lines, "<SOURCE WAVE", "FILE a.wav", ">", ">").take.source
    assert (source.kind, source.sections) == ("WAVE", (section,))


def test_sections_inside_sections_are_innermost_first():
    inner = ["<SOURCE SECTION", "LENGTH 1", "STARTPOS 3", "<SOURCE WAVE", "FILE a.wav", ">", ">"]
    source = item("<SOURCE SECTION", "LENGTH 2", "STARTPOS 4", *inner, ">").take.source
    assert source.sections == (Section(3.0, 1.0), Section(4.0, 2.0)) and source.file == "a.wav"
    assert item("<SOURCE SECTION", "LENGTH 2", ">").take.source == Source("SECTION", sections=(Section(0.0, 2.0),))


@pytest.mark.parametrize("line, fade", [
    ("FADEIN 1 0 0", Fade(0.0, 1)), ("FADEIN 1.1 0 0.5 1 1 0 0", Fade(0.5, 1)),  # the crossfade counts
    ("FADEIN 0 0.01 0", Fade(0.01, 0)), ("FADEIN 1.1 0.01 0.25 6 1 0.5", Fade(0.25, 6)),
    ("FADEIN 5 0.01 0 0 0 0 0", Fade(0.01, 0)), ("FADEIN 0 -1 -1", Fade(0.0, 0)),
])  # fmt: skip
def test_fades(line, fade):
    assert item(line).fade_in == fade


def test_what_we_cannot_render_is_seen():
    plain = item("NAME a", "<SOURCE WAVE", "FILE a.wav", ">").take
    assert not (plain.has_fx or plain.has_envelopes or plain.has_stretch_markers or plain.source.offline)
    full = item("NAME a", "<SOURCE _OFFLINE_WAVE", "FILE a.wav", ">", "SM 0 0", "<TAKEFX", ">", "<VOLENV", ">").take
    assert full.has_fx and full.has_envelopes and full.has_stretch_markers
    assert (full.source.kind, full.source.offline) == ("WAVE", True)


@pytest.mark.parametrize("lanes, plays", [
    (["FREEMODE 2", "LANESOLO 4 0 0 0 0 0 0 0"], True), (["FREEMODE 2", "LANESOLO 2 0 0 0 0 0 0 0"], False),
    (["FREEMODE 2"], True), (["LANESOLO 2 0 0 0 0 0 0 0"], True), (["FREEMODE 1", "LANESOLO 2"], True),
    (["FREEMODE 2", "LANESOLO 4294967293 0"], True), (["FREEMODE 2", "LANESOLO 4294967291 0"], False),
])  # fmt: skip
def test_items_in_silent_lanes_do_not_play(lanes, plays):
    lines = ["<TRACK", *lanes, "<ITEM", "YPOS 0.5 0.25 2", ">", "<ITEM", "MUTE 1 0", ">", "<ITEM", ">", ">"]
    (track,) = Project.from_bytes(laid_out(lines)).tracks
    laned, muted, free = track.items
    assert (laned.lane, free.lane) == (2, None)
    assert (track.plays(laned), track.plays(muted), track.plays(free)) == (plays, False, True)


def test_numbers_with_commas_and_missing_lines():
    assert item("POSITION 1,5", "LENGTH 2").position_s == 1.5
    assert item().length_s == 0 and item().loop is False


def test_errors_name_the_line():
    with pytest.raises(ProjectError, match="line 3: PLAYRATE must be above 0") as caught:
        item("NAME a", "PLAYRATE -1")
    assert caught.value.line == 3
    with pytest.raises(ProjectError, match="line 2: POSITION holds 'soon', which is not a number"):
        item("POSITION soon")


@pytest.mark.skipif(os.name == "nt", reason="how paths of Windows are read elsewhere")
def test_paths(tmp_path):
    assert media_path("Media/a.wav", tmp_path) == tmp_path / "Media/a.wav"
    assert media_path(r"Media\a.wav", tmp_path) == tmp_path / "Media/a.wav"
    assert media_path("/else/a.wav", tmp_path) == Path("/else/a.wav")
    assert media_path(r"C:\Music\a.wav", tmp_path) == Path(r"C:\Music\a.wav")
    assert media_path("a.wav", None) == Path("a.wav")
    (tmp_path / r"Media\a.wav").touch()
    assert media_path(r"Media\a.wav", tmp_path) == tmp_path / r"Media\a.wav"
    assert media_path("x" * 5000 + "\\", tmp_path).name == "x" * 5000  # beyond what a disk allows: missing, no error
