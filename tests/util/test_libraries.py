"""A compiled library that does not load: one sentence with its versions and what to type, exit code 2, no trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reaper_aeq.errors import LibraryError
from reaper_aeq.util.libraries import explain

UNDEFINED = "/x/_torchaudio.abi3.so: undefined symbol: torch_exception_get_what_without_backtrace"


def broken(folder: Path, name: str, program: str, version: str | None = None) -> Path:
    """A folder for PYTHONPATH with a package whose import fails; with `version` it is 'installed' as that."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(program, encoding="utf-8")
    if version:
        metadata = folder / f"{name}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


MISSING = "raise ModuleNotFoundError(\"No module named 'soundfile'\", name='soundfile')"
BROKEN = {
    "torchaudio of another release": ("torchaudio", f"raise OSError({UNDEFINED!r})", "2.11.1"),
    "torch without its libraries": ("torch", "raise ImportError('libcudart.so.13: cannot open shared object')", None),
    "torch that is half there": ("torch", "from torch._C import nothing", None),
    "soundfile without libsndfile": ("soundfile", "raise OSError('sndfile library not found')", None),
    "soundfile that is not there": ("soundfile", MISSING, None),
}  # fmt: skip


def run(tmp_path: Path, *arguments: object, path: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", "COLUMNS": "1000"}
    return subprocess.run(
        [sys.executable, "-m", "reaper_aeq", *map(str, arguments)], cwd=tmp_path, env=environment, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def refused(answer: subprocess.CompletedProcess) -> str:
    assert answer.returncode == 2, answer.stderr[-2000:]
    assert "Traceback" not in answer.stderr + answer.stdout
    last = answer.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and "cannot be loaded" in last and last.count("cannot be loaded") == 1, (
        answer.stderr
    )
    return last


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    import wave

    import numpy as np

    with wave.open(str(tmp_path / "song.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes((8000 * np.random.default_rng(0).standard_normal(44_100)).clip(-32768, 32767).astype("<i2"))
    return tmp_path / "song.wav"


@pytest.mark.parametrize("case", BROKEN)
def test_adapt_says_which_library_and_what_to_type(tmp_path, sound, case):
    name, program, version = BROKEN[case]
    answer = run(tmp_path, "adapt", sound, "warm", path=broken(tmp_path / "lib", name, program, version))
    sentence = refused(answer)
    assert answer.stdout == ""
    if name == "soundfile":
        assert "error: soundfile 0" in sentence and '"soundfile<' in sentence
    else:
        assert f"torch 2.11.0 and torchaudio {version or '2.11.0'} cannot" in sentence
        assert '"torch==2.11.0" "torchaudio==2.11.0"' in sentence
    assert sys.executable in sentence and " install " in sentence


COMMANDS = {
    "match": ["match", "song.wav", "song.wav"],
    "analyze": ["analyze", "song.wav"],
    "demo": ["demo", "--out", "demo"],
    "batch": ["batch", "song.wav", "--word", "warm", "--out", "results"],
    "serve": ["serve", "--state-file", "state/backend.json"],
    "serve in the background": ["serve", "--background", "--state-file", "state/backend.json"],
    "train": ["train", "eq", "--out", "models"],
    "evaluate": ["evaluate", "laws", "--audio", "."],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_a_trace(tmp_path, sound, command):
    name, program, version = BROKEN["torchaudio of another release"]
    sentence = refused(run(tmp_path, *COMMANDS[command], path=broken(tmp_path / "lib", name, program, version)))
    assert "torch 2.11.0 and torchaudio 2.11.1" in sentence and "without_backtrace" in sentence


def test_a_project_says_it_too(tmp_path, sound):
    (tmp_path / "song.rpp").write_text(
        '<REAPER_PROJECT 0.1 "7.0" 1\n  SAMPLERATE 44100 0 0\n  <TRACK\n    NAME vox\n    <ITEM\n      POSITION 0\n'
        '      LENGTH 1\n      <SOURCE WAVE\n        FILE "song.wav"\n      >\n    >\n  >\n>\n'
    )
    name, program, version = BROKEN["soundfile without libsndfile"]
    sentence = refused(run(tmp_path, "project", "song.rpp", path=broken(tmp_path / "lib", name, program, version)))
    assert "error: soundfile 0" in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lib", "song.rpp", "song.wav"]


def test_other_errors_are_left_alone():
    assert explain(OSError("disk full")) is None
    assert explain(ModuleNotFoundError("No module named 'ours'", name="ours")) is None
    try:
        import torch

        torch.zeros(2) @ torch.zeros(3)  # a defect of ours is no library that does not load
    except RuntimeError as error:
        assert explain(error) is None


def test_the_cause_is_found_below_another_error():
    try:
        try:
            raise ImportError("libsndfile.so: cannot open", name="soundfile")
        except ImportError as error:
            raise RuntimeError("no reader") from error
    except RuntimeError as error:
        found = explain(error)
    assert isinstance(found, LibraryError) and "libsndfile.so" in str(found)
