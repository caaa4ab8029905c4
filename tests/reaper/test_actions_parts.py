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
