"""How long a large project file takes: read, an EQ set on every track and read back, written.

    python tests/bench/bench_rpp.py [--repeats 5]

Two files of 20 MB: tracks with items and long plug-in states, and nothing but MIDI events, the shortest lines that
occur in bulk. Beside each, in turn, what any program must do that looks at each line: split, strip and join them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from rpp_samples import EQ, NAME, large_project

from reaper_aeq.reaper.rpp.project import Project

EVENT = "        E 480 90 3c 60\n"
FILES = {
    "122 tracks": large_project(122),
    "MIDI events": f"<REAPER_PROJECT 0.1\n<TRACK\nNAME a\n{EVENT * 870_000}>\n>\n".encode(),
}


def with_eqs(data: bytes) -> bytes:
    project = Project.from_bytes(data)
    for holder in project.tracks:
        holder.set_eq(EQ, NAME)
        holder.eqs()
    return project.to_bytes()


def each_line(data: bytes) -> bytes:
    return b"".join(line for line in data.splitlines(keepends=True) if line.strip())


def seconds(work: Callable[[bytes], bytes], data: bytes) -> float:
    began = time.process_time()
    assert len(work(data)) >= len(data)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for name, data in FILES.items():
        pairs = [(seconds(with_eqs, data), seconds(each_line, data)) for _ in range(options.repeats)]
        own, least = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(own / least for own, least in pairs)
        print(f"{name}, {len(data) / 1e6:.0f} MB: {own:.2f} s, {ratio:.1f} times looking at each line ({least:.2f} s)")


if __name__ == "__main__":
    main()
