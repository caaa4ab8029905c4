"""Patterns of our own: within their keys, the same for the same seed."""

import random

import pytest
from patterns import ROLES, SECONDS, drums, play


@pytest.mark.parametrize("role", ROLES)
def test_notes_lie_within_their_keys_and_time(role):
    for seed in range(50):
        low = 28 + seed
        notes = play(role, random.Random(seed), low, low + 24)
        assert notes and all(low <= note.midi <= low + 24 for note in notes)
        assert all(0 <= note.at_s < SECONDS and note.length_s > 0 and 20 <= note.velocity <= 127 for note in notes)
        assert max(note.at_s for note in notes) > 5  # they fill the recording


@pytest.mark.parametrize("role", ROLES)
def test_the_same_seed_gives_the_same_notes_and_another_one_others(role):
    first, again, other = (play(role, random.Random(seed), 36, 84) for seed in ("a", "a", "b"))
    assert first == again != other


def test_a_beat_has_the_pieces_that_it_is_given():
    for seed in range(50):
        notes = drums(random.Random(seed), 0, 1, 2, (3, 4))
        assert notes == drums(random.Random(seed), 0, 1, 2, (3, 4))
        assert {note.midi for note in notes} <= {0, 1, 2, 3, 4} and len({0, 1, 2} & {note.midi for note in notes}) >= 2
        assert all(0 <= note.at_s < SECONDS and 20 <= note.velocity <= 127 for note in notes)


def test_patterns_are_those_that_the_recordings_were_made_of():
    """Whoever changes what is drawn, or in which order, gets other recordings, and other models of them."""
    notes = play("melody", random.Random("violin"), 55, 90)
    assert [note.midi for note in notes[:3]] == [64, 62, 68]
    assert [note.at_s for note in notes[:3]] == pytest.approx([0.0, 0.340973, 0.681946], abs=1e-6)
    assert [note.velocity for note in notes[:3]] == [104, 83, 92]
