"""Our EQs over what people do with tracks, and what may not happen to the user's history."""

from __future__ import annotations

import json

import numpy as np
import pytest
from actions_kit import Clip, Strip, guid, ours, reaeq, song
from standin import Preferences, StandInError, registry
from standin.fx_chain import fx_list, new_guid
from standin.tree import Node

from reaper_aeq.eq import Band
from reaper_aeq.reaper.reaeq.state import ReaEqState, StateBand


def copy_track(project, index: int):
    """As REAPER does: new GUIDs of track, items and FX; the P_EXT goes along as it is. Returns the copy."""
    return insert_track(project, index + 1, project.tracks[index].node)


def insert_track(project, index: int, node: Node, renewed=("FXID", "IGUID", "GUID", "TRACKID")):
    """A track that was saved, as a template or in a project; `renewed`: the lines that get GUIDs of their own."""
    node = node.copy()
    track_guid = new_guid() if "TRACKID" in renewed else node.arguments[0]
    node.head = f"{node.indent}<TRACK {track_guid}"

    def renew(part: Node) -> None:
        for place, line in enumerate(part.body):
            if isinstance(line, Node):
                renew(line)
            elif line.split()[:1] and line.split()[0] in renewed and line.split()[0] != "TRACKID":
                part.body[place] = f"{part.indent}  {line.split()[0]} {new_guid()}"

    renew(node)
    node.set("TRACKID", [track_guid])
    project.root.body.insert(project.root.body.index(project.tracks[index - 1].node) + 1, node)
    project.reindex()
    return project.tracks[index]


def select(project, *tracks) -> None:
    for track in project.tracks:
        track.select(track in tracks)
    for item in project.items:
        item.select(False)


def labels(session) -> list[str]:
    return [point.label for point in session.project.undo_points]


@pytest.mark.parametrize("changed", [True, False])
def test_a_failed_action_leaves_the_users_last_edit(open_song, sound, monkeypatch, changed):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], eq_chunk="refused")
    s.reaper.run_script(_rename(s))
    s.reaper.run_until()
    renamed = s.project.bytes()
    if changed:  # a ReaEQ that takes no values: it was added, and is taken away again
        monkeypatch.setitem(registry.FUNCTIONS, "TrackFX_SetEQParam", lambda *_: False)
    else:  # a REAPER that adds no ReaEQ: the block is empty and adds no step
        monkeypatch.setitem(registry.FUNCTIONS, "TrackFX_AddByName", lambda *_: -1)
    s.press("Make warmer")
    assert len(s.said) == 1 and s.project.bytes() == renamed and labels(s) == ["the user's"]


def _rename(session):
    script = session.folder / "rename.lua"
    script.write_text("""
    reaper.defer(function() end)
    reaper.Undo_BeginBlock2(0)
    reaper.GetSetMediaTrackInfo_String(reaper.GetTrack(0, 0), "P_NAME", "mine", true)
    reaper.Undo_EndBlock2(0, "the user's", -1)
    """)
    return script


def test_a_press_that_fails_takes_back_no_earlier_press_of_the_same_name(open_song, sound, monkeypatch):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    after = s.project.bytes()
    monkeypatch.setitem(registry.FUNCTIONS, "TrackFX_GetOffline", lambda *_: True)
    s.press("Make warmer")
    assert len(s.said) == 1 and s.project.bytes() == after and labels(s) == ["AEQ: make warmer"]


def test_a_second_press_while_one_runs_says_so(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.start("Make warmer")
    s.press("Make warmer")
    assert s.said == ["reaper-aeq is still working on the last press. Wait for it, or press Esc in its window."]
    assert len(ours(s.project)["A"]) == 1


@pytest.mark.parametrize("version", ["7.66/linux-x86_64", "7.02/linux-x86_64"])
def test_a_second_press_of_an_action_that_reapack_listed_starts_anew(open_song, sound, version):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], version=version)
    record = s.scripts / "aeq" / "installed.json"
    record.write_text(record.read_text().replace('"files"', '"no files"'))
    s.reaper.actions.flags = dict.fromkeys(s.reaper.actions.flags, 4)
    first = s.start("Make warmer")
    if version < "7.03":  # nothing can be done about the box there
        with pytest.raises(StandInError, match="task control"):
            s.start("Make warmer")
        return
    s.press("Make warmer")
    assert first.ended and s.said == [] and len(ours(s.project)["A"]) == 1 and s.left_behind() == []


@pytest.mark.parametrize("mode", [2, 3, 4, 5])
def test_automation_does_not_record_what_is_written(open_song, sound, mode):
    s = open_song([Strip("A", [Clip(sound, selected=True)], fx=[reaeq(Band("band", 500, 3))])])
    with s.reaper.as_user() as project:
        project.tracks[0].node.set("AUTOMODE", [mode])
    before = s.project.bytes()
    s.press("Make warmer")
    assert s.said == [] and s.project.tracks[0].node.number("AUTOMODE") == mode
    for action in ("More", "Compare", "Remove"):
        s.press(action)
    assert s.said == [] and s.project.bytes() == before
    s.reaper.automation_override = mode
    s.press("Make warmer")
    assert s.said[0].startswith("The global automation override") and s.project.bytes() == before


