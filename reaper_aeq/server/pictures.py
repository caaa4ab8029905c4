"""The plot of a task's result, drawn when somebody looks and kept for the next look."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Literal

from .jobs import Jobs, NoSuchJobError

Theme = Literal["light", "dark"]
KEPT = 200  # some 40 KB each


class Pictures:
    """Draws one at a time: matplotlib is not made for threads, and the jobs need the processor."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self._drawn: OrderedDict[tuple[str, int, Theme, bool], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def svg(self, job_id: str, n: int, theme: Theme, narrow: bool) -> bytes:
        """Raises `NoSuchJobError` for a task without a result."""
        result = self.jobs.ticket(job_id, n).result
        if result is None:
            raise NoSuchJobError(f"task {n} of job {job_id} has no picture: it has no EQ as its answer")
        key = (job_id, n, theme, narrow)
        with self._lock:
            if key not in self._drawn:
                from ..result.plot import Drawn, svg_adaptation

                self._drawn[key] = svg_adaptation(Drawn.of(result), theme, narrow)
            self._drawn.move_to_end(key)
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
            return self._drawn[key]
