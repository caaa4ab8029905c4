"""The second process: what it answers is what the first one would, and nothing is lost when it ends."""

import threading
import time

import psutil
import pytest
import soundfile
from backends import task, wait_until
from conftest import loaded

from reaper_aeq.server import second_process, wire
from reaper_aeq.server.jobs import Jobs
from reaper_aeq.server.second_process import AT_ONCE, DEATHS, QUIET_S, REST_S, SecondProcess, fits
from reaper_aeq.server.worker import BROKEN, Worker


def adapt_task(path, **more) -> wire.AdaptTask:
    return wire.AdaptTask.model_validate(task(path, **more))


def described(path, length_s=None, **more) -> wire.AdaptTask:
    info = soundfile.info(path)
    item = {"file": str(path), "position_s": 0.0, "length_s": length_s or info.frames / info.samplerate}
    given = task(path, **more) | {"sound": {"sample_rate": info.samplerate, "tracks": [{"items": [item]}]}}
    del given["path"]
    return wire.AdaptTask.model_validate(given)


def own_children() -> list[psutil.Process]:
    """Processes of Python that this one started; resource trackers are none."""
    found = []
    for child in psutil.Process().children():
        try:
            found += [child] if "spawn_main" in " ".join(child.cmdline()) else []
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.fixture
def started():
    """Starts a second process and waits until it is there; none is left at the end."""
    made = []
    before = {child.pid for child in own_children()}

    def start(**options) -> SecondProcess:
        made.append(SecondProcess(**options))
        made[-1].start()
        wait_until(lambda: made[-1].ready, what="the second process")
        return made[-1]

    yield start
    for one in made:
        one.close()
    wait_until(lambda: {child.pid for child in own_children()} <= before, what="its end")


def told_by(second, tasks):
    answers, told = [], threading.Event()
    second.submit(tasks, lambda found: (answers.append(found), told.set()))
    assert told.wait(60)
    return answers[0]


@pytest.fixture
def workers(engine):
    """Makes a worker, with or without a second process."""
    made = []

    def make(second=None) -> tuple[Jobs, Worker]:
        jobs = Jobs()
        made.append(Worker(jobs, loaded(engine), second))
        return jobs, made[-1]

    yield make
    for one in made:
        assert one.close(patience_s=20)


def outcomes(jobs, tasks):
    job_id = jobs.submit("test", tasks)
    wait_until(lambda: jobs.state(job_id) in ("done", "cancelled"), what="the job")
    return jobs.get(job_id).results


@pytest.mark.slow
def test_it_answers_to_the_last_digit_what_the_first_process_answers(started, workers, sounds):
    tasks = [described(path, intensity=0.7) for path in sounds[:AT_ONCE]]
    jobs, _ = workers()
    for ours, theirs in zip(outcomes(jobs, tasks), told_by(started(), tasks), strict=True):
        assert ours.answer == theirs.answer and theirs.refused is None
        assert theirs.result.to_dict()["bands"] == ours.answer.model_dump()["bands"]


@pytest.mark.slow
def test_each_task_has_its_own_sentence_and_what_is_long_comes_back(started, sounds, tmp_path):
    lost = tmp_path / "gone.wav"
    lost.write_bytes(sounds[0].read_bytes())
    gone = described(lost)
    lost.unlink()
    long = tmp_path / "long.flac"  # a small file that holds twenty minutes
    with soundfile.SoundFile(long, "w", 8000, 1) as file:
        for _ in range(20):
            file.write([0.0] * 60 * 8000)
    tasks = [gone, adapt_task(sounds[0], request="wram"), adapt_task(long), described(sounds[1])]
    missing, unknown, too_long, good = told_by(started(), tasks)
    assert "does not exist" in missing.refused and missing.unreadable and missing.trace is None
    assert "did you mean 'warm'" in unknown.refused and not unknown.unreadable
    assert too_long is None
    assert good.answer.bands and good.refused is None


@pytest.mark.slow
def test_a_large_press_is_shared_from_the_first_on(workers, started, sounds):
    second = started()
    counted, submit = [], second.submit
    second.submit = lambda tasks, told: (counted.append(len(tasks)), submit(tasks, told))
    tasks = [described(path) for path in sounds * 3]
    shared = outcomes(workers(second)[0], tasks)
    assert sum(counted) >= AT_ONCE and max(counted) <= AT_ONCE
    jobs, _ = workers()
    assert [one.answer for one in shared] == [one.answer for one in outcomes(jobs, tasks)]
    counted.clear()
    assert all(one.ok for one in outcomes(jobs, tasks[:2])) and not counted  # a small press is answered here


@pytest.mark.slow
def test_what_a_killed_one_had_is_answered_here_and_it_is_not_started_for_ever(workers, started, sounds):
    second = started()
    jobs, worker = workers(second)
    tasks = [described(path) for path in sounds * 4]
    for death in range(DEATHS):
        job_id = jobs.submit("test", tasks)
        wait_until(lambda: worker._at_second, what="its part")
        for child in own_children():
            child.kill()
        wait_until(lambda job_id=job_id: jobs.state(job_id) == "done", what="the job")
        assert all(one.ok for one in jobs.get(job_id).results)
        wait_until(lambda: not second.ready, what="its end")
        if death + 1 < DEATHS:
            second.start()
            wait_until(lambda: second.ready, what="the next one")
    second.start()
    time.sleep(0.2)
    assert not own_children() and all(one.ok for one in outcomes(jobs, tasks))


