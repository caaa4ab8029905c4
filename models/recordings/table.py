"""What is made: `recordings.toml`, read into one `Set` for each thing that is made or left out as a whole."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cuts import excerpt, loop, mixes, sequence
from dx7 import dx7
from packages import Cache
from physical_models import model
from prompts import prompts
from recording import Recording
from sampler import instrument, kit
from soundfonts import font, patches
from supercollider import sonic_pi
from synthesizer import amsynth
from zynaddsubfx import zynaddsubfx

TABLE = Path(__file__).with_name("recordings.toml")
Maker = Callable[..., Iterator[Recording]]
MAKERS: dict[str, Maker] = {
    "mixes": mixes, "excerpts": excerpt, "loops": loop, "sequences": sequence, "prompts": prompts,
    "instruments": instrument, "kits": kit, "fonts": font, "patches": patches, "models": model, "synthesizers": amsynth,
    "sonic_pi": sonic_pi, "zynaddsubfx": zynaddsubfx, "dx7": dx7,
}  # fmt: skip


@dataclass(frozen=True)
class Set:
    """What one call makes; its name is the same as long as nothing about it is changed."""

    maker: str  # a key of `MAKERS`
    values: dict[str, Any]

    @property
    def name(self) -> str:
        said = [str(self.values[key]) for key in ("name", "instrument", "package") if key in self.values]
        return f"{self.maker}: {' '.join(said)}"

    def make(self, cache: Cache) -> Iterator[Recording]:
        """Raises `Missing`."""
        return MAKERS[self.maker](cache, **self.values)


def read_sets(table: Path = TABLE) -> list[Set]:
    """In the order of the table."""
    with open(table, "rb") as file:
        tables = tomllib.load(file)
    return [Set(maker, values) for maker, rows in tables.items() for row in rows for values in _one_each(row)]


def _one_each(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each of its `each`: a text that stands for '{}', or values of its own, of which `instrument` does."""
    rest = {key: value for key, value in row.items() if key != "each"}
    for own in row.get("each", [{}]):
        values, mark = ({}, own) if isinstance(own, str) else (own, own.get("instrument", ""))
        filled = {key: value.replace("{}", mark) if isinstance(value, str) else value for key, value in rest.items()}
        yield filled | values
