"""The stand-in's project: files byte for byte, chunks, FX chains, folders, takes, names with every quote."""

from __future__ import annotations

import pytest
from standin import Reaper
from standin.example import ItemSpec, TrackSpec, other, project, reaeq, tone
from standin.fx_chain import fx_list
from standin.injection import freeze_track, lock_track

from reaper_aeq import Band, Eq
from reaper_aeq.reaper.chunks import parse

EQ = Eq((Band("band", 500.0, 3.0),))


@pytest.mark.shared
def test_real_projects_open_and_save_byte_for_byte(shared_dir, tmp_path):
    opened = instances = 0
    for path in sorted((shared_dir / "rpp").iterdir()):
        if path.read_bytes().startswith(b"<REAPER_PROJECT"):
            tab = Reaper(path, tmp_path).project
            assert tab.bytes() == path.read_bytes() == parse(path.read_bytes()).to_bytes()
            tab.restore(tab.bytes())
            assert tab.bytes() == path.read_bytes()
            opened += 1
            for track in (tab.master, *tab.tracks):
                instances += sum(fx.is_reaeq and bool(fx.eq.state) for fx in fx_list(track))
    assert opened > 30 and instances > 10


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "name", ["", "plain", "two words", 'say "hi"', "it's", "`tick`", "\"both' of", "Gesang äöü 声"]
)
def test_names_with_every_quote(run_lua, name, line_end):
    data = project([TrackSpec(name, fx=[reaeq(EQ, name)])], line_end=line_end)
    reaper = run_lua(
        """
        local tr = reaper.GetTrack(0, 0)
        local _, track = reaper.GetSetMediaTrackInfo_String(tr, "P_NAME", "", false)
        local _, fx = reaper.TrackFX_GetNamedConfigParm(tr, 0, "renamed_name")
        reaper.ShowConsoleMsg(track .. "\\n" .. fx)
        reaper.Undo_BeginBlock2(0)
        reaper.TrackFX_SetNamedConfigParm(tr, 0, "renamed_name", "x")
        reaper.TrackFX_SetNamedConfigParm(tr, 0, "renamed_name", fx)
        reaper.Undo_EndBlock2(0, "rename", 2)
        """,
        data,
    )
    assert reaper.ui.console == f"{name}\n{name}"
    assert reaper.project.bytes() == data


def test_fx_go_in_out_and_to_other_places(run_lua):
    data = project([TrackSpec("a", fx=[tone(-6, 100), other()]), TrackSpec("b")])
    reaper = run_lua(
        """
        local a, b = reaper.GetTrack(0, 0), reaper.GetTrack(0, 1)
        reaper.Undo_BeginBlock2(0)
        assert(reaper.TrackFX_AddByName(a, "ReaEQ (Cockos)", false, -1000) == 0)
        assert(reaper.TrackFX_AddByName(a, "ReaEQ", false, -1) == 3)
        assert(reaper.TrackFX_AddByName(a, "ReaEQ", false, 0) == 0)
        assert(reaper.TrackFX_AddByName(a, "No such thing", false, -1) == -1)
        reaper.TrackFX_SetNamedConfigParm(a, 0, "renamed_name", "mine")
        local guid = reaper.TrackFX_GetFXGUID(a, 0)
        reaper.TrackFX_CopyToTrack(a, 0, a, 2, true)
        assert(reaper.TrackFX_GetFXGUID(a, 2) == guid)
        reaper.TrackFX_CopyToTrack(a, 2, b, 0, false)
        assert(reaper.TrackFX_GetFXGUID(b, 0) ~= guid)
        reaper.TrackFX_SetEnabled(b, 0, false)
        for i = 0, reaper.TrackFX_GetCount(a) - 1 do
          reaper.ShowConsoleMsg(select(2, reaper.TrackFX_GetFXName(a, i)) .. "\\n")
        end
        assert(not reaper.TrackFX_GetEnabled(b, 0) and reaper.TrackFX_Delete(b, 0))
        assert(not reaper.TrackFX_Delete(b, 0) and reaper.TrackFX_GetCount(b) == 0)
        for i = 3, 2, -1 do reaper.TrackFX_Delete(a, i) end
        reaper.Undo_EndBlock2(0, "x", 2)
        """,
        data,
    )
    assert reaper.ui.console.splitlines() == [
        "JS: synthesis/tonegenerator",
        "VST: Unknown (Somebody)",
        "mine",
        "VST: ReaEQ (Cockos)",
    ]
    assert reaper.project.bytes() == data  # also the chain that was empty is gone again


