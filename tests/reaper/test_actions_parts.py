"""Parts of the actions by themselves: what a whole press seldom meets."""

from __future__ import annotations

import pytest
import soundfile
from actions_kit import SCRIPTS, noise

PATH = f"package.path = [[{SCRIPTS}/?.lua]]\n"


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_a_file_whose_header_is_not_all_there_yet_is_no_file_yet(run_lua, tmp_path, lua):
    """As one that REAPER writes in the background may be read at any moment."""
    whole = noise(tmp_path / "a.wav", 0.05).read_bytes()
    for count in range(100):
        (tmp_path / f"{count}.wav").write_bytes(whole[:count])
    reaper = run_lua(
        f"{PATH}local wav = require('aeq.wav')\n"
        f"for count = 0, 99 do local info = wav.info([[{tmp_path}/]] .. count .. '.wav')\n"
        "  if info and info.seconds > 0.001 then reaper.ShowConsoleMsg(count .. ' ') end end\n"
        f"reaper.ShowConsoleMsg(('%.3f'):format(wav.info([[{tmp_path}/a.wav]]).seconds))",
        lua=lua,
    )
    assert reaper.ui.console == f"{soundfile.info(tmp_path / 'a.wav').duration:.3f}"


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_who_has_let_go_of_the_lock_holds_nobody_up(run_lua, lua):
    """A panel that was closed in the middle of a press goes on clearing its folder."""
    reaper = run_lua(
        f"{PATH}local lock = require('aeq.lock')\nlock.take()\nlock.release()\nlock.beat()\n"
        "reaper.ShowConsoleMsg(reaper.GetExtState('reaper-aeq', 'running'))",
        lua=lua,
    )
    assert reaper.ui.console == ""


@pytest.mark.parametrize("part", ['"warm"', "5", "null", '{"word": "warm"}', '{"word": 5, "weight": 1}'])
def test_a_record_with_a_blend_of_somebody_elses_counts_as_nothing(run_lua, part):
    """Anybody may write beside a track."""
    reaper = run_lua(
        f"{PATH}local json, instances = require('aeq.json'), require('aeq.instances')\n"
        "local track = reaper.GetTrack(0, 0)\n"
        "local function kept(blend) local text = json.encode({version = 1, track = reaper.GetTrackGUID(track),\n"
        "  eqs = json.array({{fx = '{1}', name = 'AEQ: warm 100%', family = 'word', blend = json.raw(blend),\n"
        "  eq = {bands = json.array({}), output_gain_db = 0}}})})\n"
        "  instances.put(track, text) local count = #instances.read(track).eqs\n"
        "  instances.put(track, '') return tostring(count) end\n"
        """reaper.ShowConsoleMsg(kept('[{"word": "warm", "weight": 1}]') .. ' ')\n"""
        f"reaper.ShowConsoleMsg(kept([=[[{part}]]=]))"
    )
    assert reaper.ui.console == "1 0"
