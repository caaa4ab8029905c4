"""Training the proxy, a few steps of it: weights that load, a log, a picture, the same again after an interruption."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_data import SAFE_KEYS, safe_row, table
from typer.testing import CliRunner

from reaper_aeq.cli.main import app
from reaper_aeq.errors import AeqError
from reaper_aeq.methods.proxy.network import EqProxy
from reaper_aeq.methods.proxy.training import train_proxy
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.training.datasets.sources import draw_band_params
from reaper_aeq.training.loop import Run
from reaper_aeq.util.settings import ProxyTraining

QUICK = ProxyTraining(steps=6, batch=8, hidden=8, save_every=2)


@pytest.fixture(scope="module")
def eq_model() -> EqAutoencoder:
    return EqAutoencoder.load()


def people(folder: Path, count: int) -> Path:
    rows = [safe_row("warm", peak1_gain_db=0.1 * n, low_shelf_gain_db=-0.2 * n) for n in range(count)]
    table(folder / "safe_eq.csv", ["id", "descriptor", *SAFE_KEYS, "genre", "source"], [*rows, safe_row("test")])
    return folder


def train(folder: Path, eq_model: EqAutoencoder, data: Path | None = None, **options) -> dict[str, float]:
    run = Run(folder / "run", seed=1, tell=lambda _: None, **options)
    return train_proxy(QUICK, data, eq_model, folder / "out", run)


def test_a_training_leaves_what_it_found(tmp_path, eq_model):
    metrics = train(tmp_path, eq_model, people(tmp_path, 40))
    info = Checkpoint.load("proxy", tmp_path / "out").info
    assert info["metrics"] == metrics and info["settings"]["steps"] == 6 and "SAFE" in info["data"]
    assert {"random_median_db", "people_p95_db"} <= set(metrics)
    model = EqProxy.load(eq_model, tmp_path / "out")
    assert not model.training and model(draw_band_params(3, torch.Generator())).shape == (3, 32)
    assert float(model.spread.min()) > 0 and float(model.usual[0, 0]) < float(
        model.usual[4, 0]
    )  # low shelf, high shelf
    assert (tmp_path / "run" / "proxy.png").read_bytes().startswith(b"\x89PNG")
    assert Run(tmp_path / "run", 1).history()["proxy"]["loss"][0][0] == 1


def test_without_data_on_random_eqs(tmp_path, eq_model):
    metrics = train(tmp_path, eq_model)
    assert Checkpoint.load("proxy", tmp_path / "out").info["data"] == "random EQs" and "people_p95_db" not in metrics


def test_an_interrupted_run_ends_the_same(tmp_path, eq_model):
    class Killed(Exception):
        pass

    def killing(name: str, step: int, steps: int) -> None:
        if step == 5:
            raise Killed

    train(tmp_path / "whole", eq_model)
    with pytest.raises(Killed):
        train(tmp_path / "broken", eq_model, step_done=killing)
    train(tmp_path / "broken", eq_model)
    one, other = (Checkpoint.load("proxy", tmp_path / name / "out").tensors for name in ("whole", "broken"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_it_learns(tmp_path, eq_model):
    quick = ProxyTraining(steps=150, batch=32, hidden=32)
    run = Run(tmp_path / "run", seed=1, tell=lambda _: None)
    metrics = train_proxy(quick, None, eq_model, tmp_path / "out", run)
    assert metrics["random_median_db"] < 0.8 * metrics["random_size_db"]


def test_too_few_settings_are_refused(tmp_path, eq_model):
    with pytest.raises(AeqError, match="19 settings are too few"):
        train(tmp_path, eq_model, people(tmp_path, 19))


def test_the_command(tmp_path):
    (tmp_path / "s.toml").write_text("steps = 2\nbatch = 4\nhidden = 8\n")
    places = [
        "--out",
        tmp_path / "out",
        "--run",
        tmp_path / "run",
        "--settings",
        tmp_path / "s.toml",
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(app, ["train", "proxy", "--json", *map(str, places)])
    assert done.exit_code == 0 and '"trained": "proxy"' in done.stdout
    assert (tmp_path / "out" / "proxy.safetensors").is_file()


def test_the_first_weights_follow_from_the_seed_alone(tmp_path, eq_model):
    weights = []
    for n in range(2):
        torch.manual_seed(n)
        train(tmp_path / str(n), eq_model)
        weights.append((tmp_path / str(n) / "out" / "proxy.safetensors").read_bytes())
    assert weights[0] == weights[1]
