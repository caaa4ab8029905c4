"""`reaper-aeq train eq`: the EQ autoencoder, from people's settings and random EQs.

The linear part starts at the principal components and is trained with the proposer; what is compared is always the
response, never the parameters, since many parameter sets make one curve.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ..dsp.fit import DEFAULT_KINDS
from ..dsp.response import response_db
from ..errors import AeqError
from ..model.checkpoint import Checkpoint
from ..model.curves import GRID, REFERENCE_RATE
from ..model.eq_autoencoder import EqAutoencoder
from ..util.settings import EqTraining
from .datasets.readers import read_contributions, read_safe
from .datasets.sources import random_curves
from .loop import Run, Schedule, fingerprint, train_network

SOCIALEQ_DB = 5.0


def train_eq(settings: EqTraining, data: Path | str | None, out: Path, run: Run) -> dict[str, float]:
    """Trains, validates on unseen settings and writes `eq` into `out`. Returns the metrics.

    Without `data` the curves are random EQs alone. Raises `AeqError` for data that cannot be read.
    """
    if data is None:
        run.tell("no --data: training on random EQs alone")
        train, valid = random_curves(4000, run.generator("pool", 0)), random_curves(600, run.generator("pool", 1))
    else:
        safe = read_safe(data).curves_db
        curves = torch.cat([safe, SOCIALEQ_DB * read_contributions(data)[1]])
        held = run.held_out(curves, settings.valid_share)
        # judged on SAFE alone: its curves come from real bands, SocialEQ's from 40 free gains
        train, valid = curves[~held], safe[held[: len(safe)]]
    if len(train) < 40 or len(valid) < 1:
        raise AeqError(f"{len(train)} settings are too few to train on: at least 40 are needed")
    run.tell(f"{len(train)} settings to train on, {len(valid)} kept for validation")

    model = run.network("eq", EqAutoencoder)
    start = torch.cat([train, random_curves(len(train), run.generator("start", 0))])
    axes = torch.linalg.svd(start, full_matrices=False).Vh[: model.encoder.out_features].float()
    with torch.no_grad():
        model.encoder.weight.copy_(axes)
        model.decoder.weight.copy_(axes.T)
    people = train.float().to(run.device)

    def loss_of(generator: torch.Generator) -> dict[str, Tensor]:
        n_people = round(settings.batch * settings.people_share)
        picked = torch.randint(len(people), (n_people,), generator=generator)
        turned = torch.rand(n_people, 1, generator=generator) * 2.4 - 1.2  # part of a setting, or its opposite
        drawn = random_curves(settings.batch - n_people, generator).float().to(run.device)
        curves = torch.cat([people[picked.to(people.device)] * turned.to(people.device), drawn])  # (batch, bands)
        code = model.encode(curves)  # (batch, 32)
        curve_error = _rms(model.decode_curve(code) - curves)
        proposal_error = _rms(model.proposed_response_db(code) - curves)
        return {
            "loss": curve_error.mean() + settings.proposal_weight * proposal_error.mean(),
            "curve_db": curve_error.mean(),
            "proposal_db": proposal_error.mean(),
        }

    train_network(run, "eq", model, Schedule.of(settings, fingerprint(settings, train)), loss_of)
    model.cpu()
    metrics = validate(model, valid)
    run.tell(
        f"unseen settings through real bands: median {metrics['bands_median_db']:.3f} dB,"
        f" 95th percentile {metrics['bands_p95_db']:.3f} dB"
    )
    info = {
        "architecture": {"n_latent": model.encoder.out_features, "hidden": model.proposer[0].out_features},
        "data": "SAFE Equalizer settings, SocialEQ contributions, random EQs" if data else "random EQs",
        "settings": asdict(settings),
        "metrics": metrics,
    }
    Checkpoint(model.state_dict(), info).save(out, "eq")
    run.plot("eq", "EQ autoencoder")
    return metrics


@torch.no_grad()
def validate(model: EqAutoencoder, curves: Tensor) -> dict[str, float]:
    """Curves (n, bands) through 32 dimensions, and on through real bands: RMS errors in dB."""
    code = model.encode(curves.float())
    linear = _rms(model.decode_curve(code) - curves)
    bands = _rms(response_db(model.decode(code), DEFAULT_KINDS, GRID, REFERENCE_RATE) - curves)
    return {
        "curve_median_db": round(float(linear.median()), 4),
        "bands_median_db": round(float(bands.median()), 4),
        "bands_p95_db": round(float(bands.quantile(0.95)), 4),
        "proposal_median_db": round(float(_rms(model.proposed_response_db(code) - curves).median()), 4),
    }


def _rms(error_db: Tensor) -> Tensor:
    return (error_db.square().mean(-1) + 1e-6).sqrt()
