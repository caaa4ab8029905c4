"""Markers and regions: a region is two MARKER lines of one number, its end the second."""

from __future__ import annotations

from .registry import api
from .tree import tokens


def markers(project) -> list[tuple[bool, float, float, str, int]]:
    """(is a region, from, to, name, number) of each, by time."""
    found, open_regions = [], {}
    for part in project.root.body:
        if not isinstance(part, str) or part.split()[:1] != ["MARKER"]:
            continue
        number, at, name, flags = [*tokens(part)[1:], "", "", "", "0"][:4]
        if not int(flags or 0) & 1:
            found.append((False, float(at), 0.0, name, int(number)))
        elif number in open_regions:
            start, name = open_regions.pop(number)
            found.append((True, start, float(at), name, int(number)))
        else:
            open_regions[number] = (float(at), name)
    return sorted(found, key=lambda one: one[1])


@api
def EnumProjectMarkers3(reaper, project, index):
    """retval (0 behind the last), isrgn, pos, rgnend, name, number, color; in the order of their times."""
    found = markers(project)
    if not 0 <= index < len(found):
        return 0, False, 0.0, 0.0, "", 0, 0
    return index + 1, *found[index], 0
