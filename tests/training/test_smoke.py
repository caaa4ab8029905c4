"""Every training, a few steps of it: weights that load, a picture, a log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_charts import write_charts
from test_data import SAFE_KEYS, safe_row, table

from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.errors import AeqError
from reaper_aeq.model.audio_encoder import AudioEncoder
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.curves import COMPARED, GRID, rms_db
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.model.texture_nets import NETWORKS
from reaper_aeq.model.words import Vocabulary
from reaper_aeq.training import eq as eq_module
from reaper_aeq.training.audio import fold_sources, train_audio
from reaper_aeq.training.datasets.readers import read_clips, read_ltas_prior
from reaper_aeq.training.datasets.sources import WAYS, TrainingSource, bootstrap, gather, noise, random_curves
from reaper_aeq.training.eq import train_eq
from reaper_aeq.training.loop import Run
from reaper_aeq.training.words import train_words
from reaper_aeq.util.settings import AudioTraining, EqTraining, WordsTraining

EQ = EqTraining(steps=4, batch=16, save_every=2)
AUDIO = AudioTraining(members=2, steps=3, batch=4, bootstrap_sounds=8, save_every=2)
PNG = b"\x89PNG\r\n"


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path / "run", seed=1, tell=lambda _: None)


@pytest.fixture(scope="module")
def eq_model() -> EqAutoencoder:
    """Principal components of random EQs: what a training starts from."""
    model = EqAutoencoder()
    axes = torch.linalg.svd(random_curves(300, torch.Generator().manual_seed(0)), full_matrices=False).Vh[:32].float()
    with torch.no_grad():
        model.encoder.weight.copy_(axes)
        model.decoder.weight.copy_(axes.T)
    return model.eval().requires_grad_(False)


def trained(run: Run, out: Path, name: str, metrics: dict[str, float], networks: list[str]) -> dict:
    """Checks what every training leaves behind; the checkpoint's info."""
    assert all(np.isfinite(value) for value in metrics.values())
    assert {f"{name}.json", f"{name}.safetensors"} == {path.name for path in out.iterdir()}
    info = Checkpoint.load(name, out).info
    assert info["metrics"] == metrics and info["settings"] and info["data"] and info["architecture"]
    history = run.history()
    assert set(networks) <= set(history)
    if networks:
        assert (run.folder / f"{name}.png").read_bytes().startswith(PNG)
        for network in networks:
            assert history[network]["loss"][0][0] == 1
    return info


def test_eq_without_data(tmp_path, run, monkeypatch):
    pools = {4000: 300, 600: 30}  # a hundred times fewer curves to fit bands to
    monkeypatch.setattr(eq_module, "random_curves", lambda n, generator: random_curves(pools.get(n, n), generator))
    metrics = train_eq(EQ, None, tmp_path / "out", run)
    info = trained(run, tmp_path / "out", "eq", metrics, ["eq"])
    assert info["data"] == "random EQs" and metrics["bands_median_db"] < 0.5
    model = EqAutoencoder.load(tmp_path / "out")
    assert not model.training and not model.decode_curve(torch.zeros(32)).any()


