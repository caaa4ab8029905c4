"""What happens to tasks when something breaks, on stand-in engines around the real worker."""

import logging
import threading
import time
from concurrent.futures import Future

import pytest
from backends import task, wait_until
from conftest import store

from reaper_aeq.errors import AeqError, ModelError
from reaper_aeq.server import worker as worker_module
from reaper_aeq.server.lanes import SHORT_LANES
from reaper_aeq.server.worker import AHEAD, BROKEN, GROUP, LEAST_GROUP, Worker


class Wrapped:
    """The real engine, with something done before each batch."""

    def __init__(self, engine, before):
        self._engine, self._before = engine, before
        self.batches: list[int] = []

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def adapt_many(self, asked):
        self.batches.append(len(asked))
        self._before(asked)
        return self._engine.adapt_many(asked)


def post(client, tasks, wait=30, label="test"):
    return client.post(f"/v1/jobs?wait={wait}", json={"label": label, "tasks": tasks}).json()


def test_many_requests_are_one_batch(clients, engine, sounds):
    held = threading.Event()
    wrapped = Wrapped(engine, lambda asked: held.wait(30))
    client = clients(wrapped)
    first = post(client, [task(sounds[0])], wait=0)
    wait_until(lambda: wrapped.batches, what="the first batch")
    # what comes while the models are busy waits, and is then answered together, whoever asked
    ids = [post(client, [task(path)], wait=0)["id"] for path in sounds]
    held.set()
    for job_id in [first["id"], *ids]:
        assert client.get(f"/v1/jobs/{job_id}?wait=30").json()["state"] in ("running", "done")
        wait_until(lambda job_id=job_id: client.get(f"/v1/jobs/{job_id}").json()["state"] == "done")
    assert sum(wrapped.batches) == len(sounds) + 1 and len(wrapped.batches) <= 3
    assert max(wrapped.batches) <= GROUP


def test_of_a_large_press_one_lane_fewer_reads_and_of_a_small_one_all(clients, engine, sounds, monkeypatch):
    """More threads than processors only take memory (20 MB a lane) and turns from each other."""
    held, lock, reading, seen = threading.Event(), threading.Lock(), 0, []
    listen = Worker._listen

    def counted(self, ticket, between_blocks):
        nonlocal reading
        with lock:
            reading += 1
            seen.append((ticket.job.label, reading))
        try:
            time.sleep(0.1)
            return listen(self, ticket, between_blocks)
        finally:
            with lock:
                reading -= 1

    monkeypatch.setattr(Worker, "_listen", counted)
    monkeypatch.setattr(worker_module, "SLOW_S", 1000.0)
    client = clients(Wrapped(engine, lambda asked: held.wait(30)))
    post(client, [task(path) for path in sounds[:SHORT_LANES]], wait=0, label="small")
    wait_until(lambda: len(seen) == SHORT_LANES, what="the small one being read")
    tasks = [task(path) for path in sounds * 8][:AHEAD]
    post(client, tasks, wait=0, label="large")
    wait_until(lambda: len(seen) == AHEAD, what="what there is room for being read")
    held.set()
    assert max(lanes for label, lanes in seen if label == "small") == SHORT_LANES
    # whoever began while few were there may still be at it
    assert max(lanes for label, lanes in seen[-8:]) == SHORT_LANES - 1


def test_a_sound_that_is_read_for_long_holds_up_no_large_press(clients, engine, sounds, monkeypatch):
    held, slow, listen = threading.Event(), threading.Event(), Worker._listen

    def listen_to(self, ticket, between_blocks):
        if ticket.job.label == "slow":
            slow.set()
            held.wait(30)
        return listen(self, ticket, between_blocks)

    monkeypatch.setattr(Worker, "_listen", listen_to)
    client = clients(engine)
    post(client, [task(sounds[0])] * (SHORT_LANES - 1), wait=0, label="slow")
    assert slow.wait(30)
    try:
        quick = post(client, [task(path) for path in sounds * 8][: 2 * LEAST_GROUP], wait=30, label="large")
        assert [result["ok"] for result in quick["results"]] == [True] * 2 * LEAST_GROUP
    finally:
        held.set()


def test_a_defect_in_one_sound_leaves_the_others_and_is_logged_with_its_trace(clients, engine, sounds, caplog):
    bad = store(sounds[0].with_name("bad.wav"), seconds=0.7, seed=99)

    def fail_on_bad(asked):
        if any(one.analysis.duration_s < 1 for one in asked):
            raise ZeroDivisionError("a defect")

    with caplog.at_level(logging.INFO, "reaper_aeq"):
        job = post(clients(Wrapped(engine, fail_on_bad)), [task(sounds[0]), task(bad), task(sounds[1])])
    assert [result["ok"] for result in job["results"]] == [True, False, True]
    assert job["results"][1]["error"] == BROKEN and job["state"] == "done"
    assert "ZeroDivisionError: a defect" in caplog.text and "Traceback" in caplog.text


