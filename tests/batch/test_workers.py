"""The processes of this machine: who dies, who is blamed, what is left, and what they listen at: nothing."""

import contextlib
import time

import psutil
import pytest

from reaper_aeq.batch.inputs import PROJECT, Task
from reaper_aeq.batch.task import Recipe
from reaper_aeq.batch.workers import LocalWorkers

TASKS = [Task(f"/nowhere/{n}.rpp", PROJECT, f"{n}-id") for n in range(3)]


def asked(tmp_path, task):
    """What a worker is given: it answers that it cannot, for there are no models."""
    return [task], Recipe.of(None, None, False, tmp_path), str(tmp_path), 0, "run", False


def answers(workers, count, limit_s=120):
    found, deadline = [], time.monotonic() + limit_s
    while len(found) < count:
        assert time.monotonic() < deadline
        found += workers.ended()
    return found


def processes(count):
    """The workers, once there are as many; resource trackers of Python are none."""
    deadline = time.monotonic() + 60
    while True:
        children = psutil.Process().children()
        found = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        if len(found) == count:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def listening() -> list[tuple[str, int]]:
    """Address and port of all sockets that this process and its children listen at."""
    found = []
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [tuple(c.laddr) for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    return found


@pytest.mark.slow
def test_nobody_else_can_reach_the_workers_and_none_is_left(tmp_path):
    before = listening()
    with contextlib.closing(LocalWorkers(2)) as workers:
        for task in TASKS[:2]:
            workers.submit(*asked(tmp_path, task))
        for (task,), answer in answers(workers, 2):
            assert task in TASKS and "unfit" in answer[""]
        ours = processes(2)
        assert workers.capacity() == 2 and listening() == before
    assert not any(process.is_running() for process in ours)


@pytest.mark.slow
def test_only_the_task_of_a_worker_that_dies_is_blamed(tmp_path):
    with contextlib.closing(LocalWorkers(2)) as workers:
        for task in TASKS[:2]:
            workers.submit(*asked(tmp_path, task))
        one, other = processes(2)
        other.suspend()
        one.kill()
        (((blamed,), answer),) = answers(workers, 1)
        assert answer[blamed.id]["error"] == "its worker process died, perhaps for lack of memory"
        assert (answer[blamed.id]["final"], answer[blamed.id]["tries"]) == (False, 1)
        other.resume()
        workers.submit(*asked(tmp_path, TASKS[2]))  # a new process
        ended = {task.id: answer for (task,), answer in answers(workers, 2)}
        assert ended.keys() == {"0-id", "1-id", "2-id"} - {blamed.id} and all(
            "unfit" in one[""] for one in ended.values()
        )


@pytest.mark.slow
def test_workers_end_whatever_they_are_at(tmp_path):
    workers = LocalWorkers(1)
    workers.submit(*asked(tmp_path, TASKS[0]))
    (ours,) = processes(1)
    started = time.monotonic()
    workers.close()
    assert time.monotonic() - started < 10 and not ours.is_running()
