"""The program ends when its work is done, without taking torch apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

# loaded by Python before the program
WATCHING = """
import atexit
class Watched:
    def __del__(self): print("taken apart")
watched = Watched()
atexit.register(print, "hooks")
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(WATCHING)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "reaper_aeq", *arguments]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_program_that_loaded_torch_ends_at_once_with_all_that_it_said(tmp_path, options):
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, 0.1 * np.random.default_rng(0).standard_normal(48_000), 48_000)
    done = run(tmp_path, "analyze", str(sound), *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("hooks\n") and len(done.stdout) > 100
    assert "taken apart" not in done.stdout


def test_a_mistake_keeps_its_exit_code(tmp_path):
    done = run(tmp_path, "analyze", str(tmp_path / "none.wav"))
    assert done.returncode == 2 and "none.wav" in done.stderr and "hooks" in done.stdout


def test_a_closed_pipe_is_no_crash(tmp_path):
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, 0.1 * np.random.default_rng(0).standard_normal(48_000), 48_000)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "reaper_aeq", "analyze", str(sound)], stdout=pipe, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1 and "Traceback" not in done.stderr
