"""Each rule of the stand-in trips on a few bad lines, and only on those."""

from __future__ import annotations

import sys

import pytest
from standin import Reaper, StandInError
from standin.example import ItemSpec, TrackSpec, project
from standin.lua_state import RUNTIMES
from standin.script import PRELUDE

# what a script does wrong, and the rule that must say so; `tr` is the first track
BAD = {
    "too few arguments": ("reaper.CountTracks()", "argument"),
    "too many arguments": ("reaper.CountTracks(0, 1)", "argument"),
    "nil for a track": ("reaper.GetTrackGUID(nil)", "argument"),
    "an item for a track": ("reaper.GetTrackGUID(reaper.GetMediaItem(0, 0))", "argument"),
    "a number for a string": ("reaper.GetExtState('s', 5)", "argument"),
    "a number for a boolean": ("reaper.SetTrackSelected(tr, 1)", "argument"),
    "a string for a number": ("reaper.GetTrack(0, '0')", "argument"),
    "half an index": ("reaper.GetTrack(0, 0.5)", "argument"),
    "a project that is no project": ("reaper.CountTracks(1)", "argument"),
    "swallowed by pcall": ("pcall(reaper.GetTrackGUID, nil)", "argument"),
    "a pointer to what was deleted": ("reaper.DeleteTrack(tr) reaper.GetTrackGUID(tr)", "argument"),
    "an unknown function": ("reaper.GetTrackByName('x')", "script error"),
    "a pointer as a table": ("local x = tr.name", "script error"),
    "an error in the first cycle": ("error('oh')", "script error"),
    "an error in defer": ("reaper.defer(function() error('oh') end)", "script error"),
    "an error in atexit": ("reaper.atexit(function() error('oh') end)", "script error"),
    "an open undo block": ("reaper.Undo_BeginBlock2(0)", "undo block"),
    "an end without a beginning": ("reaper.Undo_EndBlock2(0, 'x', -1)", "undo block"),
    "an undo block over two cycles": (
        "reaper.Undo_BeginBlock2(0) reaper.defer(function() reaper.Undo_EndBlock2(0, 'x', -1) end)",
        "undo block",
    ),
    "flags that leave out what changed": (
        "reaper.Undo_BeginBlock2(0) reaper.TrackFX_AddByName(tr, 'ReaEQ', false, -1) reaper.Undo_EndBlock2(0, 'x', 4)",
        "undo flags",
    ),
    "a frozen user interface": ("reaper.PreventUIRefresh(1)", "refresh"),
    "a change without an undo point": ("reaper.TrackFX_SetParam(tr, 0, 0, 1)", "no undo point"),
    "a write that automation records": (
        "reaper.SetMediaTrackInfo_Value(tr, 'I_AUTOMODE', 4) reaper.TrackFX_SetParam(tr, 0, 0, 1)",
        "automation",
    ),
    "a render key": ("reaper.GetSetProjectInfo(0, 'RENDER_SETTINGS', 32, true)", "render settings"),
    "a render text": ("reaper.GetSetProjectInfo_String(0, 'RENDER_PATTERN', 'x', true)", "render settings"),
    "a render key with no line": ("reaper.GetSetProjectInfo(0, 'RENDER_NORMALIZE', 1, true)", "render settings"),
    "the track selection": ("reaper.SetOnlyTrackSelected(tr)", "selection"),
    "the item selection": ("reaper.SelectAllMediaItems(0, true)", "selection"),
    "the transport": ("reaper.OnPlayButtonEx(0)", "play state"),
    "the time selection": ("reaper.GetSet_LoopTimeRange2(0, true, false, 1, 2, false)", "time selection"),
    "the edit cursor": ("reaper.SetEditCurPos2(0, 3, false, false)", "edit cursor"),
    "repeat": ("reaper.GetSetRepeatEx(0, 1)", "repeat"),
    "the tab in front": ("reaper.Main_OnCommand(40859, 0)", "project tab"),
    "an audio accessor": ("reaper.CreateTrackAudioAccessor(tr)", "accessor"),
    "a global": ("leak = 1", "globals"),
    "a global left in defer": ("reaper.defer(function() leak = 1 end)", "globals"),
    "a library function replaced": ("string.upper = string.lower", "globals"),
    "a function put into reaper": ("reaper.mine = 1", "globals"),
    "ending REAPER": ("os.exit()", "forbidden"),
    "nothing to render": (
        "reaper.GetSetProjectInfo(0, 'RENDER_SETTINGS', 32, true) reaper.Main_OnCommand(42230, 0)",
        "render",
    ),
    "a question nobody answers": ("reaper.MB('Really?', 'x', 4)", "dialog"),
    "inputs nobody gives": ("reaper.GetUserInputs('x', 1, 'a', '')", "dialog"),
    "a line break that persists": ("reaper.SetExtState('s', 'k', 'a\\nb', true)", "ext state"),
    "a quote that never ends": ("reaper.ExecProcess('/bin/echo \"x', 100)", "ExecProcess"),
    "an FX window": ("reaper.TrackFX_SetOpen(tr, 0, true)", "fx window"),
    "drawing without a window": ("gfx.update()", "gfx"),
    "an action that is not known": ("reaper.Main_OnCommand(40001, 0)", "not modeled"),
    "a type name without a star": ("reaper.ValidatePtr2(0, tr, 'MediaTrack')", "argument"),
}
FX = ["BYPASS 0 0 0", '<VST "VST: X" x.so 0 "" 1<> ""', ">", "FLOATPOS 0 0 0 0", "FXID {1}", "WAK 0 0"]


