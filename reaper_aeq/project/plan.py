"""A plan: which track gets which word. `plan_file` reads one."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import AeqError, AudioError
from ..reaper.reaeq.names import instance_name, match_name
from ..request import DEFAULT_PROFILE, EqRequest

DEFAULT_PLAN = Path(__file__).with_name("default_plan.toml")


class PlanError(AeqError):
    """A plan that cannot be read or asks for what there is not; names file and line."""


@dataclass(frozen=True)
class Action(EqRequest):
    """What a track gets. `line` is where it stands in the plan; `reference` is a file, for the master only."""

    word: str | Mapping[str, float] = ""
    profile: str | None = DEFAULT_PROFILE
    reference: Path | None = None
    line: int = 0

    def in_reaper(self, spelled: Callable[[str], str] = lambda word: word) -> str:
        """Of the instance in REAPER."""
        if self.reference:
            return match_name([self.reference], self.intensity)
        return instance_name(self.word, self.intensity, spelled)


@dataclass(frozen=True)
class Rule:
    """Patterns that must fit, empty ones fit all; `on` says whether tracks or buses are meant."""

    action: Action
    tracks: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    on: str = "tracks"

    def fits(self, name: str, folders: tuple[str, ...], kinds: Collection[str], is_bus: bool) -> bool:
        """Whether it is about a track, or a bus, of this name, in these folders, that may be called one of `kinds`."""
        return (
            self.on in ("both", "buses" if is_bus else "tracks")
            and (not self.tracks or _any(self.tracks, name))
            and (not self.folders or any(_any(self.folders, folder) for folder in folders))
            and (not self.kinds or any(kind in self.kinds for kind in kinds))
        )


@dataclass(frozen=True)
class Plan:
    """Rules in order, then the default; None leaves tracks or master as they are."""

    path: Path
    rules: tuple[Rule, ...] = ()
    default: Action | None = None
    master: Action | None = None
    leave: tuple[str, ...] = ()
    text: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it is the one that comes with the program."""
        return self.path == DEFAULT_PLAN

    @property
    def actions(self) -> list[Action]:
        """All that is asked for, in the plan's order."""
        found = [rule.action for rule in self.rules]
        return found + [action for action in (self.default, self.master) if action]

    def leaves(self, name: str) -> bool:
        """Whether nothing is to be done to a track of this name."""
        return _any(self.leave, name)

    def action(self, name: str, folders: tuple[str, ...], kinds: Collection[str], is_bus: bool) -> Action | None:
        """What a track gets.

        >>> Plan(Path("p"), (Rule(Action("warm"), tracks=("*vox*",)),)).action("Lead Vox", (), ["vocals"], False).word
        'warm'
        """
        for rule in self.rules:
            if rule.fits(name, folders, kinds, is_bus):
                return rule.action
        return None if is_bus else self.default

    def check(self, check_word: Callable[[str | Mapping[str, float]], object]) -> None:
        """Raises `PlanError` with the line of a word that `check_word` refuses, or of a reference that is missing."""
        for action in self.actions:
            try:
                if action.reference is None:
                    check_word(action.word)
                elif not action.reference.is_file():
                    raise AudioError(f"{action.reference} does not exist: check the path of the reference")
            except AeqError as error:
                raise self.refuse(action, error) from None

    def refuse(self, action: Action, error: AeqError) -> PlanError:
        """The error about an action, with its place."""
        return PlanError(f"{self.path}: line {action.line}: {error}")


def _any(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)
