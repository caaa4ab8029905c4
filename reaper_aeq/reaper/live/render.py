"""From targets to sound files: as few renders as possible, everything put back after.

A render stops and starts the audio device, which on some machines takes twenty seconds: one render serves many targets.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import soundfile

from ...errors import OutputError
from ...files import output_error
from . import fx, preferences, render_state
from .api import Api, Later, LiveError
from .render_wait import wait_for
from .spans import Group, expected_s, groups
from .stems import refuse_the_mix
from .target import Target

RENDER_AND_CLOSE = 42230  # "Render project, using the most recent render settings, auto-close render dialog"
WAV_32_FLOAT = base64.b64encode(b"evaw\x20\x00\x01").decode()  # all seven bytes: four alone were measured to be silence
# RENDER_SETTINGS as measured: 2 alone is the master mix on some systems, bits for "before the fader" are unmeasured
SOURCE = {"items": 32, "stem": 3, "master": 0}
CUSTOM_BOUNDS, TIME_SELECTION, ITEM_BOUNDS = 0, 2, 4
SHORT_S = 0.01  # REAPER rounds bounds to samples; anything shorter than that was stopped
_BLOCK = 2**16
_numbers = count(1)


@dataclass
class Rendered:
    """What REAPER wrote for a target: a file, or one for each of its items, and how long it must be in all."""

    target: Target
    files: list[Path]
    expected_s: float
    folder: Path

    def whole(self) -> Path:
        """One sound file, several items one after another. Raises `LiveError` for what was not rendered to its end."""
        name, folder = self.target.name, self.folder.parent
        there = [path for path in self.files if path.is_file()]
        if not there:
            raise LiveError(f"REAPER rendered nothing for {name!r}: is there room in {folder}?")
        if _length_s(there) < self.expected_s - SHORT_S * len(self.files):
            raise LiveError(
                f"REAPER did not render {name!r} to its end: if you did not stop it, free space in {folder}"
            )
        return _joined(there, self.folder)


def render(reaper: Api, project: str, targets: Sequence[Target], folder: Path, may_wait: bool = True) -> list[Rendered]:
    """Renders all targets into `folder`. To be called while REAPER is held.

    `may_wait` False: something is in the project that must be out of it before REAPER goes on with its own work, so a
    render in the background is refused. Raises `LiveError`.
    """
    preferences.check(reaper)
    found: dict[int, Rendered] = {}
    with reaper.guard() as later:
        later(lambda: reaper("PreventUIRefresh", -1))
        reaper("PreventUIRefresh", 1)
        later(render_state.transport(reaper, project))
        later(render_state.keys(reaper, project))
        for group in groups(reaper, project, targets):
            for target, files in _rendered(reaper, project, group, folder, may_wait):
                found[id(target)] = Rendered(target, files, expected_s(group, target), folder)
    return [found[id(target)] for target in targets]


def _rendered(reaper: Api, project: str, group: Group, folder: Path, may_wait: bool) -> list[tuple[Target, list[Path]]]:
    """The files of each target of a group: of one render where REAPER tells their names apart, else of one each."""
    with reaper.guard() as later:
        _select(reaper, project, group, later)
        render_state.no_automation(reaper, project, [target.track for target in group.targets], later)
        for target in group.targets:
            # the EQ is computed from the sound that reaches it: without itself, and without what follows it
            first = target.instance.index if target.instance else 0 if target.place == "first" else None
            if first is not None:
                chain = fx.chain(reaper, target.track)
                fx.bypass_for_now(reaper, project, target.track, fx.from_here_on(chain, first), later)
        names = _prepare(reaper, project, group, folder)
        found = _by_target(group, names)
        if found is None and len(group.targets) > 1:
            singles = [Group(group.how, [one], group.start_s, group.end_s, group.items) for one in group.targets]
        else:
            _check_targets(group, found or {}, folder)
            _run(reaper, project, [folder / name for name in names], may_wait)
            if group.how == "stem" and len(group.targets) > 1:
                stems = [(target, folder / names[0]) for target, names in (found or {}).values()]
                refuse_the_mix(reaper, project, stems, lambda: _mix(reaper, project, group, folder, may_wait))
            return [(target, [folder / name for name in names]) for target, names in (found or {}).values()]
    return [one for single in singles for one in _rendered(reaper, project, single, folder, may_wait)]


def _by_target(group: Group, names: Sequence[str]) -> dict[int, tuple[Target, list[str]]] | None:
    """{track number: (target, names)}; None where the names do not tell."""
    if len(group.targets) == 1:
        return {group.targets[0].number: (group.targets[0], list(names))}
    found: dict[int, tuple[Target, list[str]]] = {target.number: (target, []) for target in group.targets}
    for name in names:
        number = re.match(r"aeq\d+[a-z]-(\d+)", name)
        if number is None or int(number[1]) not in found:
            return None
        found[int(number[1])][1].append(name)
    return found


def _check_targets(group: Group, found: dict[int, tuple[Target, list[str]]], folder: Path) -> None:
    """One path for each thing, before anything is rendered: what else REAPER would do is another thing than asked."""
    for target, names in found.values():
        wanted = len(group.items[id(target)]) if group.how == "items" else 1
        if len(names) != wanted:
            raise LiveError(
                f"REAPER would render {len(names)} files for {target.name!r} where {wanted} were asked for: the action"
                " 'AEQ_Self-test' shows what is different in this REAPER"
            )
        for name in names:
            if os.path.lexists(folder / name):
                raise LiveError(f"{folder / name} is there already, and REAPER would ask about it: remove it")


def _select(reaper: Api, project: str, group: Group, later: Later) -> None:
    if group.how == "items":
        items = {item for target in group.targets for item in group.items[id(target)]}
        render_state.select_items(reaper, project, items, later)
    elif group.how == "stem":
        render_state.select_tracks(reaper, project, {target.track for target in group.targets}, later)


def _prepare(reaper: Api, project: str, group: Group, folder: Path) -> list[str]:
    """Sets the keys and returns the names of the files that REAPER is going to write."""
    # a name of our own; a wildcard only where one render has several targets
    stem = f"aeq{next(_numbers)}{group.how[0]}"
    pattern = stem if len(group.targets) == 1 else f"{stem}-$tracknumber"
    texts = {"RENDER_FILE": str(folder), "RENDER_PATTERN": pattern}
    texts |= {"RENDER_FORMAT": WAV_32_FLOAT, "RENDER_FORMAT2": ""}
    numbers: dict[str, float] = dict.fromkeys(render_state.NUMBERS, 0)  # rate 0: the project's; no tail, no dither
    for unused in ("RENDER_TAILMS", "RENDER_STARTPOS", "RENDER_ENDPOS"):
        del numbers[unused]
    numbers["RENDER_SETTINGS"], numbers["RENDER_CHANNELS"] = SOURCE[group.how], 2
    numbers["RENDER_BOUNDSFLAG"] = ITEM_BOUNDS if group.how == "items" else CUSTOM_BOUNDS
    render_state.set_keys(reaper, project, texts, numbers)
    if group.how == "items":
        return _names(reaper, project, stem)
    kept = render_state.set_bounds(reaper, project, group.start_s, group.end_s)
    names = _names(reaper, project, stem) if kept else []
    if not names:
        # seen in one REAPER: the custom bounds are ignored, and "Nothing to render!" would stop everything
        reaper("GetSet_LoopTimeRange2", project, True, False, group.start_s, group.end_s, False)
        render_state.set_keys(reaper, project, {}, {"RENDER_BOUNDSFLAG": TIME_SELECTION})
        names = _names(reaper, project, stem)
    return names


def _names(reaper: Api, project: str, stem: str) -> list[str]:
    """Of RENDER_TARGETS. They are joined by ';', which is legal in the name of a folder too."""
    text = render_state.text_of(reaper, project, "RENDER_TARGETS")
    return re.findall(rf"{stem}[^;/\\]*\.wav", text, re.IGNORECASE)


def _run(reaper: Api, project: str, files: list[Path], may_wait: bool) -> None:
    if not files:
        raise LiveError("REAPER has nothing to render there: check that the items are not empty")
    preferences.media_online(reaper, project)
    reaper("Main_OnCommandEx", RENDER_AND_CLOSE, 0, project)  # by default returns when all is rendered
    wait_for(reaper, files, may_wait)


def _mix(reaper: Api, project: str, group: Group, folder: Path, may_wait: bool) -> Path | None:
    """The master mix over the same time, everything else as it is for the group."""
    whole = Group("master", group.targets[:1], group.start_s, group.end_s)
    names = _prepare(reaper, project, whole, folder)
    if len(names) != 1:
        return None
    _run(reaper, project, [folder / names[0]], may_wait)
    return folder / names[0]


def _length_s(files: Sequence[Path]) -> float:
    try:
        return sum(soundfile.info(str(path)).duration for path in files)
    except soundfile.LibsndfileError:
        return 0.0  # cut off before it was a sound


def _joined(files: Sequence[Path], folder: Path) -> Path:
    """All of one render, so of one format."""
    if len(files) == 1:
        return files[0]
    whole = folder / f"joined{next(_numbers)}.wav"
    try:
        with soundfile.SoundFile(files[0]) as first:
            rate, channels = first.samplerate, first.channels
        with soundfile.SoundFile(whole, "w", rate, channels, subtype="FLOAT") as target:
            for path in files:
                for block in soundfile.blocks(str(path), _BLOCK, dtype="float32", always_2d=True):
                    target.write(block)
    except OSError as error:
        raise output_error(whole, error) from error
    except soundfile.LibsndfileError as error:
        raise OutputError(f"cannot write {whole}: {error}") from error
    return whole
