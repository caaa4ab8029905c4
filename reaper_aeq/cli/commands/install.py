"""`reaper-aeq install`: the actions into REAPER's folder and its action list, and out of them again."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from ... import __version__
from ...errors import InstallError
from ...reaper.install.key_bindings import FILE, command_id
from ...reaper.install.resource_path import resource_path
from ...reaper.install.running import running_reaper
from ...reaper.install.scripts import InstallPlan, InstallRecord, plan_install, plan_uninstall, read, shipped_scripts
from ...reaper.install.startup_block import FILE as STARTUP
from ...reaper.install.startup_block import has_block
from ...server import letters
from ...server.state import default_state_file
from ...util.files import apply_changes
from .console import answer, note
from .options import Json, ResourcePath


def install(
    given: ResourcePath = None,
    start_with_reaper: Annotated[
        bool | None,
        typer.Option(
            "--start-with-reaper/--no-start-with-reaper",
            help="Start the backend whenever REAPER starts, so that the first press is quick; by default as before.",
        ),
    ] = None,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take away exactly what was installed.")] = False,
    as_json: Json = False,
) -> None:
    """Put the actions into REAPER and its action list. REAPER must not be running."""
    resource = resource_path(given)
    now = datetime.now()
    folders: list[Path] = []
    if uninstall:
        plan, folders = plan_uninstall(resource, shipped_scripts(), now)
    else:
        plan = plan_install(resource, shipped_scripts(), backend(), now, start_with_reaper)
    if plan.touches_reaper and (pid := running_reaper()) is not None:
        raise InstallError(
            f"REAPER is running (process {pid}) and would undo this when it ends: quit REAPER, then run this again"
        )
    apply_changes(plan.changes)
    mailbox = resource / letters.FOLDER
    if uninstall:
        letters.clear(mailbox)
    else:
        letters.prepare(mailbox)
        beat = letters.heartbeat(mailbox)
        if beat and beat.get("version") != __version__:
            letters.stop(mailbox)  # the next press starts the one that was just installed
    for folder in folders:
        with suppress(OSError):  # one that is gone, or that holds something of the user's
            folder.rmdir()
    answer(as_json, report(plan, resource, uninstall), told_uninstall(plan) if uninstall else told_install(plan))
    for path in plan.kept:
        note(f"note: you had changed {path.name.removesuffix('.yours')}; your version is {path}")


def backend() -> InstallRecord:
    """How the actions start this program, and where it tells them its address."""
    if not sys.executable:
        raise InstallError("this Python does not know where it is installed: run the command from the one that does")
    return InstallRecord([sys.executable, "-m", "reaper_aeq"], str(default_state_file().absolute()), __version__)


def report(plan: InstallPlan, resource: Path, uninstall: bool) -> dict[str, Any]:
    """What was done, JSON-ready."""
    written = [str(path) for path, data in plan.changes.items() if data is not None]
    return {
        "resource_path": str(resource),
        "folder": str(plan.place),
        "installed": not uninstall,
        "by_reapack": plan.by_reapack,
        "starts_with_reaper": has_block(read(resource / "Scripts" / STARTUP)),
        "actions": [{"name": PurePosixPath(file).stem, "command_id": f"_{command_id(file)}"} for file in plan.actions],
        "written": written,
        "removed": [str(path) for path, data in plan.changes.items() if data is None],
        "kept": [str(path) for path in plan.kept],
        "backup": str(plan.backup) if plan.backup else None,
        "keys_left": plan.uses,
    }


def told_install(plan: InstallPlan) -> str:
    """What was done, and what comes next."""
    if plan.by_reapack:
        how = "Recorded where the backend is" if plan.changes else "Nothing to do: the backend is recorded"
        return f"{how}; ReaPack has put the actions into {plan.place} and keeps them up to date."
    what = f"{len(plan.actions)} actions are in {plan.place} and in REAPER's action list"
    if not plan.changes:
        return f"Nothing to do: {what} already."
    kept = f" The old action list is kept as {plan.backup}." if plan.backup else ""
    return (
        f"Done: {what}.{kept}\n\n"
        "Next:\n"
        "  1. Start REAPER and open Actions > Show action list. Type AEQ to see the actions.\n"
        "  2. Choose 'AEQ_Make warmer', press Add under its shortcuts, then the key you want.\n"
        "  3. Select an item or a track and press that key. The first press takes a few seconds.\n"
        "If something does not work, run the action 'AEQ_Self-test' in REAPER."
    )


def told_uninstall(plan: InstallPlan) -> str:
    """What was done, and what stays."""
    if not plan.changes:
        return "Nothing to do: reaper-aeq is not installed there."
    kept = f" The old action list is kept as {plan.backup}." if plan.backup else ""
    left = f" Keys and custom actions that name them stay in {FILE} ({plan.uses}) and work again after a new install."
    done = f"Done: the actions were removed from {plan.place} and from REAPER's action list."
    return done + kept + left * bool(plan.uses)
