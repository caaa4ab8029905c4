"""How a task stands, and whether files are those of last time."""

import os
import time

import pytest

from reaper_aeq.batch import task
from reaper_aeq.batch.inputs import PROJECT, Task
from reaper_aeq.batch.task import NAME, Recipe, TaskState, content_key, failed, stamp
from reaper_aeq.request import EqRequest


def stamps(paths):
    return {path: stamp(path) for path in paths}


def same(stamps):
    """Whether a task that was made from these files holds."""
    return TaskState("id", "/p", PROJECT, 1, asked="x", files=stamps, result="r").holds("x", task.Path("/"))


def old(path, data=b"sound", age_s=60):
    path.write_bytes(data)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return str(path)


def test_a_file_is_known_by_size_and_time_only_once_it_has_settled(tmp_path):
    settled, fresh = old(tmp_path / "a.wav"), old(tmp_path / "b.wav", age_s=0)
    assert same(stamps([settled])) and not same(stamps([fresh]))
    assert stamp(settled)[2] == stamp(fresh)[2]
    before = stamps([settled])
    old(tmp_path / "a.wav", b"noise", age_s=30)
    assert not same(before) and content_key("x", before) != content_key("x", stamps([settled]))


def test_the_key_is_of_contents_not_of_times(tmp_path):
    path = old(tmp_path / "a.wav")
    before = stamps([path])
    old(tmp_path / "a.wav", age_s=10)
    assert not same(before) and content_key("x", before) == content_key("x", stamps([path]))
    assert content_key("x", before) != content_key("y", before)
    assert content_key("x", before) != content_key("x", {**before, "more": None})


def test_a_file_that_is_not_there_counts_until_it_comes(tmp_path):
    before = stamps([str(tmp_path / "lost.wav"), str(tmp_path)])
    assert set(before.values()) == {None}
    assert same({str(tmp_path / "lost.wav"): None})
    path = old(tmp_path / "lost.wav")
    assert not same({path: None})


def test_media_shared_by_projects_are_read_once(tmp_path, monkeypatch):
    path = old(tmp_path / "a.wav")
    read = []
    plain = task.hashlib.file_digest
    monkeypatch.setattr(task.hashlib, "file_digest", lambda *a: read.append(a) or plain(*a))
    assert stamp(path) == stamp(path) and len(read) == 1
    fresh = old(tmp_path / "b.wav", age_s=0)
    assert stamp(fresh) == stamp(fresh) and len(read) == 3


@pytest.fixture
def done(tmp_path) -> TaskState:
    """Of a task with one result, which lies in its folder."""
    (tmp_path / "id").mkdir()
    (tmp_path / "id" / "song.aeq.rpp").write_bytes(b"four")
    state = TaskState("id", "/songs/0.rpp", PROJECT, 2, asked="a", key="k", outputs={"song.aeq.rpp": 4}, result="r")
    state.write(tmp_path / "id")
    return state


def test_what_its_folder_says_of_a_task(tmp_path, done):
    assert TaskState.read(tmp_path / "id") == done and done.done and done.holds("a", tmp_path / "id")
    assert not done.holds("another request", tmp_path / "id")
    (tmp_path / "id" / "song.aeq.rpp").write_bytes(b"fou")
    assert not done.holds("a", tmp_path / "id")
    failed(Task("/songs/0.rpp", PROJECT, "id"), tmp_path, 3, "why", "trace")
    state = TaskState.read(tmp_path / "id")
    assert (state.done, state.attempts, state.error, state.trace) == (False, 3, "why", "trace")
    assert not state.holds("", tmp_path / "id")


@pytest.mark.parametrize("said", [b"", b"nothing of the kind", b"[]", b'{"id": 1}', b'{"journal": {}}', b"\xff"])
def test_a_damaged_state_is_none(tmp_path, done, said):
    (tmp_path / "id" / NAME).write_bytes(said)
    assert TaskState.read(tmp_path / "id") is None


def test_a_failure_that_finds_no_room_is_not_one_more(tmp_path):
    (tmp_path / "id").write_text("a file where the folder should be")
    failed(Task("/songs/0.rpp", PROJECT, "id"), tmp_path, 1, "why", None)
    assert TaskState.read(tmp_path / "id") is None


def test_recordings_depend_on_their_request_and_projects_on_their_plan(tmp_path):
    def asked(kind, word="warm", plan=None, render=False):
        return Recipe.of(plan, EqRequest(word), render, tmp_path).asked_of(kind)

    plan = tmp_path / "plan.toml"
    plan.write_text("[default]\nword = 'deep'\n")
    assert asked("sound") == asked("sound", plan=plan)
    assert (
        len({asked("sound"), asked("sound", "deep"), asked("sound", {"deep": 1.0}), asked("sound", render=True)}) == 4
    )
    assert asked("project") == asked("project", "deep", render=True) != asked("project", plan=plan)
