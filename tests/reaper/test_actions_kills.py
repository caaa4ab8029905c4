"""The real backend, killed at every stage of a press: one sentence or a whole answer, and the next press works."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from actions_kit import Clip, Session, Strip, noise, opener, ours


@pytest.fixture
def open_song(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield from opener(tmp_path, monkeypatch)


@pytest.fixture
def session(open_song, tmp_path):
    """Eight items beside a real backend that has its models."""
    sounds = [noise(tmp_path / f"{n}.wav", seconds=4.0, seed=n) for n in range(8)]
    strips = [Strip(f"T{n}", [Clip(sound, length=4.0, selected=True)]) for n, sound in enumerate(sounds)]
    s = open_song(strips, backend=False, command=[sys.executable, "-m", "reaper_aeq"])
    s.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"start_timeout_s": 120}'
    s.press("Start backend", timeout_s=180)
    assert s.said[0].startswith("reaper-aeq 0.")
    s.reaper.ui.messages.clear()
    yield s
    s.reaper.ui.messages.clear()
    s.press("Stop backend")


def kill(session: Session) -> None:
    os.kill(json.loads((session.mailbox / "backend.json").read_text())["pid"], signal.SIGKILL)


def pressed_and_killed(session: Session, when) -> None:
    """Presses, kills once `when()` holds, and looks at what there is; then undoes and presses again."""
    points = len(session.project.undo_points)
    session.start("Make warmer")
    session.reaper.run_until(lambda: when() or not session.reaper.scripts, timeout_s=60)
    kill(session)
    session.reaper.run_until(timeout_s=60) if session.reaper.scripts else None
    if session.said:
        assert session.said == [
            "reaper-aeq stopped while it was computing. Nothing was changed; press again to restart it."
        ]
        assert session.project.bytes() == session.before and len(session.project.undo_points) == points
    else:  # the answer was there already, or the letter not yet taken: then another backend was started for it
        assert len(ours(session.project)) == 8
        session.reaper.undo()
    session.reaper.ui.messages.clear()
    session.press("Make warmer", timeout_s=180)
    assert session.said == [] and len(ours(session.project)) == 8 and session.left_behind() == []
    session.reaper.undo()
    assert session.project.bytes() == session.before


@pytest.mark.parametrize("stage", ["request", "progress", "answer"])
def test_killed_at_a_stage_of_a_press(session, stage):
    pressed_and_killed(session, lambda: any(session.mailbox.glob(f"*.{stage}")))


def test_killed_at_any_moment(session):
    for seed in range(1):
        at = time.monotonic() + random.Random(seed).uniform(0.05, 1.0)
        pressed_and_killed(session, lambda at=at: time.monotonic() > at)


def test_a_removed_mailbox_while_the_real_backend_computes(session, tmp_path):
    session.start("Make warmer")
    session.reaper.run_until(lambda: any(session.mailbox.glob("*.progress")))
    away = Path(tmp_path / "away")
    session.mailbox.rename(away)
    session.reaper.run_until()
    assert len(session.said) == 1 and session.said[0].startswith(f"The folder {session.mailbox} was removed while")
    assert session.unchanged and not session.mailbox.exists()
    session.reaper.ui.messages.clear()
    session.press("Make warmer", timeout_s=60)  # the same backend, asked to serve the new folder
    assert session.said == [] and len(ours(session.project)) == 8 and session.left_behind() == []
    session.reaper.undo()
