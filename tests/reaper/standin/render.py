"""Rendering through the RENDER_ keys (docs/reaper.md, section 7): which files, from when to when, with what in them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from .errors import StandInError
from .handles import Item, Track
from .items import item_value
from .mixer import Mix
from .project import Project
from .render_keys import number, string
from .systems import real
from .takes import GetTakeName
from .track_values import value

SUBTYPES = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24", 32: "FLOAT", 33: "PCM_32", 64: "DOUBLE"}
# RENDER_SETTINGS as measured: 3 is stems; 2 alone is a master mix in one REAPER and stems in another
MASTER_MIX, STEMS_AND_MASTER, TWO_ALONE, STEMS, MONO_FILES = 0, 1, 2, 3, 16
ITEMS, ITEMS_VIA_MASTER, TRACKS_VIA_MASTER, PRE_FADER = 32, 64, 128, 8192
SOURCES = (MASTER_MIX, STEMS_AND_MASTER, TWO_ALONE, STEMS, ITEMS, ITEMS_VIA_MASTER, TRACKS_VIA_MASTER)


@dataclass(frozen=True)
class Job:
    """One file: `thing` is a track, an item, or None for the master mix. `settings` and `channels` as they were."""

    path: Path
    thing: Track | Item | None
    start_s: float
    end_s: float
    settings: int
    channels: int


def targets(project: Project) -> list[Path]:
    return [job.path for job in _jobs(project)]


def begin(reaper, project: Project) -> tuple[list[Job], float, str]:
    """What is to be written, at which rate and sample format; raises where REAPER would ask, warn, or is not known."""
    _refuse_unknown(project)
    rate = number(project, "RENDER_SRATE") or project.root.number("SAMPLERATE", 0, 44_100.0)
    if int(number(project, "RENDER_BOUNDSFLAG")) == 1 and not project.items:
        return [], rate, ""  # an empty project: no file and no question
    jobs = _jobs(project)
    if not jobs:
        raise StandInError("render", '"Nothing to render!": nothing is selected, or the time range is empty')
    jobs = [_free(reaper, job) for job in jobs]
    reaper.rendered_jobs += jobs
    return jobs, rate, _subtype(project)


def _free(reaper, job: Job) -> Job:
    path, copies = job.path, 0
    while path.exists():
        if not reaper.preferences.increment_names:
            raise StandInError("render", f"REAPER would ask before it overwrites {job.path}")
        copies += 1
        path = job.path.with_name(f"{job.path.stem}-{copies:03d}{job.path.suffix}")
    return replace(job, path=path)


def render(reaper, project: Project) -> list[Path]:
    """Writes every file at once."""
    jobs, rate, subtype = begin(reaper, project)
    mixes: dict = {}
    for job in jobs:
        audio = audio_of(project, job, rate, mixes)
        job.path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(job.path, audio, int(rate), subtype=subtype, format="WAV")
    save_project_copy(reaper, jobs)
    return [job.path for job in jobs]


def save_project_copy(reaper, jobs: list[Job]) -> None:
    if reaper.preferences.save_project_copy:
        for job in jobs:
            Path(f"{job.path}.RPP").write_bytes(reaper.project.bytes())


def _refuse_unknown(project: Project) -> None:
    settings = int(number(project, "RENDER_SETTINGS"))
    known = SOURCES if project.reaper.disputed.pre_fader == "unknown" else (*SOURCES, STEMS | PRE_FADER)
    if settings & ~MONO_FILES not in known:
        # 8192 (pre-fader) and 16384 beside a source: nobody has measured what they do
        raise StandInError("not modeled", f"RENDER_SETTINGS {settings}")
    if int(number(project, "RENDER_ADDTOPROJ")) & 1:
        raise StandInError("render", "the render would be added to the user's project (RENDER_ADDTOPROJ)")
    if int(number(project, "RENDER_NORMALIZE")) & (1 | 64 | 512 | 1024 | 16384 | 32768 | 1 << 16 | 2 << 16):
        raise StandInError("render", "the user's normalizing, limiting, fades or trimming would change the audio")
    if string(project, "RENDER_FORMAT2"):
        raise StandInError("render", "a second format would be written as well (RENDER_FORMAT2)")


def _subtype(project: Project) -> str:
    text = string(project, "RENDER_FORMAT")
    if text == "evaw":
        return "PCM_24"
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise StandInError("render", f"RENDER_FORMAT is no base64: {text!r}") from None
    if data[:4] != b"evaw" or data[4:5] == b"" or data[4] not in SUBTYPES:
        raise StandInError("not modeled", f"RENDER_FORMAT {data!r}: only WAV is written here")
    return SUBTYPES[data[4]]


def _things(project: Project) -> list[Track | Item | None]:
    source = int(number(project, "RENDER_SETTINGS")) & ~MONO_FILES
    tracks = [track for track in project.tracks if track.selected]
    if source in (ITEMS, ITEMS_VIA_MASTER):
        return [item for item in project.items if item.selected]
    if source == TRACKS_VIA_MASTER:
        return list(tracks)
    if source == STEMS_AND_MASTER:
        return [*tracks, None]
    if source in (STEMS, STEMS | PRE_FADER) or (source == TWO_ALONE and project.reaper.disputed.source_2 == "stems"):
        return [*tracks, *([None] if project.master.selected else [])]
    return [None]


def _bounds(project: Project, thing: Track | Item | None) -> tuple[float, float]:
    flag = int(number(project, "RENDER_BOUNDSFLAG"))
    root, items = project.root, [item for item in project.items if item.selected]
    if flag == 4 and isinstance(thing, Item):
        items = [thing]
    if flag == 0:
        start, end, tail = number(project, "RENDER_STARTPOS"), number(project, "RENDER_ENDPOS"), 1
    elif flag == 1:
        ends = [item_value(i, "D_POSITION") + item_value(i, "D_LENGTH") for i in project.items]
        start, end, tail = 0.0, max(ends, default=0.0), 2
    elif flag == 2:
        start, end, tail = root.number("SELECTION", 0), root.number("SELECTION", 1), 4
    elif flag == 4:
        start = min((item_value(i, "D_POSITION") for i in items), default=0.0)
        end, tail = max((item_value(i, "D_POSITION") + item_value(i, "D_LENGTH") for i in items), default=0.0), 16
    else:
        raise StandInError("not modeled", f"RENDER_BOUNDSFLAG {flag}")
    tail_s = number(project, "RENDER_TAILMS") / 1000 if int(number(project, "RENDER_TAILFLAG")) & tail else 0.0
    return start, end + tail_s if end > start else end


def _jobs(project: Project) -> list[Job]:
    found = []
    for index, thing in enumerate(_things(project)):
        start, end = _bounds(project, thing)
        if end > start:
            found.append((thing, start, end, _path(project, thing, index)))
    names = [path for *_, path in found]
    settings, channels = int(number(project, "RENDER_SETTINGS")), int(number(project, "RENDER_CHANNELS"))
    jobs, copies = [], dict.fromkeys(names, 0)
    for thing, start, end, path in found:
        if names.count(path) > 1:  # several files of one name: REAPER numbers them
            copies[path] += 1
            path = path.with_name(f"{path.stem}-{copies[path]:03d}{path.suffix}")
        jobs.append(Job(path, thing, start, end, settings, channels))
    return jobs


def _path(project: Project, thing: Track | Item | None, index: int) -> Path:
    """RENDER_FILE is the folder and RENDER_PATTERN the name; without a pattern, RENDER_FILE is the whole name."""
    folder, pattern = string(project, "RENDER_FILE"), string(project, "RENDER_PATTERN")
    if not folder and not pattern:
        raise StandInError("render", "RENDER_FILE and RENDER_PATTERN are empty")
    if not pattern:
        folder, pattern = str(Path(folder).parent), Path(folder).name
    name = re.sub(r"\$([a-z]+)", lambda match: _wildcard(project, thing, index, match[1]), pattern)
    path = Path(real(project.reaper, folder) or project.folder()) / name
    if not path.is_absolute():
        path = project.folder() / path
    return path if path.suffix.lower() == ".wav" else path.with_name(path.name + ".wav")


def _wildcard(project: Project, thing: Track | Item | None, index: int, word: str) -> str:
    track = thing.track if isinstance(thing, Item) else thing
    name = {
        "project": lambda: project.path.stem if project.path else "untitled",
        "track": lambda: (track.name or f"Track {track.number}") if track else "Master",
        "tracknumber": lambda: _track_number(project, track),
        "item": lambda: GetTakeName(None, thing.active_take) if isinstance(thing, Item) and thing.active_take else "",
        "itemnumber": lambda: str(track.items.index(thing) + 1) if isinstance(thing, Item) else "",
    }.get(word)
    if name is None:
        raise StandInError("not modeled", f"the wildcard ${word}")
    return re.sub(r'[\\/:*?"<>|]', "_", name())


def _track_number(project: Project, track: Track | None) -> str:
    if not project.reaper.disputed.tracknumber:
        return "$tracknumber"
    return str(track.number) if track else "0"


def audio_of(project: Project, job: Job, rate: float, mixes: dict | None = None) -> np.ndarray:
    """(samples, channels) of a job, by what the project holds now; `mixes` are those of one moment."""
    settings, thing, disputed = job.settings, job.thing, project.reaper.disputed
    if isinstance(thing, Item) and settings & ITEMS:
        # through the track's FX, fader, pan and envelope; only what the master does is left out
        mix = Mix(project, job.start_s, job.end_s, rate, [thing], take_fx=disputed.items_hold_take_fx)
        audio = mix.track(thing.track)
    elif isinstance(thing, Item):
        audio = Mix(project, job.start_s, job.end_s, rate, [thing], thing.track).master()
    elif thing is None:
        audio = Mix(project, job.start_s, job.end_s, rate).master()
    elif settings & TRACKS_VIA_MASTER:
        audio = Mix(project, job.start_s, job.end_s, rate, solo=thing).master()
    elif thing.items and value(thing, "I_SOLO") and disputed.soloed_stems == "silent":
        audio = np.zeros((max(0, round((job.end_s - job.start_s) * rate)), 2))
    elif not thing.items and "mix" in (disputed.stems_without_items, settings & ~MONO_FILES == TWO_ALONE and "mix"):
        audio = Mix(project, job.start_s, job.end_s, rate).master()  # a track without items: the whole mix, unsaid
    else:
        mixes = {} if mixes is None else mixes
        if (job.start_s, job.end_s) not in mixes:
            mixes[job.start_s, job.end_s] = Mix(project, job.start_s, job.end_s, rate)
        audio = mixes[job.start_s, job.end_s].track(thing, bool(settings & PRE_FADER))
    return _to_channels(audio, job)


def _to_channels(audio: np.ndarray, job: Job) -> np.ndarray:
    mono_files = job.settings & MONO_FILES
    if job.channels == 1 or (mono_files and isinstance(job.thing, Track) and value(job.thing, "I_NCHAN") == 1):
        return audio.mean(axis=1, keepdims=True)
    if job.channels != 2:
        raise StandInError("not modeled", f"RENDER_CHANNELS {job.channels}")
    return audio
