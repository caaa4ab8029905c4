"""What is known and said of one track: the table, the report and the JSON are made of these."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..dsp.loudness import BLOCK_SECONDS, gated_lufs, k_weight_db
from ..dsp.spectrum import GRID_HZ, Analysis
from ..eq import Eq
from ..result.result import Result
from .plan import Action

MASTER = 0  # the master's number
SHOWN_FOLDERS = 4  # the innermost


@dataclass
class Row:
    """One track, or the master. `left` says why nothing was done, '' if something was.

    Loudness is that of what reaches the EQ, and of what leaves it, LUFS; None where nothing passes the gate. `heard`
    says how a track of an open project was heard: 'in its files', or 'rendered, because ...'.
    """

    number: int
    name: str
    folders: tuple[str, ...] = ()
    is_bus: bool = False
    kind: str = ""
    action: Action | None = None
    instance: str = ""
    result: Result | None = None
    lufs: tuple[float | None, float | None] = (None, None)
    duration_s: float = 0.0
    left: str = ""
    heard: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What to call it: a track without a name goes by its number."""
        if self.number == MASTER:
            return "Master"
        return self.name or f"Track {self.number}"

    @property
    def path(self) -> str:
        """The folders around it as one text, the outermost first; of very many only the innermost."""
        return " / ".join(("...",) * (len(self.folders) > SHOWN_FOLDERS) + self.folders[-SHOWN_FOLDERS:])

    @property
    def asked(self) -> str:
        """'warm 70%', 'match: that song 60%'"""
        return self.instance.removeprefix("AEQ").lstrip(": ")

    @property
    def inserted(self) -> bool:
        """Whether there is an EQ that does anything."""
        return self.result is not None and not self.result.does_nothing

    @property
    def distance_db(self) -> tuple[float, float] | None:
        """To the reference's balance, before and after; None where a word was asked for."""
        return getattr(self.result, "distance_db", None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        row: dict[str, Any] = {
            "track": self.number,
            "name": "MASTER" if self.number == MASTER else self.name,
            "folders": list(self.folders),
            "kind": self.kind or None,
            "duration_s": round(self.duration_s, 3),
            "loudness_lufs": {"before": self.lufs[0], "after": self.lufs[1]},
            "instance": (self.instance or None) if self.inserted else None,
            "inserted": self.inserted,
            "left_alone": self.left or None,
            "heard": self.heard or None,
            "warnings": self.warnings,
        }
        if self.result:
            row |= self.result.to_dict()
            row["adaptation"] = self.action.adaptation if self.action else None
        return row


def loudness_lufs(analysis: Analysis, eq: Eq | None = None) -> float | None:
    """Integrated loudness (BS.1770 from the band powers) of a sound, or of what `eq` makes of it; None for silence."""
    weights = k_weight_db(GRID_HZ)
    if eq:
        weights = weights + eq.response_db(GRID_HZ, analysis.sample_rate) + eq.output_gain_db
    power = analysis.band_power.double() @ torch.from_numpy(10 ** (weights / 10))
    frames = min(len(power), max(1, round(BLOCK_SECONDS * analysis.frame_rate)))
    blocks = power.unfold(0, frames, 1).mean(-1).numpy()
    value = float(gated_lufs(blocks, analysis.counts.numpy()[: len(blocks)]))
    return round(value, 1) if math.isfinite(value) else None


def visible_share(result: Result) -> float:
    """0..1: the part of 50 Hz to 16 kHz in which a source was heard."""
    inside = (GRID_HZ > 49) & (GRID_HZ < 16_500)
    return float(np.isfinite(result.source_db[inside]).mean())
