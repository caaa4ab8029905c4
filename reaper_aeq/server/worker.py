"""What answers tasks: files are read beside each other (`lanes`), the models see many sounds at once.

A task passes three stations: heard (in a lane), computed (in one thread, one call of the engine for all that is heard
by then), its loudness measured. While one group is computed the next is heard already. A part of the short sounds of a
large press may go to a second process instead (`second_process`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from ..util.heap import give_back
from ..util.scores import rounded_score
from . import wire
from .adapting import adapt_all, answered, listen
from .jobs import JobRecord, Jobs, Ticket
from .lanes import SHORT_LANES, WAIT_S, Lanes, LeftError, LongError, References
from .second_process import AT_ONCE, SecondAnswer, SecondProcess, fits, refused

if TYPE_CHECKING:
    from ..dsp.analyze_file import AnalyzedAudio
    from ..dsp.spectrum import Analysis
    from ..engine import AdaptiveEQ
    from ..project.media import Library
    from ..result.result import Result

GROUP, LEAST_GROUP = 8, 4  # sounds that are computed together
AHEAD = 2 * GROUP  # heard or being heard at a time, a megabyte each; what is long does not count
SHARED_AHEAD = GROUP  # the same where a second process takes its part: what it could have is not hoarded
SLOW_S = 0.5  # a sound that is read for so long leaves its lane's turn to another
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

    def __init__(self, jobs: Jobs, engine: Future[AdaptiveEQ], second: SecondProcess | None = None):
        """`second`: what takes a part of large presses, once it is there."""
        self.jobs, self.engine, self.second = jobs, engine, second
        self._for_second: list[Ticket] = []
        self._at_second: list[Ticket] = []
        self._references = References()
        self._lanes = Lanes(self._hear, self._not_heard)
        self._measuring = ThreadPoolExecutor(2, thread_name_prefix="measure")
        self._changed = threading.Condition()
        self._ahead: set[Ticket] = set()  # taken and not answered, those in the long lane left out
        self._hearing: set[Ticket] = set()  # in a short lane
        self._reading: dict[Ticket, float] = {}  # of those: what lanes are at work on, since when (s)
        self._computing = False
        self._heard: list[HeardTicket] = []
        self._heard_since = 0.0
        self._libraries: dict[JobRecord, Library] = {}  # what is known of the media of each job that is not over
        self._passed = 0  # tasks since memory was given back
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()
        threading.Thread(target=self._take, name="take", daemon=True).start()

    def close(self, patience_s: float = 3.0) -> bool:
        """Lets it end after the tasks that are under way; False if they take longer than `patience_s`."""
        self.jobs.close()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._lanes.close()
        if self.second:
            self.second.close()
        self._measuring.shutdown(wait=False, cancel_futures=True)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    # Hearing -------------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        while ticket := self.jobs.take():
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._second_may(ticket) or self._has_room())
                if self._second_may(ticket):
                    self._for_second.append(ticket)
                else:
                    self._to_lanes(ticket)
            self._send()

    def _has_room(self) -> bool:
        shared = self.second and self.second.ready
        return len(self._ahead) < (SHARED_AHEAD if shared else AHEAD)

    def _to_lanes(self, ticket: Ticket) -> None:
        with self._changed:
            self._ahead.add(ticket)
            self._hearing.add(ticket)
            self._lanes.add(ticket)

    # The second process --------------------------------------------------------------------------------------------

    def _second_may(self, ticket: Ticket) -> bool:
        """Whether the second process takes this one: the first few of a press are answered sooner here."""
        if not (self.second and self.second.ready) or len(self._ahead) < LEAST_GROUP:
            return False
        return len(self._for_second) + len(self._at_second) < 2 * AT_ONCE and fits(ticket.given)

    def _send(self) -> None:
        """Gives the second process its next tasks, if it has none."""
        with self._changed:
            if not self.second or self._at_second or not self._for_second:
                return
            if len(self._for_second) < AT_ONCE and self.jobs.waiting and self._has_room():
                return  # more of them come in a moment
            kept = [ticket for ticket in self._for_second if not ticket.dropped]
            tickets = self._at_second = kept[:AT_ONCE]
            self._for_second = kept[AT_ONCE:]
        for ticket in tickets:
            ticket.started = time.perf_counter()
        if tickets:
            self.second.submit([_adapt_task(ticket) for ticket in tickets], lambda told: self._told(tickets, told))

    def _told(self, tickets: Sequence[Ticket], told: Sequence[SecondAnswer | None] | None) -> None:
        """Of the second process: what became of its tasks. Those that it could not do are done here."""
        for ticket, answer in zip(tickets, told or [None] * len(tickets), strict=True):
            if answer is None:
                self._to_lanes(ticket)
            elif answer.answer is None:
                self._tell(ticket, answer)
            else:
                if answer.warning:
                    log.info("task %r: %s", ticket.given.name, answer.warning)
                self._done(ticket, answer.answer, answer.result)
        with self._changed:
            self._at_second = []
            while told is None and self._for_second:
                self._to_lanes(self._for_second.pop(0))
            self._changed.notify_all()
        self._send()

    def _hear(self, ticket: Ticket, between_blocks: Callable[[], None]) -> None:
        self.engine.result()  # its error is this task's too; and two threads must not import torch at once
        ticket.started = ticket.started or time.perf_counter()
        if ticket in self._hearing:
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
                self._reading.pop(ticket, None)
                self._hearing.discard(ticket)
                self._changed.notify_all()
        give_back()  # what lay between the pieces that are kept, some 10 MB a lane; takes a millisecond
        if heard.warning:
            log.info("task %r: %s", ticket.given.name, heard.warning)
        with self._changed:
            self._heard_since = self._heard_since if self._heard else time.monotonic()
            self._heard.append(HeardTicket(ticket, heard, references))
            self._changed.notify_all()

    def _begin_reading(self, ticket: Ticket) -> None:
        """Waits for its turn: of a large press one lane fewer reads than there could, because the models compute
        beside it, and more threads than processors take memory and turns from each other. What takes long to read
        counts for nothing, so it holds up nobody."""

        def may() -> bool:
            now = time.monotonic()
            quick = sum(now - since < SLOW_S for since in self._reading.values())
            most = SHORT_LANES - (self._computing or len(self._ahead) > LEAST_GROUP)
            return quick < most or self._closed or ticket.dropped

        with self._changed:
            while not self._changed.wait_for(may, WAIT_S):
                pass
            self._reading[ticket] = time.monotonic()

    def _listen(self, ticket: Ticket, between_blocks: Callable[[], None]) -> AnalyzedAudio:
        from ..project.media import Library

        with self._changed:
            library = self._libraries.setdefault(ticket.job, Library())
        return listen(ticket.given, library, between_blocks)

    def _not_heard(self, ticket: Ticket, error: Exception) -> None:
        if not isinstance(error, LeftError):
            self._refuse(ticket, error)
        self._over([ticket])

    def _over(self, tickets: Sequence[Ticket]) -> None:
        """They take no room any more."""
        with self._changed:
            self._ahead.difference_update(tickets)
            self._hearing.difference_update(tickets)
            self._libraries = {job: library for job, library in self._libraries.items() if not job.over}
            self._passed += len(tickets)
            tidy = not self._ahead and self._passed >= GROUP
            if tidy:
                self._passed = 0
            self._changed.notify_all()
        if tidy:
            give_back()
        self._send()  # whoever was to come in a moment may have been cancelled

    # Computing -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while group := self._next_group():
            measured: list[Ticket] = []
            try:
                measured = self._answer([one for one in group if not one.ticket.dropped])
            except Exception as error:
                # a defect outside of any single task: these get their sentence, the next ones their chance
                for one in group:
                    self._refuse(one.ticket, error)
            tickets = [one.ticket for one in group if one.ticket not in measured]
            del group  # its sounds need not wait in memory for the next press
            self._over(tickets)

    def _next_group(self) -> list[HeardTicket]:
        """As many as are heard, once they are enough for the search to be shared, or no more are to be expected soon.
        Empty once closed."""
        with self._changed:
            self._computing = False
            self._changed.notify_all()
            while not self._closed:
                left_s = PATIENCE_S - (time.monotonic() - self._heard_since)
                if self._heard and (len(self._heard) >= LEAST_GROUP or not self._hearing or left_s <= 0):
                    group, self._heard = self._heard[:GROUP], self._heard[GROUP:]
                    self._computing = True
                    return group
                self._changed.wait(left_s if self._heard else None)
        return []

    def _answer(self, group: Sequence[HeardTicket]) -> list[Ticket]:
        """Gives those whose answers wait for their loudness."""
        if not group:
            return []
        engine, to_adapt = self.engine.result(), []
        for one in group:
            given = one.ticket.given
            if isinstance(given, wire.AdaptTask) and given.request is not None:
                to_adapt.append((one.ticket, given, one.heard))
            else:
                self._guarded(one.ticket, self._match if one.references else self._describe, engine, one)
        measured = []
        for ticket, heard, result in adapt_all(engine, to_adapt, self._refuse):
            try:
                self._measuring.submit(self._measure, ticket, heard, result)
            except RuntimeError:  # closed: nobody waits any more
                continue
            measured.append(ticket)
        return measured

    def _measure(self, ticket: Ticket, heard: AnalyzedAudio, result: Result) -> None:
        if not ticket.dropped:
            self._guarded(ticket, lambda: self._done(ticket, *answered(_adapt_task(ticket), heard, result)))
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
        assert isinstance(given, wire.AdaptTask), "see `_answer`"
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
        self._tell(ticket, refused(error))

    def _tell(self, ticket: Ticket, told: SecondAnswer) -> None:
        """A defect has a trace, and people are not told of it."""
        given, sentence = ticket.given, told.refused or BROKEN
        if told.trace is None:
            log.info("task %r: %s", given.name, sentence)
        else:
            log.error("task %r of %s failed\n%s", given.name, given.path or "items", told.trace)
            sentence = BROKEN
        self.jobs.finish(ticket, wire.TaskFailed(
            n=ticket.n, id=given.id, name=given.name, ok=False, error=sentence, unreadable=told.unreadable,
        ))  # fmt: skip

    def _done(self, ticket: Ticket, answer: wire.Answer, result: Result | None = None) -> None:
        given, seconds = ticket.given, round(time.perf_counter() - ticket.started, 3)
        done = wire.TaskDone(
            n=ticket.n, id=given.id, name=given.name, ok=True, answer=answer, seconds=seconds, heard=given.heard
        )
        self.jobs.finish(ticket, done, result)


def _adapt_task(ticket: Ticket) -> wire.AdaptTask:
    assert isinstance(ticket.given, wire.AdaptTask), "the others are not adapted"
    return ticket.given
