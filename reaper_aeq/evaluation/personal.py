"""Does it help to learn what a word means to one person? People held out, some of their settings learned, the rest
predicted.

SAFE's controlled sessions reveal persons: participants stand as numbers in the column `genre`, each with some eight
settings of 'warm' and of 'bright'. How people differ is estimated without the person in question.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..dsp.response import response_db
from ..errors import AeqError
from ..model.curves import COMPARED, GRID, REFERENCE_RATE, center, rms_db
from ..model.personal import updated
from ..model.words import DescriptorSettings
from ..training.datasets.readers import SAFE_KINDS, safe_params
from ..training.datasets.tables import SETTINGS, read_table

LEARNED = (1, 3, 5)
LEAST_SETTINGS = 3  # of a person, else nothing is left to predict
DRAWS = 12  # choices of what is learned, for each person
Sessions = Mapping[str, Mapping[str, Tensor]]  # {word: {person: (n, bands) dB, level-free}}


def read_sessions(folder: Path | str) -> Sessions:
    """The settings whose makers are known. Raises `AeqError` where there are none."""
    rows = [row for row in read_table(Path(folder) / SETTINGS) if row.get("genre", "").strip().isdigit()]
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for n, row in enumerate(rows):
        found[row["descriptor"].strip().lower()][row["genre"].strip()].append(n)
    if not rows:
        raise AeqError(f"{Path(folder) / SETTINGS} reveals no persons: its column 'genre' holds no numbers")
    curves = center(response_db(safe_params(rows), SAFE_KINDS, GRID, REFERENCE_RATE))
    kept = {
        word: {who: curves[own] for who, own in people.items() if len(own) >= LEAST_SETTINGS}
        for word, people in found.items()
    }
    return {word: people for word, people in kept.items() if len(people) > 2}


def person_share(people: Sequence[Tensor]) -> float:
    """0..1, of the variance of settings how people differ, by moments (one-way analysis of variance)."""
    counts = torch.tensor([len(one) for one in people], dtype=torch.float64)
    means = torch.stack([one.mean(0) for one in people])
    within = sum(float((one - one.mean(0))[:, COMPARED].square().sum()) for one in people)
    within /= float(counts.sum()) - len(people)
    between = float((means - means.mean(0))[:, COMPARED].square().sum()) / (len(people) - 1)
    between = max(between - within * float((1 / counts).mean()), 0.0)
    return between / max(between + within, 1e-9)


def run_personal(data: Path | str) -> dict[str, dict[str, dict[str, Any]]]:
    """{word: {'k learned': figures}}; errors are dB RMS, each person counting alike, `se` those of paired
    differences."""
    sessions = read_sessions(data)
    errors: dict[tuple[str, int], list[Tensor]] = defaultdict(list)
    for word, people in sessions.items():
        for who, own in people.items():
            others = [curves for other, curves in people.items() if other != who]
            share = sum(
                person_share([curves for other, curves in one.items() if other != who]) for one in sessions.values()
            ) / len(sessions)
            everybody = torch.stack([curves.mean(0) for curves in others]).mean(0)
            for learned in LEARNED:
                if len(own) > learned:
                    error = _errors(own, everybody, learned, share, random.Random(f"{who} {word} {learned}"))
                    errors[word, learned].append(error)
                    errors["all words", learned].append(error)
    report: dict[str, dict[str, dict[str, Any]]] = {}
    for word in [*sessions, "all words"]:
        report[word] = {f"{k} learned": _figures(errors[word, k]) for k in LEARNED if len(errors[word, k]) > 1}
    for word, people in sessions.items():
        share = person_share(list(people.values()))
        report[word]["how people differ"] = {"people": len(people), "person_share": share}
    return report


def _errors(own: Tensor, everybody: Tensor, learned: int, share: float, chance: random.Random) -> Tensor:
    """(3,) dB RMS to the settings that were not learned: of everybody's mean, the person's own, and of both."""
    found = []
    population = DescriptorSettings(everybody, torch.zeros(len(everybody), len(everybody)))  # means alone are compared
    for _ in range(DRAWS):
        chosen = chance.sample(range(len(own)), learned)
        rest = own[[n for n in range(len(own)) if n not in chosen]]
        guesses = (everybody, own[chosen].mean(0), updated(population, own[chosen], share).mean)
        found.append(torch.stack([rms_db(rest - guess).mean() for guess in guesses]))
    return torch.stack(found).mean(0)


def _figures(errors: Sequence[Tensor]) -> dict[str, Any]:
    rows = torch.stack(list(errors))
    population, own, personal = (float(value) for value in rows.mean(0))

    def error(n: int) -> float:
        return float((rows[:, n] - rows[:, 2]).std() / len(rows) ** 0.5)

    return {
        "people": len(rows), "population": population, "own_mean": own, "personal": personal,
        "nearer_percent": 100 * (1 - personal / population), "gain_db": population - personal, "se": error(0),
        "gain_over_own_db": own - personal, "se_own": error(1),
    }  # fmt: skip
