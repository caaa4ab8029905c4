"""ReaPack headers: the rules, and that every shipped action keeps them."""

import pytest

from reaper_aeq import __version__
from reaper_aeq.errors import InstallError
from reaper_aeq.reaper.install.reapack_header import Provide, read_header
from reaper_aeq.reaper.install.scripts import shipped_scripts

ACTIONS = {name: data.decode() for name, data in shipped_scripts().items() if "/" not in name}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action(name):
    header = read_header(ACTIONS[name], name)
    assert header.version == __version__ and header.author
    assert header.description == "AEQ: " + name.removeprefix("AEQ_").removesuffix(".lua")


def test_one_package_brings_all():
    packages = [name for name in ACTIONS if read_header(ACTIONS[name], name).indexed]
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
    assert header.about == "# Title\n\nText @ home" and header.indexed and header.flags == {"metapackage"}
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
