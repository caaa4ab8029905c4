"""Long files, and files that nobody waits for any more, hold up no others."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from backends import task, wait_until

from reaper_aeq.dsp import analyze_file as listen
from reaper_aeq.server import lanes


def post(client, tasks, wait=0.0):
    return client.post(f"/v1/jobs?wait={wait}", json={"label": "test", "tasks": tasks}).json()


def job(client, job_id):
    return client.get(f"/v1/jobs/{job_id}").json()


@pytest.fixture
def endless(monkeypatch, tmp_path):
    """Paths of sounds without an end, and how many of them are being read at this moment."""
    real, lock = listen.analyze_file, threading.Lock()
    reading: list[str] = []

    def listen_to(path, between_blocks=None, **more):
        if "endless" not in path:
            return real(path, between_blocks, **more)
        with lock:
            reading.append(path)
        try:
            for _ in range(3000):
                between_blocks()
                time.sleep(0.01)
            raise AssertionError("nobody stopped it")
        finally:
            with lock:
                reading.remove(path)

    monkeypatch.setattr(listen, "analyze_file", listen_to)
    monkeypatch.setattr(lanes, "SHORT_BLOCKS", 30)
    return [str(tmp_path / f"endless{n}.wav") for n in range(8)], reading


def test_long_files_hold_up_no_short_ones(clients, engine, sounds, endless):
    paths, reading = endless
    client = clients(engine)
    long = [post(client, [task(path)])["id"] for path in paths]  # more than there are lanes
    for path in sounds[:3]:
        answered = post(client, [task(path)], wait=20)
        assert answered["state"] == "done" and answered["results"][0]["ok"]
    # one after the other, each once more from its start
    wait_until(lambda: len(reading) == 1, what="all but one of them leaving the short lanes")
    assert {job(client, job_id)["state"] for job_id in long} == {"running"}
    for job_id in long:
        client.delete(f"/v1/jobs/{job_id}")
    wait_until(lambda: not reading, seconds=5, what="leaving what nobody waits for")


def test_few_blocks_that_take_long_are_long_too(monkeypatch):
    """Ten minutes of eight channels at 192 kHz are sixty blocks: three such files kept a press waiting for 30 s."""
    monkeypatch.setattr(lanes, "SHORT_CPU_S", 0.2)
    where, ended = [], threading.Event()

    def read(ticket, between_blocks):
        where.append(threading.current_thread().name)
        for _ in range(12):
            until = time.thread_time() + 0.05
            while time.thread_time() < until:
                pass
            between_blocks()
        ended.set()

    reading = lanes.Lanes(read, lambda ticket, error: None)
    reading.add(SimpleNamespace(dropped=False))
    assert ended.wait(60)
    reading.close()
    assert [name.startswith("read-long") for name in where] == [False, True]


def test_a_long_reference_holds_up_no_other_match(clients, engine, sounds, endless):
    paths, reading = endless
    client = clients(engine)
    slow = post(client, [task(path, None, references=[paths[0]]) for path in sounds[:3]])["id"]
    wait_until(lambda: reading)
    quick = post(client, [task(path, None, references=[str(sounds[4])]) for path in sounds[:3]], wait=30)
    assert [result["ok"] for result in quick["results"]] == [True] * 3
    assert post(client, [task(sounds[0])], wait=30)["results"][0]["ok"]
    client.delete(f"/v1/jobs/{slow}")
    wait_until(lambda: not reading, seconds=5, what="leaving it")
    again = post(client, [task(sounds[0], None, references=[str(sounds[5])])], wait=30)
    assert again["results"][0]["ok"]


def test_a_cancelled_job_stops_between_blocks_of_a_real_file(clients, engine, sounds, tmp_path, monkeypatch):
    """A few MB that hold ten hours."""
    path, hour = tmp_path / "ten hours.flac", np.zeros(8000 * 3600, "int16")
    hour[:8000:80] = 1000
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16", format="FLAC") as file:
        for _ in range(10):
            file.write(hour)
    assert path.stat().st_size < 5_000_000
    begun: list[str] = []
    ended: list[int] = []
    real = listen.analyze_file

    def listen_to(path, between_blocks=None, **more):
        blocks = 0
        begun.append(path)

        def counted():
            nonlocal blocks
            blocks += 1
            between_blocks()

        try:
            return real(path, counted, **more)
        finally:
            ended.append(blocks)

    monkeypatch.setattr(listen, "analyze_file", listen_to)
    client = clients(engine)
    job_id = post(client, [task(path), task(path)])["id"]
    # both are found to be long in a short lane; then the first is read from its start in the long one
    wait_until(lambda: len(begun) == 3, what="its reading in the long lane")
    client.delete(f"/v1/jobs/{job_id}")
    wait_until(lambda: len(ended) == len(begun), what="its end")
    assert max(ended) < 3600 and not job(client, job_id)["results"]
    assert post(client, [task(sounds[0])], wait=30)["results"][0]["ok"]


def test_what_is_too_long_for_anybody_is_one_sentence(clients, engine, tmp_path):
    path = tmp_path / "days.flac"
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16", format="FLAC") as file:
        for _ in range(13):
            file.write(np.zeros(8000 * 3600, "int16"))
    answer = post(clients(engine), [task(path)], wait=20)["results"][0]
    assert not answer["ok"] and "12 hours" in answer["error"]


def test_a_reference_is_read_once_for_many_tasks(clients, engine, sounds, monkeypatch):
    real, read = listen.analyze_file, []

    def listen_to(path, between_blocks=None, **more):
        read.append(path)
        return real(path, between_blocks, **more)

    monkeypatch.setattr(listen, "analyze_file", listen_to)
    tasks = [task(path, None, references=[str(sounds[7])]) for path in sounds[:6]]
    assert all(result["ok"] for result in post(clients(engine), tasks, wait=30)["results"])
    assert read.count(str(sounds[7])) == 1


def test_whoever_waits_for_a_reference_that_another_left_reads_it(sounds, monkeypatch):
    references, held, real = lanes.References(), threading.Event(), listen.analyze_file

    def listen_to(path, between_blocks=None, **more):
        held.wait(10)
        return real(path, between_blocks, **more)

    monkeypatch.setattr(listen, "analyze_file", listen_to)
    found: list[object] = []

    def leave():
        raise lanes.LeftError

    def first():
        with pytest.raises(lanes.LeftError):
            references.get(str(sounds[0]), leave)

    threads = [threading.Thread(target=first)]
    threads += [threading.Thread(target=lambda: found.append(references.get(str(sounds[0]), lambda: None)))]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    held.set()
    for thread in threads:
        thread.join(20)
    assert len(found) == 1 and found[0].duration_s == 1.5
