"""The thread that answers tasks: files are read and analysed beside each other, the models see many at once.

A group passes three stations: hear (pool), compute (this thread, one call of the engine for the whole group), measure
the loudness (pool). While one group is computed the next is heard already.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .. import wire
from ..errors import AeqError
from .guard import check_path
from .jobs import Jobs, Record, Ticket

if TYPE_CHECKING:
    from ..dsp.spectrum import Analysis
    from ..engine import AdaptiveEQ
    from ..listen import Heard
    from ..project.media import Library
    from ..result import Result

GROUP = 16  # of up to a minute of sound each, which stays in memory until its answer is there
TOP_WORDS = 5
BROKEN = "Something went wrong inside reaper-aeq with this sound; the log says what (dashboard, Log)."
log = logging.getLogger("reaper_aeq.server")


class Worker:
    """Takes tasks from `jobs` until it is closed. `engine` may still be loading."""

    def __init__(self, jobs: Jobs, engine: Future[AdaptiveEQ]):
        self.jobs, self.engine = jobs, engine
        self._pool = ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 1)), thread_name_prefix="hear")
        self._libraries: WeakKeyDictionary[Record, Library] = WeakKeyDictionary()  # media that a job reads
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def close(self, patience_s: float = 3.0) -> bool:
        """Lets it end after the tasks that are under way; False if they take longer than `patience_s`."""
        self.jobs.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        ahead: list[tuple[Ticket, Future]] = []
        while True:
            group = ahead or self._start_hearing(self.jobs.take(GROUP, wait=True))
            if not group:
                return
            ahead = self._start_hearing(self.jobs.take(GROUP, wait=False))
            try:
                self._answer(group)
            except Exception:
                # a defect outside of any single task: these get their sentence, the next ones their chance
                log.exception("a whole group of tasks failed")
                for ticket, _ in group:
                    self._failed(ticket, BROKEN)

    def _start_hearing(self, tickets: Sequence[Ticket]) -> list[tuple[Ticket, Future]]:
        return [(ticket, self._later(ticket, self._hear, ticket)) for ticket in tickets]

    def _hear(self, ticket: Ticket) -> Heard | None:
        self.engine.result()  # its error is this task's too; and two threads must not import torch at once
        if ticket.dropped:
            return None
        ticket.started = time.perf_counter()
        heard = self._listen(ticket)
        if heard.warning:
            log.warning("%s", heard.warning)
        return heard

    def _listen(self, ticket: Ticket) -> Heard:
        from ..listen import listen_to
        from ..project.described import hear
        from ..project.media import Library

        sound = ticket.given.sound
        if sound is None:
            return listen_to(ticket.given.path)
        with self._lock:
            library = self._libraries.setdefault(ticket.job, Library())
        return hear(sound, library, check_path)

    def _answer(self, group: Sequence[tuple[Ticket, Future]]) -> None:
        heard_ones = [(ticket, heard) for ticket, future in group if (heard := future.result()) and not ticket.dropped]
        if not heard_ones:
            return
        engine, to_adapt = self.engine.result(), []
        for ticket, heard in heard_ones:
            if isinstance(ticket.given, wire.AnalyzeTask):
                self._guarded(ticket, self._describe, engine, ticket, heard)
            elif ticket.given.request is None:
                self._guarded(ticket, self._match, engine, ticket, heard)
            else:
                to_adapt.append((ticket, heard))
        for ticket, heard, result in adapt_all(engine, to_adapt, self._refuse):
            self._later(ticket, self._measure, ticket, heard, result)

    def _measure(self, ticket: Ticket, heard: Heard, result: Result) -> None:
        if ticket.dropped:
            return
        result = heard.measured(result)
        self._done(ticket, wire.AdaptAnswer(**result.to_dict()), result)

    def _describe(self, engine: AdaptiveEQ, ticket: Ticket, heard: Heard) -> None:
        profile = engine.profile_analysis(heard.analysis)
        ranked = sorted(profile, key=profile.__getitem__, reverse=True)
        scores = {word: round(profile[word], 4) for word in ranked}
        top = [(word, scores[word]) for word in ranked if engine.words[word].core][:TOP_WORDS]
        self._done(ticket, wire.AnalyzeAnswer(scores=scores, top=top, suggestion=engine.suggestion(profile)))

    def _match(self, engine: AdaptiveEQ, ticket: Ticket, heard: Heard) -> None:
        from ..methods.match_request import MatchRequest

        given = ticket.given
        request = MatchRequest(intensity=given.intensity)
        others = [reference(path, modified_ns(path)) for path in given.references]
        result = heard.measured(engine.match_analysis(heard.analysis, others, given.references, request))
        self._done(ticket, wire.MatchAnswer(**result.to_dict()), result)

    def _later(self, ticket: Ticket, work: Callable, *arguments: object) -> Future:
        try:
            return self._pool.submit(self._guarded, ticket, work, *arguments)
        except RuntimeError:  # closed: nobody waits any more
            nothing: Future = Future()
            nothing.set_result(None)
            return nothing

    def _guarded(self, ticket: Ticket, work: Callable, *arguments: object) -> object:
        """What `work` returns; whatever it raises becomes this task's sentence, and None is returned."""
        try:
            return work(*arguments)
        except Exception as error:
            self._refuse(ticket, error)
            return None

    def _refuse(self, ticket: Ticket, error: Exception) -> None:
        if isinstance(error, AeqError):
            log.info("task %r: %s", ticket.given.name, error)
        else:
            log.error("task %r of %s failed", ticket.given.name, ticket.given.path or "items", exc_info=error)
        unreadable = bool(getattr(error, "unreadable", False))
        self._failed(ticket, str(error) if isinstance(error, AeqError) else BROKEN, unreadable)

    def _failed(self, ticket: Ticket, sentence: str, unreadable: bool = False) -> None:
        given = ticket.given
        failed = wire.TaskFailed(
            n=ticket.n, id=given.id, name=given.name, ok=False, error=sentence, unreadable=unreadable
        )
        self.jobs.finish(ticket, failed)

    def _done(self, ticket: Ticket, answer: object, result: Result | None = None) -> None:
        given, seconds = ticket.given, round(time.perf_counter() - ticket.started, 3)
        done = wire.TaskDone(
            n=ticket.n, id=given.id, name=given.name, ok=True, answer=answer, seconds=seconds, heard=given.heard
        )
        self.jobs.finish(ticket, done, result)


