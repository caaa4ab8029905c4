"""ReaPack's index: every file once, at its address, safe whatever the names hold; headers: the rules, and that every
shipped action keeps them."""

import xml.etree.ElementTree as ET
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote

import pytest

from reaper_aeq import __version__
from reaper_aeq.errors import InstallError
from reaper_aeq.reaper.install.reapack import Provide, build_index, read_header
from reaper_aeq.reaper.install.scripts import shipped_scripts

BASE = "https://example.org/a%20b/reascripts"
TIME = datetime(2026, 1, 31, 14, 22, 33, tzinfo=timezone(timedelta(hours=2)))
HEAD = b"-- @version 1.0\n-- @author me\n"
ODD = 'AEQ_R&D <"it\'s"> 100% é#?.lua'


def build(scripts, base=BASE):
    return ET.fromstring(build_index(scripts, base, TIME, "reaper-aeq", "AEQ"))


def package(*provides: str, head: bytes = HEAD + b"-- @metapackage\n") -> bytes:
    return head + b"-- @provides\n" + "".join(f"--   {line}\n" for line in provides).encode()


@pytest.mark.parametrize("base", [BASE, BASE + "/"])
def test_the_shipped_actions(base):
    scripts = shipped_scripts()
    index = build(scripts, base)
    assert index.tag == "index" and index.attrib == {"version": "1", "name": "reaper-aeq"}
    (listed,) = index.findall("category/reapack")
    assert listed.get("type") == "script" and listed.get("name") in scripts
    (version,) = listed.findall("version")
    assert version.attrib == {"name": "0.1.0", "author": "reaper-aeq", "time": "2026-01-31T12:22:33Z"}
    files = [source.get("file") or listed.get("name") for source in version.findall("source")]
    assert sorted(files) == sorted(scripts)
    for file, source in zip(files, version.findall("source"), strict=True):
        assert source.text.startswith(BASE + "/") and " " not in source.text
        assert unquote(source.text.removeprefix(BASE + "/")) == file
        assert source.get("main") == (None if "/" in file else "main")


def test_names_with_marks_of_xml_and_of_addresses():
    index = build({"AEQ_A.lua": package("[main] AEQ_*.lua", "aeq/*.lua"), ODD: b"", "aeq/ж.lua": b""} | noindexed(ODD))
    sources = {source.get("file"): source.text for source in index.iter("source")}
    assert unquote(sources[ODD]) == "https://example.org/a b/reascripts/" + ODD
    assert not set(sources[ODD].removeprefix("https://")) & set(" <>\"#?&'é") and sources["aeq/ж.lua"].isascii()


def noindexed(name):
    return {name: HEAD + b"-- @noindex\n"}


def test_a_plain_package_is_its_own_action():
    scripts = {"AEQ_A.lua": package("[nomain] aeq/*.lua", head=HEAD), "aeq/b.lua": b""}
    assert [(s.get("file"), s.get("main")) for s in build(scripts).iter("source")] == [
        (None, "main"), ("aeq/b.lua", None),
    ]  # fmt: skip


def test_text_becomes_rtf():
    head = HEAD + "-- @about\n--   {é} \\ 🎛\n--   two\n".encode()
    assert build({"AEQ_A.lua": head}).find(".//description").text == (
        "{\\rtf1\\ansi \\{\\u233?\\} \\\\ \\u-10180?\\u-8293?\\line\ntwo}"
    )


@pytest.mark.parametrize(
    ("scripts", "sentence"),
    [
        ({"AEQ_A.lua": package("AEQ_B.lua")}, "@provides AEQ_B.lua matches no file"),
        ({"AEQ_A.lua": HEAD, "aeq/b.lua": b""}, "aeq/b.lua is listed 0 times"),
        ({"AEQ_A.lua": package("*.lua"), "aeq/b.lua": b""}, "aeq/b.lua is listed 0 times"),
        ({"AEQ_A.lua": HEAD, "AEQ_B.lua": package("[main] *.lua")}, "AEQ_A.lua is listed 2 times"),
    ],
)
def test_files_that_are_not_listed_once(scripts, sentence):
    with pytest.raises(InstallError) as refused:
        build(scripts)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("base", ["", "example.org/x", "file:///x", "https://", "https://x/y?z=1", "https://x/#y"])
def test_no_base(base):
    with pytest.raises(InstallError, match="is not a base address"):
        build(shipped_scripts(), base)


# Headers ------------------------------------------------------------------------------------------------------------

ACTIONS = {name: data.decode() for name, data in shipped_scripts().items() if "/" not in name}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action(name):
    header = read_header(ACTIONS[name], name)
    assert header.version == __version__ and header.author
    assert header.description == "AEQ: " + name.removeprefix("AEQ_").removesuffix(".lua")


def test_one_package_brings_all():
    packages = [name for name in ACTIONS if "noindex" not in read_header(ACTIONS[name], name).flags]
    assert packages == ["AEQ_Make warmer.lua"]
    assert read_header(ACTIONS[packages[0]], packages[0]).flags == {"metapackage"}


FULL = """-- @description Name
-- @version 1.2beta3
-- @author me
-- @about
--   # Title
--
--   Text @ home
-- @metapackage
-- @provides
--   [main] AEQ_*.lua
--   [nomain] aeq/*.lua
--   plain.lua
-- a comment
--   no part of it

-- @noindex
"""


def test_all_of_it():
    header = read_header(FULL, "x.lua")
    assert (header.version, header.description, header.author) == ("1.2beta3", "Name", "me")
    assert header.about == "# Title\n\nText @ home" and header.flags == {"metapackage"}
    assert header.provides == (Provide("AEQ_*.lua", True), Provide("aeq/*.lua", False), Provide("plain.lua"))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "@version must begin"),
        ("-- @author me", "@version must begin"),
        ("-- @version v1", "@version must begin with a digit"),
        ("-- @version 1.65536", "no number above 65535"),
        ("-- @version", "@version has no value"),
        ("-- @version 1\n--  2", "@version must stand on one line"),
        ("-- @version 1\n-- @author a\n--   b", "@author must stand on one line"),
        ("-- @version 1\n-- @noindex yes", "@noindex takes no value"),
        ("-- @version 1\n-- @provide x", "@provide is not a tag"),
        ("-- @version 1\n-- @version 2", "@version stands there twice"),
        ("-- @version 1\n-- @provides [mian] x", "a line of @provides cannot be read"),
    ],
)
def test_broken_rules(source, sentence):
    with pytest.raises(InstallError, match=r"x\.lua: ") as refused:
        read_header(source, "x.lua")
    assert sentence in str(refused.value)
