"""Plans: which rule fits, and every mistake said with its line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.model import kinds as model_kinds
from reaper_aeq.model.words import Vocabulary
from reaper_aeq.project.plan import DEFAULT_PLAN, RULE_KINDS, PlanError, read_plan


@pytest.fixture
def plan(tmp_path):
    def read(text: str):
        path = tmp_path / "plan.toml"
        path.write_text(text, encoding="utf-8")
        return read_plan(path)

    return read


RULES = """
leave = ["*click*"]
[[rule]]
track = ["*vox*", "Lead ?"]
word = "warm 0.7, airy 30%"
intensity = 0.5

[[rule]]
folder = "drums*"
kind = ["high", "middle"]
word = {airy = 0.4}
adaptation = 1

[[rule]]
track = "drums"
on = "buses"
word = "less boxy"
method = "fixed"

[default]
word = "warm"
"""


@pytest.mark.parametrize(
    "name, folders, kind, is_bus, word",
    [
        ("BV VOX 2", (), "vocals", False, {"warm": 0.7, "airy": 0.3}),
        ("lead b", (), "drums", False, {"warm": 0.7, "airy": 0.3}),
        ("leader", (), "drums", False, "warm"),
        ("hat", ("song", "Drums bus"), "high", False, {"airy": 0.4}),
        ("hat", ("song", "Drums bus"), "bass", False, "warm"),
        ("drums", (), "mix", True, "less boxy"),
        ("drums", (), "mix", False, "warm"),
        ("vox", (), "mix", True, None),
        ("strings", (), "mix", True, None),
    ],
)
def test_the_first_rule_that_fits_decides(plan, name, folders, kind, is_bus, word):
    action = plan(RULES).action(name, folders, [kind], is_bus)
    assert (action and action.word) == word


def test_what_a_rule_says(plan):
    read = plan(RULES)
    first, second, third = (rule.action for rule in read.rules)
    assert (first.intensity, first.adaptation, first.method, first.line) == (0.5, None, "adaptive", 5)
    assert (second.adaptation, third.method, read.master, read.default.line) == (1.0, "fixed", None, 21)
    assert first.in_reaper() == "AEQ: warm 35% + airy 15%" and third.in_reaper() == "AEQ: less boxy 100%"
    assert read.leaves("My CLICK track") and not read.leaves("clock")


def test_a_reference_lies_beside_the_plan(plan, tmp_path):
    action = plan('[master]\nreference = "songs/a.wav"\nintensity = 0.5\n').master
    assert action.reference == tmp_path / "songs/a.wav" and action.in_reaper() == "AEQ match: a 50%"


def test_the_default_plan():
    read = read_plan()
    assert read.is_default and read.default and read.master and read.leaves("Click") and len(read.rules) > 3
    assert read.action("Lead Vox", (), ["vocals"], False).in_reaper() == "AEQ: warm 30% + airy 30%"
    for other in ("Single", "Bottom", "Chatter"):  # no accidents of spelling
        assert read.action(other, (), ["vocals"], False) is read.default
    assert all(abs(action.intensity) <= 0.5 or not isinstance(action.word, str) for action in read.actions)


def test_the_shipped_words_hold_those_of_the_default_plan():
    words = Vocabulary.load()
    assert not any(words.blend(action.word).weak for action in read_plan().actions)


def test_the_kinds_of_plans_are_those_that_are_told_apart():
    older = {"low", "high", "full", "middle"}
    assert set(RULE_KINDS) == set(model_kinds.KINDS) | older | {"melodic"}


def test_a_plan_says_what_a_sound_is_and_older_names_fit_beside_the_new_ones(plan):
    told = plan("[[rule]]\ntrack = 'a*'\nword = 'warm'\nheard_as = 'bass'\n[[rule]]\nkind = 'low'\nword = 'deep'\n")
    assert told.action("a", (), ["guitar"], False).kind == "bass"
    assert told.action("b", (), ["bass", "low"], False).word == "deep"
    assert told.action("b", (), ["bass", "middle"], False) is None
    with pytest.raises(PlanError, match=r"line 4: unknown kind 'tuba': use one of mix, drums"):
        plan("[[rule]]\ntrack = 'a*'\nword = 'warm'\nheard_as = 'tuba'\n")


MISTAKES = {
    "no toml": ("word = \n", 1, "not TOML"),
    "no toml, later": ("[default]\nword = 'a'\n[[rule\n", 3, "not TOML"),
    "unknown table": ("[default]\nword='a'\n\n[rules]\ntrack='x'\n", 4, "unknown table or key 'rules'"),
    "unknown key": ("leaves = ['x']\n", 1, "unknown table or key 'leaves'"),
    "unknown key of a rule": (
        "[[rule]]\ntrack='x'\nword='a'\n[[rule]]\ntracks='y'\nword='b'\n",
        5,
        "unknown key 'tracks'",
    ),
    "no word": ("\n[default]\nintensity = 1\n", 2, "it needs a word"),
    "word and reference": ("[master]\nword='a'\nreference='b'\n", 1, "not both"),
    "blend": ("[default]\nintensity = 1\nword = 'warm, airy 0.3'\n", 3, "'warm' has no weight"),
    "word is a number": ("[default]\nword = 3\n", 2, "a word is a text"),
    "intensity": ("[[rule]]\ntrack='x'\nword='a'\nintensity = 3\n", 4, "must lie between -2 and 2, not 3"),
    "intensity is a text": ("[default]\nword='a'\nintensity = 'much'\n", 3, "must be a number"),
    "intensity is not a number": ("[default]\nword='a'\nintensity = nan\n", 3, "must lie between"),
    "adaptation": ("[default]\nword='a'\nadaptation = -1\n", 3, "must lie between 0 and 1"),
    "method": ("[default]\nword='a'\nmethod = 'magic'\n", 3, "unknown method 'magic'"),
    "reference turned round": ("[master]\nreference='a.wav'\nintensity = -1\n", 3, "not turned round"),
    "kind": ("[[rule]]\nkind = ['bass', 'loud']\nword='a'\n", 2, "unknown kind 'loud'"),
    "on": ("[[rule]]\ntrack='x'\non = 'folders'\nword='a'\n", 3, "on must be one of tracks, buses, both"),
    "nothing to fit": ("\n[[rule]]\nword='a'\n", 2, "a rule needs track, folder or kind"),
    "one bracket": ("[rule]\ntrack='x'\nword='a'\n", 1, "with two brackets"),
    "track is a number": ("[[rule]]\nword='a'\ntrack = 7\n", 3, "track must be a text or a list of texts"),
    "no table": ("default = 3\n", 1, "default is a table: write [default]"),
    "rules that are numbers": ("rule = [3]\n", 1, "with two brackets"),
    "sections": ("[default]\nword='a'\nsections = 'yes'\n", 3, "sections must be true or false, not 'yes'"),
    "sections by refine": ("[default]\nsections = true\nmethod = 'refine'\nword='a'\n", 2, "makes one EQ"),
    "sections of a reference": ("[master]\nreference='a'\n\nsections = true\n", 4, "leave sections out"),
    "profile": ("[default]\nword='a'\nprofile = 7\n", 3, "the name of a profile"),
    "reference is a number": ("[master]\nreference = 7\n", 2, "reference must be one text, not 7"),
    "reference is nothing": ("[master]\nreference = ''\n", 2, "reference must be one text, not ''"),
    "reference with braces": ("[default]\nword='a'\nmethod = '{key}'\n", 3, "unknown method '{key}'"),
    "reference elsewhere": ("[default]\nreference = 'a'\n", 2, "unknown key 'reference'; known are word, intensity"),
    "leave is a number": ("\nleave = 3\n", 2, "leave must be a text or a list of texts, not 3"),
    "leave": ("\nleave = 'x', 'y'\n", 2, "not TOML"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_said_with_their_line(plan, name):
    text, line, sentence = MISTAKES[name]
    with pytest.raises(PlanError) as caught:
        plan(text)
    assert f"plan.toml: line {line}: " in str(caught.value) and sentence in str(caught.value)


def test_files_that_are_no_plans(tmp_path):
    for path, sentence in ((tmp_path / "no.toml", "does not exist"), (tmp_path, "cannot be read")):
        with pytest.raises(PlanError, match=sentence):
            read_plan(path)
    (tmp_path / "latin.toml").write_bytes(b"[default]\nword = 'caf\xe9'\n")
    with pytest.raises(PlanError, match="line 2: a plan is written in UTF-8"):
        read_plan(tmp_path / "latin.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 2**21)
    with pytest.raises(PlanError, match="is not a plan"):
        read_plan(tmp_path / "large.toml")


LINES = [line for line in (RULES + DEFAULT_PLAN.read_text("utf-8")).splitlines() if line]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES) | st.text("[]='\"rule.word{}#\n1,", max_size=12), max_size=12))
def test_whatever_stands_in_a_plan_is_read_or_refused(tmp_path_factory, lines):
    path = Path(tmp_path_factory.getbasetemp(), "any.toml")
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        read_plan(path)
    except PlanError as error:
        assert str(path) in str(error) and "line" in str(error)
