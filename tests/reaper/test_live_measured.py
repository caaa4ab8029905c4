"""What others measured in real REAPERs, met by `live`: stems, undo, preferences, lanes, containers, long projects."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from live_kit import RATE, ours
from standin.example import ItemSpec, TrackSpec, other, reaeq, synth
from standin.injection import receive, receives, set_receives
from test_live import THEIRS, assert_alike, assert_sounds_alike, audio

from reaper_aeq.cli.main import main
from reaper_aeq.eq import Band, Eq


@pytest.fixture(autouse=True)
def _as_before(studio):
    """Preferences and disputes are those of REAPER as it comes, for the next test."""
    yield

    def reset(session):
        from standin import Disputed, Preferences

        reaper = session.reaper
        reaper.preferences, reaper.disputed = Preferences(), Disputed()
        reaper.window, reaper.os_name, reaper.media_online, reaper.automation_override = "front", "Other", False, -1

    studio.host.do(reset)


def prefer(studio, **values):
    studio.host.do(lambda session: [setattr(session.reaper.preferences, k, v) for k, v in values.items()])


def dispute(studio, **values):
    studio.host.do(lambda session: [setattr(session.reaper.disputed, k, v) for k, v in values.items()])


def rendered(studio) -> list[list[tuple[float, int]]]:
    """Of each render so far: (seconds, RENDER_SETTINGS) of each file."""
    return studio.host.do(lambda session: list(session.reaper.spans_rendered))


@contextmanager
def watched(studio):
    """`rendered` knows the renders of the block."""

    def watch(real, reaper, command, flag, project):
        if command == 42230:
            from standin.render import begin

            jobs, _, _ = begin(reaper, project)
            reaper.spans_rendered.append([(job.end_s - job.start_s, job.settings) for job in jobs])
        return real(reaper, command, flag, project)

    studio.host.do(lambda session: setattr(session.reaper, "spans_rendered", []))
    with studio.host.function("Main_OnCommandEx", watch):
        yield


def two_parts(studio, **more):
    dull, thin = studio.noise("dull", -6.0), studio.noise("thin", 1.0)
    specs = [TrackSpec("Vox", [ItemSpec(dull)], **more), TrackSpec("Gtr", [ItemSpec(thin)], **more)]
    return studio.open(specs), {"Vox": dull, "Gtr": thin}


def assert_heard(studio, paths, word="warm"):
    found = ours(studio.host.bytes())
    assert set(found) == set(paths)
    for name, path in paths.items():
        assert_alike(found[name][0][1], studio.engine.adapt(audio(path), RATE, word, name=name).eq)


# Stems --------------------------------------------------------------------------------------------------------------


def test_stems_are_source_3_and_one_render_serves_all_tracks(studio, live):
    _, paths = two_parts(studio, fx=[other()])
    with watched(studio):
        live("warm", "--all", "--render")
    assert rendered(studio) == [[(1.0, 3), (1.0, 3)]]
    assert_heard(studio, paths)


@pytest.mark.parametrize("says", [{"tracknumber": False}, {"custom_bounds": "ignored"}])
def test_a_reaper_that_fills_in_no_track_numbers_or_ignores_the_bounds(studio, live, says):
    _, paths = two_parts(studio, fx=[other()])
    dispute(studio, **says)
    live("warm", "--all", "--render")
    assert_heard(studio, paths)


@pytest.mark.parametrize("tracknumber", [True, False])
def test_the_whole_mix_in_place_of_stems_ends_the_press(studio, refused, tracknumber):
    """A track without items gave the master mix, without a word, for one of the measurers; in one render or several."""
    path = studio.noise("part", -4.0)
    buses = [TrackSpec("Bus A", folder=1), TrackSpec("a", [ItemSpec(path)], folder=-1)]
    buses += [TrackSpec("Bus B", folder=1), TrackSpec("b", [ItemSpec(studio.noise("other", 1.0))], folder=-1)]
    studio.open(buses)
    dispute(studio, stems_without_items="mix", tracknumber=tracknumber)
    said = refused("warm", "--track", "bus *", "--render")
    assert said.startswith("REAPER rendered the whole mix for 'Bus A' and 'Bus B' instead of each track's own sound")


def test_equal_stems_that_are_no_mix_are_fine(studio, live):
    """A copied track; and a folder around the only track there is, whose sound is the mix by right."""
    path = studio.noise("part", -4.0)
    studio.open([TrackSpec("a", [ItemSpec(path)]), TrackSpec("a copy", [ItemSpec(path)])])
    live("warm", "--all", "--render")
    assert_heard(studio, {"a": path, "a copy": path})
    studio.open([TrackSpec("Folder", folder=1), TrackSpec("only", [ItemSpec(path)], folder=-1)])
    live("warm", "--track", "*", "--render")
    assert_heard(studio, {"Folder": path, "only": path})


def test_a_silent_track_is_skipped_by_name(studio, live):
    path = studio.noise("part", -4.0)
    studio.open([TrackSpec("Vox", [ItemSpec(path)]), TrackSpec("Hush", [ItemSpec(path, volume=0.0)])])
    rows = live("warm", "--track", "*", "--render")["tracks"]
    assert [(row["name"], row["left_alone"]) for row in rows] == [("Vox", None), ("Hush", "it is silent")]
    assert_heard(studio, {"Vox": path})


@pytest.mark.parametrize("name", ["SetTrackSelected", "GetSetProjectInfo"])
def test_setters_that_do_nothing_are_noticed_before_rendering(studio, refused, name):
    two_parts(studio, fx=[other()])

    def deaf(real, reaper, *arguments):
        is_set = arguments[-1] if name == "GetSetProjectInfo" else True
        return real(reaper, *arguments[:-1], False) if is_set and name == "GetSetProjectInfo" else (
            None if is_set else real(reaper, *arguments)
        )  # fmt: skip

    with watched(studio), studio.host.function(name, deaf):
        assert refused("warm", "--all", "--render").startswith(("REAPER did not select", "REAPER did not take RENDER_"))
        assert rendered(studio) == []


# Our own EQ and what is behind it ------------------------------------------------------------------------------------


def test_the_second_press_hears_what_the_first_one_heard(studio, live):
    """Selected items are rendered with the FX of their track, our own EQ and all behind it among them."""
    path = studio.noise("vox", -5.0)
    item = ItemSpec(path, selected=True)
    studio.open([TrackSpec("Vox", [item], fx=[reaeq(THEIRS, "mine")], volume=0.25)])
    live("bright", "--selected", "--render")
    first = ours(studio.host.bytes())["Vox"]
    assert_alike(first[0][1], studio.engine.adapt(audio(path), RATE, "bright", name="Vox").eq)
    live("bright", "--selected", "--render")
    assert ours(studio.host.bytes())["Vox"] == first


def test_bypass_is_found_by_its_identifier_in_any_language(studio, live):
    path = studio.noise("vox", -5.0)
    studio.open([TrackSpec("Vox", [ItemSpec(path, selected=True)], fx=[reaeq(THEIRS, "mine")])])
    prefer(studio, language="zh")
    live("warm", "--selected", "--render")
    assert_heard(studio, {"Vox": path})
    assert studio.host.labels() == ["AEQ: warm 100%"]


# Undo ----------------------------------------------------------------------------------------------------------------


def edit(session):
    """The user's own last edit, a step of its own."""
    with session.reaper.as_user() as project:
        before = project.bytes()
        project.tracks[0].node.set_field("VOLPAN", 0, 0.5)
        project.add_undo_point("Adjust volume", before, -1)