def one_track() -> bytes:
    return project([TrackSpec("one", [ItemSpec()], [FX], guid="{1}")])


@pytest.mark.parametrize("source, rule", BAD.values(), ids=BAD)
def test_a_bad_script_breaks_its_rule(run_lua, source, rule):
    with pytest.raises(StandInError) as caught:
        run_lua("local tr = reaper.GetTrack(0, 0)\n" + source, one_track())
    assert caught.value.rule == rule, str(caught.value)


def test_the_error_names_script_and_line(run_lua):
    with pytest.raises(StandInError, match=r"script0\.lua:3: in "):
        run_lua("local x\npcall(function() reaper.GetTrackGUID(nil) end)")


def test_everything_put_back_is_fine_and_leaves_the_bytes(run_lua):
    data = one_track()
    reaper = run_lua(
        """
        local tr = reaper.GetTrack(0, 0)
        local was = reaper.GetSetProjectInfo(0, "RENDER_SETTINGS", 0, false)
        local _, pattern = reaper.GetSetProjectInfo_String(0, "RENDER_PATTERN", "", false)
        local _, format = reaper.GetSetProjectInfo_String(0, "RENDER_FORMAT", "", false)
        reaper.GetSetProjectInfo(0, "RENDER_SETTINGS", 32, true)
        reaper.GetSetProjectInfo_String(0, "RENDER_PATTERN", "$track", true)
        reaper.GetSetProjectInfo_String(0, "RENDER_FORMAT", "ZXZhdyAAAA==", true)
        reaper.SetTrackSelected(tr, true)
        reaper.OnPlayButtonEx(0)
        reaper.PreventUIRefresh(1)
        reaper.defer(function()
          reaper.GetSetProjectInfo(0, "RENDER_SETTINGS", was, true)
          reaper.GetSetProjectInfo_String(0, "RENDER_PATTERN", pattern, true)
          reaper.GetSetProjectInfo_String(0, "RENDER_FORMAT", format, true)
          reaper.SetTrackSelected(tr, false)
          reaper.OnStopButtonEx(0)
          reaper.DestroyAudioAccessor(reaper.CreateTrackAudioAccessor(tr))
        end)
        reaper.PreventUIRefresh(-1)
        """,
        data,
    )
    assert reaper.project.bytes() == data
    assert not reaper.project.undo_points


