"""Whatever goes wrong during a run of `live`: one sentence, and the project as it was, render settings included."""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import contextmanager

import pytest
import soundfile
from standin.example import ItemSpec, TrackSpec, other, reaeq

from reaper_aeq.cli.main import main
from reaper_aeq.eq import Band, Eq
from reaper_aeq.reaper.live.api import Api, LiveError


@pytest.fixture
def two_tracks(studio, tmp_path, monkeypatch):
    """Two tracks with selected items and EQs of ours: that of Vox stands behind another FX, so the track is heard.

    Nothing may stay in the temporary folder.
    """
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = studio.noise("vox")
    ours = reaeq(Eq((Band("band", 1000.0, 3.0),)), "AEQ: warm 100%")
    fx = {"Vox": [other(), ours], "Gtr": [ours]}
    studio.open([TrackSpec(name, [ItemSpec(path, selected=True)], fx=fx[name]) for name in fx])
    yield studio
    assert list(tmp_path.iterdir()) == []


@contextmanager
def meanwhile(studio, monkeypatch, deed):
    """`deed()` is done while the engine computes, so while REAPER is free."""
    real = studio.engine.adapt_many

    def adapt_many(asked):
        deed()
        return real(asked)

    with monkeypatch.context() as patch:
        patch.setattr(studio.engine, "adapt_many", adapt_many)
        yield


def second_name_is_refused(real, reaper, track, fx, name, value):
    if name == "renamed_name" and track.name == "Gtr":
        return True  # as a REAPER that knows no such name: it says yes and forgets it
    return real(reaper, track, fx, name, value)


def test_a_reaeq_that_does_not_take_its_name_takes_all_tracks_back(two_tracks, refused):
    with two_tracks.host.function("TrackFX_SetNamedConfigParm", second_name_is_refused):
        said = refused("bright", "--selected", "--render")
    assert said.startswith("ReaEQ on 'Gtr' did not take the values (its name): everything was taken back")


@pytest.mark.parametrize("name", ["TrackFX_SetEQParam", "TrackFX_SetParam"])
def test_values_that_do_not_arrive_take_all_tracks_back(two_tracks, refused, name):
    with two_tracks.host.function(name, lambda real, reaper, *arguments: True):
        said = refused("warm", "--selected", "--render")
        assert "did not take the values" in said or "did not switch an FX off" in said


def fails(real, reaper, *arguments):
    raise RuntimeError("the disk is on fire")


@pytest.mark.parametrize("name", ["Main_OnCommandEx", "TrackFX_GetParam", "GetMediaItemInfo_Value"])
def test_a_function_that_fails_inside_reaper(two_tracks, refused, name):
    with two_tracks.host.function(name, fails):
        said = refused("bright", "--selected", "--render")
    assert said == f"REAPER refused {name}: RuntimeError: the disk is on fire\n"


def test_a_render_that_writes_nothing(two_tracks, refused):
    with two_tracks.host.function("Main_OnCommandEx", lambda real, reaper, *arguments: None):
        assert refused("bright", "--selected", "--render").startswith("REAPER rendered nothing for 'Vox'")


