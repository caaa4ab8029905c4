"""Installing the actions into REAPER: what would change, worked out without changing anything.

The actions go to `Scripts/reaper-aeq/AEQ_*.lua`, their library to `Scripts/reaper-aeq/aeq/`, and each action into
reaper-kb.ini. Where ReaPack has put the actions (reapack.py) they are its business: only the record goes there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from ...errors import InstallError
from ...util.files import missing_folders
from ...util.paths import shipped
from . import key_bindings, startup_block

FOLDER = "reaper-aeq"  # below Scripts; a part of the command ids, so it stays
RECORD = "aeq/installed.json"  # below the folder of the actions
REAPACK_CATEGORY = "AEQ"  # ReaPack's own place: Scripts/<name of the index>/<category>


@dataclass(frozen=True)
class InstallRecord:
    """`installed.json`: where the backend is, for the actions, and what an installation left, for the next one.

    The actions read `command`, which starts the program, `state_file` and `version` (reascripts/aeq/install.lua); the
    rest is only for us. `files` map each file's name to the digest of what was written; `folders` and `backups` (of the
    action list) were made by us, relative to REAPER's resource folder.
    """

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


@dataclass
class InstallPlan:
    """`changes` as `changes.apply` takes them; `kept` are files of ours that the user had changed."""

    place: Path
    actions: list[str] = field(default_factory=list)  # below Scripts, forward slashes
    changes: dict[Path, bytes | None] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)
    backup: Path | None = None
    uses: int = 0
    by_reapack: bool = False

    def put(self, path: Path, data: bytes | None) -> None:
        """Has a file hold this, None: be gone."""
        if read(path) != data:
            self.changes[path] = data

    @property
    def touches_reaper(self) -> bool:
        """Whether a running REAPER would notice, or undo it."""
        return any(path.name not in (Path(RECORD).name, startup_block.FILE) for path in self.changes)


def shipped_scripts(source: Path | None = None) -> dict[str, bytes]:
    """The actions and their library: path below our folder, with forward slashes, to content. Raises `InstallError`."""
    source = source or shipped("reascripts")
    found = [*source.glob("AEQ_*.lua"), *source.glob("aeq/**/*.lua")]
    if not found:
        raise InstallError(f"the actions are missing from {source}: install reaper-aeq again")
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in sorted(found)}


def actions_of(names: Mapping[str, object]) -> list[str]:
    """The actions among file names, as paths below Scripts; what is in a folder is library."""
    return [f"{FOLDER}/{name}" for name in names if "/" not in name]


def plan_install(
    resource: Path,
    scripts: Mapping[str, bytes],
    backend: InstallRecord,
    now: datetime,
    start_with_reaper: bool | None = None,
) -> InstallPlan:
    """What has to change so that `scripts` are installed and `backend` (command, state file, version) is recorded, and
    that the backend starts with REAPER or does not; None leaves that as it is."""
    place = resource / "Scripts" / FOLDER
    reapack = place / REAPACK_CATEGORY
    earlier = InstallRecord.read(place / RECORD)
    plan = InstallPlan(place)
    if os.path.isfile(reapack / "aeq" / "install.lua"):
        plan.put(reapack / RECORD, backend.to_bytes())
        plan.by_reapack = earlier is None
    _start_with_reaper(plan, resource, reapack if plan.by_reapack else place, start_with_reaper)
    if plan.by_reapack:
        return plan
    plan.actions = actions_of(scripts)
    earlier = earlier or InstallRecord()
    for name, data in scripts.items():
        path = place / name
        there = read(path)
        if there == data:
            continue
        plan.changes[path] = data
        if there is not None and digest(there) != earlier.files.get(name):
            plan.kept.append(_free(path.with_name(path.name + ".yours")))
            plan.changes[plan.kept[-1]] = there
    stale = {name: known for name, known in earlier.files.items() if name not in scripts}
    _remove(plan, place, stale)
    bindings = resource / key_bindings.FILE
    bound = read(bindings)
    listed = key_bindings.without_scripts(bound or b"", FOLDER, keep=plan.actions)
    listed = key_bindings.with_scripts(listed, plan.actions, resource / "Scripts")
    _list(plan, bindings, bound, listed, now)
    made = missing_folders(path.parent for path in plan.changes)
    record = replace(
        backend,
        files={name: digest(data) for name, data in scripts.items()},
        folders=[*earlier.folders, *(folder.relative_to(resource).as_posix() for folder in made)],
        backups=[*earlier.backups, *([plan.backup.name] if plan.backup else [])],
    )
    plan.put(place / RECORD, record.to_bytes())
    return plan


def plan_uninstall(resource: Path, scripts: Mapping[str, bytes], now: datetime) -> tuple[InstallPlan, list[Path]]:
    """What has to change so that nothing is left of any installation, and folders to remove then if they are empty.

    Files of the user stay, and so do files of ours that they changed. Keys and custom actions that refer to our actions
    are the user's work: they stay, and work again after another installation, which gives the same ids.
    """
    place = resource / "Scripts" / FOLDER
    # without a record: what is byte for byte ours
    record = InstallRecord.read(place / RECORD) or InstallRecord(
        files={name: digest(data) for name, data in scripts.items()}
    )
    plan = InstallPlan(place, actions_of(record.files))
    _remove(plan, place, record.files)
    for path in (place / RECORD, place / REAPACK_CATEGORY / RECORD):
        if os.path.isfile(path):
            plan.changes[path] = None
    bindings = resource / key_bindings.FILE
    if (data := read(bindings)) is not None:
        plan.uses = key_bindings.uses(data, key_bindings.own_ids(data, FOLDER))
        listed = key_bindings.without_scripts(data, FOLDER)
        # a backup that, our lines apart, is what is left now has done its work
        backups = {path: saved for name in record.backups if (saved := read(path := resource / name)) is not None}
        done = [path for path, saved in backups.items() if key_bindings.without_scripts(saved, FOLDER) == listed]
        plan.changes |= dict.fromkeys(done)
        _list(plan, bindings, data, listed, now, backup=bool(listed) and not done)
        if data and not listed and all(backups.values()):
            plan.changes[bindings] = None  # there was none before us: an empty one would have been backed up
    _start_with_reaper(plan, resource, place, False)
    folders = [resource / name for name in reversed(record.folders)]
    return plan, folders or [place / "aeq", place]


def read(path: Path) -> bytes | None:
    """A file's content, None where there is none. Raises `InstallError`."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InstallError(f"cannot read {path}: {error.strerror}: check this file") from error


