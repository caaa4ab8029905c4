"""`reaper-aeq batch` on a cluster inside the test's own process: what it leaves, skips, tries again and refuses."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import soundfile
from batch_kit import catalog, records, results, rows, settle
from distributed import Client, LocalCluster
from sounds import noise, store

from reaper_aeq.batch import workers as crew
from reaper_aeq.batch.inputs import find_tasks
from reaper_aeq.batch.task import NAME, Recipe
from reaper_aeq.cli.main import main
from reaper_aeq.project.plan import read_plan
from reaper_aeq.reaper.rpp.project import Project
from reaper_aeq.request import EqRequest
from reaper_aeq.util.locks import lock

PLAN = """[default]
word = "warm"
[master]
word = "bright"
intensity = 0.5
"""


@pytest.fixture(scope="module")
def address() -> str:
    """A scheduler and two threads of workers; what a test changes in the package changes for them too."""
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, silence_logs=logging.CRITICAL
    )
    yield cluster.scheduler_address
    cluster.close()


@pytest.fixture
def songs(tmp_path) -> Path:
    """Two projects in each of two folders with the same names, one more whose media are lost, two loose recordings."""
    (tmp_path / "plan.toml").write_text(PLAN)
    return catalog(tmp_path / "in", songs=2, lost=True, takes=2)


@pytest.fixture
def batch(songs, run, address):
    """batch(*options): the command over `songs` with its results in `out`."""

    def call(*options, out="out"):
        plan = () if "--plan" in options else ("--plan", songs.with_name("plan.toml"))
        return run("batch", songs, "--out", songs.with_name(out), "--scheduler", address, *plan, *options)

    return call


def test_a_folder_as_it_comes_from_a_mac(tmp_path, run, address):
    folder = tmp_path / "rec"
    (folder / ".Trash-1000").mkdir(parents=True)
    store(folder / "voice.wav", noise())
    shutil.copy(folder / "voice.wav", folder / ".Trash-1000" / "deleted.wav")
    for name in ("._voice.wav", "._song.rpp"):
        (folder / name).write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \x00\x02\x00\x00")
    (tmp_path / "plan.toml").write_text(PLAN)
    options = ("--word", "warm", "--plan", tmp_path / "plan.toml", "--scheduler", address)
    code, out, err = run("batch", folder, "--out", tmp_path / "results", *options)
    assert (code, err) == (0, "") and out.startswith("1 done\n")
    assert [Path(record["path"]).name for record in records(tmp_path / "results")] == ["voice.wav"]


def test_each_is_a_task_with_its_own_result(songs, batch):
    before = {path: path.read_bytes() for path in songs.rglob("*") if path.is_file()}
    code, out, err = batch("--word", "warm", "--render")
    where = songs.with_name("out")
    assert code == 1 and "6 done, 1 failed" in out, err
    assert f"wrote {where / 'index.html'}" in out
    assert "lost.rpp: none of the project's media can be heard" in err and "Traceback" not in err
    assert "2 recordings were left out, in folders that hold a project" in err
    assert {path: path.read_bytes() for path in songs.rglob("*") if path.is_file()} == before
    assert len(results(where)) == 6 and [bool(row["error"]) for row in rows(where)].count(True) == 1
    found = records(where)
    assert {Path(record["path"]).name for record in found} == {f"song {n}.rpp" for n in range(2)} | {
        f"take {n}.wav" for n in range(2)
    }
    for record in found:
        assert all((where / record["id"] / name).stat().st_size == size for name, size in record["outputs"].items())
    take = next(record for record in found if record["path"].endswith("take 1.wav"))
    folder = where / take["id"]
    told = json.loads((folder / "take 1.aeq.json").read_text())
    assert told["score"]["after"] > told["score"]["before"] and told["instance"] == "AEQ: warm 100%"
    chain = (folder / "take 1.aeq.RfxChain").read_bytes()
    assert b"AEQ: warm 100%" in chain and "What was done" not in (folder / "take 1.aeq.html").read_text("utf-8")
    assert soundfile.info(folder / "take 1.aeq.wav").frames == soundfile.info(songs / "loose" / "take 1.wav").frames


def test_a_project_in_a_batch_is_what_project_makes(songs, batch, run):
    assert batch()[0] == 1
    song = songs / "a" / "song 1.rpp"
    assert run("project", song, "--plan", songs.with_name("plan.toml"))[0] == 0
    record = next(r for r in records(songs.with_name("out")) if r["path"] == str(song))
    folder = songs.with_name("out") / record["id"]
    alone, among = song.with_name("song 1.aeq.rpp"), folder / "song 1.aeq.rpp"
    told = [json.loads(path.read_text("utf-8")) for path in (folder / "song 1.aeq.json", alone.with_suffix(".json"))]
    assert told[0].pop("project_sha256") != told[1].pop("project_sha256")  # for the way to the media
    assert told[0] == told[1]
    # but for the way to the media, which are heard from there too
    media = [track.items[0].take.source.path for track in Project.read(among).tracks]
    assert all(path.samefile(songs / "a" / "vox.wav") for path in media)
    fresh = re.compile(rb"FILE .*|FXID .*")
    assert fresh.sub(b"", among.read_bytes()) == fresh.sub(b"", alone.read_bytes())


def test_what_did_not_change_is_not_done_again(songs, batch):
    where = songs.with_name("out")
    batch("--word", "warm")
    before = results(where)
    code, out, _ = batch("--word", "warm", "--json")
    assert code == 1 and {**json.loads(out), "seconds": 0, "index": 0} == {
        "done": 0, "unchanged": 6, "failed": 1, "seconds": 0, "index": 0,
    }  # fmt: skip
    assert results(where) == before

    def redone(*options) -> set[str]:
        batch(*options)
        new = results(where)
        changed = {id.rpartition("-")[0] for id in new if new[id] != before.get(id)}
        before.update(new)
        return changed

    takes, projects = {f"take {n}" for n in range(2)}, {f"song {n}" for n in range(2)}
    assert redone("--word", "airy") == takes  # projects do not depend on it
    songs.with_name("plan.toml").write_text("[default]\nword = 'deep'\n")
    again = ("--word", "airy")
    assert redone(*again) == projects
    settle(store(songs / "a" / "vox.wav", noise(2, 1.0, seed=99)))
    assert redone(*again) == projects and len({r["result"] for r in records(where)}) == 6
    store(songs / "b" / "no.wav", noise(2, 1.0))
    assert redone(*again) == {"lost"}  # its media were found
    shutil.rmtree(where / next(id for id in before if id.startswith("take 1")))
    assert redone(*again) == {"take 1"}  # its result was lost
    assert redone(*again, "--again") == takes | projects | {"lost"}
    assert redone(*again) == set()


def test_nothing_is_worked_on_twice(songs, batch, monkeypatch):
    from reaper_aeq.project import whole

    plain, worked_on = whole.equalize_file, []

    def counted(song, *arguments, **options):
        worked_on.append(song)
        return plain(song, *arguments, **options)

    monkeypatch.setattr(whole, "equalize_file", counted)
    batch()
    batch()
    projects = [song for song in songs.rglob("*.rpp") if song.name != "lost.rpp"]
    assert sorted(song for song in worked_on if song.name != "lost.rpp") == sorted(projects)


def test_only_times_changed(songs, batch):
    where = songs.with_name("out")
    batch()
    before = results(where)
    for path in songs.rglob("*.*"):
        settle(path, age_s=30)
    _, out, _ = batch("--json")
    assert json.loads(out)["unchanged"] == 4 and results(where) == before


@pytest.fixture
def flaky(monkeypatch):
    """flaky(name, times): the project of that name fails so often."""
    from reaper_aeq.project import whole as story

    plain, left = story.equalize_file, {}

    def failing(song, *arguments, **options):
        if left.get(song.name, 0) > 0:
            left[song.name] -= 1
            raise OSError(errno.EIO, "the network was away")
        return plain(song, *arguments, **options)

    monkeypatch.setattr(story, "equalize_file", failing)
    return left.__setitem__


def test_a_task_that_fails_is_tried_again_then_reported(songs, batch, flaky):
    flaky("song 0.rpp", 1)  # of two projects of that name, whichever comes first
    flaky("song 1.rpp", 99)
    code, out, err = batch()
    where = songs.with_name("out")
    states = sorted(
        (Path(row["path"]).name, "failed" if row["error"] else "done", row["attempts"]) for row in rows(where)
    )
    assert states == [
        ("lost.rpp", "failed", 1),  # its own fault: another try would end like the first
        ("song 0.rpp", "done", 1), ("song 0.rpp", "done", 2),
        ("song 1.rpp", "failed", 3), ("song 1.rpp", "failed", 3),
    ]  # fmt: skip
    assert code == 1 and err.count("the network was away") == 2 and "2 done, 3 failed" in out
    assert "equalize_file" in next(row["trace"] for row in rows(where) if "song 1" in row["path"])
    page = (where / "index.html").read_text("utf-8")
    assert "the network was away" in page and "none of the project&#39;s media" in page
    flaky("song 1.rpp", 0)
    batch()
    assert len(records(where)) == 4


def test_retries_may_be_none(songs, batch, flaky):
    flaky("song 1.rpp", 1)
    batch("--retries", 0)
    assert [row["attempts"] for row in rows(songs.with_name("out")) if row["error"]] == [1, 1]


def test_a_file_that_changes_meanwhile_is_done_anew(songs, batch, monkeypatch):
    from reaper_aeq.project import whole as story

    plain, changed = story.equalize_file, []

    def saved_meanwhile(song, *arguments, **options):
        answer = plain(song, *arguments, **options)
        if song == songs / "a" / "song 0.rpp" and not changed:
            changed.append(song.write_bytes(song.read_bytes().replace(b"Lead vox", b"Lead VOX")))
        return answer

    monkeypatch.setattr(story, "equalize_file", saved_meanwhile)
    batch()
    record = next(r for r in records(songs.with_name("out")) if r["path"] == str(songs / "a" / "song 0.rpp"))
    written = songs.with_name("out") / record["id"] / "song 0.aeq.rpp"
    assert changed and Project.read(written).tracks[0].name == "Lead VOX"


def test_what_is_said_of_a_task_being_damaged_or_gone_costs_that_task_alone(songs, batch):
    where = songs.with_name("out")
    batch()
    before = results(where)
    damaged, gone = sorted(before)[:2]
    (where / damaged / NAME).write_bytes(b"nothing of the kind" * 99)
    (where / gone / NAME).unlink()
    _, out, _ = batch()
    now = results(where)
    assert "2 done, 2 unchanged, 1 failed" in out and now.keys() == before.keys()
    assert {id for id in now if now[id] != before[id]} == {damaged, gone}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href", "xlink:href")]


def test_the_page_over_all(songs, batch):
    store(songs / "loose" / "tom & <jerry>.wav" if os.name != "nt" else songs / "loose" / "tom & jerry.wav", noise(1))
    batch("--word", "less muddy")
    where = songs.with_name("out")
    html = (where / "index.html").read_text("utf-8")
    page = Page()
    page.feed(html)
    assert page.links and all((where / unquote(link)).is_file() for link in page.links)
    assert "script" not in page.tags and "http" not in html and "<jerry>" not in html and "tom &amp; " in html
    assert html.count('<svg class="meter"') == 7 and "2 of 2" in html and not re.search(r"\bnan\b|None", html)
    listed = json.loads((where / "index.json").read_text())["tasks"]
    assert len(listed) == 8 and all((where / name).is_file() for task in listed for name in task["files"])
    assert [task["error"] is None for task in listed] == [task["state"] == "done" for task in listed]


# Refusals ---------------------------------------------------------------------------------------------------------


def refused(answer, sentence: str) -> None:
    code, out, err = answer
    assert code == 2 and out == "", (code, out, err)
    assert err.splitlines()[-1].startswith("error: ") and sentence in err and "Traceback" not in err, err


MISTAKES = {
    "nothing named": (["batch", "-o", "out"], "nothing to do: name projects"),
    "two crews": (["batch", "in", "-o", "out", "--workers", 2, "--scheduler", "tcp://x:1"], "say either --workers"),
    "no such input": (["batch", "nowhere", "-o", "out"], "nowhere: there is no such file or folder"),
    "recordings without a word": (["batch", "in/loose", "-o", "out"], "say with --word what they should get"),
    "unknown method": (["batch", "in", "-o", "out", "--method", "magic"], "unknown method 'magic'"),
    "intensity": (["batch", "in", "-o", "out", "--intensity", 3], "intensity must lie between -2 and 2"),
    "no plan": (["batch", "in", "-o", "out", "--plan", "no.toml"], "no.toml does not exist"),
    "unreadable plan": (["batch", "in", "-o", "out", "--plan", "bad.toml"], "bad.toml: line 1: not TOML"),
    "out is a file": (["batch", "in", "-o", "bad.toml"], "cannot write bad.toml"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(songs, run, monkeypatch, name):
    monkeypatch.chdir(songs.parent)
    Path("bad.toml").write_text("[default\n")
    arguments, sentence = MISTAKES[name]
    refused(run(*arguments), sentence)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--plan", "wram.toml"], "wram.toml: line 2: unknown word 'wram': did you mean 'warm'"),
        (["--word", "wram"], "unknown word 'wram'"),
        (["--plan", "like.toml"], "line 2: "),
    ],
)
def test_what_only_the_engine_knows_is_said_before_anything_is_done(songs, batch, monkeypatch, options, sentence):
    monkeypatch.chdir(songs.parent)
    Path("wram.toml").write_text("[default]\nword = 'wram'\n")
    Path("like.toml").write_text("[master]\nreference = 'nowhere.wav'\n")
    refused(batch(*options), sentence)
    assert records(songs.with_name("out")) == []


def test_one_batch_at_a_time(songs, batch):
    out = songs.with_name("out")
    out.mkdir()
    held = lock(out / "batch")
    refused(batch(), f"another batch is running in {out}")
    held.close()
    assert batch()[0] == 1


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:1", "tcp://127.0.0.1", "nonsense", "http://127.0.0.1:1"])
def test_no_scheduler(songs, run, where):
    started = time.monotonic()
    asked = ["batch", songs, "--plan", songs.with_name("plan.toml"), "--out", songs.with_name("out")]
    refused(run(*asked, "--scheduler", where), f"no scheduler at {where}")
    assert time.monotonic() - started < 15


def test_workers_of_another_version_are_refused(songs, batch, monkeypatch):
    monkeypatch.setattr(crew, "__version__", "9.9.9")
    refused(batch(), "the scheduler has reaper-aeq 0.1.0, this command 9.9.9: install the same on both")


def test_workers_with_other_models_are_refused(songs, batch, monkeypatch):
    from reaper_aeq.batch import task

    monkeypatch.setattr(task, "hash_of_models", lambda folder: "another")
    refused(batch(), "has other models than this command")


def test_a_worker_that_does_not_see_the_files(songs, batch, monkeypatch):
    from reaper_aeq.batch import work

    plain = os.path.isdir
    monkeypatch.setattr(work.os.path, "isdir", lambda path: plain(path) and not str(path).endswith("out"))
    refused(batch(), "workers need the same file system")


WORKER = "from distributed.cli.dask_worker import main; main()"
BARE = f"import sys; sys.modules['reaper_aeq'] = None; {WORKER}"
SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"


@contextmanager
def process(code: str, *arguments: object):
    """Of Dask, as on another machine."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *map(str, arguments), "--no-dashboard"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


