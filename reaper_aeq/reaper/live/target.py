"""What a run is about: one target for each track, saying what is heard for it and where its EQ stands.

Tracks that belong together, such as a stereo pair, share one EQ, computed from their sum. Which ones they are is kept
beside each track, as the action *Link tracks* keeps it.
"""

from __future__ import annotations

import fnmatch
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import instances
from .api import Api, LiveError
from .tracks import above, all_tracks, is_null, items_of, number_of, plays_midi, span_of, track_value


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
    instance: instances.Instance | None
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

    @property
    def leader(self) -> Target:
        """The one that is asked for it: the first of those that are linked with it, or itself."""
        return self.link[0] if self.link else self

    @property
    def members(self) -> list[Target]:
        """All that share its EQ, itself among them."""
        return self.link or [self]


def of_track(reaper: Api, track: str, family: str | None, items: Sequence[str] = ()) -> Target:
    """`items`: those that are heard rather than the track. `family`: "word" or "match", None: whichever is there."""
    # MIDI is silent without the track's instrument, so the track itself has to be heard
    has_midi = any(plays_midi(reaper, item) for item in items)
    bare = bool(items) and not has_midi
    number, instance = number_of(reaper, track), instances.find(reaper, track, family)
    how = "master" if number < 0 else "items" if bare else "stem"
    if how == "items" and instance and instance.index > 0:
        how = "stem"  # it stands behind other FX: what reaches it are no longer the bare items
    place = "first" if bare or number < 0 else "last"
    name = "Master" if number < 0 else reaper.text("GetTrackName", track)
    fx_off = not track_value(reaper, track, "I_FXEN")
    return Target(
        track=track, name=name, number=number, how=how, place=place, family=family, instance=instance,
        items=list(items), has_midi=has_midi, fx_off=fx_off,
    )  # fmt: skip


def selected(reaper: Api, family: str) -> list[Target]:
    """Of the selected items, if there are any, else of the selected tracks. Raises `LiveError` if nothing is."""
    by_track: dict[str, list[str]] = {}
    for n in range(reaper("CountSelectedMediaItems", reaper.project)):
        item = reaper("GetSelectedMediaItem", reaper.project, n)
        by_track.setdefault(reaper("GetMediaItemTrack", item), []).append(item)
    if not by_track:
        count = reaper("CountSelectedTracks2", reaper.project, True)  # the master counts
        by_track = {reaper("GetSelectedTrack2", reaper.project, n, True): [] for n in range(count)}
    if not by_track:
        raise LiveError("nothing is selected in REAPER: select items or tracks, or say --all or --track NAME")
    targets = [of_track(reaper, track, family, items) for track, items in by_track.items()]
    return sorted(targets, key=lambda target: target.number)


def named(reaper: Api, family: str, names: Sequence[str]) -> list[Target]:
    """The tracks that `names` mean: * and ? stand for anything, upper and lower case are the same; 'master' is the
    master. Raises `LiveError` for one that fits no track."""
    master, *tracks = all_tracks(reaper)
    known = {track: reaper.text("GetTrackName", track) for track in tracks}
    chosen: dict[str, None] = {}
    for wanted in names:
        fits = [track for track, name in known.items() if fnmatch.fnmatchcase(name.casefold(), wanted.casefold())]
        if not fits and wanted.casefold() == "master":
            fits = [master]
        if not fits:
            listed = ", ".join(repr(name) for name in known.values()) or "no track at all"
            raise LiveError(f"no track is called {wanted!r}: the project has {listed}")
        chosen |= dict.fromkeys(fits)
    return [of_track(reaper, track, family) for track in chosen]


def linked(reaper: Api, targets: Sequence[Target]) -> list[Target]:
    """Links these tracks with each other. Raises `LiveError` for fewer than two."""
    if len(targets) < 2 or any(one.is_master for one in targets):
        raise LiveError("--linked is for two or more tracks that belong together, and not for the master")
    for one in targets:
        if around := [other for other in targets if other.track in above(reaper, one.track)]:
            raise LiveError(f"--linked would hear {one.name!r} twice: it lies in the folder {around[0].name!r}")
    groups = {instances.kept_beside(reaper, one.track).group for one in targets}
    group = groups.pop() if len(groups) == 1 else None
    _link(list(targets), group or f"{{{str(uuid.uuid4()).upper()}}}")
    return list(targets)


def with_linked(reaper: Api, targets: Sequence[Target]) -> list[Target]:
    """The targets with those that they are linked to, in the order of the tracks."""
    found = {one.track: one for one in targets}
    links: dict[str, list[Target]] = {}
    kept = {one.track: instances.kept_beside(reaper, one.track).group for one in targets}
    if any(kept.values()):
        others = [track for track in all_tracks(reaper)[1:] if track not in kept]
        kept |= {track: instances.kept_beside(reaper, track).group for track in others}
    for one in targets:
        group = kept[one.track]
        if group is None or group in links:
            continue
        links[group] = []
        for track in (track for track, of in kept.items() if of == group):
            if track not in found and (member := _member(reaper, track, one)):
                found[track] = member
            if track in found:
                links[group].append(found[track])
        if len(links[group]) > 1:
            _link(links[group], group)
    return sorted(found.values(), key=lambda one: one.number)


def _link(members: list[Target], group: str) -> None:
    members.sort(key=lambda one: one.number)
    for one in members:
        one.link, one.group = members, group


def _member(reaper: Api, track: str, chosen: Target) -> Target | None:
    """A track that was not chosen: its items at the time of those that were, else the whole track."""
    if not chosen.items:
        return of_track(reaper, track, chosen.family)
    spans = [span_of(reaper, item) for item in chosen.items]
    items = []
    for item in items_of(reaper, track):
        start_s, end_s = span_of(reaper, item)
        meets = any(start_s < to_s and end_s > from_s for from_s, to_s in spans)
        if meets and not is_null(reaper("GetActiveTake", item)):
            items.append(item)
    return of_track(reaper, track, chosen.family, items) if items else None
