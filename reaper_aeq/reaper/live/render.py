"""From targets to sound files: as few renders as possible, everything put back after.

A render stops and starts the audio device, which on some machines takes twenty seconds: one render serves many targets.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import soundfile

from ...errors import OutputError
from ...util.files import output_error
from . import alone, fx, preferences, render_state, write
from .api import Api, Later, LiveError
from .render_wait import wait_for
from .spans import Group, Span, groups
from .stems import refuse_the_mix
from .target import Target
from .window import LONGEST_S

RENDER_AND_CLOSE = 42230  # "Render project, using the most recent render settings, auto-close render dialog"
WAV_32_FLOAT = base64.b64encode(b"evaw\x20\x00\x01").decode()  # all seven bytes: four alone were measured to be silence
# RENDER_SETTINGS as measured: 2 alone is the master mix on some systems; what 32 (items) holds of FX on items, and what
# 8192 (before the fader) does, nobody has measured
SOURCE = {"stem": 3, "master": 0}
CUSTOM_BOUNDS, TIME_SELECTION = 0, 2
SHORT_S = 0.01  # REAPER rounds bounds to samples; anything shorter than that was stopped
_BLOCK = 2**16
_numbers = count(1)


@dataclass
class RenderedPart:
    """A file that REAPER wrote, from `start_s` of the project on; `spans` of it are the target's, None: all."""

    path: Path
    start_s: float
    end_s: float
    spans: list[Span] | None


@dataclass
class Rendered:
    """What REAPER wrote for a target."""

    target: Target
    folder: Path
    parts: list[RenderedPart] = field(default_factory=list)

    def stretches_s(self) -> list[Span]:
        """Where in the project lies what `whole` gives, one after another."""
        return [span for part in self.parts for span in part.spans or [(part.start_s, part.end_s)]]

    def whole(self) -> Path:
        """One sound file, the parts one after another. Raises `LiveError` for what was not rendered to its end."""
        name, folder = self.target.name, self.folder.parent
        for part in self.parts:
            if not part.path.is_file():
                raise LiveError(f"REAPER rendered nothing for {name!r}: is there room in {folder}?")
            if _length_s(part.path) < part.end_s - part.start_s - SHORT_S:
                raise LiveError(
                    f"REAPER did not render {name!r} to its end: if you did not stop it, free space in {folder}"
                )
        return _joined(self.parts, self.folder)


def render(
    reaper: Api, project: str, targets: Sequence[Target], folder: Path, may_wait: bool = True,
    longest_s: float = LONGEST_S,
) -> list[Rendered]:  # fmt: skip
    """Renders all targets into `folder`, at most `longest_s` of each. To be called while REAPER is held.

    `may_wait` False: something is in the project that must be out of it before REAPER goes on with its own work, so a
    render in the background is refused. Raises `LiveError`.
    """
    preferences.check(reaper)
    found = {id(target): Rendered(target, folder) for target in targets}
    with reaper.guard() as later:
        later(lambda: reaper("PreventUIRefresh", -1))
        reaper("PreventUIRefresh", 1)
        later(render_state.transport(reaper, project))
        later(render_state.keys(reaper, project))
        for group in groups(reaper, project, targets, longest_s):
            write.check_still_there(reaper, project, group.targets)  # the render before may have been in the background
            for target, path in _rendered(reaper, project, group, folder, may_wait):
                part = RenderedPart(path, group.start_s, group.end_s, group.spans.get(id(target)))
                found[id(target)].parts.append(part)
    return list(found.values())


def _rendered(reaper: Api, project: str, group: Group, folder: Path, may_wait: bool) -> list[tuple[Target, Path]]:
    """The file of each target of a group: of one render where REAPER tells their names apart, else of one each."""
    with reaper.guard() as later:
        render_state.no_automation(reaper, project, [target.track for target in group.targets], later)
        for target in group.targets:
            _quiet(reaper, project, group, target, later)
        if group.how == "stem":
            alone.lift_solos(reaper, project, {target.track for target in group.targets}, later)
        files = _files(reaper, project, group, folder, may_wait)
        if files is None:  # one after the other, which leaves nothing to mix up
            singles = [Group(group.how, [one], group.start_s, group.end_s, group.spans) for one in group.targets]
            files = []
            for single in singles:
                write.check_still_there(reaper, project, group.targets)
                files += _files(reaper, project, single, folder, may_wait) or []
        if group.how == "stem" and len(files) > 1:
            refuse_the_mix(reaper, project, files, lambda: _mix(reaper, project, group, folder, may_wait))
        return files


def _files(
    reaper: Api, project: str, group: Group, folder: Path, may_wait: bool
) -> list[tuple[Target, Path]] | None:  # fmt: skip
    """Renders a group at once. None, and nothing rendered, where REAPER would not write a file for each of several."""
    with reaper.guard() as later:
        if group.how == "stem":
            render_state.select_tracks(reaper, project, {target.track for target in group.targets}, later)
        render_state.disarm(reaper, project, later)  # behind the selection, which may arm tracks by itself
        names = _prepare(reaper, project, group, folder)
        found = _by_target(group, names)
        if found is None and len(group.targets) > 1:
            return None
        _check_targets(group, names, found, folder)
        _run(reaper, project, [folder / name for name in names], may_wait)
        return [(target, folder / name) for target, name in found or []]


