"""A press that hears files: what is described is what the stand-in renders, and what the project's reader reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr
from actions_kit import ours, sound_of
from fake_backend import answer
from standin.example import ItemSpec, TrackSpec, other, reaeq, synth, write
from standin.item_audio import item_audio
from standin.mixer import BLOCK, Mix

from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.project.described import described, hear
from reaper_aeq.project.description import DescribedSound
from reaper_aeq.project.media import Library
from reaper_aeq.reaper.rpp.project import Project

RATE = 48_000
OUR_EQ = Eq((Band("low_shelf", 300.0, 6.0), Band("band", 2000.0, -5.0, 1.5)), output_gain_db=-1.5)
DESCRIBE = """
local here = select(2, reaper.get_action_context()):match("^(.*[/\\\\])")
package.path = here .. "?.lua;" .. package.path
require("aeq.run").start("describe", function(act)
  local sound, json = require("aeq.sound"), require("aeq.json")
  local describer, lines = sound.describer(act), {}
  for _, target in ipairs(require("aeq.selection").targets(act, "word")) do
    local found, why = describer:of(target, WHOLE)
    lines[#lines + 1] = found and json.encode(found) or "rendered: " .. why
  end
  reaper.ShowConsoleMsg(table.concat(lines, "\\n"))
end)
"""


@pytest.fixture
def press(tmp_path, open_song):
    """press(tracks, action, **options) -> the session after it; `.backend.jobs` has what was asked."""

    def run(tracks, action="Make warmer", session=lambda s: None, **options):
        path = write(tmp_path / "song.rpp", tracks, **options.pop("project", {}))
        s = open_song(path, **options)
        session(s)
        s.press(action)
        return s

    return run


@pytest.fixture
def describe(tmp_path, open_song):
    """describe(tracks) -> for each target its sound, or why it has to be rendered."""

    def run(tracks, whole=False, session=lambda s: None, **options):
        s = open_song(write(tmp_path / "song.rpp", tracks), **options)
        session(s)
        script = s.scripts / "AEQ_describe.lua"
        script.write_text(DESCRIBE.replace("WHOLE", "true" if whole else "false"))
        s.reaper.run_script(script)
        s.reaper.run_until(timeout_s=30)
        assert s.said == []
        lines = s.reaper.ui.console.split("\n")
        return [line.removeprefix("rendered: ") if line.startswith("rendered") else read(line) for line in lines]

    return run


def read(line: str) -> DescribedSound:
    return DescribedSound.model_validate_json(line)


@pytest.fixture
def sound(tmp_path):
    """A stereo file of four seconds, each at another balance."""
    rng = np.random.default_rng(0)
    audio = rng.standard_normal((4 * RATE, 2))
    for second in range(4):
        part = slice(second * RATE, (second + 1) * RATE)
        audio[part] = np.cumsum(audio[part] - audio[part].mean(0), 0) * 0.02 if second % 2 else audio[part]
    audio *= np.array([1.0, 0.5]) * 0.1
    soundfile.write(tmp_path / "n.wav", audio, RATE, subtype="FLOAT")
    return tmp_path / "n.wav"


CASES = {
    "as it is": {},
    "offset": {"offset": 1.7, "position": 0.75, "length": 2.0},
    "beyond the end": {"offset": 3.0, "length": 3.0},
    "faster": {"rate": 1.5, "offset": 0.4, "length": 2.0},
    "slower": {"rate": 0.7, "length": 4.0},
    "section": {"section": (1.0, 1.5), "length": 1.5},
    "section, offset": {"section": (1.0, 2.5), "offset": 0.5, "length": 1.5},
    "reverse": {"reverse": True, "length": 2.0},
    "reverse, offset": {"reverse": True, "offset": 0.7, "length": 2.0},
    "section, reverse, faster": {"section": (0.5, 3.0), "reverse": True, "rate": 1.25, "length": 2.0},
    "loop": {"loop": True, "length": 9.0, "offset": 1.1},
    "section in a loop, slower": {"section": (0.9, 1.0), "reverse": True, "loop": True, "length": 5.0, "rate": 0.8},
    "volumes": {"volume": 0.5, "take_volume": -0.7, "pan": 0.4},
    "fades": {"fade_in": 1.5, "fade_out": 1.0, "fade_shape": 1, "length": 3.0},
    "swapped": {"channel_mode": 1, "pan": -1.0},
    "downmix": {"channel_mode": 2},
    "left": {"channel_mode": 3},
    "right": {"channel_mode": 4},
}
STRETCHED = {
    "pitched down": {"preserve_pitch": True, "pitch": -7.0},
    "stretched": {"preserve_pitch": True, "rate": 1.5, "length": 2.0},
    "both": {"preserve_pitch": False, "rate": 0.75, "pitch": 5.0, "offset": 0.5},
}


def ltas_db(audio: np.ndarray) -> np.ndarray:
    return analyze_blocks([np.ascontiguousarray(audio.T, np.float32)], RATE).ltas_db().numpy()


def assert_alike(ours_db: np.ndarray, theirs_db: np.ndarray, top_hz: float = 20_200.0) -> None:
    inside = (theirs_db > theirs_db.max() - 60) & (top_hz > GRID_HZ) & (GRID_HZ > 50)
    assert inside.sum() > 20 and np.abs(ours_db - theirs_db)[inside].max() < 0.5


@pytest.mark.parametrize("name", CASES)
def test_an_item_is_heard_as_the_stand_in_plays_it(press, sound, name):
    spec = {"length": 4.0, **CASES[name]}
    s = press([TrackSpec("Vox", [ItemSpec(sound, selected=True, **spec)], fx=[other()], volume=0.3, pan=0.5)])
    assert s.said == [] and s.reaper.renders == [] and len(ours(s.project)) == 1
    (task,) = s.backend.jobs[0]["tasks"]
    assert "path" not in task and "rendered_because" not in task
    theirs = item_audio(s.project.items[0], RATE)
    assert_alike(ltas_db(sound_of(task)), ltas_db(theirs), 20_200 * min(1, spec.get("rate", 1)))


@pytest.mark.parametrize("name", STRETCHED)
def test_a_stretched_item_is_heard_as_its_source_s_part(press, sound, name):
    spec = {"length": 4.0, **STRETCHED[name]}
    s = press([TrackSpec("Vox", [ItemSpec(sound, selected=True, **spec)])])
    assert s.said == [] and s.reaper.renders == []
    found = hear(DescribedSound.model_validate(s.backend.jobs[0]["tasks"][0]["sound"]), Library())
    audio, rate, offset = soundfile.read(sound)[0], spec.get("rate", 1.0), spec.get("offset", 0.0)
    part = audio[round(offset * RATE) :][: round(spec["length"] * rate * RATE)]
    factor = 2 ** (spec.get("pitch", 0.0) / 12) * (1.0 if spec["preserve_pitch"] else rate)
    if len(part) < round(spec["length"] * rate * RATE):  # silence follows
        part = np.pad(part, ((0, round(spec["length"] * rate * RATE) - len(part)), (0, 0)))
    assert_alike(
        found.analysis.ltas_db().numpy(), ltas_db(soxr.resample(part, RATE * factor, RATE)), 20_000 * min(1, factor)
    )
    assert found.analysis.duration_s == pytest.approx(spec["length"], abs=0.01)


@pytest.mark.parametrize("name", [*CASES, *STRETCHED])
def test_a_described_item_is_the_item_that_is_read_from_the_project(describe, tmp_path, sound, name):
    spec = {"length": 4.0, **CASES.get(name, STRETCHED.get(name))}
    (found,) = describe([TrackSpec("Vox", [ItemSpec(sound, selected=True, **spec)])])
    (mine,) = described(found).tracks[0].items
    (theirs,) = Project.read(tmp_path / "song.rpp").tracks[0].items
    assert bare(mine) == bare(theirs)


def bare(item):
    """What is heard of an item."""
    (take,) = item.takes
    whole = 4.0  # the file; a section as long as it needs no length
    sections = tuple(
        replace(part, length_s=None if part.length_s == whole else part.length_s) for part in take.source.sections
    )
    source = replace(take.source, kind="", folder=None, sections=sections)
    fades = [replace(f, shape=f.shape if f.length_s else 0) for f in (item.fade_in, item.fade_out)]
    return replace(item, takes=(replace(take, source=source),), fade_in=fades[0], fade_out=fades[1])


def test_several_items_and_takes_of_a_track_are_one_question(press, sound):
    items = [
        ItemSpec(sound, 0.0, 1.0, selected=True), ItemSpec(sound, 3.0, 1.0, offset=1.5, selected=True),
        ItemSpec(sound, 6.0, 1.0), ItemSpec(sound, 9.0, 1.0, muted=True, selected=True),
    ]  # fmt: skip
    s = press([TrackSpec("Vox", items)])
    (task,) = s.backend.jobs[0]["tasks"]
    (track,) = task["sound"]["tracks"]
    assert [item["position_s"] for item in track["items"]] == [0.0, 3.0]
    audio = soundfile.read(sound)[0]
    heard = sound_of(task)
    assert np.allclose(heard[:RATE], audio[:RATE], atol=1e-6)
    assert np.allclose(heard[-RATE:], audio[RATE * 3 // 2 : RATE * 5 // 2], atol=1e-6)


def folder(sound, **more) -> list[TrackSpec]:
    return [
        TrackSpec("Bus", [ItemSpec(sound, 2.0, 1.0)], folder=1, volume=0.1, selected=True),
        TrackSpec("a", [ItemSpec(sound, 0.0, 2.0)], folder=1, volume=0.5, pan=-0.3, **more),
        TrackSpec("inner", [ItemSpec(sound, 1.0, 3.0, rate=1.2)], volume=0.8, pan=0.6),
        TrackSpec("muted", [ItemSpec(sound)], muted=True, folder=-2),
        TrackSpec("beside", [ItemSpec(sound, 0.5, 1.0)]),
    ]


def test_a_folder_is_heard_with_what_lies_in_it(press, sound):
    s = press(folder(sound))
    assert s.said == [] and s.reaper.renders == [] and list(ours(s.project)) == ["Bus"]
    s.project.undo()
    mix = Mix(s.project, 0.0, 4.0, RATE)
    assert_alike(ltas_db(sound_of(s.backend.jobs[0]["tasks"][0])), ltas_db(mix.track(s.project.tracks[0], True)))


def test_our_eqs_in_a_folder_are_heard(press, sound):
    s = press(folder(sound, fx=[reaeq(OUR_EQ, "AEQ: warm 100%"), reaeq(OUR_EQ, "AEQ match: x 100%", bypassed=True)]))
    assert s.said == [] and s.reaper.renders == []
    s.project.undo()
    (task,) = s.backend.jobs[0]["tasks"]
    heard = ltas_db(sound_of(task))
    assert_alike(heard, ltas_db(Mix(s.project, 0.0, 4.0, RATE).track(s.project.tracks[0], True)))
    assert len(task["sound"]["tracks"][1].pop("eq")["bands"]) == 2
    assert np.abs(ltas_db(sound_of(task)) - heard).max() > 1


def test_the_master_is_the_sum_of_all_tracks(press, sound):
    def select(s):
        with s.reaper.as_user() as project:
            project.master.select(True)

    tracks = folder(sound)
    tracks[0].selected = False
    s = press(tracks, session=select)
    assert s.said == [] and s.reaper.renders == [] and list(ours(s.project)) == ["Master"]
    (task,) = s.backend.jobs[0]["tasks"]
    assert task["sound"]["track"] is None
    with_eq = s.project
    with_eq.undo()
    assert_alike(ltas_db(sound_of(task)), ltas_db(Mix(with_eq, 0.0, 4.0, RATE).master()))


def test_the_time_selection_is_cut_out_of_the_items(press, sound):
    def choose(s):
        s.reaper.ui.inputs.append("warm|1")
        with s.reaper.as_user() as project:
            project.root.set("SELECTION", [1.5, 3.0])
            project.touch()

    item = ItemSpec(sound, 1.0, 3.0, offset=0.25, rate=1.25, fade_in=1.0)
    tracks = [TrackSpec("Vox", [item, ItemSpec(sound, 8.0, 1.0)], selected=True)]
    s = press(tracks, "Ask for a word in the time selection", session=choose)
    assert s.said == []
    (info,) = s.backend.jobs[0]["tasks"][0]["sound"]["tracks"][0]["items"]
    assert (info["position_s"], info["length_s"], info["offset_s"]) == (1.5, 1.5, 0.25 + 0.5 * 1.25)
    assert info["fade_in"]["length_s"] == 0.5


def test_only_lanes_that_play_are_heard(describe, sound):
    lanes = ["FREEMODE 2", "ITEMLANES 2", "LANESOLO 2 0 0 0 0 0 0 0"]
    items = [ItemSpec(sound, 0.0, 1.0, extra=["YPOS 0 0.5 2"]), ItemSpec(sound, 1.0, 1.0, extra=["YPOS 0.5 0.5 2"])]
    (found,) = describe([TrackSpec("Vox", items, selected=True, extra=lanes)])
    assert [item.position_s for item in found.tracks[0].items] == [1.0]


def envelope(name: str, active: int = 1, points: str = "PT 0 0.5 0") -> list[str]:
    return [f"<{name}", f"ACT {active} -1", *([points] if points else []), ">"]


REASONS = {
    "an instrument": (
        lambda f: [TrackSpec("t", [ItemSpec(f)], fx=[synth()], selected=True)],
        "an instrument plays on it",
    ),
    "FX": (lambda f: [TrackSpec("t", [ItemSpec(f)], fx=[other()], selected=True)], "FX stand before the EQ"),
    "MIDI": (
        lambda f: [TrackSpec("t", [ItemSpec(notes=[(60, 0, 1)])], fx=[synth()], selected=True)],
        "an instrument plays on it",
    ),
    "MIDI beside": (
        lambda f: [TrackSpec("t", [ItemSpec(f), ItemSpec(notes=[(60, 0, 1)])], selected=True)],
        "MIDI is played by an instrument",
    ),
    "take FX": (lambda f: [TrackSpec("t", [ItemSpec(f, fx=[other()], selected=True)])], "an item has FX of its own"),
    "take envelope": (
        lambda f: [TrackSpec("t", [ItemSpec(f, selected=True, after=envelope("PITCHENV"))])], "an item has an envelope",
    ),
    "stretch markers": (
        lambda f: [TrackSpec("t", [ItemSpec(f, selected=True, after=["SM 0 0 + 0.5 0.7"])])],
        "an item has stretch markers",
    ),
    "pre-FX envelope": (
        lambda f: [TrackSpec("t", [ItemSpec(f)], extra=envelope("VOLENV"), selected=True)],
        "an envelope moves it before its FX",
    ),
    "receive": (
        lambda f: [
            TrackSpec("t", [ItemSpec(f)], extra=["AUXRECV 1 0 1 0 0 0 0 0 0 -1:U 0 -1 ''"], selected=True),
            TrackSpec("from", [ItemSpec(f)]),
        ],
        "other tracks send to it",
    ),
    "FX in the folder": (lambda f: folder(f, fx=[other()]), "a track in it has FX"),
    "automation in the folder": (lambda f: folder(f, extra=envelope("VOLENV2")), "an envelope moves a track in it"),
    "dual pan in the folder": (lambda f: folder(f, extra=["PANMODE 6"]), "a track in it has an unusual pan setting"),
    "video": (
        lambda f: [TrackSpec("t", [ItemSpec(f, selected=True, kind="VIDEO")])], "an item's sound is in no audio file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REASONS)
def test_what_is_not_in_the_files_is_rendered_and_the_reason_is_told(describe, sound, name):
    make, reason = REASONS[name]
    assert describe(make(sound)) == [reason]


@pytest.mark.parametrize(
    "make",
    [
        lambda f: [TrackSpec("t", [ItemSpec(f, selected=True)], fx=[synth(), other()])],  # behind the EQ's place
        lambda f: [TrackSpec("t", [ItemSpec(f)], fx=[["BYPASS 1 0 0", *other()[1:]]], selected=True)],
        lambda f: [TrackSpec("t", [ItemSpec(f)], fx=[["BYPASS 0 1 0", *other()[1:]]], selected=True)],
        lambda f: [TrackSpec("t", [ItemSpec(f)], fx=[reaeq(OUR_EQ, "AEQ: warm 100%"), other()], selected=True)],
        lambda f: [TrackSpec("t", [ItemSpec(f, selected=True, after=envelope("VOLENV", active=0))])],
        lambda f: [TrackSpec("t", [ItemSpec(f, selected=True, after=envelope("VOLENV", points=""))])],
        lambda f: [TrackSpec("t", [ItemSpec(f)], extra=envelope("VOLENV2"), volume=0.1, pan=1.0, selected=True)],
        lambda f: [TrackSpec("t", [ItemSpec(f)], extra=["AUXRECV 0 0 1 0 1 0 0 0 0 -1:U 0 -1 ''"], selected=True)],
        lambda f: [TrackSpec("t", [ItemSpec(f)], extra=["AUXRECV 0 0 1 0 0 0 0 -1 0 -1:U 0 -1 ''"], selected=True)],
    ],
)
def test_what_does_not_reach_the_eq_does_not_matter(describe, sound, make):
    (found,) = describe(make(sound))
    assert isinstance(found, DescribedSound) and found.tracks[0].items


def test_everything_on_means_our_eq_too(describe, sound):
    (found,) = describe(
        [TrackSpec("t", [ItemSpec(sound)], fx=[reaeq(OUR_EQ, "AEQ: warm 100%")], selected=True)], whole=True
    )
    assert found.through_eq and [band.kind for band in found.tracks[0].eq.bands] == ["low_shelf", "band"]
    assert found.tracks[0].eq.output_gain_db == pytest.approx(-1.5, abs=1e-3)
    fx = [reaeq(OUR_EQ, "AEQ: warm 100%"), other()]
    assert describe([TrackSpec("t", [ItemSpec(sound)], fx=fx, selected=True)], whole=True) == ["it has FX"]


def test_playing_goes_on_and_nothing_is_rendered_or_left(press, sound):
    def play(s):
        with s.reaper.as_user() as project:
            project.play_state, project.play_position = 1, 0.3

    s = press([TrackSpec("Vox", [ItemSpec(sound, length=4.0, selected=True)])], session=play)
    assert s.said == [] and s.project.play_state == 1 and s.reaper.renders == [] and s.left_behind() == []


def test_always_render_keeps_the_other_way(press, sound):
    def choose(s):
        s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"always_render": true, "tell_heard": true}'

    s = press([TrackSpec("Vox", [ItemSpec(sound, length=4.0, selected=True)])], session=choose)
    (task,) = s.backend.jobs[0]["tasks"]
    assert s.said == [] and len(s.reaper.renders) == 1 and task["rendered_because"] == "the settings say so"
    assert "Vox: rendered, because the settings say so" in s.reaper.ui.console


def test_what_the_backend_cannot_read_is_rendered_and_asked_again(press, sound):
    def cannot(s):
        s.backend.unreadable = True

    tracks = [
        TrackSpec("A", [ItemSpec(sound, length=1.0, selected=True)]),
        TrackSpec("B", [ItemSpec(sound, selected=True)]),
    ]
    s = press(tracks, session=cannot)
    first, second = s.backend.jobs
    assert s.said == [] and all("sound" in task for task in first["tasks"])
    assert all(task["path"] and "cannot read a file" in task["rendered_because"] for task in second["tasks"])
    assert sorted(ours(s.project)) == ["A", "B"] and len(s.project.undo_points) == 1


def test_analyze_tells_how_each_was_heard(press, sound):
    tracks = [
        TrackSpec("A", [ItemSpec(sound)], selected=True),
        TrackSpec("B", [ItemSpec(sound)], fx=[other()], selected=True),
    ]
    s = press(tracks, "Analyze")
    assert "A (heard from its files)" in s.reaper.ui.console
    assert "B (rendered, because it has FX)" in s.reaper.ui.console


def test_master_project_hears_the_mix_with_the_new_eqs_without_a_render(press, sound):
    tracks = [
        TrackSpec("Vox", [ItemSpec(sound, length=2.0)], volume=0.5),
        TrackSpec("Bass", [ItemSpec(sound, 1.0, 2.0)]),
    ]
    s = press(tracks, "Master project")
    assert s.said == [] and s.reaper.renders == [] and sorted(ours(s.project)) == ["Bass", "Master", "Vox"]
    mix = s.backend.jobs[1]["tasks"][0]["sound"]
    assert mix["track"] is None and all(len(track["eq"]["bands"]) == 5 for track in mix["tracks"])
    assert len(s.project.undo_points) == 1


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_tracks_that_send_to_each_other(press, sound, lua):
    """What comes back is in what is rendered, and the last step is one that Undo takes back whole."""
    send, heard = "AUXRECV {} 0 {} 0 0 0 0 0 0 -1:U 0 -1 ''", {}
    tracks = [
        TrackSpec("Vox", [ItemSpec(sound, length=0.5)], extra=[send.format(1, 0.5)], selected=True),
        TrackSpec("Echo", [ItemSpec(sound, length=0.5, volume=0.0)], extra=[send.format(0, 0.25)], selected=True),
    ]

    def keep(session):
        session.backend.answer = lambda task: heard.update({task["name"]: sound_of(task)}) or answer(task)

    s = press(tracks, session=keep, project={"feedback": True}, lua=lua)
    assert s.said == [] and sorted(ours(s.project)) == ["Echo", "Vox"]
    dry, want = soundfile.read(sound)[0][: RATE // 2], np.zeros((RATE // 2, 2))
    for turn in range(-(-len(dry) // BLOCK)):
        want[turn * BLOCK :] += 0.125**turn * dry[: len(dry) - turn * BLOCK]
    assert np.allclose(heard["Vox"], want, atol=1e-6) and np.allclose(
        heard["Echo"][BLOCK:], 0.25 * want[:-BLOCK], atol=1e-6
    )
    s.reaper.undo()
    assert s.project.bytes() == s.before and s.left_behind() == []
