"""`adapt`: what is written follows from what is printed, and all of it appears or none."""

import errno
import json
import os

import numpy as np
import pytest
from json_eq import eq_from_json
from sounds import RATE, noise, store

from reaper_aeq import Band, BandKind, Eq
from reaper_aeq.cli.commands import outputs as outputs_module
from reaper_aeq.cli.commands.adapt import band_rows, most, show_eq
from reaper_aeq.cli.commands.outputs import AUDIO_SUFFIXES
from reaper_aeq.dsp.audio import read_audio
from reaper_aeq.dsp.write import CONTAINERS
from reaper_aeq.errors import OutputError
from reaper_aeq.model.kinds import KINDS
from reaper_aeq.reaper.reaeq.instance import decode_state, to_eq
from reaper_aeq.util import output


def chain_eq(path) -> Eq:
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("<VST"))
    return to_eq(decode_state([line for line in lines[start + 1 : lines.index(">")]]))


def test_a_filter_without_a_gain_shows_none_and_comes_first():
    bands = [Band(BandKind.HIGH_PASS, 64.0, 0.0, 1.9)]
    bands += [Band(BandKind.BAND, hz, gain, 1.0) for hz, gain in ((300.0, 0.0), (1000.0, -2.0), (5000.0, 3.0))]
    eq = Eq(bands)
    assert [row[2] for row in band_rows(eq)] == ["", "+0.0 dB", "-2.0 dB", "+3.0 dB"]
    assert most(eq) == "high pass at 64 Hz, +3.0 dB band at 5.00 kHz"


def test_no_bands_make_no_table(capsys):
    show_eq(Eq())
    assert capsys.readouterr().out == "output gain +0.0 dB\n"


def test_json_is_the_documented_object(run, song):
    code, out, err = run("adapt", song, "warm", "--intensity", "0.7", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    about = ["file", "sample_rate", "channels", "duration_s", "kind", "outputs"]
    keys = ["word", "intensity", "method", "score", "confidence", "explanation", "heard_as", "output_gain_db", "bands"]
    assert list(answer) == about + keys
    assert [answer[key] for key in about] == [str(song), RATE, 2, 1.0, answer["kind"], []]
    assert answer["kind"] == answer["heard_as"]["kind"] in ("unsure", "melodic", *KINDS)
    assert (answer["word"], answer["intensity"], answer["method"]) == ("warm", 0.7, "adaptive")
    told = json.loads(run("adapt", song, "warm", "--track", "Lead Vox", "--json")[1])["heard_as"]
    assert told["kind"] == "vocals" and told["by"] == "name and sound"
    assert json.loads(run("adapt", song, "warm", "--kind", "bass", "--json")[1])["kind"] == "bass"
    code, _, err = run("adapt", song, "warm", "--kind", "tuba")
    assert code == 2 and "unknown kind 'tuba': use one of mix, drums" in err
    assert set(answer["score"]) == {"before", "after"} and answer["score"]["after"] >= answer["score"]["before"]
    assert set(answer["bands"][0]) == {"kind", "freq_hz", "gain_db", "bandwidth_oct", "enabled"}


def test_sound_and_chain_hold_the_eq_that_is_printed(tmp_path, run, song):
    files = ["-o", tmp_path / "out.wav", "--fxchain", tmp_path / "out.RfxChain", "--plot", tmp_path / "out.png"]
    code, out, _ = run("adapt", song, "warm 0.7, Brighter 30%", "--adaptation", "0.2", *files, "--json")
    answer = json.loads(out)
    eq = eq_from_json(answer)
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


@pytest.mark.parametrize("way", ["itself", "dots", "symbolic link", "hard link", "folder link"])
def test_the_source_is_not_replaced_unless_force_is_said(tmp_path, run, song, way):
    out = {
        "itself": song, "dots": tmp_path / "x" / ".." / "song.wav", "symbolic link": tmp_path / "a.wav",
        "hard link": tmp_path / "b.wav", "folder link": tmp_path / "here" / "song.wav",
    }[way]  # fmt: skip
    (tmp_path / "x").mkdir()
    (tmp_path / "a.wav").symlink_to(song)
    os.link(song, tmp_path / "b.wav")
    (tmp_path / "here").symlink_to(tmp_path)
    before, audio, listing = song.read_bytes(), read_audio(song)[0], sorted(os.listdir(tmp_path))
    code, _, err = run("adapt", song, "bright", "-o", out)
    assert code == 2 and "it is one of the files that are read" in err and "say --force" in err and err.count("\n") == 1
    assert song.read_bytes() == before and sorted(os.listdir(tmp_path)) == listing
    answer = json.loads(run("adapt", song, "bright", "-o", out, "--force", "--json")[1])
    eq = eq_from_json(answer)
    assert np.abs(read_audio(out)[0] - eq.apply(audio, RATE)).max() < 1e-6
    assert sorted(os.listdir(tmp_path)) == listing


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
    assert err.startswith("warning: ") and "is cut off" in err and err.count("\n") == 1


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


def test_a_disk_that_fills_up_while_the_last_is_flushed_leaves_all_as_it_was(tmp_path, monkeypatch, run, song):
    real = output.Output.finish
    (tmp_path / "out.RfxChain").write_text("old")

    def full(one):
        with one.told():
            if one.target.suffix == ".wav":
                raise OSError(errno.ENOSPC, "No space left on device")
        real(one)

    monkeypatch.setattr(output.Output, "finish", full)
    files = ["-o", tmp_path / "out.wav", "--fxchain", tmp_path / "out.RfxChain", "--plot", tmp_path / "out.png"]
    code, _, err = run("adapt", song, "warm", *files)
    assert code == 2 and err.startswith(f"error: cannot write {tmp_path / 'out.wav'}: the disk is full")
    assert sorted(os.listdir(tmp_path)) == ["out.RfxChain", "song.wav"]
    assert (tmp_path / "out.RfxChain").read_text() == "old"


def test_names_that_lead_to_one_file_are_refused(tmp_path, run, song):
    (tmp_path / "real.wav").write_bytes(b"x")
    (tmp_path / "out.wav").symlink_to("real.wav")
    (tmp_path / "out-1.wav").symlink_to("real.wav")
    code, _, err = run("adapt", song, "warm", "-o", tmp_path / "out.wav", "--variations", "1", "--method", "cvae")
    assert code == 2 and "twice" in err and (tmp_path / "real.wav").read_bytes() == b"x"


def test_suffixes_are_those_that_can_be_written():
    assert set(AUDIO_SUFFIXES) == set(CONTAINERS)
