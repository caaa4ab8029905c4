"""Ctrl-C at any moment: one line, no trace, nothing left behind. Real processes."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
SENTENCE = "interrupted: nothing half-written is left behind\n"
# As the command's own script does it; the point says that Python itself has started.
START = (
    "import os; os.write(1, b'.'); import sys; from reaper_aeq.__main__ import main;"
    " sys.argv[0] = 'reaper-aeq'; sys.exit(main())"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interrupts")
    noise = np.random.default_rng(0).standard_normal((44_100 * 5, 2)).astype("float32")
    soundfile.write(folder / "song.wav", 0.05 * noise, 44_100, "FLOAT")
    return folder


def interrupted(folder, arguments, after_s: float) -> tuple[bool, int, str, float]:
    """Whether it had ended by itself, exit code, stderr, and how long it then took, in seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert os.read(process.stdout.fileno(), 1) == b"."
    time.sleep(after_s)
    over = process.poll() is not None
    if not over:
        process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    return over, process.returncode, err, time.monotonic() - began


def check(folder, arguments, after_s) -> bool:
    """Whether it was interrupted while it worked."""
    over, code, err, took_s = interrupted(folder, arguments, after_s)
    where = f"{arguments} after {after_s:.3f} s: {code}, {err}"
    assert code in (130, 0, -signal.SIGINT), where
    assert err == (SENTENCE if code == 130 else ""), where
    assert over or took_s < 15, where
    assert [name for name in os.listdir(folder) if name != "song.wav"] in ([], ["out.wav"]), where
    return code == 130


@pytest.mark.parametrize("seed", range(10))
def test_in_the_first_third_of_a_second(folder, seed):
    rng = random.Random(seed)
    check(folder, rng.choice([["--help"], ["words"], ["adapt", "song.wav", "warm"]]), rng.uniform(0, 0.3))


@pytest.mark.parametrize("seed", range(8))
def test_while_libraries_load_and_while_it_works(folder, seed):
    rng = random.Random(100 + seed)
    check(folder, ["adapt", "song.wav", "warm", "-o", "out.wav"], rng.uniform(0.3, 6))
    (folder / "out.wav").unlink(missing_ok=True)


def test_one_of_them_was_in_time(folder):
    assert check(folder, ["adapt", "song.wav", "warm"], 0.4)


def test_pressed_twice_it_is_still_one_line(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", START, "adapt", "song.wav", "warm"], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    os.read(process.stdout.fileno(), 1)
    time.sleep(0.6)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert process.communicate(timeout=60)[1] == SENTENCE and process.returncode == 130


SWALLOWED = """
import gc, os, sys, time
from reaper_aeq.util import ctrl_c
ctrl_c.install()
class Dying:
    def __del__(self):
        os.kill(os.getpid(), 2)  # comes while a finalizer runs, where an exception is printed and forgotten
        for _ in range(1000): pass
try:
    Dying()
    time.sleep(5)
except KeyboardInterrupt:
    sys.exit(ctrl_c.tell())
"""


def test_one_that_comes_in_a_finalizer_is_not_lost():
    run = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (130, SENTENCE)
