"""`reaper_python`, the module through which Python inside REAPER calls it: the registry's functions, with what REAPER's
own module does to arguments and answers.

REAPER's module packs every argument with ctypes, hands pointers out as texts such as `(MediaTrack*)0x00000000DEADBEEF`,
takes a place for each value that comes back, and gives back a tuple of the answer and all arguments as soon as there is
one such place. `python_api.tsv` has each function's C arguments:

    i b d s  integer, boolean, double, text        X*  a pointer (GUID* is one, where Lua has a text)
    o z      a buffer for a text, and its size     S   a text that goes in and comes back in a buffer of 4 MB
    I B D    places for an integer, a boolean, a double      E    a double that goes in and comes back
    F        a place for a boolean that is only read
    N        a place for a name that does not come back (measured of EnumProjectMarkers3: the argument does)
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import ArgumentRefused, StandInError
from .registry import FUNCTIONS, api
from .signatures import check_arguments, check_returns, signatures

TABLE = Path(__file__).with_name("python_api.tsv")
BUFFER_BYTES = 4 * 1024 * 1024
ONLY_OUT = ("o", "I", "B", "D", "N")
COMES_BACK = (*ONLY_OUT, "S", "E")
GOES_IN = ("F",)  # in a place of its own, so that the answer is a tuple with it as it was given
_POINTER = re.compile(r"\((\w+\*)\)0x([0-9A-F]{16})")
_PACKED = {"i": ctypes.c_int, "b": ctypes.c_byte, "d": ctypes.c_double}
_PLACES = {"I": ctypes.c_int, "B": ctypes.c_byte, "D": ctypes.c_double, "E": ctypes.c_double, "F": ctypes.c_byte}
_PLACES["z"] = ctypes.c_int


@dataclass(frozen=True)
class Row:
    """A line of the table; `returns` is "" for nothing."""

    name: str
    arguments: tuple[str, ...]
    returns: str


@cache
def table() -> dict[str, Row]:
    found = {}
    for line in TABLE.read_text().splitlines()[1:]:
        name, arguments, returns = line.split("\t")
        found[name] = Row(name, tuple(filter(None, arguments.split(","))), returns)
    return found


class Pointers:
    """Addresses of the stand-in's handles: each has one for ever, as a deleted thing's address stays a dangling one."""

    def __init__(self) -> None:
        self._address: dict[int, int] = {}
        self._handles: dict[int, Any] = {}

    def of(self, handle: Any) -> int:
        if handle is None:
            return 0
        if id(handle) not in self._address:
            self._address[id(handle)] = address = 0x55D0_0000_0000 + 0x100 * (len(self._handles) + 1)
            self._handles[address] = handle  # kept, so that no other object gets its id
        return self._address[id(handle)]

    def handle(self, address: int) -> Any:
        return self._handles.get(address)

    def text(self, kind: str, handle: Any) -> str:
        return f"({kind})0x{self.of(handle):016X}"


@api
def guidToString(reaper, guid, text):
    """Lua has GUIDs as texts already."""
    return guid


@api
def SetGlobalAutomationOverride(reaper, mode):
    """Measured: no undo point."""
    reaper.automation_override = mode


def reaper_python(reaper: Any) -> ModuleType:
    """The module; a call that breaks a rule is noted as a violation and fails like REAPER's would."""
    module = ModuleType("reaper_python")
    pointers = Pointers()

    def packp(kind: str, text: Any) -> int:
        match = _POINTER.fullmatch(str(text))
        return int(match[2], 16) if match and kind in (match[1], "void*") else 0

    def validate(project: int, pointer: int, kind: bytes) -> int:
        handle = pointers.handle(pointer)
        arguments = (pointers.handle(project) or reaper.project, handle, kind.decode())
        return int(handle is not None and FUNCTIONS["ValidatePtr2"](reaper, *arguments))

    # reapy calls this one past the module, by its address in memory
    keep = ctypes.CFUNCTYPE(ctypes.c_byte, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p)(validate)
    module.__dict__.update(
        _ft={"ValidatePtr2": ctypes.cast(keep, ctypes.c_void_p).value},
        _keep=keep,
        rpr_packp=packp,
        rpr_packsc=lambda text: ctypes.c_char_p(str(text).encode()),
        pointers=pointers,
    )
    for row in table().values():
        module.__dict__[f"RPR_{row.name}"] = _function(reaper, module, row)
    return module


