"""Names of files and tracks on a terminal: spelled out wherever they could do harm."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reaper_aeq.cli import main as cli
from reaper_aeq.cli.commands import console
from reaper_aeq.util.printable import printable

EVIL = "a\x1b]0;owned\x07\x1b[2J\x9b31m\r\nerror: forged\u202etxt\x7f"


@given(st.text())
def test_no_control_character_is_left_and_nothing_else_changes(text):
    told = printable(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029\u202e" for c in told)
    assert printable(told) == told
    if all(c.isalnum() and ord(c) < 0xD800 for c in text):
        assert told == text


@pytest.mark.parametrize("text", ["Gesang üöä", "低音 ベース", "🎸 lead", "नमस्ते", "שלום", "a b\u00a0c"])
def test_names_that_people_give_stay(text):
    assert printable(text) == text


def clean(text: str) -> bool:
    return not set(text) & set("\x1b\x07\x9b\r\x7f\u202e") and "\nerror: forged" not in text


@pytest.mark.parametrize("speak", [console.say, console.note, console.warn, console.complain, console.report])
def test_whatever_is_said(speak, capsys):
    console.set_level(console.NORMAL)
    speak(f"wrote {printable(EVIL)}" if speak is console.say else EVIL)
    out, err = capsys.readouterr()
    assert clean(out + err) and (out + err).count("\n") == 1


def test_tables_and_progress(capsys):
    console.table(["name"], [[EVIL]])
    with console.progress() as (tell, _):
        tell(EVIL)
    out, err = capsys.readouterr()
    assert clean(out) and clean(err) and "forged" in out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    "arguments",
    [["adapt", EVIL, "warm"], ["adapt", "song.wav", EVIL], ["project", EVIL], ["analyze", EVIL],
     ["words", "--models", EVIL],
     ["batch", EVIL, "-o", "out"], [EVIL], ["adapt", f"--{EVIL}"], ["live", EVIL], ["match", EVIL, EVIL],
     ["adapt", "song.wav", "warm", "--method", EVIL], ["train", "eq", "--settings", EVIL]],
)  # fmt: skip
def test_names_in_mistakes(arguments, capsys):
    cli.main(arguments)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and clean(err) and err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_of_results(tmp_path, capsys):
    from reaper_aeq.cli.commands.adapt import about

    class Heard:
        class analysis:
            sample_rate, channels, duration_s, silent = 44_100, 2, 1.0, True

    console.print_json(about(Heard, EVIL, [EVIL], "mix"))
    out = capsys.readouterr().out
    assert clean(out) and json.loads(out)["file"] == EVIL
