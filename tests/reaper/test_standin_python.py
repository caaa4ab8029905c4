"""The stand-in's `reaper_python`: REAPER's conventions for Python, over the functions that Lua scripts call."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest
from standin import Reaper
from standin.errors import ArgumentRefused
from standin.example import ItemSpec, TrackSpec, project, reaeq
from standin.python_api import COMES_BACK, ONLY_OUT, reaper_python, table
from standin.registry import FUNCTIONS
from standin.signatures import signatures

from reaper_aeq.eq import Band, Eq


@pytest.fixture
def rpr(tmp_path):
    """The module of a REAPER with a track "Vox" that has an item and a ReaEQ."""
    fx = [reaeq(Eq((Band("low_shelf", 100.0, 6.0),)), "mine")]
    with Reaper(project([TrackSpec("Vox", [ItemSpec()], fx=fx)]), tmp_path) as reaper:
        module = reaper_python(reaper)
        module.reaper = reaper
        yield module


def test_the_table_fits_what_lua_is_given():
    for row in table().values():
        lua = signatures()[row.name]
        given = [kind for kind in row.arguments if kind not in (*ONLY_OUT, "z")]
        assert len(given) == len(lua.arguments), row.name
        back = [kind for kind in row.arguments if kind in COMES_BACK]
        assert len(back) + bool(row.returns) == len(lua.returns), row.name
        kinds = {"i": "integer", "b": "boolean", "d": "number", "s": "string", "S": "string", "E": "number"}
        kinds["F"] = "boolean"
        pointers = {"void*": "identifier", "GUID*": "string"}
        wanted = [kinds.get(kind) or pointers.get(kind) or kind[:-1] for kind in given]
        assert wanted == list(lua.arguments), row.name
    assert set(table()) <= set(FUNCTIONS)


def test_answers_are_tuples_where_something_comes_back(rpr):
    track = rpr.RPR_GetTrack(0, 0)
    assert track.startswith("(MediaTrack*)0x") and len(track) == len("(MediaTrack*)0x") + 16
    assert rpr.RPR_GetTrackName(track, "", 64) == (1, track, "Vox", 64)
    assert rpr.RPR_GetTrackName(track, "", 3) == (1, track, "Vo", 3), "a buffer holds one character less than its size"
    assert rpr.RPR_GetSet_LoopTimeRange2(0, False, False, 0, 0, False) == (0, False, False, 0.0, 0.0, False)
    answer = rpr.RPR_TrackFX_GetEQParam(track, 0, 0, 0, 0, 0, 0)
    assert answer[:7] == (1, track, 0, 0, 1, 0, 0) and isinstance(answer[7], float)
    assert rpr.RPR_TrackFX_GetNamedConfigParm(track, 0, "renamed_name", "", 64)[4] == "mine"
    assert rpr.RPR_CountTracks(0) == 1 and rpr.RPR_PreventUIRefresh(1) is None


def test_null_pointers_and_projects(rpr):
    assert rpr.RPR_GetTrack(0, 5) == "(MediaTrack*)0x0000000000000000"
    front = rpr.RPR_EnumProjects(-1, "", 512)[0]
    assert rpr.RPR_CountTracks(front) == 1
    for wrong in (
        "(MediaTrack*)0x0000000000000000",
        "(MediaItem*)0x000055D000000200",
        "(MediaTrack*)0x0000000000000001",
    ):
        with pytest.raises(ArgumentRefused):
            rpr.RPR_TrackFX_GetCount(wrong)
    assert [violation.rule for violation in rpr.reaper.violations] == ["argument"] * 3


def test_what_python_answers_where_lua_gets_nil(rpr):
    """Measured: a null pointer is a text that is not empty, and Undo_CanUndo2 fails where there is nothing to undo."""
    assert bool(rpr.RPR_GetParentTrack(rpr.RPR_GetTrack(0, 0)))
    with pytest.raises(AttributeError):
        rpr.RPR_Undo_CanUndo2(0)
    rpr.reaper.running = SimpleNamespace(blocks_closed=0)
    rpr.RPR_Undo_BeginBlock2(0)
    rpr.RPR_TrackFX_SetParam(rpr.RPR_GetTrack(0, 0), 0, 0, 0.75)
    rpr.RPR_Undo_EndBlock2(0, "mine", -1)
    assert rpr.RPR_Undo_CanUndo2(0) == "mine"


def test_guids_are_pointers(rpr):
    track = rpr.RPR_GetTrack(0, 0)
    pointer = rpr.RPR_TrackFX_GetFXGUID(track, 0)
    assert pointer.startswith("(GUID*)0x") and not pointer.endswith("0" * 16)
    text = rpr.RPR_guidToString(pointer, "")
    assert text == (pointer, text[1]) and len(text[1]) == 38
    assert rpr.RPR_TrackFX_GetFXGUID(track, 7) == "(GUID*)0x0000000000000000"


def test_wrong_counts_and_types_fail_as_in_python(rpr):
    with pytest.raises(TypeError):
        rpr.RPR_CountTracks()
    with pytest.raises(TypeError):
        rpr.RPR_GetTrack(0, 0.5)
    with pytest.raises(ArgumentRefused):
        rpr.RPR_GetTrackStateChunk(rpr.RPR_GetTrack(0, 0), "", 5 * 1024 * 1024, False)
    assert not hasattr(rpr, "RPR_GetTrackDepth") and not hasattr(rpr, "RPR_Nonsense")


def test_a_pointer_is_validated_by_its_address(rpr):
    """As reapy calls it: past the module, by the function's address."""
    validate = ctypes.CFUNCTYPE(ctypes.c_byte, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p)(
        rpr._ft["ValidatePtr2"]
    )
    item = int(rpr.RPR_GetTrackMediaItem(rpr.RPR_GetTrack(0, 0), 0).split(")")[1], 16)
    assert validate(0, item, b"MediaItem*") == 1
    assert validate(0, item, b"MediaTrack*") == 0
    assert validate(0, 12345, b"MediaItem*") == 0
    rpr.reaper.project.root.body.remove(rpr.reaper.project.tracks[0].node)
    rpr.reaper.project.reindex()
    assert validate(0, item, b"MediaItem*") == 0
