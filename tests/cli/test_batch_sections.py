"""`batch` with EQs that follow the song: recordings by `--sections`, projects by their plan."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounds import RATE, store

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from standin.example import ItemSpec, TrackSpec, write
from test_sections_command import noise

from reaper_aeq.dsp.moving_filter import MovingEqFilter
from reaper_aeq.eq import Band, Eq, EqSection, MovingEq

WORD = ("--word", "warm", "--workers", "1", "--json")


@pytest.fixture
def songs(tmp_path) -> Path:
    """A folder with a song that moves and one that does not."""
    (tmp_path / "plan.toml").write_text('[default]\nword = "warm"\nsections = true\n')
    folder = tmp_path / "songs"
    folder.mkdir()
    store(folder / "moves.wav", np.concatenate((noise(10, -2, 1), noise(10, -6.5, 2)), 1))
    store(folder / "stays.wav", noise(20, -3, 3))
    return folder


def found(out: Path, suffix: str) -> dict[str, Path]:
    """{song: file} of the results with this ending."""
    return {path.name.removesuffix(f".aeq{suffix}"): path for path in out.rglob(f"*.aeq{suffix}")}


def moving(told: dict) -> MovingEq:
    shapes = [{name: band[name] for name in ("kind", "freq_hz", "bandwidth_oct", "enabled")} for band in told["bands"]]
    return MovingEq(tuple(
        EqSection(one["start_s"], one["stop_s"], Eq(
            tuple(Band(**shape, gain_db=gain) for shape, gain in zip(shapes, one["gains_db"], strict=True)),
            one["output_gain_db"],
        ))
        for one in told["sections"]
    ))  # fmt: skip


def test_recordings_follow_the_song_in_text_sound_and_page(songs, run, tmp_path):
    out = tmp_path / "out"
    code, _, err = run("batch", songs, "--out", out, "--plan", tmp_path / "plan.toml", *WORD, "--sections", "--render")
    assert code == 0, err
    told = {name: json.loads(path.read_text()) for name, path in found(out, ".json").items()}
    assert len(told["moves"]["sections"]) == 2 and not told["stays"].get("sections")
    source = soundfile.read(songs / "moves.wav", always_2d=True)[0].T
    wet = soundfile.read(found(out, ".wav")["moves"], always_2d=True)[0].T
    expected = MovingEqFilter(moving(told["moves"]), RATE, 2).process(source)
    assert 20 * np.log10(np.abs(wet - expected).max() / np.abs(expected).max()) < -60
    pages = found(out, ".html")
    assert 'class="moves"' in pages["moves"].read_text() and 'class="moves"' not in pages["stays"].read_text()


def test_what_is_asked_otherwise_is_done_again(songs, run, tmp_path):
    out = tmp_path / "out"
    for options, movements in ((("--sections",), 2), ((), 0), (("--sections",), 2)):
        code, _, err = run("batch", songs, "--out", out, "--plan", tmp_path / "plan.toml", *WORD, *options)
        assert code == 0, err
        assert len(json.loads(found(out, ".json")["moves"].read_text()).get("sections") or []) == movements, options


def test_projects_follow_the_song_by_their_plan(songs, run, tmp_path):
    write(songs / "song.rpp", [TrackSpec("Vox", [ItemSpec("moves.wav", 2.0, 20.0)])], sample_rate=RATE)
    out = tmp_path / "out"
    code, _, err = run(
        "batch", songs / "song.rpp", "--out", out, "--plan", tmp_path / "plan.toml", "--workers", "1", "--json"
    )
    assert code == 0, err
    assert b"<PARMENV" in found(out, ".rpp")["song"].read_bytes()
    (row,) = json.loads(found(out, ".json")["song"].read_text())["tracks"]
    assert [one["start_s"] for one in row["sections"]] == pytest.approx([2.0, 12.0], abs=1.1)


def test_a_method_that_makes_one_eq_only_is_refused_before_anything_is_done(songs, run, tmp_path):
    code, _, err = run("batch", songs, "--out", tmp_path / "out", *WORD, "--sections", "--method", "refine")
    assert code == 2 and "not refined" in err and not (tmp_path / "out").exists()
