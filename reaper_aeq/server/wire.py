"""Every message between a client (the actions in REAPER, the dashboard) and the local backend, described once.

Pydantic only, no torch. Samples of all of them lie in `tests/wire/*.json`; the Lua client's tests read the same files.
Lengths and counts are bounded here, so that nothing later has to ask how large a message may be.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ..eq import LIMITS, Band, BandKind, Eq
from ..model.kinds import KINDS
from ..project.description import DescribedSound, Place, ReferenceInfo
from ..request import DEFAULT_PROFILE, DRAWS, MOST_NAME, EqRequest, parse_word
from ..util.message import AudioPath, Message

MAX_TASKS = 1000
MAX_JOBS_SHOWN = 50
MAX_WAIT_S = 30.0
MAX_SECTIONS_ASKED = 4000
MAX_BODY_BYTES = 8_000_000  # some 30,000 items


def _limited(name: str) -> Any:
    return Field(ge=LIMITS[name].low, le=LIMITS[name].high, allow_inf_nan=False, strict=True)


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Intensity = Annotated[float, _limited("intensity")]
Id = Annotated[str, Field(min_length=1, max_length=200, description="The client's own name for it, a track's GUID")]
Name = Annotated[str, Field(max_length=500, description="Shown to people")]
Kind = Annotated[str, Field(pattern=f"^({'|'.join(KINDS)})$")]
Phrase = Annotated[str, Field(min_length=1, max_length=500)]
Profile = Annotated[str, Field(min_length=1, max_length=MOST_NAME)]


class Health(Message):
    """`GET /v1/health`. `device` is empty and `ready` false until the model is loaded."""

    name: Literal["reaper-aeq"]
    version: str
    device: str
    pid: int
    uptime_s: Seconds
    ready: bool


class WordInfo(Message):
    """A word and how well it is known; `cross` is null where only one data set has it, `charted` where people or charts
    do not. `kinds`: of sounds, for which it means something of its own."""

    name: str
    language: str
    confidence: Share
    settings: int
    people: int
    agreement: float
    cross: float | None
    sources: list[str]
    charts: int
    charted: float | None
    weak: bool
    kinds: list[str]


class Words(Message):
    """`GET /v1/words`"""

    words: list[WordInfo]
    aliases: dict[str, str]


class WordCurve(Message):
    """What a word does to a sound of a kind: level-free dB at `WordCurves.freqs_hz`, and its standard deviation."""

    kind: str = Field(description="'' for all kinds that are not named")
    mean_db: list[float]
    spread_db: list[float]


class WordCurves(Message):
    """`GET /v1/words/curves`"""

    freqs_hz: list[float]
    words: dict[str, list[WordCurve]]


class SoundTask(Message):
    """One sound: a file, or the items that it is made of."""

    id: Id
    name: Name = ""
    path: AudioPath | None = None
    sound: DescribedSound | None = None
    rendered_because: Name = Field(default="", description="Why `path` was rendered, as the end of a sentence")

    @model_validator(mode="after")
    def _is_one_sound(self) -> SoundTask:
        if (self.path is None) == (self.sound is None):
            raise ValueError("give either the 'path' of a file or a 'sound'")
        return self

    @property
    def heard(self) -> str:
        """For people; empty where nothing is to be said."""
        if self.sound:
            return "heard from its files"
        return f"rendered, because {self.rendered_because}" if self.rendered_because else ""


class AdaptTask(SoundTask):
    """One sound and what is wanted of it: a word or blend, or references to be matched."""

    request: Phrase | dict[Phrase, Intensity] | None = Field(
        default=None, description="'warm', 'warm 0.7, airy 0.3', {'warm': 0.7}, or null to match `references`"
    )
    intensity: Intensity = 1.0
    adaptation: Annotated[float, _limited("adaptation")] | None = None
    method: Annotated[str, Field(max_length=40)] = "adaptive"
    kind: Kind | None = Field(default=None, description="What the sound is; else it is judged from it and from `name`")
    profile: Profile | None = Field(
        default=DEFAULT_PROFILE, description="Whose own meaning of the words counts; null: everybody's"
    )
    references: list[AudioPath | ReferenceInfo] = Field(default=[], max_length=16)
    sections: bool = Field(
        default=False, description="Whether the EQ may follow the song: the same bands, moving gains"
    )
    edges_s: Annotated[list[Place], Field(max_length=MAX_SECTIONS_ASKED)] | None = Field(
        default=None, description="Where sections begin, in the sound's own time; null: where its balance changes"
    )
    variation: Annotated[
        int, Field(ge=0, le=8, description="0: the answer; n: the n-th other one people might give")
    ] = 0
    sketch: bool = Field(default=False, description="Whether the answer brings its picture and how far it may go")

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> AdaptTask:
        if self.request is None and not self.references:
            raise ValueError("give a word in 'request', or 'references' to match")
        if self.request is not None and self.references:
            raise ValueError("give either a word in 'request' or 'references' to match, not both")
        return self

    def eq_request(self) -> EqRequest:
        """Where a word is asked for. Raises `AeqError` for a blend that cannot be read."""
        assert self.request is not None
        word = parse_word(self.request) if isinstance(self.request, str) else dict(self.request)
        method = DRAWS if self.variation else self.method
        return EqRequest(
            word, self.intensity, self.adaptation, method, variations=self.variation, kind=self.kind, name=self.name,
            profile=self.profile, sections=self.sections,
        )  # fmt: skip


class JobRequest(Message):
    """Body of `POST /v1/jobs`"""

    label: Name = ""
    tasks: Annotated[list[AdaptTask], Field(min_length=1, max_length=MAX_TASKS)]


class AnalyzeTask(SoundTask):
    """One sound to be described."""


class AnalyzeRequest(Message):
    """Body of `POST /v1/analyze`"""

    tasks: Annotated[list[AnalyzeTask], Field(min_length=1, max_length=MAX_TASKS)]


class BandInfo(Message):
    """One ReaEQ band, in ReaEQ's units."""

    kind: BandKind
    freq_hz: float
    gain_db: float
    bandwidth_oct: float
    enabled: bool


