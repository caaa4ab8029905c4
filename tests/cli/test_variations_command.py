"""`adapt --variations`: every answer is printed and written under its number, all files or none."""

from __future__ import annotations

import errno
import json
import os
import shutil

import numpy as np
import pytest
import torch
from conftest import MEANINGS
from json_eq import eq_from_json
from sounds import RATE, noise, store
from tables_kit import table

from reaper_aeq.cli.commands import checks, evaluate
from reaper_aeq.cli.commands import outputs as outputs_module
from reaper_aeq.cli.main import main
from reaper_aeq.dsp.audio import read_audio
from reaper_aeq.errors import OutputError
from reaper_aeq.methods.cvae.network import Cvae


@pytest.fixture(scope="module")
def folder(tiny_models, tmp_path_factory):
    """The tiny models, and a network that has learned nothing: draws of the words' Gaussians."""
    folder = tmp_path_factory.mktemp("models") / "with"
    shutil.copytree(tiny_models, folder)
    network = Cvae(list(MEANINGS), vector=4, axes=8, text=2, latent=2, hidden=8)
    network.axes.copy_(torch.linalg.qr(torch.randn(32, 8, generator=torch.Generator().manual_seed(0)).double()).Q)
    architecture = {"vector": 4, "axes": 8, "text": 2, "latent": 2, "hidden": 8}
    network.save(folder, {"architecture": architecture})
    return folder


@pytest.fixture
def run(folder, capsys):
    def call(*args):
        code = main([*map(str, args), "--models", str(folder)])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def song(tmp_path):
    return store(tmp_path / "song.wav", noise())


def test_each_variation_is_printed_and_written(run, song, tmp_path):
    files = ["-o", tmp_path / "out.wav", "--fxchain", tmp_path / "out.RfxChain"]
    code, out, err = run("adapt", song, "warm", "--method", "cvae", "--variations", 2, *files, "--json")
    answer = json.loads(out)
    assert (code, err) == (0, "") and answer["method"] == "cvae" and len(answer["variations"]) == 2
    written = [f"out{end}" for end in ("-1.RfxChain", "-1.wav", "-2.RfxChain", "-2.wav", ".RfxChain", ".wav")]
    assert sorted(os.listdir(tmp_path)) == [*written, "song.wav"]
    source = read_audio(song)[0]
    for one, name in zip((answer, *answer["variations"]), ("out", "out-1", "out-2"), strict=True):
        eq = eq_from_json(one)
        assert np.abs(read_audio(tmp_path / f"{name}.wav")[0] - eq.apply(source, RATE)).max() < 1e-6
        assert '"AEQ: warm 100%"' in (tmp_path / f"{name}.RfxChain").read_text()
    assert len({json.dumps(one["bands"]) for one in (answer, *answer["variations"])}) == 3


def test_what_a_person_reads(run, song, tmp_path):
    code, out, err = run("adapt", song, "warm", "--variations", 2, "-o", tmp_path / "out.wav")
    assert (code, err) == (0, "") and out.count("output gain") == 3
    assert "variation 1, score 0." in out and "variation 2, score 0." in out
    assert [line for line in out.splitlines() if line.startswith("wrote ")] == [
        f"wrote {tmp_path / name}" for name in ("out.wav", "out-1.wav", "out-2.wav")
    ]


def test_without_the_option_nothing_is_said_of_variations(run, song):
    code, out, _ = run("adapt", song, "warm", "--json")
    assert code == 0 and "variations" not in json.loads(out)


@pytest.mark.parametrize("count", [-1, 33])
def test_how_many_there_may_be(run, song, count):
    code, out, err = run("adapt", song, "warm", "--variations", count)
    assert (code, out) == (2, "") and "variations must lie between 0 and 32" in err


def test_an_error_leaves_none_of_the_files(run, song, tmp_path, monkeypatch):
    (tmp_path / "out.wav").write_bytes(b"old")
    real = outputs_module.OpenOutputs.write

    def write(self, result, blocks, name, title):
        real(self, result, blocks, name, title)
        if "variation 2" in title:
            raise OutputError("cannot write it: the disk is full")

    monkeypatch.setattr(outputs_module.OpenOutputs, "write", write)
    code, _, err = run("adapt", song, "warm", "--variations", 2, "-o", tmp_path / "out.wav")
    assert code == 2 and "the disk is full" in err
    assert sorted(os.listdir(tmp_path)) == ["out.wav", "song.wav"] and (tmp_path / "out.wav").read_bytes() == b"old"


def test_examinations_are_printed_as_tables_and_as_json(monkeypatch, capsys, tmp_path):
    from reaper_aeq.evaluation import text, variations

    figures = {"warm (SAFE)": {"cvae variations": {"answers": 8, "mmd": 0.0123}}}
    asked = []
    monkeypatch.setattr(
        variations, "run_variations", lambda *given, **options: asked.append((given, options)) or figures
    )
    monkeypatch.setattr(text, "run_text", lambda *given, **options: asked.append((given, options)) or figures)
    monkeypatch.setattr(evaluate, "sentences", lambda: None)
    store(tmp_path / "song.wav", noise(1, 0.1))
    for name in (checks.SETTINGS, checks.WORDS, checks.CONTRIBUTIONS):
        (tmp_path / name).write_text(table(name))
    for name, where in (("variations", ["--audio", tmp_path, "--every", 3]), ("text", [])):
        command = [str(part) for part in ("evaluate", name, "--data", tmp_path, *where)]
        assert main([*command, "--json"]) == 0 and json.loads(capsys.readouterr().out) == figures
        assert main(command) == 0 and "0.012" in capsys.readouterr().out
    assert asked[0][0][0] == [tmp_path] and asked[0][1]["every"] == 3 and asked[2][0][0] == tmp_path


def test_a_disk_that_fills_up_at_the_very_end_takes_back_what_was_finished(run, song, tmp_path, monkeypatch):
    real, flushed = os.fsync, []

    def full(handle):
        flushed.append(handle)
        if len(flushed) == 3:  # the answer and its two variations: the last one finds no room
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run("adapt", song, "warm", "--variations", 2, "-o", tmp_path / "out.wav")
    assert code == 2 and "the disk is full" in err and os.listdir(tmp_path) == ["song.wav"]
