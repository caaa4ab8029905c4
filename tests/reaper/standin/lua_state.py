"""Lua states as REAPER's: nothing of Python in them, pointers that cannot be indexed, strings of bytes."""

from __future__ import annotations

import importlib
from functools import partial


def _make_runtime(version: str):
    return importlib.import_module(f"lupa.lua{version.replace('.', '')}").LuaRuntime(
        unpack_returned_tuples=True,
        encoding="latin-1",  # Lua strings are bytes: see to_lua
        register_eval=False,
        register_builtins=False,
        attribute_handlers=(_get_attribute, _set_attribute),
    )


RUNTIMES = {version: partial(_make_runtime, version) for version in ("5.3", "5.4")}


def to_lua(value):
    """Lua strings are bytes without an encoding; lupa carries them as Latin-1, REAPER means UTF-8."""
    return value.encode("utf-8", "surrogateescape").decode("latin-1") if isinstance(value, str) else value


def from_lua(value):
    return value.encode("latin-1").decode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _get_attribute(thing, name):
    if getattr(thing, "lua_type", "") == "reaper_array":  # of all userdata only this one may be indexed
        return thing[name]
    raise AttributeError(f"attempt to index a userdata value (field {name!r})")


def _set_attribute(thing, name, value):
    if getattr(thing, "lua_type", "") != "reaper_array":
        raise AttributeError("attempt to index a userdata value")
    thing[name] = value
