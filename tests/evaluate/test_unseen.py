"""Little-known words are examined on settings that nobody's mean holds, if somebody else has set the word as well."""

from __future__ import annotations

import torch

from reaper_aeq.evaluate.unseen import unseen_rows
from reaper_aeq.model.curves import N_GRID
from reaper_aeq.model.words import Evidence, Vocabulary, Word
from reaper_aeq.train.data import Settings


def test_only_what_is_unseen_and_set_by_others():
    names = ("warm", "dark", "darker", "thin", "thin", "odd", "odd", "boomy")
    unseen = (True, True, False, True, False, True, False, True)
    curves = torch.arange(len(names), dtype=torch.float64)[:, None].expand(-1, N_GRID)
    one = (torch.zeros(32), torch.zeros(32, 32), Evidence(3, 0, 0.5, None, ("SAFE",)))
    vocabulary = Vocabulary({name: Word(name, "en", *one) for name in ("warm", "dark", "thin", "boomy")}, {})
    found = unseen_rows(Settings(names, curves), unseen, vocabulary)
    # warm has an examination of its own, 'odd' is no known word, nobody else has set 'boomy'
    assert [(word, float(row[0])) for word, row in found] == [("dark", 1.0), ("thin", 3.0)]
