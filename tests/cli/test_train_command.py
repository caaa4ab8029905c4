"""`train` and `evaluate`: what is asked for reaches the functions that do it, and mistakes are told before."""

import json

import pytest
import torch
from tables_kit import table

from reaper_aeq.cli.main import main
from reaper_aeq.evaluation import laws as laws_module
from reaper_aeq.evaluation.law import Law
from reaper_aeq.training import eq as eq_module
from reaper_aeq.training.datasets.tables import CONTRIBUTIONS, SETTINGS


@pytest.fixture
def call(tmp_path, capsys):
    """Runs a training whose weights and state go below `tmp_path`: exit code, stdout, stderr."""

    def run(*args):
        places = ["--out", tmp_path / "models", "--run", tmp_path / "run"]
        code = main([str(arg) for arg in (*args, *places)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def asked(monkeypatch):
    """What a training of the EQ model is given, without training one."""
    seen = {}

    def train_eq(settings, data, out, run):
        seen.update(settings=settings, data=data, out=out, run=run)
        run.tell("[bold]no markup[/bold]")
        for step in range(3):
            run.step_done("eq", step + 1, 3)
        return {"curve_median_db": 0.25}

    monkeypatch.setattr(eq_module, "train_eq", train_eq)
    return seen


def test_settings_places_and_metrics(tmp_path, call, asked):
    (tmp_path / "s.toml").write_text("seed = 7\nsteps = 12\n")
    for name in (SETTINGS, CONTRIBUTIONS):
        (tmp_path / name).write_text(table(name))
    code, out, err = call(
        "train", "eq", "--settings", tmp_path / "s.toml", "--data", tmp_path, "--json", "--device", "cpu"
    )
    assert code == 0 and json.loads(out)["metrics"] == {"curve_median_db": 0.25}
    assert err == "[bold]no markup[/bold]\n"
    assert (asked["settings"].steps, asked["run"].seed, asked["run"].device) == (12, 7, torch.device("cpu"))
    assert (asked["data"], asked["out"]) == (tmp_path, tmp_path / "models")


def test_a_person_reads_the_metrics(tmp_path, call, asked):
    code, out, _ = call("train", "eq", "--device", "cpu")
    assert code == 0 and "curve median db: 0.25\n" in out and asked["data"] is None
    assert f"wrote {tmp_path / 'models' / 'eq'}.safetensors" in out


def test_what_could_only_fail_hours_later_fails_at_once(tmp_path, call, capsys, asked):
    (tmp_path / "models").write_text("a file")
    code, out, err = call("train", "eq")
    assert (code, out) == (2, "") and err.startswith("error: cannot write ") and not asked
    (tmp_path / "models").unlink()
    (tmp_path / "s.toml").write_text("step = 12\n")
    code, _, err = call("train", "eq", "--settings", tmp_path / "s.toml")
    assert code == 2 and "unknown setting 'step'" in err and err.count("\n") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(call, asked):
    code, _, err = call("train", "eq", "--device", "cuda")
    assert (code, err) == (2, "error: there is no CUDA device here: use --device cpu\n") and not asked


@pytest.mark.parametrize("command", ["eq", "audio", "words"])
def test_data_that_is_not_there(tmp_path, tiny_models, call, command):
    models = [] if command == "eq" else ["--models", tiny_models]
    code, out, err = call("train", command, "--data", tmp_path / "no", *models)
    assert (code, out) == (2, "") and "error: the folder of data sets" in err


@pytest.mark.slow
def test_the_audio_encoder_trains_without_any_recording(tmp_path, tiny_models, call):
    (tmp_path / "s.toml").write_text("members = 2\nsteps = 2\nbootstrap_sounds = 8\n")
    arguments = ["--settings", tmp_path / "s.toml", "--models", tiny_models, "--device", "cpu", "--json"]
    code, out, err = call("train", "audio", *arguments)
    assert code == 0, err
    assert "explained_variance_unseen" in json.loads(out)["metrics"] and "from noise and the EQ model's decoder" in err
    assert {"audio.json", "audio.safetensors"} <= {path.name for path in (tmp_path / "models").iterdir()}


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_broken_law_is_exit_code_1(run, song, monkeypatch, kept, as_json):
    laws = [Law("null", "0.00 dB", "< 0.05 dB", True), Law("level", "0.2 dB", "< 0.1 dB", kept)]
    read = []
    monkeypatch.setattr(laws_module, "run_laws", lambda engine, sounds, tell, method, only: read.extend(sounds) or laws)
    code, out, err = run("evaluate", "laws", "--audio", song.parent, *["--json"] * as_json)
    assert (code, err) == (0 if kept else 1, "")
    assert [sound.name for sound in read] == ["song.wav"]
    if as_json:
        assert json.loads(out) == {"passed": kept, "laws": [vars(law) for law in laws]}
    else:
        assert "0.2 dB" in out and ("all laws hold" if kept else "broken: level") in out


def test_a_folder_without_recordings(tmp_path, run):
    for examination in (["laws"], ["repair", "--data", tmp_path]):
        code, out, err = run("evaluate", *examination, "--audio", tmp_path)
        assert (code, out) == (2, "") and "holds no recordings" in err
