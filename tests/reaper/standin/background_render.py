"""Rendering in the background: the action returns at once, the files grow while scripts and the user go on.

Whether REAPER renders from a copy of the project or from the project itself is not known. Here each part of a file has
what the project holds in the cycle in which it is written: a script that puts things back too early is heard.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from .render import Job, audio_of, save_project_copy

PARTS = 4
CYCLES_A_PART = 3  # a file that has not grown for a cycle is not whole yet
HEADER_BYTES = 44


class BackgroundRender:
    """Takes over the jobs of one render; `step` once a cycle."""

    def __init__(self, reaper, project, jobs: list[Job], rate: float, subtype: str):
        self.reaper, self.project, self.jobs = reaper, project, jobs
        self.rate, self.subtype = rate, subtype
        self.parts: dict[Path, list[np.ndarray]] = {job.path: [] for job in jobs}
        self.cycles = 0
        for job in jobs:
            job.path.parent.mkdir(parents=True, exist_ok=True)
            job.path.write_bytes(b"")  # a target has no bytes when rendering starts

    def step(self) -> None:
        self.cycles += 1
        if self.cycles % CYCLES_A_PART:
            return
        part = self.cycles // CYCLES_A_PART
        for job in self.jobs:
            audio = audio_of(self.project, job, self.rate)
            edges = [len(audio) * n // PARTS for n in range(PARTS + 1)]
            self.parts[job.path].append(audio[edges[part - 1] : edges[part]])
            self._write(job, done=part == PARTS)
        if part == PARTS:
            self.reaper.background = None
            self.reaper.renders.append([job.path for job in self.jobs])
            save_project_copy(self.reaper, self.jobs)

    def _write(self, job: Job, done: bool) -> None:
        if not job.path.parent.is_dir():
            return  # whoever waited for it has gone and taken the folder along
        audio = np.concatenate(self.parts[job.path])
        soundfile.write(job.path, audio, int(self.rate), subtype=self.subtype, format="WAV")
        if not done:  # the sizes in the header are filled in at the end
            data = job.path.read_bytes()
            place = data.index(b"data") + 4
            job.path.write_bytes(data[:4] + bytes(4) + data[8:place] + bytes(4) + data[place + 4 :])
