"""Enabling reapy's distant API in a REAPER that is not running.

What `reapy.configure_reaper` does, but line by line: it writes reaper.ini anew through a parser that loses comments,
repeated keys and other encodings, and puts the path of its script unquoted into reaper-kb.ini, so that with a space in
the path REAPER does not find the script and each further call adds another such line.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from ...errors import InstallError
from ...util.files import apply_changes
from ..chunks import quote_token
from ..install import ini
from ..install.key_bindings import words_of
from ..install.scripts import read
from . import WEB_PORT
from .reach import import_reapy

SETTINGS, ACTIONS, STATE = "reaper.ini", "reaper-kb.ini", "reaper-extstate.ini"
SERVER_PORT = 2306  # of reapy's server in REAPER: a constant of reapy
_SCRIPT = "activate_reapy_server.py"


def enable(resource: Path, port: int = WEB_PORT) -> list[Path]:
    """Python, a web interface on `port` and the action that starts reapy's server, for the REAPER of this folder.

    A copy of each file that changes stays beside it: the copies are returned. Raises `InstallError`, `OutputError`, and
    then the files are as they were.
    """
    reapy = import_reapy()
    try:
        library = Path(reapy.config.get_python_shared_library())
    except OSError:
        raise InstallError(
            "the shared library of Python, which REAPER needs, was not found: use a Python that has one"
            " (on Linux the package libpython3, or a Python of 'uv python install')"
        ) from None
    before = {name: read(resource / name) for name in (SETTINGS, ACTIONS, STATE)}
    actions, command = with_server(before[ACTIONS] or b"", reapy.config.config.get_activate_reapy_server_path())
    python = {"reascript": "1", "pythonlibpath64": str(library.parent), "pythonlibdll64": library.name}
    after = {
        SETTINGS: with_web_interface(ini.with_values(before[SETTINGS] or b"", "reaper", python), port),
        ACTIONS: actions,
        # JSON, as reapy reads it
        STATE: ini.with_values(before[STATE] or b"", "reapy", {"activate_reapy_server": f'"_{command}"'}),
    }
    changed = {resource / name: data for name, data in after.items() if data != before[name]}
    now = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    copies = {p.with_name(f"{p.name}.{now}.bak"): old for p in changed if (old := before[p.name]) is not None}
    apply_changes({**copies, **changed})
    return list(copies)


def with_web_interface(data: bytes, port: int) -> bytes:
    """reaper.ini with a web interface on `port`: `csurf_N=HTTP 0 PORT 'user:password' 'page' 0 ''`."""
    count = int(ini.value(data, "reaper", "csurf_cnt") or 0)
    surfaces = [(ini.value(data, "reaper", f"csurf_{n}") or "").split() for n in range(count)]
    if any(words[:1] == ["HTTP"] and words[2:3] == [str(port)] for words in surfaces):
        return data
    new = {"csurf_cnt": str(count + 1), f"csurf_{count}": f"HTTP 0 {port} '' 'index.html' 0 ''"}
    return ini.with_values(data, "reaper", new)


def with_server(data: bytes, script: str) -> tuple[bytes, str]:
    """The action list with exactly one line for reapy's `script`, and that line's command id.

    A line that is there keeps its id, for keys may refer to it; lines for the same script that REAPER cannot read go.
    """
    ending, lines = ini.ending_of(data), ini.lines_of(data)
    ours = [n for n, line in enumerate(lines) if _is_for(line, script)]
    fresh = "RS" + hashlib.sha1(f"reapy server {script}".encode()).hexdigest()
    command = words_of(lines[ours[0]])[3] if ours else fresh
    new = f"SCR 4 0 {command} {quote_token(f'Custom: {_SCRIPT}')} {quote_token(script)}".encode()
    if ours:
        if words_of(lines[ours[0]])[5:] != [script]:
            lines[ours[0]] = new + ending
        lines = [line for n, line in enumerate(lines) if n not in ours[1:]]
    else:
        if lines and not lines[-1].endswith(b"\n"):
            lines[-1] += ending
        lines.append(new + ending)
    return data[: ini.start_of(data)] + b"".join(lines), command


def _is_for(line: bytes, script: str) -> bool:
    """A script line of the main section for this file, quoted or not."""
    words, unquoted = words_of(line), f'" {script}'.encode("utf-8", "surrogateescape")
    named = words[:1] == ["SCR"] and words[2:3] == ["0"] and words[4:5] == [f"Custom: {_SCRIPT}"]
    return named and (words[5:] == [script] or line.rstrip().endswith(unquoted))
