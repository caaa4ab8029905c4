"""Projects: what is read, and EQs set and taken away to the byte."""

import csv
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from counted import calls_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rpp_samples import CURRENT_STATE, EQ, FORMS, NAME, chain, laid_out, large_project, real_projects, song

from reaper_aeq import Band, Eq
from reaper_aeq.errors import AeqError, RangeError
from reaper_aeq.reaper.reaeq.instance import encode_state, linear_to_db, to_state
from reaper_aeq.reaper.reaeq.state import ReaEqState
from reaper_aeq.reaper.rpp.project import Project

OTHER = Eq((Band("high_pass", 40.0, 0.0, 2.0),))
NAMES = [NAME, 'a"b', "it's", "`tick", 'say "it\'s"', "#1", ";", "ünï 中文 🎸", "x" * 300, " padded ", "> <", "\\"]
# What a line cannot hold is given up: line ends, and one quote where all three occur.
CHANGED_NAMES = {"all \" ' ` three": "all \" ' ' three", "two\nlines": "two lines", "half \ud83c pair": "half ? pair"}


@pytest.fixture(params=FORMS, ids=str)
def data(request):
    return FORMS[request.param]


def places(project):
    return [*project.tracks, project.master]


def same_place(project, other):
    return project.master if other.name == "MASTER" else project.tracks[other.index]


# Reading -----------------------------------------------------------------------------------------------------------


def test_tracks(data):
    project = Project.from_bytes(data)
    drums, snare, last = project.tracks
    assert project.sample_rate == 48000
    assert [(track.name, track.depth) for track in project.tracks] == [
        ("Drums", 0), ("say \"it's\"", 1), ("Überall", 0)]  # fmt: skip
    assert (drums.children, snare.parent, last.parent) == ([snare], drums, None)
    assert drums.guid == "{40BC5E07-BC90-1576-0196-1CCBAF05B305}"
    assert (drums.volume, drums.pan, drums.mute, drums.solo, drums.phase_inverted) == (0.92, -0.25, False, False, False)
    assert (snare.mute, snare.solo, snare.phase_inverted, snare.channels) == (True, True, True, 4)
    assert (drums.sends_to_parent, snare.sends_to_parent) == (True, False)
    assert not any(track.frozen or track.locked or track.receives for track in project.tracks)
    assert (project.master.volume, project.master.mute, project.master.fx_enabled) == (0.5, False, True)


def test_frozen_and_locked_tracks_with_sends():
    data = laid_out(["<TRACK", "LOCK 1", "AUXRECV 0 0 1", "AUXRECV 1 0 1", "<VOLENV2", ">", "<FREEZE 0", ">", ">"])
    (track,) = Project.from_bytes(data).tracks
    assert track.frozen and track.locked
    assert [receive.source for receive in track.receives] == [0] and len(track.damage) == 1
    assert (track.volume, track.channels, track.fx_enabled, track.name, track.guid) == (1.0, 2, True, "", "")


@pytest.mark.parametrize("changes, depths", [
    ([0, 0], [0, 0]), ([1, 1, -2, 0], [0, 1, 2, 0]), ([1, -1, 1, -1], [0, 1, 0, 1]), ([1, 1, -1, 0, -1, 0],
    [0, 1, 2, 1, 1, 0]), ([-3, 1, -9, 0], [0, 0, 1, 0]), ([1, 0], [0, 1]),
])  # fmt: skip
def test_folder_depth(changes, depths):
    lines = [line for c in changes for line in ("<TRACK", f"ISBUS {1 if c > 0 else 2 if c < 0 else 0} {c}", ">")]
    tracks = Project.from_bytes(laid_out(lines)).tracks
    assert [track.depth for track in tracks] == depths
    for track in tracks:
        assert (track.parent.depth == track.depth - 1 and track in track.parent.children) if track.parent else True


@pytest.mark.parametrize("version, platform", [
    ("7.66/linux-x86_64", "linux"), ("5.983/linux64", "linux"), ("6.11/x64", "windows"), ("6.25/win32", "windows"),
    ("7.41/win64", "windows"), ("4.602/OSX", "macos"), ("6.56+dev0425/macOS-arm64", "macos"), ("4.52", None),
    ("9.0/amiga", None), ("", None),
])  # fmt: skip
def test_platform_of_the_version(version, platform):
    data = f'<REAPER_PROJECT 0.1 "{version}" 1\n>\n'.encode()
    assert Project.from_bytes(data).platform == platform


@pytest.mark.parametrize("platform", ["windows", "macos", "linux"])
def test_without_a_platform_the_plugins_there_tell_it(platform):
    project = Project.from_bytes(laid_out(["<TRACK", *chain("FXCHAIN", platform), ">"]))
    assert project.platform == platform and project.master is None
    project.tracks[0].set_eq(EQ, NAME)
    token = {"windows": b" reaeq.dll ", "macos": b" reaeq.vst.dylib ", "linux": b" reaeq.vst.so "}[platform]
    assert project.to_bytes().count(token) == 2


