"""The functions that the stand-in offers, against its own table and against the list of REAPER's real ones."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from standin.registry import FUNCTIONS, OSARA, SWS
from standin.signatures import HANDLES, signatures

KNOWN = {"number", "integer", "boolean", "string", "function", "any", "identifier", "reaper_array", "HWND", *HANDLES}
REASCRIPTS = Path(__file__).parents[2] / "reascripts"
# built-in functions whose argument types the list does not tell
UNTYPED = {"defer", "runloop", "atexit", "get_action_context", "set_action_options", "new_array"}


def test_every_function_has_a_signature_and_the_other_way_round():
    assert set(signatures()) == set(FUNCTIONS)


def test_signatures_use_known_types():
    for signature in signatures().values():
        assert {*signature.arguments, *(signature.returns or ())} <= KNOWN, signature


@pytest.mark.shared
def test_signatures_are_those_of_reaper(shared_dir):
    with (shared_dir / "reascript_lua_api.tsv").open() as file:
        real = {row["name"]: row for row in csv.DictReader(file, delimiter="\t")}
    for name, ours in signatures().items():
        if name in SWS + OSARA:  # of extensions, which the list does not have
            continue
        row = real["gfx." + name.removeprefix("gfx_") if name.startswith("gfx_") else "reaper." + name]
        required = len(ours.arguments) - ours.optional
        assert (required, ours.optional) == (int(row["n_required_args"]), int(row["n_optional_args"])), name
        if row["n_returns"].isdigit() and ours.returns is not None:
            assert len(ours.returns) == int(row["n_returns"]), name
        if name not in UNTYPED and not name.startswith("gfx_"):
            arguments = re.search(r"\((.*)\)$", row["signature"])[1]
            types = [text.removeprefix("optional ").split()[0] for text in filter(None, arguments.split(", "))]
            assert list(ours.arguments) == types, name


def test_the_actions_call_only_what_the_stand_in_knows():
    """A call that is not here would be found late: in the one test that comes by, or in a user's REAPER."""
    called = set()
    for file in REASCRIPTS.rglob("*.lua"):
        for table, name in re.findall(r"\b(reaper|gfx)\.(\w+)\s*\(", file.read_text(encoding="utf-8")):
            called.add(name if table == "reaper" else f"gfx_{name}")
    assert called <= set(FUNCTIONS), called - set(FUNCTIONS)
