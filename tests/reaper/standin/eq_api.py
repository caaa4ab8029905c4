"""The calls that exist for ReaEQ on tracks only; there are none for takes (docs/reaper.md, section 3)."""

from __future__ import annotations

from .fx_api import add_by_name, closed, get
from .fx_chain import Fx
from .fx_params import refuse_recording, single
from .reaeq_instance import FREQ, GAIN, MASTER, STATE_TYPE, Place, from_normalized, to_normalized
from .registry import api


@api
def TrackFX_GetEQ(reaper, track, instantiate):
    return add_by_name(track, "ReaEQ", 1 if instantiate else 0)


@api
def TrackFX_GetEQParam(reaper, track, index, parameter):
    """False for what is not a ReaEQ, and for parameters that are not its own."""
    fx = get(track, index)
    place = fx.eq.place(parameter) if fx and fx.is_reaeq else None
    if place is None:
        return False, 0, 0, 0, 0.0
    kind, number = (MASTER, 0) if place.band is None else fx.eq.number_of(place.band)
    return True, kind, number, place.field, single(to_normalized(place.field, fx.eq.value(place)))


def _eq_place(reaper, fx: Fx | None, kind: int, number: int, field: int) -> Place | None:
    """The parameter that is meant; makes a missing band where REAPER does (2.1)."""
    if fx is None or not fx.is_reaeq or field not in (0, 1, 2):
        return None
    if kind == MASTER:
        return Place(None, GAIN)
    if kind not in STATE_TYPE:
        return None
    band = fx.eq.find(kind, number)
    creates = reaper.eq_creates == "all" or STATE_TYPE[kind] == 8
    while band is None and creates and number >= 0:
        fx.eq.create(kind, reaper.eq_new_band_at == "end")
        fx.owner.project.touch()
        band = fx.eq.find(kind, number)
    return None if band is None else Place(band, field)


@api
def TrackFX_SetEQParam(reaper, track, index, kind, number, field, value, is_normalized):
    """Not normalized: Hz, linear amplitude, octaves. The instance keeps what a 32-bit float holds of it."""
    fx = get(track, index)
    place = None if closed(track) else _eq_place(reaper, fx, kind, number, field)
    if place is None:
        return False
    refuse_recording(reaper, track)
    if is_normalized:
        new = from_normalized(place.field, single(value))
    elif value < 20 and place.field == FREQ:
        new = 20.0
    else:
        new = single(max(value, 0.0))
    if single(fx.eq.value(place)) != single(new) and fx.eq.set_value(place, new):
        fx.owner.project.touch()
    return True


@api
def TrackFX_GetEQBandEnabled(reaper, track, index, kind, number):
    fx = get(track, index)
    band = fx.eq.find(kind, number) if fx and fx.is_reaeq else None
    return band is not None and fx.eq.state.bands[band].enabled


@api
def TrackFX_SetEQBandEnabled(reaper, track, index, kind, number, enable):
    fx = get(track, index)
    place = _eq_place(reaper, fx, kind, number, FREQ)
    if place is None or place.band is None:
        return False
    if fx.eq.set_band(place.band, enabled=enable):
        fx.owner.project.touch()
    return True
