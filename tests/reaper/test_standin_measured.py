"""What others measured in a running REAPER holds in the stand-in: undo, FX, containers, lanes, accessors."""

from __future__ import annotations

import numpy as np
import pytest
from standin import Preferences, Reaper
from standin.example import ItemSpec, TrackSpec, container, other, project, reaeq, synth

from reaper_aeq import Band, Eq
from reaper_aeq.reaper.reaeq.state import ReaEqState, StateBand

EQ = Eq((Band("band", 1000.0, 9.0, 1.0),))


def labels(reaper: Reaper) -> list[str]:
    return [point.label for point in reaper.project.undo_points]


def test_a_block_that_changes_nothing_adds_no_step_and_undo_takes_the_users(run_lua):
    source = """
    local tr = reaper.GetTrack(0, 0)
    reaper.Undo_BeginBlock2(0)
    reaper.GetSetMediaTrackInfo_String(tr, "P_NAME", "the user's", true)
    reaper.Undo_EndBlock2(0, "the user's rename", -1)
    reaper.Undo_BeginBlock2(0)
    reaper.Undo_EndBlock2(0, "ours", -1)
    reaper.ShowConsoleMsg(reaper.Undo_CanUndo2(0))
    reaper.Undo_DoUndo2(0)
    """
    reaper = run_lua(source)
    assert reaper.ui.console == "the user's rename" and reaper.project.tracks[0].name == "one"


def test_an_unrecorded_change_makes_an_empty_block_a_step_that_takes_it_back(run_lua):
    data = project([TrackSpec("one")])
    source = """
    reaper.SetMediaTrackInfo_Value(reaper.GetTrack(0, 0), "D_VOL", 0.5)
    reaper.Undo_BeginBlock2(0)
    reaper.Undo_EndBlock2(0, "x", -1)
    """
    reaper = run_lua(source, data)
    assert labels(reaper) == ["x"] and reaper.undo() == "x" and reaper.project.bytes() == data


@pytest.mark.parametrize("in_block", [False, True])
def test_adding_and_switching_fx_record_steps_of_their_own_outside_a_block(run_lua, in_block):
    calls = """
    local tr = reaper.GetTrack(0, 0)
    reaper.TrackFX_AddByName(tr, "ReaEQ", false, -1)
    reaper.TrackFX_SetEnabled(tr, 0, false)
    """
    if in_block:
        calls = "reaper.Undo_BeginBlock2(0) " + calls + ' reaper.Undo_EndBlock2(0, "x", -1)'
    found = labels(run_lua(calls))
    assert found == (["x"] if in_block else ["Add FX: VST: ReaEQ (Cockos)", "Bypass FX: VST: ReaEQ (Cockos)"])


def test_the_bypass_parameter_records_nothing_in_any_language(run_lua):
    source = """
    local tr = reaper.GetTrack(0, 0)
    local bypass = reaper.TrackFX_GetParamFromIdent(tr, 0, ":bypass")
    reaper.ShowConsoleMsg(select(2, reaper.TrackFX_GetParamName(tr, 0, bypass)))
    reaper.TrackFX_SetParam(tr, 0, bypass, 1)
    reaper.ShowConsoleMsg(tostring(reaper.TrackFX_GetEnabled(tr, 0)))
    reaper.TrackFX_SetParam(tr, 0, bypass, 0)
    reaper.ShowConsoleMsg(" " .. reaper.TrackFX_GetParamFromIdent(tr, 0, ":bypas"))
    """
    data = project([TrackSpec("one", fx=[reaeq(EQ)])])
    reaper = run_lua(source, data, preferences=Preferences(language="zh"))
    assert reaper.ui.console == "旁通false -1" and labels(reaper) == [] and reaper.project.bytes() == data


def test_undo_replaces_items_and_keeps_tracks(run_lua):
    source = """
    local tr, item = reaper.GetTrack(0, 0), reaper.GetMediaItem(0, 0)
    reaper.Undo_BeginBlock2(0)
    reaper.SetMediaTrackInfo_Value(tr, "D_VOL", 0.5)
    reaper.Undo_EndBlock2(0, "x", -1)
    reaper.Undo_DoUndo2(0)
    assert(reaper.ValidatePtr2(0, tr, "MediaTrack*") and not reaper.ValidatePtr2(0, item, "MediaItem*"))
    """
    run_lua(source, project([TrackSpec("one", [ItemSpec()])]))


