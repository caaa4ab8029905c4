"""`train cvae`, a few steps of it: rows of known words, seeded, resumable, weights that load."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from reaper_aeq.cli.commands import train as train_command
from reaper_aeq.cli.main import main
from reaper_aeq.dsp.fine_structure import N_FINE
from reaper_aeq.errors import AeqError
from reaper_aeq.methods.cvae.network import Cvae
from reaper_aeq.methods.cvae.training import Drawer, fix, known_rows, train_cvae
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.curves import GRID, N_GRID, center
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.model.usual import UsualBalance
from reaper_aeq.model.words import Evidence, Vocabulary, Word
from reaper_aeq.training.datasets.readers import PeopleData, PeopleSettings, SocialWord
from reaper_aeq.training.datasets.sources import random_curves
from reaper_aeq.training.datasets.tables import COLUMNS, CONTRIBUTIONS, SETTINGS, WORDS
from reaper_aeq.training.loop import Run
from reaper_aeq.util.settings import CvaeTraining

SHORT = CvaeTraining(steps=4, batch=16, save_every=2, hidden=16, axes=6, latent=2, text=4)
OCTAVES = GRID.log2()
NEAR = torch.exp(-0.5 * (OCTAVES[:, None] - OCTAVES).square()) + 0.1 * torch.eye(N_GRID, dtype=torch.float64)
TILT = center(-3 * torch.tanh((OCTAVES - 10) / 2))


class Toy:
    """Stands in for a sentence model: any text has a vector of its own."""

    folder, fingerprint = Path("toy/model"), "0123456789abcdef"

    def encode(self, texts):
        seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:12], 16) for text in texts]
        rows = [torch.randn(8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in seeds]
        return torch.nn.functional.normalize(torch.stack(rows), dim=1)


@pytest.fixture(scope="module")
def eq_model() -> EqAutoencoder:
    model = EqAutoencoder()
    axes = torch.linalg.svd(random_curves(300, torch.Generator().manual_seed(0)), full_matrices=False).Vh[:32].float()
    with torch.no_grad():
        model.encoder.weight.copy_(axes)
        model.decoder.weight.copy_(axes.T)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def safe() -> PeopleSettings:
    """Sixty people make a sound warm, thirty bright, one odd."""
    draw = torch.Generator().manual_seed(3)
    spread = torch.randn(91, N_GRID, generator=draw, dtype=torch.float64) @ torch.linalg.cholesky(NEAR).T
    signs = torch.tensor([1.0] * 60 + [-1.0] * 30 + [0.0], dtype=torch.float64)
    return PeopleSettings(
        ("warm",) * 50 + ("warmth",) * 10 + ("bright",) * 30 + ("odd",), signs[:, None] * TILT + spread
    )


@pytest.fixture(scope="module")
def contributions():
    return [("claro", "es"), ("claro", "es"), ("warm", "es"), ("warm", "en")], torch.stack(
        [-TILT, -TILT, TILT, TILT]
    ) / 5


@pytest.fixture(scope="module")
def social():
    return [SocialWord("warm", "en", 4, TILT / 5), SocialWord("claro", "es", 6, -TILT / 5)]


@pytest.fixture(scope="module")
def words(eq_model) -> Vocabulary:
    counts = {"warm": ("en", TILT, 64, 4), "bright": ("en", -TILT, 30, 0), "claro": ("es", -TILT, 6, 6)}
    cov = eq_model.encoder.weight.double() @ NEAR @ eq_model.encoder.weight.double().T
    return Vocabulary(
        {
            name: Word(
                name, lang, eq_model.encode(mean.float()).double(), cov, Evidence(n, people, 0.5, None, ("SAFE",))
            )
            for name, (lang, mean, n, people) in counts.items()
        },
        {},
    )


@pytest.fixture(scope="module")
def rows(words, safe, social, contributions, eq_model):
    return known_rows(words, PeopleData(safe, social, contributions), SHORT, eq_model)


def train(rows, words, eq_model, folder: Path, settings=SHORT, seed=1, **options):
    run = Run(folder / "run", seed, lambda _: None, **options)
    metrics = train_cvae(settings, rows, words, NEAR, eq_model, Toy(), folder / "out", run)
    return metrics, run


def test_rows_are_those_of_known_words_in_their_language(rows, eq_model):
    # 'warmth' is warm; 'odd' and a Spanish 'warm' are not
    assert rows.words.tolist() == [0] * 61 + [1] * 30 + [2] * 2
    # of four and of six people's curves, one and two are published
    assert rows.counts.tolist() == [3.0] * 60 + [4.0] + [3.0] * 32
    torch.testing.assert_close(rows.codes[91], eq_model.encode(-TILT.float()).double(), atol=1e-4, rtol=0)


def test_a_word_that_the_data_do_not_hold_has_no_rows(rows, words, safe, social, contributions, eq_model):
    more = Vocabulary({"elsewhere": words["warm"], **words}, {})
    found = known_rows(more, PeopleData(safe, social, contributions), SHORT, eq_model)
    assert found.words.tolist() == [n + 1 for n in rows.words.tolist()] and torch.equal(found.codes, rows.codes)


def test_curves_that_stand_for_nobody_are_left_out(rows, words, safe, contributions, eq_model, tmp_path):
    """Published of a word that SocialEQ's table does not count: nothing could be drawn from such rows."""
    people = PeopleData(safe, [SocialWord("warm", "en", 4, TILT / 5)], contributions)
    found = known_rows(words, people, SHORT, eq_model)
    assert found.words.tolist() == [n for n in rows.words.tolist() if n != 2]
    assert train(found, words, eq_model, tmp_path)[0]["settings"] > 0


