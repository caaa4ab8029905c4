"""What the user does between two cycles of an action that lets REAPER have one wherever it may."""

from __future__ import annotations

import math

import pytest
from actions_kit import Clip, Strip, guid, noise, ours, reaeq, song
from standin.fx_chain import fx_list
from standin.injection import delete_item, delete_track, select, turn_band

from reaper_aeq.eq import Band


@pytest.fixture
def slow_song(open_song, tmp_path):
    """slow_song(count) -> a song of so many selected tracks with an item each, whose actions wait in every loop."""

    def opened(count: int, selected: int | None = None):
        sound = noise(tmp_path / "a.wav")
        s = open_song([Strip(f"T{n}", [Clip(sound)], selected=selected is None or n < selected) for n in range(count)])
        slow(s)
        return s

    return opened


def slow(s) -> None:
    """From now on every `breathe` of the actions waits for the next cycle."""
    script = s.scripts / "aeq" / "run.lua"
    text = script.read_text()
    assert "local SLICE_S = 0.015\n" in text
    script.write_text(text.replace("local SLICE_S = 0.015\n", "local SLICE_S = -1\n"))


def box(*blocks: list[str]) -> list[str]:
    """A container with these FX."""
    lines = ["CONTAINER_CFG 2 2 2 0", "SHOW 0", "LASTSEL 0", "DOCKED 0"]
    for block in blocks:
        lines += ["BYPASS 0 0 0", *block, "FLOATPOS 0 0 0 0", f"FXID {guid()}", "WAK 0 0"]
    return ['<CONTAINER Container ""', *(f"  {line}" for line in lines), ">"]


def test_remove_takes_ours_where_deleting_one_moves_those_in_containers(open_song, sound):
    fx = [
        box(reaeq(Band("band", 500, 3), name="AEQ: warm 100%")),
        box(reaeq(Band("band", 900, 3), name="of the user")),
        reaeq(Band("band", 700, 2), name="AEQ match: song 100%"),
    ]
    s = open_song([Strip("A", [Clip(sound)], selected=True, fx=fx)])
    s.press("Remove")
    assert s.said == [] and ours(s.project) == {} and b"of the user" in s.project.bytes()
    s.reaper.undo()
    assert s.project.bytes() == s.before
