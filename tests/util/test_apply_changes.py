"""Several files as one: all new, or all as they were, with real reasons to fail."""

import os
import shutil
import subprocess

import pytest
from install_kit import disk, snapshot

from reaper_aeq.errors import OutputError
from reaper_aeq.util.files import apply_changes


@pytest.fixture
def place(tmp_path):
    for name in ("old.txt", "gone.txt", "same.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "old.txt").chmod(0o640)
    return tmp_path


def wanted(place):
    return {
        place / "old.txt": b"new",
        place / "gone.txt": None,
        place / "never there.txt": None,
        place / "a/b/fresh.txt": b"fresh",
        place / "a/c.txt": b"",
    }


def test_everything_is_done(place):
    apply_changes(wanted(place))
    files = {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    assert files == {"old.txt": b"new", "same.txt": b"same.txt", "a/b/fresh.txt": b"fresh", "a/c.txt": b""}
    assert (place / "old.txt").stat().st_mode & 0o777 == 0o640


def test_a_link_keeps_being_one(tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    apply_changes({link: b"new"})
    assert link.is_symlink() and real.read_bytes() == b"new"


def counted_failure(monkeypatch, name, at, error):
    """The call number `at` of an `os` function fails; returns how many there were so far."""
    real, calls = getattr(os, name), []

    def call(*arguments, **options):
        calls.append(arguments)
        if len(calls) == at:
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, call)
    return calls


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_failure_at_any_step_takes_all_back(place, error, step):
    before, at = snapshot(place), 0
    while True:
        at += 1
        with pytest.MonkeyPatch.context() as patch:
            calls = counted_failure(patch, step, at, error)
            try:
                apply_changes(wanted(place))
            except (OutputError, KeyboardInterrupt):
                assert snapshot(place) == before, f"{step} {at}"
                continue
            assert len(calls) < at
            break
    assert at > 3  # three files


@pytest.mark.parametrize("room_kb", range(4, 60, 8))
def test_a_disk_that_fills_up(tmp_path, room_kb):
    with disk(tmp_path / "disk", "-o", "size=128k") as place:
        for name in ("a", "b"):
            (place / name).write_bytes(name.encode() * 10_000)
        free = shutil.disk_usage(place).free
        (place / "ballast").write_bytes(b"x" * (free - room_kb * 1024))
        before = snapshot(place)
        with pytest.raises(OutputError, match="the disk is full"):
            apply_changes({place / "c": b"c" * 10_000, place / "a": b"A" * 12_000, place / "n/d": b"d" * 30_000})
        assert snapshot(place) == before


def test_a_disk_that_may_not_be_written(tmp_path):
    with disk(tmp_path / "disk") as place:
        (place / "a").write_bytes(b"a")
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        before = snapshot(place)
        for path in (place / "a", place / "new/b"):
            with pytest.raises(OutputError, match="read-only"):
                apply_changes({path: b"x"})
        with pytest.raises(OutputError, match="read-only"):
            apply_changes({place / "a": None})
        assert snapshot(place) == before


def test_a_folder_in_the_way(place):
    (place / "old.d").mkdir()
    before = snapshot(place)
    with pytest.raises(OutputError, match=r"old\.d: it is a folder"):
        apply_changes({place / "x/new.txt": b"1", place / "same.txt": b"2", place / "old.d": b"3"})
    assert snapshot(place) == before


def test_a_file_where_a_folder_is_needed(place):
    before = snapshot(place)
    with pytest.raises(OutputError, match="cannot write"):
        apply_changes({place / "same.txt": b"2", place / "old.txt/new.txt": b"1"})
    assert snapshot(place) == before
