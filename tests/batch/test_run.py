"""What is handed out together, and when a task is tried again."""

import itertools
from contextlib import nullcontext

import pytest

from reaper_aeq.batch.inputs import PROJECT, SOUND, Task
from reaper_aeq.batch.run import CHUNK_BYTES, CHUNK_SOUNDS, Batch
from reaper_aeq.batch.task import Recipe, TaskState
from reaper_aeq.errors import AeqError
from reaper_aeq.request import EqRequest


class Workers:
    """Answers in order, as `script` says: {id: answers one after the other}."""

    ahead = 1

    def __init__(self, script):
        self.script, self.at_work, self.seen = script, [], []

    def capacity(self):
        return 1

    def submit(self, chunk, recipe, out, attempts, batch, again):
        self.at_work.append(chunk)
        self.seen.append(([task.id for task in chunk], attempts))

    def ended(self):
        while self.at_work:
            chunk = self.at_work.pop(0)
            yield chunk, {task.id: self.script[task.id].pop(0) for task in chunk}


AWAY = {"error": "away", "final": False, "trace": "t"}


def batch(tmp_path, tasks, retries=1, script=None, told=None):
    recipe = Recipe.of(None, EqRequest("warm"), render=False, models=tmp_path)
    workers = Workers(script or {})
    said = [] if told is None else told
    made = Batch(tasks, recipe, tmp_path, lambda counts: None, said.append, lambda: nullcontext(workers), retries)
    made.workers = workers
    return made


def tasks(kind, count, size=1000):
    return [Task(f"/{kind}/{n}", kind, f"{kind}{n}", size) for n in range(count)]


def sizes(chunks):
    return [len(chunk) for chunk in itertools.takewhile(bool, chunks)]


def test_small_recordings_share_a_pass_projects_do_not(tmp_path):
    made = batch(tmp_path, [])
    mixed = [*tasks(PROJECT, 3), *tasks(SOUND, 40)]
    assert sizes(made.chunks(iter(mixed), lambda: 99)) == [1, 1, 1, CHUNK_SOUNDS, CHUNK_SOUNDS, 8]
    assert sizes(made.chunks(iter(mixed), lambda: 1)) == [1] * 43  # so many workers that each gets one
    large = tasks(SOUND, 3, CHUNK_BYTES // 2)
    assert sizes(made.chunks(iter(large), lambda: 99)) == [2, 1]


def test_what_fails_is_tried_again_after_the_others(tmp_path):
    three = tasks(PROJECT, 3)
    made = batch(
        tmp_path, three, script={three[0].id: [AWAY, AWAY], **{task.id: [{"fresh": True}] for task in three[1:]}}
    )
    counts = made.run()
    ids = [task.id for task in three]
    assert made.workers.seen == [([ids[0]], 0), ([ids[1]], 0), ([ids[2]], 0), ([ids[0]], 1)]
    state = TaskState.read(tmp_path / ids[0])
    assert counts.failures == [ids[0]] and counts.done == 2 and (state.error, state.attempts) == ("away", 2)


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
    told = []
    script = {"sound0": [{"error": error, "final": True, "trace": None}]}
    batch(tmp_path, tasks(SOUND, 1), script=script, told=told).run()
    assert told == [said]


def test_a_worker_that_dies_counts_as_often_as_it_was_tried(tmp_path):
    made = batch(tmp_path, tasks(PROJECT, 1), retries=2, script={"project0": [{**AWAY, "tries": 4}]})
    assert made.run().failures == ["project0"] and TaskState.read(tmp_path / "project0").attempts == 4


def test_what_was_found_finished_is_not_counted_as_done_now(tmp_path):
    script = {"project0": [{"fresh": True}], "project1": [{"fresh": False}]}
    counts = batch(tmp_path, tasks(PROJECT, 2), script=script).run()
    assert (counts.done, counts.unchanged, counts.ended) == (1, 1, 2)


def test_what_holds_needs_no_workers(tmp_path):
    (task,) = tasks(PROJECT, 1)
    made = batch(tmp_path, [task])
    (tmp_path / task.id).mkdir()
    TaskState(task.id, task.path, PROJECT, 1, asked=made.recipe.asked_of(PROJECT), result="r").write(tmp_path / task.id)
    counts = made.run()
    assert (counts.done, counts.unchanged, made.workers.seen) == (0, 1, [])


def test_a_worker_that_cannot_serve_ends_the_batch(tmp_path):
    made = batch(tmp_path, tasks(PROJECT, 1))
    with pytest.raises(AeqError, match="other models"):
        made.take(made.tasks, {"": {"unfit": "the worker has other models"}})
