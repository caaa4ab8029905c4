"""From targets to sound files: as few renders as possible, all in one of REAPER's cycles, everything put back after."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import soundfile

from ...errors import OutputError
from ...files import output_error
from . import render_state
from .api import Api, Later, LiveError
from .target import Target, items_of

RENDER_AND_CLOSE = 42230  # "Render project, using the most recent render settings, auto-close render dialog"
WAV_32_FLOAT = "ZXZhdyAAAA=="  # 'evaw', depth byte 0x20
# RENDER_SETTINGS (facts sheet, section 4). 8192: before the fader, so that a track's volume and pan play no part.
SOURCE = {"items": 32, "stem": 2 | 8192, "master": 0}
CUSTOM_BOUNDS, ITEM_BOUNDS = 0, 4
# $tracknumber tells whose file it is; $itemnumber keeps the items of one track apart.
PATTERN = {"items": "-$tracknumber-$itemnumber", "stem": "-$tracknumber", "master": ""}
SHORT_S = 0.01  # REAPER rounds bounds to samples; anything shorter than that was stopped
_BLOCK = 2**16
_numbers = count(1)


@dataclass
class Group:
    """Targets that one render can serve: all items; stems; the master. Seconds of the project."""

    how: str
    targets: list[Target]
    start_s: float = float("inf")
    end_s: float = 0.0


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


def render(reaper: Api, project: str, targets: Sequence[Target], folder: Path) -> list[Rendered]:
    """Renders all targets into `folder`. To be called while REAPER is held."""
    found: dict[int, Rendered] = {}
    with reaper.guard() as later:
        later(lambda: reaper("PreventUIRefresh", -1))
        reaper("PreventUIRefresh", 1)
        later(render_state.transport(reaper, project))
        later(render_state.keys(reaper, project))
        for group in _groups(reaper, project, targets):
            files = _rendered(reaper, project, group, folder)
            for target in group.targets:
                expected_s = _expected_s(reaper, group, target)
                found[id(target)] = Rendered(target, files[target.number], expected_s, folder)
    return [found[id(target)] for target in targets]


def _groups(reaper: Api, project: str, targets: Sequence[Target]) -> list[Group]:
    groups: dict[object, Group] = {}
    for target in targets:
        span = (0.0, 0.0) if target.how == "items" else _span_s(reaper, project, target)
        # whole tracks share one render, however long each is: its silence does not count. Chosen items do not, or their
        # neighbours on other tracks would be heard as well.
        key = (target.how, *span) if target.how != "items" and target.items else target.how
        group = groups.setdefault(key, Group(target.how, []))
        group.targets.append(target)
        group.start_s, group.end_s = min(group.start_s, span[0]), max(group.end_s, span[1])
    return list(groups.values())


def _span_s(reaper: Api, project: str, target: Target) -> tuple[float, float]:
    """The chosen items; else from the track's first item to its last. A bus is heard as long as the project."""
    items = target.items or ([] if target.is_master else items_of(reaper, target.track))
    is_bus = not target.is_master and (
        reaper("GetTrackNumSends", target.track, -1) > 0
        or reaper("GetMediaTrackInfo_Value", target.track, "I_FOLDERDEPTH") > 0
    )
    if not items or (is_bus and not target.items):
        return 0.0, reaper("GetProjectLength", project)
    spans = [_item_s(reaper, item) for item in items]
    return min(start for start, _ in spans), max(end for _, end in spans)


def _item_s(reaper: Api, item: str) -> tuple[float, float]:
    start = reaper("GetMediaItemInfo_Value", item, "D_POSITION")
    return start, start + reaper("GetMediaItemInfo_Value", item, "D_LENGTH")


def _rendered(reaper: Api, project: str, group: Group, folder: Path) -> dict[int, list[Path]]:
    """The files of one render by track number."""
    with reaper.guard() as later:
        _select(reaper, project, group, later)
        for target in group.targets:
            # the EQ is computed from the sound that reaches it: without itself, and without what follows it
            first = target.instance.index if target.instance else 0 if target.place == "first" else None
            if first is not None and target.how != "items":
                render_state.bypass_from(reaper, target.track, first, later)
        stem = f"aeq{next(_numbers)}{group.how[0]}"  # a name that exists could raise a question
        _set_keys(reaper, project, group, folder, stem)
        # the names that REAPER is going to write, so that no wildcard has to be understood here
        names = [re.split(r"[/\\]", path)[-1] for path in _targets(reaper, project)]
        reaper("Main_OnCommandEx", RENDER_AND_CLOSE, 0, project)  # returns when all is rendered
    files: dict[int, list[Path]] = defaultdict(list)
    for name in names:
        number = re.match(rf"{stem}-(\d+)", name)
        files[int(number[1]) if number else -1].append(folder / name)
    return files


def _targets(reaper: Api, project: str) -> list[str]:
    return list(filter(None, render_state.text_of(reaper, project, "RENDER_TARGETS").split(";")))


def _select(reaper: Api, project: str, group: Group, later: Later) -> None:
    if group.how == "items":
        items = {item for target in group.targets for item in target.items}
        render_state.select_items(reaper, project, items, later)
    elif group.how == "stem":
        render_state.select_tracks(reaper, project, {target.track for target in group.targets}, later)


def _set_keys(reaper: Api, project: str, group: Group, folder: Path, stem: str) -> None:
    texts = {"RENDER_FILE": str(folder), "RENDER_PATTERN": stem + PATTERN[group.how]}
    texts |= {"RENDER_FORMAT": WAV_32_FLOAT, "RENDER_FORMAT2": ""}
    numbers: dict[str, float] = dict.fromkeys(render_state.NUMBERS, 0)  # rate 0: the project's; no tail, no dither
    del numbers["RENDER_TAILMS"]
    numbers["RENDER_SETTINGS"], numbers["RENDER_CHANNELS"] = SOURCE[group.how], 2
    if group.how == "items":
        numbers["RENDER_BOUNDSFLAG"] = ITEM_BOUNDS
        del numbers["RENDER_STARTPOS"], numbers["RENDER_ENDPOS"]
    else:
        numbers["RENDER_BOUNDSFLAG"] = CUSTOM_BOUNDS
        numbers["RENDER_STARTPOS"], numbers["RENDER_ENDPOS"] = group.start_s, group.end_s
    for key, text in texts.items():
        reaper("GetSetProjectInfo_String", project, key, text, True)
    for key, value in numbers.items():
        reaper("GetSetProjectInfo", project, key, value, True)


def _expected_s(reaper: Api, group: Group, target: Target) -> float:
    if group.how != "items":
        return group.end_s - group.start_s
    return sum(end - start for start, end in (_item_s(reaper, item) for item in target.items))


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
