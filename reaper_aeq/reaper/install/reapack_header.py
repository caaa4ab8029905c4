"""The comment at the head of an action that ReaPack's tools read (docs/reaper.md, 11; cfillion/reapack-index)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...errors import InstallError

_ALIASES = {"reascript_name": "description", "name": "description", "desc": "description", "links": "link"}
_TEXTS = ("version", "description", "author", "about", "changelog", "provides", "link")
_FLAGS = ("noindex", "metapackage")
_SEVERAL_LINES = ("about", "changelog", "provides", "link")
_TAG = re.compile(r"--(?P<indent>\s*)@(?P<tag>\w+)(?:\s+(?P<value>.*))?")
_PROVIDES = re.compile(r"(?:\[\s*(?P<options>.+?)\s*\])?\s*(?P<pattern>.+)")
_OPTIONS = {"main": True, "nomain": False}
_LARGEST_SEGMENT = 65_535


@dataclass(frozen=True)
class Provide:
    """A line of @provides: files beside the package, and whether they are actions of the main section."""

    pattern: str
    main: bool | None = None


@dataclass(frozen=True)
class Header:
    """What a package says of itself; `flags` are tags without a value."""

    version: str
    description: str = ""
    author: str = ""
    about: str = ""
    changelog: str = ""
    provides: tuple[Provide, ...] = ()
    links: tuple[str, ...] = ()
    flags: frozenset[str] = field(default_factory=frozenset)

    @property
    def indexed(self) -> bool:
        """Whether it is a package of its own."""
        return "noindex" not in self.flags


def read_header(source: str, name: str) -> Header:
    """The header of a Lua file called `name`. Raises `InstallError` where it breaks a rule."""
    tags = _tags(source, name)
    texts = {tag: "\n".join(lines).strip() for tag, lines in tags.items() if tag in _TEXTS}
    flags = frozenset(tag for tag in tags if tag in _FLAGS)
    for tag, text in texts.items():
        if not text:
            raise InstallError(f"{name}: @{tag} has no value")
        if "\n" in text and tag not in _SEVERAL_LINES:
            raise InstallError(f"{name}: @{tag} must stand on one line")
    for tag in flags:
        if "".join(tags[tag]).strip():
            raise InstallError(f"{name}: @{tag} takes no value")
    version = texts.pop("version", "")
    if not re.match(r"\d", version) or any(int(n) > _LARGEST_SEGMENT for n in re.findall(r"\d+", version)):
        raise InstallError(f"{name}: @version must begin with a digit and hold no number above {_LARGEST_SEGMENT}")
    provides = tuple(_provide(line, name) for line in texts.pop("provides", "").splitlines())
    links = tuple(texts.pop("link", "").split())
    return Header(version, provides=provides, links=links, flags=flags, **texts)


def _tags(source: str, name: str) -> dict[str, list[str]]:
    """Each tag with its lines; lines that are indented deeper than the tag go on with its value."""
    tags: dict[str, list[str]] = {}
    current, depth = "", 0
    for line in source.lstrip("\ufeff").splitlines():
        if not line.startswith("--"):
            break
        if found := _TAG.fullmatch(line.rstrip()):
            current, depth = _ALIASES.get(found["tag"], found["tag"]), len(found["indent"])
            if current not in (*_TEXTS, *_FLAGS):
                raise InstallError(f"{name}: @{found['tag']} is not a tag that ReaPack's tools know")
            if current in tags:
                raise InstallError(f"{name}: @{found['tag']} stands there twice")
            tags[current] = [found["value"] or ""]
            continue
        text = line[2:]
        if current and (not text.strip() or len(text) - len(text.lstrip()) > depth):
            tags[current].append(text.strip())
        else:
            current = ""
    return tags


def _provide(line: str, name: str) -> Provide:
    found = _PROVIDES.fullmatch(line.strip())
    options = found["options"].lower().split() if found and found["options"] else []
    if not found or any(option not in _OPTIONS for option in options):
        raise InstallError(f"{name}: a line of @provides cannot be read: {line}")
    return Provide(found["pattern"], _OPTIONS[options[-1]] if options else None)
