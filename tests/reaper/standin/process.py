"""ExecProcess: really starts programs, without a shell, as REAPER does (docs/reaper.md, section 12)."""

from __future__ import annotations

import os
import re
import subprocess

from .errors import StandInError
from .registry import api
from .systems import WINDOWLESS, is_mac, is_windows, real

_ARGUMENT = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[^\s"'])+)""")


def split_command(line: str) -> list[str]:
    """Words of a command line: both kinds of quotes, no escaping, no shell.

    >>> split_command("/bin/sh -c 'a b' \\"c d\\"")
    ['/bin/sh', '-c', 'a b', 'c d']
    """
    if line.count('"') % 2 or (line.count("'") % 2 and '"' not in line):
        raise StandInError("ExecProcess", f"a quote is never closed: {line}")
    parts = (match[1] for match in _ARGUMENT.finditer(line))
    return [re.sub(r"\"([^\"]*)\"|'([^']*)'", lambda m: m[1] if m[1] is not None else m[2], part) for part in parts]


@api
def ExecProcess(reaper, command, timeout_ms):
    """nil if it cannot be started, else the exit code, a line break and the output.

    -1 and -2 do not wait; what they return says nothing about the process. A program must be given by its whole path:
    REAPER started from a dock or menu has no useful PATH on macOS, so a script that relies on one fails there.

    On macOS what is started so never runs, and nil is all that tells. On Windows every program with a console shows it,
    unless it is one without and is not waited for (-2).
    """
    words = split_command(command)
    reaper.started.append(command)
    if is_mac(reaper):
        return None
    if is_windows(reaper):
        program = words[0].replace("\\", "/").rpartition("/")[2].lower() if words else ""
        if program not in WINDOWLESS or timeout_ms != -2:
            raise StandInError("console", f"{command} ({timeout_ms:g}) shows a console window on Windows")
        if program == "rundll32.exe":
            reaper.browsed.append(words[-1])
            return "0\n"
        words = [real(reaper, word) for word in words]
    if not words or not os.path.isabs(words[0]) or not os.access(words[0], os.X_OK):
        return None
    waits = timeout_ms >= 0
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if waits else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if waits else subprocess.DEVNULL,
            env=reaper.env,
            start_new_session=True,
        )
    except OSError:
        return None
    if not waits:
        reaper.processes.append(process)
        return "0\n"
    try:
        output, _ = process.communicate(timeout=timeout_ms / 1000 if timeout_ms else None)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    return f"{process.returncode}\n{output.decode('utf-8', 'surrogateescape')}"
