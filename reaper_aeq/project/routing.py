"""Which tracks sound, and where their sound goes: folders, sends, mute and solo (docs/reaper.md, section 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .mixed import MixTrack


def silenced(tracks: Sequence[MixTrack]) -> dict[int, str]:
    """Track numbers that a rendering would not let sound, with the reason as the end of a sentence."""
    reasons: dict[int, str] = {}
    heard = _soloed(tracks)
    for track in tracks:
        muted = next((above for above in _upwards(track) if above.mute), None)
        if muted is track:
            reasons[track.index] = "it is muted"
        elif muted is not None:
            reasons[track.index] = f"its folder {_named(muted)} is muted"
        elif heard is not None and track.index not in heard:
            reasons[track.index] = "other tracks are soloed"
    return reasons


def _soloed(tracks: Sequence[MixTrack]) -> set[int] | None:
    """What sounds while some are soloed: these, what lies in and above them, and what they send to. None: no solo."""
    if not any(track.solo for track in tracks):
        return None
    heard = {track.index for track in tracks if track.solo_defeat}
    for track in tracks:
        if track.solo:
            heard |= {above.index for above in _upwards(track)} | {inner.index for inner in _inside(track)}
    while True:
        fed = {t.index for t in tracks if t.index not in heard and any(r.source in heard for r in t.receives)}
        if not fed:
            return heard
        heard |= fed | {above.index for n in fed for above in _upwards(tracks[n])}


def _upwards(track: MixTrack | None) -> Iterator[MixTrack]:
    while track:
        yield track
        track = track.parent


def _inside(track: MixTrack) -> Iterator[MixTrack]:
    waiting = [track]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += here.children


def _named(track: MixTrack) -> str:
    return repr(track.name) if track.name else f"(track {track.index + 1})"