class ScoreChange(Message):
    """A word's score, or how alike two balances are, before the EQ and after it."""

    before: Share
    after: Share


class HeardAsInfo(Message):
    """What a sound was taken for: `kind` is one of ours, 'melodic' or 'unsure'; `kinds` holds all that are likely."""

    kind: str
    probability: Share
    by: str
    kinds: dict[str, Share]


class SectionInfo(Message):
    """A section of a song, in seconds as they were asked in: the gains of the answer's bands, in their order."""

    start_s: float
    stop_s: float
    score: ScoreChange
    gains_db: list[float]
    output_gain_db: float


class HeardSound(Message):
    """What learning from an edit of an answer needs of its sound: the client keeps it and gives it back as it is."""

    sample_rate: Annotated[int, Field(ge=1000, le=1_000_000)]
    kind: Kind | None = Field(default=None, description="null where it is not sure")
    ltas: Annotated[str, Field(max_length=1000, description="Whole tenths of a dB on `dsp.spectrum.GRID_HZ`")]


class Sketch(Message):
    """What a panel draws, and how far an EQ may be turned up without asking again (result/sketch.py).

    Curves are text, whole tenths of a dB in turn on `dsp.spectrum.GRID_HZ`, '-' where nothing is heard: `source`, and
    from `low` to `high` what is usual for the word. `most`: so many times its gains are safe for this sound. `gains`:
    times and output gain in dB, in turn.
    """

    sample_rate: int
    source: str
    low: str
    high: str
    most: float
    gains: str


class EqAnswer(Message):
    """What every EQ comes with, in the names of `reaper-aeq adapt --json`."""

    word: str | None
    intensity: float
    method: str
    score: ScoreChange
    confidence: Share
    explanation: str
    output_gain_db: float
    bands: list[BandInfo]


