"""Hours of sound: progress from the start, and an end at any time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
from standin.example import ItemSpec, TrackSpec, write

from reaper_aeq.project.analysis_pool import AnalysisPool, Stopped, results
from reaper_aeq.project.mix import Mixer
from reaper_aeq.reaper.rpp.project import Project

HOURS_S = 36_000.0


@pytest.mark.parametrize("frames", [1, 100, 24_000])
@pytest.mark.parametrize("rate", [1.0, 1.1])
def test_a_short_loop_over_ten_hours_tells_its_progress_and_stops_when_asked(tmp_path, frames, rate):
    soundfile.write(tmp_path / "loop.wav", 0.1 * np.random.default_rng(0).standard_normal(frames), 8000)
    # it fades in for so long that no two repetitions are alike: all of them are read
    item = ItemSpec("loop.wav", length=HOURS_S, loop=True, rate=rate, preserve_pitch=True, fade_in=HOURS_S)
    mixer = Mixer(Project.read(write(tmp_path / "s.rpp", [TrackSpec("loop", [item])], sample_rate=8000)))
    told: list[tuple[int, int]] = []
    with AnalysisPool(lambda what, done, total: told.append((done, total)), 8000) as hearing:
        hearing.total_s = mixer.seconds({0})
        began = time.monotonic()
        work = hearing.pool.submit(mixer.analyze_track, mixer.tracks[0], {}, hearing.analyze)
        while len(told) < 3 and time.monotonic() - began < 20:
            time.sleep(0.01)
        assert len(told) >= 3 and told[0] < told[2]
        asked = time.monotonic()
    assert time.monotonic() - asked < 5
    assert isinstance(work.exception(), Stopped)
    assert told[0][1] == pytest.approx(HOURS_S * rate, rel=0.01)


def test_of_two_mistakes_the_first_in_order_is_told_whichever_came_first():
    second_failed = threading.Event()

    def work(n):
        if n == 1:
            second_failed.wait(10)
            raise ValueError("the second")
        if n == 2:
            second_failed.set()
            raise ValueError("the third")
        return n

    with (
        AnalysisPool(lambda *_: None, 48_000, threads=3) as hearing,
        pytest.raises(ValueError, match="the second"),
    ):
        hearing.each(work, range(3))


def test_what_stands_behind_a_mistake_is_not_waited_for():
    over = threading.Event()

    def work(n):
        if n == 0:
            raise ValueError("the first")
        over.wait(10)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(work, n) for n in range(2)]
        try:
            with pytest.raises(ValueError, match="the first"):
                results(futures)
            assert not futures[1].done()
        finally:
            over.set()


def test_results_tells_how_many_are_ready():
    told = []
    with ThreadPoolExecutor(2) as pool:
        assert results([pool.submit(abs, -n) for n in range(5)], told.append) == [0, 1, 2, 3, 4]
    assert told == sorted(told) and told[-1] == 5
