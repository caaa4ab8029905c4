"""Several files written as one, by several runs at a time, with runs that are stopped and killed."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reaper_aeq.errors import OutputError
from reaper_aeq.util import files as files_module
from reaper_aeq.util.files import atomic_write, refuse_replacing, same_file, sweep, write_all, write_text_atomic
from reaper_aeq.util.locks import TargetLock


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def write(writing, paths, text) -> None:
    for path in paths:
        with writing.to(path) as temporary:
            temporary.write_text(text)


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / name for name in ("a.html", "b.json", "c.rpp")]


def test_all_appear_together_and_older_ones_are_replaced(tmp_path, paths):
    paths[1].write_text("old")
    with write_all(paths) as writing:
        write(writing, paths, "new")
        assert contents(tmp_path)["b.json"] == "old" and not paths[0].exists()
    assert contents(tmp_path) == dict.fromkeys(("a.html", "b.json", "c.rpp"), "new")


@pytest.mark.parametrize("refused", ["a.html", "b.json", "c.rpp"])
@pytest.mark.parametrize("old", [(), ("a.html",), ("b.json", "c.rpp"), ("a.html", "b.json", "c.rpp")])
def test_one_that_cannot_take_its_place_leaves_all_as_it_was(tmp_path, paths, monkeypatch, refused, old):
    for name in old:
        (tmp_path / name).write_text(f"old {name}")
    before, real = contents(tmp_path), os.replace

    def replace(source, target):
        if Path(target).name == refused and not str(source).endswith(".old"):
            raise PermissionError(errno.EACCES, "held open by a player", str(target))
        real(source, target)

    monkeypatch.setattr(files_module.os, "replace", replace)
    with pytest.raises(OutputError, match=f"cannot write .*{refused}: you may not"), write_all(paths) as writing:
        write(writing, paths, "new")
    assert contents(tmp_path) == before


def test_without_second_names_on_the_disk_older_files_come_back_too(tmp_path, paths, monkeypatch):
    monkeypatch.setattr(files_module.os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    test_one_that_cannot_take_its_place_leaves_all_as_it_was(tmp_path, paths, monkeypatch, "c.rpp", ("a.html",))


def test_a_disk_that_fills_up_while_the_older_file_is_copied_keeps_nothing_of_the_copy(tmp_path, paths, monkeypatch):
    def link(source, target):
        raise OSError(errno.EPERM, "no links")

    def copy(source, target):
        Path(target).write_text("half")
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(files_module.os, "link", link)
    monkeypatch.setattr("reaper_aeq.util.output.shutil.copy2", copy)
    paths[0].write_text("old")
    with pytest.raises(OutputError), write_all(paths) as writing:
        write(writing, paths, "new")
    assert contents(tmp_path) == {"a.html": "old"}


def test_what_somebody_else_put_there_meanwhile_is_never_removed(tmp_path, paths, monkeypatch):
    """Before, an output that was not there at the start was removed at the end, whoever had written it."""
    with pytest.raises(KeyboardInterrupt), write_all(paths) as writing:
        write(writing, paths[:1], "new")
        for path in paths:
            path.write_text("of another program")
        raise KeyboardInterrupt
    assert set(contents(tmp_path).values()) == {"of another program"}
    real = os.replace

    def replace(source, target):  # the last fails, and by then somebody has replaced the first
        if Path(target).name == "c.rpp":
            paths[0].unlink()
            paths[0].write_text("theirs")
            raise OSError(errno.EIO, "error")
        real(source, target)

    monkeypatch.setattr(files_module.os, "replace", replace)
    with pytest.raises(OutputError), write_all(paths) as writing:
        write(writing, paths, "new")
    assert contents(tmp_path)["a.html"] == "theirs"


def test_an_interrupt_among_the_renames_comes_after_them(tmp_path, paths, monkeypatch):
    real = os.replace

    def replace(source, target):
        signal.raise_signal(signal.SIGINT)
        real(source, target)

    monkeypatch.setattr(files_module.os, "replace", replace)
    paths[2].write_text("before")
    with pytest.raises(KeyboardInterrupt), write_all(paths) as writing:
        kept = writing.keep(paths[2], b"before", [tmp_path / "kept"])
        write(writing, paths, "new")
    assert contents(tmp_path) == {"a.html": "new", "b.json": "new", "c.rpp": "new", "kept": "before"}
    assert kept.read_text() == "before"


@pytest.mark.parametrize("call", ["take", "release", "open", "unlink"])
def test_an_interrupt_while_locks_and_files_come_and_go_leaves_none_of_them(tmp_path, paths, monkeypatch, call):
    """Between making one and knowing of it: a lock stayed beside the song."""
    owner = TargetLock if call in ("take", "release") else files_module.os
    real = getattr(owner, call)

    def interrupted(*arguments):
        found = real(*arguments)
        signal.raise_signal(signal.SIGINT)
        return found

    monkeypatch.setattr(owner, call, interrupted)
    with pytest.raises(KeyboardInterrupt), write_all(paths) as writing:
        write(writing, paths, "new")
    monkeypatch.undo()
    assert [name for name in os.listdir(tmp_path) if name.startswith(".aeq-")] == []


def test_a_copy_that_is_kept_never_replaces_anything_and_goes_if_the_run_fails(tmp_path, paths, monkeypatch):
    names = [tmp_path / f"backup{n}" for n in range(3)]
    paths[2].write_text("now")
    names[0].write_text("an older backup")
    with write_all(paths) as writing:
        assert writing.keep(paths[2], b"now", names) == names[1]
        write(writing, paths, "new")
    assert (names[0].read_text(), names[1].read_text()) == ("an older backup", "now")
    with pytest.raises(ValueError), write_all(paths) as writing:
        assert writing.keep(paths[2], b"new", names) == names[2]
        raise ValueError
    assert not names[2].exists()
    monkeypatch.setattr(files_module.os.path, "lexists", lambda path: False)  # it appeared a moment later
    with pytest.raises(OutputError, match="every name for it is taken"), write_all(paths) as writing:
        writing.keep(paths[2], b"new", names[:2])
    assert (names[0].read_text(), names[1].read_text()) == ("an older backup", "now")
    assert len(contents(tmp_path)) == 5


def test_a_target_is_one_runs_at_a_time_in_any_spelling(tmp_path):
    (tmp_path / "link.wav").symlink_to("out.wav")
    with write_all([tmp_path / "out.wav"]):
        for other in ("out.wav", "link.wav", "OUT.WAV", "./x/../out.wav"):
            with pytest.raises(OutputError, match="another run is writing it just now"), write_all([tmp_path / other]):
                pass
        with write_all([tmp_path / "another.wav"]):
            pass
    assert sorted(os.listdir(tmp_path)) == ["another.wav", "link.wav", "out.wav"]


def test_one_name_twice_is_refused_and_two_that_differ_in_case_are_two(tmp_path):
    with pytest.raises(OutputError, match="twice"), write_all([tmp_path / "a", tmp_path / "x" / ".." / "a"]):
        pass
    if not (tmp_path / "PROBE").exists():
        (tmp_path / "probe").touch()
    pair = [tmp_path / "a.wav", tmp_path / "A.wav"]
    if not (tmp_path / "PROBE").exists():  # a disk that knows case
        with write_all(pair) as writing:
            for path in pair:
                with writing.to(path) as temporary:
                    temporary.write_text(path.name)
        assert [path.read_text() for path in pair] == ["a.wav", "A.wav"]


WRITER = """
import sys, time
from pathlib import Path
from reaper_aeq.util.files import write_all
folder, text, ready = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
paths = [folder / name for name in ("a.html", "b.json", "c.rpp")]
with write_all(paths) as writing:
    for path in paths:
        with writing.to(path) as temporary:
            temporary.write_text(text)
    ready.write_text("x")
    time.sleep(60)
