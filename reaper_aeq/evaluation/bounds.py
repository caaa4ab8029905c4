"""The limits of the law "safe" as docs/examinations.md has them, apart from the code that has to keep them."""

from __future__ import annotations

import torch

from ..dsp.spectrum import GRID_HZ, Analysis
from ..eq import Eq
from ..result.safety import Loudness

LIFTS_DB = {60.0: 3.0, 40.0: 6.0}  # below the loudest band: how far EQ and output gain together may lift it
NET_DB, OUTPUT_DB = 12.0, 6.0


def lifted_db(eq: Eq, analysis: Analysis) -> dict[float, float]:
    """{depth: the most that comes out of an EQ above the source where that lies so far below its loudest band}, dB."""
    out = eq.response_db(GRID_HZ, analysis.sample_rate) + eq.output_gain_db
    ltas = analysis.ltas_db()
    depth = (ltas.max() - ltas).numpy()
    return {least: float(out[depth >= least].max(initial=-NET_DB)) for least in LIFTS_DB}


def net_db(eq: Eq, analysis: Analysis) -> tuple[float, float]:
    """The largest boost of all bands, alone or with the output gain, and their largest cut where there is sound, dB.

    An output gain that gives way to peaks is no cut.
    """
    response = eq.response_db(GRID_HZ, analysis.sample_rate)
    ltas = analysis.ltas_db()
    sound = (ltas > ltas.max() - 60.0).numpy()
    return float(response.max() + max(eq.output_gain_db, 0.0)), float(-response[sound].min(initial=0.0))


def slack_db(eq: Eq, analysis: Analysis) -> float:
    """How far an EQ is from the nearest limit, dB; negative beyond it."""
    lifts = lifted_db(eq, analysis)
    boost, cut = net_db(eq, analysis)
    rooms = [limit - lifts[depth] for depth, limit in LIFTS_DB.items()]
    rooms += [NET_DB - boost, NET_DB - cut, OUTPUT_DB - abs(eq.output_gain_db)]
    return min(rooms)


def slack_as_loud_db(eq: Eq, analysis: Analysis) -> float:
    """`slack_db` at the output gain that keeps the loudness, whatever peaks took off of it: limits hold the bands of
    loud and soft recordings alike, so what is said of them must not hang on the level."""
    response = torch.from_numpy(eq.response_db(GRID_HZ, analysis.sample_rate))
    return slack_db(eq.with_output_gain(Loudness(analysis).lost_db(response)), analysis)