class AdaptAnswer(EqAnswer):
    """What `reaper-aeq adapt --json` prints after what it says of the file.

    `understood`: for words of one's own, the blend of known words they were taken for; absent for a known word.
    `heard_as`: absent where there is no sound. `sections`: where the EQ follows the song; absent for a steady one.
    `heard`: what `--json` does not print, for `LearnTask`. `sketch`: only where it was asked for.
    """

    word: str
    understood: dict[str, float] | None = None
    heard_as: HeardAsInfo | None = None
    sections: list[SectionInfo] | None = None
    heard: HeardSound | None = None
    sketch: Sketch | None = None

    @model_serializer(mode="wrap")
    # a return type would hide the keys from the schema
    def _as_printed(self, plain: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # as said above
        always = {key for key, field in AdaptAnswer.model_fields.items() if field.is_required()}
        return {key: value for key, value in plain(self).items() if value is not None or key in always}


class DistanceChange(Message):
    """RMS between two balances in dB, before the EQ and after it."""

    before: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    after: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MatchAnswer(EqAnswer):
    """What `reaper-aeq match --json` prints after what it says of the file: an adapt object without a word.

    `score`: how alike the balances are; `distance_db`: RMS between them; `by`: how the reference was followed.
    """

    word: None
    references: list[str]
    by: str
    distance_db: DistanceChange


class AnalyzeAnswer(Message):
    """`top` holds words for sounds only, those the sound has most of first; `scores` all words."""

    scores: dict[str, Share]
    top: list[tuple[str, Share]]
    suggestion: str


Answer = AdaptAnswer | MatchAnswer | AnalyzeAnswer


class TaskResult(Message):
    """What became of a task."""

    n: int = Field(description="The task's place in the request, from 0")
    id: str
    name: str


class TaskDone(TaskResult):
    """`seconds`: from its start to its answer. `heard`: whether from its files or rendered, and then why."""

    ok: Literal[True]
    answer: Answer
    seconds: Seconds
    heard: str = ""


class TaskFailed(TaskResult):
    """`error`: one sentence in the user's words. `unreadable`: a file of a described sound; rendering it may help."""

    ok: Literal[False]
    error: str
    unreadable: bool = False


class JobInfo(Message):
    """`results` holds what is finished, in the order of the tasks; `total` counts all of them."""

    id: str
    label: str
    state: Literal["queued", "running", "done", "cancelled"]
    progress: Share
    created: str
    total: int
    results: list[Annotated[TaskDone | TaskFailed, Field(discriminator="ok")]]


class JobList(Message):
    """`GET /v1/jobs`, newest first"""

    jobs: Annotated[list[JobInfo], Field(max_length=MAX_JOBS_SHOWN)]


class BandsInfo(Message):
    """What an instance holds."""

    bands: Annotated[list[BandInfo], Field(max_length=64)]

    def eq(self) -> Eq:
        """Raises `AeqError` for numbers that no band has."""
        return Eq(tuple(Band(**band.model_dump()) for band in self.bands))


class LearnTask(Message):
    """What somebody made by hand of an answer: of one word, for one sound."""

    word: Phrase
    intensity: Intensity
    heard: HeardSound
    computed: BandsInfo
    made: BandsInfo


class LearnRequest(Message):
    """Body of `POST /v1/profile/learn`"""

    profile: Profile = DEFAULT_PROFILE
    edits: Annotated[list[LearnTask], Field(min_length=1, max_length=MAX_TASKS)]


class LearnedWord(Message):
    """`settings`: of the word that were learned so far; `share`: of the edit that the word's next answer to this sound
    has by itself."""

    word: str
    settings: int
    share: Share


class Learned(Message):
    """What became of each edit, in their order. `store`: the file on this machine that holds it."""

    learned: list[LearnedWord]
    store: str


class DashboardAddress(Message):
    """`POST /v1/dashboard`: an address for a browser, that works once and for so many seconds."""

    url: str
    seconds: Seconds


class Stopping(Message):
    """`POST /v1/shutdown`"""

    stopping: Literal[True]


Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", description="One life of one backend")]


class MailboxInfo(Message):
    """`POST /v1/mailboxes`: a folder in which requests and answers lie as files (server/letters.py), and its answer"""

    folder: Annotated[str, Field(min_length=1, max_length=4096, description="Absolute path; made if it is not there")]


class Heartbeat(Message):
    """The file `backend.json` of a mailbox. `beat` counts on while the backend lives, about every `every_s` seconds."""

    name: Literal["reaper-aeq"]
    protocol: Literal[1]
    version: str
    pid: int
    nonce: Nonce
    beat: Annotated[int, Field(ge=0)]
    time: Annotated[int, Field(ge=0, description="Seconds since 1970")]
    every_s: Seconds
    ready: bool
    device: str


class Letter(Message):
    """`ID.request`: what HTTP would carry, for the backend `to`. A job is answered once it is over."""

    to: Nonce
    method: Literal["GET", "POST"]
    path: Annotated[str, Field(pattern=r"^/v1/[a-z0-9/]*$", max_length=200)]
    body: dict[str, Any] | None = None


class LetterProgress(Message):
    """`ID.progress`: from the moment the request was taken until its answer is there."""

    sender: Nonce
    progress: Share
    done: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]


class LetterAnswer(Message):
    """`ID.answer`: the status and body that HTTP would have brought."""

    sender: Nonce
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    status: Annotated[int, Field(ge=100, le=599)]
    body: dict[str, Any]


class Failure(Message):
    """The body of every answer that is not a success."""

    error: str
