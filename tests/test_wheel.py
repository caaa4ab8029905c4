"""The wheel, as a user gets it: built, installed into an empty environment, run where no checkout is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[1]
BIN = "Scripts" if os.name == "nt" else "bin"


def uv() -> list[str]:
    """uv as a module of this Python or as a program; never absent without a word."""
    for command in ([sys.executable, "-m", "uv"], [shutil.which("uv") or ""]):
        if command[0] and subprocess.run([*command, "--version"], capture_output=True, check=False).returncode == 0:
            return command
    pytest.fail("uv is neither importable nor on the PATH: install it ('pip install uv') to test the wheel")


def clean() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Stdout of a command that has to succeed, without anything that leads to the checkout."""
    answer = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean() | environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, f"{command[0]} {command[1]}: {answer.stderr[-3000:]}"
    return answer.stdout


def from_the_cache(*command: object, cwd: Path) -> None:
    """A uv command, first with what earlier installations left in its cache: a second run asks the network nothing."""
    offline = subprocess.run([*map(str, command), "--offline"], cwd=cwd, env=clean(), capture_output=True, check=False)
    if offline.returncode:
        run(*command, cwd=cwd)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(scope="module")
def wheel(place) -> Path:
    from_the_cache(*uv(), "build", "--wheel", "--out-dir", place / "dist", ROOT, cwd=place)
    return next((place / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def environment(place, wheel) -> Path:
    """The folder of programs of an environment that holds the wheel and what it asks for, nothing else."""
    run(*uv(), "venv", "--python", sys.executable, place / "env", cwd=place)
    python = place / "env" / BIN / "python"
    from_the_cache(*uv(), "pip", "install", "--python", python, wheel, cwd=place)
    return python.parent


def store(path: Path, seconds: float = 2.0, rate: int = 44_100) -> Path:
    """Stereo noise, 16 bit."""
    sound = 0.1 * np.random.default_rng(0).standard_normal((round(seconds * rate), 2))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((32767 * np.clip(sound, -1, 1)).astype("<i2").tobytes())
    return path


@pytest.mark.slow
def test_the_wheel_holds_what_it_runs_on_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("eq", "audio", "words", "match"):
        assert {f"reaper_aeq/shipped/models/{name}.{suffix}" for suffix in ("json", "safetensors")} <= names
    assert any(name.startswith("reaper_aeq/shipped/reascripts/") for name in names)
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "reaper_aeq").rglob("*.py")}
    assert modules <= names and "reaper_aeq/py.typed" in names
    strangers = [name for name in names if not name.startswith(("reaper_aeq/", "reaper_aeq-"))]
    assert not strangers and not [name for name in names if "/test" in name.lower() or name.endswith(".pyc")]


@pytest.mark.slow
def test_an_installed_wheel_adapts_a_sound(environment, place):
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    store(elsewhere / "song.wav")
    out = run(
        environment / "reaper-aeq", "adapt", "song.wav", "warm", "-o", "out.wav", "--json",
        cwd=elsewhere, OMP_NUM_THREADS="1",
    )  # fmt: skip
    data = json.loads(out)
    assert list(data) == [
        "file", "sample_rate", "channels", "duration_s", "kind", "outputs",
        "word", "intensity", "method", "score", "confidence", "explanation", "heard_as", "output_gain_db",
        "bands",
    ]  # fmt: skip
    assert (data["word"], data["method"]) == ("warm", "adaptive") and 1 <= len(data["bands"]) <= 5
    assert data["score"]["after"] > data["score"]["before"]
    assert soundfile.info(elsewhere / "out.wav").frames == 88_200
    assert sorted(path.name for path in elsewhere.iterdir()) == ["out.wav", "song.wav"]


@pytest.mark.slow
def test_models_and_scripts_come_from_inside_the_environment(environment, place):
    program = (
        "from reaper_aeq.util.paths import shipped; from reaper_aeq.cli import main as cli;"
        "print(cli.__file__); print(shipped('models')); print(shipped('reascripts'))"
    )
    inside = (place / "env").resolve()
    for line in run(environment / "python", "-c", program, cwd=place).splitlines():
        assert Path(line).resolve().is_relative_to(inside) and Path(line).exists(), line
    version = run(environment / "reaper-aeq", "--version", cwd=place)
    assert version == f"reaper-aeq {next((place / 'dist').glob('*.whl')).name.split('-')[1]}\n"
