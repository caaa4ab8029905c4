"""`reaper-aeq train proxy`: what bands do in the EQ space, learned from random EQs and, where given, people's."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ...dsp.fit import DEFAULT_KINDS
from ...dsp.response import response_db
from ...errors import AeqError
from ...model.checkpoint import Checkpoint
from ...model.curves import GRID, REFERENCE_RATE, rms_db
from ...model.eq_autoencoder import EqAutoencoder
from ...training.datasets.readers import read_safe_params
from ...training.datasets.sources import draw_band_params
from ...training.loop import Run, Schedule, fingerprint, train_network
from ...util.settings import ProxyTraining
from .network import NAME, EqProxy, features, space

VALIDATION = 500  # random EQs
LEAST_SETTINGS = 20


def train_proxy(
    settings: ProxyTraining, data: Path | str | None, eq_model: EqAutoencoder, out: Path, run: Run
) -> dict[str, float]:
    """Trains, validates on unseen EQs and writes `proxy` into `out`. Returns the metrics.

    Without `data` on random EQs alone. Raises `AeqError` for data that cannot be read, or is too little.
    """
    people = _people(data, run)
    order = torch.randperm(len(people), generator=run.generator("split", 0))
    held = round(settings.valid_share * len(people))
    train, valid = people[order[held:]], people[order[:held]]
    unseen = {"random": draw_band_params(VALIDATION, run.generator("valid", 0)), "people": valid}
    model, eq_model = run.network(NAME, lambda: EqProxy(settings.hidden)), eq_model.to(run.device)
    known = features(torch.cat([draw_band_params(2000, run.generator("usual", 0)), train]))
    model.usual.copy_(known.mean(0))
    model.spread.copy_(known.std(0).clamp_min(1e-3))  # a shelf's bandwidth never varies

    def loss_of(generator: torch.Generator) -> dict[str, Tensor]:
        params = _batch(settings, train, generator).to(run.device)
        does = response_db(params, DEFAULT_KINDS, GRID.to(params.device), REFERENCE_RATE).float()
        # what of the bands' response the EQ space holds
        off = eq_model.decode_curve(model(params)) - eq_model.decode_curve(eq_model.encode(does))
        error = (off.square().mean(-1) + 1e-6).sqrt()
        return {"loss": error.mean(), "curve_db": error.mean()}

    about = fingerprint(settings, train, eq_model.encoder.weight)
    train_network(run, NAME, model, Schedule.of(settings, about), loss_of)
    metrics: dict[str, float] = {}
    for name, params in unseen.items():
        if len(params):
            metrics |= validate(model, eq_model, params.to(run.device), name)
    run.tell(", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in metrics.items()))
    info = {
        "architecture": {"hidden": settings.hidden},
        "data": "SAFE Equalizer settings, random EQs" if len(train) else "random EQs",
        "eq_space": space(eq_model),
        "settings": asdict(settings),
        "metrics": metrics,
    }
    Checkpoint(model.state_dict(), info).save(out, NAME)
    run.plot(NAME, "EQ proxy")
    return metrics


@torch.no_grad()
def validate(model: EqProxy, eq_model: EqAutoencoder, params: Tensor, name: str) -> dict[str, float]:
    """RMS in dB between what bands (n, 5, 3) do and what the network says, and how large the former is."""
    curves = response_db(params, DEFAULT_KINDS, GRID.to(params.device), REFERENCE_RATE)
    error = rms_db(eq_model.decode_curve(model(params)).double() - curves)
    return {
        f"{name}_median_db": round(float(error.median()), 4),
        f"{name}_p95_db": round(float(error.quantile(0.95)), 4),
        f"{name}_size_db": round(float(rms_db(curves).median()), 4),
    }


def _people(data: Path | str | None, run: Run) -> Tensor:
    """(n, 5, 3), none without `data`."""
    if data is None:
        run.tell("no --data: training on random EQs alone")
        return torch.zeros(0, 5, 3, dtype=torch.float64)
    params = read_safe_params(data)
    if len(params) < LEAST_SETTINGS:
        raise AeqError(f"{len(params)} settings are too few: give at least {LEAST_SETTINGS}, or no --data")
    return params


def _batch(settings: ProxyTraining, people: Tensor, generator: torch.Generator) -> Tensor:
    """(batch, 5, 3): random EQs, and people's with their gains times -1.2 to 1.2."""
    count = round(settings.batch * settings.people_share) if len(people) else 0
    random = draw_band_params(settings.batch - count, generator)
    if not count:
        return random
    picked = people[torch.randint(len(people), (count,), generator=generator)].clone()
    picked[..., 1] *= torch.rand(count, 1, generator=generator).double() * 2.4 - 1.2
    return torch.cat([random, picked])