def test_a_defect_while_a_file_is_read_is_this_file_s_only(clients, engine, sounds, monkeypatch, caplog):
    from reaper_aeq.dsp import analyze_file as listen

    real = listen.analyze_file

    def listen_to(path, between_blocks=None, **more):
        if path == str(sounds[1]):
            raise RuntimeError("cracked")
        return real(path, between_blocks, **more)

    monkeypatch.setattr(listen, "analyze_file", listen_to)
    job = post(clients(engine), [task(path) for path in sounds[:3]])
    assert [result["ok"] for result in job["results"]] == [True, False, True]
    assert "RuntimeError: cracked" in caplog.text


def test_a_defect_of_the_worker_itself_fails_its_group_and_not_the_next(clients, engine, sounds, monkeypatch):
    real, calls = worker_module.adapt_all, []

    def adapt_all(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the station broke down")
        return real(*arguments)

    monkeypatch.setattr(worker_module, "adapt_all", adapt_all)
    client = clients(engine)
    assert post(client, [task(sounds[0])])["results"][0]["error"] == BROKEN
    assert post(client, [task(sounds[0])])["results"][0]["ok"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"request": "wram"}, "did you mean 'warm'"),
        ({"request": "warm 9"}, "must lie between -2 and 2"),
        ({"request": "warm 0.5, airy"}, "has no weight"),
        ({"request": " "}, "no word given"),
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"path": "/nowhere/song.wav"}, "does not exist"),
        ({"request": None, "references": ["/nowhere/ref.wav"]}, "/nowhere/ref.wav does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_others_go_on(clients, engine, sounds, changes, sentence):
    tasks = [{**task(sounds[0]), **changes}, task(sounds[1])]
    job = post(clients(Wrapped(engine, lambda asked: None)), tasks)
    bad, good = job["results"]
    assert not bad["ok"] and sentence in bad["error"] and "\n" not in bad["error"]
    assert good["ok"] and good["n"] == 1


def test_files_that_are_no_audio_are_refused_alike_and_nothing_of_them_is_told(clients, engine, tmp_path):
    secret = b"root:x:0:0:secret words\n"
    (tmp_path / "text.wav").write_bytes(secret * 50)
    (tmp_path / "binary.flac").write_bytes(bytes(range(256)) * 50)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "link.wav").symlink_to("/etc/passwd")
    names = ["text.wav", "binary.flac", "link.wav", "folder.wav"]
    job = post(clients(engine), [task(tmp_path / name) for name in names])
    told = [result["error"].replace(str(tmp_path), "") for result in job["results"]]
    assert not any("secret" in sentence or "root" in sentence for sentence in told)
    assert len({sentence.split(" ", 1)[1] for sentence in told[:3]}) == 1
    assert "is not audio that can be read here" in told[0] and "is a folder" in told[3]


def test_canceling_between_tasks_keeps_what_is_done(clients, engine, sounds):
    held = threading.Event()
    wrapped = Wrapped(engine, lambda asked: len(wrapped.batches) > 1 and held.wait(30))
    client = clients(wrapped)
    tasks = [task(path) for path in sounds * 8]
    job_id = post(client, tasks, wait=0)["id"]
    wait_until(lambda: len(wrapped.batches) > 1 and len(client.get(f"/v1/jobs/{job_id}").json()["results"]) >= 1)
    job = client.delete(f"/v1/jobs/{job_id}").json()
    assert job["state"] == "cancelled" and 1 <= len(job["results"]) <= GROUP and job["progress"] < 1
    held.set()
    # the worker is free again, and nothing was added to what was cancelled
    assert post(client, [task(sounds[0])])["results"][0]["ok"]
    assert client.get(f"/v1/jobs/{job_id}").json() == job
    assert sum(wrapped.batches) < len(tasks)


def test_while_the_model_loads_the_backend_answers_and_tasks_wait(clients, engine, sounds):
    loading: Future = Future()
    client = clients(loading)
    health = client.get("/v1/health").json()
    assert (health["ready"], health["device"]) == (False, "")
    job = post(client, [task(sounds[0])], wait=0.2)
    assert job["state"] in ("queued", "running")
    loading.set_result(engine)
    assert client.get("/v1/health").json()["ready"]
    wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["state"] == "done")


@pytest.mark.parametrize(
    ("error", "sentence"), [(ModelError("the models are damaged: install again"), "damaged"), (OSError("x"), BROKEN)]
)
def test_a_model_that_cannot_be_loaded_is_every_task_s_answer(clients, sounds, error, sentence):
    failed: Future = Future()
    failed.set_exception(error)
    client = clients(failed)
    job = post(client, [task(sounds[0]), task(sounds[1])])
    assert [sentence in result["error"] for result in job["results"]] == [True, True]
    answer = client.get("/v1/words")
    assert answer.status_code == (400 if isinstance(error, AeqError) else 500)
