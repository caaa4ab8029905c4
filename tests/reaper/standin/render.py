"""Rendering through the RENDER_ keys (facts sheet, section 4): which files, from when to when, with what in them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from .errors import StandInError
from .handles import Item, Track
from .item_audio import item_audio
from .items import item_value
from .mixer import Mix
from .project import Project
from .render_keys import number, string
from .systems import real
from .takes import GetTakeName
from .track_values import value

SUBTYPES = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24", 32: "FLOAT", 33: "PCM_32", 64: "DOUBLE"}
MASTER_MIX, STEMS_AND_MASTER, STEMS, MONO_FILES = 0, 1, 2, 16
ITEMS, ITEMS_VIA_MASTER, TRACKS_VIA_MASTER, PRE_FADER = 32, 64, 128, 8192
KNOWN = STEMS_AND_MASTER | STEMS | MONO_FILES | ITEMS | ITEMS_VIA_MASTER | TRACKS_VIA_MASTER | PRE_FADER


@dataclass(frozen=True)
class Job:
    """One file: `thing` is a track, an item, or None for the master mix."""

    path: Path
    thing: Track | Item | None
    start_s: float
    end_s: float


def targets(project: Project) -> list[Path]:
    return [job.path for job in _jobs(project)]


def render(project: Project) -> list[Path]:
    """Writes every file; raises where REAPER would ask, warn or do something that is not modelled."""
    _refuse_unknown(project)
    jobs = _jobs(project)
    if not jobs:
        raise StandInError("render", "there is nothing to render: nothing is selected, or the time range is empty")
    for job in jobs:
        if job.path.exists():
            raise StandInError("render", f"REAPER would ask before it overwrites {job.path}")
    rate = number(project, "RENDER_SRATE") or project.root.number("SAMPLERATE", 0, 44_100.0)
    for job in jobs:
        audio = _audio(project, job, rate)
        job.path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(job.path, audio, int(rate), subtype=_subtype(project), format="WAV")
    return [job.path for job in jobs]


def _refuse_unknown(project: Project) -> None:
    settings = int(number(project, "RENDER_SETTINGS"))
    if settings & ~KNOWN:
        raise StandInError("not modelled", f"RENDER_SETTINGS {settings}: bits {settings & ~KNOWN:#x}")
    if int(number(project, "RENDER_ADDTOPROJ")) & 1:
        raise StandInError("render", "the render would be added to the user's project (RENDER_ADDTOPROJ)")
    if int(number(project, "RENDER_NORMALIZE")) & (1 | 64 | 512 | 1024 | 16384 | 32768 | 1 << 16 | 2 << 16):
        raise StandInError("render", "the user's normalising, limiting, fades or trimming would change the audio")
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
        raise StandInError("not modelled", f"RENDER_FORMAT {data!r}: only WAV is written here")
    return SUBTYPES[data[4]]


def _things(project: Project) -> list[Track | Item | None]:
    settings = int(number(project, "RENDER_SETTINGS"))
    tracks = [track for track in project.tracks if track.selected]
    if settings & (ITEMS | ITEMS_VIA_MASTER):
        return [item for item in project.items if item.selected]
    if settings & TRACKS_VIA_MASTER:
        return list(tracks)
    if settings & (STEMS | STEMS_AND_MASTER):
        with_master = settings & STEMS_AND_MASTER or project.master.selected
        return [*tracks, *([None] if with_master else [])]
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
        raise StandInError("not modelled", f"RENDER_BOUNDSFLAG {flag}")
    tail_s = number(project, "RENDER_TAILMS") / 1000 if int(number(project, "RENDER_TAILFLAG")) & tail else 0.0
    return start, end + tail_s if end > start else end


def _jobs(project: Project) -> list[Job]:
    jobs, taken = [], set()
    for index, thing in enumerate(_things(project)):
        start, end = _bounds(project, thing)
        if end <= start:
            continue
        path = _path(project, thing, index)
        bare, copies = path, 0
        while path in taken:  # several files of one name: REAPER numbers them
            copies += 1
            path = bare.with_name(f"{bare.stem}-{copies:03d}{bare.suffix}")
        taken.add(path)
        jobs.append(Job(path, thing, start, end))
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
        "tracknumber": lambda: str(track.number) if track else "0",
        "item": lambda: GetTakeName(None, thing.active_take) if isinstance(thing, Item) and thing.active_take else "",
        "itemnumber": lambda: str(track.items.index(thing) + 1) if isinstance(thing, Item) else "",
    }.get(word)
    if name is None:
        raise StandInError("not modelled", f"the wildcard ${word}")
    return re.sub(r'[\\/:*?"<>|]', "_", name())


def _audio(project: Project, job: Job, rate: float) -> np.ndarray:
    settings, thing = int(number(project, "RENDER_SETTINGS")), job.thing
    if isinstance(thing, Item) and settings & ITEMS:
        whole = item_audio(thing, rate)  # its own sound: take FX and fades, but not the track's
        first = round((job.start_s - item_value(thing, "D_POSITION")) * rate)
        count = round((job.end_s - job.start_s) * rate)
        padded = np.vstack((np.zeros((max(0, -first), 2)), whole[max(0, first) :], np.zeros((count, 2))))
        audio = padded[:count]
    elif isinstance(thing, Item):
        audio = Mix(project, job.start_s, job.end_s, rate, [thing], thing.track).master()
    elif thing is None:
        audio = Mix(project, job.start_s, job.end_s, rate).master()
    elif settings & TRACKS_VIA_MASTER:
        audio = Mix(project, job.start_s, job.end_s, rate, solo=thing).master()
    else:
        audio = Mix(project, job.start_s, job.end_s, rate).track(thing, bool(settings & PRE_FADER))
    return _to_channels(audio, project, thing)


def _to_channels(audio: np.ndarray, project: Project, thing: Track | Item | None) -> np.ndarray:
    channels = int(number(project, "RENDER_CHANNELS"))
    mono_files = int(number(project, "RENDER_SETTINGS")) & MONO_FILES
    if channels == 1 or (mono_files and isinstance(thing, Track) and value(thing, "I_NCHAN") == 1):
        return audio.mean(axis=1, keepdims=True)
    if channels != 2:
        raise StandInError("not modelled", f"RENDER_CHANNELS {channels}")
    return audio
