"""The comparison of training data: what it measures is right for an encoder whose errors are known."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
import torch

from reaper_aeq.dsp.spectrum import analyze_blocks
from reaper_aeq.dsp.virtual_eq import equalized
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.evaluation.training import VARIANTS, examine
from reaper_aeq.model.audio_encoder import visibility
from reaper_aeq.model.curves import N_GRID, center
from reaper_aeq.model.texture import SEGMENT
from reaper_aeq.training.datasets.readers import Clip
from reaper_aeq.training.datasets.sources import WAYS, noise, random_curves
from reaper_aeq.training.direct import features, heard_code, levels, train_direct
from reaper_aeq.training.loop import Run


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path, 1, tell=lambda _: None)


def listener(engine: AdaptiveEQ, clean: torch.Tensor, share: float):
    """Hears `share` of the EQ that is on a sound whose spectrum without it is `clean`."""

    def listen(analysis):
        ltas = analysis.ltas_db()
        off = share * center(ltas - clean)
        seen = engine.encoder.observe(analysis, engine.eq_model)
        return dataclasses.replace(seen, balance_db=off, deviation_db=off, visible=visibility(ltas))

    return listen


def test_an_encoder_that_hears_all_is_told_from_one_that_hears_half(engine):
    sound = torch.randn(2, 96_000, generator=torch.Generator().manual_seed(0)).numpy()
    clip = Clip("noise", "own", "mix", 1e9, analyze_blocks([sound], 48_000))
    rows = random_curves(2, torch.Generator().manual_seed(1))
    fold = SimpleNamespace(clips=[clip], engine=engine, people={"warm": rows, "bright": -rows})
    cov, clean = torch.eye(N_GRID, dtype=torch.float64), clip.analysis.ltas_db()
    all_of_it, half, none = (
        examine(listener(engine, clean, share), cov, [fold], engine.eq_model) for share in (1.0, 0.5, 0.0)
    )
    assert all_of_it["EQ_heard_wrong_db"] < 0.01 < 1.0 < half["EQ_heard_wrong_db"] < none["EQ_heard_wrong_db"]
    assert all_of_it["scores_follow"] == half["scores_follow"] == 1.0 and none["scores_follow"] == 0.0
    assert all_of_it["warm_lsd_db"] < none["warm_lsd_db"]


@pytest.mark.parametrize(("network", "equivariance"), [("cnn", True), ("cnn-pooled", False)])
def test_a_direct_encoder_trains_and_ignores_level(engine, run, network, equivariance):
    way = noise(3, run, 2)
    net = train_direct(network, [way], engine.eq_model, run, "direct", steps=3, equivariance=equivariance)
    history = run.history()["direct"]
    assert ("equivariance_db" in history) == equivariance and history["loss"][-1][0] == 3
    sound = way.clips[0].analysis
    louder = equalized(sound, torch.full((N_GRID,), 20.0, dtype=torch.float64))
    assert torch.allclose(heard_code(net, sound), heard_code(net, louder), atol=1e-3)
    assert levels(sound).shape[1] % SEGMENT == 0 and features(levels(sound)[None]).max() < 3


def test_the_table_leaves_out_one_thing_at_a_time():
    assert {way for variant in VARIANTS for way in variant.ways} == set(WAYS)
    assert len({(variant.kind, variant.title) for variant in VARIANTS}) == len(VARIANTS)
    for variant in VARIANTS:
        assert variant.equivariance or variant.network == "cnn"
