"""AEQ_Self-test inside the stand-in: everything passes, and everything is as it was."""

from __future__ import annotations

import pytest
from actions_kit import Clip, Strip, noise, opener


@pytest.fixture
def open_song(tmp_path, monkeypatch):
    yield from opener(tmp_path, monkeypatch)


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_every_check_passes_and_nothing_stays(open_song, tmp_path, lua):
    s = open_song([Strip("A", [Clip(noise(tmp_path / "a.wav"), selected=True)])], lua=lua)
    s.press("Self-test")
    lines = s.reaper.ui.console.splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == [] and "All is as expected." in lines
    assert sum(line.startswith("pass") for line in lines) > 35
    assert s.said == [] and s.unchanged and s.left_behind() == []
    assert s.reaper.projects == [s.project] and s.reaper.longest_block_s < 0.5


def test_a_reaper_that_differs_is_told(open_song, monkeypatch):
    """A ReaEQ that numbers its notch otherwise: the self-test says so, and goes on to the end."""
    from standin import reaeq_instance

    s = open_song([Strip("A")])
    monkeypatch.setitem(reaeq_instance.API_TYPE, 6, 6)
    s.press("Self-test")
    lines = s.reaper.ui.console.splitlines()
    failed = [line for line in lines if line.startswith("FAIL")]
    assert len(failed) == 1 and "BANDTYPE 6 is notch" in failed[0]
    assert "1 of the checks failed; please report them." in lines and s.unchanged
