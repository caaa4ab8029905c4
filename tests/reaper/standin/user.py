"""What a test's user does in REAPER while scripts run or wait."""

from __future__ import annotations

import os
from contextlib import contextmanager

from . import checks
from .project import Project


class User:
    """Part of `Reaper`: its methods are the user's hands."""

    @contextmanager
    def as_user(self):
        """What is done inside counts as the user's doing: it becomes part of what a script must leave as it is."""
        before = checks.capture(self)
        clean = {p: p.bytes() == p.saved_state for p in self.projects}
        yield self.project
        for project in self.projects:
            project.reindex()
            # the user's edits are undo points of their own; a script's unfinished changes stay its own
            if clean.get(project, True):
                project.saved_state = project.bytes()
        after = checks.capture(self)
        for key in set(before) | set(after):
            was, now = before.get(key), after.get(key)
            if isinstance(was, frozenset) and isinstance(now, frozenset):
                # what a script has selected for a moment stays its own doing
                kept = self.baseline.get(key, was) - (was - now)
                there = {thing.guid for thing in (key[0].master, *key[0].tracks, *key[0].items)}
                self.baseline[key] = kept & there | (now - was)
            elif was != now:
                self.baseline[key] = now

    def undo(self) -> str:
        """Edit > Undo; returns the label of what was undone."""
        with self.as_user() as project:
            return project.undo()

    def open_tab(self, project: str | os.PathLike | bytes) -> Project:
        """Opens another project tab and brings it to the front, as a user would."""
        with self.as_user():
            self.projects.append(Project(project, self))
            self.project = self.projects[-1]
        return self.project

    def switch_tab(self, index: int) -> None:
        with self.as_user():
            self.project = self.projects[index]

    def close_tab(self, index: int) -> None:
        with self.as_user():
            gone = self.projects.pop(index)
            gone.open = False
            self.project = self.projects[min(index, len(self.projects) - 1)]
