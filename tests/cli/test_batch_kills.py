"""`reaper-aeq batch` as a process with workers of its own, killed in every way: each project is done exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from batch_kit import catalog, records, results

SONGS = 7  # in each of two folders
PLAN = "[default]\nword = 'warm'\n[master]\nword = 'bright'\n"


@contextmanager
def started(songs: Path, models: Path, workers: int):
    """The command in a process group of its own, as a terminal starts it."""
    command = [sys.executable, "-m", "reaper_aeq", "batch", songs, "--out", songs.with_name("out")]
    command += ["--plan", songs.with_name("plan.toml"), "--models", models, "--workers", workers]
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(list(map(str, command)), text=True, start_new_session=True, **pipes) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    """Its processes that have torch loaded, so that neither dask's own helpers nor one that only starts is meant."""
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if any("libtorch_cpu" in area.path for area in child.memory_maps())
    ]


def until(condition: Callable[[], bool], process: subprocess.Popen, limit_s: float = 120) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)


def n_done(out: Path) -> int:
    return len(results(out))


def after(seen: dict[str, str], out: Path) -> dict[str, str]:
    """What is finished now. A task that is worked on once more gets another number, so none was."""
    now = results(out)
    assert seen.items() <= now.items()
    return now


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_worker_killed_the_command_killed_then_interrupted_and_each_project_is_done_once(tmp_path, tiny_models):
    (tmp_path / "plan.toml").write_text(PLAN)
    songs = catalog(tmp_path / "in", songs=SONGS)
    before = {path: path.read_bytes() for path in songs.rglob("*") if path.is_file()}
    out = tmp_path / "out"

    with started(songs, tiny_models, 2) as process:
        until(lambda: n_done(out) >= 2, process)
        first, *others = workers_of(process)
        for worker in (first, *others):
            worker.suspend()
        seen = results(out)
        first.kill()
        for worker in others:
            worker.resume()
        until(lambda: n_done(out) >= 6, process)
        others = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs([*others, first], timeout=10)
        assert not alive  # no worker outlives the command
    killed_at = n_done(out)
    assert 6 <= killed_at < 2 * SONGS
    seen = after(seen, out)

    with started(songs, tiny_models, 1) as process:
        until(lambda: n_done(out) >= killed_at + 4, process)
        since = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        assert process.wait(20) == 130 and time.monotonic() - since < 10
        err = process.stderr.read()
    assert err.splitlines()[-1] == "interrupted: nothing half-written is left behind" and "Traceback" not in err, err
    assert not list(out.rglob(".aeq-*")) and (out / "index.html").exists()
    seen = after(seen, out)
    assert killed_at + 4 <= len(seen) < 2 * SONGS

    with started(songs, tiny_models, 1) as process:
        answer, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert f"{2 * SONGS - len(seen)} done, {len(seen)} unchanged" in answer
    after(seen, out)

    found = records(out)
    assert len(found) == 2 * SONGS == n_done(out)
    assert {record["path"] for record in found} == {str(path) for path in songs.rglob("*.rpp")}
    assert len({record["result"] for record in found}) == 2 * SONGS
    assert not list(out.rglob(".aeq-*"))
    assert {path: path.read_bytes() for path in songs.rglob("*") if path.is_file()} == before
