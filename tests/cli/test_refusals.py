"""Every mistake: one sentence on stderr, exit code 2, nothing on stdout, and the folder as it was."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from sounds import RATE, noise, store

OUTPUTS = ("-o", "out.wav", "--fxchain", "out.RfxChain", "--plot", "out.png")


def zero_channels(path):
    header = bytearray(store(path, noise(2, 0.1), subtype="PCM_16").read_bytes())
    header[22:24] = b"\0\0"
    path.write_bytes(header)


def with_value(path, value):
    audio = noise()
    audio[1, RATE // 2] = value
    store(path, audio)


SOURCES = {
    "missing": (lambda path: None, "does not exist: check the path"),
    "not audio": (lambda path: path.write_text("notes about the mix\n" * 100), "is not audio that can be read here"),
    "empty": (lambda path: path.write_bytes(b""), "is an empty file"),
    "no samples": (lambda path: store(path, np.zeros((2, 0))), "holds no samples"),
    "one sample": (lambda path: store(path, np.full((1, 1), 0.5)), "is only 0.023 ms long"),
    "silence": (lambda path: store(path, np.zeros((2, RATE))), "is silent: there is nothing to adapt to"),
    "constant": (lambda path: store(path, np.full((2, RATE), 0.3)), "is a constant offset without sound"),
    "NaN": (lambda path: with_value(path, np.nan), "holds NaN at 0.5 s"),
    "infinity": (lambda path: with_value(path, np.inf), "holds infinity at 0.5 s"),
    "no channels": (zero_channels, "Channel count is zero"),
    "too many channels": (lambda path: store(path, noise(65, 0.1)), "at most 64 can be used"),
    "sample rate": (lambda path: store(path, noise(1), 4000), "must lie between 8000 and 192000"),
    "folder": (lambda path: path.mkdir(), "is a folder: give an audio file"),
}


def refused(answer, sentence: str) -> None:
    code, out, err = answer
    assert code == 2 and out == ""
    assert err.startswith("error: ") and sentence in err and err.count("\n") == 1, err
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_source_that_cannot_be_used(tmp_path, monkeypatch, run, kind, as_json):
    make, sentence = SOURCES[kind]
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "song.wav")
    before = sorted(os.listdir())
    refused(run("adapt", "song.wav", "warm", *OUTPUTS, *["--json"] * as_json), sentence)
    assert sorted(os.listdir()) == before


REQUESTS = {
    "unknown word": (["wram"], "unknown word 'wram': did you mean 'warm'"),
    "unknown word in a blend": (["warm 0.5, aery 0.5"], "unknown word 'aery': did you mean 'airy'"),
    "unlike any word": (["qqqq"], "unknown word 'qqqq': see 'reaper-aeq words'"),
    "malformed blend": (["warm, airy 0.3"], "'warm' has no weight; write it like"),
    "no word": ([""], "no word given"),
    "weight": (["warm 0.5, airy 7"], "the weight of 'airy' must lie between -2 and 2, not 7"),
    "intensity": (["warm", "--intensity", "2.5"], "intensity must lie between -2 and 2, not 2.5"),
    "intensity NaN": (["warm", "--intensity", "nan"], "intensity must lie between -2 and 2, not nan"),
    "adaptation": (["warm", "--adaptation", "-0.1"], "adaptation must lie between 0 and 1, not -0.1"),
    "method": (["warm", "--method", "magic"], "unknown method 'magic': use one of adaptive, fixed"),
    "sound suffix": (["warm", "-o", "out.m4a"], "cannot write out.m4a: choose a name that ends in .wav or"),
    "no suffix": (["warm", "-o", "out"], "cannot write out: choose a name that ends in .wav or"),
    "chain suffix": (["warm", "--fxchain", "out.txt"], "out.txt: choose a name that ends in .RfxChain"),
    "plot suffix": (["warm", "--plot", "out.bmp"], "out.bmp: choose a name that ends in .png or .svg or .pdf"),
    "folder missing": (["warm", "--plot", "no/out.png"], "cannot write no/out.png: the folder"),
    "a folder": (["warm", "-o", "folder.wav"], "cannot write folder.wav: it is a folder"),
    "format": (["warm", "-o", "out.mp3", "--plot", "p.png"], "cannot hold 8 channels at 96000 Hz: choose a .wav"),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_that_cannot_be_met(tmp_path, monkeypatch, run, kind):
    arguments, sentence = REQUESTS[kind]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.wav").mkdir()
    store(tmp_path / "song.wav", noise(8), 96_000)
    refused(run("adapt", "song.wav", *arguments), sentence)
    assert sorted(os.listdir()) == ["folder.wav", "song.wav"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_folder_one_may_not_write_to(run):
    # Not tmp_path: an unprivileged user cannot enter that one when the tests run as root.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        song, user = store(Path(folder, "song.wav"), noise()), os.geteuid()
        locked = Path(folder, "locked")
        locked.mkdir(mode=0o555)
        try:
            if user == 0:
                os.seteuid(65534)
            refused(run("adapt", song, "warm", "-o", locked / "out.wav"), "you may not write there")
        finally:
            os.seteuid(user)
        assert os.listdir(locked) == []


def test_models_that_are_not_there(tmp_path, capsys, song):
    from reaper_aeq.cli.main import main

    code = main(["adapt", str(song), "warm", "--models", str(tmp_path), "-o", str(tmp_path / "out.wav")])
    refused((code, *capsys.readouterr()), "is missing from")
    assert os.listdir(tmp_path) == ["song.wav"]


FULL_DISK = """
import contextlib, io, json, os, resource, sys
from reaper_aeq.cli.main import main
for limit in json.loads(sys.argv[1]):
    err = io.StringIO()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with contextlib.redirect_stderr(err):
        code = main(sys.argv[2:])
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(json.dumps([limit, code, err.getvalue(), sorted(os.listdir()), open("out.png").read(3)]))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_full_disk_leaves_no_file_and_keeps_the_old_ones(tmp_path, tiny_models):
    store(tmp_path / "song.wav", noise(2, 2))
    (tmp_path / "out.png").write_bytes(b"old")
    # the chain has some 570 bytes, the picture 60 to 130 kB, the sound 706 kB
    named = {300: "out.RfxChain", 3000: "out.png", 400_000: "out.wav", 700_000: "out.wav"}
    command = [sys.executable, "-c", FULL_DISK, json.dumps(list(named)), "adapt", "song.wav", "warm", *OUTPUTS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [*command, "--models", tiny_models], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    for line, (limit, name) in zip(answer.stdout.splitlines(), named.items(), strict=True):
        at, code, err, files, old = json.loads(line)
        assert at == limit
        refused((code, "", err), f"cannot write {name}: the file would be larger")
        assert files == ["out.png", "song.wav"] and old == "old"
    assert answer.stderr == ""
