"""One EQ or one for each section: the evidence decides, and is worth what it says."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from reaper_aeq.methods.adaptive.posterior import evidence_ratio, natural_cov
from reaper_aeq.methods.method import MethodInput
from reaper_aeq.methods.own_eq import PRIOR, own_shares
from reaper_aeq.model.audio_encoder import Observation
from reaper_aeq.model.curves import COMPARED, GRID, N_GRID, center

OCTAVES = (GRID.log2()[:, None] - GRID.log2()).abs()
WORD_COV = 36.0 * (-0.5 * (OCTAVES / 1.5).square()).exp()
USUAL_COV = 9.0 * (-0.5 * (OCTAVES / 0.4).square()).exp() + torch.eye(N_GRID).double()
MEAN = center(2.0 * torch.tanh(-(GRID / 800).log2()))
BEFORE = 1 / (1 + torch.tensor(-PRIOR).exp().item())


def section(deviation_db: Tensor, visible: Tensor | None = None, adaptation: float = 0.5) -> MethodInput:
    nothing = torch.zeros(N_GRID).double()
    seen = torch.ones(N_GRID).double() if visible is None else visible
    observed = Observation(nothing, seen, nothing, nothing, deviation_db, nothing[:32], torch.ones(N_GRID).bool())
    return MethodInput(MEAN, WORD_COV, observed, USUAL_COV, adaptation, SimpleNamespace())


def draw(cov: Tensor, generator: torch.Generator) -> Tensor:
    root = torch.linalg.cholesky(cov + 1e-6 * torch.eye(len(cov)).double())
    return root @ torch.randn(len(cov), generator=generator, dtype=torch.float64)


def song(sections: list[int], seed: int) -> list[MethodInput]:
    """Sections that lack EQs with these numbers, as the model of `posterior` says that songs come about."""
    generator = torch.Generator().manual_seed(seed)
    word_cov = evidence_ratio(0.5) * WORD_COV
    eqs = [MEAN + draw(word_cov, generator) for _ in range(max(sections) + 1)]
    return [section(center(draw(USUAL_COV, generator) - eqs[n])) for n in sections]


def test_the_shares_are_probabilities_that_come_true():
    """Of songs of the model, as many with two EQs as the odds say: of those that get p, p have two."""
    told, true = [], []
    for seed in range(120):
        several = (seed * 0.618034) % 1 < BEFORE
        told.append(own_shares(song([0, int(several)], seed))[0])
        true.append(float(several))
    told, true = torch.tensor(told), torch.tensor(true)
    assert told[true == 1].mean() > told[true == 0].mean() + 0.3
    for low, high in ((0.0, 0.5), (0.5, 0.9), (0.9, 1.01)):
        inside = (told >= low) & (told < high)
        assert inside.sum() >= 5
        assert abs(told[inside].mean() - true[inside].mean()) < 0.2


def test_two_sections_are_as_unlike_each_other():
    a, b = own_shares(song([0, 1], 3))
    assert a == pytest.approx(b, abs=1e-9)


def test_of_three_sections_the_odd_one_has_its_own():
    shares = torch.tensor([own_shares(song([0, 0, 1], seed)) for seed in range(12)]).mean(0)
    assert shares[2] > max(shares[0], shares[1]) + 0.15


def test_where_nothing_is_heard_nothing_is_learned():
    deaf = torch.zeros(N_GRID).double()
    heard, other = song([0, 1], 5)
    assert own_shares([section(heard.observation.deviation_db, deaf), other]) == pytest.approx([BEFORE, BEFORE])
    flat = [section(one.observation.deviation_db, adaptation=0.0) for one in (heard, other)]
    assert own_shares(flat) == pytest.approx([BEFORE, BEFORE]), "one EQ for all: there is nothing to tell"


def test_it_is_the_likelihood_of_both_together():
    """Against densities written out over both sections at once."""
    requests = song([0, 1], 8)
    word, at = evidence_ratio(0.5) * WORD_COV, COMPARED.nonzero()[:, 0]
    first, second = (natural_cov(one, evidence_ratio(0.5)) for one in requests)

    def nats(both: Tensor) -> float:
        rows = [torch.cat([word + first, both], 1), torch.cat([both, word + second], 1)]
        cov = torch.cat(rows)[torch.cat([at, N_GRID + at])][:, torch.cat([at, N_GRID + at])]
        seen = torch.cat([(one.observation.deviation_db + MEAN)[at] for one in requests])
        return float(-0.5 * seen @ torch.linalg.solve(cov, seen) - 0.5 * torch.linalg.slogdet(cov)[1])

    odds = nats(torch.zeros_like(word)) - nats(word) + PRIOR
    assert own_shares(requests)[0] == pytest.approx(1 / (1 + torch.tensor(-odds).exp().item()), abs=1e-6)
