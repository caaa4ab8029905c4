"""The network that stands for ReaEQ, the search over it, and the laws of the method."""

from __future__ import annotations

import method_laws as laws
import pytest
import torch
from method_sounds import RATE, SOUNDS

from reaper_aeq import AdaptiveEQ
from reaper_aeq.dsp.fit import DEFAULT_KINDS
from reaper_aeq.dsp.response import response_db
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.errors import ModelError
from reaper_aeq.methods.proxy import search, starts
from reaper_aeq.methods.proxy.network import EqProxy
from reaper_aeq.model.curves import GRID, REFERENCE_RATE, center, rms_db
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.training.datasets.sources import draw_band_params


@pytest.fixture(scope="module")
def engine() -> AdaptiveEQ:
    return AdaptiveEQ.load(device="cpu")


def truly(params: torch.Tensor) -> torch.Tensor:
    return response_db(params, DEFAULT_KINDS, GRID, REFERENCE_RATE)


def drawn(count: int) -> torch.Tensor:
    return draw_band_params(count, torch.Generator().manual_seed(7))


def test_null(engine):
    laws.null(engine, method="proxy")


def test_level(engine):
    laws.level(engine, method="proxy")


@pytest.mark.parametrize(("name", "word"), [("thin", "warm"), ("a bass", "bright")])
def test_monotone_and_safe(engine, name, word):
    laws.monotone(engine, name, word, method="proxy")
    laws.safe(engine, name, word, method="proxy")


def test_it_finds_about_what_adaptive_asks_for(engine):
    for name in ("thin", "heavy"):
        asked = [engine.adapt(SOUNDS[name], RATE, "warm", method=m) for m in ("adaptive", "proxy")]
        wanted, got = (torch.from_numpy(r.eq.response_db(GRID_HZ, RATE)) for r in asked)
        assert float(rms_db(got - wanted)) < max(0.25 * float(rms_db(wanted)), 0.3)


def test_what_the_network_says_of_bands_is_about_what_they_do(engine):
    params = drawn(200)
    said = engine.models.get(EqProxy)(params) @ engine.eq_model.decoder.weight.double().T
    true = truly(params)
    assert float(rms_db(said - true).median()) < 0.12 * float(rms_db(true).median())


def test_no_gain_is_no_change_and_bands_add_up():
    proxy, params = EqProxy(hidden=8), drawn(4)
    flat = params * torch.tensor([1.0, 0.0, 1.0])
    assert not proxy(flat).any() and proxy(params).abs().sum(-1).gt(0).any()
    low, rest = params.clone(), params.clone()
    low[:, 1:, 1], rest[:, 0, 1] = 0.0, 0.0
    assert torch.allclose(proxy(low) + proxy(rest), proxy(params), atol=1e-6)


def test_the_search_ends_where_what_bands_do_is_what_is_wanted(engine):
    """Whatever says what bands do; more starts never find worse."""
    wanted = center(truly(drawn(6)))
    proxy = engine.models.get(EqProxy)
    first = starts(engine.eq_model, proxy, engine.eq_model.encode(wanted.float())).double()
    errors = [rms_db(truly(search(wanted, first[:, :count], proxy, truly)) - wanted) for count in (2, 8)]
    assert float(errors[1].median()) < 0.1 * float(rms_db(wanted).median())
    assert bool((errors[1] <= errors[0] + 1e-9).all())


def test_a_proxy_of_another_eq_space_is_refused():
    with pytest.raises(ModelError, match="trained for another EQ autoencoder: run reaper-aeq train proxy"):
        EqProxy.load(EqAutoencoder())
