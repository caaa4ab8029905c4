"""Sounds described by their items: heard as their files are; a refusal says whether a render may help."""

import numpy as np
import pytest
import soundfile
from backends import task, wait_until
from conftest import store

from reaper_aeq.server import adapting


def described(*items, **more) -> dict:
    return {"sample_rate": 44_100, "tracks": [{"items": list(items)}], **more}


def item(path, **more) -> dict:
    info = soundfile.info(path)
    return {"file": str(path), "position_s": 3.0, "length_s": info.frames / info.samplerate, **more}


def asked(sound, **more) -> dict:
    given = {**task("/nowhere.wav"), "sound": sound, **more}
    del given["path"]
    return given


def post(client, tasks, wait=30):
    return client.post(f"/v1/jobs?wait={wait}", json={"label": "test", "tasks": tasks}).json()


def test_a_whole_file_gets_what_the_file_gets(clients, engine, sounds):
    client = clients(engine)
    rate = soundfile.info(sounds[0]).samplerate
    whole = asked({"sample_rate": rate, "tracks": [{"items": [item(sounds[0])]}]})
    by_items, by_file = post(client, [whole, {**task(sounds[0]), "rendered_because": "the settings say so"}])["results"]
    assert by_items["answer"] == by_file["answer"]
    assert by_items["heard"] == "heard from its files"
    assert by_file["heard"] == "rendered, because the settings say so"


def test_analyze_hears_items_too(clients, engine, sounds):
    given = {"id": "1", "name": "a", "sound": described(item(sounds[0]))}
    (result,) = clients(engine).post("/v1/analyze?wait=30", json={"tasks": [given]}).json()["results"]
    assert result["ok"] and result["heard"] == "heard from its files" and result["answer"]["top"]


@pytest.mark.parametrize("name", ["gone.wav", "text.wav", "movie.mp4", "device"])
def test_a_file_that_cannot_be_read_is_this_task_s_only_and_a_render_may_help(clients, engine, sounds, tmp_path, name):
    (tmp_path / "text.wav").write_text("no sound " * 50)
    (tmp_path / "movie.mp4").write_bytes(sounds[0].read_bytes())
    path = "/dev/zero" if name == "device" else str(tmp_path / name)
    bad = asked(described(item(sounds[0]), {"file": path, "position_s": 0.0, "length_s": 1.0}))
    good, wrong = post(clients(engine), [asked(described(item(sounds[1]))), bad])["results"]
    assert good["ok"] and not wrong["ok"] and wrong["unreadable"] and path.split("/")[-1] in wrong["error"]


def test_a_muted_item_s_file_does_not_matter(clients, engine, sounds):
    muted = {"file": "/nowhere.wav", "position_s": 0.0, "length_s": 1.0, "mute": True}
    (result,) = post(clients(engine), [asked(described(item(sounds[0]), muted))])["results"]
    assert result["ok"]


@pytest.mark.parametrize(
    ("sound", "sentence"),
    [
        (lambda f: described(item(f, volume=0.0)), "it is silent"),
        (lambda f: described(item(f, offset_s=1000.0)), "it is silent"),
        (lambda f: described(item(f, length_s=0.001)), "lasts only 1 ms"),
        (lambda f: described(item(f, length_s=1e7, loop=True)), "more than 100 hours"),
        (lambda f: described(item(f, length_s=1e3, rate=999, preserve_pitch=True, loop=True)), "more than 1"),
        (
            lambda f: described(
                *(item(f, position_s=n, length_s=1.0, rate=999, preserve_pitch=True, loop=True) for n in range(50))
            ),
            "more than 12 hours",
        ),
        (lambda f: described(item(f, mute=True)), "it lasts only 0 ms"),
    ],
)
def test_what_holds_nothing_or_too_much_is_said(clients, engine, sounds, sound, sentence):
    (result,) = post(clients(engine), [asked(sound(sounds[0]))])["results"]
    assert not result["ok"] and sentence in result["error"] and not result["unreadable"]


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 0}, {"rate": float("inf")}, {"length_s": -1}, {"volume": float("nan")}, {"pan": 2}, {"file": ""},
        {"position_s": 1e300}, {"pitch_semitones": 1e9}, {"fade_in": {"length_s": -1}}, {"sections": [{}] * 9},
        {"sections": [{"start_s": "x"}]}, {"channel_mode": -1}, {"lop": True},
    ],
)  # fmt: skip
def test_every_number_is_checked(clients, engine, sounds, change):
    import json

    body = json.dumps({"label": "", "tasks": [asked(described({**item(sounds[0]), **change}))]})
    answer = clients(engine).post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and "error" in answer.json()