def test_fx_that_are_off_as_a_whole_are_told(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)], fx=[reaeq(Band("band", 500, 3))])])
    with s.reaper.as_user() as project:
        project.tracks[0].node.set("FX", [0])
    before = s.project.bytes()
    s.press("Make warmer")
    assert len(s.said) == 1 and s.said[0].startswith("All FX of 'A' are switched off") and s.project.bytes() == before


def test_an_eq_of_ours_that_is_offline_is_told(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        fx_list(project.tracks[0])[0].set_flag(1, True)
    before = s.project.bytes()
    s.press("Make warmer")
    assert s.said == ["The EQ on 'A' is offline. Set it online in the FX chain, then press again."]
    assert s.project.bytes() == before and labels(s) == ["AEQ: make warmer"]


def test_translated_names_and_a_default_preset_change_nothing(open_song, sound):
    preset = ReaEqState(tuple(StateBand(8, True, hz, 2.0) for hz in (100.0, 1000.0)))
    preferences = Preferences(language="zh", eq_default=preset)
    s = open_song([Strip("A", [Clip(sound, selected=True)])], preferences=preferences, eq_chunk="refused")
    s.press("Make warmer")
    s.press("More")
    [(name, state)] = ours(s.project)["A"]
    assert s.said == [] and name == "AEQ: warm 125%" and len(state.bands) == 5


def test_our_eq_moved_into_a_container_is_found_and_changed_there(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        fx = fx_list(project.tracks[0])[0]
        lines = fx.chain.body[fx.start : fx.stop]
        box = Node(fx.chain.indent + '  <CONTAINER Container "" ""', lines).reindent(fx.chain.indent + "  ")
        own = [f"{box.indent}BYPASS 0 0 0", box, f"{box.indent}FLOATPOS 0 0 0 0", f"{box.indent}FXID {guid()}"]
        fx.chain.body[fx.start : fx.stop] = own
    s.press("Make airier")
    assert s.said == [] and [name for name, _ in ours(s.project)["A"]] == ["AEQ: warm 100% + airy 100%"]
    s.press("Remove")
    assert s.said == [] and "A" not in ours(s.project)


def test_an_eq_that_was_renamed_is_still_ours_and_keeps_its_name(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        fx_list(project.tracks[0])[0].rename("Vox color")
    s.press("Make airier")
    (fx,) = fx_list(s.project.tracks[0])
    assert s.said == [] and fx.renamed == "Vox color"
    assert s.backend.jobs[-1]["tasks"][0]["request"] == {"warm": 1.0, "airy": 1.0}


def test_a_copied_track_is_adopted_and_never_mixed_up_with_the_original(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        copy = copy_track(project, 0)
        copy.node.set("NAME", ["Copy"])
        select(project, copy)
    s.press("Make airier")
    assert s.said == []
    assert {track: [name for name, _ in found] for track, found in ours(s.project).items()} == {
        "A": ["AEQ: warm 100%"],
        "Copy": ["AEQ: warm 100% + airy 100%"],
    }


# what keeps its GUID when a template is loaded or a project is imported: nobody has measured it
RENEWED = {
    "all": ("FXID", "IGUID", "GUID", "TRACKID"),
    "the track's": ("IGUID", "GUID", "TRACKID"),
    "those of FX": ("FXID", "IGUID", "GUID"),
    "none": (),
}


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("renewed", RENEWED)
def test_a_template_or_a_merged_project_brings_our_eqs_along(open_song, sound, tmp_path, renewed, merged):
    """Into an empty song from a template; into one whose own track has an EQ of ours from another song."""
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    saved = s.project.tracks[0].node.copy()
    other = s.reaper.open_tab(song(tmp_path, [Strip("Own", [Clip(sound, selected=merged)])], "other.rpp"))
    if merged:
        s.press("Make brighter")
    with s.reaper.as_user():
        saved.set("NAME", ["Loaded"])
        select(other, insert_track(other, 1, saved, RENEWED[renewed]))
    s.press("Make airier")
    s.press("More")
    own = {"Own": ["AEQ: bright 100%"]} if merged else {}
    assert s.said == []
    assert {track: [name for name, _ in found] for track, found in ours(other).items()} == {
        **own, "Loaded": ["AEQ: warm 125% + airy 125%"]
    }  # fmt: skip
    s.press("Remove")
    assert list(ours(other)) == list(own) and [name for name, _ in ours(s.project)["A"]] == ["AEQ: warm 100%"]


def test_of_two_with_one_name_on_a_copied_track_the_one_that_holds_what_we_computed_is_adopted(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    s.press("Make warmer")
    with s.reaper.as_user() as project:
        fx = fx_list(project.tracks[0])[0]
        users = reaeq(Band("band", 500, 3), name="AEQ: warm 100%")
        lines = ["BYPASS 0 0 0", *users, "FLOATPOS 0 0 0 0", f"FXID {guid()}", "WAK 0 0"]
        fx.chain.body[fx.start : fx.start] = Node("    <X", []).body + _parsed(lines, fx.chain.indent)
        project.reindex()
        select(project, copy_track(project, 0))
    s.press("Make airier")
    names = [fx.renamed for fx in fx_list(s.project.tracks[1])]
    assert s.said == [] and names == ["AEQ: warm 100%", "AEQ: warm 100% + airy 100%"]


def _parsed(lines: list[str], indent: str) -> list:
    from standin.tree import parse_lines

    return parse_lines(["<X", *lines, ">"]).reindent(indent).body


def test_instances_of_version_0_1_have_only_their_name(open_song, sound):
    old = reaeq(*(Band("band", hz, 1.0) for hz in (100, 300, 1000, 3000, 8000)), name="AEQ: bright 50%")
    s = open_song([Strip("A", [Clip(sound, selected=True)], fx=[old])])
    s.press("Make warmer")
    assert s.said == [] and [name for name, _ in ours(s.project)["A"]] == ["AEQ: bright 50% + warm 100%"]


@pytest.mark.parametrize(
    "kept", ["", "{", '{"version": 1, "eqs": 7}', '{"version": 9}', '{"version": 1, "eqs": [{"fx": 1}]}']
)
def test_what_others_wrote_beside_the_track_is_taken_for_nothing(open_song, sound, kept):
    s = open_song([Strip("A", [Clip(sound, selected=True)])])
    with s.reaper.as_user() as project:
        node = Node(project.tracks[0].node.indent + "  <EXT")
        node.set("reaper-aeq", [kept])
        project.tracks[0].node.body.insert(10, node)
    s.press("Make warmer")
    s.press("Make warmer")
    assert s.said == [] and [name for name, _ in ours(s.project)["A"]] == ["AEQ: warm 100%"]


def test_chunks_are_not_asked_for_where_heavy_plugins_are(open_song, sound, monkeypatch):
    heavy = ['<VST "VST3: Sampler (Somebody)" sampler.vst3 0 "" 1234567890<> ""', "  AAAQAAAA", ">"]
    s = open_song([Strip("A", [Clip(sound, selected=True)], fx=[heavy]), Strip("B", [Clip(sound, selected=True)])])
    asked, real = [], registry.FUNCTIONS["GetTrackStateChunk"]

    def noted(reaper, track, *more):
        asked.append(track.name)
        return real(reaper, track, *more)

    monkeypatch.setitem(registry.FUNCTIONS, "GetTrackStateChunk", noted)
    s.press("Make warmer")
    assert s.said == [] and asked == ["B"]


def test_master_project_leaves_one_step_and_nothing_to_redo(open_song, sound):
    s = open_song([Strip("Lead Vox", [Clip(sound)]), Strip("Bass", [Clip(sound)])])
    s.reaper.ext_state.set("reaper-aeq", "settings", '{"always_render": true}', True)
    s.press("Master project")
    assert s.said == [] and labels(s) == ["AEQ: master project (3 tracks)"] and s.project.redo_points == []
    after = s.project.bytes()
    s.press("Master project")
    assert s.said == [] and s.project.bytes() == after, "our own EQs are replaced for the moment of listening"
    assert np.all([len(found) == 1 for found in ours(s.project).values()])


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ('{"eqs": [], "version": 1, "track": "", "kind": "bass"}', "bass"),
        ("of somebody else", None),
        ('{"eqs":[7],"version":1}', None),
        ('{"version":1,"track":"{another}","group":"g","eqs":[]}', None),
        ('{"version":1,"kind":5,"eqs":[]}', None),
        ('{"version":1,"kind":"bass","eqs":5}', None),
        (None, "bass"),
    ],
)
def test_what_a_project_file_kept_before_the_first_eq_comes_back_behind_the_last(open_song, sound, lua, before, kind):
    """`project` keeps it in the record as `before` (reaper_aeq/reaper/instance_record.py); actions leave it there."""
    s = open_song([Strip("A", [Clip(sound, selected=True)])], lua=lua)
    s.press("Make warmer")
    track = s.project.tracks[0]
    kept = json.loads(track.node.node("EXT").get("reaper-aeq")[0])
    kept |= {name: value for name, value in (("before", before), ("kind", kind)) if value is not None}
    track.node.node("EXT").set("reaper-aeq", [json.dumps(kept)])
    for action in ("More", "Make airier", "Compare"):
        s.press(action)
        assert json.loads(track.node.node("EXT").get("reaper-aeq")[0]).get("before") == before
    s.press("Remove")
    text = track.node.node("EXT").get("reaper-aeq")[0]
    assert text == before if before is not None else json.loads(text)["kind"] == kind and "before" not in text
