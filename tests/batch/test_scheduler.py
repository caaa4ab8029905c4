"""What is handed out together, and when a task is tried again."""

import itertools

import pytest

from reaper_aeq.batch.inputs import PROJECT, SOUND, Task
from reaper_aeq.batch.journal import DONE, FAILED, Journal
from reaper_aeq.batch.recipe import Recipe
from reaper_aeq.batch.record import TaskRecord
from reaper_aeq.batch.scheduler import CHUNK_BYTES, CHUNK_SOUNDS, Ledger, Watch


def ledger(tmp_path, tasks, retries=1):
    asked = {"plan": None, "word": "warm", "intensity": 1.0, "adaptation": None, "method": "adaptive"}
    journal = Journal(tmp_path)
    journal.add(tasks)
    told = []
    recipe = Recipe.of(**asked, render=False, models=tmp_path)
    return Ledger(tasks, recipe, tmp_path, journal, Watch(told.append, told.append), retries, False)


def tasks(kind, count, size=1000):
    return [Task(f"/{kind}/{n}", kind, f"{kind}{n}", size) for n in range(count)]


def sizes(chunks):
    return [len(chunk) for chunk in itertools.takewhile(bool, chunks)]


def test_small_recordings_share_a_pass_projects_do_not(tmp_path):
    made = ledger(tmp_path, [])
    mixed = [*tasks(PROJECT, 3), *tasks(SOUND, 40)]
    assert sizes(made.chunks(iter(mixed), lambda: 99)) == [1, 1, 1, CHUNK_SOUNDS, CHUNK_SOUNDS, 8]
    assert sizes(made.chunks(iter(mixed), lambda: 1)) == [1] * 43  # so many workers that each gets one
    large = tasks(SOUND, 3, CHUNK_BYTES // 2)
    assert sizes(made.chunks(iter(large), lambda: 99)) == [2, 1]


def test_what_fails_is_tried_again_after_the_others(tmp_path):
    three = tasks(PROJECT, 3)
    made = ledger(tmp_path, three)
    chunks = made.chunks(iter(three), lambda: 99)
    first = next(chunks)
    assert made.handed_out(first[0]) == 0
    made.failed(first[0], {"error": "away", "final": False, "trace": "t"})
    assert [next(chunks), next(chunks), next(chunks), next(chunks)] == [[three[1]], [three[2]], first, []]
    assert made.handed_out(first[0]) == 1
    made.failed(first[0], {"error": "away", "final": False, "trace": "t"})
    row = made.journal.row(three[0].id)
    assert next(chunks) == [] and made.counts.failures == [three[0].id] and (row.state, row.attempts) == (FAILED, 2)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            "/sound/0 is silent: there is nothing to adapt to",
            "failed: /sound/0 is silent: there is nothing to adapt to",
        ),
        ("/sound/0: line 1: it is no project", "failed: /sound/0: line 1: it is no project"),
        ("the worker died on it", "failed: /sound/0: the worker died on it"),
    ],
)
def test_a_path_is_named_once_in_a_sentence(tmp_path, error, said):
    made = ledger(tmp_path, tasks(SOUND, 1))
    told = []
    made.watch = Watch(lambda counts: None, told.append)
    made.handed_out(made.tasks[0])
    made.failed(made.tasks[0], {"error": error, "final": True, "trace": None})
    assert told == [said]


def test_a_worker_that_dies_counts_as_often_as_it_was_tried(tmp_path):
    made = ledger(tmp_path, tasks(PROJECT, 1), retries=2)
    (task,) = made.tasks
    made.handed_out(task)
    made.failed(task, {"error": "died", "final": False, "trace": None, "tries": 4})
    assert made.counts.failures == [task.id] and made.journal.row(task.id).attempts == 4


def test_what_was_found_finished_is_not_counted_as_done_now(tmp_path):
    made = ledger(tmp_path, tasks(PROJECT, 2))
    for n, fresh in enumerate((True, False)):
        made.handed_out(made.tasks[n])
        made.done(TaskRecord(made.tasks[n].id, "/p", PROJECT, "a", "k", {}, {}, {}, 0.1, "w", "b", "r"), fresh)
    assert (made.counts.done, made.counts.unchanged, made.counts.ended) == (1, 1, 2)
    assert [row.state for row in made.journal.rows()] == [DONE, DONE]
