"""Parameters of FX: ReaEQ's own, and the three that REAPER adds to every FX behind them."""

from __future__ import annotations

import struct

from .fx_api import both, get
from .fx_chain import Fx
from .reaeq_instance import (
    GAIN,
    Place,
    from_normalized,
    from_raw,
    to_normalized,
    to_raw,
)

_OWN = ("bypass", "wet", "delta")  # behind the plug-in's parameters


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
        return {"bypass": float(fx.flag(0)), "wet": fx.wet, "delta": 0.0}[_OWN[index - count]]
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


def _set(fx: Fx | None, index: int, value: float, normalized: bool) -> bool:
    if fx is None or _value(fx, index, normalized) is None:
        return False
    count = plugin_count(fx)
    if index >= count:
        {"bypass": lambda: fx.set_flag(0, value >= 0.5), "wet": lambda: fx.set_wet(value), "delta": lambda: None}[
            _OWN[index - count]
        ]()
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
    return _set(get(owner, index), parameter, value, False)


@both
def SetParamNormalized(reaper, owner, index, parameter, value):
    return _set(get(owner, index), parameter, value, True)


@both
def EndParamEdit(reaper, owner, index, parameter):
    return get(owner, index) is not None


def _name(fx: Fx, parameter: int) -> str | None:
    count = plugin_count(fx)
    if not 0 <= parameter < count + len(_OWN):
        return None
    if parameter >= count:
        return _OWN[parameter - count].capitalize()
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
        known = _ident(fx, parameter)
        own = parameter >= plugin_count(fx)
        if ident == known or (own and ident == ":" + known.split(":")[1]):
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
