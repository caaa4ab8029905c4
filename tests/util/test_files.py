"""Files appear whole or not at all, and every refusal is one sentence."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reaper_aeq.errors import OutputError
from reaper_aeq.util.files import atomic_write, write_bytes_atomic, write_text_atomic


def refusal(path) -> str:
    with pytest.raises(OutputError) as caught, atomic_write(path) as temporary:
        Path(temporary).write_text("new")
    sentence = str(caught.value)
    assert sentence.startswith("cannot write") and "\n" not in sentence
    return sentence


def test_the_file_appears_only_at_the_end_with_its_suffix_kept_meanwhile(tmp_path):
    target = tmp_path / "chain.RfxChain"
    with atomic_write(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".RfxChain")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["chain.RfxChain"]


@pytest.mark.parametrize("problem", [ValueError("a defect"), KeyboardInterrupt(), SystemExit(1)])
def test_after_any_exception_the_old_file_stands_and_nothing_else(tmp_path, problem):
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(type(problem)), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise problem
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_text_is_utf8_with_its_own_line_ends_and_bytes_are_bytes(tmp_path):
    write_text_atomic(tmp_path / "t.rpp", "größer\r\nline\n")
    assert (tmp_path / "t.rpp").read_bytes() == "größer\r\nline\n".encode()
    write_bytes_atomic(tmp_path / "b.png", b"\x89PNG\r\n")
    assert (tmp_path / "b.png").read_bytes() == b"\x89PNG\r\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and links")
def test_permissions_follow_the_old_file_or_the_umask_and_links_stay(tmp_path):
    old = os.umask(0o027)
    try:
        write_text_atomic(tmp_path / "new.txt", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o640
    (tmp_path / "new.txt").chmod(0o604)
    (tmp_path / "link.txt").symlink_to("new.txt")
    write_text_atomic(tmp_path / "link.txt", "y")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "new.txt").read_text() == "y"
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o604


def test_the_longest_name_a_disk_takes_can_be_written(tmp_path):
    name = "n" * 251 + ".wav"
    write_text_atomic(tmp_path / name, "x")
    assert os.listdir(tmp_path) == [name]


def test_refusals_known_before_anything_is_written(tmp_path):
    (tmp_path / "file").write_text("old")
    assert "create it first" in refusal(tmp_path / "no" / "a.txt")
    assert "it is a folder" in refusal(tmp_path)
    assert "not a folder" in refusal(tmp_path / "file" / "a.txt")
    assert "too long" in refusal(tmp_path / ("n" * 300))
    assert "no file can have this name" in refusal(str(tmp_path / "a\0b"))
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX devices")
def test_a_device_is_never_replaced(tmp_path):
    # A pipe stands for /dev/null, which a broken check would destroy when the tests run as root.
    os.mkfifo(tmp_path / "pipe")
    assert "device or a pipe" in refusal(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize(("code", "part"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EIO, "error")])
def test_a_refusal_while_the_block_writes_becomes_one_sentence(tmp_path, code, part):
    with pytest.raises(OutputError, match=part), atomic_write(tmp_path / "a.bin"):
        raise OSError(code, os.strerror(code))
    assert os.listdir(tmp_path) == []


def test_trouble_with_another_file_is_not_blamed_on_this_one(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.bin"):
        (tmp_path / "input.wav").read_bytes()
    assert os.listdir(tmp_path) == []


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from reaper_aeq.errors import OutputError
from reaper_aeq.util.files import write_bytes_atomic
try:
    write_bytes_atomic(sys.argv[1], bytes(5000))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_file_the_system_stops_in_the_middle_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", LIMITED, tmp_path / "a.bin"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "larger than this disk or your limits allow" in said
    assert os.listdir(tmp_path) == []


FORBIDDEN = """
import os, sys
from reaper_aeq.errors import OutputError
from reaper_aeq.util.files import write_text_atomic
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        write_text_atomic(path, "new")
        print("written")
    except OutputError as error:
        print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_read_only_folder_and_a_read_only_file_are_respected():
    # Not tmp_path: an unprivileged user cannot enter that one when the tests run as root.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "locked").mkdir()
        (folder / "kept.txt").write_text("old")
        (folder / "locked").chmod(0o555)
        (folder / "kept.txt").chmod(0o444)
        paths = [folder / "locked" / "a.txt", folder / "kept.txt", folder / "free.txt"]
        run = subprocess.run([sys.executable, "-c", FORBIDDEN, *paths], capture_output=True, text=True, check=True)
        assert ["you may not write there" in line for line in run.stdout.splitlines()] == [True, True, False]
        assert (folder / "kept.txt").read_text() == "old"
        assert sorted(os.listdir(folder)) == ["free.txt", "kept.txt", "locked"]
        (folder / "locked").chmod(0o755)
