"""Envelopes of our EQ in project files: in the form REAPER writes, and gone again to the byte."""

import os
from pathlib import Path

import pytest

from reaper_aeq.eq import Band, Eq, EqSection, MovingEq
from reaper_aeq.reaper.rpp.project import Project

SHARED = Path(os.environ.get("AEQ_SHARED") or Path(__file__).resolve().parents[3] / "shared")
FILES = sorted(path for path in (SHARED / "rpp").glob("*") if path.suffix.lower() == ".rpp")
NAME = "AEQ: warm 100%"
SONG = b'<REAPER_PROJECT 0.1 "7.0" 1700000000\n  <TRACK {11111111-2222-4333-8444-555555555555}\n    NAME vox\n  >\n>\n'


def eq(low_db, mid_db, out_db):
    return Eq((Band("low_shelf", 180.0, low_db), Band("band", 2000.0, mid_db, 1.5)), out_db)


MOVING = MovingEq((EqSection(0, 10, eq(3, -1, -1)), EqSection(10, 20, eq(-6.0206, -1, 0))))


def opened(tmp_path, data=SONG):
    path = tmp_path / "song.rpp"
    path.write_bytes(data)
    return Project.read(path)


def lanes(project):
    return [chunk for chunk in project.tracks[0].chunk.walk() if chunk.name == "PARMENV"]


def test_points_are_on_the_envelopes_own_scale(tmp_path):
    project = opened(tmp_path)
    late = MovingEq((EqSection(2, 12, eq(3, -1, -1)), EqSection(12, 22, eq(-6.0206, -1, 0))))
    assert project.tracks[0].set_eq(late.sections[0].eq, NAME, moving=late)
    low, out = lanes(project)  # nothing of the middle band moves
    assert low.head.text == "<PARMENV 1:_Gain_Low_Shelf 0 1 0.25"
    assert out.head.text == "<PARMENV 6:_Global_Gain 0 4 1"
    points = [[float(value) for value in line.tokens[1:]] for line in low.lines if line.name == "PT"]
    assert [point[0] for point in points] == [0.0, 2.0, 11.5, 12.0]
    assert points[-1][1] == pytest.approx(0.125, abs=1e-6)  # -6.02 dB is half of 0.25
    assert [line.name for line in low.lines][:6] == ["EGUID", "ACT", "VIS", "LANEHEIGHT", "ARM", "DEFSHAPE"]


def test_static_again_takes_them_away(tmp_path):
    track = (project := opened(tmp_path)).tracks[0]
    track.set_eq(MOVING.sections[0].eq, NAME)
    static = track.chunk.to_bytes()
    assert track.set_eq(MOVING.sections[0].eq, NAME, moving=MOVING)
    assert len(lanes(project)) == 2
    assert not track.set_eq(MOVING.sections[0].eq, NAME, moving=MOVING)
    assert track.set_eq(MOVING.sections[0].eq, NAME)
    assert track.chunk.to_bytes() == static


def test_the_users_own_envelope_stays_and_keeps_its_parameter(tmp_path):
    track = (project := opened(tmp_path)).tracks[0]
    track.set_eq(MOVING.sections[0].eq, NAME)
    chain = track.chunk.find("FXCHAIN")
    own = ["<PARMENV 1:_Gain_Low_Shelf 0 1 0.25", "EGUID {04662523-EE11-472A-9969-FA5DBCFB2170}", "PT 0 0.2 0", ">"]
    chain.insert(len(chain.children) - 1, own)
    before = track.chunk.to_bytes()
    track.set_eq(MOVING.sections[0].eq, NAME, moving=MOVING)
    assert [lane.tokens[1] for lane in lanes(project)] == ["1:_Gain_Low_Shelf", "6:_Global_Gain"]
    track.set_eq(MOVING.sections[0].eq, NAME)
    assert track.chunk.to_bytes() == before


@pytest.mark.parametrize(
    ("kept", "stays"),
    [
        ("'1 6'", False),
        ("1", False),
        ("'6'", True),  # of another parameter
        (None, True),
    ],
)
def test_what_the_actions_drew_on_the_master_is_known_again(tmp_path, kept, stays):
    """They keep it in the project's own values: `<EXTSTATE`, a chunk a section, all names in capitals."""
    master = opened(tmp_path).master
    master.set_eq(MOVING.sections[0].eq, NAME)
    static = master.chunk.to_bytes()
    chain = master.chunk.find("MASTERFXLIST")
    (fxid,) = (line.tokens[1] for line in chain.lines if line.name == "FXID")
    drawn = ["<PARMENV 1:_Gain_Low_Shelf 0 1 0.25", "EGUID {04662523-EE11-472A-9969-FA5DBCFB2170}", "PT 0 0.2 0", ">"]
    chain.insert(len(chain.children) - 1, drawn)
    values = ["<EXTSTATE", "  <OTHERS", "    KEY 1", "  >", "  <REAPER-AEQ-LANES", f"    {fxid} {kept}", "  >", ">"]
    before = master.chunk.to_bytes()
    if kept:
        master.chunk.append(values)
    master.set_eq(MOVING.sections[0].eq, NAME)
    after = master.chunk.to_bytes()
    assert after.startswith((before if stays else static).removesuffix(b">\n"))
    if not stays:  # what is drawn there from now on is the user's
        chain.insert(len(chain.children) - 1, drawn)
        before = master.chunk.to_bytes()
        master.set_eq(MOVING.sections[1].eq, NAME)
        assert (
            b"04662523-EE11" in master.chunk.to_bytes() and fxid.encode() + b" " not in before.split(b"<EXTSTATE")[-1]
        )


def test_a_line_that_anybody_wrote_is_no_reason_to_fail(tmp_path):
    master = opened(tmp_path).master
    master.set_eq(MOVING.sections[0].eq, NAME)
    (fxid,) = (line.tokens[1] for line in master.chunk.find("MASTERFXLIST").lines if line.name == "FXID")
    master.chunk.append(["<EXTSTATE", "  <REAPER-AEQ-LANES", f"    {fxid} {'9' * 5000} 1", "  >", ">"])
    assert not master.set_eq(MOVING.sections[0].eq, NAME)


@pytest.mark.skipif(not FILES, reason="the shared projects are not at hand")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[-40:])
def test_every_project_comes_back_to_the_byte(path, tmp_path):
    data = path.read_bytes()
    project, copy = opened(tmp_path, data), tmp_path / "out.rpp"
    holder = project.tracks[0] if project.tracks else project.master
    if holder is None:  # a file of an FX chain alone: there is nobody to give an EQ
        assert path.name.endswith("fx-chain-tag.rpp")
        return
    assert holder.set_eq(MOVING.sections[0].eq, NAME, moving=MOVING)
    copy.write_bytes(project.to_bytes())
    assert copy.read_bytes() != data
    again = Project.read(copy)
    assert (again.tracks[0] if again.tracks else again.master).remove_eq(NAME)
    copy.write_bytes(again.to_bytes())
    assert copy.read_bytes() == data