@pytest.mark.parametrize("name", ["TrackFX_AddByName", "TrackFX_SetEQParam", "TrackFX_SetNamedConfigParm"])
def test_a_failed_run_never_undoes_the_users_own_edit(studio, refused, name):
    """REAPER adds no step for a block that changed nothing: undoing after it would take the user's."""
    two_parts(studio)
    studio.host.do(edit)
    answer = -1 if name == "TrackFX_AddByName" else False
    with studio.host.function(name, lambda real, reaper, *arguments, answer=answer: answer):
        refused("warm", "--all", "--render")
    assert studio.host.labels() == ["Adjust volume"]


def test_an_earlier_press_of_the_same_name_is_not_undone_either(studio, live, refused):
    two_parts(studio)
    live("warm", "--all", "--render")
    before = studio.host.bytes()
    with studio.host.function("TrackFX_GetNamedConfigParm", no_bands):
        refused("warm", "--all", "--render")
    assert (studio.host.labels(), studio.host.bytes()) == (["AEQ: warm 100% (2 tracks)"], before)


def no_bands(real, reaper, track, fx, name):
    return (False, "") if name.startswith("BANDTYPE") and reaper.project.block else real(reaper, track, fx, name)


def test_a_plan_leaves_one_step_and_no_litter(studio, live, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text('[default]\nword = "warm"\n[master]\nword = "bright"\n')
    held = reaeq(Eq((Band("band", 1000.0, 3.0),)), "AEQ: clear 100%")
    before, _ = two_parts(studio, fx=[held, other()])
    live("project", "--plan", plan, "--render")
    assert studio.host.labels() == ["AEQ: plan plan (3 tracks)"]
    found = ours(studio.host.bytes())
    assert {name: [label for label, _ in all_of] for name, all_of in found.items()} == {
        "Vox": ["AEQ: warm 100%"],
        "Gtr": ["AEQ: warm 100%"],
        "Master": ["AEQ: bright 100%"],
    }
    parts = [found[name][0][1].apply(audio(studio.folder / file), RATE) for name, file in PARTS.items()]
    assert_alike(found["Master"][0][1], studio.engine.adapt(sum(parts), RATE, "bright", name="mix").eq)
    studio.host.undo()
    assert studio.host.bytes() == before


PARTS = {"Vox": "dull.wav", "Gtr": "thin.wav"}


# Preferences ---------------------------------------------------------------------------------------------------------


def test_a_render_speed_that_takes_as_long_as_the_song_is_refused_by_name(studio, refused):
    two_parts(studio)
    prefer(studio, render_speed=1)
    assert "'Full-speed Offline'" in refused("warm", "--all", "--render")


def test_media_that_goes_offline_behind_the_terminal(studio, live):
    _, paths = two_parts(studio)
    prefer(studio, offline_when_inactive=True)
    studio.host.do(lambda session: setattr(session.reaper, "window", "inactive"))
    live("warm", "--all", "--render")
    assert_heard(studio, paths)


def test_a_minimized_window_on_windows_is_said(studio, refused):
    two_parts(studio)
    studio.host.do(lambda session: setattr(session.reaper, "window", "minimized"))
    studio.host.do(lambda session: setattr(session.reaper, "os_name", "Win64"))
    said = refused("warm", "--all", "--render")
    assert said.startswith("nothing can be heard on 'Vox' and 'Gtr'") and "minimized" in said


def test_a_copy_of_the_project_beside_the_render_is_no_trouble(studio, live, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _, paths = two_parts(studio)
    prefer(studio, save_project_copy=True, increment_names=True)
    live("warm", "--all", "--render")
    assert_heard(studio, paths)
    assert list(tmp_path.iterdir()) == []


def test_a_render_in_the_background_is_waited_for(studio, live):
    before, paths = two_parts(studio, fx=[reaeq(THEIRS, "AEQ: airy 10%"), other()])
    prefer(studio, background_render=True)
    live("remove", "--all")
    studio.host.undo()
    assert studio.host.bytes() == before
    live("warm", "--all", "--render")
    found = ours(studio.host.bytes())
    for name, path in paths.items():
        wanted = studio.engine.adapt(audio(path), RATE, {"airy": 0.1, "warm": 1.0}, name=name).eq
        assert_alike(found[name][0][1], wanted)
    assert studio.host.labels() == ["AEQ: warm 100% (2 tracks)"]


def test_a_background_render_of_a_mix_with_new_eqs_is_refused(studio, refused, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text('[default]\nword = "warm"\n[master]\nword = "bright"\n')
    two_parts(studio)
    prefer(studio, background_render=True)
    assert refused("project", "--plan", plan, "--render").startswith("REAPER renders in the background")
    wait_for_background(studio)


def bypassed(session) -> list[bool]:
    from standin.fx_chain import fx_list

    return [fx.flag(0) for fx in fx_list(session.reaper.project.tracks[0])]


def wait_for_background(studio):
    while studio.host.do(lambda session: session.reaper.background is not None):
        pass


def test_a_track_that_goes_while_reaper_renders_in_the_background(studio, monkeypatch, live):
    two_parts(studio, fx=[reaeq(THEIRS, "mine")], selected=True)
    prefer(studio, background_render=True)
    deleted = []

    def delete(session):
        from standin.injection import delete_track

        with session.reaper.as_user() as project:
            delete_track(project.tracks[0])
            project.reindex()

    def sleep(seconds):
        if not deleted:
            deleted.append(True)
            studio.host.do(delete)

    # REAPER is let go of while `live` sleeps between two looks
    monkeypatch.setattr("reaper_aeq.reaper.live.api.time", SimpleNamespace(sleep=sleep))
    rows = live("warm", "--all", "--render")["tracks"]
    assert [(row["name"], row["left_alone"]) for row in rows] == [("Vox", "it is silent"), ("Gtr", None)]
    wait_for_background(studio)
    assert studio.host.labels() == ["AEQ: warm 100%"]
    assert studio.host.do(bypassed) == [False, False], "what was bypassed on the other track is on again"


def receives_of_the_first(session) -> list[str]:
    return receives(session.reaper.project.tracks[0])


def change_receives_of_the_first(session, lines: list[str]) -> None:
    with session.reaper.as_user() as project:
        set_receives(project.tracks[0], lines)


@pytest.mark.parametrize(
    ("change", "muted"),
    [
        (lambda lines: lines, ["2 2"]),
        (lambda lines: lines[::-1], ["2 2"]),
        (lambda lines: lines[1:], ["2 2"]),
        (lambda lines: [receive(1, muted=1, channel=4), *lines], ["1 4", "2 2"]),
        # of the two from the third track one gets other channels: it could be either
        (lambda lines: [lines[0], receive(2, muted=1, channel=6), lines[2]], ["2 6", "2 2"]),
    ],
    ids=["left alone", "turned round", "one is deleted", "one more", "another channel"],
)
def test_receives_are_unmuted_wherever_the_user_moves_them_meanwhile(studio, monkeypatch, capsys, change, muted):
    """Chosen items are rendered in the background without what other tracks send to theirs."""
    path = studio.noise("vox")
    specs = [TrackSpec("Vox", [ItemSpec(path, selected=True)], fx=[other()]), *(TrackSpec(name) for name in "BC")]
    studio.open(specs)
    studio.host.do(change_receives_of_the_first, [receive(1), receive(2), receive(2, muted=1, channel=2)])
    prefer(studio, background_render=True)
    during = []

    def sleep(seconds):
        if not during:
            during.extend(studio.host.do(receives_of_the_first))
            studio.host.do(change_receives_of_the_first, change(during))

    monkeypatch.setattr("reaper_aeq.reaper.live.api.time", SimpleNamespace(sleep=sleep))
    code = main(["live", "warm", "--selected", "--render", "--port", str(studio.port)])
    wait_for_background(studio)
    assert [line.split()[5] for line in during] == ["1"] * 3
    words = [line.split() for line in studio.host.do(receives_of_the_first)]
    assert [f"{w[1]} {w[8]}" for w in words if w[5] == "1"] == muted
    said = capsys.readouterr().err
    assert code == (2 if "2 6" in muted else 0)
    assert ("the receives of 'Vox' were changed while it was rendered" in said) == ("2 6" in muted)
    # the user's edit fell in the middle of ours, whose step it is
    studio.host.do(lambda session: setattr(session.reaper.project, "saved_state", session.reaper.project.bytes()))


@pytest.mark.parametrize("what", ["track", "tab"])
def test_what_goes_between_two_renders_in_the_background(studio, monkeypatch, capsys, what):
    """Each track is rendered by itself here: nothing that is gone is touched by the next one."""
    before, _ = two_parts(studio, fx=[reaeq(THEIRS, "mine")], selected=True)
    prefer(studio, background_render=True)
    dispute(studio, tracknumber=False)
    done = []

    def change(session):
        from standin.injection import delete_track

        if what == "tab":
            session.reaper.open_tab(b'<REAPER_PROJECT 0.1 "7.66/linux-x86_64" 1 0\n>\n')
            return
        with session.reaper.as_user() as project:
            delete_track(project.tracks[1])
            project.reindex()

    def sleep(seconds):
        if not done:
            done.append(studio.host.do(change))

    monkeypatch.setattr("reaper_aeq.reaper.live.api.time", SimpleNamespace(sleep=sleep))
    assert main(["live", "warm", "--all", "--render", "--port", str(studio.port)]) == 2
    said = {"track": "error: 'Gtr': it was removed meanwhile", "tab": "error: another project came to the front"}
    assert capsys.readouterr().err.startswith(said[what])
    wait_for_background(studio)
    if what == "tab":
        studio.host.do(lambda session: session.reaper.close_tab(1))
        assert studio.host.bytes() == before
    assert studio.host.labels() == [] and not any(studio.host.do(bypassed))
    # the user's edit fell in the middle of ours, whose step it is
    studio.host.do(lambda session: setattr(session.reaper.project, "saved_state", session.reaper.project.bytes()))


# Long projects -------------------------------------------------------------------------------------------------------


def test_at_most_a_minute_is_rendered_where_it_is_loudest(studio, live, tmp_path):
    rng, path = np.random.default_rng(5), tmp_path / "song.wav"
    song = 0.001 * rng.standard_normal((200 * RATE, 1))
    song[100 * RATE : 150 * RATE] *= 200
    soundfile.write(path, song, RATE, subtype="FLOAT")
    studio.open([TrackSpec("Vox", [ItemSpec(path, length=200.0)], fx=[other()], selected=True)])
    with watched(studio):
        rows = live("warm", "--selected", "--render")["tracks"]
    (((seconds, source),),) = rendered(studio)
    assert (seconds, source) == (60.0, 3) and rows[0]["duration_s"] == pytest.approx(60.0, abs=0.01)
    assert_alike(
        ours(studio.host.bytes())["Vox"][0][1],
        studio.engine.adapt(
            np.repeat(song[90 * RATE : 150 * RATE].T.astype(np.float32), 2, 0), RATE, "warm", name="Vox"
        ).eq,
    )


def test_selected_items_of_more_than_a_minute(studio, live, tmp_path):
    path = tmp_path / "long.wav"
    rng = np.random.default_rng(6)
    soundfile.write(path, 0.1 * rng.standard_normal((90 * 8000, 1)), 8000, subtype="FLOAT")
    items = [ItemSpec(path, position=100.0 * n, length=25.0, selected=True) for n in range(4)]
    studio.open([TrackSpec("Vox", items, fx=[other()]), TrackSpec("One", [ItemSpec(path, length=90.0, selected=True)])])
    with watched(studio):
        live("warm", "--selected", "--render")
    assert sum(seconds for render in rendered(studio) for seconds, _ in render) <= 110.0 + 1e-6
    assert all(seconds <= 60.0 for render in rendered(studio) for seconds, _ in render)


def test_chosen_items_are_cut_out_of_their_tracks_stem_and_nothing_else_is_heard(studio, live):
    """What a render of items holds is measured for track FX only, so items are rendered as parts of a stem."""
    path, thin = studio.noise("vox", -5.0), studio.noise("thin", 3.0, seed=8)
    between = [ItemSpec(thin, position=0.5), ItemSpec(thin, position=2.0), ItemSpec(thin, position=90.0)]
    chosen = [ItemSpec(path, position=at, selected=True) for at in (0.0, 3.0, 90.2)]
    before = studio.open([TrackSpec("Vox", [*chosen, *between]), TrackSpec("Rest", [ItemSpec(thin)])])
    with watched(studio):
        (row,) = live("warm", "--selected", "--render")["tracks"]
    assert [[source for _, source in render] for render in rendered(studio)] == [[3], [3]]
    assert row["duration_s"] == pytest.approx(3.0, abs=0.01)
    three = np.concatenate([audio(path)] * 3, axis=1)
    assert_sounds_alike(ours(studio.host.bytes())["Vox"][0][1], studio.engine.adapt(three, RATE, "warm", name="Vox").eq)
    studio.host.undo()
    assert studio.host.bytes() == before


@pytest.mark.parametrize("how", ["receive", "folder", "solo elsewhere"])
def test_what_comes_from_other_tracks_is_not_heard_with_chosen_items(studio, live, how):
    """They are heard as from their files: by themselves."""
    path, thin = studio.noise("vox", -5.0), studio.noise("thin", 3.0, seed=8)
    extra = ["AUXRECV 1 0 1 0 0 0 0 0 0 -1:U 0 -1 ''"] * (how == "receive")
    inside = int(how == "folder")
    vox = TrackSpec("Vox", [ItemSpec(path, selected=True)], extra=extra, folder=inside)
    before = studio.open([vox, TrackSpec("Rest", [ItemSpec(thin)], folder=-inside, solo=how == "solo elsewhere")])
    live("warm", "--selected", "--render")
    assert_heard(studio, {"Vox": path})
    studio.host.undo()
    assert studio.host.bytes() == before


def test_a_soloed_track_is_heard(studio, live):
    """Its stem is silence in some REAPER: no solo is on while it is rendered."""
    path, thin = studio.noise("vox", -5.0), studio.noise("thin", 3.0, seed=8)
    before = studio.open([TrackSpec("Vox", [ItemSpec(path)], solo=True), TrackSpec("Rest", [ItemSpec(thin)])])
    live("warm", "--all", "--render")
    assert_heard(studio, {"Vox": path})
    studio.host.undo()
    assert studio.host.bytes() == before


def test_notes_alone_are_rendered_where_they_are_densest(studio, live):
    notes = [(60, t, t + 0.5) for t in range(0, 300, 30)] + [(64, 200 + t / 2, 200.4 + t / 2) for t in range(80)]
    studio.open([TrackSpec("Keys", [ItemSpec(notes=sorted(notes, key=lambda n: n[1]), length=300.0)], fx=[synth()])])
    with watched(studio):
        live("warm", "--all", "--render")
    assert [[seconds for seconds, _ in render] for render in rendered(studio)] == [[60.0]]


# What tracks may be like ---------------------------------------------------------------------------------------------


def test_only_lanes_that_play_count(studio, live, refused):
    path = studio.noise("vox", -5.0)
    lane = ["YPOS 0.5 0.5 2"]
    silent = [ItemSpec(path, extra=lane)]
    lanes = ["FREEMODE 2", "ITEMLANES 2", "LANESOLO 1 0 0 0 0 0 0 0"]
    studio.open([TrackSpec("Vox", silent, extra=lanes)])
    assert refused("warm", "--all", "--render") == "no track of the project has audio that can be heard\n"
    studio.open([TrackSpec("Vox", [ItemSpec(path, extra=["YPOS 0 0.5 2"]), *silent], extra=lanes)])
    live("warm", "--all", "--render")
    assert_heard(studio, {"Vox": path})


def test_an_instrument_in_a_container_is_one_and_an_eq_of_ours_is_found_there(studio, live):
    from standin.example import container

    notes = ItemSpec(notes=[(60, 0.0, 0.8)], selected=True)
    studio.open([TrackSpec("Keys", [notes], fx=[other(), container(synth(), reaeq(THEIRS, "AEQ: warm 20%"), other())])])
    live("bright", "--selected", "--render")
    assert studio.host.do(named) == ["", "Container", "", "AEQ: warm 20% + bright 100%", ""]
    live("remove", "--selected")
    assert "AEQ:" not in studio.host.bytes().decode()


def named(session) -> list[str]:
    from standin.fx_chain import all_fx

    return [fx.renamed or fx.plugin_name * fx.is_container for fx in all_fx(session.reaper.project.tracks[0])]


@pytest.mark.parametrize("override", [-1, 3])
def test_nothing_is_recorded_as_automation(studio, live, override):
    _, paths = two_parts(studio, fx=[reaeq(THEIRS, "AEQ: warm 10%")])

    def latch(session):
        with session.reaper.as_user() as project:
            for track in project.tracks:
                track.node.set("AUTOMODE", [4])
        session.reaper.automation_override = override

    studio.host.do(latch)
    live("warm", "--all", "--render")
    assert_heard(studio, paths)
    modes = studio.host.do(lambda session: [track.node.number("AUTOMODE") for track in session.reaper.project.tracks])
    assert modes == [4, 4] and studio.host.do(lambda session: session.reaper.automation_override) == override


def test_fx_that_are_switched_off_as_a_whole_are_said(studio, live):
    path = studio.noise("vox", -5.0)
    studio.open([TrackSpec("Vox", [ItemSpec(path)], fx=[other()])])

    def off(session):
        with session.reaper.as_user() as project:
            project.tracks[0].node.set("FX", [0])

    studio.host.do(off)
    rows = live("warm", "--all", "--render")["tracks"]
    assert "its FX are switched off: the EQ will sound once they are on" in rows[0]["warnings"]


def test_a_users_default_preset_of_reaeq_is_no_part_of_ours(studio, live):
    _, paths = two_parts(studio)

    def default(session):
        from reaper_aeq.reaper.reaeq.state import ReaEqState, StateBand

        bands = tuple(StateBand(kind, True, 200.0 * (kind + 1), 2.0, 1.0) for kind in range(9))
        session.reaper.preferences.eq_default = ReaEqState(bands, 1.5)

    studio.host.do(default)
    live("warm", "--all", "--render")
    assert_heard(studio, paths)


# The cost of a call --------------------------------------------------------------------------------------------------


def test_reaper_is_held_once_to_listen_and_once_to_write(studio, live, monkeypatch):
    from reaper_aeq.reaper.live.api import Api

    holds, held = [], Api.held

    def counted(self):
        holds.append(1)
        return held(self)

    monkeypatch.setattr(Api, "held", counted)
    two_parts(studio)
    live("warm", "--all", "--render")
    assert len(holds) == 2


@pytest.mark.parametrize("command", [["warm", "--selected"], ["remove", "--selected"]])
def test_a_write_that_a_lock_refuses_names_the_lock(studio, live, refused, command):
    """A track with a foreign plug-in is not asked for its state before: whether its lock is in the way shows then."""
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("part"), selected=True)], fx=[other()])])
    if command[0] == "remove":
        live("warm", "--selected")

    def lock(session):
        with session.reaper.as_user() as project:
            project.tracks[0].node.set("LOCK", [1], after=("NAME",))

    studio.host.do(lock)
    dispute(studio, locked_tracks="left")
    assert refused(*command) == "'Vox': it is locked: right-click the track to unlock it\n"


