"""`installed.json`: where the backend is, for the actions, and what an installation left, for the next one.

The actions read `command`, `state_file` and `version` (reascripts/aeq/install.lua); the rest is only for us.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

RECORD = "aeq/installed.json"  # below the folder of the actions


@dataclass(frozen=True)
class InstallRecord:
    """`command` starts the program; `files` map each file's name to the digest of what was written; `folders` and
    `backups` (of the action list) were made by us, relative to REAPER's resource folder."""

    command: list[str] = field(default_factory=list)
    state_file: str = ""
    version: str = ""
    files: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    backups: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> InstallRecord | None:
        """None for a file that is absent or is no record. Names that lead out of their folder are left out: what is
        named here will be removed one day."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            files = {str(name): str(known) for name, known in data.get("files", {}).items() if _inside(str(name))}
            lists = ([str(name) for name in data.get(key, []) if _inside(str(name))] for key in ("folders", "backups"))
            command = [str(word) for word in data["command"]]
            return cls(command, str(data["state_file"]), str(data["version"]), files, *lists)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def to_bytes(self) -> bytes:
        """The file, JSON."""
        return (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")


def digest(data: bytes) -> str:
    """By which a file is known to be as it was written."""
    return hashlib.sha256(data).hexdigest()


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
