"""What charts and guides say of engineers' words: term, instrument, range, too much or too little of it, gain.

`--data` may hold `eq_terms.tsv` (a row a statement) and `eq_terms_sources.tsv` (a row a source). Sources count, not
rows; a source that repeats another counts as one with it; published pages count for more than texts in repositories,
many of which were written from one another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ...errors import AeqError
from ...model.kinds import FROM_MANIFEST
from .tables import SOURCES, STATEMENTS, read_table

PAGE_COUNTS, OTHER_COUNTS = 1.0, 0.5  # texts of repositories agree among each other more than pages do
# Two sources of which at least this many statements are comparable, and this share of the shorter one is the same.
COMPARABLE, SAME_SHARE = 4, 0.6
EFFECTS = {"excess": 1, "presence": 1, "lack": -1}
KIND_OF = FROM_MANIFEST | {
    "kick": "drums", "snare": "drums", "toms": "drums", "cymbals": "drums", "vocals_male": "vocals",
    "vocals_female": "vocals",
}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """`sign`: 1 where energy in the range gives the quality, -1 where its lack does. `fault`: it is too much of it.

    `gain_db`: for more of the term, or None. `kind`: of sound, one of `model.kinds.KINDS`. `source`: its number, alike
    for sources that repeat one another; `counts`: what that source is worth beside others.
    """

    term: str
    kind: str
    low_hz: float
    high_hz: float
    sign: int
    fault: bool
    gain_db: float | None
    source: int
    counts: float


def has_charts(folder: Path | str) -> bool:
    """Whether a folder of data holds the table of statements."""
    return (Path(folder) / STATEMENTS).is_file()


def read_charts(folder: Path | str) -> list[Statement]:
    """Raises `AeqError` where a file is missing, or holds what is no statement."""
    rows = read_table(Path(folder) / STATEMENTS)
    pages = {row["source_ref"] for row in read_table(Path(folder) / SOURCES) if row["class"] == "page"}
    groups = same_sources({(r["source_ref"], _said(r)) for r in rows})
    worth = {group: OTHER_COUNTS for group in groups.values()} | {groups[ref]: PAGE_COUNTS for ref in pages & {*groups}}
    return [_statement(row, number, groups, worth, folder) for number, row in enumerate(rows, 2)]


def _statement(
    row: dict[str, str], number: int, groups: dict[str, int], worth: dict[int, float], folder: Path | str
) -> Statement:
    low, high, gain, effect = float(row["low_hz"]), float(row["high_hz"]), row["gain_db"], row["effect"]
    try:
        gain_db = float(gain) if gain else None
    except ValueError:
        gain_db = math.nan
    if not 0 < low <= high or effect not in EFFECTS or not (gain_db is None or math.isfinite(gain_db)):
        raise AeqError(
            f"the data set {Path(folder) / STATEMENTS}: line {number} is no statement"
            f" ({low:g} to {high:g} Hz, {effect!r}, gain {gain!r})"
        )
    source, kind = groups[row["source_ref"]], KIND_OF.get(row["instrument"], "mix")
    return Statement(
        row["canonical"], kind, low, high, EFFECTS[effect], effect == "excess", gain_db, source, worth[source]
    )  # fmt: skip


def _said(row: dict[str, str]) -> tuple[str, ...]:
    return row["canonical"], row["instrument"], row["low_hz"], row["high_hz"]


def same_sources(said: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, int]:
    """(source, statement) -> number of each source, alike for those that repeat one another, directly or by a chain."""
    statements: dict[str, set[tuple[str, ...]]] = {}
    for source, statement in sorted(said):  # a set has another order in each run
        statements.setdefault(source, set()).add(statement)

    def repeats(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> bool:
        shorter = min(len(one), len(other))
        return shorter >= COMPARABLE and len(one & other) >= SAME_SHARE * shorter

    alike = np.array([[repeats(one, other) for other in statements.values()] for one in statements.values()])
    return dict(zip(statements, connected_components(alike, directed=False)[1].tolist(), strict=True))


def by_source(statements: Sequence[Statement]) -> dict[int, list[Statement]]:
    """{source: its statements}."""
    found: dict[int, list[Statement]] = {}
    for one in statements:
        found.setdefault(one.source, []).append(one)
    return found


def shares(statements: Sequence[Statement]) -> Tensor:
    """(n,) what each statement counts for: every source alike but for its `counts`, however much it says."""
    sizes = {source: len(group) for source, group in by_source(statements).items()}
    return torch.tensor([one.counts / sizes[one.source] for one in statements], dtype=torch.float64)


def weighted_median(values: Tensor, weights: Tensor) -> float:
    """(n,), (n,): the middle one; between two where they share the middle."""
    order = values.argsort()
    passed = weights[order].cumsum(0) / weights.sum()
    first = int((passed < 0.5 - 1e-9).sum())
    second = min(int((passed <= 0.5 + 1e-9).sum()), len(values) - 1)
    return float(0.5 * (values[order][first] + values[order][second]))
