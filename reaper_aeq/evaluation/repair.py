"""The repair tests (docs/examinations.md): take a quality out, ask for the word, compare with the clean recording.

Only recordings whose source repository the encoder never saw, and only people's settings the words never saw. All
methods answer the same trials; 'adaptive' goes through real ReaEQ bands, the rules to beat are spared that.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ..dsp.virtual_eq import equalized
from ..model.curves import projection, rms_db
from ..model.kinds import FROM_MANIFEST
from ..request import DEFAULT_METHOD
from ..training.datasets.readers import Clip
from .baselines import REPAIR, ComparedMethod, Fold, RepairTrial
from .folds import N_FOLDS, Paths, Table, Tell
from .unseen import LITTLE_KNOWN, PEOPLE_WORDS, PUBLISHED, Published, band_energy_ratio, load_folds

SINGLE = "single sources"


@dataclass
class Score:
    """What one method did on one word's trials: LSD in dB, band-energy error, direction of each trial; how much was
    taken out (RMS dB), and the share of it that was given back."""

    lsd_db: list[float] = field(default_factory=list)
    missing_db: list[float] = field(default_factory=list)
    restored: list[float] = field(default_factory=list)
    energy_error: list[float] = field(default_factory=list)
    right_way: list[bool] = field(default_factory=list)

    def summary(self, default: Score | None = None) -> dict[str, float]:
        """`default`: what the default method did; the mean difference from it, trial by trial, tells apart what the
        medians of a wide spread do not. Its standard error takes the trials for independent."""
        out = {"trials": len(self.lsd_db), "lsd_db": round(statistics.median(self.lsd_db), 3)}
        if self.energy_error:
            out["energy_error"] = round(statistics.fmean(self.energy_error), 4)
            out["right_way"] = round(statistics.fmean(self.right_way), 4)
        out["restored"] = round(statistics.median(self.restored), 3)
        given = [missing * share for missing, share in zip(self.missing_db, self.restored, strict=True)]
        # who always gives the same follows nothing: its amounts differ by rounding only
        constant = len(given) < 3 or statistics.pstdev(given) < 0.01
        out["follows_missing"] = 0.0 if constant else round(float(spearmanr(self.missing_db, given).statistic), 3)
        trials = len(self.lsd_db)
        if default is not None and default is not self and len(default.lsd_db) == trials > 1:  # who answered them all
            apart = [own - other for own, other in zip(self.lsd_db, default.lsd_db, strict=True)]
            out["beside_default_db"] = round(statistics.fmean(apart), 4)
            out["standard_error_db"] = round(statistics.stdev(apart) / trials**0.5, 4)
        return out


def run_repair(
    audio: Paths, data: Path | str, models: Path | str | None = None, *, tell: Tell = lambda _: None, **options: int
) -> dict[str, Table]:
    """`repaired` for doing nothing, the rules to beat and 'adaptive', with its `options`.

    Raises `AeqError` for missing data and `ModelError` where an encoder has seen what it is examined on.
    """
    return repaired(load_folds(audio, data, models, tell, REPAIR), REPAIR, tell, **options)


def repaired(
    folds: Sequence[Fold], methods: Mapping[str, ComparedMethod], tell: Tell, *, rows_per_clip: int = 10,
    gains_per_clip: int = 5, every: int = 1,
) -> dict[str, Table]:  # fmt: skip
    """{'people' | 'published': {word: {method: figures}}}; from every n-th of the folds' recordings."""
    tables: dict[str, dict[str, dict[str, Score]]] = {"people": {}, "published": {}}
    for k, fold in enumerate(folds):
        clips = [*fold.clips[::every], *fold.single[::every]]
        for i, clip in enumerate(clips):
            tell(f"fold {k + 1} of {N_FOLDS}: recording {i + 1} of {len(clips)}")
            trials: list[tuple[str, str, RepairTrial, Published | None]] = []
            asked = {word: [(word, row) for row in fold.people[word]] for word in PEOPLE_WORDS}
            for label, rows in (asked | {LITTLE_KNOWN: fold.little_known}).items():
                picked = torch.randperm(len(rows), generator=torch.Generator().manual_seed(100 * k + i))
                for word, row in (rows[n] for n in picked[:rows_per_clip]):
                    trial = RepairTrial(fold, clip, word, -row, equalized(clip.analysis, -row))
                    trials.append(("people", label, trial, None))
            for edit in PUBLISHED:
                for gain_db in edit.gains(gains_per_clip):
                    damage = edit.curve(gain_db)
                    trial = RepairTrial(fold, clip, edit.word, damage, equalized(clip.analysis, damage), adaptation=1.0)
                    trials.append(("published", edit.word, trial, edit))
            for name, answer in methods.items():
                curves = answer([trial for _, _, trial, _ in trials])
                for (kind, label, trial, taken), curve in zip(trials, curves, strict=True):
                    if curve is not None:
                        for group in labels(label, clip):
                            scores = tables[kind].setdefault(group, {})
                            note(scores.setdefault(name, Score()), trial, taken, curve)
    return {
        kind: {
            word: {name: score.summary(scores.get(DEFAULT_METHOD)) for name, score in scores.items()}
            for word, scores in words.items()
        }
        for kind, words in tables.items()
    }


def labels(word: str, clip: Clip) -> list[str]:
    """The rows of a table that a recording counts in: mixes under the word alone, others also by kind."""
    kind = FROM_MANIFEST.get(clip.kind, "mix")
    return [word] if kind == "mix" else [f"{word}, {SINGLE}", f"{word}, {kind}"]


def note(score: Score, trial: RepairTrial, edit: Published | None, curve: Tensor) -> None:
    """What an answer (bands,) dB is worth, into `score`."""
    score.lsd_db.append(float(rms_db(trial.damage + curve)))
    score.missing_db.append(float(rms_db(trial.damage)))
    score.restored.append(float(projection(curve, -trial.damage)))
    if edit is not None:
        heard = (trial.clip.analysis.ltas_db(), trial.ltas_db, trial.ltas_db + curve)
        clean, before, after = (band_energy_ratio(ltas_db, edit.low_hz, edit.high_hz) for ltas_db in heard)
        score.energy_error.append(abs(after - clean))
        score.right_way.append((after - before) * (clean - before) > 0)
