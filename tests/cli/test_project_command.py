"""`reaper-aeq project`: what it sets, writes and reports; every mistake leaves all as it was."""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from sounds import RATE, noise, store

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from json_eq import eq_from_json
from standin.example import ItemSpec, TrackSpec, other, reaeq, write

from reaper_aeq import Band, Eq
from reaper_aeq.methods.reference import Matching
from reaper_aeq.model.curves import GRID
from reaper_aeq.reaper.rpp.project import Project

PLAN = """leave = ["guide"]
[[rule]]
track = "*vox*"
word = "airy 0.5, clear 0.2"
[[rule]]
track = "bus"
on = "buses"
word = "crisp"
intensity = 0.5
[default]
word = "warm"
[master]
word = "bright"
intensity = 0.25
"""


@pytest.fixture
def band(tmp_path) -> Path:
    """A project of seven tracks, alone in its folder with its media and a plan."""
    for n, name in enumerate(("vox", "bass", "guide")):
        store(tmp_path / f"{name}.wav", noise(2, 2.0, seed=n))
    user = reaeq(Eq((Band("band", 500.0, 3.0),)), "mine")
    specs = [
        TrackSpec("bus", folder=1, volume=0.5),
        TrackSpec("Lead VOX", [ItemSpec("vox.wav", 0.0, 2.0)], fx=[other(), user]),
        TrackSpec("bass", [ItemSpec("bass.wav", 0.5, 1.5), ItemSpec("lost.wav", 3.0, 1.0)], folder=-1),
        TrackSpec("guide", [ItemSpec("guide.wav", 0.0, 2.0)]),
        TrackSpec("synth", [ItemSpec(notes=[(60, 0.0, 1.0)])]),
        TrackSpec("off", [ItemSpec("bass.wav", 0.0, 1.0)], muted=True),
        TrackSpec("empty"),
    ]
    (tmp_path / "plan.toml").write_text(PLAN)
    return write(tmp_path / "song.rpp", specs, sample_rate=RATE)


@pytest.fixture(scope="module", autouse=True)
def matching(tiny_models) -> None:
    """What a reference needs beside the other models: broad EQs of 4 dB, content a third of an octave wide."""
    octaves = GRID.log2()
    apart = (octaves[:, None] - octaves).square()
    flat = 0.01 * torch.eye(len(GRID)).double()
    Matching(16 * torch.exp(-0.2 * apart) + flat, 6 * torch.exp(-5 * apart) + flat).save(tiny_models, {})


@pytest.fixture
def by_plan(band, run):
    """by_plan(*options): runs the band's project by its plan."""
    return lambda *options: run("project", band, "--plan", band.with_name("plan.toml"), *options)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def ours(path: Path) -> dict[str, list[str]]:
    """The names of our instances by track."""
    project = Project.read(path)
    holders = [*project.tracks, project.master]
    return {h.name: [eq.name for eq in h.eqs() if eq.name.startswith("AEQ")] for h in holders}


def test_a_project_by_a_plan(band, by_plan):
    before = files(band.parent)
    code, out, err = by_plan()
    assert code == 0 and "wrote" in out and "Traceback" not in err
    written = band.with_name("song.aeq.rpp")
    assert set(files(band.parent)) - set(before) == {"song.aeq.rpp", "song.aeq.html", "song.aeq.json"}
    assert band.read_bytes() == before["song.rpp"]
    assert ours(written) == {
        "bus": ["AEQ: crisp 50%"], "Lead VOX": ["AEQ: airy 50% + clear 20%"], "bass": ["AEQ: warm 100%"],
        "guide": [], "synth": [], "off": [], "empty": [], "MASTER": ["AEQ: bright 25%"],
    }  # fmt: skip
    vox = Project.read(written).tracks[1]
    assert [eq.name for eq in vox.eqs()] == ["AEQ: airy 50% + clear 20%", "mine"]  # first, the user's untouched
    assert vox.eqs()[1].eq.bands[0].gain_db == pytest.approx(3.0)
    rows = {row["name"]: row for row in json.loads(band.with_name("song.aeq.json").read_text())["tracks"]}
    assert rows["bass"]["bands"] == vox_bands(written, 2)
    assert rows["bass"]["score"]["after"] > rows["bass"]["score"]["before"]
    assert "lost.wav does not exist" in rows["bass"]["warnings"][0]
    left = {name: row["left_alone"] for name, row in rows.items() if row["left_alone"]}
    assert left.keys() == {"guide", "synth", "off", "empty"}
    for name, words in (("guide", "the plan"), ("synth", "MIDI"), ("off", "muted"), ("empty", "nothing plays")):
        assert words in left[name]
    assert rows["MASTER"]["loudness_lufs"]["before"] == pytest.approx(rows["MASTER"]["loudness_lufs"]["after"], abs=0.3)
    # taken away again, nothing is left of it
    project = Project.read(written)
    for holder in (*project.tracks, project.master):
        for name in ours(written)[holder.name]:
            holder.remove_eq(name)
    assert project.to_bytes() == before["song.rpp"]


