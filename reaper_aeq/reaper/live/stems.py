"""Whether stems are stems: some REAPERs write the whole mix under each track's name, without a word."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import soundfile

from . import check
from .api import Api, LiveError
from .render_state import all_tracks
from .target import Target


def refuse_the_mix(
    reaper: Api, project: str, stems: Sequence[tuple[Target, Path]], mix: Callable[[], Path | None]
) -> None:
    """Raises `LiveError` if several stems hold the very samples of the mix, though other tracks sound as well.

    Equal stems alone prove nothing: a track that is copied, or a folder around one track. So only then `mix` is asked
    to render the master.
    """
    alike = defaultdict(list)
    for target, path in stems:
        if (samples := _samples(path)) is not None:
            alike[samples].append(target)
    for samples, targets in alike.items():
        if len(targets) > 1 and _others_sound(reaper, project, targets):
            rendered = mix()
            if rendered is not None and _samples(rendered) == samples:
                names = " and ".join(repr(target.name) for target in targets)
                raise LiveError(
                    f"REAPER rendered the whole mix for {names} instead of each track's own sound: choose tracks that"
                    " have items, or look what 'AEQ_Self-test' says about stems"
                )
            return


def _samples(path: Path) -> str | None:
    """A digest of the samples; None for silence and for what is no sound."""
    try:
        audio, _ = soundfile.read(path, dtype="float32")
    except (soundfile.LibsndfileError, OSError):
        return None
    return hashlib.sha256(audio.tobytes()).hexdigest() if audio.any() else None


def _others_sound(reaper: Api, project: str, targets: Sequence[Target]) -> bool:
    """Whether a track that is outside one of these sounds: then the mix is something else than that one's sound."""
    any_solo = bool(reaper("AnyTrackSolo", project))
    for track in all_tracks(reaper, project)[1:]:
        inside = {track, *check.above(reaper, track)}
        outside = any(target.track not in inside for target in targets)
        if outside and check.sounds(reaper, track) and check.audible(reaper, project, track, any_solo):
            return True
    return False
