"""Hearing what is open in REAPER in its media files, where all of the sound is in them: nothing is rendered.

What the items of a track say, as REAPER would save them, is read and mixed with the reader of `project`. What is not in
the files is rendered: instruments, FX in front of the EQ's place, take FX, automation, stretch markers, sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path

from ...dsp.analyze_file import MIN_SECONDS, AnalyzedAudio
from ...eq import Eq
from ...errors import AeqError, AudioError
from ...reaper.live import fx, instances, reaeq, track_state
from ...reaper.live.api import Api
from ...reaper.live.target import Target
from ...reaper.live.tracks import above, all_tracks, track_value
from ...reaper.rpp.project import Project
from ...reaper.rpp.tracks import Track
from ..described import analyze_mix
from ..media import Library
from ..mix import Mixer
from ..wiring import takes_of

_DEFAULT_RATE = 48_000.0
_BEFORE_FX = ("VOLENV", "PANENV", "WIDTHENV", "MUTEENV")  # what acts behind a track's own FX is not heard by its EQ
_MIDI = ("MIDI", "MIDIPOOL")
# Listens to a sound in its files, None where nothing can be heard; what it calls between blocks raises to end the work.
FileSound = Callable[[Callable[[], None]], AnalyzedAudio | None]


class NotInFilesError(AeqError):
    """Why a sound has to be rendered, as the end of a sentence."""


def in_files(
    reaper: Api, targets: Sequence[Target], new: Mapping[str, Eq] | None = None, sections: bool = False
) -> tuple[dict[int, FileSound], dict[int, str]]:
    """What of `targets` can be heard in files, and of the others why not, by the `id` of a target.

    `new`: EQs that the plan has for tracks, and that are to be heard in place of ours on them. `sections`: the EQs are
    to follow the song. To be called while REAPER is held.
    """
    library, tracks = Library(), all_tracks(reaper)[1:]
    found: dict[int, FileSound] = {}
    reasons: dict[int, str] = {}
    for target in targets:
        if target.leader is not target:
            continue
        try:
            found[id(target)] = _sound(reaper, target, tracks, library, new or {}, sections)
        except NotInFilesError as reason:
            reasons[id(target)] = str(reason)
        except AeqError as error:
            reasons[id(target)] = f"its state cannot be read ({error})"
    return found, reasons


def _sound(
    reaper: Api, target: Target, tracks: Sequence[str], library: Library, new: Mapping[str, Eq],
    sections: bool,
) -> FileSound:  # fmt: skip
    """A track, or a folder with the tracks inside it; tracks that share one EQ: the sum of what reaches it on each,
    through their faders; the master: the sum of all tracks."""
    chosen: list[tuple[Target | None, str]] = [(None, track) for track in tracks] if target.is_master else []
    for member in [] if target.is_master else target.members:
        _refuse_fx_in_front(reaper, member)
        # of chosen items of linked tracks nothing else is heard
        inside = [] if target.link and member.items else _inside(reaper, member, tracks)
        chosen += [(member, member.track), *((None, track) for track in inside)]
    found = {n: _own_eq(reaper, track, new.get(track)) for n, (owner, track) in enumerate(chosen) if owner is None}
    for _, track in chosen:
        if not target.is_master and reaper("GetTrackNumSends", track, -1) > 0:
            raise NotInFilesError("other tracks are sent to it")
    opened = _opened(reaper, [track for _, track in chosen])
    top = None if target.is_master or target.link else opened.tracks[0]
    for (owner, pointer), one in zip(chosen, opened.tracks, strict=True):
        if owner is not None and owner.items:
            _only(reaper, one, owner.items, one_after_another=one is top and not sections)
        if owner is not None and one is not top:
            one.mute, one.solo, one.sends_to_parent = False, False, True
        if fx.any_moves(reaper, pointer, _BEFORE_FX if one is top else None):
            raise NotInFilesError("automation shapes it")
        _refuse_what_is_not_in_files(one, library)
    eqs = {n: eq for n, eq in found.items() if eq is not None}
    return partial(_heard, Mixer(opened, library), top, eqs, sections)


def _heard(
    mixer: Mixer, track: Track | None, eqs: Mapping[int, Eq], sections: bool, between_blocks: Callable[[], None]
) -> AnalyzedAudio | None:
    """What reaches the EQ of a track, or of the master (None), with `eqs` on the tracks that feed it.

    Raises `AudioError` for a file that cannot be read.
    """
    heard, is_silent = analyze_mix(mixer, track, eqs, between_blocks, sections=sections)
    if not is_silent and heard.analysis.duration_s >= MIN_SECONDS:
        return heard
    if heard.warning:
        raise AudioError(heard.warning)
    return None


def _inside(reaper: Api, target: Target, tracks: Sequence[str]) -> list[str]:
    """The tracks in a folder."""
    is_folder = track_value(reaper, target.track, "I_FOLDERDEPTH") > 0
    return [track for track in tracks if target.track in above(reaper, track)] if is_folder else []


def _refuse_fx_in_front(reaper: Api, target: Target) -> None:
    if target.fx_off:
        return
    chain = fx.chain(reaper, target.track)
    first = target.instance.index if target.instance else 0 if target.place == "first" else len(chain)
    behind = {one.index for one in fx.from_here_on(chain, first)}
    if any(one.index not in behind and _sounds(reaper, target.track, one) for one in fx.every(chain)):
        raise NotInFilesError("FX stand in front of the EQ")


def _sounds(reaper: Api, track: str, one: fx.LiveFx) -> bool:
    on = not fx.is_bypassed(reaper, track, one.index) or fx.switches(reaper, track, one.index)
    return on and not reaper("TrackFX_GetOffline", track, one.index)


def _own_eq(reaper: Api, track: str, new: Eq | None) -> Eq | None:
    """What our EQ does on a track that feeds another. Raises `NotInFilesError` where other FX sound there."""
    if not track_value(reaper, track, "I_FXEN"):
        return None
    sounding = [one.index for one in fx.every(fx.chain(reaper, track)) if _sounds(reaper, track, one)]
    ours = [one.index for one in instances.ours(reaper, track)]
    if not set(sounding) <= set(ours) or (len(sounding) > 1 and new is None):
        raise NotInFilesError("FX on the tracks inside are heard")
    if any(fx.driven(reaper, track, one) for one in sounding):
        raise NotInFilesError("an envelope moves an EQ on the tracks inside")
    if new is not None or not sounding:
        return new
    held = reaeq.read(reaper, track, sounding[0])
    if None in held.bands:
        raise NotInFilesError("an EQ on the tracks inside has bands that only ReaEQ can compute")
    return held.known


def _opened(reaper: Api, tracks: Sequence[str]) -> Project:
    """A project of these tracks alone."""
    path = reaper.text("EnumProjects", -1)
    rate = reaper("GetSetProjectInfo", reaper.project, "PROJECT_SRATE", 0, False) or _DEFAULT_RATE
    states = [track_state.audible_part(reaper, track).strip() + "\n" for track in tracks]
    text = f'<REAPER_PROJECT 0.1 "7.0" 0\n  SAMPLERATE {rate:g} 0 0\n{"".join(states)}>\n'
    # a project that was never saved has no relative names
    return Project.from_bytes(text.encode("utf-8", "surrogateescape"), Path(path) if path else None)


def _only(reaper: Api, track: Track, chosen: Sequence[str], one_after_another: bool) -> None:
    """Leaves just these items on the track, one after another as they are rendered too, or where they are."""
    items = [track.items[round(reaper("GetMediaItemInfo_Value", item, "IP_ITEMNUMBER"))] for item in chosen]
    if one_after_another:
        starts_s = accumulate((item.length_s for item in items), initial=0.0)
        items = [replace(item, position_s=at_s) for item, at_s in zip(items, starts_s, strict=False)]
    track.items = tuple(items)


def _refuse_what_is_not_in_files(track: Track, library: Library) -> None:
    if track.channels > 2:
        raise NotInFilesError("it has more than two channels")
    for _, take, source in takes_of(track):
        if source.kind in _MIDI:
            continue  # without an instrument in front of the EQ, notes make no sound
        if take.has_fx:
            raise NotInFilesError("its items have FX")
        if take.has_envelopes:
            raise NotInFilesError("automation of its items shapes it")
        if take.has_stretch_markers:
            raise NotInFilesError("its items have stretch markers")
        if reason := library.missing(source):
            raise NotInFilesError(reason)
