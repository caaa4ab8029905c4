"""Parameters of FX: ReaEQ's own, and the three that REAPER adds to every FX behind them."""

from __future__ import annotations

import struct

from .errors import StandInError
from .fx_api import both, closed, get
from .fx_chain import Fx, default_state
from .handles import Track
from .reaeq_instance import (
    DEFAULT,
    GAIN,
    Place,
    from_normalized,
    from_raw,
    to_normalized,
    to_raw,
)
from .track_values import value as value_of

_OWN = ("bypass", "wet", "delta")  # behind the plug-in's parameters
_TRANSLATED = {
    "bypass": "旁通",
    "wet": "湿声",
    "delta": "差异",
}  # a language pack translates these, ReaEQ's it does not


def single(value: float) -> float:
    """VST parameters are 32-bit floats: what a script reads back is not quite what it wrote."""
    return struct.unpack("f", struct.pack("f", value))[0]


def plugin_count(fx: Fx) -> int:
    if fx.is_reaeq:
        return fx.eq.count
    return sum(word != "-" for word in str(fx.node.body[0]).split()) if fx.node.name == "JS" and fx.node.body else 0


def _value(fx: Fx, index: int, normalized: bool) -> float | None:
    count = plugin_count(fx)
    if index < 0 or index >= count + len(_OWN):
        return None
    if index >= count:
        return {"bypass": float(fx.flag(0)), "wet": fx.wet, "delta": fx.delta}[_OWN[index - count]]
    if not fx.is_reaeq:
        return float(str(fx.node.body[0]).split()[index])
    place = fx.eq.place(index)
    value = fx.eq.value(place)
    if normalized:
        return single(to_normalized(place.field, value))
    # the global gain's raw value is the amplitude itself, a band's is a quarter of it (2.4)
    return single(value if place.band is None else to_raw(place.field, value))


@both
def GetNumParams(reaper, owner, index):
    fx = get(owner, index)
    return plugin_count(fx) + len(_OWN) if fx else 0


@both
def GetParam(reaper, owner, index, parameter):
    fx = get(owner, index)
    value = _value(fx, parameter, False) if fx else None
    if value is None:
        return -1.0, 0.0, 0.0
    is_global = fx.is_reaeq and fx.eq.place(parameter) == Place(None, GAIN)
    return value, 0.0, 4.0 if is_global else 1.0


@both
def GetParamEx(reaper, owner, index, parameter):
    fx = get(owner, index)
    value, low, high = GetParam(reaper, owner, index, parameter)
    place = fx.eq.place(parameter) if fx and fx.is_reaeq else None
    middle = 0.5 if place is None or place.field != GAIN else 1.0 if place.band is None else 0.25
    return value, low, high, middle


@both
def GetParamNormalized(reaper, owner, index, parameter):
    fx = get(owner, index)
    value = _value(fx, parameter, True) if fx else None
    return -1.0 if value is None else value


def refuse_recording(reaper, owner) -> None:
    """In touch, write and latch modes what a script writes is recorded as automation."""
    mode = reaper.automation_override
    if mode < 0 and isinstance(owner, Track):
        mode = value_of(owner, "I_AUTOMODE")
    if 2 <= mode <= 5:
        raise StandInError("automation", f"the write would be recorded as automation (mode {mode:g})")


def _set(reaper, owner, chain_index: int, index: int, value: float, normalized: bool) -> bool:
    fx = get(owner, chain_index)
    if fx is None or _value(fx, index, normalized) is None or closed(owner):
        return False
    refuse_recording(reaper, owner)
    count = plugin_count(fx)
    if index >= count:
        {
            "bypass": lambda: fx.set_flag(0, value >= 0.5),
            "wet": lambda: fx.set_wet(value),
            "delta": lambda: fx.set_delta(value >= 0.5),
        }[_OWN[index - count]]()
        return True
    if not fx.is_reaeq:
        return False
    place, value = fx.eq.place(index), single(value)
    if normalized:
        new = from_normalized(place.field, value)
    else:
        new = value if place.band is None else from_raw(place.field, value)
    # writing what is there already leaves the stored 64-bit value alone
    if single(value) != _value(fx, index, normalized) and fx.eq.set_value(place, new):
        fx.owner.project.touch()
    return True


@both
def SetParam(reaper, owner, index, parameter, value):
    return _set(reaper, owner, index, parameter, value, False)


@both
def SetParamNormalized(reaper, owner, index, parameter, value):
    return _set(reaper, owner, index, parameter, value, True)


@both
def EndParamEdit(reaper, owner, index, parameter):
    return get(owner, index) is not None


def _name(fx: Fx, parameter: int) -> str | None:
    count = plugin_count(fx)
    if not 0 <= parameter < count + len(_OWN):
        return None
    if parameter >= count:
        own = _OWN[parameter - count]
        return _TRANSLATED[own] if fx.owner.project.reaper.preferences.language == "zh" else own.capitalize()
    return fx.eq.name(fx.eq.place(parameter)) if fx.is_reaeq else f"slider {parameter + 1}"


@both
def GetParamName(reaper, owner, index, parameter):
    fx = get(owner, index)
    name = _name(fx, parameter) if fx else None
    return name is not None, name or ""


def _ident(fx: Fx, parameter: int) -> str | None:
    name = _name(fx, parameter)
    if name is None:
        return None
    if parameter >= plugin_count(fx):
        return f"{parameter}:{name.lower()}"
    return f"{parameter}:_" + "".join(c if c.isalnum() else "_" for c in name)


@both
def GetParamIdent(reaper, owner, index, parameter):
    fx = get(owner, index)
    ident = _ident(fx, parameter) if fx else None
    return ident is not None, ident or ""


@both
def GetParamFromIdent(reaper, owner, index, ident):
    """`:bypass`, `:wet` and `:delta` find REAPER's own parameters wherever they stand."""
    fx = get(owner, index)
    for parameter in range(plugin_count(fx) + len(_OWN) if fx else 0):
        place = parameter - plugin_count(fx)
        if ident == _ident(fx, parameter) or (place >= 0 and ident == ":" + _OWN[place]):
            return parameter
    return -1


@both
def GetFormattedParamValue(reaper, owner, index, parameter):
    fx = get(owner, index)
    value = _value(fx, parameter, False) if fx else None
    if value is None:
        return False, ""
    place = fx.eq.place(parameter) if fx.is_reaeq else None
    return True, f"{value:.2f}" if place is None else fx.eq.formatted(place, fx.eq.value(place))


@both
def SetPresetByIndex(reaper, owner, index, preset):
    """-2 is the factory state, -1 the user's default preset. The number of parameters may change with it."""
    fx = get(owner, index)
    if fx is None or not fx.is_reaeq:
        return False
    if preset not in (-1, -2):
        raise StandInError("not modeled", f"preset {preset}")
    if fx.eq.write(DEFAULT if preset == -2 else default_state(owner)):
        owner.project.touch()
    return True


@both
def FormatParamValueNormalized(reaper, owner, index, parameter, value, text):
    """With a unit, other than GetFormattedParamValue."""
    fx = get(owner, index)
    place = fx.eq.place(parameter) if fx and fx.is_reaeq else None
    if place is None:
        return False, ""
    unit = ("Hz", "dB", "oct")[place.field]
    return True, f"{fx.eq.formatted(place, from_normalized(place.field, value))} {unit}"
