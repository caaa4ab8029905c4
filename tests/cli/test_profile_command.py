"""Teaching a word from a chain that REAPER saved, and forgetting it again."""

import json

import numpy as np
import pytest
import soundfile
import torch

from reaper_aeq.cli.main import main
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import Band, Eq
from reaper_aeq.model.curves import rms_db
from reaper_aeq.model.personal import followed
from reaper_aeq.reaper.reaeq.instance import rfxchain_text

RATE = 48_000


@pytest.fixture
def song(tmp_path, monkeypatch):
    monkeypatch.setenv("AEQ_PROFILES", str(tmp_path / "own" / "profiles.sqlite"))
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(5).standard_normal(4 * RATE)
    soundfile.write("song.wav", np.cumsum(noise - noise.mean()) * 1e-4 + noise * 0.05, RATE, subtype="FLOAT")
    return tmp_path


def run(capsys, *arguments):
    code = main(list(arguments))
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


def shelf_db(bands):
    eq = Eq(tuple(Band(one["kind"], one["freq_hz"], one["gain_db"], one["bandwidth_oct"]) for one in bands))
    return float(eq.response_db(np.array([80.0]), RATE)[0] - eq.response_db(np.array([1000.0]), RATE)[0])


def curve(bands):
    eq = Eq(tuple(Band(one["kind"], one["freq_hz"], one["gain_db"], one["bandwidth_oct"]) for one in bands))
    return torch.from_numpy(eq.response_db(GRID_HZ, RATE))


def test_a_word_is_taught_shown_and_forgotten(song, capsys):
    before = run(capsys, "adapt", "song.wav", "warm", "--json")
    run(capsys, "adapt", "song.wav", "warm", "--fxchain", "ours.RfxChain", "--json")
    mine = Eq((Band("low_shelf", 200.0, 9.0, 2.0),))
    (song / "mine.RfxChain").write_text(rfxchain_text(mine, "AEQ: warm 100%"))

    learned = [run(capsys, "profile", "learn", "song.wav", "warm", "mine.RfxChain", "--json") for _ in range(4)]
    assert [one["edits"] for one in learned] == [1, 2, 3, 4]
    after = run(capsys, "adapt", "song.wav", "warm", "--json")
    assert shelf_db(after["bands"]) > shelf_db(before["bands"]) + 1.0
    assert run(capsys, "adapt", "song.wav", "warm", "--no-profile", "--json")["bands"] == before["bands"]
    assert run(capsys, "adapt", "song.wav", "warm", "--profile", "bob", "--json")["bands"] == before["bands"]
    (row,) = run(capsys, "words", "--mine", "--json")["words"]
    assert row["word"] == "warm" and row["edits"] == 4

    (edit, *_) = json.loads(exported(run, capsys, song))["edits"]
    assert len(edit["heard"]) == len(edit["made_db"]) == len(edit["computed_db"]) and 0 < followed(4) < 1
    assert run(capsys, "profile", "erase", "--json") == {"erased": 4}
    assert run(capsys, "adapt", "song.wav", "warm", "--json")["bands"] == before["bands"]


def exported(run, capsys, folder):
    run(capsys, "profile", "export", "mine.json", "--json")
    return (folder / "mine.json").read_text()


def test_our_own_answer_teaches_nothing_new(song, capsys):
    before = run(capsys, "adapt", "song.wav", "warm", "--fxchain", "ours.RfxChain", "--json")
    run(capsys, "profile", "learn", "song.wav", "warm", "ours.RfxChain", "--json")
    after = run(capsys, "adapt", "song.wav", "warm", "--json")
    assert float(rms_db(curve(after["bands"]) - curve(before["bands"]))) < 0.3


@pytest.mark.parametrize("text", ["", 'BYPASS 0 0 0\n<JS loser/3BandEQ ""\n>\n', "<VST\n<"])
def test_a_chain_without_reaeq_is_refused(song, capsys, text):
    (song / "other.RfxChain").write_text(text)
    assert main(["profile", "learn", "song.wav", "warm", "other.RfxChain"]) == 2
    assert "other.RfxChain" in capsys.readouterr().err
