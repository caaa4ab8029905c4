"""The journal: what it counts, and what becomes of a damaged one."""

import pytest

from reaper_aeq.batch.inputs import PROJECT, Task
from reaper_aeq.batch.journal import DONE, FAILED, NAME, WAITING, Journal
from reaper_aeq.batch.record import TaskRecord
from reaper_aeq.errors import OutputError

TASKS = [Task(f"/songs/{n}.rpp", PROJECT, f"{n}-id") for n in range(3)]


def record(task, result="r1", key="k1"):
    return TaskRecord(
        task.id, task.path, PROJECT, "asked", key, {task.path: [1, 2, "h"]}, {"a": 1}, {}, 0.5, "w", "b", result
    )


def test_states_and_counts(tmp_path):
    with Journal(tmp_path) as journal:
        journal.add(TASKS)
        assert [row.state for row in journal.rows()] == [WAITING] * 3
        journal.failed("0-id", 1, "why", "trace", final=False)
        assert journal.row("0-id").state == WAITING and journal.row("0-id").attempts == 1
        journal.done(record(TASKS[0]), 2)
        journal.done(record(TASKS[0]), 2)  # found on the disk again
        journal.failed("1-id", 3, "no", None, final=True)
    with Journal(tmp_path) as journal:
        assert journal.damaged is None and journal.row("0-id").record == record(TASKS[0])
        rows = {row.id: (row.state, row.attempts, row.error) for row in journal.rows()}
        assert rows == {"0-id": (DONE, 2, None), "1-id": (FAILED, 3, "no"), "2-id": (WAITING, 0, None)}
        journal.add(TASKS[2:])  # the failure is no longer asked for, what is done stays
        assert [row.id for row in journal.rows()] == ["0-id", "2-id"] and journal.row("1-id") is None
        assert journal._db.execute("SELECT id, key, result FROM finished").fetchall() == [("0-id", "k1", "r1")]


@pytest.mark.parametrize("damage", ["text", "middle", "version"])
def test_a_damaged_journal_is_laid_aside(tmp_path, damage):
    with Journal(tmp_path) as journal:
        journal.add([Task(f"/{n}", PROJECT, f"{n}" * 50) for n in range(500)])
    path = tmp_path / NAME
    if damage == "text":
        path.write_text("nothing of the kind")
    elif damage == "middle":
        data = bytearray(path.read_bytes())
        data[4096 : len(data) // 2] = b"\xff" * (len(data) // 2 - 4096)
        path.write_bytes(data)
    else:
        with Journal(tmp_path) as journal:
            journal._db.execute("PRAGMA user_version = 99")
    with Journal(tmp_path) as journal:
        assert journal.damaged == tmp_path / f"{NAME}.damaged-1" and journal.damaged.exists()
        journal.add(TASKS)
        assert len(list(journal.rows())) == 3
    with Journal(tmp_path) as journal:
        assert journal.damaged is None and len(list(journal.rows())) == 3


def test_a_place_that_refuses(tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(OutputError, match="cannot write the journal"):
        Journal(tmp_path)