def _remove(plan: InstallPlan, place: Path, known: Mapping[str, str]) -> None:
    """Removes files that are as we left them."""
    for name, known_digest in known.items():
        there = read(place / name)
        if there is not None and digest(there) == known_digest:
            plan.changes[place / name] = None
        elif there is not None:
            plan.kept.append(place / name)


def _list(plan: InstallPlan, path: Path, data: bytes | None, listed: bytes, now: datetime, backup: bool = True) -> None:
    if listed == (data or b""):
        return
    if data is not None and backup:
        plan.backup = _free(path.with_name(f"{path.name}.{now:%Y-%m-%d-%H%M%S}.bak"))
        plan.changes[plan.backup] = data
    plan.changes[path] = listed


def _start_with_reaper(plan: InstallPlan, resource: Path, place: Path, wanted: bool | None) -> None:
    """Our block in REAPER's start-up script; one that is there follows the library."""
    path = resource / "Scripts" / startup_block.FILE
    there = read(path)
    if wanted is None and not (there and startup_block.has_block(there)):
        return
    library = (place / "aeq").relative_to(resource / "Scripts").as_posix()
    data = startup_block.without_block(there) if wanted is False else startup_block.with_block(there, library)
    plan.put(path, data)


def _free(path: Path) -> Path:
    """A name that is not taken: this one, or with a number behind it."""
    taken, number = path, 1
    while os.path.lexists(taken):
        number += 1
        taken = path.with_name(f"{path.name}-{number}")
    return taken
