"""The command line as a whole: quick help, exit codes, one sentence for each mistake."""

import json
import os
import statistics
import subprocess
import sys

import pytest
import typer

from reaper_aeq import __version__
from reaper_aeq.cli import main as cli
from reaper_aeq.errors import AeqError
from reaper_aeq.model.word_table import WordTable

HEAVY = ("torch", "numpy", "scipy", "matplotlib", "soundfile", "rich", "pydantic")
HELP = f"""
import json, sys
from reaper_aeq.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]), file=sys.stderr)
"""


def commands(group=None, path=()):
    """Every command and group as the words that name it."""
    group = group or typer.main.get_command(cli.app)
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


LEAVES = [path for path in commands() if path and path not in (("train",), ("evaluate",), ("live",), ("profile",))]


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_help_loads_nothing_heavy(path):
    run = subprocess.run([sys.executable, "-c", HELP, *path, "--help"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith(f"Usage: {' '.join(['reaper-aeq', *path])}")
    assert json.loads(run.stderr) == [0, []]


@pytest.mark.skipif(os.name == "nt", reason="POSIX rusage")
def test_help_is_quick():
    import resource

    def processor_s() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def seconds() -> float:
        before = processor_s()  # a machine that is busy with other tests makes nobody work longer, only wait
        subprocess.run([sys.executable, "-c", HELP, "adapt", "--help"], capture_output=True, check=True)
        return processor_s() - before

    assert statistics.median(seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_speaks_json_and_describes_its_options(path, capsys):
    assert cli.main([*path, "--help"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  -")]
    assert any("--json" in line for line in lines)


@pytest.mark.parametrize("path", [(), ("train",), ("evaluate",), ("live",), ("profile",)], ids=" ".join)
def test_alone_a_group_shows_its_help(path, capsys):
    assert cli.main([*path]) == 0
    alone, err = capsys.readouterr()
    assert alone.startswith(f"Usage: {' '.join(['reaper-aeq', *path])}") and err == ""
    for short in ("-h", "--help"):
        assert cli.main([*path, short]) == 0 and capsys.readouterr().out == alone


def test_h_is_help_and_every_command_can_be_quiet_or_talkative(capsys):
    for path in LEAVES:
        assert cli.main([*path, "-h"]) == 0
        told = capsys.readouterr().out
        assert "-q, --quiet" in told and "-v, --verbose" in told and "-h, --help" in told, path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_told_what_could_come_next(shell):
    command = [sys.executable, "-c", "import sys; from reaper_aeq.__main__ import main; sys.exit(main())"]
    ask = {**os.environ, "_REAPER_AEQ_COMPLETE": f"source_{shell}"}
    assert "_REAPER_AEQ_COMPLETE" in subprocess.run(command, env=ask, capture_output=True, text=True).stdout
    if shell == "bash":
        ask |= {"_REAPER_AEQ_COMPLETE": "complete_bash", "COMP_WORDS": "reaper-aeq evaluate l", "COMP_CWORD": "2"}
        run = subprocess.run(command, env=ask, capture_output=True, text=True)
        assert run.stdout.split() == ["laws", "listen"] and run.stderr == ""


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"reaper-aeq {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "ears"], "No such command 'ears'"),
        (["adpt", "a.wav"], "No such command 'adpt'"),
        (["adapt", "a.wav"], "Missing argument 'WORD' (see 'reaper-aeq adapt --help')"),
        (["adapt", "a.wav", "warm", "--wet"], "No such option: --wet"),
        (["adapt", "a.wav", "less", "muddy"], "unexpected extra argument"),
        (["adapt", "a.wav", "warm", "--intensity", "much"], "--intensity must be a number"),
        (["analyze"], "Missing argument 'IN...'"),
        (["analyze", "a.wav", "--top", "0"], "--top must be 1 or more"),
        (["analyze", "a.wav", "--top", "some"], "--top must be a whole number"),
        (["serve", "--port", "99999"], "--port must be 65535 or less"),
        (["train", "eq", "--device", "tpu"], "Invalid value for '--device'"),
        (["evaluate", "laws"], "Missing option '--audio'"),
        (["adapt", "a\nb.wav", "warm"], "a b.wav does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments, sentence, capsys):
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and sentence in err and err.count("\n") == 1


def test_exit_codes_of_errors(monkeypatch, capsys):
    def raising(error):
        def load(*_):
            raise error

        monkeypatch.setattr(WordTable, "load", load)
        return cli.main(["words"])

    assert raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "interrupted: nothing half-written is left behind\n"
    assert raising(AeqError("that cannot be")) == 2
    assert capsys.readouterr().err == "error: that cannot be\n"
    with pytest.raises(ZeroDivisionError):  # a defect keeps its trace
        raising(ZeroDivisionError())


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(unbuffered):
    # a closed pipe is met while printing or, where output is buffered, only when it is flushed
    script = "import sys; sys.stdin.read(); from reaper_aeq.cli.main import main; sys.exit(main(['adapt', '--help']))"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", script], env=environment, **pipes) as process:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_terminal_that_knows_only_ascii_gets_question_marks():
    script = (
        "from reaper_aeq.cli import main as cli; from reaper_aeq.cli.commands import console;"
        "cli.main(['no']); console.say('█ ó')"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "? ?\n"
