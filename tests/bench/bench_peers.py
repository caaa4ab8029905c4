"""Ours beside others' programs that do the same, in turn in one go: time, processor time, memory, error.

    python tests/bench/bench_peers.py [--song FILE] [--data DIR] [--environments DIR] [--only match,fit,refine]

- `match` beside matchering (the whole process, and once all is loaded): a song through an EQ, and a reference of the
  balance that it had; the error is what is then left of that EQ.
- The fit beside AutoEq's: the same curves, a low shelf, three bells and a high shelf inside the same limits. Above
  10 kHz AutoEq counts the mean alone, so errors are those below.
- `refine` beside the same steps through dasp-pytorch's filters on the waveform.

Each of the others has a throwaway environment of its own, made here from PyPI by name (`--environments` keeps them).
Medians of interleaved repeats: what else the machine does then burdens both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from floor import write_song

from reaper_aeq.dsp.analyze_file import analyze_opened
from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.response import EqFilter
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import Band, Eq

ROOT = Path(__file__).resolve().parents[2]
DAMAGE = Eq((Band("low_shelf", 180, 4.0), Band("band", 1200, -4.0, 1.5), Band("high_shelf", 6000, -3.0)), -3.0)
HEARD_HZ, CURVES_HZ = (50.0, 16_000.0), (20.0, 10_000.0)
CURVES = 40

# What each program does once it is loaded is timed inside of it: a line of JSON for each repeat that it is asked for.
LOOP = """
import json, sys, time
def loop(action):
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        told = action()
        print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, told]), flush=True)
