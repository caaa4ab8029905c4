"""Sounds that a client describes by their items (`wire_sound`), read by the same mixer as a project's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dsp.analyze_file import MAX_HOURS, MIN_SECONDS, AnalyzedAudio, Found, WatchedSound
from ..dsp.spectrum import Analysis
from ..eq import Band, Eq
from ..errors import AudioError
from ..reaper.rpp.items import Fade, Item, Section, Source, Take
from ..result.explanation import in_project_time
from ..result.result import Result
from .description import DescribedSound, EqInfo, ItemInfo
from .media import Library
from .mix import Analyze, Mixer
from .spans import Timeline
from .wiring import DescribedProject, DescribedTrack, MixTrack

MAX_LOOPED_HOURS = 100.0  # of loops, which are not read that often


class UnreadableError(AudioError):
    """A file of a described sound that cannot be read here; whoever described it may render it instead."""

    unreadable = True


@dataclass(frozen=True)
class AnalyzedItems(AnalyzedAudio):
    """As for a file; where its sound cannot be mixed again as it was, loudness stays what the analysis says.

    `timeline`: where it lies in the project. `mix`: has its blocks mixed anew and passed to what it is called with.
    """

    timeline: Timeline | None = None
    mix: Callable[[Analyze], object] | None = None

    @property
    def is_measured(self) -> bool:
        """Whether loudness and peaks are those of the waveform."""
        return super().is_measured and self.mix is not None

    def again(self, use: Callable[[Iterable[np.ndarray]], Found]) -> Found:
        """As for a file; `is_measured` says whether it can be asked for."""
        found: list[Found] = []

        def analyze(blocks: Iterable[np.ndarray], /, **_: bool) -> Analysis:
            found.append(use(blocks))
            return self.analysis

        assert self.mix is not None
        self.mix(analyze)
        return found[0]


def described(sound: DescribedSound) -> DescribedProject:
    """The sound as a mixer reads it."""
    tracks: list[DescribedTrack] = []
    for index, info in enumerate(sound.tracks):
        parent = tracks[info.parent] if info.parent is not None else None
        items = tuple(_item(item) for item in info.items)
        tracks.append(DescribedTrack(index, items, info.volume, info.pan, info.phase_inverted, parent))
        if parent:
            parent.children.append(tracks[-1])
    eqs = {index: _eq(info.eq) for index, info in enumerate(sound.tracks) if info.eq}
    return DescribedProject(tracks, sound.sample_rate, eqs)


def hear(
    sound: DescribedSound,
    library: Library,
    check_path: Callable[[str], None] = lambda path: None,
    between_blocks: Callable[[], None] = lambda: None,
    *,
    sections: bool = False,
) -> AnalyzedAudio:
    """Analyses a described sound.

    Args:
        library: what was read for other sounds of the same press is kept there.
        check_path: raises for a file that is not to be read; between_blocks: raises to end the work.
        sections: as of `dsp.spectrum.analyze_blocks`.

    Raises `UnreadableError` for a file that cannot be read, `AudioError` for a sound that holds nothing to equalize or
    lasts longer than is listened to.
    """
    for file in sorted({item.file for track in sound.tracks for item in track.items if not item.mute}):
        try:
            check_path(file)
            library.file(Path(file))
        except Exception as error:
            raise UnreadableError(str(error)) from error
    project = described(sound)
    mixer = Mixer(project, library)
    track = None if sound.track is None else project.tracks[sound.track]
    numbers = mixer.heard_by(track)
    most_h = MAX_HOURS if sections else MAX_LOOPED_HOURS  # each moment takes memory
    for most, seconds in ((MAX_HOURS, mixer.seconds(numbers)), (most_h, mixer.seconds(numbers, repeated=True))):
        if seconds > most * 3600:
            raise AudioError(f"it holds more than {most:g} hours of sound, too long to listen to: choose a part of it")
    heard, is_silent = analyze_mix(mixer, track, project.eqs, between_blocks, sound.through_eq, sections=sections)
    if heard.analysis.duration_s < MIN_SECONDS:
        raise AudioError(f"it lasts only {1000 * heard.analysis.duration_s:.2g} ms: there is nothing to adapt to")
    if is_silent:
        raise AudioError("it is silent: there is nothing to adapt to")
    return heard


def analyze_mix(
    mixer: Mixer,
    track: MixTrack | None,
    eqs: Mapping[int, Eq],
    between_blocks: Callable[[], None],
    through_eq: bool = False,
    *,
    sections: bool = False,
) -> tuple[AnalyzedItems, bool]:
    """What reaches the EQ of `track`, or of the master (None), with `eqs` on the tracks that feed it; whether it is
    silent. `between_blocks` raises to end the work; `through_eq`: what leaves the track's EQ instead.

    Raises `AudioError` for a file that cannot be read.
    """
    watched = WatchedSound(mixer.sample_rate, between_blocks)
    mixer.sections = sections

    def mix(analyze: Analyze, by: Mixer = mixer) -> Analysis:
        if track is None:
            return by.analyze_master(eqs, analyze)
        return by.analyze_track(track, eqs, analyze, after_eq=through_eq)

    def anew(analyze: Analyze) -> Analysis:
        by = copy(mixer)
        by.library = Library()  # files may have changed, and what is read once more is not kept for a third time
        return mix(analyze, by)

    analysis = mix(watched.analyze)
    warnings = " ".join(mixer.library.warnings.values()) or None
    again = anew if watched.is_whole(analysis) else None
    heard = AnalyzedItems("", analysis, warnings, mixer.timeline(track), again)
    return heard, analysis.silent or not watched.moves


def in_sound(heard: AnalyzedAudio, edges_s: Sequence[float] | None) -> Sequence[float] | None:
    """Times of the project as those of the sound, where that lies in a project."""
    timeline = getattr(heard, "timeline", None)
    return [timeline.in_sound(edge) for edge in edges_s] if edges_s and timeline else edges_s


def along_the_project(result: Result, heard: AnalyzedAudio) -> Result:
    """The answer to a sound, with its sections in the project's time where it lies in one."""
    timeline = getattr(heard, "timeline", None)
    return in_project_time(result, timeline.in_project) if timeline else result


def _item(info: ItemInfo) -> Item:
    sections = tuple(Section(part.start_s, part.length_s, part.reverse) for part in info.sections)
    alike = ("offset_s", "rate", "preserve_pitch", "pitch_semitones", "pan", "channel_mode")
    take = Take(
        source=Source("", info.file, Path(info.file), sections),
        volume=abs(info.take_volume),
        phase_flipped=info.take_volume < 0,
        **{name: getattr(info, name) for name in alike},
    )
    fades = [Fade(fade.length_s, fade.shape) if fade else Fade() for fade in (info.fade_in, info.fade_out)]
    return Item(
        info.position_s, info.length_s, (take,), loop=info.loop, mute=info.mute, volume=info.volume, fade_in=fades[0],
        fade_out=fades[1],
    )  # fmt: skip


def _eq(info: EqInfo) -> Eq:
    return Eq(tuple(Band(**dict(band)) for band in info.bands), info.output_gain_db)