@lru_cache(maxsize=16)
def reference(path: str, modified: int) -> Analysis:
    """The analysis of a reference, which all tracks of a project may be matched to. Raises `AudioError`."""
    from ..listen import listen_to

    return listen_to(path).analysis


def modified_ns(path: str) -> int:
    """0 for a file that is not there: listening to it says so in a sentence."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def adapt_all(
    engine: AdaptiveEQ,
    group: Sequence[tuple[Ticket, Heard]],
    refuse: Callable[[Ticket, Exception], None],
) -> list[tuple[Ticket, Heard, Result]]:
    """One batch through the engine. Where the batch as a whole fails, each task is tried on its own."""
    from ..asked import Asked
    from ..blend import parse_word

    asked = []
    for ticket, heard in group:
        given = ticket.given
        try:
            word = parse_word(given.request) if isinstance(given.request, str) else given.request
        except AeqError as error:
            refuse(ticket, error)
            continue
        wanted = Asked(heard.analysis, word, given.intensity, given.adaptation, given.method)
        asked.append((ticket, heard, wanted))
    try:
        answers = engine.adapt_many([wanted for _, _, wanted in asked])
    except Exception:
        log.exception("a batch of %d failed: one by one instead", len(asked))
        answers = [_alone(engine, wanted) for _, _, wanted in asked]
    found = []
    for (ticket, heard, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Exception):
            refuse(ticket, answer)
        else:
            found.append((ticket, heard, answer))
    return found


def _alone(engine: AdaptiveEQ, wanted: object) -> Result | Exception:
    try:
        return engine.adapt_many([wanted])[0]
    except Exception as error:
        return error