def test_workers_elsewhere(songs, run, tmp_path, monkeypatch):
    file = tmp_path / "scheduler.json"
    with process(SCHEDULER, "--host", "127.0.0.1", "--port", 0, "--scheduler-file", file) as scheduler:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        asked = ("batch", songs, "--out", songs.with_name("out"), "--plan", tmp_path / "plan.toml")
        with process(BARE, address, "--no-nanny", "--nthreads", 1), Client(address) as client:
            client.wait_for_workers(1, timeout=60)
            refused(run(*asked, "--scheduler", address), "does not have reaper-aeq 0.1.0")
        with process(WORKER, address, "--no-nanny", "--nthreads", 2):
            # before it has come
            code, out, err = run(*asked, "--scheduler", address)
            assert code == 1 and "4 done, 1 failed" in out, err
        assert len(records(songs.with_name("out"))) == 4
        # and without any, until the scheduler ends
        killing = threading.Timer(8, scheduler.kill)
        killing.start()
        answer = run(*asked, "--again", "--scheduler", address)
        killing.join()
        assert "no workers yet: waiting for them" in answer[2]
        refused(answer, "the scheduler is gone: what was finished is kept")
    assert len(records(songs.with_name("out"))) == 4


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_no_rights_to_write(songs, capsys, address, tiny_models):
    # Not tmp_path: an unprivileged user cannot enter that one when the tests run as root.
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(songs, Path(folder, "in"))
        shutil.copytree(tiny_models, Path(folder, "models"))
        os.chmod(Path(folder, "models"), 0o755)  # pytest's folders are closed to others
        user, plan = os.geteuid(), shutil.copy(songs.with_name("plan.toml"), folder)
        read_plan(songs.with_name("plan.toml"))  # loads what that user could not, where Python itself is root's
        os.chmod(folder, 0o555)
        try:
            if user == 0:
                os.seteuid(65534)
            for out in (Path(folder, "out"), Path(folder)):
                asked = ["batch", Path(folder, "in"), "--plan", plan, "--out", out, "--scheduler", address]
                code = main([*map(str, asked), "--models", str(Path(folder, "models"))])
                refused((code, *capsys.readouterr()), "you may not write there")
        finally:
            os.seteuid(user)
            os.chmod(folder, 0o755)
        assert sorted(os.listdir(folder)) == ["in", "models", "plan.toml"]


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="mounting needs root on Linux")
def test_a_disk_that_is_really_full(songs, batch):
    small = songs.with_name("small")
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=260k", "none", small], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        code, _, err = batch(out="small")
        assert code in (1, 2) and "the disk is full" in err and "Traceback" not in err
        assert not list(small.rglob(".aeq-*"))
        kept = results(small)
        subprocess.run(["mount", "-o", "remount,size=9m", small], check=True)
        assert batch(out="small")[0] == 1
        found = results(small)
        assert len(found) == 4 and found.items() >= kept.items()
    finally:
        subprocess.run(["umount", small], check=True)