"""
BETWEEN = """
import json, os, sys, time
began = time.perf_counter()
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, used = os.wait4(child, 0)
print(json.dumps([time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(os.waitstatus_to_exitcode(status))
"""
MATCHERING = """
import sys, matchering
song, reference, out = sys.argv[1:4]
def once():
    matchering.process(target=song, reference=reference, results=[matchering.Result(out, subtype="FLOAT")])
"""
OURS = """
import sys
from reaper_aeq.cli.main import main
def once():
    assert not main(["match", *sys.argv[1:3], "-o", sys.argv[3], "--force", "-q"])
"""
AUTOEQ = """
import sys, json, numpy as np
from autoeq.peq import PEQ
given = json.load(open(sys.argv[1]))
hz = np.exp(np.arange(np.log(20.0), np.log(20000.0), np.log(1.02)))  # its own grid
shelf = {"min_fc": 20.0, "max_fc": 20000.0, "q": 2 ** -0.5, "min_gain": -12.0, "max_gain": 12.0}
bell = {"min_fc": 20.0, "max_fc": 12000.0, "min_q": 0.27, "max_q": 14.0, "min_gain": -12.0, "max_gain": 12.0}
config = {"filters": [{"type": "LOW_SHELF", **shelf}, *[{"type": "PEAKING", **bell}] * 3,
                      {"type": "HIGH_SHELF", **shelf}]}
def once():
    found = []
    for curve in given["curves"]:
        peq = PEQ.from_dict(config, hz, 48000, target=np.interp(np.log(hz), np.log(given["hz"]), curve))
        peq.optimize()
        found.append(np.interp(np.log(given["hz"]), np.log(hz), peq.fr).tolist())
    return found
"""
OUR_FIT = """
import sys, json, numpy as np, torch
torch.set_num_threads(1)
from reaper_aeq.dsp.fit import DEFAULT_KINDS, fit_bands
from reaper_aeq.dsp.few_bands import Curve, few_bands
from reaper_aeq.dsp.response import response_db
given = json.load(open(sys.argv[1]))
hz, curves = torch.tensor(given["hz"]).double(), torch.tensor(given["curves"]).double()
alike = torch.ones(len(hz)).double()
def five(together):
    groups = [curves] if together else curves.split(1)
    found = torch.cat([fit_bands(group, 48000) for group in groups])
    return response_db(found, DEFAULT_KINDS, hz, 48000).tolist()
def few(together):
    wanted = [Curve(curve, alike, alike > 0, 60 * alike, 0 * alike) for curve in curves]
    groups = [wanted] if together else [[one] for one in wanted]
    eqs = [eq for group in groups for eq in few_bands(group, 48000)]
    return [eq.response_db(hz.numpy(), 48000).tolist() for eq in eqs]
once = lambda: {"five": five, "few": few}[sys.argv[2]](sys.argv[3] == "together")
"""
REFINE = """
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from bench_refine import STEPS
from reaper_aeq.dsp.analyze_file import analyze_opened
from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.fit import DEFAULT_KINDS
from reaper_aeq.dsp.response import params_from_eq, response_db
from reaper_aeq.engine import AdaptiveEQ
from reaper_aeq.methods.refine import heard_response
from reaper_aeq.model.curves import GRID
engine = AdaptiveEQ.load(device="cpu")
with AudioFile(sys.argv[1]) as file:
    heard = analyze_opened(file)
params, kinds = params_from_eq(engine.adapt_analysis(heard.analysis, "warm").eq)
params, rate = params[None].requires_grad_(True), heard.analysis.sample_rate
def waveform():
    response = heard_response(torch.as_tensor(heard.samples()), kinds, rate)(params)
    torch.autograd.grad(response.square().mean(), params)
    return response[0].tolist()
def spectrum():
    engine.adapt_analysis(heard.analysis, "warm", refine=STEPS)
    return response_db(params, kinds, GRID, rate)[0].tolist()
once = {"waveform": waveform, "spectrum": spectrum}[sys.argv[2]]
"""


@dataclass(frozen=True)
class Cost:
    """Of one run: seconds by the clock and of processor time; the most memory, MB; what it said, if anything."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    told: Any = None


class Program:
    """A program that stays loaded and does its work whenever it is asked to; the first time is not counted."""

    def __init__(self, python: Path, code: str, *arguments: str) -> None:
        command = [str(python), "-c", LOOP + code + "\nloop(once)", *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True
        )
        self.run()

    def run(self) -> Cost:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("["):
                wall_s, cpu_s, told = json.loads(line)
                return Cost(wall_s, cpu_s, self._peak_mb(), told)
        raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")

    def _peak_mb(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def whole_process(*command: str) -> Cost:
    """Started by a small process in between: a child's peak counts from what its parent had."""
    between = [sys.executable, "-S", "-c", BETWEEN, *command]
    answer = subprocess.run(between, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    return Cost(*json.loads(answer.splitlines()[-1]))


def environment(folder: Path, package: str) -> Path:
    """The Python of an environment that holds a package of PyPI; made unless it is there."""
    python = folder / package / "bin" / "python"
    if not python.exists():
        print(f"installing {package} ...", file=sys.stderr)
        venv.create(folder / package, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
    return python


def in_turn(works: dict[str, Callable[[], Cost]], repeats: int) -> dict[str, Cost]:
    """Medians of each; what was said is that of the last time."""
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            costs[name].append(work())
    medians = {}
    for name, own in costs.items():
        columns = zip(*((c.wall_s, c.cpu_s, c.peak_mb) for c in own), strict=True)
        medians[name] = Cost(*map(statistics.median, columns), own[-1].told)
    return medians


def rms_db(off: np.ndarray, within_hz: tuple[float, float], *, level_free: bool) -> float:
    """Of differences (..., grid) on `GRID_HZ`, dB: the mean over curves."""
    off = off[..., (within_hz[0] <= GRID_HZ) & (within_hz[1] >= GRID_HZ)]
    if level_free:
        off = off - off.mean(-1, keepdims=True)
    return float(np.sqrt(np.square(off).mean(-1)).mean())


def ltas_db(path: Path) -> np.ndarray:
    with AudioFile(path) as file:
        return analyze_opened(file).analysis.ltas_db().numpy()


def show(title: str, rows: Sequence[tuple[str, Cost, float | None]]) -> None:
    """The first row is what the others are compared with."""
    first = rows[0][1]
    print(f"\n{title}\n{'':<34}{'seconds':>9}{'CPU':>9}{'of it':>8}{'MB':>7}{'of it':>8}{'error, dB':>11}")
    for name, cost, error in rows:
        ratios = f"{cost.cpu_s / first.cpu_s:>8.3f}{cost.peak_mb:>7.0f}{cost.peak_mb / first.peak_mb:>8.2f}"
        told = "" if error is None else f"{error:>11.3f}"
        print(f"{name:<34}{cost.wall_s:>9.3f}{cost.cpu_s:>9.3f}{ratios}{told}", flush=True)


def compare_match(folder: Path, song: Path | None, python: Path, seconds: float, repeats: int) -> None:
    dry, reference, damaged = (folder / f"{name}.wav" for name in ("dry", "reference", "damaged"))
    if song is None:
        write_song(dry, seconds, seed=0)
        write_song(reference, seconds, seed=1)
    else:
        # its own other half is what a song sounded like
        sound, rate = soundfile.read(song, dtype="float32", always_2d=True)
        for path, half in ((dry, sound[: len(sound) // 2]), (reference, sound[len(sound) // 2 :])):
            soundfile.write(path, half, rate, "FLOAT")
    sound, rate = soundfile.read(dry, dtype="float32", always_2d=True)
    soundfile.write(damaged, EqFilter(DAMAGE, rate, sound.shape[1]).process(sound.T).T, rate, "FLOAT")
    outs = {name: folder / f"{name}.wav" for name in ("matchering", "match")}
    files = {name: (str(damaged), str(reference), str(out)) for name, out in outs.items()}
    warm = {
        "matchering, loaded": Program(python, MATCHERING, *files["matchering"]),
        "match, loaded": Program(Path(sys.executable), OURS, *files["match"]),
    }
    *sounds, out = files["match"]
    ours = (sys.executable, "-m", "reaper_aeq", "match", *sounds, "-o", out, "--force", "-q")
    found = in_turn(
        {
            "matchering, whole": lambda: whole_process(
                str(python), "-c", MATCHERING + "\nonce()", *files["matchering"]
            ),
            "match, whole": lambda: whole_process(*ours),
            "import torch, torchaudio": lambda: whole_process(sys.executable, "-c", "import torch, torchaudio"),
            **{name: program.run for name, program in warm.items()},
        },
        repeats,
    )
    for program in warm.values():
        program.end()
    wanted = ltas_db(dry)
    errors = {name: rms_db(ltas_db(out) - wanted, HEARD_HZ, level_free=True) for name, out in outs.items()}
    before = rms_db(ltas_db(damaged) - wanted, HEARD_HZ, level_free=True)
    show(
        f"match: {len(sound) / rate:.0f} s of stereo through an EQ of {before:.2f} dB, into a file",
        [(name, cost, errors.get(name.split(",")[0])) for name, cost in found.items()],
    )


def compare_fit(folder: Path, data: Path | None, python: Path, repeats: int) -> None:
    import torch
    from bench_fit import random_settings

    from reaper_aeq.dsp.fit import DEFAULT_KINDS
    from reaper_aeq.dsp.response import response_db
    from reaper_aeq.dsp.spectrum import GRID_HZ

    freqs_hz = torch.from_numpy(GRID_HZ)
    if data is None:
        what, curves = "random settings", response_db(random_settings(CURVES), DEFAULT_KINDS, freqs_hz, 48_000)
    else:
        from reaper_aeq.training.datasets.readers import read_safe

        what, curves = "people's settings", read_safe(data).curves_db
        curves = curves[:: len(curves) // CURVES][:CURVES]
    given = folder / "curves.json"
    given.write_text(json.dumps({"hz": GRID_HZ.tolist(), "curves": curves.tolist()}))
    own = Path(sys.executable)
    programs = {"AutoEq": Program(python, AUTOEQ, str(given))}
    for search in ("five", "few"):
        for how in ("alone", "together"):
            programs[f"ours, {search} bands, {how}"] = Program(own, OUR_FIT, str(given), search, how)
    found = in_turn({name: program.run for name, program in programs.items()}, repeats)
    for program in programs.values():
        program.end()
    rows = []
    for name, cost in found.items():
        each = Cost(cost.wall_s / len(curves), cost.cpu_s / len(curves), cost.peak_mb)
        off = np.array(cost.told) - curves.numpy()
        rows.append((name, each, rms_db(off, CURVES_HZ, level_free="few" in name)))
    show(f"fit: {len(curves)} curves of {what}, a curve", rows)


def compare_refine(folder: Path, seconds: float, repeats: int) -> None:
    from bench_refine import STEPS

    song = write_song(folder / "short.wav", seconds)
    here = str(Path(__file__).parent)
    own = Path(sys.executable)
    programs = {name: Program(own, REFINE, str(song), name, here) for name in ("waveform", "spectrum")}
    found = in_turn({name: program.run for name, program in programs.items()}, repeats)
    for program in programs.values():
        program.end()
    step, ours = found["waveform"], found["spectrum"]
    waveform = Cost(STEPS * step.wall_s, STEPS * step.cpu_s, step.peak_mb)
    apart = rms_db(np.array(ours.told) - np.array(step.told), HEARD_HZ, level_free=True)
    show(
        f"refine: {STEPS} steps for {seconds:g} s of stereo (on the waveform from one; error: between the responses)",
        [("dasp-pytorch, on the waveform", waveform, None), ("ours, with all of adapt", ours, apart)],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--song", type=Path, help="a stereo recording at 44.1 kHz; noise that pulses by default")
    parser.add_argument("--data", type=Path, help="a folder with safe_eq.csv: people's settings, not random ones")
    parser.add_argument("--environments", type=Path, help="where the others' environments are kept")
    parser.add_argument("--seconds", type=float, default=210.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="match,fit,refine")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    only = options.only.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environments = options.environments or folder / "environments"
        if "match" in only:
            python = environment(environments, "matchering")
            compare_match(folder, options.song, python, options.seconds, options.repeats)
        if "fit" in only:
            compare_fit(folder, options.data, environment(environments, "autoeq"), options.repeats)
        if "refine" in only:
            compare_refine(folder, min(options.seconds, 30.0), options.repeats)


if __name__ == "__main__":
    main()