def test_an_eq_of_0_db_is_not_inserted_and_counted_apart(band, by_plan):
    """A former one goes: it would be heard, and nothing is wanted."""
    by_plan()
    first = band.with_name("song.aeq.rpp").read_bytes()
    band.write_bytes(first)
    assert ours(band)["bass"] == ["AEQ: warm 100%"]
    band.with_name("plan.toml").write_text(PLAN.replace('word = "warm"', 'word = "warm"\nintensity = 0'))
    code, out, _ = by_plan()
    assert code == 0 and "0.0 dB: not inserted" in out
    assert ours(band.with_name("song.aeq.rpp"))["bass"] == []
    rows = {row["name"]: row for row in json.loads(band.with_name("song.aeq.json").read_text())["tracks"]}
    assert (rows["bass"]["inserted"], rows["bass"]["instance"], rows["bass"]["left_alone"]) == (False, None, None)
    assert rows["Lead VOX"]["inserted"] and not rows["guide"]["inserted"]
    page = band.with_name("song.aeq.html").read_text()
    assert "3 of 8 got an EQ by the plan plan.toml, 1 would get an EQ of 0.0 dB, so none was inserted, 4 left" in page


def vox_bands(path: Path, track: int) -> list[dict]:
    eq = Project.read(path).tracks[track].eqs()[0].eq
    return [
        {key: pytest.approx(value, abs=1e-6) if isinstance(value, float) else value for key, value in band.items()}
        for band in eq.to_dict()["bands"]
    ]


def test_the_sum_is_heard_with_the_new_eqs(band, run, by_plan):
    """The same EQs set by hand and heard by `adapt` give the same for the master."""
    strong = PLAN.replace('word = "warm"', 'word = "warm"\nintensity = 2').replace("0.25", "1.0")
    band.with_name("plan.toml").write_text(strong)
    by_plan()
    project = Project.read(band.with_name("song.aeq.rpp"))
    bus, vox, bass = (track.eqs()[0].eq for track in project.tracks[:3])
    sound = np.zeros((2, 2 * RATE), np.float32)
    for file, eq, start, seconds in (("vox", vox, 0, 2), ("bass", bass, 0.5, 1.5)):
        audio = noise(2, 2.0, seed=("vox", "bass").index(file))[:, : round(seconds * RATE)]
        at = round(start * RATE)
        sound[:, at : at + audio.shape[1]] += eq.apply(audio, RATE)
    guide = noise(2, 2.0, seed=2)
    store(band.with_name("sum.wav"), bus.apply(sound, RATE) * 0.5 + guide)
    _, out, _ = run("adapt", band.with_name("sum.wav"), "bright", "--kind", "mix", "--json")
    wanted = eq_from_json(json.loads(out))
    heard = project.master.eqs()[0].eq
    grid = np.geomspace(40, 16_000, 60)
    assert np.abs(heard.response_db(grid, RATE) - wanted.response_db(grid, RATE)).max() < 0.15


