"""What `live` does not work on: one sentence that says what to do, nothing rendered, nothing changed."""

from __future__ import annotations

import pytest
from standin.example import ItemSpec, TrackSpec


def injected(name):
    """The deed of the stand-in's user that has this name, to the first track or its first item."""

    def deed(session):
        from standin import injection

        with session.reaper.as_user() as project:
            track = project.tracks[0]
            getattr(injection, name)(track if name.endswith("track") else track.items[0])

    return deed


def record(session):
    with session.reaper.as_user() as project:
        project.play_state = 5


def stop(session):
    with session.reaper.as_user() as project:
        project.play_state = 0


def spec(path, **more):
    return TrackSpec("Vox", [ItemSpec(path, selected=True)], **more)


@pytest.mark.parametrize(
    ("tracks", "arguments", "sentence"),
    [
        (lambda path: [TrackSpec("Vox", [ItemSpec(path)])], ["warm"], "nothing is selected in REAPER: select items"),
        (lambda path: [spec(path)], ["warm", "--track", "Gtr"], "no track is called 'Gtr': the project has 'Vox'"),
        (lambda path: [TrackSpec("Vox")], ["warm", "--all"], "no track of the project has audio that can be heard"),
        (lambda path: [spec(path)], ["wram"], "unknown word 'wram': did you mean 'warm'"),
        (lambda path: [spec(path)], ["warm 1.5, airy 2", "--intensity", 1.5], "the amount of 'warm' must lie between"),
        (lambda path: [TrackSpec("Vox", [ItemSpec(selected=True)])], ["warm"], "'Vox': an item on it is empty"),
        (
            lambda path: [TrackSpec("Vox", [ItemSpec(path.with_name("gone.wav"), selected=True)])],
            ["warm"],
            "'Vox': the file of an item on it is missing: ",
        ),
        (lambda path: [TrackSpec("Vox", [ItemSpec(path)], muted=True)], ["warm", "--track", "vox"], "'Vox' cannot be"),
        (lambda path: [TrackSpec("Vox")], ["warm", "--track", "vox"], "'Vox' has no items and nothing is sent to it"),
        (
            lambda path: [TrackSpec("Vox", [ItemSpec(notes=[(60, 0.0, 0.5)], selected=True)])],
            ["warm"],
            "'Vox' has MIDI but no instrument that could be heard",
        ),
        (
            lambda path: [TrackSpec("Vox", [ItemSpec(path, selected=True, volume=0.0)])],
            ["warm"],
            "nothing can be heard on 'Vox': leave it out",
        ),
        (lambda path: [spec(path)], ["match", "nowhere.wav"], "nowhere.wav does not exist"),
        (lambda path: [spec(path)], ["match", "nowhere.wav", "--intensity", -1], "intensity must lie between 0 and 2"),
        (lambda path: [spec(path)], ["remove"], "no EQ of ours is on these tracks"),
        (lambda path: [spec(path)], ["project", "--plan", "nowhere.toml"], "nowhere.toml does not exist"),
    ],
)
def test_what_is_not_fit_is_said_in_a_sentence(studio, refused, tracks, arguments, sentence):
    def renders():
        return studio.host.do(lambda session: len(session.reaper.renders))

    studio.open(tracks(studio.noise("vox")))
    before = renders()
    assert refused(*arguments).startswith(sentence)
    assert renders() == before


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ("lock_track", "'Vox': it is locked"),
        ("freeze_track", "'Vox': it is frozen"),
        ("offline", "'Vox': the media of an item on it is offline"),
    ],
)
def test_what_the_user_has_closed(studio, refused, deed, sentence):
    studio.open([spec(studio.noise("vox"))])
    studio.host.do(injected(deed))
    assert refused("warm", "--selected").startswith(sentence)


def test_a_reaper_that_records_or_is_too_old(studio, refused):
    studio.open([spec(studio.noise("vox"))])
    studio.host.do(record)
    assert refused("warm") == "REAPER is recording: stop it, then try again\n"
    studio.host.do(stop)
    with studio.host.function("GetAppVersion", lambda real, reaper: "6.12c/linux-x86_64"):
        assert refused("warm").startswith("this REAPER (6.12c/linux-x86_64) is too old: update it to 6.37 or newer")
