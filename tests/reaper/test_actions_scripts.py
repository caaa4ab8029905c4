"""The shipped Lua by itself: it loads on both Luas, luacheck likes it, and its plain logic holds."""

from __future__ import annotations

import base64
import importlib
import json
import os
import re
import shutil
import subprocess

import pytest
from actions_kit import SCRIPTS
from counted import LUA_STEPS
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.eq import Band, Eq
from reaper_aeq.model.word_table import WordTable, resolve
from reaper_aeq.reaper.reaeq.instance import to_state
from reaper_aeq.reaper.reaeq.names import instance_name
from reaper_aeq.reaper.reaeq.values import normalized_to_freq
from reaper_aeq.request import parse_word

FILES = sorted(SCRIPTS.rglob("*.lua"))
ACTIONS = sorted(SCRIPTS.glob("AEQ_*.lua"))
LUAS = ("5.3", "5.4")


def runtime(version: str):
    """A Lua with just enough of REAPER to load the modules."""
    lua = importlib.import_module(f"lupa.lua{version.replace('.', '')}").LuaRuntime(encoding="latin-1")
    lua.execute(f'package.path = "{SCRIPTS}/?.lua"; reaper = {{GetOS = function() return "Other" end}}')
    return lua


@pytest.fixture(scope="module", params=LUAS)
def lua(request):
    return runtime(request.param)


@pytest.mark.parametrize("version", LUAS)
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_file_compiles(path, version):
    load = runtime(version).eval("function(path) local f, why = loadfile(path); return f ~= nil, why end")
    fine, why = load(str(path))
    assert fine, why


def test_every_module_returns_a_table_and_leaves_no_globals(lua):
    names = [f"aeq.{path.stem}" for path in FILES if path.parent.name == "aeq"]
    before = set(lua.globals())
    for name in names:
        kind = lua.eval(f'type(require("{name}"))')
        assert kind == ("function" if name == "aeq.selftest_reaeq" else "table"), name
    assert set(lua.globals()) == before


