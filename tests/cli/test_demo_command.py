"""The demo: its files, and that what it says is what it wrote."""

import json
import os
import time

import numpy as np
import pytest
from json_eq import eq_from_json

from reaper_aeq.dsp.audio import read_audio

TRACKS = ("drums", "bass", "guitar", "voice", "pad", "keys")


@pytest.mark.slow
def test_the_demo_writes_what_it_says(tmp_path, run):
    out = tmp_path / "demo"
    out.mkdir()
    (out / "1-drums.png").write_bytes(b"of an earlier demo")
    started = time.perf_counter()
    code, text, err = run("demo", "--out", out, "--json")
    assert time.perf_counter() - started < 60  # 30 s on two free cores
    assert (code, err) == (0, "")
    summary = json.loads(text)
    assert summary == json.loads((out / "summary.json").read_text())
    stems = [f"{number}-{name}" for number, name in enumerate(TRACKS, 1)]
    expected = [f"{stem}{end}" for stem in stems for end in ("-before.wav", "-after.wav", ".RfxChain", ".png")]
    expected += ["song-before.wav", "song-after.wav", "summary.md", "summary.json"]
    assert sorted(os.listdir(out)) == sorted(expected)
    assert (out / "1-drums.png").read_bytes().startswith(b"\x89PNG")
    after = 0.0
    for stem, row in zip(stems, summary["tracks"], strict=True):
        eq = eq_from_json(row)
        sound, rate = read_audio(out / f"{stem}-before.wav")
        written = read_audio(out / f"{stem}-after.wav")[0]
        assert np.abs(written - eq.apply(sound, rate)).max() < 1e-6
        assert f"AEQ: {row['word']} 100%" in (out / f"{stem}.RfxChain").read_text()
        assert f"| {row['word']} |" in (out / "summary.md").read_text()
        after = after + written
    assert np.abs(read_audio(out / "song-after.wav")[0] - after).max() < 1e-6


def test_scores_are_rounded_once_as_the_explanation_does():
    """From three digits to two, 0.45496 became 0.46 in the table and 0.45 in the text."""
    from types import SimpleNamespace

    from reaper_aeq.cli.commands.demo import cells

    row = {"track": "voice", "flaw": "thin", "word": "warm", "done": "", "output_gain_db": 0.0}
    row["score"] = {"before": round(0.45496, 3), "after": round(0.51496, 3)}
    assert cells(row, SimpleNamespace(score_before=0.45496, score_after=0.51496))[2] == "0.45 -> 0.51"


def test_a_place_that_is_no_folder(tmp_path, run):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "demo"):
        code, out, err = run("demo", "--out", place)
        assert (code, out) == (2, "") and err.startswith("error: cannot write ") and err.count("\n") == 1


@pytest.mark.parametrize("name", ["summary.json", "summary.md", "song-after.wav"])
def test_files_of_no_demo_are_not_replaced(tmp_path, run, name):
    (tmp_path / name).write_text('{"mine": 1}')
    code, out, err = run("demo", "--out", tmp_path)
    assert (
        (code, out) == (2, "") and f"{name} is there already and was not made by a demo" in err and err.count("\n") == 1
    )
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_text() == '{"mine": 1}'
