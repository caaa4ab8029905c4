"""A user's own defaults: a TOML file whose keys are options, for all commands or for one.

    intensity = 0.8          # for every command that has --intensity
    [batch]
    workers = 4              # for 'reaper-aeq batch' only
    [evaluate.listen]
    excerpt = 12.0

What stands on the command line counts more. Standard library only.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..util.paths import user_folder
from ..util.small_files import read_toml

SETTING, OFF = "AEQ_CONFIG", "off"
MAX_BYTES = 100_000


def config_file(system: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where it is looked for; None where `AEQ_CONFIG` says that none is wanted.

    >>> config_file("linux", {"HOME": "/home/ann"}).as_posix()
    '/home/ann/.config/reaper-aeq/config.toml'
    """
    if given := environ.get(SETTING, "").strip():
        return None if given.lower() == OFF else Path(given).expanduser()
    folder = user_folder(system, environ, ("APPDATA", "Roaming"), ("XDG_CONFIG_HOME", ".config"))
    return folder / "config.toml"


def read_defaults(command: Any, path: Path | None) -> dict[str, Any]:
    """What the command line's options are by default: {parameter: value}, with a dictionary for each command.

    Args:
        command: of the whole command line, as typer makes it.
        path: a file that is not there says nothing.

    Raises `SettingsError` for a file that cannot be read or that names a command or option there is not.
    """
    if path is None:
        return {}
    with suppress(OSError):  # which reading it tells of
        if not path.exists():
            return {}
    data = read_toml(path, MAX_BYTES, "your defaults", "a file of defaults in TOML")
    known: set[str] = set()
    found = _defaults(command, data, {}, path, (), known)
    for key in _values(data):
        _refuse_unknown(path, key, known, "option", "")
    return found


def _defaults(
    group: Any, table: dict[str, Any], around: dict[str, Any], path: Path, place: tuple[str, ...], known: set[str]
) -> dict[str, Any]:
    """`around`: what stands in the tables around this one; all options there are go into `known`."""
    for key in [key for key in table if key not in _values(table)]:
        _refuse_unknown(path, key, group.commands, "command", " ".join(place))
    everywhere = around | _values(table)
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = table.get(name, {})
        inner = inner if isinstance(inner, dict) else {}
        if hasattr(command, "commands"):
            found[name] = _defaults(command, inner, everywhere, path, (*place, name), known)
            continue
        options = _options(command)
        known.update(options)
        for key in inner:
            _refuse_unknown(path, key, options, "option", " ".join((*place, name)))
        chosen = {key: value for key, value in everywhere.items() if _plain(key) in options} | inner
        found[name] = {options[_plain(key)]: value for key, value in chosen.items()}
    return found


def _values(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if not isinstance(value, dict)}


def _options(command: Any) -> dict[str, str]:
    """{name of an option as it is typed, without its dashes: name of the parameter}; none that only show something."""
    return {
        _plain(text): param.name
        for param in command.params
        if param.param_type_name == "option" and not param.is_eager
        for text in param.opts
        if text.startswith("--")
    }


def _plain(key: str) -> str:
    return key.lstrip("-").replace("_", "-")


def _refuse_unknown(path: Path, key: str, known: Any, what: str, where: str) -> None:
    if _plain(key) not in known:
        near = difflib.get_close_matches(_plain(key), list(known), n=1, cutoff=0.7)
        of = f" of {where!r}" if where else ""
        hint = f": did you mean {near[0]!r}?" if near else ": see --help"
        raise SettingsError(f"{path}: there is no {what} {key!r}{of}{hint}")
