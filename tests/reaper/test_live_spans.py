"""Which minute of a long project `live` renders."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import soundfile

from reaper_aeq.reaper.live import spans
from reaper_aeq.reaper.live.spans import LONGEST_S, Piece

RATE = 8000
windows = partial(spans.windows, longest_s=LONGEST_S)


@pytest.fixture
def loud_end(tmp_path):
    """Five minutes, quiet but for two loud minutes from 170 s on."""
    path = tmp_path / "long.wav"
    audio = np.random.default_rng(1).uniform(-0.01, 0.01, 300 * RATE)
    audio[170 * RATE : 290 * RATE] *= 50
    soundfile.write(path, audio, RATE)
    return str(path)


def test_what_is_short_enough_is_heard_whole():
    assert windows([[Piece(3.0, 10.0)], [Piece(0.5, 2.0), Piece(20.0, 60.0)]]) == [((0.5, 60.0), [0, 1])]
    assert windows([]) == [] and windows([[], []]) == []


def test_the_loudest_minute_of_a_file(loud_end):
    (((start, end), tracks),) = windows([[Piece(10.0, 310.0, loud_end)]])
    assert tracks == [0] and end - start <= LONGEST_S
    assert start >= 179 and end <= 301
    # half speed from the middle of the file: 150 s of it are 300 s here, the loud ones begin at 40 s
    ((start, end), _) = windows([[Piece(0.0, 300.0, loud_end, offset_s=150.0, rate=0.5)]])[0]
    assert start >= 39 and end - start <= LONGEST_S


def test_the_densest_minute_of_notes():
    notes = (*np.arange(0, 600, 20.0), *np.arange(400, 440, 0.25))
    (((start, end), _),) = windows([[Piece(0.0, 600.0, notes=tuple(notes))]])
    assert start <= 400 and end >= 439 and end - start <= LONGEST_S


def test_one_minute_for_tracks_that_play_together_another_for_one_that_does_not(loud_end):
    both = [[Piece(0.0, 300.0, loud_end)], [Piece(200.0, 230.0)], [Piece(1000.0, 1004.0)], [Piece(180.0, 900.0)]]
    found = windows(both)
    assert [tracks for _, tracks in found] == [[0, 1, 3], [2]]
    assert all(end - start <= LONGEST_S for (start, end), _ in found)
    assert found[0][0][0] >= 169 and found[1][0] == (1000.0, 1004.0)


def test_a_file_that_cannot_be_read_counts_evenly():
    (((start, end), _),) = windows([[Piece(0.0, 400.0, "nowhere.wav")]])
    assert 0 < end - start <= LONGEST_S