@pytest.mark.skipif(
    shutil.which("luacheck") is None and "AEQ_CI" not in os.environ, reason="no luacheck here (Debian: lua-check)"
)
def test_luacheck_is_clean():
    done = subprocess.run(["luacheck", "reascripts", "-q"], cwd=SCRIPTS.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_actions_have_headers_and_no_logic():
    assert len(ACTIONS) > 25
    packages = []
    for path in ACTIONS:
        text = path.read_text()
        head, code = re.match(r"((?:--.*\n)*)\n(.*)", text, re.S).groups()
        tags = dict(re.findall(r"^-- @(\w+) ?(.*)$", head, re.M))
        assert tags["description"] == "AEQ: " + path.stem.removeprefix("AEQ_")
        assert re.fullmatch(r"\d[\d.]*", tags["version"]) and tags["author"]
        assert len(code.strip().splitlines()) == 3
        if "noindex" not in tags:
            packages.append(path.name)
    assert packages == ["AEQ_Make warmer.lua"]


def test_each_make_action_asks_for_a_word_of_the_vocabulary():
    from reaper_aeq.model.words import Vocabulary

    vocabulary = Vocabulary.load()
    for path in ACTIONS:
        if found := re.search(r'\.make\("(.*)", "(.*)"\)', path.read_text()):
            assert found[1] == path.stem.removeprefix("AEQ_").replace("Make", "make")
            word = vocabulary.find(found[2])
            assert (word.name == found[2] and not word.weak) or path.stem.endswith("tighter")


def test_no_sentence_is_missing_a_place_or_an_end():
    text = (SCRIPTS / "aeq" / "messages.lua").read_text()
    table = text[text.index("local sentences") : text.index("local messages")]
    keys = re.findall(r"^  (\w+) =", table, re.M)
    code = "".join(path.read_text() for path in FILES if path.name != "messages.lua")
    for key in keys:
        assert f'"{key}"' in code, f"nobody says {key}"
    for key in set(re.findall(r'(?:fail|text)\("(\w+)"', code)):
        assert key in keys, f"{key} is no sentence"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4) | st.dictionaries(st.text(min_size=1), inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(VALUES, st.sampled_from(LUAS))
def test_json_reads_what_python_writes_and_the_other_way_round(value, version):
    again = RUNTIMES[version].eval('function(text) local j = require("aeq.json"); return j.encode(j.decode(text)) end')
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        back = again(text.encode("utf-8", "surrogatepass").decode("latin-1")).encode("latin-1")
        assert json.loads(back.decode("utf-8", "surrogatepass")) == value


RUNTIMES = {version: runtime(version) for version in LUAS}


@pytest.mark.parametrize("text", ["", "{", "[1,]", "{1:2}", "nul", '"a', "1 2", "[" * 200, "tru", '{"a"}', "\x00", "-"])
def test_json_refuses_anything_else(lua, text):
    assert lua.eval('function(t) return (pcall(require("aeq.json").decode, t)) end')(text) is False


@pytest.mark.parametrize("request_", [{"warm": 0.7}, {"warm": 0.7, "less muddy": 0.5}, {"airy": -1.25, "warm": 2.0}])
def test_names_are_those_of_the_command_line(lua, request_):
    name = instance_name(request_, 1.0)
    formatted = lua.eval('function(n) local m = require("aeq.names"); return m.format(m.parse(n)) end')(name)
    assert formatted == name
    assert parse_word(name.removeprefix("AEQ: ") + ", x 1") == {**request_, "x": 1.0}


@pytest.mark.parametrize(
    ("name", "blend"),
    [
        ("AEQ: warm", [("warm", 1.0)]),
        ("AEQ: warm 70% + airy 50%", [("warm", 0.7), ("airy", 0.5)]),
        ("AEQ: less muddy 30%", [("less muddy", 0.3)]),
        ("AEQ: warm 900%", [("warm", 2.0)]),
        ("AEQ match: my song.wav 100%", [("my song.wav", 1.0)]),
        ("AEQ: ", []),
        ("My EQ: warm 70%", []),
        ("aeq: warm 70%", []),
    ],
)
def test_names_are_read(lua, name, blend):
    parsed = lua.eval('require("aeq.names").parse')(name)
    assert [(part.word, part.weight) for part in parsed.values()] == blend


BANDS = st.builds(
    Band,
    st.sampled_from(["low_shelf", "band", "high_shelf", "low_pass", "high_pass", "notch", "band_pass"]),
    st.floats(20, 20_000), st.floats(-12, 12), st.floats(0.1, 4), st.booleans(),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(BANDS, max_size=8), st.floats(-12, 12), st.sampled_from(LUAS), st.booleans())
def test_the_states_bytes_are_those_of_the_python_codec(bands, gain_db, version, with_header):
    state = to_state(Eq(tuple(bands), gain_db))
    header, body, _ = state.parts()
    given = {"kind": "", "freq_hz": 0, "gain_db": 0, "bandwidth_oct": 0, "enabled": 0}
    table = RUNTIMES[version].table_from
    rows = table([table({key: _plain(getattr(band, key)) for key in given}) for band in bands])
    written = RUNTIMES[version].eval(
        """function(bands, gain_db, head)
             local text
             reaper.TrackFX_SetNamedConfigParm = function(_, _, _, value) text = value return true end
             reaper.TrackFX_GetNamedConfigParm = function() return true, text end
             local state = require("aeq.reaeq_state")
             state.put(nil, 0, state.text({bands = bands, output_gain_db = gain_db}, {head = head}))
             local held = state.read(nil, 0)
             return text, #held.bands, held.output_gain_db
           end"""
    )(rows, gain_db, header.decode("latin-1") if with_header else "")
    assert base64.b64decode(written[0]) == (header if with_header else b"") + body
    assert written[1] == len(bands) and written[2] == pytest.approx(gain_db, abs=1e-9)


def _plain(value):
    return str(value) if isinstance(value, str) else value


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1))
def test_the_frequency_scale_is_that_of_the_python_codec(x):
    assert RUNTIMES["5.4"].eval('require("aeq.reaeq").to_freq')(x) == pytest.approx(normalized_to_freq(x), rel=1e-9)


