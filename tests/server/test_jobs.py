"""The queue by itself: order, canceling, forgetting, too much."""

import gc
import threading
import time
import weakref

import pytest

from reaper_aeq.server import wire
from reaper_aeq.server.jobs import KEPT_AT_LEAST, KEPT_JOBS, KEPT_TASKS, MAX_WAITING, BusyError, Jobs, NoSuchJobError


def asked(count: int = 1) -> list[wire.AdaptTask]:
    return [wire.AdaptTask(id=str(n), name=f"track {n}", path=f"/a/{n}.wav", request="warm") for n in range(count)]


def failed(ticket) -> wire.TaskFailed:
    return wire.TaskFailed(n=ticket.n, id=ticket.given.id, name=ticket.given.name, ok=False, error="no")


def finish(jobs: Jobs) -> None:
    ticket = jobs.take()
    jobs.finish(ticket, failed(ticket))


def test_tasks_are_taken_in_order_over_jobs_and_reported_in_order_of_the_request():
    jobs = Jobs()
    first, second = jobs.submit("first", asked(3)), jobs.submit("second", asked(2))
    taken = [jobs.take() for _ in range(4)]
    assert [(t.job.label, t.n) for t in taken] == [("first", 0), ("first", 1), ("first", 2), ("second", 0)]
    assert (jobs.state(first), jobs.state(second)) == ("running", "running")
    for ticket in reversed(taken[:3]):
        jobs.finish(ticket, failed(ticket))
    job = jobs.get(first)
    assert job.state == "done" and job.progress == 1 and [result.n for result in job.results] == [0, 1, 2]
    assert [job.label for job in jobs.recent(5)] == ["second", "first"]


def test_canceling_drops_what_is_unfinished_and_keeps_what_is_done():
    jobs = Jobs()
    job_id, other = jobs.submit("a", asked(3)), jobs.submit("b", asked(1))
    done, under_way = jobs.take(), jobs.take()
    jobs.finish(done, failed(done))
    job = jobs.cancel(job_id)
    assert (job.state, len(job.results), job.total) == ("cancelled", 1, 3)
    jobs.finish(under_way, failed(under_way))  # comes too late
    assert under_way.dropped and len(jobs.get(job_id).results) == 1
    assert jobs.take().job.id == other
    assert jobs.cancel(job_id).state == "cancelled"


def test_what_is_done_cannot_be_cancelled():
    jobs = Jobs()
    job_id = jobs.submit("a", asked())
    finish(jobs)
    assert jobs.cancel(job_id).state == "done"


def test_old_jobs_are_forgotten_but_none_that_waits():
    jobs = Jobs()
    waiting = jobs.submit("waits", asked())
    jobs.take()
    ids = []
    for n in range(KEPT_JOBS + 5):
        ids.append(jobs.submit(str(n), asked()))
        finish(jobs)
    jobs.submit("last", asked())
    assert jobs.get(waiting).state == "running"
    with pytest.raises(NoSuchJobError, match="forgotten"):
        jobs.get(ids[0])
    assert jobs.get(ids[-1]).state == "done" and len(jobs.recent(100)) == KEPT_JOBS + 2


def test_what_is_forgotten_holds_no_memory():
    """Answers of a hundred jobs, 15 KB each, waited for Python's search for circles."""
    jobs, known = Jobs(), []
    gc.disable()
    try:
        for _ in range(KEPT_JOBS + 3):
            jobs.submit("a", asked(1))
            ticket = jobs.take()
            known.append(weakref.ref(ticket))
            jobs.finish(ticket, failed(ticket))
            del ticket
        alive = [number for number, ticket in enumerate(known) if ticket() is not None]
    finally:
        gc.enable()
    assert len(alive) <= KEPT_JOBS + 1 and alive[-1] == len(known) - 1 and 0 not in alive


@pytest.mark.parametrize("count", [32, KEPT_TASKS])
def test_of_large_jobs_fewer_are_kept(count):
    """Each answer takes some 15 KB, so that fifty presses of a thousand tracks would be half a gigabyte."""
    jobs, ids = Jobs(), []
    for _ in range(3 * KEPT_TASKS // count + KEPT_AT_LEAST):
        ids.append(jobs.submit("large", asked(count)))
        for _ in range(count):
            finish(jobs)
    kept = jobs.recent(1000)
    assert [job.id for job in kept] == ids[: -len(kept) - 1 : -1] and len(kept) >= KEPT_AT_LEAST
    assert sum(job.total for job in kept[KEPT_AT_LEAST:]) <= KEPT_TASKS
    assert len(kept) == max(KEPT_AT_LEAST, KEPT_TASKS // count) + 1  # the last one was over after the last look


def test_too_much_is_refused_and_refusing_changes_nothing():
    jobs = Jobs()
    for _ in range(MAX_WAITING // wire.MAX_TASKS):
        jobs.submit("much", asked(wire.MAX_TASKS))
    with pytest.raises(BusyError, match="too much"):
        jobs.submit("more", asked())
    assert [job.label for job in jobs.recent(50)] == ["much"] * (MAX_WAITING // wire.MAX_TASKS)


def test_a_worker_that_waits_is_woken_by_work_and_by_closing():
    jobs, taken = Jobs(), []
    thread = threading.Thread(target=lambda: taken.extend(jobs.take() for _ in range(3)))
    thread.start()
    time.sleep(0.05)
    jobs.submit("a", asked(2))
    while len(taken) < 2:
        time.sleep(0.01)
    jobs.close()
    thread.join(5)
    assert [ticket and ticket.n for ticket in taken] == [0, 1, None]
    assert jobs.recent(1)[0].state == "cancelled"
    with pytest.raises(BusyError):
        jobs.submit("late", asked())


def test_listeners_hear_of_changes_and_of_nothing_else():
    jobs, heard = Jobs(), []
    with jobs.listening(lambda: heard.append(jobs.revision)):
        job_id = jobs.submit("a", asked())
        jobs.get(job_id)
        finish(jobs)
    jobs.submit("b", asked())
    assert heard == [1, 2, 3]
