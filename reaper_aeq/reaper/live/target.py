"""What a run is about: one target for each track, saying what is heard for it and where its EQ stands."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import reaeq
from .api import TEXT_BYTES, Api, LiveError


@dataclass
class Target:
    """`how` it is heard: "items", those chosen ones alone, before the track's FX, and a new EQ goes first in the chain;
    "stem", the track with everything in front of the EQ's place, and a new one goes last; "master", the mix before the
    master's FX, and a new one goes first, so that a limiter stays last. `number` is REAPER's, -1 for the master.
    """

    track: str
    name: str
    number: int
    how: str
    place: str
    family: str | None
    instance: reaeq.Instance | None
    items: list[str] = field(default_factory=list)
    has_midi: bool = False
    fx_off: bool = False  # all FX of the track are switched off as a whole
    heard_in: str = ""  # "files" or "render", once it was listened to
    why_rendered: str = ""  # the end of a sentence, where files would not do
    # all tracks that share one EQ with it, itself among them, in their order; and what their group is called
    link: list[Target] = field(default_factory=list, repr=False, compare=False)
    group: str | None = None
    overridden: list[str] = field(default_factory=list)  # parameters of the written EQ that follow an envelope
    steady: str = ""  # why it does not follow the song though it was to, once it was written
    kept: str = ""  # what somebody changed by hand and was kept beside the written EQ

    @property
    def is_master(self) -> bool:
        """By its number."""
        return self.number < 0


def front_project(reaper: Api) -> str:
    """The tab in front: [project, index, file, size]."""
    return reaper("EnumProjects", -1, "", TEXT_BYTES)[0]


def track_name(reaper: Api, track: str) -> str:
    """[ok, track, name, size]; REAPER calls a track without one 'Track 3'."""
    return reaper("GetTrackName", track, "", TEXT_BYTES)[2]


def number_of(reaper: Api, track: str) -> int:
    """REAPER's own: 1 for the first track, -1 for the master."""
    return round(reaper("GetMediaTrackInfo_Value", track, "IP_TRACKNUMBER"))


def items_of(reaper: Api, track: str) -> list[str]:
    """The items of a track, in their order."""
    return [reaper("GetTrackMediaItem", track, n) for n in range(reaper("GetTrackNumMediaItems", track))]


def is_null(pointer: str) -> bool:
    """Python gets a null pointer where Lua gets nil."""
    return pointer.endswith("0x0000000000000000")


def of_track(reaper: Api, track: str, family: str | None, items: Sequence[str] = (), bare: bool = False) -> Target:
    """`bare`: the items are heard rather than the track. `family`: "word" or "match", None: whichever is there."""
    number, instance = number_of(reaper, track), reaeq.find(reaper, track, family)
    how = "master" if number < 0 else "items" if bare else "stem"
    if how == "items" and instance and instance.index > 0:
        how = "stem"  # it stands behind other FX: what reaches it are no longer the bare items
    place = "first" if bare or number < 0 else "last"
    name = "Master" if number < 0 else track_name(reaper, track)
    fx_off = not reaper("GetMediaTrackInfo_Value", track, "I_FXEN")
    return Target(track, name, number, how, place, family, instance, list(items), fx_off=fx_off)


def selected(reaper: Api, project: str, family: str) -> list[Target]:
    """Of the selected items, if there are any, else of the selected tracks. Raises `LiveError` if nothing is."""
    by_track: dict[str, list[str]] = {}
    for n in range(reaper("CountSelectedMediaItems", project)):
        item = reaper("GetSelectedMediaItem", project, n)
        by_track.setdefault(reaper("GetMediaItemTrack", item), []).append(item)
    targets = []
    for track, items in by_track.items():
        # MIDI is silent without the track's instrument, so the track itself has to be heard
        midi = any(plays_midi(reaper, item) for item in items)
        targets.append(of_track(reaper, track, family, items, bare=not midi))
        targets[-1].has_midi = midi
    if not targets:
        count = reaper("CountSelectedTracks2", project, True)  # the master counts
        tracks = [reaper("GetSelectedTrack2", project, n, True) for n in range(count)]
        targets = [of_track(reaper, track, family) for track in tracks]
    if not targets:
        raise LiveError("nothing is selected in REAPER: select items or tracks, or say --all or --track NAME")
    return sorted(targets, key=lambda target: target.number)


def named(reaper: Api, project: str, family: str, names: Sequence[str]) -> list[Target]:
    """The tracks that `names` mean: * and ? stand for anything, upper and lower case are the same; 'master' is the
    master. Raises `LiveError` for one that fits no track."""
    tracks = [reaper("GetTrack", project, n) for n in range(reaper("CountTracks", project))]
    known = {track: track_name(reaper, track) for track in tracks}
    chosen: dict[str, None] = {}
    for wanted in names:
        fits = [track for track, name in known.items() if fnmatch.fnmatchcase(name.casefold(), wanted.casefold())]
        if not fits and wanted.casefold() == "master":
            fits = [reaper("GetMasterTrack", project)]
        if not fits:
            listed = ", ".join(repr(name) for name in known.values()) or "no track at all"
            raise LiveError(f"no track is called {wanted!r}: the project has {listed}")
        chosen |= dict.fromkeys(fits)
    return [of_track(reaper, track, family) for track in chosen]


def plays_midi(reaper: Api, item: str) -> bool:
    """Whether an item's active take holds notes."""
    take = reaper("GetActiveTake", item)
    return not is_null(take) and bool(reaper("TakeIsMIDI", take))


def source_of(reaper: Api, take: str) -> str:
    """The file that a take plays, or null; sections and reversed takes wrap it."""
    source = reaper("GetMediaItemTake_Source", take)
    while not is_null(source) and not is_null(inner := reaper("GetMediaSourceParent", source)):
        source = inner
    return source