def test_options_refuse_unknown_keys_and_wrong_types(lua):
    check = lua.eval('function(o, k) return (pcall(require("aeq.options").check, o, k)) end')
    known = lua.table_from({"how": "string", "from": "number?"})
    assert check(lua.table_from({"how": "items"}), known)
    for wrong in ({"how": "items", "form": 1}, {"how": 3}, {"from": 1}, {"how": "x", "from": "y"}):
        assert not check(lua.table_from(wrong), known)


def test_wire_samples_are_understood(lua):
    folder = SCRIPTS.parent / "tests" / "wire"
    samples = {path.stem: path.read_text(encoding="latin-1") for path in folder.glob("*.json")}
    understand = lua.eval(
        """function(text, check)
             local json, answers = require("aeq.json"), require("aeq.answers")
             local job = answers.job(json.decode(text))
             local tasks = {}
             for i, result in ipairs(job.results) do tasks[i] = {id = result.id, name = result.name} end
             local fine, list = pcall(answers.of_job, job, tasks, answers[check])
             return fine and #list or list.text
           end"""
    )
    assert understand(samples["job_done"], "eq") == len(json.loads(samples["job_done"])["results"])
    assert understand(samples["analyze_done"], "scores") == len(json.loads(samples["analyze_done"])["results"])
    unreadable = lua.eval(
        """function(text)
             local json, answers = require("aeq.json"), require("aeq.answers")
             local job, tasks = json.decode(text), {}
             for i, result in ipairs(job.results) do tasks[i] = {id = result.id, name = result.name, sound = {}} end
             local list = answers.of_job(job, tasks, answers.eq)
             return #list, list[#list].unreadable
           end"""
    )
    results = json.loads(samples["sound_done"])["results"]
    assert unreadable(samples["sound_done"]) == (len(results), results[-1]["error"])
    failed = json.loads(samples["job_failed_task"])["results"]
    wrong = next(result for result in failed if not result["ok"])
    assert wrong["error"].rstrip(".") in understand(samples["job_failed_task"], "eq")


QUICK_REAPER = """
local state, eq, block = {}, {output_gain_db = -1, bands = {}}, nil
local function nothing() end
local function yes() return true end
local function zero() return 0 end
local functions = {
  EnumProjects = function() return 1 end, ValidatePtr2 = yes, PreventUIRefresh = nothing, time_precise = zero,
  Undo_BeginBlock2 = function() block = steps end, Undo_EndBlock2 = function() block = steps - block end,
  TrackFX_GetCount = zero, TrackFX_AddByName = zero,
  TrackFX_GetOpen = function() return false end, GetMediaTrackInfo_Value = zero, Undo_CanUndo2 = nothing,
  GetProjectStateChangeCount = zero, Undo_CanRedo2 = nothing,
  APIExists = function() return false end, GetTrackGUID = function(track) return track end,
  TrackFX_GetFXGUID = function(track) return track end,
  GetSetMediaTrackInfo_String = function(track, key, value, set)
    if set then state[track .. key] = value end
    return true, state[track .. key] or ""
  end,
  TrackFX_SetNamedConfigParm = function(track, _, key, value) state[track .. key] = value return true end,
  TrackFX_GetNamedConfigParm = function(track, _, key)
    local value = state[track .. key] or key == "vst_chunk" and state.fresh
    return value ~= nil and value ~= false, value or ""
  end,
}
for name, f in pairs(functions) do reaper[name] = f end
for n = 1, 5 do
  eq.bands[n] = {kind = "band", freq_hz = 100.1 * n, gain_db = 1.1, bandwidth_oct = 1.1, enabled = true}
end
state.fresh = require("aeq.reaeq_state").text(eq, {head = ""})
require("aeq.reaeq").read = function() return eq end
local entries = {}
for n = 1, 200 do
  local target = {track = "t" .. n, name = "x", place = "first", family = "word", fx_count = 0}
  entries[n] = {target = target, eq = eq, blend = {{word = "warm", weight = 1}}}
end
local from = steps
require("aeq.write").all({project = 1, result = nothing, breathe = nothing, wait = nothing,
  uninterrupted = function(_, body) body() end}, "x", entries)
return steps - from, block, state.t200renamed_name
"""
CURVE = " ".join(str(-300 - 5 * n) for n in range(59))
SKETCHED = QUICK_REAPER.replace(
    "local entries = {}",
    f"""eq.explanation = "{"why " * 40}"
    local c = "{CURVE}"
    eq.sketch = {{sample_rate = 48000, most = 2, source = c, low = c, high = c, gains = c}}
    local entries = {{}}""",
)


