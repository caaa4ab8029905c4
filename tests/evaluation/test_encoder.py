"""The encoder's code tells styles apart better than plain features of the same size."""

import pytest
import torch

from reaper_aeq.eq import LIMITS
from reaper_aeq.evaluation.encoder import STYLES, classify, draw_style, run_encoder


@pytest.mark.shared
@pytest.mark.slow
def test_encoder_beats_plain_features(shared_dir):
    accuracy = {k: v["accuracy"] for k, v in run_encoder([shared_dir / "audio"])["five styles"].items()}
    assert accuracy["encoder"] > accuracy["band energies"]
    assert accuracy["encoder"] > accuracy["random mel projection"]
    assert accuracy["encoder"] > 0.4  # five classes: chance is 0.2


@pytest.mark.parametrize("style", STYLES)
def test_styles_are_drawn_from_a_seed(style):
    first, again, other = (draw_style(style, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert all(band.gain_db in LIMITS["gain_db"] for band in first.bands)


def test_the_classifier_learns_what_can_be_learned():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(500) % len(STYLES)
    x = torch.randn(500, 8, generator=generator).double()
    test = torch.arange(500) >= 300
    assert (classify(x, labels, test) == labels[test]).double().mean() < 0.35
    x[:, 0] += 4.0 * labels
    assert (classify(x, labels, test) == labels[test]).double().mean() > 0.9
