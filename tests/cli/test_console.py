"""How much is said: quiet, as usual, talkative; bars on a terminal only, and only where it takes its time."""

import os
import subprocess
import sys
import time

import pytest
from sounds import RATE, noise, store

from reaper_aeq.cli.commands import console


@pytest.fixture(autouse=True)
def as_usual():
    yield
    console.set_level(console.NORMAL)


def cut_flac(path):
    store(path.with_name("whole.flac"), noise(2, 4), subtype="PCM_16")
    data = path.with_name("whole.flac").read_bytes()
    path.write_bytes(data[: int(0.6 * len(data))])
    return path


def test_quiet_says_results_and_errors_only(tmp_path, run):
    song = cut_flac(tmp_path / "cut.flac")
    code, usual, warned = run("adapt", song, "warm")
    assert code == 0 and warned.startswith("warning: ")
    code, out, err = run("adapt", song, "warm", "--quiet")
    assert (code, out, err) == (0, usual, "")
    code, out, err = run("analyze", tmp_path / "no.wav", song, "-q")
    assert code == 2 and err.startswith("error: ") and err.count("\n") == 1 and "warm" in out


def test_talkative_says_what_took_how_long(song, run):
    code, out, err = run("adapt", song, "warm", "-v")
    assert code == 0 and "models of " in err and " heard in " in err
    assert run("adapt", song, "warm") == (0, out, "")


def on_a_terminal(script: str, *arguments: str) -> str:
    """What a script shows on a terminal."""
    import pty

    main, its = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    process.wait(60)
    os.close(main)
    return shown.decode("utf-8", "replace")


SLOW = """
import time, sys
from reaper_aeq.cli.commands import console
console.set_level(int(sys.argv[3]))
with console.progress(float(sys.argv[1])) as (tell, step_done):
    step_done("listening", 1, 3)
    time.sleep(float(sys.argv[2]))
    step_done("listening", 2, 3)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")
def test_bars_come_where_it_takes_longer():
    assert "listening" in on_a_terminal(SLOW, "0.2", "1.0", "0")
    assert "listening" not in on_a_terminal(SLOW, "5", "0.3", "0")
    assert "listening" not in on_a_terminal(SLOW, "0.2", "0.6", "-1")
    assert "listening" in on_a_terminal(SLOW, "0", "0.3", "0")


LOADING = """
import time
from reaper_aeq.cli.commands import console
with console.progress() as (tell, step_done):
    time.sleep(0.5)
    tell("STEP")
    step_done("listening", 1, 3)
    time.sleep(0.5)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")
def test_a_bar_says_that_work_has_begun_before_there_is_a_step():
    """`project` showed an empty line while models were loaded."""
    before, after = on_a_terminal(LOADING).split("STEP")
    assert "getting ready" in before and "listening" not in before
    assert "listening" in after and "getting ready" not in after.split("listening", 1)[1]


def test_a_pipe_gets_no_bars(capsys):
    with console.progress() as (_, step_done):
        step_done("listening", 1, 3)
        time.sleep(0.2)
    assert capsys.readouterr() == ("", "")


COMMAND = "import sys; from reaper_aeq.cli.main import main; sys.exit(main())"


@pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")
@pytest.mark.parametrize("command", ["adapt", "match"])
def test_adapt_and_match_show_that_they_are_at_work(tmp_path, tiny_models, command):
    song = store(tmp_path / "song.wav", noise(2, 30))  # torch alone takes longer than a second
    other = store(tmp_path / "other.wav", noise(2, 5, seed=3) if command == "match" else noise(2, 1))
    asked = "warm" if command == "adapt" else str(other)
    models = ["--models", str(tiny_models)] if command == "adapt" else []
    shown = on_a_terminal(COMMAND, command, str(song), asked, "-o", str(tmp_path / "out.wav"), *models)
    assert "loading the models" in shown and "wrote" in shown and RATE


@pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")
@pytest.mark.slow
def test_a_batch_shows_its_bar_while_workers_start(tmp_path):
    store(tmp_path / "a.wav", noise())
    arguments = [str(tmp_path / "a.wav"), "-o", str(tmp_path / "out"), "--word", "warm", "--workers", "1"]
    shown = on_a_terminal(COMMAND, "batch", *arguments)
    assert "tasks" in shown and "0/1" in shown.split("1/1")[0] and "1 done" in shown