@pytest.mark.parametrize("script", [QUICK_REAPER, SKETCHED], ids=["plain", "sketched"])
@pytest.mark.parametrize("version", LUAS)
def test_little_of_writing_200_tracks_is_inside_the_block(version, script):
    """Which is one cycle whatever happens; what is made ready before and told after is done in slices.

    Counted in steps of Lua: a processor of today does some 50 million of them a second, so a million is 20 ms.
    """
    lua = runtime(version)
    lua.execute(LUA_STEPS)
    steps, block, name = lua.execute(script)
    print(f"{steps} steps, {block} of them in the block")
    assert name == "AEQ: warm 100%" and block < 1_000_000 and steps < 5_000_000


def test_every_sentence_is_plain():
    """Read aloud: whole sentences, not long ones, none of our own words for things."""
    text = (SCRIPTS / "aeq" / "messages.lua").read_text()
    table = text[text.index("local sentences") : text.index("local messages")]
    sentences = dict(re.findall(r'^  (\w+) = ((?:"[^"]*"(?:\s*\.\.\s*)?)+),$', table, re.MULTILINE))
    assert len(sentences) > 55
    for key, parts in sentences.items():
        said = "".join(re.findall(r'"([^"]*)"', parts))
        assert re.match(r"[A-Z'{]|reaper-aeq", said) and re.search(r"[.}]$", said), key
        assert len(said) < 240 and not re.search(r"\bours?\b|\bwe\b|, for it|\banew\b|\bfault\b|  ", said), key


MAKE = re.compile(r'require\("aeq\.actions"\)\.make(?:_along)?\("(make [^"]+)", "([^"]+)"\)')
ENGINEERS = ("less boxy", "less nasal", "less sibilant", "less rumble", "more presence", "more body", "more sparkle",
             "more punch", "tighter")  # fmt: skip


@pytest.mark.parametrize("path", [path for path in ACTIONS if path.stem.startswith("AEQ_Make ")], ids=lambda p: p.stem)
def test_a_make_action_asks_for_the_word_in_its_name(path):
    text = path.read_text(encoding="utf-8")
    title, word = MAKE.search(text).groups()
    assert title == path.stem.removeprefix("AEQ_").lower() and f"@description AEQ: {path.stem[4:]}\n" in text
    table = WordTable.load()
    assert word.removeprefix("less ") in table  # as the vocabulary spells it: another spelling would be another EQ
    said, wanted = title.removeprefix("make ").removesuffix(" along the song"), resolve(word, table)
    assert resolve(said, table) == wanted


def test_there_are_actions_for_what_engineers_ask():
    listed = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    for said in ENGINEERS:
        assert (SCRIPTS / f"AEQ_Make {said}.lua").is_file() and said in listed, said
