"""`reaper-aeq train match`: how people equalize and how the spectra of one recording's parts differ, in closed form."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...dsp.spectrum import Analysis
from ...errors import AeqError
from ...model.curves import GRID, N_GRID, center, rms_db
from ...training.audio import MUSIC_KINDS
from ...training.datasets.readers import Clip, read_safe
from ...training.loop import Run
from . import Matching

# Student's t with so few degrees of freedom: where a part is nearly silent, spectra differ by 20 dB and mean nothing.
FREEDOM = 2.0
STEPS, FLOOR_DB2, START_DB2 = 12, 0.05, 9.0
# Few recordings leave most directions of 59 bands unseen, and content that never varies there would all be taken for
# EQ: so many recordings' worth of neighboring bands that move together over this distance are added.
LEAN_RECORDINGS, LEAN_OCT = 30.0, 0.3
LEAST_RECORDINGS = 20


def train_match(data: Path | str, clips: Sequence[Clip], out: Path, run: Run) -> dict[str, float]:
    """Fits both covariances and writes `match` into `out`. Returns the metrics. Raises `AeqError`."""
    settings = center(read_safe(data).curves_db)
    music = [clip for clip in clips if clip.kind in MUSIC_KINDS]
    differences = content_differences(music)
    metrics = {
        "recordings": len(music),
        "settings": len(settings),
        "settings_rms_db": round(float(rms_db(settings).median()), 3),
        "halves_rms_db": round(float(rms_db(differences).median()), 3),
    }
    info = {
        "data": {
            "sources": sorted({clip.source for clip in music}),
            "settings": "SAFE Equalizer (Stables et al. 2014)",
        },
        "settings": {"freedom": FREEDOM, "lean_recordings": LEAN_RECORDINGS, "lean_oct": LEAN_OCT},
        "metrics": metrics,
    }
    Matching(people_covariance(settings), content_covariance(differences)).save(out, info)
    run.tell(f"{len(music)} recordings, {len(settings)} settings")
    return metrics


def people_covariance(curves_db: Tensor) -> Tensor:
    """(n, bands) level-free settings -> (bands, bands), around a flat EQ: any word may be the one behind a match."""
    return curves_db.T @ curves_db / len(curves_db)


def content_differences(clips: Sequence[Clip]) -> Tensor:
    """(clips, bands) dB, level-free: the spectrum of each clip's second half minus that of its first."""
    if len(clips) < LEAST_RECORDINGS:
        raise AeqError(f"{len(clips)} recordings of music are too few to learn from: give at least {LEAST_RECORDINGS}")
    halves = [(part(clip.analysis, 0.0, 0.5), part(clip.analysis, 0.5, 1.0)) for clip in clips]
    return center(torch.stack([later.ltas_db() - first.ltas_db() for first, later in halves]))


def content_covariance(differences_db: Tensor) -> Tensor:
    """(n, bands) -> (bands, bands): scatter of a multivariate t around 0 (Lange, Little and Taylor 1989), shrunk.

    Its scale means little: a match finds the scale of each pair by itself.
    """
    floor = FLOOR_DB2 * torch.eye(N_GRID, dtype=differences_db.dtype)
    cov = START_DB2 * torch.eye(N_GRID, dtype=differences_db.dtype)
    octaves, count = GRID.log2(), len(differences_db)
    neighbors = torch.exp(-(octaves[:, None] - octaves).abs() / LEAN_OCT)
    for _ in range(STEPS):
        distance = (differences_db @ torch.linalg.inv(cov) * differences_db).sum(1)
        weight = (FREEDOM + N_GRID) / (FREEDOM + distance)
        own = (differences_db * weight[:, None]).T @ differences_db
        lean = LEAN_RECORDINGS * own.diagonal().mean() / count * neighbors
        cov = (own + lean) / (count + LEAN_RECORDINGS) + floor
    return cov


def part(analysis: Analysis, start: float, end: float) -> Analysis:
    """The frames from `start` to `end`, 0..1 of the duration."""
    frames = len(analysis.band_power)
    use = slice(round(start * frames), max(round(end * frames), round(start * frames) + 1))
    return dataclasses.replace(
        analysis,
        band_power=analysis.band_power[use],
        mel_power=analysis.mel_power[use],
        duration_s=analysis.duration_s * (end - start),
    )