@pytest.mark.parametrize("more", [{"track": 1}, {"tracks": []}, {"tracks": [{"parent": 0}]}, {"sample_rate": 1}])
def test_what_refers_to_nothing_is_refused(clients, engine, sounds, more):
    answer = clients(engine).post("/v1/jobs", json={"tasks": [asked({**described(item(sounds[0])), **more})]})
    assert answer.status_code == 422


def test_a_path_or_a_sound_not_both_nor_none(clients, engine, sounds):
    for wrong in ({**task(sounds[0]), "sound": described(item(sounds[0]))}, {"id": "1", "request": "warm"}):
        answer = clients(engine).post("/v1/jobs", json={"tasks": [wrong]})
        assert answer.status_code == 422 and "give either the 'path' of a file or a 'sound'" in answer.json()["error"]


def test_a_cancelled_sound_is_left_between_blocks(clients, engine, tmp_path):
    loop = store(tmp_path / "loop.wav", seconds=1.0)
    client = clients(engine)
    job = post(client, [asked(described(item(loop, length_s=40_000.0, loop=True)))], wait=0)
    wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["state"] == "running")
    client.delete(f"/v1/jobs/{job['id']}")
    done = post(client, [task(loop)])
    assert done["state"] == "done" and done["results"][0]["ok"]


def test_stretched_items_are_answered(clients, engine, sounds):
    stretched = asked(described(item(sounds[0], rate=1.3, preserve_pitch=True, pitch_semitones=-5.0)))
    (result,) = post(clients(engine), [stretched])["results"]
    assert result["ok"] and np.isfinite(result["answer"]["output_gain_db"])


def test_only_files_of_audio_are_looked_at(clients, engine, sounds, monkeypatch):
    seen = []
    monkeypatch.setattr(adapting, "check_path", lambda path: seen.append(path))
    (result,) = post(clients(engine), [asked(described(item(sounds[0])))])["results"]
    assert result["ok"] and seen == [str(sounds[0])]


def test_a_described_reference_is_matched_as_its_file_is(clients, engine, sounds):
    client = clients(engine)
    rate = soundfile.info(sounds[1]).samplerate
    wanted = {"name": "Take 3", "sound": {"sample_rate": rate, "tracks": [{"items": [item(sounds[1])]}]}}
    by_file, by_items = post(
        client,
        [
            {**task(sounds[0]), "request": None, "references": [str(sounds[1])]},
            {**task(sounds[0]), "request": None, "references": [wanted]},
        ],
    )["results"]
    assert by_items["answer"]["bands"] == by_file["answer"]["bands"]
    assert by_items["answer"]["references"] == ["Take 3"]


def test_a_reference_that_cannot_be_read_is_no_reason_to_render_the_sound(clients, engine, sounds):
    gone = {"name": "Gone", "sound": described({"file": "/nowhere.wav", "position_s": 0.0, "length_s": 1.0})}
    given = {**asked(described(item(sounds[0]))), "request": None, "references": [gone]}
    (result,) = post(clients(engine), [given])["results"]
    assert not result["ok"] and not result["unreadable"] and result["error"].startswith("the reference: /nowhere.wav")


def test_sections_are_in_the_time_of_the_items(clients, engine, tmp_path):
    """Between two items is a pause, which is not heard; regions cut at the project's times."""
    first, second = store(tmp_path / "a.wav", 8.0, 1, dull=0.7), store(tmp_path / "b.wav", 8.0, 2, dull=2.2)
    sound = described(item(first), {**item(second), "position_s": 40.0})
    by_balance, by_edges, still = post(
        clients(engine),
        [asked(sound, sections=True), asked(sound, sections=True, edges_s=[-5.0, 7.0, 40.0]), asked(sound)],
    )["results"]
    found = by_balance["answer"]["sections"]
    assert [one["start_s"] for one in found] == pytest.approx([3.0, 40.0], abs=1.01)
    assert found[-1]["stop_s"] == pytest.approx(48.0, abs=0.01)
    assert all(len(one["gains_db"]) == len(by_balance["answer"]["bands"]) for one in found)
    assert by_edges["answer"]["sections"][-1]["start_s"] == pytest.approx(40.0, abs=0.6)
    assert "sections" not in still["answer"]
