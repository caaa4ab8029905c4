"""Shares, differences and means with their intervals and tests: numbers in, figures by name out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
BOOTSTRAP_CHUNK, BOOTSTRAP_CHUNKS = 200, 10  # draws at a time, so that many listeners need little memory


def proportion(wins: int, n: int) -> dict[str, float | None]:
    """`share`, `low`, `high` (Wilson), `p` (exact, two-sided, against a half); None and p = 1 where n is 0.

    >>> {name: round(value, 4) for name, value in proportion(8, 10).items()}
    {'share': 0.8, 'low': 0.4902, 'high': 0.9433, 'p': 0.1094}
    """
    if n == 0:
        return {"share": None, "low": None, "high": None, "p": 1.0}
    test = stats.binomtest(wins, n)
    interval = test.proportion_ci(CONFIDENCE, method="wilson")
    return {"share": wins / n, "low": float(interval.low), "high": float(interval.high), "p": float(test.pvalue)}


def sign_test(differences: Iterable[float]) -> dict[str, float | int]:
    """How many are above, below and at zero, and the exact two-sided p of that.

    >>> sign_test([3.0, 1.0, 0.0, -2.0])
    {'for_first': 2, 'for_second': 1, 'even': 1, 'p': 1.0}
    """
    values = list(differences)
    above, below = sum(value > 0 for value in values), sum(value < 0 for value in values)
    p = float(stats.binomtest(above, above + below).pvalue) if above + below else 1.0
    return {"for_first": above, "for_second": below, "even": len(values) - above - below, "p": p}


def with_holm(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adds `p_holm` to rows with a `p`: Holm's step-down correction for as many tests as there are rows."""
    corrected = holm([row["p"] for row in rows])
    return [row | {"p_holm": p} for row, p in zip(rows, corrected, strict=True)]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm (1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    stepped = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order] * factors), 1.0)
    corrected = np.empty(len(p_values))
    corrected[order] = stepped
    return corrected.tolist()


def spread(groups: Sequence[Sequence[float]]) -> dict[str, float]:
    """`mean` and `median` of all values with 95 % percentile intervals of a two-stage bootstrap.

    Drawn anew, with replacement, are first the listeners (`groups`), then each one's values: with one listener this is
    the plain bootstrap, with many it covers that people differ. The draws are always the same.
    """
    rng = np.random.default_rng(0)
    draws = np.concatenate([_drawn_anew(groups, BOOTSTRAP_CHUNK, rng) for _ in range(BOOTSTRAP_CHUNKS)])
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    values = np.concatenate(groups)
    return {
        "mean": float(values.mean()), "mean_low": float(low[0]), "mean_high": float(high[0]),
        "median": float(np.median(values)), "median_low": float(low[1]), "median_high": float(high[1]),
    }  # fmt: skip


def _drawn_anew(groups: Sequence[Sequence[float]], draws: int, rng: np.random.Generator) -> np.ndarray:
    """Mean and median of each draw, (draws, 2)."""
    lengths = np.array([len(group) for group in groups])
    table = np.full((len(groups), lengths.max()), np.nan)
    for row, group in zip(table, groups, strict=True):
        row[: len(group)] = group
    chosen = rng.integers(len(groups), size=(draws, len(groups)))
    at = (rng.random((*chosen.shape, table.shape[1])) * lengths[chosen][..., None]).astype(int)
    values = table[chosen[..., None], at]
    values[np.arange(table.shape[1]) >= lengths[chosen][..., None]] = np.nan
    values = np.sort(values.reshape(draws, -1), axis=1)  # what is no value comes last
    count = lengths[chosen].sum(1)
    middle = [values[np.arange(draws), at] for at in ((count - 1) // 2, count // 2)]
    return np.stack([np.nansum(values, axis=1) / count, np.mean(middle, axis=0)], axis=1)


def wilcoxon(differences: np.ndarray) -> float:
    """Two-sided p of the signed-rank test; zeros are left out, and where nothing else is, p is 1."""
    differences = differences[differences != 0]
    return float(stats.wilcoxon(differences).pvalue) if len(differences) else 1.0