def test_media_are_found_from_the_projects_folder(tmp_path, monkeypatch):
    (tmp_path / "song").mkdir()
    path = tmp_path / "song" / "a.rpp"
    path.write_bytes(song())
    monkeypatch.chdir(tmp_path)
    takes = Project.read(Path("song/a.rpp")).tracks[1].items[0].takes
    assert takes[0].source.path == tmp_path / "song" / "Media" / "kick drum.wav"
    if os.name != "nt":
        assert takes[1].source.path == tmp_path / "song" / "audio" / "snare.flac"


def test_eqs_of_the_user(data):
    project = Project.from_bytes(data)
    if b"<FXCHAIN\n" not in data.replace(b"\r", b"").replace(b" ", b""):
        assert [place.eqs() for place in places(project)] == [[]] * 4
        return
    for place in (project.tracks[0], project.master):
        (eq,) = place.eqs()
        assert (eq.name, eq.bypassed, eq.offline, eq.in_container) == ("Gain", True, False, False)
        assert [band.freq_hz for band in eq.eq.bands] == [100, 300, 1000, 5000, 100]


# Setting and removing ----------------------------------------------------------------------------------------------


def test_set_read_back_and_remove_gives_every_byte_back(data):
    project = Project.from_bytes(data)
    for holder in places(project):
        before = holder.eqs()
        assert holder.set_eq(EQ, NAME)
        written = project.to_bytes()
        again = Project.from_bytes(written)
        assert again.to_bytes() == written
        found = same_place(again, holder).eqs()
        mine = found[0]
        assert (mine.name, mine.eq, mine.bypassed) == (NAME, EQ, False)
        assert [eq.state for eq in found if eq.name != NAME] == [eq.state for eq in before]
        assert same_place(again, holder).remove_eq(NAME) and again.to_bytes() == data  # by whoever reads it later
        assert holder.remove_eq(NAME) and project.to_bytes() == data
        assert not holder.remove_eq(NAME) and project.to_bytes() == data


def test_only_whole_lines_are_added_in_reapers_own_form(data):
    project = Project.from_bytes(data)
    for holder in places(project):
        holder.set_eq(EQ, NAME)
    written = project.to_bytes()
    remaining = iter(written.split(b"\n"))
    kept = [line for line in data.split(b"\n") if b"PLINK" not in line]  # links follow: test_fxchain.py
    assert all(line in remaining for line in kept)  # nothing lost, order kept
    assert (written.count(b"\r\n") >= written.count(b"\n") > 0) == (b"\r\n" in data)
    platform = {"linux": rb"reaeq\.vst\.so", "windows": rb"reaeq\.dll", "macos": rb"reaeq\.vst\.dylib"}
    file = platform[project.platform] if project.platform else rb"reaeq\.\S+"
    fx = (rb'[ \t]*BYPASS 0 0 0\r?\n[ \t]*<VST "VST: ReaEQ \(Cockos\)" ' + file + rb' 0 "AEQ: warm 70%" '
          rb'1919247729<56535472656571726561657100000000> ""\r?\n([ \t]*[A-Za-z0-9+/=]{1,128}\r?\n){2,}[ \t]*>\r?\n'
          rb"[ \t]*FLOATPOS 0 0 0 0\r?\n[ \t]*FXID \{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}\r?\n"
          rb"[ \t]*WAK 0 0\r?\n")  # fmt: skip
    assert len(re.findall(fx, written)) == 4


def test_indentation_follows_the_file():
    project = Project.from_bytes(song(chains=False, indent="\t"))
    project.tracks[1].set_eq(EQ, NAME)
    project.master.set_eq(EQ, NAME)
    text = project.to_bytes().decode()
    assert "\n\t\t<FXCHAIN\n\t\t\tSHOW 0\n\t\t\tLASTSEL 0\n\t\t\tDOCKED 0\n\t\t\tBYPASS 0 0 0\n\t\t\t<VST " in text
    assert '> ""\n\t\t\t\tcWVlcu5e7f4' in text and "\n\t\t\tWAK 0 0\n\t\t>\n\t\t<FXCHAIN_REC\n" in text
    assert "\tMASTER_SEL 0\n\t<MASTERFXLIST\n\t\tSHOW 0\n" in text
    assert "\t\tWAK 0 0\n\t>\n\t<MASTERPLAYSPEEDENV\n" in text


