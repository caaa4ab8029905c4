"""A sound described by the items it is made of, so that it need not be rendered: the backend reads the media itself.

Times are seconds, volumes linear, pans -1 to 1. What is left out has its default. Counts, times and ranges are bounded
here; how many seconds all of it takes is bounded by whoever reads it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ..eq import BandKind
from ..util.message import AudioPath, Message

MAX_TRACKS = 1000
MAX_ITEMS = 20_000  # of one sound
MAX_SECTIONS = 8
MAX_SECONDS = 1e7

Place = Annotated[float, Field(ge=-MAX_SECONDS, le=MAX_SECONDS, allow_inf_nan=False)]
Length = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]
Volume = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Pan = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class SourceSectionInfo(Message):
    """A window on a source; without a length to its end."""

    start_s: Place = 0.0
    length_s: Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)] | None = None
    reverse: bool = False


class FadeInfo(Message):
    """`shape` is REAPER's number, 0 is linear."""

    length_s: Length
    shape: Annotated[int, Field(ge=0, le=6)] = 0


class ItemInfo(Message):
    """One take of an item. `sections` from the file outwards; `offset_s` counts in what they leave of it.

    `take_volume` is negative where the polarity is flipped; `channel_mode` is ReaScript's I_CHANMODE.
    """

    file: AudioPath
    sections: list[SourceSectionInfo] = Field(default=[], max_length=MAX_SECTIONS)
    position_s: Place
    length_s: Length
    offset_s: Place = 0.0
    rate: Annotated[float, Field(ge=0.001, le=1000, allow_inf_nan=False)] = 1.0
    preserve_pitch: bool = False
    pitch_semitones: Annotated[float, Field(ge=-240, le=240, allow_inf_nan=False)] = 0.0
    channel_mode: Annotated[int, Field(ge=0, le=1000)] = 0
    volume: Volume = 1.0
    take_volume: Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)] = 1.0
    pan: Pan = 0.0
    fade_in: FadeInfo | None = None
    fade_out: FadeInfo | None = None
    loop: bool = False
    mute: bool = False


class EqBandInfo(Message):
    """One ReaEQ band, in ReaEQ's units."""

    kind: BandKind
    freq_hz: Annotated[float, Field(ge=1, le=30_000, allow_inf_nan=False)]
    gain_db: Annotated[float, Field(ge=-150, le=24, allow_inf_nan=False)] = 0.0
    bandwidth_oct: Annotated[float, Field(ge=0.01, le=10, allow_inf_nan=False)] = 1.0
    enabled: bool = True


class EqInfo(Message):
    """An EQ of ours on the way of a sound."""

    bands: Annotated[list[EqBandInfo], Field(max_length=64)]
    output_gain_db: Annotated[float, Field(ge=-150, le=24, allow_inf_nan=False)] = 0.0


class TrackInfo(Message):
    """Items and, for what comes after them, the track's EQ and fader. `parent`: number of its folder in the list."""

    items: list[ItemInfo] = Field(default=[], max_length=MAX_ITEMS)
    parent: Annotated[int, Field(ge=0, lt=MAX_TRACKS)] | None = None
    volume: Volume = 1.0
    pan: Pan = 0.0
    phase_inverted: bool = False
    eq: EqInfo | None = None


class DescribedSound(Message):
    """What reaches the EQ of `track`, or of the master (null, the sum of all tracks outside of folders).

    Folders stand before what lies in them. `through_eq`: what leaves the track's EQ instead.
    """

    sample_rate: Annotated[int, Field(ge=8000, le=192_000, description="The project's, Hz")]
    tracks: Annotated[list[TrackInfo], Field(min_length=1, max_length=MAX_TRACKS)]
    track: Annotated[int, Field(ge=0, lt=MAX_TRACKS)] | None = 0
    through_eq: bool = False

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> DescribedSound:
        if self.track is not None and self.track >= len(self.tracks):
            raise ValueError(f"there is no track {self.track}: the list has {len(self.tracks)}")
        for number, track in enumerate(self.tracks):
            if track.parent is not None and track.parent >= number:
                raise ValueError(f"the folder of track {number} must stand before it")
        if sum(len(track.items) for track in self.tracks) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} items: render this sound instead")
        return self


class ReferenceInfo(Message):
    """A sound to be matched that is described, with what to call it."""

    name: Annotated[str, Field(min_length=1, max_length=500)]
    sound: DescribedSound
