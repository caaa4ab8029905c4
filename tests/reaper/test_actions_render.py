"""What the actions have to render, in a REAPER that renders as others measured it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from actions_kit import RATE, TONE, Clip, Strip, always_render, guid, noise, opener, ours, reaeq, sound_of
from fake_backend import answer
from standin import Disputed, Preferences

from reaper_aeq.eq import Band

IN_FRONT = reaeq(Band("low_shelf", 200, 6))
BEHIND = reaeq(Band("high_shelf", 4000, -9))


@pytest.fixture
def open_song(tmp_path, monkeypatch):
    """As `opener`, but everything is rendered."""

    def always_render(strips, **options):
        session = songs(strips, **options)
        session.reaper.ext_state.set("reaper-aeq", "settings", json.dumps({"always_render": True}), True)
        return session

    opened = opener(tmp_path, monkeypatch)
    songs = next(opened)
    yield always_render
    next(opened, None)


def listening(session) -> dict[str, np.ndarray]:
    heard = {}
    session.backend.answer = lambda task: heard.update({task["name"]: sound_of(task)}) or answer(task)
    return heard


@pytest.mark.parametrize("lua", ["5.3", "5.4"])
def test_tracks_are_stems_and_leave_no_step_but_ours(open_song, tmp_path, lua):
    one, two = noise(tmp_path / "1.wav"), noise(tmp_path / "2.wav", seed=2)
    version = "6.83/linux-x86_64" if lua == "5.3" else "7.66/linux-x86_64"
    s = open_song(
        [Strip("A", [Clip(one)], fx=[IN_FRONT], selected=True), Strip("B", [Clip(two)], selected=True)],
        lua=lua,
        version=version,
    )
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and [len(files) for files in s.reaper.renders] == [2]
    assert np.allclose(heard["B"], soundfile.read(two)[0], atol=1e-6)
    assert np.abs(heard["A"]).max() > 1.2 * np.abs(soundfile.read(one)[0]).max()
    assert [point.label for point in s.project.undo_points] == ["AEQ: make warmer (2 tracks)"]


def test_a_second_press_hears_neither_itself_nor_what_follows(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)], fx=[BEHIND])])
    heard = listening(s)
    s.press("Make warmer")
    first, after = heard["A"], s.project.bytes()
    assert np.allclose(first, soundfile.read(sound)[0], atol=1e-6)
    s.press("Make warmer")
    assert np.array_equal(heard["A"], first) and s.project.bytes() == after and s.said == []


def test_other_items_of_the_track_are_not_heard_with_the_chosen_ones(open_song, tmp_path, sound):
    other = noise(tmp_path / "b.wav", 1.0, seed=2)
    s = open_song([Strip("A", [Clip(sound, 0.2, selected=True), Clip(other, 0.0, 1.0)])])
    heard = listening(s)
    s.press("Make warmer")
    assert np.allclose(heard["A"], soundfile.read(sound)[0], atol=1e-6) and s.said == []
    s.reaper.undo()
    assert s.project.bytes() == s.before


@pytest.mark.parametrize("tracknumber", [True, False])
def test_one_file_for_each_track_or_one_render_for_each(open_song, tmp_path, tracknumber):
    files = [noise(tmp_path / f"{n}.wav", seed=n) for n in (1, 2)]
    strips = [Strip(f"T{n}", [Clip(file)], selected=True) for n, file in enumerate(files)]
    s = open_song(strips, disputed=Disputed(tracknumber=tracknumber))
    heard = listening(s)
    s.press("Make warmer")
    assert len(s.reaper.renders) == (1 if tracknumber else 2) and s.said == []
    assert all(np.allclose(heard[f"T{n}"], soundfile.read(file)[0], atol=1e-6) for n, file in enumerate(files))


def test_ignored_bounds_fall_back_to_the_time_selection_which_comes_back(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, 0.5, selected=True)])], disputed=Disputed(custom_bounds="ignored"))
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and np.allclose(heard["A"], soundfile.read(sound)[0], atol=1e-6)
    assert s.project.root.get("SELECTION") == ["0.1", "0.2"]


@pytest.mark.parametrize("bits", [1 << 14 | 1, 1 << 14 | 1 << 10])
def test_a_locked_time_selection_is_refused_before_reaper_asks(open_song, sound, bits):
    preferences = Preferences(config={"projsellock": str(bits)})
    s = open_song(
        [Strip("A", [Clip(sound)], selected=True)], disputed=Disputed(custom_bounds="ignored"), preferences=preferences
    )
    always_render(s)
    s.press("Make warmer")
    assert s.unchanged and s.left_behind() == []
    assert s.said == [
        "The time selection is locked, and this REAPER renders nothing without it. Switch off the lock in Options > "
        "Locking, then press again."
    ]


@pytest.mark.parametrize("bits", [1, 1 << 14, 1 << 14 | 2])
def test_other_locks_are_not_in_the_way(open_song, sound, bits):
    preferences = Preferences(config={"projsellock": str(bits)})
    s = open_song(
        [Strip("A", [Clip(sound)], selected=True)], disputed=Disputed(custom_bounds="ignored"), preferences=preferences
    )
    always_render(s)
    s.press("Make warmer")
    assert s.said == [] and len(s.reaper.renders) == 1


def buses(sound, other, fx=()):
    """Two folders that are alike because each is the whole mix, where that REAPER mixes."""
    return [
        Strip("X", folder=1, selected=True, fx=fx),
        Strip("x", [Clip(sound)], folder=-1),
        Strip("Y", folder=1, selected=True, fx=fx),
        Strip("y", [Clip(other)], folder=-1),
    ]


@pytest.mark.parametrize("ours_there", [False, True])
def test_stems_that_are_the_whole_mix_end_the_press(open_song, tmp_path, sound, ours_there):
    """Also where an EQ of ours is there, which is off while its track is listened to: the mix is rendered so too."""
    fx = [reaeq(Band("band", 500, 6), name="AEQ: bright 50%")] if ours_there else []
    strips = buses(sound, noise(tmp_path / "b.wav", seed=2), fx)
    s = open_song(strips, disputed=Disputed(stems_without_items="mix"))
    s.press("Make warmer")
    assert s.said == [text for text in s.said if text.startswith("REAPER rendered the whole mix instead of 'X'")]
    assert len(s.said) == 1 and s.unchanged and s.left_behind() == []


def test_tracks_of_one_sound_are_not_taken_for_the_mix(open_song, tmp_path, sound):
    s = open_song([*buses(sound, sound), Strip("Z", [Clip(noise(tmp_path / "b.wav", seed=2))])])
    s.press("Make warmer")
    assert s.said == [] and sorted(ours(s.project)) == ["X", "Y"]
    assert len(s.reaper.renders) == 2, "the second is the mix that they are held against"


def test_a_folder_and_its_only_child_are_the_mix_where_nothing_else_sounds(open_song, sound):
    strips = [Strip("X", folder=1, selected=True), Strip("x", [Clip(sound)], folder=-1, selected=True)]
    s = open_song(strips)
    s.press("Make warmer")
    assert s.said == [] and sorted(ours(s.project)) == ["X", "x"]


def test_a_silent_track_is_left_out_by_name(open_song, tmp_path, sound):
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros((RATE // 2, 2)), RATE)
    s = open_song([Strip("A", [Clip(sound)], selected=True), Strip("Quiet", [Clip(quiet)], selected=True)])
    s.backend.answer = lambda task: answer(task) if np.any(sound_of(task)) else {
        **answer(task), "bands": [], "confidence": 0.0, "output_gain_db": 0.0
    }  # fmt: skip
    s.press("Make warmer")
    assert s.said == ["Nothing can be heard on 'Quiet': left out."]
    assert list(ours(s.project)) == ["A"] and len(s.project.undo_points) == 1


def test_in_the_background_the_state_is_held_until_the_files_are_whole(open_song, sound):
    s = open_song(
        [Strip("A", [Clip(sound, selected=True)], fx=[BEHIND])], preferences=Preferences(background_render=True)
    )
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and np.allclose(heard["A"], soundfile.read(sound)[0], atol=1e-6)
    s.reaper.undo()
    assert s.project.bytes() == s.before and s.left_behind() == []


def test_a_script_that_is_ended_in_the_middle_of_a_render_puts_everything_back(open_song, sound):
    s = open_song(
        [Strip("A", [Clip(sound, selected=True)], fx=[BEHIND])], preferences=Preferences(background_render=True)
    )
    script = s.start("Make warmer")
    s.reaper.run_until(lambda: s.reaper.background is not None)
    assert s.project.bytes() != s.before
    script.finish()
    s.reaper._raise()
    assert s.unchanged


def test_the_mix_of_master_project_is_not_rendered_in_the_background(open_song, sound):
    s = open_song([Strip("Lead Vox", [Clip(sound)])], preferences=Preferences(background_render=True))
    s.press("Master project")
    assert len(s.said) == 1 and "Switch off 'Render in background'" in s.said[0] and s.unchanged


def test_real_time_rendering_is_refused_by_the_name_of_the_setting(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], preferences=Preferences(render_speed=1))
    s.press("Make warmer")
    assert len(s.said) == 1 and "Full-speed Offline" in s.said[0] and s.unchanged and s.reaper.renders == []


def test_media_that_went_offline_meanwhile_is_brought_back(open_song, sound):
    """The user went to another program while a press of many tracks was still looking around."""
    s = open_song([Strip("A", [Clip(sound, selected=True)])], preferences=Preferences(offline_when_inactive=True))
    heard, capture = listening(s), s.scripts / "aeq" / "capture.lua"
    lines = capture.read_text().replace(
        "  local found = capture.now(act, targets, groups, whole",
        """
  while reaper.GetExtState("test", "gone") == "" do act:wait() end
  local found = capture.now(act, targets, groups, whole""",
    )
    capture.write_text(lines)
    s.start("Make warmer")
    s.reaper.step(3)
    s.reaper.window = "inactive"
    s.reaper.ext_state.values["test", "gone"] = "yes"
    s.reaper.run_until()
    assert s.said == [] and 40101 in s.reaper.commands
    assert np.allclose(heard["A"], soundfile.read(sound)[0], atol=1e-6)


def test_a_copy_of_the_project_beside_the_render_goes_with_the_folder(open_song, sound):
    s = open_song([Strip("A", [Clip(sound, selected=True)])], preferences=Preferences(save_project_copy=True))
    s.press("Make warmer")
    assert s.said == [] and s.left_behind() == []


def test_of_a_long_track_the_loudest_minute_is_rendered(open_song, tmp_path):
    loud = noise(tmp_path / "loud.wav", 30.0)
    soft = tmp_path / "soft.wav"
    soundfile.write(soft, 0.01 * soundfile.read(loud)[0], RATE, subtype="FLOAT")
    s = open_song([Strip("A", [Clip(soft, 0, 30), Clip(soft, 60, 30), Clip(loud, 150, 30)], selected=True)])
    heard = listening(s)
    s.press("Make warmer", timeout_s=120)
    assert s.said == [] and len(heard["A"]) == pytest.approx(60 * RATE, abs=2)
    assert np.square(heard["A"]).mean() == pytest.approx(np.square(soundfile.read(loud)[0]).mean() / 2, rel=0.1)


def test_of_notes_only_the_densest_minute_is_rendered(open_song):
    notes = [Clip("MIDI", position, 0.5) for position in (0, 100, 101, 102, 103, 104, 300)]
    s = open_song([Strip("Synth", notes, fx=[TONE], selected=True)])
    heard = listening(s)
    s.press("Make warmer", timeout_s=120)
    length = len(heard["Synth"])
    # the tone stands for the instrument and sounds always, by the time of the project: 220 Hz has 22 periods in 0.1 s
    assert s.said == [] and length == pytest.approx(60 * RATE, abs=2)
    starts = [job.start_s for job in s.reaper.rendered_jobs]
    assert starts and 45 <= starts[0] <= 100


def test_an_instrument_in_a_container_is_one(open_song):
    box = ['<CONTAINER Container "" ""', "BYPASS 0 0 0", *TONE, "FLOATPOS 0 0 0 0", f"FXID {guid()}", "WAK 0 0", ">"]
    s = open_song([Strip("Synth", [Clip("MIDI", 0.5, 0.4, selected=True)], fx=[box])])
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and np.abs(heard["Synth"]).max() > 0.01


def test_items_in_a_lane_that_does_not_play_are_left_out(open_song, tmp_path, sound):
    other = noise(tmp_path / "b.wav", seed=2)
    s = open_song([Strip("A", [Clip(sound, selected=True), Clip(other, selected=True)])])
    with s.reaper.as_user() as project:
        track = project.tracks[0].node
        for key, value in (("FREEMODE", 2), ("ITEMLANES", 2), ("LANESOLO", 2)):
            track.set(key, [value], after=("NCHAN",))
        project.items[1].node.set("YPOS", [0.5, 0.5, 2], after=("POSITION",))
        project.items[0].node.set("YPOS", [0, 0.5, 2], after=("POSITION",))
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and np.allclose(heard["A"], soundfile.read(other)[0], atol=1e-6)
    with s.reaper.as_user() as project:
        project.items[1].select(False)
    s.press("Make warmer")
    assert s.said == [
        "The chosen items on 'A' are in a lane that does not play. Let that lane play or choose other items, then "
        "press again."
    ]


def test_a_project_without_items_is_not_rendered(open_song):
    s = open_song([Strip("Bus", fx=[TONE], folder=1, selected=True), Strip("Empty", folder=-1)])
    s.press("Make warmer")
    assert len(s.said) == 1 and s.said[0].startswith("Nothing can be heard on 'Bus'") and s.unchanged


@pytest.mark.parametrize("monitored", [True, False])
def test_no_live_input_is_in_a_render(open_song, tmp_path, sound, monitored):
    """An armed track in a folder plays what comes in at its input."""
    s = open_song([Strip("Bus", folder=1, selected=True), Strip("Vox", [Clip(sound)], folder=-1)])
    always_render(s)
    with s.reaper.as_user() as project:
        for track in project.tracks:
            track.node.set("REC", [1, 0, int(monitored), 0, 0, 0, 0, 0])
    before = s.project.bytes()
    heard = []
    s.backend.answer = lambda task: heard.append(sound_of(task)) or answer(task)
    s.press("Make warmer")
    assert s.said == [] and len(s.reaper.renders) == 1
    assert np.allclose(heard[0], soundfile.read(sound)[0], atol=1e-5)
    s.reaper.undo()
    assert s.project.bytes() == before


@pytest.mark.parametrize("stems", ["silent", "heard"])
@pytest.mark.parametrize("background", [False, True])
def test_a_soloed_track_is_heard(open_song, tmp_path, sound, stems, background):
    """The stem of one is silence in some REAPER: no solo is on while it is rendered."""
    strips = [
        Strip("A", [Clip(sound)], fx=[IN_FRONT], selected=True, solo=True),
        Strip("B", [Clip(noise(tmp_path / "b.wav", seed=2))]),
    ]
    preferences = Preferences(background_render=background)
    s = open_song(strips, disputed=Disputed(soloed_stems=stems), preferences=preferences)
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and np.abs(heard["A"]).max() > 1.2 * np.abs(soundfile.read(sound)[0]).max()
    s.reaper.undo()
    assert s.project.bytes() == s.before and s.left_behind() == []


def test_in_a_folder_only_what_is_soloed_is_heard(open_song, tmp_path, sound):
    other = noise(tmp_path / "b.wav", seed=2)
    strips = [
        Strip("Bus", folder=1, selected=True),
        Strip("x", [Clip(sound)], solo=True),
        Strip("y", [Clip(other)], folder=-1),
    ]
    s = open_song(strips)
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and np.allclose(heard["Bus"], soundfile.read(sound)[0], atol=1e-6)
    s.reaper.undo()
    assert s.project.bytes() == s.before


def test_chosen_items_are_heard_whatever_is_soloed(open_song, tmp_path, sound):
    strips = [
        Strip("A", [Clip(sound, selected=True)]),
        Strip("B", [Clip(noise(tmp_path / "b.wav", seed=2))], solo=True),
    ]
    s = open_song(strips)
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and np.allclose(heard["A"], soundfile.read(sound)[0], atol=1e-6)
    s.reaper.undo()
    assert s.project.bytes() == s.before


@pytest.mark.parametrize("mix", [False, True])
def test_chosen_items_of_one_sound_are_held_against_the_mix(open_song, tmp_path, sound, mix):
    """Two tracks with one recording at one time are alike to the byte, and no fault; the whole mix in both is one."""
    strips = [Strip(name, [Clip(sound, selected=True)], fx=[BEHIND]) for name in "AB"]
    s = open_song([*strips, Strip("Z", [Clip(noise(tmp_path / "b.wav", seed=2))])])
    if mix:  # what source 2 does in some REAPER
        script = s.scripts / "aeq" / "render.lua"
        script.write_text(script.read_text().replace("{ stem = 3,", "{ stem = 2,"))
    s.press("Make warmer")
    if mix:
        assert s.said == [text for text in s.said if text.startswith("REAPER rendered the whole mix instead of 'A'")]
        assert len(s.said) == 1 and s.unchanged and s.left_behind() == []
        return
    assert len(s.reaper.renders) == 2, "the second is the mix that they are held against"
    assert s.said == [] and sorted(ours(s.project)) == ["A", "B"]


@pytest.mark.parametrize("how", ["receive", "folder"])
def test_what_comes_from_other_tracks_is_not_heard_with_chosen_items(open_song, tmp_path, sound, how):
    """They are heard as from their files: by themselves."""
    other = Strip("B", [Clip(noise(tmp_path / "b.wav", seed=2))], folder=-1 if how == "folder" else 0)
    one = Strip("A", [Clip(sound, selected=True)], folder=int(how == "folder"), receives=[1] * (how == "receive"))
    s = open_song([one, other])
    heard = listening(s)
    s.press("Make warmer")
    assert s.said == [] and len(s.reaper.renders) == 1
    assert np.allclose(heard["A"], soundfile.read(sound)[0], atol=1e-6)
    s.reaper.undo()
    assert s.project.bytes() == s.before
