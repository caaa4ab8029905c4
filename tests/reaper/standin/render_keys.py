"""The RENDER_ keys of GetSetProjectInfo and _String, kept in the project's own lines (docs/reaper.md, section 7)."""

from __future__ import annotations

from .errors import StandInError
from .project import Project
from .registry import api
from .tree import Node

# key: (line, field, default)
NUMBERS = {
    "RENDER_SETTINGS": ("RENDER_STEMS", 0, 0.0),
    "RENDER_BOUNDSFLAG": ("RENDER_RANGE", 0, 1.0),
    "RENDER_STARTPOS": ("RENDER_RANGE", 1, 0.0),
    "RENDER_ENDPOS": ("RENDER_RANGE", 2, 0.0),
    "RENDER_TAILFLAG": ("RENDER_RANGE", 3, 0.0),
    "RENDER_TAILMS": ("RENDER_RANGE", 4, 0.0),
    "RENDER_CHANNELS": ("RENDER_FMT", 1, 2.0),
    "RENDER_SRATE": ("RENDER_FMT", 2, 0.0),
    "RENDER_ADDTOPROJ": ("RENDER_ADDTOPROJ", 0, 0.0),
    "RENDER_DITHER": ("RENDER_DITHER", 0, 0.0),
}
# These keys exist too; a project line for them is not known, so they live beside the file.
BESIDE = {
    "RENDER_NORMALIZE": 0.0,
    "RENDER_NORMALIZE_TARGET": 0.0,
    "RENDER_BRICKWALL": 1.0,
    "RENDER_FADEIN": 0.0,
    "RENDER_FADEOUT": 0.0,
    "RENDER_FADEINSHAPE": 0.0,
    "RENDER_FADEOUTSHAPE": 0.0,
    "RENDER_FADELPF": 0.0,
    "RENDER_PADSTART": 0.0,
    "RENDER_PADEND": 0.0,
    "RENDER_TRIMSTART": 0.000001,
    "RENDER_TRIMEND": 0.000001,
    "RENDER_DELAY": 0.0,
}
STRINGS = {"RENDER_FILE": "", "RENDER_PATTERN": ""}
CHUNKS = {"RENDER_FORMAT": "RENDER_CFG", "RENDER_FORMAT2": "RENDER_CFG2"}
BESIDE_STRINGS = {"RENDER_METADATA": "", "RENDER_EXTRAFILEDIR": ""}


def number(project: Project, key: str) -> float:
    if key in BESIDE:
        return project.render_beside.get(key, BESIDE[key])
    line, field, default = NUMBERS[key]
    return project.root.number(line, field, default)


def string(project: Project, key: str) -> str:
    if key in BESIDE_STRINGS:
        return project.render_beside.get(key, "")
    if key in CHUNKS:
        chunk = project.root.node(CHUNKS[key])
        return "".join(str(part).strip() for part in chunk.body) if chunk is not None else ""
    values = project.root.get(key)
    return values[0] if values else ""


def render_state(project: Project) -> dict[str, float | str]:
    """All of it, for the rule that a script must put it back."""
    keys = {key: number(project, key) for key in (*NUMBERS, *BESIDE)}
    return keys | {key: string(project, key) for key in (*STRINGS, *CHUNKS, *BESIDE_STRINGS)}


def set_number(project: Project, key: str, value: float) -> None:
    if value == number(project, key):
        return
    if key in BESIDE:
        project.render_beside[key] = value
        return
    line, field, default = NUMBERS[key]
    _keep(project, line)
    project.root.set_field(line, field, value, [default] * (field + 1))
    _restore(project, line)


def set_string(project: Project, key: str, value: str) -> None:
    if value == string(project, key):
        return
    root = project.root
    if key in BESIDE_STRINGS:
        project.render_beside[key] = value
    elif key in CHUNKS:
        chunk = root.node(CHUNKS[key])
        if chunk is None:
            chunk = Node(f"{root.indent}  <{CHUNKS[key]}")
            root.body.insert(max(root.index("SAMPLERATE"), 0) + 1, chunk)
        chunk.body = [f"{chunk.indent}  {value}"] if value else []
    else:
        _keep(project, key)
        root.set(key, [value], after=("APPLYFX_CFG", "RENDER_FILE", "RECORD_PATH"))
        _restore(project, key)


def _keep(project: Project, line: str) -> None:
    place = project.root.index(line)
    project.render_lines.setdefault(line, project.root.body[place] if place >= 0 else None)


def _restore(project: Project, line: str) -> None:
    """Back at the values it was read with, a line is written as it was read: 1.00 and 1 are the same value."""
    from .tree import tokens

    original = project.render_lines[line]
    place = project.root.index(line)
    now = tokens(project.root.body[place])
    if original is None:
        defaults = [str(default) for key, (name, _, default) in NUMBERS.items() if name == line] or [""]
        if all(_same(a, b) for a, b in zip(now[1:], defaults, strict=False)):
            project.root.body.pop(place)
    elif len(now) == len(tokens(original)) and all(map(_same, now, tokens(original))):
        project.root.body[place] = original


def _same(a: str, b: str) -> bool:
    try:
        return float(a) == float(b)
    except ValueError:
        return a == b


@api
def GetSetProjectInfo(reaper, project, key, value, is_set):
    if key == "PROJECT_SRATE" and not is_set:
        return project.root.number("SAMPLERATE", 0, 44100.0)
    if key == "PROJECT_SRATE_USE" and not is_set:
        return project.root.number("SAMPLERATE", 1, 0.0)
    if key not in NUMBERS and key not in BESIDE:
        raise StandInError("not modeled", f"project value {key!r}")
    ignored = key in ("RENDER_STARTPOS", "RENDER_ENDPOS") and reaper.disputed.custom_bounds == "ignored"
    if is_set and not ignored:
        set_number(project, key, value)
        project.touch()
    return number(project, key)


@api
def GetSetProjectInfo_String(reaper, project, key, value, is_set):
    if key.startswith("RENDER_STATS"):
        raise StandInError("render", "RENDER_STATS renders again, or opens a question about a preference")
    if key == "RENDER_TARGETS" and not is_set:
        from .render import targets

        return True, ";".join(str(path) for path in targets(project))
    if key == "PROJECT_NAME" and not is_set:
        return True, project.path.name if project.path else ""
    if key not in STRINGS and key not in CHUNKS and key not in BESIDE_STRINGS:
        raise StandInError("not modeled", f"project string {key!r}")
    if is_set:
        set_string(project, key, value)
        project.touch()
    return True, string(project, key)
