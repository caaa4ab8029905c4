"""What the stand-in tells of a script's cycles."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from standin import script

CALLS = "for n = 1, 5 do reaper.CountTracks(0) end"


@pytest.fixture
def ticks(monkeypatch):
    """A clock that is a second later at each look."""
    now = iter(range(10_000))
    monkeypatch.setattr(script, "time", SimpleNamespace(perf_counter=lambda: next(now)))
    monkeypatch.setattr(script, "crossing_s", lambda *_: 1.0)


def test_the_way_of_each_call_is_measured_in_place(run_lua, monkeypatch, ticks):
    monkeypatch.setattr(script.Script, "measures_way", True)
    cycle = run_lua(CALLS).cycles[0]
    assert cycle.called["CountTracks"] == 5 and cycle.called["defer"] == 1 and cycle.handed_s == 6
    # to each call, in it, on the way to the empty one, in that; in the end back to the cycle
    assert cycle.wall_s == 6 * 4 + 1 and cycle.standin_s == 6 * (1 + 1 + 1)
    assert cycle.blocked_s == 1


def test_else_it_counts_as_that_of_an_empty_call(run_lua, ticks):
    cycle = run_lua(CALLS).cycles[0]
    assert cycle.calls == 6 and cycle.handed_s == 0 and cycle.blocked_s == 1
