"""Numbers of a track in its chunk's lines, and the folder that it lies in."""

from __future__ import annotations

from .handles import Track

# parameter: (line of the chunk, field, default where the line lacks it)
VALUES = {
    "D_VOL": ("VOLPAN", 0, 1.0),
    "D_PAN": ("VOLPAN", 1, 0.0),
    "D_PANLAW": ("VOLPAN", 2, -1.0),
    "B_MUTE": ("MUTESOLO", 0, 0.0),
    "I_SOLO": ("MUTESOLO", 1, 0.0),
    "B_SOLO_DEFEAT": ("MUTESOLO", 2, 0.0),
    "B_PHASE": ("IPHASE", 0, 0.0),
    "I_FXEN": ("FX", 0, 1.0),
    "I_SELECTED": ("SEL", 0, 0.0),
    "I_NCHAN": ("NCHAN", 0, 2.0),
    "I_FOLDERDEPTH": ("ISBUS", 1, 0.0),
    "I_RECARM": ("REC", 0, 0.0),
    "I_RECMON": ("REC", 2, 0.0),
    "B_MAINSEND": ("MAINSEND", 0, 1.0),
    "I_FREEMODE": ("FREEMODE", 0, 0.0),
    "I_PANMODE": ("PANMODE", 0, 3.0),
    "D_WIDTH": ("VOLPAN", 4, 1.0),
    "D_PLAY_OFFSET": ("PLAYOFFS", 0, 0.0),
    "I_PLAY_OFFSET_FLAG": ("PLAYOFFS", 1, 1.0),
    "C_MAINSEND_OFFS": ("MAINSEND", 1, 0.0),
    "I_NUMFIXEDLANES": ("ITEMLANES", 0, 1.0),
    "I_AUTOMODE": ("AUTOMODE", 0, 0.0),
    "I_CUSTOMCOLOR": ("PEAKCOL", 0, 16576.0),
    "B_SHOWINMIXER": ("SHOWINMIX", 0, 1.0),
    "B_SHOWINTCP": ("SHOWINMIX", 3, 1.0),
}


def value(track: Track, name: str) -> float:
    line, field, default = VALUES[name]
    return track.node.number(track.key(line), field, default)


def parent(track: Track) -> Track | None:
    """The folder that a track lies in."""
    if track.is_master:
        return None
    stack: list[Track] = []
    for other in track.project.tracks:
        if other is track:
            return stack[-1] if stack else None
        depth = int(value(other, "I_FOLDERDEPTH"))
        if depth == 1:
            stack.append(other)
        elif depth < 0:
            del stack[depth:]
    raise AssertionError("a track outside its project")


def parents(project) -> dict[Track, Track | None]:
    """Every track's folder, in one pass."""
    found, stack = {}, []
    for track in project.tracks:
        found[track] = stack[-1] if stack else None
        depth = int(value(track, "I_FOLDERDEPTH"))
        if depth == 1:
            stack.append(track)
        elif depth < 0:
            del stack[depth:]
    return found


def children(track: Track) -> list[Track]:
    return [other for other in track.project.tracks if parent(other) is track]
