"""Standard streams that are closed, full or gone: one sentence where one can be read, the right exit code always."""

import os
import subprocess
import sys

import pytest
from sounds import noise, store

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
FULL = os.path.exists("/dev/full")


def run(folder, line: str) -> subprocess.CompletedProcess:
    command = f'"{sys.executable}" -m reaper_aeq {line}'
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "line, code, out, err",
    [
        ("words >&-", 0, "", ""),
        ("words --json 2>&-", 0, "{", ""),
        ("words >&- 2>&-", 0, "", ""),
        ("--version <&- >&- 2>&-", 0, "", ""),
        ("adapt nope.wav warm >&-", 2, "", "error: nope.wav does not exist: check the path\n"),
        ("adapt nope.wav warm 2>&-", 2, "", ""),
        ("adapt nope.wav warm --json 2>&- >&-", 2, "", ""),
    ],
)
def test_a_closed_stream_is_no_error(tmp_path, line, code, out, err):
    done = run(tmp_path, line)
    assert (done.returncode, done.stderr) == (code, err) and done.stdout[:1] == out


@pytest.mark.skipif(not FULL, reason="no /dev/full")
@pytest.mark.parametrize("line", ["words", "words --json", "--help", "--version", "adapt -h"])
def test_a_full_disk_behind_stdout_is_told(tmp_path, line):
    done = run(tmp_path, f"{line} > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "error: what was found cannot be printed: No space left on device\n"


@pytest.mark.skipif(not FULL, reason="no /dev/full")
@pytest.mark.parametrize("line", ["adapt nope.wav warm", "analyze nope.wav --json", "adapt"])
def test_a_full_disk_behind_stderr_keeps_the_exit_code(tmp_path, line):
    assert run(tmp_path, f"{line} 2> /dev/full").returncode == 2


def test_what_is_written_never_takes_the_place_of_a_closed_stream(tmp_path):
    store(tmp_path / "song.wav", noise())
    done = run(tmp_path, "adapt song.wav warm -o out.wav --fxchain out.RfxChain <&- >&- 2>&-")
    assert done.returncode == 0
    again = run(tmp_path, "adapt song.wav warm -o again.wav --fxchain again.RfxChain")
    assert again.returncode == 0
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "again.wav").read_bytes()
