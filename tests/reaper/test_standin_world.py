"""The stand-in around a project: the action list, ExtState, processes, dialogs, the progress window, small disks."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest
from standin import Reaper, StandInError
from standin.example import ItemSpec, TrackSpec, project
from standin.injection import can_mount, small_disk
from standin.process import split_command

SONG = project([TrackSpec("one")])
HEX = "0123456789abcdef0123456789abcdef01234567"


def with_list(tmp_path, *lines: str) -> Reaper:
    (tmp_path / "Scripts").mkdir(exist_ok=True)
    (tmp_path / "reaper-kb.ini").write_text("".join(line + "\n" for line in ("KEY 1 65 40001 0", *lines)))
    return Reaper(SONG, tmp_path)


def test_actions_are_found_by_name_and_by_id(tmp_path):
    reaper = with_list(tmp_path, f'SCR 4 0 RS{HEX} "Custom: AEQ_Make warmer.lua" "AEQ folder/AEQ_Make warmer.lua"')
    (tmp_path / "Scripts" / "AEQ folder").mkdir()
    (tmp_path / "Scripts" / "AEQ folder" / "AEQ_Make warmer.lua").write_text(
        """
        local _, file, section, command = reaper.get_action_context()
        assert(section == 0 and file:match("AEQ_Make warmer%.lua$"))
        assert(reaper.NamedCommandLookup("_" .. reaper.ReverseNamedCommandLookup(command)) == command)
        reaper.ShowConsoleMsg("ran ")
        reaper.defer(function() end)
        """
    )
    for name in ("AEQ_Make warmer", "AEQ_Make warmer.lua", f"_RS{HEX}"):
        reaper.press(name)
    assert reaper.ui.console == "ran ran ran "
    with pytest.raises(StandInError, match="no action"):
        reaper.run_action("AEQ_Make colder")


@pytest.mark.parametrize(
    "line",
    [
        f'SCR 4 0 RS{HEX} "AEQ_Make warmer.lua" a.lua',
        f'SCR 4 0 RS{HEX[1:]} "Custom: a.lua" a.lua',
        f"SCR 4 0 RS{HEX} Custom: a.lua a.lua",
        f'SCR 4 RS{HEX} "Custom: a.lua" a.lua',
    ],
)
def test_a_list_that_reaper_would_not_read_is_an_error(tmp_path, line):
    with pytest.raises(StandInError, match=r"reaper-kb\.ini"):
        with_list(tmp_path, line)


STAYS = "local function stay() reaper.defer(stay) end stay()"


def second_press(folder: Path, flag: int | None, options: int | None = None) -> Reaper:
    """The stand-in after an action that stays was run twice; `flag` as in its SCR line, None: not in the list."""
    script = folder / "Scripts" / "stays.lua"
    script.parent.mkdir(exist_ok=True)
    script.write_text((f"reaper.set_action_options({options}) " if options else "") + STAYS)
    if flag is not None:
        (folder / "reaper-kb.ini").write_text(f'SCR {flag} 0 RS{"a" * 40} "Custom: stays.lua" stays.lua\n')
    reaper = Reaper(SONG, folder)
    for _ in range(2):
        reaper.run_script(script) if flag is None else reaper.run_action("stays")
    return reaper


@pytest.mark.parametrize("flag", [None, 4])
def test_a_second_press_opens_a_modal_box(tmp_path, flag):
    with pytest.raises(StandInError, match="task control"):
        second_press(tmp_path, flag)


def test_a_second_press_by_the_remembered_answer_or_the_scripts_own_word(tmp_path):
    assert len(second_press(tmp_path, 516).scripts) == 2
    assert second_press(tmp_path, 260).scripts == []
    assert second_press(tmp_path, 4, options=1).scripts == []
    assert len(second_press(tmp_path, 4, options=3).scripts) == 1


def test_ext_state_is_shared_and_persists_where_told(run_lua, tmp_path):
    reaper = run_lua("reaper.SetExtState('aeq', 'kept', 'ä=1', true) reaper.SetExtState('aeq', 'gone', '2', false)")
    assert reaper.ext_state.values["aeq", "gone"] == "2"
    again = run_lua("reaper.ShowConsoleMsg(reaper.GetExtState('AEQ', 'Kept') .. reaper.GetExtState('aeq', 'gone'))")
    assert again.ui.console == "ä=1"
    run_lua("reaper.DeleteExtState('aeq', 'kept', true)")
    assert not run_lua("assert(not reaper.HasExtState('aeq', 'kept'))").ext_state.kept


def test_processes_answer_with_code_and_output(run_lua, tmp_path):
    program = tmp_path / "with space.sh"
    program.write_text('#!/bin/sh\necho "got $1 and $2"\nexit 3\n')
    program.chmod(0o755)
    reaper = run_lua(f"""reaper.ShowConsoleMsg(reaper.ExecProcess("'{program}' \\"a b\\" 'c d'", 2000))""")
    assert reaper.ui.console == "3\ngot a b and c d\n"


def test_no_shell_no_path_no_patience(run_lua, tmp_path):
    reaper = run_lua(
        f"""
        assert(reaper.ExecProcess("/bin/echo a > {tmp_path}/b", 1000) == "0\\na > {tmp_path}/b\\n")
        assert(reaper.ExecProcess("echo a", 1000) == nil)
        assert(reaper.ExecProcess("/bin/no/such/program", -2) == nil)
        assert(reaper.ExecProcess("/bin/sleep 5", 50) == nil)
        """
    )
    assert not (tmp_path / "b").exists() and reaper.longest_block_s < 2


def test_background_processes_live_in_real_time_and_end_with_the_stand_in(tmp_path):
    done, script = tmp_path / "done", tmp_path / "wait.lua"
    script.write_text(
        f"""
        reaper.ExecProcess("{sys.executable} -c \\"import time; time.sleep(1); open('{done}', 'w').write('x')\\"", -2)
        reaper.ExecProcess("/bin/sleep 60", -1)
        local from = reaper.time_precise()
        local function wait()
          if reaper.file_exists("{done}") then
            return reaper.ShowConsoleMsg(("%.1f"):format(reaper.time_precise() - from))
          end
          reaper.defer(wait)
        end
        wait()
        """
    )
    started = time.perf_counter()
    with Reaper(SONG, tmp_path, pace_s=0.01) as reaper:
        reaper.run_script(script)
        reaper.run_until(timeout_s=20)
        real_s = time.perf_counter() - started
        assert 1 <= float(reaper.ui.console) + 0.05 <= real_s + 0.1
        assert reaper.processes[1].poll() is None and reaper.longest_block_s < 0.9  # it waits for nothing
    assert reaper.processes[1].returncode is not None


def test_quotes_of_a_command_line():
    assert split_command("""/a/b 'c "d"' "e 'f'" g"h i"j ''""") == ["/a/b", 'c "d"', "e 'f'", "gh ij", ""]


def test_dialogs_get_the_answers_of_the_test(tmp_path):
    script = tmp_path / "asks.lua"
    script.write_text(
        """
        reaper.defer(function() end)
        local ok, text = reaper.GetUserInputs("Word", 2, "word,how much", "warm,1")
        local no = reaper.GetUserInputs("Again", 1, "word", "")
        local _, file = reaper.GetUserFileNameForRead("", "Reference", "wav")
        reaper.ShowConsoleMsg(table.concat({tostring(ok), text, tostring(no), file, reaper.MB("?", "t", 4)}, "|"))
        """
    )
    reaper = Reaper(SONG, tmp_path)
    reaper.ui.inputs += [lambda initial: initial.replace("1", "0.5"), None]
    reaper.ui.files.append("/x/ref.wav")
    reaper.ui.answers.append(6)
    reaper.run_script(script)
    reaper.run_until()
    assert reaper.ui.console == "true|warm,0.5|false|/x/ref.wav|6"


def test_a_window_draws_and_hears_escape(tmp_path):
    script = tmp_path / "window.lua"
    script.write_text(
        """
        gfx.init("AEQ", 300, 80)
        local function draw()
          gfx.x, gfx.y = 5, 5
          gfx.drawstr("working")
          gfx.update()
          if gfx.getchar() ~= 27 then reaper.defer(draw) else gfx.quit() end
        end
        draw()
        """
    )
    reaper = Reaper(SONG, tmp_path)
    reaper.run_script(script)
    reaper.step(5)
    assert reaper.scripts and reaper.ui.windows == ["AEQ"]
    reaper.ui.press_escape()
    reaper.step()
    assert not reaper.scripts and len(reaper.ui.drawn) == 7


def test_listings_are_old_until_they_are_read_anew(run_lua, tmp_path):
    folder = tmp_path / "listed"
    folder.mkdir()
    run_lua(
        f"""
        assert(reaper.EnumerateFiles("{folder}", 0) == nil)
        io.open("{folder}/a.txt", "w"):close()
        assert(reaper.EnumerateFiles("{folder}", 0) == nil)
        reaper.EnumerateFiles("{folder}", -1)
        assert(reaper.EnumerateFiles("{folder}", 0) == "a.txt" and reaper.EnumerateFiles("{folder}", 1) == nil)
        assert(reaper.RecursiveCreateDirectory("{folder}/b/c", 0) == 2)
        """
    )


@pytest.mark.skipif(not can_mount(), reason="mounting a small file system needs root")
def test_a_render_onto_a_full_disk_ends_in_reapers_dialog(tmp_path, noise):
    folder, script = tmp_path / "small", tmp_path / "render.lua"
    folder.mkdir()
    script.write_text(
        f"""
        reaper.defer(function() end)
        local _, was = reaper.GetSetProjectInfo_String(0, "RENDER_FILE", "", false)
        reaper.GetSetProjectInfo_String(0, "RENDER_FILE", "{folder}/x.wav", true)
        reaper.Main_OnCommandEx(42230, 0, 0)
        reaper.GetSetProjectInfo_String(0, "RENDER_FILE", was, true)
        """
    )
    reaper = Reaper(project([TrackSpec("a", [ItemSpec(noise[0], length=2.0)])]), tmp_path)
    with small_disk(folder):
        reaper.run_script(script)
        reaper.run_until()
        assert "render failed" in reaper.ui.dialogs[0]
        assert shutil.disk_usage(folder).total == 64 * 1024
    assert not reaper.renders
