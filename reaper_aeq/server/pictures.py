"""The plot of a task's result, drawn when somebody looks and kept for the next look."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Literal

from .jobs import Jobs, NoSuchJobError

Theme = Literal["light", "dark"]
KEPT = 200  # some 40 KB each


class Pictures:
    """Draws one at a time: matplotlib is not made for threads, and the jobs need the processor."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self._lock = threading.Lock()
        self._drawn = lru_cache(KEPT)(self._draw)

    def svg(self, job_id: str, n: int, theme: Theme, narrow: bool) -> bytes:
        """Raises `NoSuchJobError` for a task without a result."""
        with self._lock:
            return self._drawn(job_id, n, theme, narrow)

    def _draw(self, job_id: str, n: int, theme: Theme, narrow: bool) -> bytes:
        from ..result.plot import svg_adaptation

        result = self.jobs.ticket(job_id, n).result
        if result is None:
            raise NoSuchJobError(f"task {n} of job {job_id} has no picture: it has no EQ as its answer")
        return svg_adaptation(result, theme, narrow)
