"""Hearing what is open in REAPER in its media files, where all of the sound is in them: nothing is rendered.

The state of a track, as REAPER would save it, is read and mixed with the reader of `project`. What is not in the files
is rendered: instruments, FX in front of the EQ's place, take FX, automation, stretch markers, sends from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .bands import Eq
from .dsp.spectrum import Analysis, analyze_blocks
from .errors import AeqError, AudioError
from .listen import MIN_SECONDS, Heard, KeptSound, Swing
from .project.described import HeardSound
from .project.media import Library
from .project.mix import Mixer
from .reaper.items import Item
from .reaper.live import check, fx, reaeq
from .reaper.live.api import TEXT_BYTES, Api
from .reaper.live.render_state import all_tracks
from .reaper.live.target import Target
from .reaper.rpp import Project
from .reaper.tracks import Track

_HEAD = '<REAPER_PROJECT 0.1 "7.0" 0\n  SAMPLERATE {rate:g} 0 0\n'
_DEFAULT_RATE = 48_000.0
_MIDI = ("MIDI", "MIDIPOOL")


@dataclass
class FileSound:
    """What reaches a target's EQ, in its files; `track` None is the master's.

    `eqs`: of the tracks that feed it, by their places.
    """

    target: Target
    mixer: Mixer
    track: Track | None
    eqs: dict[int, Eq] = field(default_factory=dict)

    def heard(self) -> Heard | None:
        """None where nothing can be heard. Raises `AudioError` for a file that cannot be read."""
        rate = self.mixer.sample_rate
        swing, kept, passes = Swing(), KeptSound(rate), 0

        def analyze(blocks: Iterable[np.ndarray]) -> Analysis:
            nonlocal passes
            passes += 1
            return analyze_blocks(kept.watch(swing.watch(map(np.ascontiguousarray, blocks))), rate)

        if self.track is None:
            analysis = self.mixer.analyze_master(self.eqs, analyze)
        else:
            analysis = self.mixer.analyze_track(self.track, self.eqs, analyze)
        warnings = " ".join(self.mixer.library.warnings.values())
        if analysis.silent or swing.largest == 0 or analysis.duration_s < MIN_SECONDS:
            if warnings:
                raise AudioError(warnings)
            return None
        # stretched items are heard at their own pace: their waveform is not that of the track
        whole = kept.audio if passes == 1 and kept.frames == round(analysis.duration_s * rate) else None
        return HeardSound("", analysis, whole, warnings or None)


class NotInFilesError(AeqError):
    """Why a sound has to be rendered, as the end of a sentence."""


def in_files(
    reaper: Api, project: str, targets: Sequence[Target], new: Mapping[str, Eq] | None = None
) -> tuple[dict[int, FileSound], dict[int, str]]:
    """What of `targets` can be heard in files, and of the others why not, by the `id` of a target.

    `new`: EQs that the plan has for tracks, and that are to be heard in place of ours on them. To be called while
    REAPER is held.
    """
    library, tracks = Library(), all_tracks(reaper, project)[1:]
    found: dict[int, FileSound] = {}
    reasons: dict[int, str] = {}
    for target in targets:
        make = _mix if target.is_master else _sound
        try:
            found[id(target)] = make(reaper, project, target, tracks, library, new or {})
        except NotInFilesError as reason:
            reasons[id(target)] = str(reason)
        except AeqError as error:
            reasons[id(target)] = f"its state cannot be read ({error})"
    return found, reasons


def _sound(
    reaper: Api, project: str, target: Target, tracks: Sequence[str], library: Library, new: Mapping[str, Eq]
) -> FileSound:
    """A track, or a folder with the tracks inside it."""
    _refuse_fx_in_front(reaper, target)
    is_folder = reaper("GetMediaTrackInfo_Value", target.track, "I_FOLDERDEPTH") > 0
    inside = [track for track in tracks if target.track in check.above(reaper, track)] if is_folder else []
    eqs = _eqs(reaper, inside, new, 1)
    for track in (target.track, *inside):
        if reaper("GetTrackNumSends", track, -1) > 0:
            raise NotInFilesError("other tracks are sent to it")
    opened = _opened(reaper, project, [target.track, *inside])
    top = opened.tracks[0]
    if target.items:
        _only(reaper, top, target.items)
    for track in opened.tracks:
        _refuse_what_is_not_in_files(track, library, is_top=track is top)
    return FileSound(target, Mixer(opened, library), top, eqs)


def _mix(
    reaper: Api, project: str, target: Target, tracks: Sequence[str], library: Library, new: Mapping[str, Eq]
) -> FileSound:
    """The master: the sum of all tracks."""
    eqs = _eqs(reaper, tracks, new, 0)
    opened = _opened(reaper, project, tracks)
    for track in opened.tracks:
        _refuse_what_is_not_in_files(track, library, is_top=False)
    return FileSound(target, Mixer(opened, library), None, eqs)


def _eqs(reaper: Api, tracks: Sequence[str], new: Mapping[str, Eq], first: int) -> dict[int, Eq]:
    """By the place of a track, counted from `first`."""
    found = {n: _own_eq(reaper, track, new.get(track)) for n, track in enumerate(tracks, first)}
    return {n: eq for n, eq in found.items() if eq is not None}


def _refuse_fx_in_front(reaper: Api, target: Target) -> None:
    if target.fx_off:
        return
    chain = fx.chain(reaper, target.track)
    first = target.instance.index if target.instance else 0 if target.place == "first" else len(chain)
    behind = {one.index for one in fx.from_here_on(chain, first)}
    if any(one.index not in behind and _sounds(reaper, target.track, one) for one in fx.every(chain)):
        raise NotInFilesError("FX stand in front of the EQ")


def _sounds(reaper: Api, track: str, one: fx.Fx) -> bool:
    return not fx.is_bypassed(reaper, track, one.index) and not reaper("TrackFX_GetOffline", track, one.index)


def _own_eq(reaper: Api, track: str, new: Eq | None) -> Eq | None:
    """What our EQ does on a track that feeds another. Raises `NotInFilesError` where other FX sound there."""
    if not reaper("GetMediaTrackInfo_Value", track, "I_FXEN"):
        return None
    sounding = [one.index for one in fx.every(fx.chain(reaper, track)) if _sounds(reaper, track, one)]
    ours = [one.index for one in reaeq.ours(reaper, track)]
    if not set(sounding) <= set(ours) or (len(sounding) > 1 and new is None):
        raise NotInFilesError("FX on the tracks inside are heard")
    if new is not None or not sounding:
        return new
    bands, output_gain_db = reaeq.read(reaper, track, sounding[0])
    if None in bands:
        raise NotInFilesError("an EQ on the tracks inside has bands that only ReaEQ can compute")
    return Eq(tuple(band for band in bands if band is not None), output_gain_db)


def _opened(reaper: Api, project: str, tracks: Sequence[str]) -> Project:
    """A project of these tracks alone."""
    path = reaper("EnumProjects", -1, "", TEXT_BYTES)[2]
    rate = reaper("GetSetProjectInfo", project, "PROJECT_SRATE", 0, False) or _DEFAULT_RATE
    states = [check.chunk_of(reaper, track).strip() + "\n" for track in tracks]
    text = _HEAD.format(rate=rate) + "".join(states) + ">\n"
    # a project that was never saved has no relative names
    return Project.from_bytes(text.encode("utf-8", "surrogateescape"), Path(path) if path else None)


def _only(reaper: Api, track: Track, chosen: Sequence[str]) -> None:
    """Leaves just these items on the track, one after another, as they are rendered too."""
    places = [round(reaper("GetMediaItemInfo_Value", item, "IP_ITEMNUMBER")) for item in chosen]
    items, at_s = [], 0.0
    for place in places:
        items.append(replace(track.items[place], position_s=at_s))
        at_s += items[-1].length_s
    track.items = tuple(items)


def _refuse_what_is_not_in_files(track: Track, library: Library, is_top: bool) -> None:
    if track.channels > 2:
        raise NotInFilesError("it has more than two channels")
    # what acts behind a track's own FX is not heard by an EQ of the track
    heard = ("VOLENV", "PANENV", "WIDTHENV", "MUTEENV") if is_top else None
    for envelope in track.envelopes:
        if (heard is None or envelope in heard) and _is_active(track, envelope):
            raise NotInFilesError("automation shapes it")
    for item in track.items:
        if track.plays(item):
            _refuse_item(item, library)


def _is_active(track: Track, envelope: str) -> bool:
    chunk = track.chunk.find(envelope)
    line = chunk.line("ACT") if chunk else None
    return line is not None and line.tokens[1:2] != ["0"]


def _refuse_item(item: Item, library: Library) -> None:
    for take in item.takes if item.play_all_takes else [item.take]:
        if take is None or take.source is None or take.source.kind in _MIDI:
            continue  # without an instrument in front of the EQ, notes make no sound
        if take.has_fx:
            raise NotInFilesError("its items have FX")
        if take.has_envelopes:
            raise NotInFilesError("automation of its items shapes it")
        if take.has_stretch_markers:
            raise NotInFilesError("its items have stretch markers")
        if reason := library.missing(take.source):
            raise NotInFilesError(reason)