@pytest.mark.parametrize("lines, before", [
    (["<TRACK", "NAME a", "<VOLENV2", ">", "<FREEZE 0", ">", "<ITEM", ">", ">"], b"<FREEZE"),
    (["<TRACK", "MAINSEND 1 0", "<ITEM", ">", "<ITEM", ">", ">"], b"<ITEM"),
    (["<TRACK", "MAINSEND 1 0", ">"], b">"),
])  # fmt: skip
def test_a_tracks_chain_stands_where_reaper_puts_it(lines, before):
    project = Project.from_bytes(laid_out(lines))
    project.tracks[0].set_eq(EQ, NAME)
    assert re.search(rb"\n    WAK 0 0\n  >\n *" + before, project.to_bytes())


@pytest.mark.parametrize("lines", [["TEMPO 96 4 4 0", "<MASTERPLAYSPEEDENV", ">"], ["TEMPO 96 4 4 0", "<TRACK", ">"],
                                   ["TEMPO 96 4 4 0"]])  # fmt: skip
def test_a_masters_chain_without_any_line_of_the_master(lines):
    data = laid_out(["<REAPER_PROJECT 0.1 7.66/win64", *lines, ">"])
    project = Project.from_bytes(data)
    project.master.set_eq(EQ, NAME)
    assert b"TEMPO 96 4 4 0\n  <MASTERFXLIST\n" in project.to_bytes()
    project.master.remove_eq(NAME)
    assert project.to_bytes() == data


def test_the_same_again_changes_no_byte(data):
    project = Project.from_bytes(data)
    for holder in places(project):
        holder.set_eq(EQ, NAME)
        written = project.to_bytes()
        assert not holder.set_eq(EQ, NAME)
        assert project.to_bytes() == written


def test_replacing_keeps_everything_else_of_the_instance():
    old = ReaEqState((), program="Überall", outputs=(1, 2, 4, 8), wrapper=(1, 0x180000), options=(1, 576, 363, 65538))
    lines = chain("FXCHAIN")
    first = lines.index(CURRENT_STATE[0])
    around = lines[:first], lines[first + len(CURRENT_STATE) :]
    project = Project.from_bytes(laid_out(["<TRACK", *around[0], *encode_state(old), *around[1], ">"]))
    assert project.tracks[0].set_eq(EQ, "Gain")
    expected = replace(old, bands=to_state(EQ).bands, gain=to_state(EQ).gain)
    assert project.to_bytes() == laid_out(["<TRACK", *around[0], *encode_state(expected), *around[1], ">"])
    (changed,) = project.tracks[0].eqs()
    assert (changed.eq, changed.bypassed) == (EQ, True)


def test_two_of_ours_in_a_chain_of_ours(data):
    """The chain goes when the last of them goes, in whatever order."""
    for order in ([NAME, "AEQ: airy"], ["AEQ: airy", NAME]):
        project = Project.from_bytes(data)
        for holder in places(project):
            assert holder.set_eq(EQ, NAME) and holder.set_eq(OTHER, "AEQ: airy")
            assert [(eq.name, eq.eq) for eq in holder.eqs() if eq.name != "Gain"] == [("AEQ: airy", OTHER), (NAME, EQ)]
        later = Project.from_bytes(project.to_bytes())
        assert all(holder.remove_eq(name) for holder in places(later) for name in order)
        assert later.to_bytes() == data


def test_a_chain_the_user_works_in_stays():
    project = Project.from_bytes(laid_out(["<TRACK", ">"]))
    track = project.tracks[0]
    track.set_eq(EQ, NAME)
    track.chunk.find("FXCHAIN").append(["BYPASS 0 0 0", "<JS loser/3BandEQ", ">", "WAK 0 0"])
    assert track.remove_eq(NAME)
    assert b"<JS loser/3BandEQ" in project.to_bytes() and b"ReaEQ" not in project.to_bytes()


def test_fresh_fxids():
    project = Project.from_bytes(song(chains=False))
    for holder in places(project):
        holder.set_eq(EQ, NAME)
        holder.set_eq(EQ, "b")
    fxids = re.findall(rb"FXID (\{.*\})", project.to_bytes())
    assert len(set(fxids)) == len(fxids) == 8


@pytest.mark.parametrize("name, stored", [*zip(NAMES, NAMES, strict=True), *CHANGED_NAMES.items()])
def test_names(name, stored, data):
    project = Project.from_bytes(data)
    for holder in places(project):
        assert holder.set_eq(EQ, name)
        assert not holder.set_eq(EQ, name)
        again = Project.from_bytes(project.to_bytes())
        assert same_place(again, holder).eqs()[0].name == stored
        assert holder.remove_eq(name) and project.to_bytes() == data


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_name_is_found_again(name):
    data = song(chains=False)
    project = Project.from_bytes(data)
    track = project.tracks[0]
    try:
        track.set_eq(EQ, name)
    except AeqError as error:
        assert "needs a name" in str(error) and not re.sub(r"[\x00-\x20\x7f-\xa0\u2000-\u3000\x1c-\x1f]", "", name)
        assert project.to_bytes() == data
        return
    project = Project.from_bytes(project.to_bytes())
    assert not project.tracks[0].set_eq(EQ, name)
    assert project.tracks[0].remove_eq(name) and project.to_bytes() == data


