"""The longest cycle of the open panel, with many tracks selected: what it takes from REAPER's window at most.

    python tests/bench/bench_panel.py [--tracks 200]

CPU time of the scripts in the stand-in, its own functions taken out. What is left of each of their calls (handing
values from Lua to Python and back, some 10 to 30 µs) is in, where REAPER's own take about one: the figures are upper
bounds, and far too high where one cycle makes thousands of calls, as a block that is one undo step has to ("More", with
200 tracks). What the Lua of such a block takes by itself: tests/reaper/test_actions_scripts.py, `-k writing_200 -s`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from actions_kit import Session
from panel_kit import Panel, strips, told
from standin import crossing, script

WANTED_MS = 20.0
PATIENCE_S = 600.0


def idle(panel: Panel) -> None:
    panel.s.reaper.step(60)


def click(name: str) -> Callable[[Panel], None]:
    def pressed(panel: Panel) -> None:
        panel.click(name)
        panel.settle(PATIENCE_S)

    return pressed


def drag(panel: Panel) -> None:
    """The mouse wanders over the slider and stays down."""
    panel.drag("Intensity", *(0.3 + 0.01 * n for n in range(20)), let_go=False)


def let_go(panel: Panel) -> None:
    panel.ui.buttons = 0
    panel.settle(PATIENCE_S)


PHASES = {
    "open, nothing moves": idle,
    "a word": click("warm"),
    "the hand on the slider": drag,
    "the hand lets go": let_go,
    "More": click("More"),
    "Compare": click("Compare"),
    "Delta": click("Delta"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=200)
    options = parser.parse_args()
    script.time = crossing.time = SimpleNamespace(perf_counter=time.thread_time)  # others' work on this machine is out
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TMPDIR"] = str(folder / "temp")
        session = Session(folder, strips(folder, options.tracks))
        session.backend.answer = told
        panel = Panel(session)
        print(f"{options.tracks} tracks selected; wanted of the panel itself: {WANTED_MS:.0f} ms")
        print(f"{'':>24} {'longest cycle':>14} {'98 % under':>11} {'cycles':>7}")
        for what, phase in PHASES.items():
            session.reaper.cycles.clear()
            phase(panel)
            taken = sorted(1000 * cycle.blocked_s for cycle in session.reaper.cycles)
            print(
                f"{what:>24} {taken[-1]:>11.1f} ms {taken[int(0.98 * len(taken))]:>8.1f} ms {len(taken):>7}", flush=True
            )
        panel.close()
        session.close()


if __name__ == "__main__":
    main()
