"""The longest cycle of the open panel, with many tracks selected: what it takes from REAPER's window at most.

    python tests/bench/bench_panel.py [--tracks 200]

CPU time of the scripts in the stand-in, without its own functions and without the way to them ("handing over"): values
go from Lua to Python and back, where in REAPER a C function is called. How long that takes is measured in place, behind
each call (`Script.measures_way`): where the stand-in has just computed, it is many times what an empty call in a loop
takes, and more than all else in a cycle of many calls. So it says nothing of REAPER and is shown beside. The calls of
the longest cycle are counted, and those of the cycle that holds the undo block, which is one cycle whatever happens:
they are the same on every machine. REAPER's own calls take 6 µs (writing a parameter) and more (a name: 0.5 to 5 ms);
no stand-in can tell. Cycles but the block's end after 8 ms by the clock, the stand-in's time in it: in REAPER they last
that long whatever stands here. `--busiest` names the functions.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from actions_kit import Session, ours
from panel_kit import Panel, strips, told
from standin import crossing, script

WANTED_MS = 20.0
PATIENCE_S = 600.0


def names(panel: Panel) -> set[str]:
    """What the EQs are called; of a track without one "none"."""
    found = ours(panel.s.project)
    return {name for list_ in found.values() for name, _ in list_} | (
        {"none"} if len(found) < len(panel.s.project.tracks) else set()
    )


def idle(panel: Panel) -> bool:
    panel.s.reaper.step(60)
    return names(panel) == {"none"}


def click(name: str, changes: bool = True) -> Callable[[Panel], bool]:
    """Presses a button and waits; true if the EQs are all called alike then, and otherwise than before if so it is."""

    def pressed(panel: Panel) -> bool:
        before = names(panel)
        panel.click(name)
        panel.settle(PATIENCE_S)
        return len(names(panel)) == 1 and (names(panel) != before) == changes

    return pressed


def drag(panel: Panel) -> bool:
    """The mouse wanders over the slider and stays down."""
    panel.drag("Intensity", *(0.3 + 0.01 * n for n in range(20)), let_go=False)
    return names(panel) == {"AEQ: warm 100%"}


def let_go(panel: Panel) -> bool:
    panel.ui.buttons = 0
    panel.settle(PATIENCE_S)
    return len(names(panel)) == 1 and names(panel) != {"AEQ: warm 100%"}


PHASES = {
    "open, nothing moves": idle,
    "a word": click("warm"),
    "the word again": click("warm", changes=False),
    "the hand on the slider": drag,
    "the hand lets go": let_go,
    "More": click("More"),
    "Less": click("Less"),
    "Compare": click("Compare", changes=False),
    "Delta": click("Delta", changes=False),
    "Remove": click("Remove"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--busiest", action="store_true", help="what the longest cycle, and all, called most")
    options = parser.parse_args()
    script.time = crossing.time = SimpleNamespace(perf_counter=time.thread_time)  # others' work on this machine is out
    script.Script.measures_way = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TMPDIR"] = str(folder / "temp")
        session = Session(folder, strips(folder, options.tracks))
        session.backend.answer = told
        panel = Panel(session)
        print(f"{options.tracks} tracks selected; wanted of the panel itself: {WANTED_MS:.0f} ms")
        heads = ("longest cycle", "the block's", "handing over"), ("its calls", "98 % under", "in the block", "cycles")
        print(" " * 24 + "".join(f"{head:>15}" for head in heads[0]) + "".join(f"{head:>13}" for head in heads[1]))
        for what, phase in PHASES.items():
            session.reaper.cycles.clear()
            if not phase(panel):
                raise SystemExit(f"{what}: {names(panel)}, {panel.texts()[-1]!r}")
            cycles = sorted(session.reaper.cycles, key=lambda cycle: cycle.blocked_s)
            taken = [1000 * cycle.blocked_s for cycle in cycles]
            blocks = [cycle for cycle in cycles if cycle.called["Undo_BeginBlock2"]]
            block = max(blocks, key=lambda cycle: cycle.calls, default=None)
            print(
                f"{what:>24}{taken[-1]:>12.1f} ms"
                + (f"{1000 * block.blocked_s:>12.1f} ms{1000 * block.handed_s:>12.1f} ms" if block else " " * 30)
                + f"{cycles[-1].calls:>13}{taken[int(0.98 * len(taken))]:>10.1f} ms"
                f"{block.calls if block else '':>13}{len(taken):>13}",
                flush=True,
            )
            if options.busiest:
                everything = sum((cycle.called for cycle in cycles), Counter())
                for called in (cycles[-1].called, everything):
                    print(f"{called.total():>24}: {', '.join(f'{name} {n}' for name, n in called.most_common(8))}")
        panel.close()
        session.close()


if __name__ == "__main__":
    main()
