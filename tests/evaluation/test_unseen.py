"""Little-known words are examined on settings that nobody's mean holds, if somebody else has set the word as well; and
the examination's edits do to sound what they say."""

from __future__ import annotations

import pytest
import torch

from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.dsp.virtual_eq import equalized
from reaper_aeq.evaluation.folds import read_people, setting_folds
from reaper_aeq.evaluation.law import eq_of
from reaper_aeq.evaluation.unseen import PUBLISHED, band_energy_ratio, load_folds, unseen_rows
from reaper_aeq.model.curves import COMPARED, N_GRID, center, rms_db
from reaper_aeq.model.words import Evidence, Vocabulary, Word
from reaper_aeq.training.datasets.descriptor_settings import once_each
from reaper_aeq.training.datasets.readers import PeopleSettings, read_safe
from reaper_aeq.training.datasets.sources import shaped_noise

RATE = 48_000
NOISE = shaped_noise(torch.zeros(59, dtype=torch.float64), 4.0, RATE, torch.Generator().manual_seed(1), 3.0, 0.5)


def test_only_what_is_unseen_and_set_by_others():
    names = ("warm", "dark", "darker", "thin", "thin", "odd", "odd", "boomy")
    unseen = (True, True, False, True, False, True, False, True)
    curves = torch.arange(len(names), dtype=torch.float64)[:, None].expand(-1, N_GRID)
    one = (torch.zeros(32), torch.zeros(32, 32), Evidence(3, 0, 0.5, None, ("SAFE",)))
    vocabulary = Vocabulary({name: Word(name, "en", *one) for name in ("warm", "dark", "thin", "boomy")}, {})
    found = unseen_rows(PeopleSettings(names, curves), unseen, vocabulary)
    # warm has an examination of its own, 'odd' is no known word, nobody else has set 'boomy'
    assert [(word, float(row[0])) for word, row in found] == [("dark", 1.0), ("thin", 3.0)]


@pytest.mark.shared
@pytest.mark.slow
def test_who_saved_a_setting_twice_is_examined_and_averaged_once(shared_dir):
    data = shared_dir / "data"
    once = once_each(read_safe(data))
    assert read_people(data).safe.words == once.words
    fold_of = setting_folds(once.curves_db).tolist()
    for k, fold in enumerate(load_folds([shared_dir / "audio"], data, None, lambda _: None)):
        for word, rows in fold.people.items():
            assert len(rows) == sum(name == word and n == k for name, n in zip(once.words, fold_of, strict=True))
        seen = [i for i, name in enumerate(once.words) if name == "dark" and fold_of[i] != k]
        torch.testing.assert_close(fold.curves["dark"]["SAFE"], center(once.curves_db[seen]).mean(0))


@pytest.mark.parametrize("edit", PUBLISHED, ids=lambda edit: edit.word)
def test_an_edit_takes_its_band_out_or_lifts_it(edit):
    ltas = analyze_blocks([NOISE], RATE).ltas_db()
    before, after = (band_energy_ratio(x, edit.low_hz, edit.high_hz) for x in (ltas, ltas + edit.curve(edit.gross_db)))
    assert (after < before) == (edit.gross_db < 0)
    assert float(edit.curve(edit.gross_db).abs().max()) == pytest.approx(abs(edit.gross_db), abs=1.0)


def test_an_eq_on_the_analysis_is_the_analysis_of_the_eq():
    """What the repair tests rest on: band powers times a response equal real filtering."""
    eq = eq_of(PUBLISHED[0].curve(-10.0))
    response = torch.from_numpy(eq.response_db(GRID_HZ, RATE))
    thought = equalized(analyze_blocks([NOISE], RATE), response).ltas_db()
    real = analyze_blocks([eq.apply(NOISE, RATE)], RATE).ltas_db()
    assert float(rms_db(thought - real)) < 0.15
    assert float((thought - real)[COMPARED].abs().max()) < 0.6