"""


def start(folder: Path, text: str, ready: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", WRITER, folder, text, ready], stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if ready.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    return process


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_run_leaves_nothing_for_ever_and_a_living_one_keeps_its_own(tmp_path):
    folder = tmp_path / "songs"
    folder.mkdir()
    (folder / "a.html").write_text("old")
    first = start(folder, "first", tmp_path / "ready1")
    second = start(folder, "second", tmp_path / "ready2")
    assert second.wait(30) == 1 and "another run is writing it just now" in second.stderr.read()
    sweep(folder)
    assert len(os.listdir(folder)) == 7, "the living run's three files, its three locks and the old one"
    first.kill()
    first.wait()
    assert len(os.listdir(folder)) == 7
    sweep(folder)
    assert contents(folder) == {"a.html": "old"}
    # the next run needs no sweep of its own, and is not kept out
    third = start(folder, "third", tmp_path / "ready3")
    third.kill()
    third.wait()
    paths = [folder / name for name in ("a.html", "b.json", "c.rpp")]
    with write_all(paths) as writing:
        write(writing, paths, "fourth")
    assert contents(folder) == dict.fromkeys(("a.html", "b.json", "c.rpp"), "fourth")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupted_run_leaves_what_another_finished(tmp_path):
    folder = tmp_path / "songs"
    folder.mkdir()
    run = start(folder, "stopped", tmp_path / "ready")
    (folder / "a.html").write_text("theirs")
    run.send_signal(signal.SIGINT)
    run.wait(30)
    assert contents(folder) == {"a.html": "theirs"}


def test_small_files_wait_for_each_other(tmp_path):
    lock = TargetLock.take(tmp_path / (TargetLock.name(tmp_path / "state.json") + ".lock"))
    import threading

    threading.Timer(0.3, lock.release).start()
    write_text_atomic(tmp_path / "state.json", "x")
    assert os.listdir(tmp_path) == ["state.json"]


def test_many_threads_on_one_file_leave_one_of_their_texts(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write_text_atomic(tmp_path / "a", f"{n}" * 1000), range(40)))
    text = (tmp_path / "a").read_text()
    assert len(set(text)) <= 2 and os.listdir(tmp_path) == ["a"]


def test_a_disk_without_locks_is_written_to_all_the_same(tmp_path, monkeypatch):
    from reaper_aeq.util import locks

    def none(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "_take", none)
    (tmp_path / ".aeq-0123456789ab.wav").write_text("perhaps of a living one")
    for _ in range(2):
        with write_all([tmp_path / "a"]) as writing, writing.to(tmp_path / "a") as temporary:
            temporary.write_text("x")
    assert (tmp_path / "a").read_text() == "x" and (tmp_path / ".aeq-0123456789ab.wav").exists()


def test_files_of_the_user_that_look_a_little_like_ours_stay(tmp_path):
    for name in (".aeq-notes.txt", ".aeq-", "aeq-0123456789ab.wav", ".aeq-0123456789abcdef.wav"):
        (tmp_path / name).write_text("mine")
    sweep(tmp_path)
    assert len(os.listdir(tmp_path)) == 4


def test_one_file_is_known_by_any_of_its_names(tmp_path):
    song = tmp_path / "song.wav"
    song.write_text("x")
    os.link(song, tmp_path / "hard.wav")
    (tmp_path / "soft.wav").symlink_to(song)
    (tmp_path / "loop").symlink_to("loop")
    for name in ("hard.wav", "soft.wav", "./y/../song.wav"):
        (tmp_path / "y").mkdir(exist_ok=True)
        assert same_file(song, tmp_path / name)
        with pytest.raises(OutputError, match=r"is one of the files that are read \(.*song\.wav\): choose another"):
            refuse_replacing([tmp_path / name], [tmp_path / "nowhere", song])
    assert not same_file(song, tmp_path / "other.wav") and not same_file(tmp_path / "loop", song)
    refuse_replacing([tmp_path / "other.wav"], [song, "a\0b"])


def test_what_a_block_writes_through_another_writer_is_taken(tmp_path):
    target = tmp_path / "a.json"
    with atomic_write(target) as temporary:
        write_text_atomic(temporary, "nested")
    assert contents(tmp_path) == {"a.json": "nested"}