@pytest.mark.slow
def test_a_cancelled_press_ends_and_the_next_one_is_answered(workers, started, sounds):
    jobs, worker = workers(started())
    tasks = [described(path) for path in sounds * 4]
    job_id = jobs.submit("test", tasks)
    wait_until(lambda: worker._at_second, what="its part")
    done = len(jobs.cancel(job_id).results)
    assert done < len(tasks)
    assert all(one.ok for one in outcomes(jobs, tasks))
    assert jobs.state(job_id) == "cancelled" and len(jobs.get(job_id).results) == done
    wait_until(lambda: not (worker._ahead or worker._for_second or worker._at_second), what="rest")


@pytest.mark.slow
def test_it_comes_when_nobody_waits_and_gives_its_memory_back_after_a_rest(started):
    second = SecondProcess()
    second.tend(QUIET_S / 2)
    assert second._pool is None
    second = started()
    second.tend(REST_S)
    assert not second.ready
    wait_until(lambda: not own_children(), what="its rest")
    assert told_by(second, []) is None
    second.tend(QUIET_S)
    wait_until(lambda: second.ready, what="the next one")


@pytest.mark.slow
def test_a_backend_that_has_nothing_to_do_starts_it_and_takes_it_along(process):
    backend = process().ready()
    helper = wait_until(lambda: psutil.Process(backend.popen.pid).children(recursive=True), what="the second process")
    wait_until(
        lambda: "helps with large presses" in backend.state_file.with_suffix(".log").read_text(), what="its word"
    )
    backend.http.post("/v1/shutdown")
    assert backend.finished()[0] == 0
    wait_until(lambda: not any(one.is_running() for one in helper), what="its end")


@pytest.mark.parametrize("error", [OSError(38, "no semaphores"), NotImplementedError(), RuntimeError("no thread")])
@pytest.mark.parametrize("where", ["pool", "process"])
def test_a_machine_that_can_start_none_goes_on_without(workers, sounds, caplog, monkeypatch, error, where):
    second, tried = SecondProcess(), []

    def none_here(*_):
        tried.append(1)
        raise error

    if where == "pool":
        second._processes.new = none_here
    else:
        monkeypatch.setattr(second_process.ProcessPoolExecutor, "submit", none_here)
    for _ in range(3):
        second.tend(QUIET_S)  # in the backend's watch: what is raised there would end it
    assert len(tried) == 1 and not second.ready and "no second process" in caplog.text
    jobs, _ = workers(second)
    assert all(one.ok for one in outcomes(jobs, [described(path) for path in sounds]))


def test_a_defect_over_there_is_told_as_one_over_here(workers, sounds, caplog):
    class Odd:
        ready = True

        def submit(self, tasks, told):
            odd = second_process.SecondAnswer(refused="cracked", trace="Traceback: RuntimeError: cracked")
            told([odd] * len(tasks))

        def close(self):
            """There is nothing to be ended."""

    jobs, _ = workers(Odd())
    found = outcomes(jobs, [described(path) for path in sounds * 3])
    there = [one for one in found if not one.ok]
    assert there and all(one.error == BROKEN for one in there)
    assert "RuntimeError: cracked" in caplog.text


class Busy:
    """A second process that gives everything back."""

    ready = True

    def submit(self, tasks, told):
        told([None] * len(tasks))

    def close(self):
        """There is nothing to be ended."""


def test_what_waits_for_more_is_sent_though_those_are_cancelled(workers, sounds, monkeypatch):
    """They still waited when whoever takes them looked, and none came."""
    jobs, _ = workers(Busy())
    monkeypatch.setattr(Jobs, "waiting", property(lambda _: threading.current_thread().name == "take"))
    assert all(one.ok for one in outcomes(jobs, [described(path) for path in sounds[: AT_ONCE + 2]]))


def test_what_is_too_little_for_it_does_not_wait_for_more_when_none_comes(workers, sounds):
    jobs, _ = workers(Busy())
    last = wire.AnalyzeTask(id="last", path=str(sounds[0]))  # which is answered here
    assert all(one.ok for one in outcomes(jobs, [*(described(path) for path in sounds[: AT_ONCE + 2]), last]))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda path: described(path), True),
        (lambda path: described(path, length_s=61.0), False),
        (lambda path: adapt_task(path), True),
        (lambda path: adapt_task("/nowhere/a.wav"), False),
        (lambda path: adapt_task(path, method="refine"), False),
        (lambda path: adapt_task(path, request=None, references=[str(path)]), False),
        (lambda path: wire.AnalyzeTask(id="1", path=str(path)), False),
    ],
)
def test_only_a_word_for_what_is_surely_short_goes_there(sounds, given, expected):
    assert fits(given(sounds[0])) is expected
