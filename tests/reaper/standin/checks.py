"""The rules that hold after each cycle and after each action: what a script must leave as it found it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reaper import Reaper
    from .script import Script

_RULES = {
    "render": ("render settings", "left changed; save and restore every RENDER_ key"),
    "tracks": ("selection", "the track selection was left changed"),
    "items": ("selection", "the item selection was left changed"),
    "play": ("play state", "left changed"),
    "time": ("time selection", "the time selection was left changed"),
    "loop": ("time selection", "the loop points were left changed"),
    "cursor": ("edit cursor", "left moved"),
    "repeat": ("repeat", "left changed"),
    "front": ("project tab", "another tab was left in front"),
}


def capture(reaper: Reaper) -> dict[tuple[Any, str], Any]:
    """What must be the same after an action, per project tab."""
    state: dict[tuple[Any, str], Any] = {(None, "front"): reaper.project}
    for project in reaper.projects:
        from .render_keys import render_state

        root = project.root
        values = {
            "render": render_state(project),
            "tracks": frozenset(t.guid for t in (project.master, *project.tracks) if t.selected),
            "items": frozenset(item.guid for item in project.items if item.selected),
            "play": project.play_state,
            "time": tuple(root.get("SELECTION") or ()),
            "loop": tuple(root.get("SELECTION2") or ()),
            "cursor": tuple(root.get("CURSOR") or ()),
            "repeat": tuple(root.get("LOOP") or ()),
        }
        state |= {(project, key): value for key, value in values.items()}
    return state


def after_cycle(reaper: Reaper, script: Script, globals_changed: str) -> None:
    if globals_changed:
        reaper.violate("globals", f"the script changed {globals_changed}", script)
    if reaper.refresh_prevented:
        reaper.violate("refresh", f"PreventUIRefresh stands at {reaper.refresh_prevented} after the cycle", script)
        reaper.refresh_prevented = 0
    for project in reaper.projects:
        if project.block:
            reaper.violate("undo block", "an undo block was left open at the end of a cycle", script)
            project.block.clear()


def after_script(reaper: Reaper, script: Script) -> None:
    if script.accessors:
        reaper.violate("accessor", f"{len(script.accessors)} audio accessors were left open", script)
    if not script.deferred_ever and not script.blocks_closed:
        # REAPER itself adds an undo point for a script that neither defers nor closes a block of its own
        reaper.project.add_undo_point(f"ReaScript: {script.path.name}", reaper.project.bytes(), -1)


def after_all(reaper: Reaper) -> None:
    """No script runs any more: everything but undo points must be as it was when the first one began."""
    now = capture(reaper)
    for key, value in reaper.baseline.items():
        project, what = key
        if (project is None or project.open) and now.get(key) != value:
            rule, message = _RULES[what]
            show = _difference if what == "render" else _both
            reaper.violate(rule, f"{message}: {show(value, now.get(key))}")
    if reaper.violations:
        return
    for project in reaper.projects:
        if project.bytes() != project.saved_state:
            reaper.violate("no undo point", f"the project changed with no undo point: {project.difference()}")
            project.saved_state = project.bytes()


def _difference(before: dict, after: dict) -> str:
    keys = sorted(k for k in set(before) | set(after) if before.get(k) != after.get(k))
    return ", ".join(f"{key} {before.get(key)!r} -> {after.get(key)!r}" for key in keys)


def _both(before: Any, after: Any) -> str:
    shown = [str(sorted(value)) if isinstance(value, frozenset) else repr(value) for value in (before, after)]
    return " -> ".join(shown)
