"""Envelopes of FX parameters: an active one overrides what is written to its parameter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ...eq import Eq
from .api import TEXT_BYTES, Api, RefusedCall

BYPASSED = 6  # of the global automation override: no envelope moves anything
# identifiers of parameters that REAPER adds to every FX: their names are translated, these are not
BYPASS, WET = ":bypass", ":wet"
_NULL = "0x0000000000000000"


def driven(reaper: Api, track: str, fx: int) -> set[int]:
    """The parameters of an FX that follow an envelope, whatever is written to them."""
    return set(_driven(reaper, track, fx, range(reaper("TrackFX_GetNumParams", track, fx))))


def lanes(reaper: Api, track: str, fx: int) -> dict[int, str]:
    """The envelopes of an FX by the numbers of their parameters, whether they move anything or not."""
    found = {n: reaper("GetFXEnvelope", track, fx, n, False) for n in range(reaper("TrackFX_GetNumParams", track, fx))}
    return {n: envelope for n, envelope in found.items() if not is_null(envelope)}


def is_null(envelope: str) -> bool:
    """Python gets a null pointer where Lua gets nil."""
    return envelope.endswith(_NULL)


def switch_off(reaper: Api, envelope: str) -> None:
    """So that it moves nothing any more; no call deletes one."""
    reaper("GetSetEnvelopeInfo_String", envelope, "ACTIVE", "0", True)


def switches(reaper: Api, track: str, fx: int) -> bool:
    """Whether an envelope switches an FX on and off."""
    place = bypass_parameter(reaper, track, fx)
    return place is not None and place in _driven(reaper, track, fx, [place])


def bypass_parameter(reaper: Api, track: str, fx: int) -> int | None:
    """None where REAPER is too old to be asked."""
    return parameter_called(reaper, track, fx, BYPASS)


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


def overridden(
    reaper: Api, track: str, fx: int, bands: int, eq: Eq, ours: Collection[int] = ()
) -> list[str]:  # fmt: skip
    """Names, as REAPER shows them, of the parameters that follow an envelope and can be heard to.

    `fx` is a ReaEQ with this number of bands that holds `eq`; `ours`: those whose envelopes are part of it.
    """
    moved = driven(reaper, track, fx).difference(ours)
    heard = {n for n in moved if n >= 3 * bands or (n // 3 < len(eq.bands) and _on(eq, n // 3))}
    # [ok, track, fx, parameter, name, size]
    return [reaper("TrackFX_GetParamName", track, fx, n, "", TEXT_BYTES)[4] for n in sorted(heard)]


def _on(eq: Eq, band: int) -> bool:
    return eq.bands[band].enabled


def _driven(reaper: Api, track: str, fx: int, parameters: range | list[int]) -> Iterator[int]:
    if reaper("GetGlobalAutomationOverride") == BYPASSED:
        return
    for parameter in parameters:
        envelope = reaper("GetFXEnvelope", track, fx, parameter, False)
        if not is_null(envelope) and _moves(reaper, envelope):
            yield parameter


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