def cut_short(real, reaper, *arguments):
    real(reaper, *arguments)
    for path in reaper.renders[-1]:
        audio, rate = soundfile.read(path)
        soundfile.write(path, audio[: len(audio) // 2], rate, subtype="FLOAT")


def test_a_render_that_was_stopped(two_tracks, refused):
    with two_tracks.host.function("Main_OnCommandEx", cut_short):
        assert refused("bright", "--selected", "--render").startswith("REAPER did not render 'Vox' to its end")


def delete_last_track(session):
    from standin.injection import delete_track

    with session.reaper.as_user() as project:
        delete_track(project.tracks[-1])


def test_a_track_that_is_removed_while_the_engine_computes(two_tracks, monkeypatch, capsys):
    with meanwhile(two_tracks, monkeypatch, lambda: two_tracks.host.do(delete_last_track)):
        assert main(["live", "bright", "--selected", "--render", "--port", str(two_tracks.port)]) == 2
    assert capsys.readouterr().err == "error: 'Gtr': it was removed meanwhile: nothing was changed, try again\n"
    assert two_tracks.host.labels() == []


def test_another_project_that_comes_to_the_front(two_tracks, monkeypatch, refused):
    before = two_tracks.host.bytes()

    def back(session):
        session.reaper.close_tab(1)

    with meanwhile(
        two_tracks, monkeypatch, lambda: two_tracks.host.do(lambda s, data: s.reaper.open_tab(data) and None, before)
    ):
        assert refused("bright", "--selected", "--render").startswith("another project came to the front in REAPER")
    two_tracks.host.do(back)
    assert (two_tracks.host.bytes(), two_tracks.host.labels()) == (before, [])


@contextmanager
def interrupting(studio, name):
    """Ctrl-C reaches the terminal while REAPER is busy with function `name`, for the first time."""

    terminal = os.getpid()

    def interrupt(real, reaper, *arguments):
        if not reaper.interrupted:
            reaper.interrupted = True
            os.kill(terminal, signal.SIGINT)
        return real(reaper, *arguments)

    studio.host.do(lambda session: setattr(session.reaper, "interrupted", False))
    with studio.host.function(name, interrupt):
        yield


@pytest.mark.parametrize(
    "name",
    [
        "CountTracks",
        "PreventUIRefresh",
        "GetMediaItemInfo_Value",
        "SetTrackSelected",
        "TrackFX_SetParam",
        "GetSetProjectInfo",
        "Main_OnCommandEx",
        "Undo_BeginBlock2",
        "TrackFX_SetEQParam",
        "TrackFX_SetNamedConfigParm",
    ],
)
def test_ctrl_c_at_any_moment_leaves_the_project_as_it_was(two_tracks, capsys, name):
    before = two_tracks.host.bytes()
    with interrupting(two_tracks, name):
        assert main(["live", "bright", "--selected", "--render", "--port", str(two_tracks.port)]) == 130
    assert capsys.readouterr().err == "interrupted: nothing half-written is left behind\n"
    assert (two_tracks.host.bytes(), two_tracks.host.labels()) == (before, [])


@pytest.mark.parametrize("name", ["TrackFX_AddByName", "TrackFX_SetPresetByIndex", "TrackFX_Delete"])
def test_ctrl_c_while_new_eqs_are_put_in_to_be_heard(two_tracks, capsys, tmp_path, name):
    folder = tmp_path / "plans"
    folder.mkdir()
    plan = folder / "plan.toml"
    plan.write_text('[default]\nword = "bright"\n[master]\nword = "warm"\n')
    before = two_tracks.host.bytes()
    with interrupting(two_tracks, name):
        arguments = ["project", "--plan", str(plan), "--render", "--port", str(two_tracks.port)]
        assert main(["live", *arguments]) == 130
    assert (two_tracks.host.bytes(), two_tracks.host.labels()) == (before, [])
    capsys.readouterr()
    plan.unlink()
    folder.rmdir()


def test_ctrl_c_too_late_is_no_half_way(two_tracks, live):
    with interrupting(two_tracks, "Undo_EndBlock2"):
        assert [row["name"] for row in live("bright", "--selected", "--render")["tracks"]] == ["Vox", "Gtr"]
    assert two_tracks.host.labels() == ["AEQ: bright 100% (2 tracks)"]


def test_ctrl_c_while_the_engine_computes(two_tracks, monkeypatch, capsys):
    before = two_tracks.host.bytes()

    def stop():
        raise KeyboardInterrupt

    with meanwhile(two_tracks, monkeypatch, stop):
        assert main(["live", "bright", "--selected", "--render", "--port", str(two_tracks.port)]) == 130
    assert (two_tracks.host.bytes(), two_tracks.host.labels()) == (before, [])


def test_a_plan_that_fails_at_the_master_leaves_the_tracks_alone(two_tracks, tmp_path, refused):
    folder = tmp_path / "plans"
    folder.mkdir()
    plan = folder / "plan.toml"
    plan.write_text('[default]\nword = "warm"\n[master]\nword = "warm"\n')

    renders = two_tracks.host.do(lambda session: len(session.reaper.renders))

    def second(real, reaper, command, flag, project):
        if len(reaper.renders) > renders:
            raise RuntimeError("no master today")
        return real(reaper, command, flag, project)

    with two_tracks.host.function("Main_OnCommandEx", second):
        assert "no master today" in refused("project", "--plan", plan, "--render")
    plan.unlink()
    folder.rmdir()


def test_the_user_works_on_while_the_engine_computes(studio, live, monkeypatch):
    """Playback, cursor and selection are as the user left them, and an FX that was added meanwhile is no trouble."""
    path = studio.noise("vox")
    studio.open([TrackSpec("Vox", [ItemSpec(path, selected=True)]), TrackSpec("Gtr", [ItemSpec(path)])])

    def play(session):
        with session.reaper.as_user() as project:
            project.root.set("CURSOR", [1.5])
            project.root.set("SELECTION", [0.25, 0.75])
            project.play_state, project.play_position = 1, 0.5

    def insert(session):
        from standin.fx_chain import insert, new_reaeq

        with session.reaper.as_user() as project:
            insert(project.tracks[0], 0, new_reaeq(project.tracks[0]))

    studio.host.do(play)
    with meanwhile(studio, monkeypatch, lambda: studio.host.do(insert)):
        live("warm", "--selected", "--render")
    state = studio.host.do(lambda session: (session.reaper.project.play_state, session.reaper.project.play_position))
    assert state == (1, 0.5)


def test_a_connection_that_breaks_off():
    class Errors:
        class DistError(Exception):
            pass

    class Reapy:
        errors = Errors

        class reascript_api:
            @staticmethod
            def CountTracks(project):
                raise ConnectionAbortedError

    with pytest.raises(LiveError, match="REAPER is gone"):
        Api(Reapy, None)("CountTracks", 0)
    with pytest.raises(LiveError, match="knows no CountTrack:"):
        Api(Reapy, None)("CountTrack", 0)


def test_the_third_ctrl_c_gives_up_on_a_reaper_that_hangs():
    class Client:
        closed = False

        def close(self):
            self.closed = True

        def request(self, *_):
            if self.closed:
                raise OSError
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
            pytest.fail("it would still wait")

    client = Client()

    class Hold:
        def __enter__(self):
            pass

        def __exit__(self, *_):
            client.request("RELEASE")

    class Reapy:
        errors = type("errors", (), {"DistError": ZeroDivisionError})
        reascript_api = type("reascript_api", (), {"CountTracks": staticmethod(client.request)})
        inside_reaper = Hold

    reaper = Api(Reapy, client)
    with pytest.raises(LiveError, match="REAPER is gone"), reaper.held():
        reaper("CountTracks", 0)
    assert client.closed and signal.getsignal(signal.SIGINT) is signal.default_int_handler