def test_folders_parents_and_depths(run_lua):
    tracks = [TrackSpec("a", folder=1), TrackSpec("b", folder=1), TrackSpec("c", folder=-2), TrackSpec("d")]
    reaper = run_lua(
        """
        for i = 0, 3 do
          local tr = reaper.GetTrack(0, i)
          local parent = reaper.GetParentTrack(tr)
          local name = parent and select(2, reaper.GetTrackName(parent)) or "-"
          reaper.ShowConsoleMsg(name .. reaper.GetTrackDepth(tr) .. " ")
        end
        """,
        project(tracks),
    )
    assert reaper.ui.console == "-0 a1 b2 -0 "


TAKES = """NAME second
TAKEVOLPAN 0.5 0.25 -1
SOFFS 0.125
PLAYRATE 2 0 0 -1 0 0.0025
CHANMODE 3
GUID {2}
<SOURCE WAVE
FILE two.wav
>"""


def test_the_marked_take_is_active_and_empty_takes_have_no_pointer(run_lua):
    data = project([TrackSpec("a", [ItemSpec("one.wav", name="first"), ItemSpec()])])
    data = data.replace(b"      >\n    >\n", f"      >\n      TAKE NULL\n      TAKE SEL\n{TAKES}\n    >\n".encode(), 1)
    reaper = run_lua(
        """
        local item = reaper.GetMediaItem(0, 0)
        local take = reaper.GetActiveTake(item)
        assert(reaper.CountTakes(item) == 3 and reaper.GetTake(item, 1) == nil and reaper.GetTake(item, 2) == take)
        assert(reaper.GetTakeName(take) == "second" and reaper.GetTakeName(reaper.GetTake(item, 0)) == "first")
        for _, key in ipairs({"D_VOL", "D_PAN", "D_STARTOFFS", "D_PLAYRATE", "I_CHANMODE"}) do
          reaper.ShowConsoleMsg(reaper.GetMediaItemTakeInfo_Value(take, key) .. " ")
        end
        assert(reaper.GetActiveTake(reaper.GetMediaItem(0, 1)) == nil)
        local source = reaper.GetMediaItemTake_Source(take)
        assert(reaper.GetMediaSourceFileName(source):match("two%.wav$") and reaper.GetMediaSourceLength(source) == 0)
        """,
        data,
    )
    assert reaper.ui.console == "0.25 0.5 0.125 2.0 3.0 "


def test_locks_and_frozen_tracks_show_in_the_chunk_only(run_lua, tmp_path):
    script = tmp_path / "chunk.lua"
    script.write_text(
        """
        reaper.defer(function() end)
        for i = 0, 2 do
          local _, chunk = reaper.GetTrackStateChunk(reaper.GetTrack(0, i), "", false)
          local locked, frozen = chunk:find("\\nLOCK 1\\n") ~= nil, chunk:find("\\n<FREEZE") ~= nil
          reaper.ShowConsoleMsg(tostring(locked) .. " " .. tostring(frozen) .. "\\n")
        end
        """
    )
    reaper = Reaper(project([TrackSpec("a"), TrackSpec("b", [ItemSpec()]), TrackSpec("c")]), tmp_path)
    with reaper.as_user() as tab:
        lock_track(tab.tracks[0])
        freeze_track(tab.tracks[1])
    reaper.run_script(script)
    reaper.run_until()
    assert reaper.ui.console.splitlines() == ["true false", "false true", "false false"]


def test_a_chunk_read_and_set_again_is_the_same(run_lua):
    data = project([TrackSpec("a b", [ItemSpec("x.wav")], [reaeq(EQ)])], line_end="\r\n")
    reaper = run_lua(
        """
        local tr = reaper.GetTrack(0, 0)
        local _, chunk = reaper.GetTrackStateChunk(tr, "", false)
        assert(reaper.SetTrackStateChunk(tr, chunk, false))
        assert(not reaper.SetTrackStateChunk(tr, "<TRACK", false))
        assert(reaper.ValidatePtr2(0, tr, "MediaTrack*"))
        """,
        data,
    )
    assert reaper.project.bytes() == data


def test_made_things_are_real(run_lua, noise):
    reaper = run_lua(
        f"""
        reaper.Undo_BeginBlock2(0)
        reaper.InsertTrackAtIndex(1, true)
        local tr = reaper.GetTrack(0, 1)
        local item = reaper.AddMediaItemToTrack(tr)
        reaper.SetMediaItemInfo_Value(item, "D_LENGTH", 1.5)
        local take = reaper.AddTakeToMediaItem(item)
        reaper.SetMediaItemTake_Source(take, reaper.PCM_Source_CreateFromFile("{noise[0]}"))
        reaper.Undo_EndBlock2(0, "made", -1)
        local source = reaper.GetMediaItemTake_Source(take)
        reaper.ShowConsoleMsg(reaper.GetMediaSourceLength(source) .. " " .. reaper.GetMediaSourceNumChannels(source))
        assert(reaper.GetProjectLength(0) == 1.5 and reaper.GetTrackName(tr))
        """
    )
    assert reaper.ui.console == "2.0 2"
    parse(reaper.project.bytes())