def test_eq_is_the_same_again_whatever_was_drawn_before(tmp_path, monkeypatch):
    monkeypatch.setattr(eq_module, "random_curves", lambda n, generator: random_curves(min(n, 60), generator))
    weights = []
    for n in range(2):
        torch.manual_seed(n)
        train_eq(EQ, None, tmp_path / f"out {n}", Run(tmp_path / f"run {n}", seed=1, tell=lambda _: None))
        weights.append((tmp_path / f"out {n}" / "eq.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_eq_with_too_few_settings(tmp_path, run):
    table(tmp_path / "safe_eq.csv", ["id", "descriptor", *SAFE_KEYS], [safe_row("warm", peak1_gain_db=3.0)[:-2]])
    contributions = ["word", "language", "g20", "g1000", "g19682"]
    table(tmp_path / "socialeq_contributions.csv", contributions, [["warm", "en", 1, 0, -1]])
    with pytest.raises(AeqError, match="too few to train on: at least 40"):
        train_eq(EQ, tmp_path, tmp_path / "out", run)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("network", NETWORKS)
def test_audio_bootstrap(tmp_path, run, eq_model, network):
    settings = replace(AUDIO, network=network)
    clips = gather(["bootstrap"], [], settings, eq_model, None, run)
    metrics = train_audio(settings, clips, None, eq_model, tmp_path / "out", run)
    info = trained(run, tmp_path / "out", "audio", metrics, ["audio0", "audio1"])
    assert info["architecture"]["network"] == network and info["data"]["recordings"] == 8
    encoder = AudioEncoder.load(tmp_path / "out")
    seen = encoder.observe(clips[0].analysis, eq_model)
    assert bool(torch.isfinite(seen.code).all()) and torch.linalg.eigvalsh(encoder.residual_cov).min() > 0
    # a trained encoder's mean is where further sounds start from
    encoder.mean_db = -3 * GRID.log2()
    further, pink = (way.clips[0].analysis for way in (bootstrap(1, run, 1, eq_model, encoder), noise(1, run, 1)))
    off = (further.ltas_db() - pink.ltas_db() - encoder.mean_db)[pink.in_reach]
    assert off.std() < 1.5 < encoder.mean_db.std()


def test_every_way_gives_sounds_with_eqs_that_are_known(run, eq_model):
    plain = noise(5, run, 2)
    ways = [plain, bootstrap(5, run, 2, eq_model, None), TrainingSource("music", plain.clips, random_curves)]
    assert tuple(way.name for way in (ways[0], ways[2], ways[1])) == WAYS
    for way in ways:
        curves = way.draw(5, run.generator(f"{way.name} EQs", 0))
        assert curves.shape == (5, len(GRID)) and bool(rms_db(curves).gt(0.5).all())
        for clip, shaped, curve in zip(way.clips, way.with_eqs(run), curves, strict=True):
            assert clip.source == shaped.source
            put_on = shaped.analysis.ltas_db() - clip.analysis.ltas_db()
            assert torch.allclose(put_on[clip.analysis.in_reach], curve[clip.analysis.in_reach], atol=1e-3)
    assert len({clip.source for clip in plain.clips}) == 2
    both = gather(["noise", "music"], plain.clips, AUDIO, eq_model, None, run)
    assert len(both) == 5 + AUDIO.bootstrap_sounds and both[0] is plain.clips[0]
    with pytest.raises(AeqError, match="unknown sounds 'silence': use noise, music, bootstrap"):
        gather(["silence"], [], AUDIO, eq_model, None, run)


def test_a_repeated_training_gives_the_same_weights(tmp_path, eq_model):
    for name in ("a", "b"):
        run = Run(tmp_path / f"run {name}", 1, lambda _: None)
        clips = gather(["bootstrap"], [], AUDIO, eq_model, None, run)
        train_audio(AUDIO, clips, None, eq_model, tmp_path / name, run)
    assert (tmp_path / "a" / "audio.safetensors").read_bytes() == (tmp_path / "b" / "audio.safetensors").read_bytes()


def test_a_source_is_never_split_and_too_few_are_refused(run):
    sources = ["big"] * 9 + ["a", "b", "b", "c", "d"]
    fold = fold_sources(sources, 3, run)
    assert len({(source, k) for source, k in zip(sources, fold, strict=True)}) == 5 and set(fold) == {0, 1, 2}
    assert sum(k == fold[0] for k in fold) == 9  # the largest source has a fold to itself
    with pytest.raises(AeqError, match="recordings of 2 sources cannot be split 4 ways"):
        fold_sources(["a", "b", "b"], 4, run)


@pytest.fixture
def people(tmp_path) -> Path:
    """Ten people make a sound warm, four bright, one odd; SocialEQ knows warm and claro."""
    draw = np.random.default_rng(0)
    rows = [safe_row("warm", low_shelf_gain_db=5 + draw.normal(), low_shelf_freq_hz=250 + i) for i in range(7)]
    rows += [safe_row("warmth", low_shelf_gain_db=5 + draw.normal(), low_shelf_freq_hz=250 + i) for i in range(3)]
    rows += [safe_row("Brighter", high_shelf_gain_db=5 + draw.normal()) for _ in range(4)]
    rows += [safe_row("odd", peak1_gain_db=9.0), safe_row("test", peak2_gain_db=12.0)]
    table(tmp_path / "safe_eq.csv", ["id", "descriptor", *SAFE_KEYS, "genre", "source"], rows)
    warm, claro = ["warm", "en", 6, 0.5, 1, 1, 0, 0, 0], ["claro", "es", 8, 0.6, -1, -1, 0, 1, 1]
    gains = [f"g{hz}" for hz in (20, 200, 1000, 5000, 19_682)]
    table(tmp_path / "socialeq_words.csv", ["word", "language", "n_people", "agreement", *gains], [warm, claro])
    single = [[w[0], w[1], i, 0.7, *(g + 0.1 * draw.normal() for g in w[4:])] for w in (warm, claro) for i in range(6)]
    table(tmp_path / "socialeq_contributions.csv", ["word", "language", "audio_id", "consistency", *gains], single)
    return tmp_path


def test_words(tmp_path, run, eq_model, people):
    metrics = train_words(WordsTraining(), people, eq_model, tmp_path / "out", run)
    trained(run, tmp_path / "out", "words", metrics, [])
    words = Vocabulary.load(tmp_path / "out")
    assert set(words) == {"warm", "bright", "claro"} and metrics["words"] == 3
    assert words["claro"].language == "es" and words.find("warmth") is words["warm"]
    warm = words["warm"].evidence
    assert (warm.settings, warm.people, warm.sources) == (16, 6, ("SAFE", "SocialEQ"))  # forms count, 'test' does not
    assert warm.agreement > 0.9 and warm.cross > 0.6 and warm.confidence > 0.6
    assert words["bright"].evidence.cross is None and words["bright"].evidence.sources == ("SAFE",)
    curve = eq_model.decode_curve(words["warm"].mean.float())
    # ten of SAFE at 5 dB, six people of SocialEQ at 1 unit, which is 5 dB
    assert (curve[GRID < 80].mean() - curve[GRID > 6000].mean()).item() == pytest.approx(5.0, abs=0.8)
    spread = torch.linalg.eigvalsh(words["warm"].cov)
    assert spread[-1] > 1.0 and spread[0] > -1e-3 * spread[-1]


def test_words_from_charts_stand_beside_those_of_people(tmp_path, run, eq_model, people):
    write_charts(people)
    told = []
    train_words(WordsTraining(), people, eq_model, tmp_path / "out", replace(run, tell=told.append))
    words = Vocabulary.load(tmp_path / "out")
    assert set(words) == {"warm", "bright", "claro", "honky", "thin"}
    assert not any("no EQ charts" in line for line in told)
    by_confidence = sorted(words, key=lambda name: -words[name].evidence.confidence)
    assert told[-1].endswith(f"best known: {', '.join(by_confidence)}")
    honky = words["honky"].evidence
    assert (honky.settings, honky.charts, honky.sources, honky.agreement) == (0, 5, ("charts",), 1.0)
    curve = eq_model.decode_curve(words["honky"].mean.float())
    assert 450 < float(GRID[curve.argmax()]) < 1000
    assert words.find("honk") is words["honky"] and words.find("less honkiness").name == "less honky"
    assert words["warm"].evidence.charts == 0  # no chart speaks of it
    spread = torch.linalg.eigvalsh(words["honky"].cov)
    assert spread[-1] > 1.0 and spread[0] > -1e-3 * spread[-1]


def test_words_without_charts_are_told_of(tmp_path, run, eq_model, people):
    told = []
    train_words(WordsTraining(), people, eq_model, tmp_path / "out", replace(run, tell=told.append))
    assert any("no EQ charts" in line for line in told)


def test_words_without_data(tmp_path, run, eq_model):
    with pytest.raises(AeqError, match="cannot read the data set"):
        train_words(WordsTraining(), tmp_path, eq_model, tmp_path / "out", run)


@pytest.mark.shared
def test_eq_from_peoples_settings(tmp_path, run, shared_dir):
    settings = EqTraining(steps=6, batch=32, valid_share=0.05)
    metrics = train_eq(settings, shared_dir / "data", tmp_path / "out", run)
    info = trained(run, tmp_path / "out", "eq", metrics, ["eq"])
    assert "SAFE" in info["data"]
    # the linear part starts at the principal components and is good from the first step
    assert metrics["curve_median_db"] < 0.25 and metrics["bands_median_db"] < 0.5


@pytest.mark.shared
def test_audio_from_recordings(tmp_path, run, shared_dir, eq_model):
    folder = tmp_path / "audio"
    folder.mkdir()
    names = ("ichbin_caesium_mix.flac", "coulton_better.mp3", "surge_menu.ogg", "vivaldi_spring.ogg", "MANIFEST.tsv")
    for name in names:
        (folder / name).symlink_to(shared_dir / "audio" / name)
    clips, prior = read_clips([folder]), read_ltas_prior(shared_dir / "data")
    assert len(clips) == 4 and len({clip.source for clip in clips}) == 4
    metrics = train_audio(AUDIO, clips, prior, eq_model, tmp_path / "out", run)
    info = trained(run, tmp_path / "out", "audio", metrics, ["audio0", "audio1"])
    assert info["data"]["recordings"] == 4 and info["data"]["spectra"] == len(prior.sources)
    encoder = AudioEncoder.load(tmp_path / "out")
    assert encoder.mean_db[COMPARED].argmin() > 30  # music falls towards the top
    assert len(encoder.mean_db) == len(GRID_HZ)


@pytest.mark.shared
def test_words_from_both_data_sets(tmp_path, run, shared_dir, eq_model):
    metrics = train_words(WordsTraining(), shared_dir / "data", eq_model, tmp_path / "out", run)
    trained(run, tmp_path / "out", "words", metrics, [])
    words = Vocabulary.load(tmp_path / "out")
    assert metrics["words"] > 60 and not words["warm"].weak
    assert float(torch.cosine_similarity(words["warm"].mean, words["bright"].mean, dim=0)) < -0.5
