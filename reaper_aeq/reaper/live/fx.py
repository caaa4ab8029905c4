"""The FX of a track in the order in which they sound, those inside containers too: who they are, switching them off,
and which of their parameters follow an envelope, which overrides whatever is written to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from .api import Api, Later, LiveError, RefusedCall
from .tracks import is_null, still_there

IN_CONTAINER = 0x2000000  # indices of FX in containers begin here
BYPASSED = 6  # of the global automation override: no envelope moves anything
# identifiers of parameters that REAPER adds to every FX: their names are translated, these are not
BYPASS, WET = ":bypass", ":wet"


@dataclass(frozen=True)
class LiveFx:
    """One FX. `index` is what REAPER's functions take; it holds until an FX of the track is added, moved or removed."""

    index: int
    inside: tuple[LiveFx, ...] = ()  # of a container


def config(reaper: Api, track: str, fx: int, name: str) -> str:
    """A named config parameter; "" where this FX, or this REAPER, has none of that name."""
    return reaper.text_if("TrackFX_GetNamedConfigParm", track, fx, name)


def is_reaeq(reaper: Api, track: str, fx: int) -> bool:
    """GetEQParam answers no for every other plug-in."""
    return bool(reaper("TrackFX_GetEQParam", track, fx, 0, 0, 0, 0, 0)[0])


def chain(reaper: Api, track: str) -> list[LiveFx]:
    """The FX of the track's own chain; a container holds its own."""
    return [_with_content(reaper, track, fx) for fx in range(reaper("TrackFX_GetCount", track))]


def every(fx_list: Sequence[LiveFx]) -> Iterator[LiveFx]:
    """All of them, what is in a container behind the container itself."""
    for fx in fx_list:
        yield fx
        yield from every(fx.inside)


def from_here_on(fx_list: Sequence[LiveFx], index: int) -> list[LiveFx]:
    """The FX of this index and what follows it: in its container, and behind that."""
    for n, fx in enumerate(fx_list):
        if fx.index == index:
            return list(fx_list[n:])
        if within := from_here_on(fx.inside, index):
            return [*within, *fx_list[n + 1 :]]
    return []


def guid(reaper: Api, track: str, fx: int) -> str:
    """An FX keeps it through moves, saves and undo. [guid pointer, text]"""
    return reaper("guidToString", reaper("TrackFX_GetFXGUID", track, fx), "")[1]


def is_bypassed(reaper: Api, track: str, fx: int) -> bool:
    """Whether an FX is switched off."""
    return not reaper("TrackFX_GetEnabled", track, fx)


def bypass(reaper: Api, track: str, fx: int, off: bool) -> None:
    """Through the parameter: TrackFX_SetEnabled would add a step to the history. Raises `LiveError`."""
    place = parameter_called(reaper, track, fx, BYPASS)
    if place is None:
        reaper("TrackFX_SetEnabled", track, fx, not off)
    else:
        reaper("TrackFX_SetParam", track, fx, place, float(off))
    if is_bypassed(reaper, track, fx) != off:
        raise LiveError(f"REAPER did not switch an FX {'off' if off else 'on'}: is its bypass automated?")


def bypass_for_now(reaper: Api, track: str, wanted: Sequence[int], later: Later) -> None:
    """Switches FX off until `later`; those that are off already, and offline ones, stay as they are.

    Raises `LiveError` where an envelope would switch one on again.
    """
    for index in wanted:
        if reaper("TrackFX_GetOffline", track, index):
            continue
        if switches(reaper, track, index):
            name, track_name = reaper.text("TrackFX_GetFXName", track, index), reaper.text("GetTrackName", track)
            raise LiveError(
                f"an envelope switches {name!r} on {track_name!r} on and off, so the sound before it cannot be rendered"
                " alone: bypass that envelope, then try again"
            )
        if not is_bypassed(reaper, track, index):
            later(partial(_back_on, reaper, track, index, guid(reaper, track, index)))
            bypass(reaper, track, index, True)


def find(reaper: Api, track: str, wanted: str) -> int | None:
    """Where the FX of this GUID is now."""
    return next((fx.index for fx in every(chain(reaper, track)) if guid(reaper, track, fx.index) == wanted), None)


def _back_on(reaper: Api, track: str, place: int, wanted: str) -> None:
    index: int | None = place
    if reaper.went_on:
        index = find(reaper, track, wanted) if still_there(reaper, track) else None
    if index is not None:
        bypass(reaper, track, index, False)


def _with_content(reaper: Api, track: str, fx: int) -> LiveFx:
    # named rather than computed: the formula for these indices changes with every edit of the chain
    count = config(reaper, track, fx, "container_count")
    items = (config(reaper, track, fx, f"container_item.{n}") for n in range(int(count or 0)))
    return LiveFx(fx, tuple(_with_content(reaper, track, int(item)) for item in items if item))


def driven(reaper: Api, track: str, fx: int, among: Sequence[int] | None = None) -> set[int]:
    """The parameters of an FX that follow an envelope, whatever is written to them; `among` these, None: all."""
    if reaper("GetGlobalAutomationOverride") == BYPASSED:
        return set()
    return {n for n, envelope in lanes(reaper, track, fx, among).items() if _moves(reaper, envelope)}


def lanes(reaper: Api, track: str, fx: int, among: Sequence[int] | None = None) -> dict[int, str]:
    """The envelopes of an FX by the numbers of their parameters, whether they move anything or not."""
    numbers = range(reaper("TrackFX_GetNumParams", track, fx)) if among is None else among
    found = {n: reaper("GetFXEnvelope", track, fx, n, False) for n in numbers}
    return {n: envelope for n, envelope in found.items() if not is_null(envelope)}


def switches(reaper: Api, track: str, fx: int) -> bool:
    """Whether an envelope switches an FX on and off."""
    place = parameter_called(reaper, track, fx, BYPASS)
    return place is not None and bool(driven(reaper, track, fx, [place]))


def parameter_called(reaper: Api, track: str, fx: int, ident: str) -> int | None:
    """The number of the parameter with this identifier; None where REAPER has none, or is too old to be asked."""
    try:
        place = reaper("TrackFX_GetParamFromIdent", track, fx, ident)
    except RefusedCall:
        return None
    return place if place >= 0 else None


def any_moves(reaper: Api, track: str, names: Sequence[str] | None) -> bool:
    """Whether an envelope of the track moves anything; only those of these chunk names, None: any."""
    if names is None:
        found = [reaper("GetTrackEnvelope", track, n) for n in range(reaper("CountTrackEnvelopes", track))]
    else:  # shown names are translated, those of chunks are not
        found = [reaper("GetTrackEnvelopeByChunkName", track, f"<{name}") for name in names]
    return any(not is_null(one) and _moves(reaper, one) for one in found)


def _moves(reaper: Api, envelope: str) -> bool:
    """One that is switched off, or has no points, does not."""
    if reaper("CountEnvelopePoints", envelope) == 0:
        return False
    try:
        # [ok, envelope, key, text, is_set]
        answer = reaper("GetSetEnvelopeInfo_String", envelope, "ACTIVE", "", False)
    except RefusedCall:
        return True
    return not answer[0] or answer[3] != "0"
