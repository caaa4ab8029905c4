"""An EQ that follows the song, from the commands: the sound that is written, project files, the report."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounds import RATE, store

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.eq import Eq
from reaper_aeq.reaper.rpp.project import Project

PLAN = '[default]\nword = "warm"\nsections = true\n'


def noise(seconds, slope_db, seed):
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, round(seconds * RATE))))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(round(seconds * RATE), 1 / RATE), 20.0) / 1000)
    sound = np.fft.irfft(spectrum * 10 ** (slope_db * octaves / 20), n=round(seconds * RATE))
    return (0.05 * sound / sound.std()).astype(np.float32)


@pytest.fixture
def song(tmp_path) -> Path:
    return store(tmp_path / "song.wav", np.concatenate((noise(10, -2, 1), noise(10, -6.5, 2)), 1))


@pytest.fixture
def project(song, tmp_path) -> Path:
    """The song begins at 3 s; between its halves is a pause of 20 s."""
    store(tmp_path / "steady.wav", noise(20, -3, 3))
    (tmp_path / "plan.toml").write_text(PLAN)
    halves = [ItemSpec("song.wav", 3.0, 10.0), ItemSpec("song.wav", 33.0, 10.0, offset=10.0)]
    return write(
        tmp_path / "song.rpp",
        [TrackSpec("moves", halves), TrackSpec("stays", [ItemSpec("steady.wav", 0, 20)])],
        sample_rate=RATE,
    )


def lanes(path):
    return {
        track.name: [chunk for chunk in track.chunk.walk() if chunk.name == "PARMENV"]
        for track in Project.read(path).tracks
    }


def points(lane):
    return [tuple(map(float, line.tokens[1:3])) for line in lane.lines if line.name == "PT"]


def test_the_sound_that_is_written_follows_it(run, song, tmp_path):
    code, out, _ = run("adapt", song, "warm", "--sections", "-o", tmp_path / "out.wav", "--json")
    answer = json.loads(out)
    assert code == 0 and len(answer["sections"]) == 2
    before, after = (soundfile.read(path)[0] for path in (song, tmp_path / "out.wav"))
    eqs = [[*one["gains_db"], one["output_gain_db"]] for one in answer["sections"]]
    assert eqs[0] != eqs[1]
    from reaper_aeq.eq import Band

    for one, start_s in zip(answer["sections"], (2.0, 13.0), strict=True):
        bands = [
            Band(b["kind"], b["freq_hz"], gain, b["bandwidth_oct"])
            for b, gain in zip(answer["bands"], one["gains_db"], strict=True)
        ]
        part = slice(round(start_s * RATE), round((start_s + 5) * RATE))
        powers = [
            np.abs(np.fft.rfft(np.hanning(part.stop - part.start) * sound[part, 0])) ** 2 for sound in (before, after)
        ]
        freqs = np.fft.rfftfreq(round(5 * RATE), 1 / RATE)
        for hz in (100, 400, 1000, 4000, 10_000):
            near = (freqs > hz * 0.99) & (freqs < hz * 1.01)
            found = 10 * np.log10(powers[1][near].sum() / powers[0][near].sum())
            wanted = Eq(tuple(bands)).response_db(np.array([float(hz)]), RATE)[0] + one["output_gain_db"]
            assert found == pytest.approx(wanted, abs=0.1)


def test_the_table_of_sections_is_shown(run, song):
    code, out, _ = run("adapt", song, "warm", "--sections")
    assert code == 0 and "It follows the song in 2 sections" in " ".join(out.split()) and "0:00" in out


def test_a_plan_writes_envelopes_and_they_go_to_the_byte(run, project):
    before = project.read_bytes()
    code, _, err = run("project", project, "--plan", project.with_name("plan.toml"))
    assert code == 0, err
    written = project.with_name("song.aeq.rpp")
    found = lanes(written)
    assert found["moves"] and not found["stays"]
    times = [at for at, _ in points(found["moves"][0])]
    assert times == pytest.approx([0.0, 3.0, 32.5, 33.0], abs=1.01)  # in the project's time: the pause is in it
    rows = {row["name"]: row for row in json.loads(project.with_name("song.aeq.json").read_text())["tracks"]}
    assert [one["start_s"] for one in rows["moves"]["sections"]] == pytest.approx([3.0, 33.0], abs=1.01)
    assert re.search("in 2 sections, changing at 0:3[23]: ", rows["moves"]["explanation"])  # of the project
    assert "sections" not in rows["stays"] and "needs no movement" in rows["stays"]["explanation"]
    html = project.with_name("song.aeq.html").read_text()
    assert html.count('<svg class="moves"') == 1 and "gains over time" in html and "0:30" in html
    again = Project.read(written)
    for track in again.tracks:
        for eq in track.eqs():
            track.remove_eq(eq.name)
    assert again.to_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sections = 1", "line 3: sections must be true or false, not 1"),
        ('sections = true\nmethod = "refine"', "the method 'refine' makes one EQ for the whole song"),
    ],
)
def test_mistakes_in_a_plan(run, project, line, said):
    project.with_name("plan.toml").write_text(f'[default]\nword = "warm"\n{line}\n')
    code, _, err = run("project", project, "--plan", project.with_name("plan.toml"))
    assert code == 2 and said in " ".join(err.split())
    assert not project.with_name("song.aeq.rpp").exists()


def test_variations_are_refused_before_anything_is_read(run, song):
    code, _, err = run("adapt", song, "warm", "--sections", "--variations", "2")
    assert code == 2 and "leave one of them out" in " ".join(err.split())
