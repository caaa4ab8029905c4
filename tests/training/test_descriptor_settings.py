"""What people did is gathered from both data sets, every decision once."""

from __future__ import annotations

import pytest
import torch

from reaper_aeq.model.curves import N_GRID, center
from reaper_aeq.training.datasets.descriptor_settings import gather, once_each
from reaper_aeq.training.datasets.readers import PeopleData, PeopleSettings, SocialWord, read_safe
from reaper_aeq.util.settings import WordsTraining

CURVES = center(torch.randn(4, N_GRID, generator=torch.Generator().manual_seed(3), dtype=torch.float64))
A, B, C, D = CURVES


def test_a_setting_saved_again_for_the_same_word_counts_once():
    saved = [("dark", A), ("dark", A), ("warm", A), ("dark", B), ("darker", A), ("dark", A + 0.01), ("dark", A)]
    kept = once_each(PeopleSettings(tuple(word for word, _ in saved), torch.stack([curve for _, curve in saved])))
    # for another word it is another decision, and a setting that was moved is a new one
    assert kept.words == ("dark", "warm", "dark", "dark")
    torch.testing.assert_close(kept.curves_db, torch.stack((A, A, B, A + 0.01)))
    again = once_each(kept)
    assert again.words == kept.words and torch.equal(again.curves_db, kept.curves_db)


def test_nothing_saved_stays_nothing():
    assert once_each(PeopleSettings((), CURVES[:0])).words == ()


def test_a_word_is_the_mean_of_what_different_people_did():
    settings = WordsTraining(safe_weight=2.0, people_per_setting=4.0, safe_alike=0.0, socialeq_db=5.0)
    safe = PeopleSettings(("dark", "darker", "dark"), torch.stack((A, B, B)))
    social = [SocialWord("dark", "en", 4, C / 5), SocialWord("dark", "es", 9, D / 5)]
    dark = gather(settings, PeopleData(safe, social, ([("dark", "en")], C[None] / 5)))["dark", "en"]
    torch.testing.assert_close(dark.safe, (A + B) / 2)
    torch.testing.assert_close(dark.social, C)
    torch.testing.assert_close(dark.mean, (A + B + 2 * C) / 4)  # four people beside two settings count for two
    assert (dark.settings, dark.people, len(dark.singles)) == (3.0, 4, 1)


def test_what_the_same_people_made_counts_less():
    many = PeopleSettings(("warm",) * 3, torch.stack((A, B, C)))
    people = PeopleData(many, [], ([], CURVES[:0]))
    alike, apart = (gather(WordsTraining(safe_alike=x), people)["warm", "en"].settings for x in (0.5, 0.0))
    assert (alike, apart) == (1.5, 3.0)


@pytest.mark.shared
def test_people_saved_some_settings_twice(shared_dir):
    """Measured; the rows of 'dark' are three, two of them the same, in rows that follow one another."""
    safe = read_safe(shared_dir / "data")
    kept = once_each(safe)
    assert (len(safe.words), len(kept.words)) == (1294, 1249)
    assert safe.words.count("dark") == 3 and kept.words.count("dark") == 2