@pytest.mark.parametrize("call, error, message", [
    (lambda track: track.set_eq(EQ, ""), AeqError, "needs a name"),
    (lambda track: track.remove_eq(" "), AeqError, "needs a name"),
    (lambda track: track.set_eq(Eq((Band("band", 1000.0, 13.0),)), NAME), RangeError, "gain_db in ReaEQ"),
])  # fmt: skip
def test_mistakes_change_nothing(call, error, message, data):
    project = Project.from_bytes(data)
    for holder in places(project):
        with pytest.raises(error, match=message):
            call(holder)
    assert project.to_bytes() == data


def test_write(tmp_path, data):
    path = tmp_path / "song.rpp"
    path.write_bytes(data)
    project = Project.read(path)
    project.tracks[0].set_eq(EQ, NAME)
    (tmp_path / "song.aeq.rpp").write_bytes(project.to_bytes())
    assert Project.read(tmp_path / "song.aeq.rpp").tracks[0].eqs()[0].eq == EQ
    assert path.read_bytes() == data and len(list(tmp_path.iterdir())) == 2


def test_a_large_project_is_no_more_work_a_track():
    """Tracks with items and long plug-in states, as large sessions have; `tests/bench/bench_rpp.py` times 20 MB."""

    def calls(tracks):
        data = large_project(tracks)

        def with_eqs():
            project = Project.from_bytes(data)
            for holder in project.tracks:
                holder.set_eq(EQ, NAME)
                holder.eqs()
            return project.to_bytes()

        count, written = calls_of(with_eqs)
        assert len(written) > len(data)
        return count

    few, many = calls(5), calls(40)
    assert many <= 8.4 * few


# Real files --------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_real_projects_come_out_byte_for_byte_also_after_an_eq(shared_dir):
    count = 0
    for path in real_projects(shared_dir):
        data = path.read_bytes()
        project = Project.read(path)
        assert project.to_bytes() == data
        for holder in [*project.tracks, *([project.master] if project.master else [])]:
            assert holder.set_eq(EQ, NAME)
            assert not holder.set_eq(EQ, NAME)
            again = Project.from_bytes(project.to_bytes())
            mine = same_place(again, holder).eqs()[0]
            assert (mine.name, mine.eq) == (NAME, EQ)
            assert same_place(again, holder).remove_eq(NAME) and again.to_bytes() == data
            assert holder.remove_eq(NAME) and project.to_bytes() == data
            count += 1
    assert count > 180


@pytest.mark.shared
def test_real_eqs_equal_the_independent_table(shared_dir):
    kinds = {0: "lowshelf", 1: "highshelf", 2: "band_alt2", 3: "lowpass", 4: "highpass", 8: "band"}
    with open(shared_dir / "reaeq_decoded.tsv", encoding="utf-8", newline="") as file:
        table = Counter(tuple(r[i] for i in (0, 3, 4, 7, 9)) for r in csv.reader(file, delimiter="\t", quoting=3))
    found = Counter()
    for path in real_projects(shared_dir):
        project = Project.read(path)
        for holder in [*project.tracks, *([project.master] if project.master else [])]:
            for eq in holder.eqs():
                bands = " | ".join(
                    f"{kinds[b.type]},{int(b.enabled)},{b.freq_hz:.2f},{linear_to_db(b.gain):.2f},"
                    f"{b.bandwidth_oct:.3f},{b.flag}"
                    for b in eq.state.bands
                )
                state = eq.state
                found[project.version, str(len(state.bands)), bands, str(state.gain), state.program] += 1
    assert found.total() == sum(
        len(re.findall(rb"<VST [^\n]*reaeq\.", p.read_bytes())) for p in real_projects(shared_dir)
    )
    assert found.total() > 25
    assert not found - table


@pytest.mark.shared
def test_real_items_are_read(shared_dir):
    items = [item for path in real_projects(shared_dir) for track in Project.read(path).tracks for item in track.items]
    assert len(items) == 433
    files = Counter(item.take.source.kind for item in items if item.take)
    assert files["WAVE"] > 200 and files["FLAC"] == 57 and files["MIDI"] > 10
    rates = {round(item.take.rate, 4) for item in items if item.take}
    assert {0.9535, 1.0, 1.0789} <= rates
    assert {item.fade_out.shape for item in items} == {1, 2}
