"""An EQ that follows the song, in the open project: envelopes of our ReaEQ's gains, as the actions draw them.

Which are ours is kept with the instance, for the master's beside the project (`reascripts/aeq/moving.lua` reads and
writes the same). No call deletes an envelope: whoever wants to be rid of them inserts the EQ afresh.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence

from ...eq import Eq, MovingEq
from ..reaeq.values import db_to_linear
from ..rpp.lanes import NUMBER, parameter
from . import fx
from .api import Api, RefusedCall
from .instances import Instance
from .reaeq import GAIN, count
from .tracks import is_null, number_of

SECTION = "reaper-aeq-lanes"  # of the project, for the master, beside which nothing else can be kept
_SHOWN_DB, _SAME = 0.06, 1e-5  # ReaEQ shows a gain with one decimal
_MOVES_DB = 0.005


def ours(reaper: Api, track: str, instance: Instance) -> tuple[int, ...]:
    """The parameters of an instance whose envelopes are ours."""
    if number_of(reaper, track) < 0:
        kept = reaper.text_if("GetProjExtState", reaper.project, SECTION, fx.guid(reaper, track, instance.index))
        return tuple(map(int, re.findall(NUMBER, kept)))
    return instance.record.lanes if instance.record else ()


def keep(reaper: Api, track: str, index: int, found: Sequence[int]) -> None:
    """Keeps which envelopes of the master's EQ are ours; those of tracks are in their record."""
    if number_of(reaper, track) >= 0:
        return
    key, text = fx.guid(reaper, track, index), " ".join(map(str, found))
    if reaper.text_if("GetProjExtState", reaper.project, SECTION, key) != text:
        reaper("SetProjExtState", reaper.project, SECTION, key, text)


def why_not(index: int, before: Instance | None, eq: Eq, idle: Collection[int]) -> str:
    """Why the EQ at this place of the chain cannot follow the song, '' where it can.

    `idle`: envelopes of ours that had to stay. REAPER knows them by a name with the band's type in it: one whose name
    is gone is dead without a sign.
    """
    if index >= fx.IN_CONTAINER:
        return "its EQ lies in a container, where its gains cannot follow the song: it got one EQ for all of it"
    computed = before.record.computed if before and before.record else None
    for one in idle:
        band = one // 3
        if one % 3 == GAIN and band < len(eq.bands):
            was = computed.bands[band] if computed and band < len(computed.bands) else None
            if was is None or was.kind != eq.bands[band].kind:
                return (
                    "its EQ has envelopes of yours and was kept, so its gains cannot follow the song with the new"
                    " bands: it got one EQ for all of it"
                )
    return ""


def write(
    reaper: Api, track: str, index: int, moving: MovingEq, idle: Collection[int]
) -> tuple[tuple[int, ...], str | None]:
    """Makes the gains of an EQ that was just written follow its sections.

    Returns the parameters whose envelopes are ours, and what is not as it should be. `idle`: envelopes of ours that are
    there and are used again; a parameter with an envelope of the user's is left to that.
    """
    there, found = fx.lanes(reaper, track, index), list(idle)
    for which in moving.moving:
        points = _points(moving, which)
        place = 3 * count(reaper, track, index) if which == len(moving.bands) else 3 * which + GAIN
        if len(points) < 2 or (place in there and place not in idle):
            continue
        scale = parameter(moving, which)[3]
        if place not in idle and not _scale_is_known(reaper, track, index, place, scale, points):
            return tuple(found), "the scale of its gains"
        drawn = [(at_s, scale * db_to_linear(gain_db)) for at_s, gain_db in points]
        if not _draw(reaper, track, index, place, drawn):
            return tuple(found), "its envelopes"
        found += [place] if place not in found else []
    return tuple(found), None


def edges_s(reaper: Api) -> list[float] | None:
    """Where the project's regions begin and end, seconds; None where there is none."""
    found: list[float] = []
    for n in itertools.count():
        # [next, project, n, is a region, from, to, name, number, color]
        answer = reaper("EnumProjectMarkers3", reaper.project, n, 0, 0.0, 0.0, "", 0, 0)
        if not answer[0]:
            break
        if answer[3]:
            found += [answer[4], answer[5]]
    return found or None


def _points(moving: MovingEq, which: int) -> list[tuple[float, float]]:
    """(seconds, dB); REAPER likes one at 0, and before the song nothing plays."""
    (_, first), *rest = moving.points(which)
    kept = [(0.0, first), *((max(0.0, at_s), gain_db) for at_s, gain_db in rest)]
    return kept if max(abs(gain_db - first) for _, gain_db in kept) > _MOVES_DB else kept[:1]


def _scale_is_known(
    reaper: Api, track: str, index: int, place: int, scale: float, points: Sequence[tuple[float, float]]
) -> bool:
    """Whether the parameter's scale is what we take it for: each gain is set, and what ReaEQ shows for it read back."""
    was, fine = reaper("TrackFX_GetParam", track, index, place, 0, 0)[0], True
    for _, gain_db in points:
        reaper("TrackFX_SetParam", track, index, place, scale * db_to_linear(gain_db))
        shown = reaper.text("TrackFX_GetFormattedParamValue", track, index, place)
        number = re.match(r"\s*[-+]?[\d.]+", shown)
        fine = fine and number is not None and abs(float(number[0]) - gain_db) < _SHOWN_DB
    reaper("TrackFX_SetParam", track, index, place, was)
    return fine


def _draw(reaper: Api, track: str, index: int, place: int, points: Sequence[tuple[float, float]]) -> bool:
    """Draws one envelope; whether it is as it should be."""
    envelope = reaper("GetFXEnvelope", track, index, place, True)
    if is_null(envelope):
        return False
    clear(reaper, envelope)  # REAPER puts a point at 0 into a new one
    for at_s, value in points:
        reaper("InsertEnvelopePoint", envelope, at_s, value, 0, 0.0, False, True)
    reaper("Envelope_SortPoints", envelope)
    # a new one is armed and shown: five of them would fill the arrange view, and a fader moved in touch would write
    for what in ("ARM", "VISIBLE"):
        try:
            reaper("GetSetEnvelopeInfo_String", envelope, what, "0", True)
        except RefusedCall:
            break  # a REAPER that is too old to be told
    if reaper("CountEnvelopePoints", envelope) != len(points):
        return False
    for n, (at_s, value) in enumerate(points):
        # [ok, envelope, n, seconds, value, shape, tension, selected]
        answer = reaper("GetEnvelopePoint", envelope, n, 0.0, 0.0, 0, 0.0, 0)
        if not answer[0] or abs(answer[3] - at_s) > _SAME or abs(answer[4] - value) > _SAME:
            return False
    return True


def clear(reaper: Api, envelope: str) -> None:
    """Takes all points out of an envelope."""
    for n in range(reaper("CountEnvelopePoints", envelope) - 1, -1, -1):
        reaper("DeleteEnvelopePointEx", envelope, -1, n)
