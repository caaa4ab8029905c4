"""ReaPack's index.xml: which packages there are and where ReaPack fetches their files (docs/reaper.md, section 11).

What a package is, its action says in the comment at its head, as ReaPack's tools read it (cfillion/reapack-index).
ReaPack puts a file at `Scripts/<name of the index>/<category>/<file>` (cfillion/reapack, Source::targetPath).
"""

from __future__ import annotations

import fnmatch
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from ...errors import InstallError

_URL_MARKS = "/:@!$&'()*+,;=[]%"  # what an address may hold as it is; % is taken for quoting that was done already
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


def build_index(scripts: Mapping[str, bytes], base: str, time: datetime, name: str, category: str) -> bytes:
    """The whole file. `scripts` map paths (forward slashes) to contents; each is fetched from `base` + its path.

    Raises `InstallError` for a base that is no address of the web, a header that breaks a rule, and a file that no
    package lists, or two do.
    """
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InstallError(f"{base!r} is not a base address: it must look like https://example.org/reascripts/")
    base = quote(base.rstrip("/"), safe=_URL_MARKS) + "/"
    index = ET.Element("index", version="1", name=name)
    folder = ET.SubElement(index, "category", name=category)
    listed: list[str] = []
    for path, data in scripts.items():
        if "/" in path:
            continue  # library
        header = read_header(data.decode("utf-8"), path)
        if "noindex" not in header.flags:
            sources = _sources(path, header, scripts)
            listed += sources
            _package(folder, path, header, sources, base, time)
    for path in scripts:
        if listed.count(path) != 1:
            raise InstallError(f"{path} is listed {listed.count(path)} times: mend the @provides lines of the packages")
    ET.indent(index)
    return ET.tostring(index, encoding="utf-8", xml_declaration=True) + b"\n"


def _sources(package: str, header: Header, scripts: Mapping[str, bytes]) -> dict[str, bool]:
    """The files of a package, each with whether it is an action; the later of two @provides lines wins."""
    # a plain package is an action itself; a metapackage is only what it provides
    own = [] if "metapackage" in header.flags else [package]
    sources = dict.fromkeys(own, True)
    for provide in header.provides:
        found = [path for path in scripts if _matches(path, package if provide.pattern == "." else provide.pattern)]
        if not found:
            raise InstallError(f"{package}: @provides {provide.pattern} matches no file")
        sources |= {path: path in own if provide.main is None else provide.main for path in found}
    return sources


def _matches(path: str, pattern: str) -> bool:
    """A star never reaches into a folder."""
    ours, theirs = path.split("/"), pattern.split("/")
    return len(ours) == len(theirs) and all(map(fnmatch.fnmatchcase, ours, theirs))


def _package(
    folder: ET.Element, path: str, header: Header, sources: Mapping[str, bool], base: str, time: datetime
) -> None:
    package = ET.SubElement(folder, "reapack", name=path, type="script", desc=header.description)
    if header.about or header.links:
        metadata = ET.SubElement(package, "metadata")
        if header.about:
            ET.SubElement(metadata, "description").text = _rtf(header.about)
        for link in header.links:
            ET.SubElement(metadata, "link", rel="website").text = link
    stamp = f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    version = ET.SubElement(package, "version", name=header.version, author=header.author, time=stamp)
    if header.changelog:
        ET.SubElement(version, "changelog").text = header.changelog
    for source, is_main in sources.items():
        element = ET.SubElement(version, "source", {"main": "main"} if is_main else {})
        if source != path:
            element.set("file", source)
        element.text = base + quote(source)


def _rtf(text: str) -> str:
    """ReaPack shows a package's text as RTF."""
    plain = "".join(f"\\{c}" if c in "\\{}" else c if c.isascii() else _rtf_code(c) for c in text)
    return r"{\rtf1\ansi " + plain.replace("\n", "\\line\n") + "}"


def _rtf_code(character: str) -> str:
    units = struct.iter_unpack("<h", character.encode("utf-16-le"))
    return "".join(f"\\u{number}?" for (number,) in units)


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
