"""Whether a word says what somebody does whose setting it has not seen: settings left out, one after the other.

Words of the published edits (docs/examinations.md) have no part in it: they are an examination.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean

import pytest
import torch
from torch import Tensor

from reaper_aeq.evaluation.unseen import PUBLISHED
from reaper_aeq.model.curves import rms_db
from reaper_aeq.model.eq_autoencoder import EqAutoencoder
from reaper_aeq.model.word_table import PEOPLE_WIN
from reaper_aeq.model.words import DescriptorSettings
from reaper_aeq.training.charts import scale_to_people
from reaper_aeq.training.datasets.descriptor_settings import WordSettings
from reaper_aeq.training.datasets.readers import read_people_data
from reaper_aeq.training.empirical_bayes import learn
from reaper_aeq.training.words import known_charts, meaning, usual_size_of
from reaper_aeq.util.settings import WordsTraining

SETTINGS = WordsTraining()
FLOOR_DB2 = 0.02  # of a code's variance: what the autoencoder leaves out of a curve


def left_out(shown: WordSettings) -> Iterator[tuple[WordSettings, Tensor]]:
    """(what is left, (bands,) the setting that is not)"""
    for n, row in enumerate(shown.rows):
        yield shown.without_row(n), row
    for n, curve in enumerate(shown.singles):
        rest = shown.without_person(n)
        yield replace(rest, singles=torch.cat((rest.singles[:n], rest.singles[n + 1 :]))), curve


def nats(meant: DescriptorSettings, curve: Tensor, encoder: Tensor) -> float:
    """Log likelihood of a setting, of its code."""
    cov = encoder @ meant.cov @ encoder.T + FLOOR_DB2 * torch.eye(len(encoder)).to(encoder)
    normal = torch.distributions.MultivariateNormal(encoder @ meant.mean, cov)
    return float(normal.log_prob(encoder @ curve))


@pytest.mark.shared
def test_charts_beside_people_make_words_no_surer_than_people_are(shared_dir):
    data = shared_dir / "data"
    everything, pool = learn(SETTINGS, read_people_data(data))
    charts, encoder = known_charts(data), EqAutoencoder.load().encoder.weight.double()
    means = {word: pool.meaning(everything[word, "en"])[0] for word in charts if (word, "en") in everything}
    scale, size = scale_to_people(charts, means), usual_size_of(everything)
    gained, nearer = [], []
    for word in sorted(set(means) - {edit.word for edit in PUBLISHED}):
        shown = everything[word, "en"]
        if not SETTINGS.min_settings < len(shown.rows) + len(shown.singles) < PEOPLE_WIN:
            continue
        said = charts[word].scaled(scale)
        pairs = []
        for rest, curve in left_out(shown):
            both, alone = (meaning(SETTINGS, rest, one, pool, size)[0] for one in (said, None))
            apart = float(rms_db(curve - both.mean)) - float(rms_db(curve - alone.mean))
            pairs.append((nats(both, curve, encoder) - nats(alone, curve, encoder), apart))
        gain, apart = (fmean(one) for one in zip(*pairs, strict=True))
        print(f"{word:10} {len(pairs):3} settings left out: {gain:+7.2f} nats, mean {apart:+.2f} dB")
        gained.append(gain)
        nearer.append(apart)
    error = (sum((g - fmean(gained)) ** 2 for g in gained) / (len(gained) - 1) / len(gained)) ** 0.5
    print(f"{len(gained)} words, charts beside people against people alone: {fmean(gained):+.2f} ± {error:.2f} nats")
    assert len(gained) >= 10 and math.isfinite(error)
    # charts are not what these people had in mind, but may not shut out what they did
    assert fmean(gained) > -2.0
    assert fmean(nearer) < 0.0