def test_a_block_makes_one_point_that_undoes_to_the_byte(run_lua):
    data = project([TrackSpec("one"), TrackSpec("two")], line_end="\r\n")
    reaper = run_lua(
        """
        reaper.Undo_BeginBlock2(0)
        for i = 0, 1 do
          local fx = reaper.TrackFX_AddByName(reaper.GetTrack(0, i), "ReaEQ", false, -1)
          reaper.TrackFX_SetParamNormalized(reaper.GetTrack(0, i), fx, 1, 0.7)
        end
        reaper.Undo_EndBlock2(0, "two of them", 2)
        """,
        data,
    )
    [point] = reaper.project.undo_points
    assert (point.label, point.before, point.changed) == ("two of them", data, True)
    track = reaper.project.tracks[1]
    assert reaper.undo() == "two of them"
    assert reaper.project.bytes() == data
    assert reaper.project.tracks[1] is track  # pointers outlive an undo


def test_a_script_without_defer_and_block_gets_a_point_from_reaper(tmp_path):
    script = tmp_path / "plain.lua"
    script.write_text("local n = reaper.CountTracks(0)")
    reaper = Reaper(one_track(), tmp_path)
    reaper.run_script(script)
    assert [point.label for point in reaper.project.undo_points] == ["ReaScript: plain.lua"]


def test_the_users_doings_while_a_script_waits_are_not_the_scripts(tmp_path):
    script = tmp_path / "waits.lua"
    script.write_text(
        """
        local tr, n = reaper.GetTrack(0, 1), 0
        local function wait()
          n = n + 1
          if n < 5 then return reaper.defer(wait) end
          assert(not reaper.ValidatePtr2(0, tr, "MediaTrack*"))
        end
        wait()
        """
    )
    from standin import injection

    reaper = Reaper(project([TrackSpec("one"), TrackSpec("two")]), tmp_path)
    reaper.run_script(script)
    reaper.step()
    with reaper.as_user() as tab:
        injection.select(tab, [tab.tracks[0]])
        injection.delete_track(tab.tracks[1])
    reaper.open_tab(one_track())
    reaper.switch_tab(0)
    reaper.run_until()
    assert len(reaper.project.tracks) == 1 and reaper.project.tracks[0].selected


def test_blocking_is_measured_and_rendering_is_not(run_lua, tmp_path):
    reaper = run_lua(f"reaper.ExecProcess(\"{sys.executable} -c 'import time; time.sleep(0.5)'\", 0)")
    assert reaper.longest_block_s >= 0.5
    quiet = run_lua("for i = 1, 2000 do reaper.CountTracks(0) end")
    assert quiet.longest_block_s < 0.4


@pytest.mark.parametrize("lua, version", [("5.3", "6.82/x64"), ("5.4", "7.66/x64")])
def test_both_versions_of_lua(run_lua, lua, version):
    reaper = run_lua(
        'reaper.ShowConsoleMsg(_VERSION .. " " .. tostring(reaper.set_action_options ~= nil))', lua=lua, version=version
    )
    assert reaper.ui.console == f"Lua {lua} {str(lua == '5.4').lower()}"


@pytest.mark.parametrize("lua_version", ["5.3", "5.4"])
def test_a_pointer_keeps_what_it_points_to(lua_version):
    """Also where Lua is about to collect an older pointer to the same thing (it became another thing before)."""

    class Thing:
        lua_type = "MediaItem"

    lua, count = RUNTIMES[lua_version](), 200
    things, wrong = [Thing() for _ in range(count)], []

    def get(place):
        return True, things[place]

    def replace(place):
        before = id(things[place])
        things[place], things[(place * 7 + 1) % count] = Thing(), Thing()
        return True, before

    def check(before, thing):
        if id(thing) != before or not isinstance(thing, Thing):
            wrong.append(thing)
        return True, None

    loop = lua.execute(
        """return function(get, replace, check, rounds, count)
             for round = 1, rounds do
               for place = 0, count - 1 do local thing = get(place) end
               local thing = get(round % count)
               check(replace(round % count), thing)
             end
           end"""
    )
    wrap = lua.compile(PRELUDE)(wrong.append).wrap
    loop(wrap(get), wrap(replace), wrap(check), 2000, count)
    assert not wrong
