"""Little-known words are examined on settings that nobody's mean holds, if somebody else has set the word as well."""

from __future__ import annotations

import pytest
import torch

from reaper_aeq.evaluation.folds import read_people, setting_folds
from reaper_aeq.evaluation.unseen import load_folds, unseen_rows
from reaper_aeq.model.curves import N_GRID, center
from reaper_aeq.model.words import Evidence, Vocabulary, Word
from reaper_aeq.training.datasets.descriptor_settings import once_each
from reaper_aeq.training.datasets.readers import PeopleSettings, read_safe


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
    fold_of = setting_folds(once)
    for k, fold in enumerate(load_folds([shared_dir / "audio"], data, None, lambda _: None)):
        for word, rows in fold.people.items():
            assert len(rows) == sum(name == word and n == k for name, n in zip(once.words, fold_of, strict=True))
        seen = [i for i, name in enumerate(once.words) if name == "dark" and fold_of[i] != k]
        torch.testing.assert_close(fold.curves["dark"]["SAFE"], center(once.curves_db[seen]).mean(0))