def test_recordings_of_one_chunk_share_a_pass(tmp_path, tiny_models, monkeypatch):
    from reaper_aeq.batch.work import work
    from reaper_aeq.engine import AdaptiveEQ

    songs = catalog(tmp_path / "in", songs=0, takes=3)
    (songs / "loose" / "silent.wav").write_bytes((songs / "loose" / "take 0.wav").read_bytes()[:44])
    (tmp_path / "plan.toml").write_text(PLAN)
    request = EqRequest({"airy": 0.5, "warm": 0.2})
    recipe = Recipe.of(tmp_path / "plan.toml", request, render=False, models=tiny_models)
    out = tmp_path / "out"
    out.mkdir()
    tasks = find_tasks([str(songs / "loose")], None, out, sounds=True)[0]
    plain, passes = AdaptiveEQ.adapt_many, []
    monkeypatch.setattr(AdaptiveEQ, "adapt_many", lambda self, many: passes.append(len(many)) or plain(self, many))
    answers = work(tasks, recipe, str(out), 0, "run", False)
    assert passes == [3] and sorted("fresh" in answer for answer in answers.values()) == [False, True, True, True]
    (failed,) = [answer for answer in answers.values() if "error" in answer]
    assert failed["final"] and "silent.wav" in failed["error"]
    again = work(tasks, recipe, str(out), 0, "another run", False)
    assert passes == [3] and [answer["fresh"] for answer in again.values() if "fresh" in answer] == [False] * 3