def test_removing_heeds_a_lock(studio, live, refused):
    studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("part"), selected=True)])])
    live("warm", "--selected")

    def lock(session):
        with session.reaper.as_user() as project:
            project.tracks[0].node.set("LOCK", [1], after=("NAME",))

    studio.host.do(lock)
    assert refused("remove", "--selected").startswith("'Vox': it is locked")


def test_a_locked_time_selection_is_refused_before_reaper_asks(studio, refused):
    two_parts(studio, fx=[other()])
    dispute(studio, custom_bounds="ignored")
    prefer(studio, config={"projsellock": str(1 << 14 | 1)})
    assert refused("warm", "--all", "--render").startswith("the time selection is locked, and this REAPER renders")


@pytest.mark.parametrize("render", [True, False])
def test_media_that_was_offline_for_a_while_is_heard(studio, live, render):
    """The terminal was in front, so the media was offline: its source tells no sample rate any more."""
    _, paths = two_parts(studio)
    prefer(studio, offline_when_inactive=True)
    studio.host.do(lambda session: setattr(session.reaper, "window", "inactive"))
    studio.host.do(lambda session: setattr(session.reaper, "window", "front"))
    live("warm", "--all", *["--render"] * render)
    assert_heard(studio, paths)


def test_files_are_read_while_the_media_is_offline(studio, live):
    _, paths = two_parts(studio)
    prefer(studio, offline_when_inactive=True)
    studio.host.do(lambda session: setattr(session.reaper, "window", "inactive"))
    live("warm", "--all")
    assert_heard(studio, paths)


def test_an_item_that_the_user_set_offline_stays_so(studio, live):
    _, paths = two_parts(studio)
    prefer(studio, offline_when_inactive=True)

    def set_offline(session):
        from standin.injection import offline

        with session.reaper.as_user() as project:
            offline(project.items[1])

    studio.host.do(set_offline)
    live("warm", "--track", "Vox", "--render")
    assert_heard(studio, {"Vox": paths["Vox"]})
    assert b"_OFFLINE_WAVE" in studio.host.bytes()
