"""What a match knows, learned from parts of recordings: closed form, robust, saved and found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_data import SAFE_KEYS, safe_row, table

from reaper_aeq.dsp.spectrum import N_MELS, Analysis
from reaper_aeq.errors import AeqError
from reaper_aeq.methods.reference import Matching
from reaper_aeq.methods.reference.training import content_covariance, content_differences, part, train_match
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.curves import N_GRID
from reaper_aeq.training.datasets.readers import Clip
from reaper_aeq.training.loop import Run


def clip(seed: int, kind: str = "mix") -> Clip:
    """Forty frames; in its second half the bands wander by 3 dB, each by itself."""
    generator = torch.Generator().manual_seed(seed)
    level_db = torch.cat([torch.zeros(20, N_GRID), 3 * torch.randn(1, N_GRID, generator=generator).expand(20, -1)])
    analysis = Analysis(10 ** (level_db / 10), torch.ones(40, N_MELS), 48_000, 1, 4.0, 10.0)
    return Clip(f"{seed}.wav", f"source {seed % 7}", kind, 1e9, analysis)


def test_parts_are_frames_of_the_whole():
    analysis = clip(0).analysis
    first, last = part(analysis, 0, 1 / 4), part(analysis, 3 / 4, 1)
    assert (len(first.band_power), len(last.mel_power), first.duration_s) == (10, 10, 1.0)
    assert torch.equal(last.band_power, analysis.band_power[30:])
    assert len(part(analysis, 0.5, 0.5).band_power) == 1


def test_the_covariance_is_that_of_the_bulk():
    rows = content_differences([clip(seed) for seed in range(200)])
    cov = content_covariance(rows)
    spoilt = torch.cat([rows, 30 * rows[:10]])
    # a few recordings that fall silent halfway do not change what is usual
    assert torch.allclose(content_covariance(spoilt).diagonal(), cov.diagonal(), rtol=0.3)
    shape = cov / cov.diagonal().mean()
    assert float((shape - torch.diag(shape.diagonal())).abs().mean()) < 0.1
    assert 6 < float(cov.diagonal().mean()) < 15


def test_few_recordings_leave_no_direction_in_which_content_never_varies():
    cov = content_covariance(content_differences([clip(seed) for seed in range(20)]))
    assert float(torch.linalg.eigvalsh(cov).min()) > 0.1 * float(cov.diagonal().mean())


def test_training_leaves_a_checkpoint_that_loads(tmp_path: Path):
    rows = [safe_row("warm", low_shelf_gain_db=gain) for gain in (-3.0, 2.0, 4.0)]
    table(tmp_path / "safe_eq.csv", ["id", "descriptor", *SAFE_KEYS, "genre", "source"], rows)
    clips = [clip(seed) for seed in range(24)] + [clip(99, "vocals")]
    run = Run(tmp_path / "run", 0, lambda _: None)
    metrics = train_match(tmp_path, clips, tmp_path / "out", run)
    matching, info = Matching.load(tmp_path / "out"), Checkpoint.load("match", tmp_path / "out").info
    assert matching.people_cov.shape == matching.content_cov.shape == (N_GRID, N_GRID)
    assert info["metrics"] == metrics and metrics["recordings"] == 24 and metrics["settings"] == 3
    assert info["data"]["sources"] == [f"source {n}" for n in range(7)]
    with pytest.raises(AeqError, match="19 recordings of music are too few"):
        content_differences(clips[:19])