def test_again_nothing_changes_a_byte(band, run, by_plan):
    plan = ("--plan", band.with_name("plan.toml"))
    assert by_plan()[0] == 0
    first = files(band.parent)
    assert by_plan()[0] == 0
    assert files(band.parent) == first
    done = band.with_name("song.aeq.rpp")
    assert run("project", done, *plan, "--in-place")[0] == 0
    assert done.read_bytes() == first["song.aeq.rpp"]
    assert not list(band.parent.glob("*.rpp-bak"))  # for there was nothing to keep


def test_another_plan_replaces_what_we_set(band, by_plan):
    by_plan("--in-place")
    band.with_name("plan.toml").write_text("[default]\nword = 'deep'\n")
    by_plan("--in-place")
    names = ours(band)
    assert names["bass"] == ["AEQ: deep 100%"] and names["Lead VOX"] == ["AEQ: deep 100%"]
    assert names["bus"] == ["AEQ: crisp 50%"] and names["MASTER"] == ["AEQ: bright 25%"]  # no longer spoken of


def test_in_place_keeps_a_dated_backup(band, by_plan):
    before = band.read_bytes()
    code, out, _ = by_plan("--in-place", "--json")
    assert code == 0 and ours(band)["MASTER"]
    (backup,) = band.parent.glob("*.rpp-bak")
    assert backup.read_bytes() == before and re.fullmatch(r"song-\d{4}-\d\d-\d\d_\d{6}\.rpp-bak", backup.name)
    assert json.loads(out)["backup"] == str(backup)


def test_a_dry_run_writes_nothing(band, by_plan):
    before = files(band.parent)
    code, out, _ = by_plan("--dry-run")
    assert code == 0 and "Lead VOX" in out and "left alone" in out and "wrote" not in out
    assert files(band.parent) == before


def test_the_default_plan_is_printed(run, capsys):
    code, out, _ = run("project", "--default-plan")
    assert code == 0 and out.startswith("# What `reaper-aeq project` does") and "[master]" in out


def test_json_is_the_report(band, by_plan):
    _, out, _ = by_plan("--json")
    written = json.loads(band.with_name("song.aeq.json").read_text())
    assert written.pop("project_sha256") == hashlib.sha256(band.with_name("song.aeq.rpp").read_bytes()).hexdigest()
    assert {**written, "backup": None} == json.loads(out)


def test_a_reference_for_the_master(band, by_plan):
    bright = np.diff(noise(2, 3.0, seed=9), prepend=0) * 5
    store(band.with_name("like.wav"), bright.astype(np.float32))
    band.with_name("plan.toml").write_text("[master]\nreference = 'like.wav'\nintensity = 0.8\n")
    code, out, _ = by_plan("--json")
    master = json.loads(out)["tracks"][-1]
    assert code == 0 and master["instance"] == "AEQ match: like 80%"
    assert master["distance_db"]["after"] < 0.8 * master["distance_db"]["before"]
    assert Project.read(band.with_name("song.aeq.rpp")).master.eqs()[0].eq.response_db([100.0, 8000.0], RATE)[1] > 2


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_nothing_but_itself(band, by_plan):
    data = band.read_bytes().replace(b"NAME bass", b'NAME "<b>ba\'ss & co</b>"')
    band.write_bytes(data)
    by_plan()
    html = band.with_name("song.aeq.html").read_text("utf-8")
    page = Page()
    page.feed(html)
    text = " ".join(page.text)
    assert all(link.startswith("#") for link in page.links) and "http" not in html and "url(" not in html
    assert "script" not in page.tags and page.tags.count("svg") >= 4 * 3
    assert "<b>ba'ss & co</b>" in text and "lost.wav does not exist" in text and "prefers-color-scheme" in html
    for words in ("AEQ: warm 100%", "the plan leaves it alone", "LUFS", "Output gain", 'word = "crisp"'):
        assert words in text
    assert not re.search(r"\bnan\b|\binf\b", html)


# Refusals ---------------------------------------------------------------------------------------------------------


def refused(answer, sentence: str) -> None:
    code, out, err = answer
    assert code == 2 and out == "", (code, out, err)
    assert err.startswith("error: ") and err.count("\n") == 1 and sentence in err, err