def test_new_reaeqs_begin_with_the_users_preset_and_parameters_move(run_lua):
    preset = ReaEqState(tuple(StateBand(8, True, hz, 2.0) for hz in (100.0, 1000.0)))
    source = """
    local tr = reaper.GetTrack(0, 0)
    reaper.Undo_BeginBlock2(0)
    reaper.TrackFX_AddByName(tr, "ReaEQ", false, -1)
    reaper.ShowConsoleMsg(reaper.TrackFX_GetNumParams(tr, 0) .. " ")
    reaper.TrackFX_SetPresetByIndex(tr, 0, -2)
    reaper.ShowConsoleMsg(reaper.TrackFX_GetNumParams(tr, 0) .. " ")
    reaper.ShowConsoleMsg(select(2, reaper.TrackFX_FormatParamValueNormalized(tr, 0, 0, 0.5, "")))
    reaper.Undo_EndBlock2(0, "x", -1)
    """
    assert run_lua(source, preferences=Preferences(eq_default=preset)).ui.console == "10 19 1160.5 Hz"


@pytest.mark.parametrize("before, expected", [(0, (3, 5)), (1, (5, 8))])
def test_fx_in_containers_have_indices_of_the_measured_formula(run_lua, before, expected):
    inner = container(reaeq(EQ), reaeq(EQ, name="AEQ: warm 100%"))
    data = project([TrackSpec("one", fx=[*[other()] * before, inner])])
    source = f"""
    local tr = reaper.GetTrack(0, 0)
    local function ask(fx, name)
      local _, value = reaper.TrackFX_GetNamedConfigParm(tr, fx, name)
      reaper.ShowConsoleMsg(value .. " ")
      return math.tointeger(tonumber(value))
    end
    ask({before}, "fx_type") ask({before}, "container_count")
    local child = ask({before}, "container_item.1")
    ask({before}, "container_item.0")
    ask(child, "renamed_name") ask(child, "parent_container")
    assert(not reaper.TrackFX_GetNamedConfigParm(tr, {before}, "parent_container"))
    """
    first, second = (0x2000000 + place for place in expected)
    assert run_lua(source, data).ui.console == f"Container 2 {second} {first} AEQ: warm 100% {before} "


def test_a_container_in_a_container_is_walked_by_its_items(run_lua):
    data = project([TrackSpec("one", fx=[other(), container(other(), container(reaeq(EQ, name="deep")))])])
    source = """
    local tr = reaper.GetTrack(0, 0)
    local function item(fx, n)
      return math.tointeger(tonumber(select(2, reaper.TrackFX_GetNamedConfigParm(tr, fx, "container_item." .. n))))
    end
    local deep = item(item(1, 1), 0)
    reaper.ShowConsoleMsg(select(2, reaper.TrackFX_GetFXName(tr, deep)) .. reaper.TrackFX_GetNumParams(tr, deep))
    assert(reaper.TrackFX_GetInstrument(tr) == -1)
    """
    assert run_lua(source, data).ui.console == "deep7"


def test_an_instrument_in_a_container_sounds(run_lua):
    from standin.mixer import Mix

    item = ItemSpec(length=1.0, notes=[(69, 0.25, 0.5)])
    reaper = run_lua("", project([TrackSpec("one", [item], [container(synth(), reaeq(EQ))])]))
    audio = Mix(reaper.project, 0.0, 1.0, 48_000).track(reaper.project.tracks[0])
    assert np.abs(audio[12_000:24_000]).max() > 0.05 and not audio[:12_000].any()


def test_lanes_say_which_plays(run_lua):
    items = [ItemSpec(extra=["YPOS 0 0.5 2"]), ItemSpec(extra=["YPOS 0.5 0.5 2"])]
    data = project([TrackSpec("one", items, extra=["FREEMODE 2", "ITEMLANES 2", "LANESOLO 2"])])
    source = """
    local tr = reaper.GetTrack(0, 0)
    for n = 0, 1 do
      local item = reaper.GetTrackMediaItem(tr, n)
      reaper.ShowConsoleMsg(("%d %d %d; "):format(reaper.GetMediaTrackInfo_Value(tr, "C_LANEPLAYS:" .. n),
        reaper.GetMediaItemInfo_Value(item, "I_FIXEDLANE"), reaper.GetMediaItemInfo_Value(item, "C_LANEPLAYS")))
    end
    """
    assert run_lua(source, data).ui.console == "0 0 0; 1 1 1; "


def test_an_accessor_answers_nil_in_a_coroutine_and_leaves_the_buffer(run_lua, noise):
    source = """
    local accessor = reaper.CreateTakeAudioAccessor(reaper.GetActiveTake(reaper.GetMediaItem(0, 0)))
    local buffer = reaper.new_array({7, 7})
    local function read() return reaper.GetAudioAccessorSamples(accessor, 48000, 2, 0.5, 1, buffer) end
    local _, answer = coroutine.resume(coroutine.create(read))
    assert(answer == nil and buffer[1] == 7)
    assert(read() == 1 and buffer[1] ~= 7)
    reaper.DestroyAudioAccessor(accessor)
    """
    run_lua(source, project([TrackSpec("one", [ItemSpec(noise[0])])]))
