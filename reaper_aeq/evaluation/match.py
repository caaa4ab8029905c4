"""Does a match recover the EQ that is on its reference? Settings of people, real filters, whole sources left out.

The reference is an unseen mix with an unseen person's setting on it; the source is the same mix without (dry and wet),
or another part of it. What is measured is how far the found bands' response is from that setting's, in dB.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dsp.arrays import as_channels
from ..dsp.audio import read_audio
from ..dsp.response import eq_from_params
from ..dsp.spectrum import GRID_HZ, Analysis, analyze_blocks
from ..engine import AdaptiveEQ
from ..eq import Eq
from ..methods.reference import Matching, difference
from ..methods.reference.training import content_covariance, content_differences, part, people_covariance
from ..model.curves import center, rms_db
from ..model.eq_autoencoder import EqAutoencoder
from ..model.words import Vocabulary
from ..request import MATCHES, MatchRequest
from ..result.realization import eq_curve
from ..training.audio import MUSIC_KINDS
from ..training.datasets.readers import MP3_SKIP_S, SAFE_KINDS, Clip, read_clips, read_safe, read_safe_params
from .folds import N_FOLDS, Paths, Table, Tell, load_fold, mixes_and_folds, setting_folds, sources_in
from .law import response

# Which part is the source and which the reference, of the whole: 0..1.
PARTS = {
    "dry and wet": ((0, 1), (0, 1)),
    "the other half": ((0, 1 / 2), (1 / 2, 1)),
    "first and last third": ((0, 1 / 3), (2 / 3, 1)),
}
NAMES = {"ltas": "LTAS smoothed", "posterior": "LTAS posterior", "encoder": "encoder by gradient"}


def summary(trials: Sequence[tuple[float, float | None]]) -> dict[str, float]:
    """Figures of one way by name: trials, RMS errors in dB, ms. `trials`: RMS from the truth in dB, seconds or None."""
    error_db = [off_db for off_db, _ in trials]
    out = {
        "trials": len(error_db),
        "median_db": round(statistics.median(error_db), 3),
        "mean_db": round(statistics.fmean(error_db), 3),
        "tenth_worst_db": round(float(np.quantile(error_db, 0.9)), 3),
    }
    if seconds := [took for _, took in trials if took is not None]:
        out["ms"] = round(1000 * statistics.median(seconds), 1)
    return out


def run_match(
    audio: Paths, data: Path | str, models: Path | str | None = None, *, learn: Paths = (), settings_per_mix: int = 4,
    every: int = 1, tell: Tell = lambda _: None,
) -> Table:  # fmt: skip
    """{which parts: {way: figures}} over every `every`-th of the mixes in `audio`.

    Args:
        data: the folder with people's settings.
        learn: further recordings from which the statistics of content are fitted, without the examined sources.

    Raises `AeqError` for missing data and `ModelError` where an encoder has seen what it is examined on.
    """
    tables: dict[str, defaultdict[str, list[tuple[float, float | None]]]] = {name: defaultdict(list) for name in PARTS}
    # all of them first: what is wrong with the last is told before the first is examined
    for k, (clips, engine, settings) in enumerate(list(load_folds(audio, data, models, learn, tell))):
        tell(f"fold {k + 1} of {N_FOLDS}: {len(clips[::every])} mixes")
        for i, clip in enumerate(clips[::every]):
            sound, rate = read_audio(clip.path)
            sound = sound[:, round(MP3_SKIP_S * rate) :]
            dry = analyze_blocks([sound], rate)
            picked = torch.randperm(len(settings), generator=torch.Generator().manual_seed(100 * k + i))
            for row in picked[:settings_per_mix].tolist():
                eq = settings[row]
                truth = eq_curve(eq, rate)
                wet = analyze_blocks([as_channels(eq.apply(sound, rate), rate)], rate)
                for name, (own, other) in PARTS.items():
                    for way, curve, seconds in answers(engine, part(dry, *own), part(wet, *other)):
                        tables[name][way].append((float(rms_db(curve - truth)), seconds))
    return {name: {way: summary(trials) for way, trials in table.items()} for name, table in tables.items()}


def answers(engine: AdaptiveEQ, source: Analysis, reference: Analysis) -> Iterator[tuple[str, Tensor, float | None]]:
    """Each way's curve (bands,), and the seconds it took once both sounds were analyzed; two of them are no method."""
    yield "nothing", torch.zeros(len(GRID_HZ), dtype=torch.float64), None
    seen = difference(source.ltas_db(), source.in_reach, [(reference.ltas_db(), reference.in_reach)], [1.0])
    yield "LTAS difference", seen.db, None
    for by in MATCHES:
        start = time.perf_counter()
        result = engine.match_analysis(source, [reference], ["it"], MatchRequest(by=by))
        seconds = time.perf_counter() - start
        yield NAMES[by], response(result), seconds


def load_folds(
    audio: Paths, data: Path | str, models: Path | str | None, learn: Paths, tell: Tell
) -> Iterator[tuple[list[Clip], AdaptiveEQ, list[Eq]]]:
    """The mixes of every fold, an engine that is fitted without them, and the settings that nothing was fitted to."""
    known = [clip for clip in read_clips([*audio, *learn], tell) if clip.kind in MUSIC_KINDS]
    examined = {path.name for folder in audio for path in Path(folder).rglob("*")}
    mixes, fold_of = mixes_and_folds([c for c in known if c.name in examined], "the test of matching needs")
    safe, params = read_safe(data), read_safe_params(data)
    row_fold, curves = setting_folds(safe.curves_db), center(safe.curves_db)
    eq_model, words = EqAutoencoder.load(models), Vocabulary.load(models)
    for k in range(N_FOLDS):
        sources = sources_in(fold_of, k)
        rest = [clip for clip in known if clip.source not in sources]
        engine = AdaptiveEQ(eq_model, load_fold(models, k, sources), words)
        differences = content_differences(rest)
        engine.models.put(Matching(people_covariance(curves[row_fold != k]), content_covariance(differences)))
        settings = [eq_from_params(row, SAFE_KINDS) for row, fold in zip(params, row_fold, strict=True) if fold == k]
        yield [clip for clip in mixes if clip.source in sources], engine, settings