def _function(reaper: Any, module: ModuleType, row: Row):
    def call(*arguments):
        if len(arguments) != len(row.arguments):
            raise TypeError(f"RPR_{row.name} takes {len(row.arguments)} arguments, not {len(arguments)}")
        try:
            given = [_packed(module, kind, value) for kind, value in zip(row.arguments, arguments, strict=True)]
            signature = signatures()[row.name]
            passed = [v for kind, v in zip(row.arguments, given, strict=True) if kind not in (*ONLY_OUT, "z")]
            passed = [bool(v) if k == "boolean" else v for k, v in zip(signature.arguments, passed, strict=True)]
            result = FUNCTIONS[row.name](reaper, *check_arguments(signature, tuple(passed), reaper))
            values = list(check_returns(signature, result))
        except ArgumentRefused as error:
            reaper.violate("argument", str(error), reaper.running)
            raise
        except StandInError as error:
            reaper.violate(error.rule, str(error), reaper.running)
            raise
        return _answer(module, row, arguments, given, values)

    call.__name__ = call.__qualname__ = f"RPR_{row.name}"
    return call


def _packed(module: ModuleType, kind: str, value: Any) -> Any:
    """What reaches REAPER of an argument; what ctypes would not take raises TypeError."""
    if kind.endswith("*"):
        address = module.rpr_packp(kind, value)
        if not address and not (kind == "ReaProject*" and value in (0, None)):
            raise ArgumentRefused(f"{value!r} is no {kind}: REAPER would get a null pointer")
        handle = module.pointers.handle(address)
        if address and handle is None:
            raise ArgumentRefused(f"{value!r} was never given out")
        return handle if address else 0
    if kind in _PLACES:
        return _PLACES[kind](value).value
    if kind in _PACKED:
        return _PACKED[kind](value).value
    value = str(value)  # as REAPER's module does; reapy hands a port over so
    if len(value.encode()) >= BUFFER_BYTES and kind in "So":
        raise ArgumentRefused("a text longer than the buffer of reaper_python")
    return value


def _answer(module: ModuleType, row: Row, arguments: tuple, given: list, values: list) -> Any:
    returned = _unpacked(module, row.returns, values.pop(0)) if row.returns else None
    if not any(kind in (*COMES_BACK, *GOES_IN) for kind in row.arguments):
        return returned
    out = []
    for place, (kind, argument) in enumerate(zip(row.arguments, arguments, strict=True)):
        if kind not in COMES_BACK:
            out.append(_PLACES[kind](argument).value if kind in GOES_IN else argument)
            continue
        if kind == "N":
            values.pop(0)
            out.append(argument)
            continue
        value = _unpacked(module, {"o": "s", "S": "s", "E": "d"}.get(kind, kind.lower()), values.pop(0))
        if kind in "oS":
            has_size = row.arguments[place + 1 : place + 2] == ("z",)
            value = _cut(value, given[place + 1] if has_size else BUFFER_BYTES)
        out.append(value)
    return (returned, *out) if row.returns else tuple(out)


def _unpacked(module: ModuleType, kind: str, value: Any) -> Any:
    if kind.endswith("*"):
        return module.pointers.text(kind, value)
    if kind == "s":
        # a null pointer: REAPER's module decodes it without a look, and fails
        return str(value.encode("utf-8", "surrogateescape").decode())  # REAPER's module decodes strictly
    return {"b": int, "i": int, "d": float}[kind](value)


def _cut(text: str, size: int) -> str:
    """REAPER writes as much as fits, with a zero at the end."""
    if size > BUFFER_BYTES:
        raise ArgumentRefused(
            f"a buffer size of {size}: reaper_python's buffers hold {BUFFER_BYTES}, REAPER would crash"
        )
    return text.encode()[: max(0, size - 1)].decode("utf-8", "ignore")
