"""What answers tasks: files are read beside each other (`lanes`), the models see many sounds at once.

A task passes three stations: heard (in a lane), computed (in one thread, one call of the engine for all that is heard
by then), its loudness measured. While one group is computed the next is heard already.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..errors import AeqError
from ..util.scores import rounded_score
from . import wire
from .guard import check_path
from .jobs import JobRecord, Jobs, Ticket
from .lanes import SHORT_LANES, WAIT_S, Lanes, LeftError, LongError, References

if TYPE_CHECKING:
    from ..dsp.analyze_file import AnalyzedAudio
    from ..dsp.spectrum import Analysis
    from ..engine import AdaptiveEQ
    from ..methods.validation import AnalyzedRequest
    from ..project.media import Library
    from ..result.result import Result

GROUP, LEAST_GROUP = 8, 4  # of up to a minute of sound each, which stays in memory until its answer is there
AHEAD = 4 * GROUP  # heard or being heard at a time; what is long does not count, and is not kept in memory either
PATIENCE_S = 0.25  # a group that is not full is computed after so long at the latest
TOP_WORDS = 5
BROKEN = "Something went wrong inside reaper-aeq with this sound; the log says what (dashboard, Log)."
log = logging.getLogger("reaper_aeq.server")


class HeardTicket(NamedTuple):
    """A task whose sound is known; `references` are those of a match."""

    ticket: Ticket
    heard: AnalyzedAudio
    references: Sequence[Analysis] = ()


class Worker:
    """Takes tasks from `jobs` until it is closed. `engine` may still be loading."""

    def __init__(self, jobs: Jobs, engine: Future[AdaptiveEQ]):
        self.jobs, self.engine = jobs, engine
        self._references = References()
        self._lanes = Lanes(self._hear, self._not_heard)
        self._measuring = ThreadPoolExecutor(2, thread_name_prefix="measure")
        self._changed = threading.Condition()
        self._ahead: set[Ticket] = set()  # taken and not answered, those in the long lane left out
        self._hearing: set[Ticket] = set()  # in a short lane
        self._reading = 0  # of those: how many lanes are at work
        self._heard: list[HeardTicket] = []
        self._heard_since = 0.0
        self._libraries: dict[JobRecord, Library] = {}  # what is known of the media of each job that is not over
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._taker = threading.Thread(target=self._take, name="take", daemon=True)
        for thread in (self._thread, self._taker):
            thread.start()

    def close(self, patience_s: float = 3.0) -> bool:
        """Lets it end after the tasks that are under way; False if they take longer than `patience_s`."""
        self.jobs.close()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._lanes.close()
        self._measuring.shutdown(wait=False, cancel_futures=True)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    # Hearing -------------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        while ticket := self.jobs.take():
            with self._changed:
                self._changed.wait_for(lambda: len(self._ahead) < AHEAD or self._closed)
                self._ahead.add(ticket)
                self._hearing.add(ticket)
            self._lanes.add(ticket)

    def _hear(self, ticket: Ticket, between_blocks: Callable[[], None]) -> None:
        self.engine.result()  # its error is this task's too; and two threads must not import torch at once
        ticket.started = ticket.started or time.perf_counter()
        if short := ticket in self._hearing:
            self._begin_reading(ticket)
        try:
            heard = self._listen(ticket, between_blocks)
            given = getattr(ticket.given, "references", ())
            references = [self._references.get(reference, between_blocks) for reference in given]
        except LongError:
            self._over([ticket])
            raise
        finally:
            with self._changed:
                self._reading -= short
                self._hearing.discard(ticket)
                self._changed.notify_all()
        if heard.warning:
            log.info("task %r: %s", ticket.given.name, heard.warning)
        with self._changed:
            self._heard_since = self._heard_since if self._heard else time.monotonic()
            self._heard.append(HeardTicket(ticket, heard, references))
            self._changed.notify_all()

    def _begin_reading(self, ticket: Ticket) -> None:
        """Waits while a whole group is heard and the other lanes are at work: the processor that this lane would take
        computes, or the last group would be computed while all lanes have nothing to do."""

        def may() -> bool:
            enough = len(self._heard) >= GROUP and self._reading >= max(1, SHORT_LANES - 1)
            return not enough or self._closed or ticket.dropped

        with self._changed:
            while not self._changed.wait_for(may, WAIT_S):
                pass
            self._reading += 1

    def _listen(self, ticket: Ticket, between_blocks: Callable[[], None]) -> AnalyzedAudio:
        from ..dsp.analyze_file import analyze_file
        from ..project.described import hear
        from ..project.media import Library

        sound = ticket.given.sound
        if sound is None:
            assert ticket.given.path is not None, "wire.SoundTask has one of both"
            return analyze_file(ticket.given.path, between_blocks)
        with self._changed:
            for job in [job for job in self._libraries if job.over]:
                del self._libraries[job]  # with what was kept of the media
            library = self._libraries.setdefault(ticket.job, Library())
        return hear(sound, library, check_path, between_blocks)

    def _not_heard(self, ticket: Ticket, error: Exception) -> None:
        if not isinstance(error, LeftError):
            self._refuse(ticket, error)
        self._over([ticket])

    def _over(self, tickets: Sequence[Ticket]) -> None:
        """They take no room any more."""
        with self._changed:
            self._ahead.difference_update(tickets)
            self._hearing.difference_update(tickets)
            self._changed.notify_all()

    # Computing -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while group := self._next_group():
            measured: list[Ticket] = []
            try:
                measured = self._answer([one for one in group if not one.ticket.dropped])
            except Exception:
                # a defect outside of any single task: these get their sentence, the next ones their chance
                log.exception("a whole group of tasks failed")
                for one in group:
                    self._failed(one.ticket, BROKEN)
            self._over([one.ticket for one in group if one.ticket not in measured])

    def _next_group(self) -> list[HeardTicket]:
        """As many as are heard, once they are enough for the search to be shared, or no more are to be expected soon.
        Empty once closed."""
        with self._changed:
            while not self._closed:
                left_s = PATIENCE_S - (time.monotonic() - self._heard_since)
                if self._heard and (len(self._heard) >= LEAST_GROUP or not self._hearing or left_s <= 0):
                    group, self._heard = self._heard[:GROUP], self._heard[GROUP:]
                    return group
                self._changed.wait(left_s if self._heard else None)
        return []

    def _answer(self, group: Sequence[HeardTicket]) -> list[Ticket]:
        """Gives those whose answers wait for their loudness."""
        if not group:
            return []
        engine, to_adapt = self.engine.result(), []
        for one in group:
            if isinstance(one.ticket.given, wire.AnalyzeTask):
                self._guarded(one.ticket, self._describe, engine, one)
            elif one.ticket.given.request is None:
                self._guarded(one.ticket, self._match, engine, one)
            else:
                to_adapt.append((one.ticket, one.heard))
        measured = []
        for ticket, heard, result in adapt_all(engine, to_adapt, self._refuse):
            try:
                self._measuring.submit(self._measure, ticket, heard, result)
            except RuntimeError:  # closed: nobody waits any more
                continue
            measured.append(ticket)
        return measured

    def _measure(self, ticket: Ticket, heard: AnalyzedAudio, result: Result) -> None:
        from ..result.result import with_loudness
        from ..result.sketch import sketch_of

        given = ticket.given
        assert isinstance(given, wire.AdaptTask), "see `_answer`"

        def measure() -> None:
            drawn = result.variations[given.variation - 1] if 0 < given.variation <= len(result.variations) else result
            measured = with_loudness(replace(drawn, variations=()), heard)
            sketch = wire.Sketch(**sketch_of(measured, heard.analysis)) if given.sketch else None
            self._done(ticket, wire.AdaptAnswer(**measured.to_dict(), sketch=sketch), measured)

        if not ticket.dropped:
            self._guarded(ticket, measure)
        self._over([ticket])

    def _describe(self, engine: AdaptiveEQ, one: HeardTicket) -> None:
        ticket, profile = one.ticket, engine.profile_analysis(one.heard.analysis)
        ranked = sorted(profile, key=profile.__getitem__, reverse=True)
        scores = {word: rounded_score(profile[word]) for word in ranked}
        top = [(word, scores[word]) for word in ranked if engine.words[word].core][:TOP_WORDS]
        self._done(ticket, wire.AnalyzeAnswer(scores=scores, top=top, suggestion=engine.suggestion(profile)))

    def _match(self, engine: AdaptiveEQ, one: HeardTicket) -> None:
        from ..request import MatchRequest
        from ..result.result import with_loudness

        ticket, heard, given = one.ticket, one.heard, one.ticket.given
        assert isinstance(given, wire.AdaptTask) and given.references is not None, "see `_answer`"
        request = MatchRequest(intensity=given.intensity)
        names = [reference if isinstance(reference, str) else reference.name for reference in given.references]
        result = with_loudness(engine.match_analysis(heard.analysis, one.references, names, request), heard)
        self._done(ticket, wire.MatchAnswer(**result.to_dict()), result)

    # Answering -----------------------------------------------------------------------------------------------------

    def _guarded(self, ticket: Ticket, work: Callable[..., None], *arguments: object) -> None:
        """Whatever `work` raises becomes this task's sentence."""
        try:
            work(*arguments)
        except Exception as error:
            self._refuse(ticket, error)

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

    def _done(self, ticket: Ticket, answer: wire.Answer, result: Result | None = None) -> None:
        given, seconds = ticket.given, round(time.perf_counter() - ticket.started, 3)
        done = wire.TaskDone(
            n=ticket.n, id=given.id, name=given.name, ok=True, answer=answer, seconds=seconds, heard=given.heard
        )
        self.jobs.finish(ticket, done, result)


def adapt_all(
    engine: AdaptiveEQ,
    group: Sequence[tuple[Ticket, AnalyzedAudio]],
    refuse: Callable[[Ticket, Exception], None],
) -> list[tuple[Ticket, AnalyzedAudio, Result]]:
    """One batch through the engine. Where the batch as a whole fails, each task is tried on its own."""
    from ..methods.validation import AnalyzedRequest

    asked: list[tuple[Ticket, AnalyzedAudio, AnalyzedRequest]] = []
    for ticket, heard in group:
        given = ticket.given
        assert isinstance(given, wire.AdaptTask) and given.request is not None, "the others are not adapted"
        try:
            asked.append((ticket, heard, AnalyzedRequest(heard.analysis, given.eq_request())))
        except AeqError as error:
            refuse(ticket, error)
    answers: Sequence[Result | Exception]
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


def _alone(engine: AdaptiveEQ, wanted: AnalyzedRequest) -> Result | Exception:
    try:
        return engine.adapt_many([wanted])[0]
    except Exception as error:
        return error
