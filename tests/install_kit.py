"""What tests of installing share: looking at a folder, real small disks, a process called reaper, REAPER's folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

KEYS = 'KEY 1 87 40005 0\r\nACT 0 0 "x" "Custom: Ümlaut" 40001\r\n'.encode("latin-1")


def snapshot(folder):
    """Every file with its bytes, rights and time of change; every folder; where links point."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (content, status.st_mode, status.st_mtime_ns if content else None)
    return found


@contextmanager
def disk(folder, *options):
    """A real small file system; needs the right to mount."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", folder], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no right to mount a small file system: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def open_folder():
    """A folder that other users may look into; pytest closes its own ones to them."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextmanager
def process(folder: Path, name: str, library: str | None = None, user: int | None = None):
    """A process called `name`, with a library of that name loaded."""
    program = shutil.copy(shutil.which("sleep"), folder / name)
    environ = dict(os.environ)
    if library:
        maps = Path("/proc/self/maps").read_text()
        libc = next(line.split()[-1] for line in maps.splitlines() if "libc.so" in line or "libc-" in line)
        environ["LD_PRELOAD"] = shutil.copy(libc, folder / library)
    running = subprocess.Popen([program, "60"], env=environ, user=user)
    try:
        end = time.monotonic() + 5
        while Path(f"/proc/{running.pid}/comm").read_text().strip() != name[:15] and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.1)  # the libraries come after the name
        yield running.pid
    finally:
        running.kill()
        running.wait()


def reaper_folder(place: Path) -> Path:
    (place / "Scripts" / "mine").mkdir(parents=True)
    (place / "Scripts" / "mine" / "own.lua").write_text("-- mine")
    (place / "reaper.ini").write_text("[REAPER]\n")
    (place / "reaper-kb.ini").write_bytes(KEYS)
    return place
