"""How long the backend takes, from a request to all its answers, and from its start to its first one.

    python tests/bench/bench_serve.py [--seconds 30] [--tracks 32] [--repeats 5]

Starts a backend of its own. Stereo WAV files of pulsing noise, asked for by letter (a file in a mailbox, looked for 30
times a second as the actions do) and by HTTP. What REAPER and the actions add must fit between these figures and the
limits. "letter alone" is a question that needs no computing: what the way there and back costs.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from floor import write_song

LIMITS_S = {"letter alone": 0.1, "one track": 0.6, "all tracks": 4.0, "start to first EQ": 8.0}
CYCLE_S = 1 / 30


def ask(state: dict[str, Any], path: str, body: object = None) -> dict[str, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{state['port']}{path}")
    request.add_header("Authorization", f"Bearer {state['token']}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def post(folder: Path, method: str, path: str, body: object = None) -> dict[str, Any]:
    """The answer to a letter."""
    letter = secrets.token_hex(16)
    to = json.loads((folder / "backend.json").read_text())["nonce"]
    part = folder / f"{letter}.part"
    part.write_text(json.dumps({"to": to, "method": method, "path": path, "body": body}))
    part.rename(folder / f"{letter}.request")
    answer = folder / f"{letter}.answer"
    while not answer.exists():
        time.sleep(CYCLE_S)
    told = json.loads(answer.read_text())
    answer.unlink()
    return told["body"]


def letter_seconds(folder: Path, files: list[Path]) -> float:
    """From a request to all answers; without files a request that asks for no computing."""
    began = time.perf_counter()
    if not files:
        assert post(folder, "GET", "/v1/health")["name"] == "reaper-aeq"
    else:
        job = post(folder, "POST", "/v1/jobs", {"label": "bench", "tasks": tasks_of(files)})
        assert all(result["ok"] for result in job["results"]), job
    return time.perf_counter() - began


def tasks_of(files: list[Path]) -> list[dict[str, str]]:
    return [{"id": f"{n}", "name": file.stem, "path": str(file), "request": "warm"} for n, file in enumerate(files)]


def start(folder: Path, file: Path) -> tuple[subprocess.Popen, dict[str, Any], float, float]:
    """The process, its state, seconds to the first answer of any kind and to the EQ of `file`, which waits for it."""
    state_file, began = folder / "backend.json", time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "reaper_aeq", "serve"),
            *("--state-file", str(state_file), "--mailbox", str(folder / "mailbox")),
        ],
        stdout=subprocess.DEVNULL,
    )
    while True:
        if state_file.exists():
            state = json.loads(state_file.read_text())
            ask(state, "/v1/health")
            first = time.perf_counter() - began
            request_seconds(state, [file])
            return process, state, first, time.perf_counter() - began
        time.sleep(0.05)


def request_seconds(state: dict[str, Any], files: list[Path]) -> float:
    began = time.perf_counter()
    job = ask(state, "/v1/jobs?wait=30", {"label": "bench", "tasks": tasks_of(files)})
    while job["state"] != "done":
        job = ask(state, f"/v1/jobs/{job['id']}?wait=30")
    took = time.perf_counter() - began
    assert all(result["ok"] for result in job["results"]), job
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--tracks", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [write_song(folder / f"{n}.wav", options.seconds, seed=n) for n in range(options.tracks)]
        process, state, first, adapted = start(folder, files[0])
        try:
            request_seconds(state, files[:2])  # warms up
            meter = psutil.Process(process.pid)
            mailbox = folder / "mailbox"
            alone = [letter_seconds(mailbox, []) for _ in range(20)]
            time.sleep(1.0)
            idle = sum(meter.cpu_times()[:2])
            time.sleep(10.0)
            idle = (sum(meter.cpu_times()[:2]) - idle) / 10.0
            one = [letter_seconds(mailbox, [file]) for file in files[: options.repeats]]
            by_http = [request_seconds(state, [file]) for file in files[: options.repeats]]
            before = sum(meter.cpu_times()[:2])
            many = [letter_seconds(mailbox, files) for _ in range(options.repeats)]
            used = (sum(meter.cpu_times()[:2]) - before) / options.repeats
        finally:
            ask(state, "/v1/shutdown", {})
            process.wait(timeout=20)
    print(f"{options.tracks} tracks of {options.seconds:g} s, {options.repeats} repeats, {os.cpu_count()} cores")
    measured = {"letter alone": alone, "one track": one, "all tracks": many, "start to first EQ": [adapted]}
    for what, times in measured.items():
        middle, limit = statistics.median(times), LIMITS_S[what]
        verdict = "ok" if middle <= limit else "TOO SLOW"
        print(f"{what}: {middle:.2f} s, best {min(times):.2f} s (limit {limit:g} s, {verdict})")
    print(f"one track by HTTP: {statistics.median(by_http):.2f} s, best {min(by_http):.2f} s")
    print(f"looking for letters every 20 ms costs {100 * idle:.1f} % of a core")
    print(f"start to first answer of any kind: {first:.2f} s")
    # what else the machine does makes the times above longer, not this
    print(f"all tracks: {used:.2f} processor seconds, {1000 * used / options.tracks:.0f} ms a track")


if __name__ == "__main__":
    main()
