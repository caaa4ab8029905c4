"""`adapt`: what is written follows from what is printed, and all of it appears or none."""

import errno
import json
import os

import numpy as np
import pytest
from sounds import RATE, noise, store

from reaper_aeq import Eq
from reaper_aeq import files as files_module
from reaper_aeq.commands import outputs as outputs_module
from reaper_aeq.commands.outputs import AUDIO_SUFFIXES
from reaper_aeq.dsp.audio import read_audio
from reaper_aeq.dsp.write import CONTAINERS
from reaper_aeq.errors import OutputError
from reaper_aeq.reaper.reaeq import decode_state, to_eq


def chain_eq(path) -> Eq:
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("<VST"))
    return to_eq(decode_state([line for line in lines[start + 1 : lines.index(">")]]))


def test_json_is_the_object_of_the_design(run, song):
    code, out, err = run("adapt", song, "warm", "--intensity", "0.7", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    keys = ["word", "intensity", "method", "score", "confidence", "explanation", "output_gain_db", "bands"]
    assert list(answer) == keys
    assert (answer["word"], answer["intensity"], answer["method"]) == ("warm", 0.7, "adaptive")
    assert set(answer["score"]) == {"before", "after"} and answer["score"]["after"] >= answer["score"]["before"]
    assert set(answer["bands"][0]) == {"kind", "freq_hz", "gain_db", "bandwidth_oct", "enabled"}


def test_sound_and_chain_hold_the_eq_that_is_printed(tmp_path, run, song):
    files = ["-o", tmp_path / "out.wav", "--fxchain", tmp_path / "out.RfxChain", "--plot", tmp_path / "out.png"]
    code, out, _ = run("adapt", song, "warm 0.7, Brighter 30%", "--adaptation", "0.2", *files, "--json")
    answer = json.loads(out)
    eq = Eq.from_dict({key: answer[key] for key in ("output_gain_db", "bands")})
    assert code == 0 and sorted(os.listdir(tmp_path)) == ["out.RfxChain", "out.png", "out.wav", "song.wav"]
    expected = eq.apply(read_audio(song)[0], RATE)
    assert np.abs(read_audio(tmp_path / "out.wav")[0] - expected).max() < 1e-6
    freqs_hz = np.geomspace(30, 18_000, 50)
    written = chain_eq(tmp_path / "out.RfxChain")
    assert np.abs(written.response_db(freqs_hz, RATE) - eq.response_db(freqs_hz, RATE)).max() < 1e-6
    assert written.output_gain_db == pytest.approx(eq.output_gain_db, abs=1e-6)
    # the vocabulary's own spelling, whatever was typed
    assert '"AEQ: warm 70% + bright 30%"' in (tmp_path / "out.RfxChain").read_text()
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_a_name_of_ones_own(tmp_path, run, song):
    run("adapt", song, "warm", "--fxchain", tmp_path / "c.rfxchain", "--name", "my EQ")
    assert '"my EQ"' in (tmp_path / "c.rfxchain").read_text()


def test_what_a_person_reads(tmp_path, run, song):
    code, out, err = run("adapt", song, "warm", "-o", tmp_path / "out.wav")
    assert (code, err) == (0, "")
    for part in (
        "This sound scores 0.",
        " for 'warm', ",
        "score 0.",
        " -> ",
        "low shelf",
        " Hz",
        " oct",
        "output gain",
        "wrote ",
    ):
        assert part in out, out
    assert "-0.0 dB" not in out


def test_intensity_nothing_does_nothing(run, song):
    answer = json.loads(run("adapt", song, "warm", "--intensity", "0", "--json")[1])
    assert all(abs(band["gain_db"]) < 0.05 for band in answer["bands"]) and abs(answer["output_gain_db"]) < 0.1


def test_the_source_may_be_replaced_by_the_result(run, song):
    before = read_audio(song)[0]
    answer = json.loads(run("adapt", song, "bright", "-o", song, "--json")[1])
    eq = Eq.from_dict({key: answer[key] for key in ("output_gain_db", "bands")})
    assert np.abs(read_audio(song)[0] - eq.apply(before, RATE)).max() < 1e-6
    assert os.listdir(song.parent) == ["song.wav"]


def test_clipping_is_told_where_the_format_clips(tmp_path, run):
    loud = store(tmp_path / "loud.wav", 20 * noise(1, 0.5))
    err = run("adapt", loud, "warm", "-o", tmp_path / "out.flac")[2]
    assert err.startswith("warning: ") and "out.flac clips" in err and "choose a .wav" in err and err.count("\n") == 1
    assert run("adapt", loud, "warm", "-o", tmp_path / "out.wav")[2] == ""


def test_a_damaged_file_is_used_as_far_as_it_goes_and_told_of(tmp_path, run):
    import soundfile

    path = tmp_path / "cut.flac"
    soundfile.write(path, noise(2, 4).T, RATE, "PCM_24")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    code, out, err = run("adapt", path, "warm", "--json")
    assert code == 0 and json.loads(out)["word"] == "warm"
    assert err.startswith("warning: ") and "only its first" in err and err.count("\n") == 1


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), OutputError("cannot write it: the disk is full")])
def test_an_error_after_some_files_are_written_leaves_none(tmp_path, monkeypatch, run, song, problem):
    (tmp_path / "out.RfxChain").write_text("old")

    class Breaking(outputs_module.OpenOutputs):
        def write(self, *args, **options):
            super().write(*args, **options)
            raise problem

    monkeypatch.setattr(outputs_module, "OpenOutputs", Breaking)
    files = ["-o", tmp_path / "out.wav", "--fxchain", tmp_path / "out.RfxChain", "--plot", tmp_path / "out.png"]
    code, _, err = run("adapt", song, "warm", *files)
    assert code == (130 if isinstance(problem, KeyboardInterrupt) else 2) and err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["out.RfxChain", "song.wav"]
    assert (tmp_path / "out.RfxChain").read_text() == "old"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_disk_that_fills_up_at_the_very_end_takes_back_what_was_finished(tmp_path, monkeypatch, run, song, replaced):
    real = files_module._flush
    if replaced:
        store(tmp_path / "out.wav", noise(1, 0.1))

    def full(path):
        if path.suffix == ".png":  # the sound is in its place by now
            assert (tmp_path / "out.wav").exists()
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path)

    monkeypatch.setattr(files_module, "_flush", full)
    files = ["-o", tmp_path / "out.wav", "--fxchain", tmp_path / "out.RfxChain", "--plot", tmp_path / "out.png"]
    # what draws the picture flushes it too: let that one pass
    monkeypatch.setattr(outputs_module, "draw", lambda path, *_: path.write_bytes(b"a picture"))
    code, _, err = run("adapt", song, "warm", *files)
    assert code == 2 and err.startswith(f"error: cannot write {tmp_path / 'out.png'}: the disk is full")
    assert sorted(os.listdir(tmp_path)) == ["out.wav"] * replaced + ["song.wav"]


def test_suffixes_are_those_that_can_be_written():
    assert set(AUDIO_SUFFIXES) == set(CONTAINERS)
