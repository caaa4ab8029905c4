"""From targets to sound files: as few renders as possible, everything put back after.

A render stops and starts the audio device, which on some machines takes twenty seconds: one render serves many targets.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from . import fx, preferences, render_state, write
from .api import Api, Later, LiveError
from .rendered import Rendered, RenderedPart, refuse_the_mix, wait_for
from .spans import Group, groups
from .target import Target

RENDER_AND_CLOSE = 42230  # "Render project, using the most recent render settings, auto-close render dialog"
WAV_32_FLOAT = base64.b64encode(b"evaw\x20\x00\x01").decode()  # all seven bytes: four alone were measured to be silence
# RENDER_SETTINGS as measured: 2 alone is the master mix on some systems; what 32 (items) holds of FX on items, and what
# 8192 (before the fader) does, nobody has measured
SOURCE = {"stem": 3, "master": 0}
CUSTOM_BOUNDS, TIME_SELECTION = 0, 2
_numbers = count(1)


def render(reaper: Api, targets: Sequence[Target], folder: Path, may_wait: bool, longest_s: float) -> list[Rendered]:
    """Renders all targets into `folder`, at most `longest_s` of each. To be called while REAPER is held.

    `may_wait` False: something is in the project that must be out of it before REAPER goes on with its own work, so a
    render in the background is refused. Raises `LiveError`.
    """
    preferences.check(reaper)
    found = {id(target): Rendered(target, folder) for target in targets}
    with reaper.guard() as later:
        later(lambda: reaper("PreventUIRefresh", -1))
        reaper("PreventUIRefresh", 1)
        later(render_state.transport(reaper))
        later(render_state.keys(reaper))
        for group in groups(reaper, targets, longest_s):
            write.check_still_there(reaper, group.targets)  # the render before may have been in the background
            for target, path in _rendered(reaper, group, folder, may_wait):
                part = RenderedPart(path, group.start_s, group.end_s, group.spans.get(id(target)))
                found[id(target)].parts.append(part)
    return list(found.values())


def _rendered(reaper: Api, group: Group, folder: Path, may_wait: bool) -> list[tuple[Target, Path]]:
    """The file of each target of a group: of one render where REAPER tells their names apart, else of one each."""
    with reaper.guard() as later:
        render_state.no_automation(reaper, [target.track for target in group.targets], later)
        for target in group.targets:
            _quiet(reaper, group, target, later)
        if group.how == "stem":
            render_state.lift_solos(reaper, {target.track for target in group.targets}, later)
        files = _files(reaper, group, folder, may_wait)
        if files is None:  # one after the other, which leaves nothing to mix up
            files = []
            for one in group.targets:
                write.check_still_there(reaper, group.targets)
                files += _files(reaper, replace(group, targets=[one]), folder, may_wait) or []
        if group.how == "stem" and len(files) > 1:
            refuse_the_mix(reaper, files, lambda: _mix(reaper, group, folder, may_wait))
        return files


def _files(reaper: Api, group: Group, folder: Path, may_wait: bool) -> list[tuple[Target, Path]] | None:
    """Renders a group at once. None, and nothing rendered, where REAPER would not write a file for each of several."""
    with reaper.guard() as later:
        if group.how == "stem":
            render_state.select_tracks(reaper, {target.track for target in group.targets}, later)
        render_state.disarm(reaper, later)  # behind the selection, which may arm tracks by itself
        names = _prepare(reaper, group, folder)
        found = _by_target(group, names)
        if found is None and len(group.targets) > 1:
            return None
        # before anything is rendered: what else REAPER would do is another thing than asked
        if found is None:
            raise LiveError(
                f"REAPER would render {len(names)} files for {group.targets[0].name!r} where one was asked for: the"
                " action 'AEQ_Self-test' shows what is different in this REAPER"
            )
        if there := next((folder / name for name in names if os.path.lexists(folder / name)), None):
            raise LiveError(f"{there} is there already, and REAPER would ask about it: remove it")
        _run(reaper, [folder / name for name in names], may_wait)
        return [(target, folder / name) for target, name in found]


def _quiet(reaper: Api, group: Group, target: Target, later: Later) -> None:
    """What must not be heard: the EQ is computed from the sound that reaches it, and from the chosen items alone."""
    first = target.instance.index if target.instance else 0 if target.place == "first" else None
    if first is not None:
        behind = fx.from_here_on(fx.chain(reaper, target.track), first)
        fx.bypass_for_now(reaper, target.track, [one.index for one in behind], later)
    if target.items:
        span = (group.start_s, group.end_s)
        render_state.mute_others(reaper, target.track, set(target.items), span, later)
        if not target.has_midi:  # an instrument may play what others send to it
            render_state.cut_off(reaper, target.track, later)


def _by_target(group: Group, names: Sequence[str]) -> list[tuple[Target, str]] | None:
    """One name for each target; None where the names do not tell whose they are."""
    if len(names) == len(group.targets) == 1:
        return [(group.targets[0], names[0])]
    by_number = {target.number: target for target in group.targets}
    numbers = [int(match[1]) for name in names if (match := re.match(r"aeq\d+[a-z]-(\d+)", name))]
    if len(numbers) != len(names) or sorted(numbers) != sorted(by_number):
        return None
    return [(by_number[number], name) for number, name in zip(numbers, names, strict=True)]


def _prepare(reaper: Api, group: Group, folder: Path) -> list[str]:
    """Sets the keys and returns the names of the files that REAPER is going to write."""
    # a name of our own; a wildcard only where one render has several targets
    stem = f"aeq{next(_numbers)}{group.how[0]}"
    pattern = stem if len(group.targets) == 1 else f"{stem}-$tracknumber"
    texts = {"RENDER_FILE": str(folder), "RENDER_PATTERN": pattern}
    texts |= {"RENDER_FORMAT": WAV_32_FLOAT, "RENDER_FORMAT2": ""}
    unused = ("RENDER_TAILMS", "RENDER_STARTPOS", "RENDER_ENDPOS")
    # rate 0: the project's; no tail, no dither
    numbers = {key: 0 for key in render_state.NUMBERS if key not in unused}
    numbers |= {"RENDER_SETTINGS": SOURCE[group.how], "RENDER_CHANNELS": 2, "RENDER_BOUNDSFLAG": CUSTOM_BOUNDS}
    render_state.set_keys(reaper, texts, numbers)
    kept = render_state.set_bounds(reaper, group.start_s, group.end_s)
    names = _names(reaper, stem) if kept else []
    if not names:
        # seen in one REAPER: the custom bounds are ignored, and "Nothing to render!" would stop everything
        preferences.refuse_locked_selection(reaper)
        reaper("GetSet_LoopTimeRange2", reaper.project, True, False, group.start_s, group.end_s, False)
        render_state.set_keys(reaper, {}, {"RENDER_BOUNDSFLAG": TIME_SELECTION})
        names = _names(reaper, stem)
    return names


def _names(reaper: Api, stem: str) -> list[str]:
    """Of RENDER_TARGETS. They are joined by ';', which is legal in the name of a folder too."""
    text = render_state.text_of(reaper, "RENDER_TARGETS")
    return re.findall(rf"{stem}[^;/\\]*\.wav", text, re.IGNORECASE)


def _run(reaper: Api, files: list[Path], may_wait: bool) -> None:
    if not files:
        raise LiveError("REAPER has nothing to render there: check that the items are not empty")
    preferences.media_online(reaper)
    reaper("Main_OnCommandEx", RENDER_AND_CLOSE, 0, reaper.project)  # by default returns when all is rendered
    wait_for(reaper, files, may_wait)


def _mix(reaper: Api, group: Group, folder: Path, may_wait: bool) -> Path | None:
    """The master mix over the same time, everything else as it is for the group."""
    write.check_still_there(reaper, group.targets)
    names = _prepare(reaper, replace(group, how="master", targets=group.targets[:1]), folder)
    if len(names) != 1:
        return None
    _run(reaper, [folder / names[0]], may_wait)
    return folder / names[0]
