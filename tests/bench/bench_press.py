"""From key press to bands written: the stand-in, the shipped actions, the real backend; from the files, and rendered.

    python tests/bench/bench_press.py [--seconds 30] [--tracks 1,32] [--ways files,rendered] [--repeats 3]

The backend is warm: it has answered one sound, and then had nothing to do until its second process was there (some six
seconds). "First press" is the first of so many tracks. The stand-in's own time (rendering and its functions) is taken
out, what REAPER's render would take is not in; its cycles come 30 times a second as REAPER's do, so waiting for the
next cycle is in.

"floors" is the median over what the same sounds take at least (`floor.py`: decoding and one STFT of the mono sum, by as
many processes as there are processors), measured in turn with the presses: it hangs little on how busy the machine is.
"CPU" is what the first process of the backend computes in a press, for each track (Linux only).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1] / "reaper"))

from actions_kit import RATE, Clip, Session, Strip
from floor import floor_seconds

from reaper_aeq.demo.song import make_song

LIMITS_S = {"files": {1: 0.3, 32: 2.5}, "rendered": {1: 0.6, 32: 4.0}}  # on two cores that have nothing else to do
SETTINGS = {"files": "{}", "rendered": '{"always_render": true}'}


def write_sounds(folder: Path, seconds: float) -> list[Path]:
    """The demo's tracks, repeated to the wanted length."""
    paths = []
    for track in make_song(sample_rate=RATE):
        times = int(np.ceil(seconds * RATE / track.audio.shape[1]))
        paths.append(folder / f"{track.name}.wav")
        audio = np.tile(track.audio, times)[:, : int(seconds * RATE)]
        soundfile.write(paths[-1], audio.T, RATE, subtype="FLOAT")
    return paths


def cpu_seconds(state_file: Path) -> float:
    """What the backend has computed so far; NaN where that cannot be asked."""
    try:
        pid = json.loads(state_file.read_text())["pid"]
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError, KeyError):
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for_second_process(state_file: Path, timeout_s: float = 60.0) -> None:
    """The backend starts it when nobody waits; where it does not (one processor), there is nothing to wait for."""
    end = time.monotonic() + timeout_s
    log_file = state_file.with_suffix(".log")
    while (os.cpu_count() or 1) > 1 and "helps with large presses" not in log_file.read_text(encoding="utf-8"):
        if time.monotonic() > end:
            raise SystemExit("the second process did not come")
        time.sleep(0.1)


def press_seconds(session: Session) -> tuple[float, float]:
    """Seconds of one press without the stand-in's own; the longest cycle."""
    session.reaper.cycles.clear()
    began = time.perf_counter()
    session.press("Make warmer", timeout_s=600)
    taken = time.perf_counter() - began
    if session.said:
        raise SystemExit(session.said[0])
    cycles = session.reaper.cycles
    own = sum(cycle.render_s + cycle.standin_s for cycle in cycles)
    blocked = session.reaper.longest_block_s
    session.reaper.undo()
    return taken - own, blocked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--tracks", default="1,32")
    parser.add_argument("--ways", default="files,rendered")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TMPDIR"] = str(folder / "temp")
        paths = write_sounds(folder, options.seconds)
        command, state_file = [sys.executable, "-m", "reaper_aeq"], folder / "state" / "backend.json"
        print(
            f"{'tracks':>6} {'heard':>9} {'first press':>12} {'median':>8} {'limit':>6} {'floors':>7}"
            f" {'CPU a track':>12} {'longest cycle':>14}"
        )
        session = Session(folder, [Strip("warm up", [Clip(paths[0], length=options.seconds, selected=True)])],
                          backend=False, command=command, state_file=state_file)  # fmt: skip
        press_seconds(session)
        wait_for_second_process(state_file)
        for count in map(int, options.tracks.split(",")):
            sounds = [paths[i % len(paths)] for i in range(count)]
            clips = [[Clip(path, length=options.seconds, selected=True)] for path in sounds]
            strips = [Strip(f"{i}", clip) for i, clip in enumerate(clips)]
            session = Session(folder, strips, backend=False, command=command, state_file=state_file)
            session.reaper.clock.pace_s = 1 / 30
            for way in options.ways.split(","):
                session.reaper.ext_state.values[("reaper-aeq", "settings")] = SETTINGS[way]
                first, _ = press_seconds(session)
                taken, blocked, floors, cpu = [], [], [], []
                for _ in range(options.repeats):
                    floors.append(sum(map(floor_seconds, sounds)) / min(count, os.cpu_count() or 1))
                    before = cpu_seconds(state_file)
                    for figures, figure in zip((taken, blocked), press_seconds(session), strict=True):
                        figures.append(figure)
                    cpu.append((cpu_seconds(state_file) - before) / count)
                limit = f"{LIMITS_S[way][count]:.1f} s" if count in LIMITS_S[way] else "-"
                ratio = statistics.median(a / b for a, b in zip(taken, floors, strict=True))
                print(
                    f"{count:>6} {way:>9} {first:>10.2f} s {statistics.median(taken):>6.2f} s {limit:>6} {ratio:>7.1f}"
                    f" {1000 * statistics.median(cpu):>9.0f} ms {1000 * min(blocked):>11.0f} ms",
                    flush=True,
                )
        session.press("Stop backend")
        session.close()


if __name__ == "__main__":
    main()
