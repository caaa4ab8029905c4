"""Named config parameters: names of instances, ReaEQ's band types and switches, its state (docs/reaper.md, 3)."""

from __future__ import annotations

import base64
from dataclasses import replace

from reaper_aeq.reaper.reaeq.state import StateError, parse_state

from .fx_api import both, closed, get
from .fx_chain import Fx, children


@both
def GetNamedConfigParm(reaper, owner, index, name):
    fx = get(owner, index)
    value = _read(reaper, fx, name) if fx else None
    return value is not None, value or ""


def _read(reaper, fx: Fx, name: str) -> str | None:
    words = fx.node.arguments
    if name == "renamed_name":
        return fx.renamed
    if name in ("fx_name", "original_name"):
        return fx.plugin_name
    if fx.is_container or name == "parent_container":
        return _of_container(fx, name)
    if name == "fx_type":
        return fx.plugin_name.split(":")[0]
    if name == "fx_ident":
        return f"{words[1]}<{words[4].split('<')[0]}" if fx.node.name == "VST" and len(words) > 4 else words[0]
    band = _band(fx, name)
    if band is not None:
        state = fx.eq.state.bands[band]
        return str(state.type if name.startswith("BANDTYPE") else int(state.enabled))
    if name == "vst_chunk" and fx.is_reaeq and reaper.eq_chunk != "refused":
        return base64.b64encode(_chunk(reaper, fx)).decode()
    return None


def _of_container(fx: Fx, name: str) -> str | None:
    if name == "parent_container":
        return str(fx.inside.index) if fx.inside else None
    if name in ("fx_type", "fx_ident"):
        return {"fx_type": "Container", "fx_ident": "__builtin_container"}[name]
    inside = children(fx)
    if name == "container_count":
        return str(len(inside))
    number = name.removeprefix("container_item.")
    return str(inside[int(number)].index) if number.isdigit() and int(number) < len(inside) else None


def _chunk(reaper, fx: Fx) -> bytes:
    header, body, _ = fx.eq.state.parts()
    return body if reaper.eq_chunk == "B" else header + body


def _band(fx: Fx, name: str) -> int | None:
    """The band that BANDTYPEn or BANDENABLEDn means, if this is a ReaEQ that has it."""
    for key in ("BANDTYPE", "BANDENABLED"):
        number = name.removeprefix(key)
        if name.startswith(key) and number.isdigit() and fx.is_reaeq and int(number) < len(fx.eq.state.bands):
            return int(number)
    return None


@both
def SetNamedConfigParm(reaper, owner, index, name, value):
    fx = get(owner, index)
    if fx is None or closed(owner):
        return False
    if name == "renamed_name":
        fx.rename(value)
        return True
    if name == "vst_chunk":
        return _set_chunk(reaper, fx, value)
    band = _band(fx, name)
    if band is None or not value.isdigit():
        return False
    number = int(value)
    if name.startswith("BANDTYPE"):
        if number > 10:
            return False
        changed = fx.eq.set_band(band, type=number)
    else:
        changed = fx.eq.set_band(band, enabled=bool(number))
    if changed:
        owner.project.touch()
    return name.startswith("BANDTYPE")  # BANDENABLED works and answers false


def _set_chunk(reaper, fx: Fx, value: str) -> bool:
    if not fx.is_reaeq or reaper.eq_chunk == "refused":
        return False
    try:
        data = base64.b64decode(value, validate=True)
        is_body = data[:4] in (b"\x20\0\0\0", b"\x21\0\0\0")
        if is_body != (reaper.eq_chunk == "B"):
            return False
        new = parse_state(data)
    except (ValueError, StateError):
        return False
    if fx.eq.write(replace(fx.eq.state, bands=new.bands, gain=new.gain, options=new.options)):
        fx.owner.project.touch()
    return True