def test_a_training_leaves_weights_that_load_a_log_and_a_picture(rows, words, eq_model, tmp_path):
    metrics, run = train(rows, words, eq_model, tmp_path)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cvae.json", "cvae.safetensors"}
    info = Checkpoint.load("cvae", tmp_path / "out").info
    assert info["metrics"] == metrics and info["words"] == ["warm", "bright", "claro"] and info["settings"]["axes"] == 6
    assert info["text_model"]["fingerprint"] == Toy.fingerprint
    assert set(run.history()["cvae"]) == {"loss", "left_nats", "told_nats"}
    assert (tmp_path / "run" / "cvae.png").read_bytes().startswith(b"\x89PNG")
    model = Cvae.load(tmp_path / "out")
    assert not model.training and model.counts.sum() > 200
    torch.testing.assert_close(model.axes.T @ model.axes, torch.eye(6, dtype=torch.float64))


def test_a_killed_run_ends_as_one_that_was_not(rows, words, eq_model, tmp_path):
    class Killed(Exception):
        pass

    def kill(name, step, steps):
        if step == 3:
            raise Killed

    train(rows, words, eq_model, tmp_path / "whole")
    with pytest.raises(Killed):
        train(rows, words, eq_model, tmp_path / "cut", step_done=kill)
    train(rows, words, eq_model, tmp_path / "cut")
    weights = [(tmp_path / name / "out" / "cvae.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]


def test_a_state_of_other_data_is_not_resumed(rows, words, eq_model, tmp_path):
    train(rows, words, eq_model, tmp_path)
    other = replace(rows, codes=rows.codes + 1)
    with pytest.raises(AeqError, match="other settings or data"):
        train(other, words, eq_model, tmp_path)


def test_too_few_rows_are_refused(rows, words, eq_model, tmp_path):
    with pytest.raises(AeqError, match="settings are too few to train on: at least 40"):
        train(rows.subset(torch.arange(20)), words, eq_model, tmp_path)


def test_training_makes_unseen_settings_likelier(rows, words, eq_model, tmp_path):
    """The words' covariance is too wide here, which can be learned."""
    means = torch.stack([word.mean for word in words.values()])[rows.words]
    narrow = replace(rows, codes=means + 0.4 * (rows.codes - means))
    settings = replace(SHORT, steps=120, batch=32, learning_rate=5e-3, valid_share=0.2)
    metrics, _ = train(narrow, words, eq_model, tmp_path, settings)
    assert metrics["nats"] < metrics["gaussian_nats"] - 1


def test_a_setting_is_left_out_of_its_word_s_mean_and_lacks_in_its_sound(rows, words, safe, eq_model):
    network = Cvae(list(words), vector=8, axes=6, text=4, latent=2, hidden=16)
    fix(network, rows, Toy().encode(list(words)).float())
    drawer = Drawer(network, words, NEAR, eq_model, SHORT)
    row, zero, loud = rows.subset(torch.tensor([61])), torch.zeros(1).double(), torch.full((1,), 1e4).double()
    network.project.weight.data.zero_()
    _, odd, gates, _ = drawer.draw(row, torch.Generator().manual_seed(0), zero)
    others = center(safe.curves_db[61:90]).mean(0)  # too few words to draw them towards anything
    expected = network.standard(eq_model.encode(others.float()).double())
    torch.testing.assert_close(odd[0, :6], expected.float(), atol=1e-2, rtol=0)
    assert not odd[0, 10:].any() and gates[0, 1] == pytest.approx(0, abs=1e-6)  # no sound, nothing heard
    # a sound that leaves no doubt tells the setting that it lacks
    point = network.standard(row.codes)[0]
    views = drawer.precision[:1]
    assert torch.linalg.eigvalsh(views)[0, 0] > 0
    standard, odd, gates, _ = drawer.draw(row, torch.Generator().manual_seed(1), loud)
    assert gates[0, 1] > 0.99 and float(standard.norm()) < 6 and float(point.norm()) > 0


def test_the_command(tmp_path, monkeypatch, capsys, words, eq_model, safe, social, contributions):
    from reaper_aeq.training.datasets import readers as data

    Checkpoint(eq_model.state_dict(), {"architecture": {"n_latent": 32, "hidden": 256}}).save(tmp_path / "m", "eq")
    usual = UsualBalance(N_GRID, N_FINE)
    usual.weight += 1
    usual.residual = N_GRID**0.5 * torch.linalg.cholesky(NEAR).T  # whose pooled covariance is that
    about = {"n": N_GRID, "f": N_FINE, "shape": asdict(usual.shape)}
    Checkpoint(usual.state_dict(), {"architecture": about}).save(tmp_path / "m", "usual")
    words.save(tmp_path / "m", {})
    monkeypatch.setattr(data, "read_safe", lambda folder: safe)
    monkeypatch.setattr(data, "read_contributions", lambda folder: contributions)
    monkeypatch.setattr(data, "read_social_words", lambda folder: social)
    monkeypatch.setattr(train_command, "sentences", Toy)
    (tmp_path / "s.toml").write_text("steps = 2\nbatch = 8\naxes = 4\n")
    for name in (SETTINGS, WORDS, CONTRIBUTIONS):  # looked at before torch is loaded
        columns, between = COLUMNS[name], "\t" if name.endswith(".tsv") else ","
        names = [*columns.text, *columns.numbers, *(f"{columns.bands}{hz}" for hz in (20, 50) if columns.bands)]
        row = [*columns.text, *"1" * (len(names) - len(columns.text))]
        (tmp_path / name).write_text(f"{between.join(names)}\n{between.join(row)}\n")
    places = ["--out", tmp_path / "out", "--run", tmp_path / "run", "--models", tmp_path / "m"]
    options = ["--data", tmp_path, "--settings", tmp_path / "s.toml", "--device", "cpu", "--json"]
    assert main([*map(str, ["train", "cvae", *options, *places])]) == 0
    assert set(json.loads(capsys.readouterr().out)["metrics"]) == {"settings", "nats", "gaussian_nats"}
    assert Cvae.load(tmp_path / "out").n_axes == 4


@pytest.mark.shared
def test_the_shipped_model_knows_the_shipped_words(shared_dir):
    from reaper_aeq.training.datasets.readers import read_people_data

    vocabulary, model = Vocabulary.load(), Cvae.load()
    new = [word for word in vocabulary if word not in model.words]  # known from charts: by their curves alone
    assert set(model.words) <= set(vocabulary) and all(vocabulary[word].evidence.charts for word in new)
    found = known_rows(vocabulary, read_people_data(shared_dir / "data"), CvaeTraining(), EqAutoencoder.load())
    assert 1500 < len(found.words) < 1700
    info = Checkpoint.load("cvae").info
    assert info["metrics"]["nats"] < info["metrics"]["gaussian_nats"]