MISTAKES = {
    "no project": (lambda song: song.unlink(), [], "there is no such file"),
    "broken project": (lambda song: song.write_bytes(song.read_bytes()[:900]), [], "is never closed"),
    "all media missing": (
        lambda song: [path.unlink() for path in song.parent.glob("*.wav")], [], "none of the project's media can be"),
    "nothing in it": (lambda song: write(song, [TrackSpec("a")]), [], "holds no media items that play"),
    "plan missing": (None, ["--plan", "no.toml"], "no.toml does not exist"),
    "unreadable plan": ("[default\n", ["--plan", "plan.toml"], "plan.toml: line 1: not TOML"),
    "unknown word": ("\n[default]\nintensity = 1\nword = 'wram'\n", ["--plan", "plan.toml"],
                     "plan.toml: line 4: unknown word 'wram': did you mean 'warm'"),
    "reference missing": ("[master]\nreference = 'x.wav'\n", ["--plan", "plan.toml"], "line 2: x.wav does not"),
    "reference is silent": ("[master]\nreference = 'silent.wav'\n", ["--plan", "plan.toml"], "silent.wav is silent"),
    "the song itself": (None, ["--out", "song.rpp"], "say --in-place"),
    "two places": (None, ["--out", "a.rpp", "--in-place"], "not both"),
    "another suffix": (None, ["--out", "song.wav"], "choose a name that ends in .rpp"),
    "folder missing": (None, ["--out", "no/song.rpp"], "does not exist: create it first"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(band, run, monkeypatch, name):
    change, arguments, sentence = MISTAKES[name]
    monkeypatch.chdir(band.parent)
    store(Path("silent.wav"), np.zeros((1, RATE), np.float32))
    if isinstance(change, str):
        Path("plan.toml").write_text(change)
    elif change:
        change(Path("song.rpp"))
    before = files(band.parent)
    arguments = arguments if "--plan" in arguments else [*arguments, "--plan", "plan.toml"]
    refused(run("project", "song.rpp", *arguments), sentence)
    assert files(band.parent) == before


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_no_rights_to_write(run, band):
    # Not tmp_path: an unprivileged user cannot enter that one when the tests run as root.
    with tempfile.TemporaryDirectory() as folder:
        user = os.geteuid()
        for name in ("song.rpp", "plan.toml", "vox.wav", "bass.wav", "guide.wav"):
            shutil.copy(band.with_name(name), folder)
            os.chmod(Path(folder, name), 0o444)
        os.chmod(folder, 0o555)
        before = files(Path(folder))
        try:
            if user == 0:
                os.seteuid(65534)
            asked = ["project", Path(folder, "song.rpp"), "--plan", Path(folder, "plan.toml")]
            refused(run(*asked), "you may not write there")
            refused(run(*asked, "--in-place"), "you may not write there")
        finally:
            os.seteuid(user)
            os.chmod(folder, 0o755)
        assert files(Path(folder)) == before


FULL_DISK = """
import contextlib, io, json, os, resource, sys
from reaper_aeq.cli.main import main
for limit in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        code = main(sys.argv[2:])
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_disk_that_fills_up(band, tiny_models):
    # the project has 7 kB before and 11 after, the JSON 7, the page 70
    limits, before = [100, 5_000, 7_300, 12_000], files(band.parent)
    command = [sys.executable, "-c", FULL_DISK, json.dumps(limits), "project", band, "--in-place"]
    command += ["--plan", band.with_name("plan.toml"), "--models", tiny_models]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    for line in answer.stdout.splitlines():
        refused(json.loads(line), "the file would be larger than this disk")
    assert files(band.parent) == before and len(answer.stdout.splitlines()) == len(limits)


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="mounting needs root on Linux")
def test_a_disk_that_is_really_full(band, tmp_path, by_plan):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "none", small], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        refused(by_plan("--out", small / "song.rpp"), "the disk is full")
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", small], check=True)


LONG = """
import sys, time
sys.path[:0] = sys.argv[1:2]
import reaper_aeq.project.analysis_pool as hearing
plain = hearing.AnalysisPool.analyze
def slow(self, blocks):
    def dripping():
        for block in blocks:
            print("hearing\\n", end="", flush=True)  # in one piece: threads share it
            time.sleep(0.2)
            for part in range(0, block.shape[1], 999):
                yield block[:, part : part + 999]
                time.sleep(0.05)
    return plain(self, dripping())
hearing.AnalysisPool.analyze = slow
from reaper_aeq.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_leaves_all_as_it_was(band, tiny_models):
    before = files(band.parent)
    command = [sys.executable, "-c", LONG, "", "project", str(band), "--in-place", "--models", str(tiny_models)]
    command += ["--plan", str(band.with_name("plan.toml"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "hearing\n"
        assert set(files(band.parent)) > set(before)  # the temporary files are there
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(20) == 130 and time.monotonic() - started < 5
        err = process.stderr.read()
    assert "interrupted" in err and "Traceback" not in err
    assert files(band.parent) == before


def test_a_song_that_changes_meanwhile_is_left(band, monkeypatch, by_plan):
    from reaper_aeq.project import runner

    plain = runner.run

    def saved_meanwhile(*arguments):
        rows = plain(*arguments)
        band.write_bytes(band.read_bytes() + b"\n")
        return rows

    monkeypatch.setattr(runner, "run", saved_meanwhile)
    before = band.read_bytes()
    refused(by_plan("--in-place"), "was changed during the run")
    assert band.read_bytes() == before + b"\n" and not list(band.parent.glob("*.rpp-bak"))


REAPER = """
import mmap, os, time
held = [open(path, "rb") for path in os.environ["HELD"].split(os.pathsep)]
maps = [mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) for file in held if "libSwell" in file.name]
print("ready", flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def reaper(folder: Path, *held: Path, argument: Path | None = None):
    """A process that looks like REAPER and holds files open."""
    swell = folder / "libSwell.so"
    swell.write_bytes(b"\0" * mmap.PAGESIZE)
    program = folder / "reaper"
    program.symlink_to(os.path.realpath(sys.executable))
    script = folder / "wait.py"
    script.write_text(REAPER)
    command = [program, script, *([argument] if argument else [])]
    environment = {**os.environ, "PYTHONHOME": sys.base_prefix, "HELD": os.pathsep.join(map(str, (swell, *held)))}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the process is made for Linux")
@pytest.mark.parametrize("sign", ["the file", "its media", "was started"])
def test_a_project_that_is_open_in_reaper(band, tmp_path_factory, sign, by_plan):
    folder, before = tmp_path_factory.mktemp("reaper"), files(band.parent)
    held = {"the file": [band], "its media": [band.with_name("vox.wav")], "was started": []}[sign]
    with reaper(folder, *held, argument=band if sign == "was started" else None) as process:
        refused(by_plan(), f"seems to be open in REAPER (process {process.pid}")
        refused(by_plan("--in-place"), sign)
        assert files(band.parent) == before
        assert by_plan("--force")[0] == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the process is made for Linux")
def test_a_reaper_with_another_project_is_no_hindrance(band, tmp_path_factory, by_plan):
    folder = tmp_path_factory.mktemp("reaper")
    (folder / "else.wav").write_bytes(b"else")
    with reaper(folder, folder / "else.wav"):
        assert by_plan()[0] == 0


def test_what_is_wrong_with_a_file_is_said_once_for_all_its_tracks(tmp_path, run):
    path = store(tmp_path / "long.wav", noise(2, 2.0, seed=1))
    path.write_bytes(path.read_bytes()[:-200_000])
    specs = [TrackSpec(f"t{n}", [ItemSpec("long.wav", 0.0, 1.0)]) for n in range(5)]
    song = write(tmp_path / "song.rpp", specs, sample_rate=RATE)
    (tmp_path / "plan.toml").write_text('[default]\nword = "warm"\n')
    code, _, err = run("project", song, "--plan", tmp_path / "plan.toml")
    assert code == 0
    (line,) = [line for line in err.splitlines() if "long.wav" in line]
    assert line.startswith(f"warning: t0, t1, t2 and 2 more: {path} is cut off: it says that it lasts 2.00 s, 1.4")
