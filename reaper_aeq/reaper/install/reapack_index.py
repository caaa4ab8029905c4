"""ReaPack's index.xml: which packages there are and where ReaPack fetches their files (docs/reaper.md, section 11).

ReaPack puts a file at `Scripts/<name of the index>/<category>/<file>` (cfillion/reapack, Source::targetPath).
"""

from __future__ import annotations

import fnmatch
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from ...errors import InstallError
from .reapack_header import Header, Provide, read_header

_URL_MARKS = "/:@!$&'()*+,;=[]%"  # what an address may hold as it is; % is taken for quoting that was done already


def build_index(scripts: Mapping[str, bytes], base: str, time: datetime, name: str, category: str) -> bytes:
    """The whole file. `scripts` map paths (forward slashes) to contents; each is fetched from `base` + its path.

    Raises `InstallError` for a base that is no address of the web, a header that breaks a rule, and a file that no
    package lists, or two do.
    """
    base = _checked_base(base)
    index = ET.Element("index", version="1", name=name)
    folder = ET.SubElement(index, "category", name=category)
    listed: list[str] = []
    for path, data in scripts.items():
        if "/" in path:
            continue  # library
        header = read_header(data.decode("utf-8"), path)
        if header.indexed:
            sources = _sources(path, header, scripts)
            listed += sources
            _package(folder, path, header, sources, base, time)
    for path in scripts:
        if listed.count(path) != 1:
            raise InstallError(f"{path} is listed {listed.count(path)} times: mend the @provides lines of the packages")
    ET.indent(index)
    return ET.tostring(index, encoding="utf-8", xml_declaration=True) + b"\n"


def _checked_base(base: str) -> str:
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InstallError(f"{base!r} is not a base address: it must look like https://example.org/reascripts/")
    return quote(base.rstrip("/"), safe=_URL_MARKS) + "/"


def _sources(package: str, header: Header, scripts: Mapping[str, bytes]) -> dict[str, bool]:
    """The files of a package, each with whether it is an action; the later of two @provides lines wins."""
    # a plain package is an action itself; a metapackage is only what it provides
    sources = {} if "metapackage" in header.flags else {package: True}
    for provide in header.provides:
        found = [path for path in scripts if _matches(path, package if provide.pattern == "." else provide.pattern)]
        if not found:
            raise InstallError(f"{package}: @provides {provide.pattern} matches no file")
        sources |= {path: _is_main(path == package, provide, header) for path in found}
    return sources


def _is_main(itself: bool, provide: Provide, header: Header) -> bool:
    if provide.main is None:
        return itself and "metapackage" not in header.flags
    return provide.main


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
    units = character.encode("utf-16-le")
    numbers = (int.from_bytes(units[i : i + 2], "little", signed=True) for i in range(0, len(units), 2))
    return "".join(f"\\u{number}?" for number in numbers)