def _quiet(reaper: Api, project: str, group: Group, target: Target, later: Later) -> None:
    """What must not be heard: the EQ is computed from the sound that reaches it, and from the chosen items alone."""
    first = target.instance.index if target.instance else 0 if target.place == "first" else None
    if first is not None:
        chain = fx.chain(reaper, target.track)
        fx.bypass_for_now(reaper, project, target.track, fx.from_here_on(chain, first), later)
    if target.items:
        span = (group.start_s, group.end_s)
        render_state.mute_others(reaper, project, target.track, set(target.items), span, later)
        if not target.has_midi:  # an instrument may play what others send to it
            alone.cut_off(reaper, project, target.track, later)


def _by_target(group: Group, names: Sequence[str]) -> list[tuple[Target, str]] | None:
    """One name for each target; None where the names do not tell whose they are."""
    if len(names) != len(group.targets):
        return None
    if len(names) == 1:
        return [(group.targets[0], names[0])]
    by_number = {target.number: target for target in group.targets}
    found = []
    for name in names:
        number = re.match(r"aeq\d+[a-z]-(\d+)", name)
        target = by_number.pop(int(number[1]), None) if number else None
        if target is None:
            return None
        found.append((target, name))
    return found


def _check_targets(group: Group, names: Sequence[str], found: object, folder: Path) -> None:
    """One path for each target, before anything is rendered: what else REAPER would do is another thing than asked."""
    if found is None:
        raise LiveError(
            f"REAPER would render {len(names)} files for {group.targets[0].name!r} where one was asked for: the action"
            " 'AEQ_Self-test' shows what is different in this REAPER"
        )
    for name in names:
        if os.path.lexists(folder / name):
            raise LiveError(f"{folder / name} is there already, and REAPER would ask about it: remove it")


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
    numbers["RENDER_BOUNDSFLAG"] = CUSTOM_BOUNDS
    render_state.set_keys(reaper, project, texts, numbers)
    kept = render_state.set_bounds(reaper, project, group.start_s, group.end_s)
    names = _names(reaper, project, stem) if kept else []
    if not names:
        # seen in one REAPER: the custom bounds are ignored, and "Nothing to render!" would stop everything
        preferences.refuse_locked_selection(reaper)
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
    write.check_still_there(reaper, project, group.targets)
    whole = Group("master", group.targets[:1], group.start_s, group.end_s)
    names = _prepare(reaper, project, whole, folder)
    if len(names) != 1:
        return None
    _run(reaper, project, [folder / names[0]], may_wait)
    return folder / names[0]


def summed(sounds: Sequence[Rendered]) -> Path:
    """One file of several that were rendered from and to the same times: their sum. Raises as `Rendered.whole`."""
    paths, folder = [one.whole() for one in sounds], sounds[0].folder
    whole = folder / f"sum{next(_numbers)}.wav"
    with _writing(whole), ExitStack() as opened:
        files = [opened.enter_context(soundfile.SoundFile(path)) for path in paths]
        target = opened.enter_context(
            soundfile.SoundFile(whole, "w", files[0].samplerate, files[0].channels, subtype="FLOAT")
        )
        while len(block := files[0].read(_BLOCK, dtype="float32", always_2d=True)):
            for file in files[1:]:
                other = file.read(len(block), dtype="float32", always_2d=True)
                block[: len(other)] += other
            target.write(block)
    return whole


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What goes wrong is told as a failed output."""
    try:
        yield
    except OSError as error:
        raise output_error(path, error) from error
    except soundfile.LibsndfileError as error:
        raise OutputError(f"cannot write {path}: {error}") from error


def _length_s(path: Path) -> float:
    try:
        return soundfile.info(str(path)).duration
    except soundfile.LibsndfileError:
        return 0.0  # cut off before it was a sound


def _joined(parts: Sequence[RenderedPart], folder: Path) -> Path:
    """All parts are of one format."""
    if len(parts) == 1 and parts[0].spans is None:
        return parts[0].path
    whole = folder / f"joined{next(_numbers)}.wav"
    with _writing(whole), ExitStack() as opened:
        first = opened.enter_context(soundfile.SoundFile(parts[0].path))
        rate = first.samplerate
        target = opened.enter_context(soundfile.SoundFile(whole, "w", rate, first.channels, subtype="FLOAT"))
        for part in parts:
            for start_s, end_s in part.spans or [(part.start_s, part.end_s)]:
                first_frame, last_frame = (round((at_s - part.start_s) * rate) for at_s in (start_s, end_s))
                for block in soundfile.blocks(
                    str(part.path), _BLOCK, start=first_frame, frames=last_frame - first_frame, dtype="float32",
                    always_2d=True,
                ):  # fmt: skip
                    target.write(block)
    return whole
