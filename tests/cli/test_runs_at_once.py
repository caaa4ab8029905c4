"""Real processes on one target: refused, stopped with Ctrl-C, killed. What another run finished is never touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sounds import RATE, noise, store

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from standin.example import ItemSpec, TrackSpec, write

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="POSIX signals")]
PLAN = '[default]\nword = "warm"\n'


@pytest.fixture
def folder(tmp_path) -> Path:
    here = tmp_path / "songs"
    here.mkdir()
    store(here / "vox.wav", noise(2, 2.0))
    write(here / "song.rpp", [TrackSpec("vox", [ItemSpec("vox.wav", 0.0, 2.0)])], sample_rate=RATE)
    (tmp_path / "plan.toml").write_text(PLAN)
    return here


@pytest.fixture
def start(folder, tiny_models):
    """start(*options): a run of `project` in a process of its own, up to the moment in which it holds its targets."""
    running = []

    def run(*options: str, held: bool = True) -> subprocess.Popen:
        command = [sys.executable, "-m", "reaper_aeq", "project", folder / "song.rpp", "--models", tiny_models]
        command += ["--plan", folder.with_name("plan.toml"), *options]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        running.append(process)
        while held and process.poll() is None and len(list(folder.glob(".aeq-*.lock"))) < 3:
            time.sleep(0.01)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def results(folder: Path) -> set[str]:
    return set(files(folder)) - {"song.rpp", "vox.wav"}


WRITTEN = {"song.aeq.rpp", "song.aeq.html", "song.aeq.json"}


def refused(run: subprocess.Popen) -> bool:
    _, said = run.communicate(timeout=300)
    return run.returncode == 2 and "another run is writing it just now" in said and said.count("\n") == 1


def test_a_second_run_is_refused_and_a_later_one_that_is_stopped_leaves_the_results_of_the_first(folder, start):
    first = start()
    first.send_signal(signal.SIGSTOP)  # however fast the machine is, it is at work while the second comes
    assert refused(start())
    first.send_signal(signal.SIGCONT)
    assert first.wait(300) == 0, first.stderr.read()
    before = files(folder)
    assert results(folder) == WRITTEN
    later = start()
    later.send_signal(signal.SIGINT)
    _, said = later.communicate(timeout=300)
    assert later.returncode == 130 and "Traceback" not in said
    assert files(folder) == before


def test_of_two_runs_in_place_one_wins_and_no_backup_replaces_another(folder, start):
    song = (folder / "song.rpp").read_bytes()
    first = start("--in-place")
    first.send_signal(signal.SIGSTOP)
    assert refused(start("--in-place"))
    first.send_signal(signal.SIGCONT)
    assert first.wait(300) == 0, first.stderr.read()
    (backup,) = results(folder) - WRITTEN
    assert results(folder) == {"song.aeq.html", "song.aeq.json", backup} and (folder / backup).read_bytes() == song
    changed = (folder / "song.rpp").read_bytes()
    folder.with_name("plan.toml").write_text(PLAN.replace("warm", "bright"))
    assert start("--in-place").wait(300) == 0
    (second,) = results(folder) - WRITTEN - {backup}
    assert (folder / backup).read_bytes() == song and (folder / second).read_bytes() == changed


def test_kill_9_leaves_nothing_that_stays_and_a_result_that_was_worked_on_is_kept(folder, start):
    run = start()
    run.kill()
    run.wait()
    assert len(results(folder)) >= 3, "the files of the killed run are there"
    for _ in range(2):  # its own result needs no copy
        assert start().wait(300) == 0
        assert results(folder) == WRITTEN
    result = folder / "song.aeq.rpp"
    mine = result.read_bytes().replace(b"vox", b"my vox", 1)
    result.write_bytes(mine)
    out, _ = start().communicate(timeout=300)
    (kept,) = results(folder) - WRITTEN
    assert (folder / kept).read_bytes() == mine and f"the file that was there before is kept as {folder / kept}" in out
    assert kept.startswith("song.aeq-") and kept.endswith(".rpp-bak")


def test_what_the_project_plays_is_not_replaced(folder, start):
    os.link(folder / "vox.wav", folder / "x.json")
    before = files(folder)
    run = start("--out", str(folder / "x.rpp"))
    _, said = run.communicate(timeout=120)
    assert run.returncode == 2 and "x.json: it is one of the files that are read" in said and said.count("\n") == 1
    assert files(folder) == before
