"""Every `reaper-aeq` line in the README is one that the program understands. Nothing is executed."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from reaper_aeq.cli import app

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def command_lines(text: str) -> list[str]:
    """Lines of ```console and ```sh blocks that call us; a prompt is removed, a continued line joined."""
    blocks = "\n".join(FENCE.findall(text)).replace("\\\n", " ")
    lines = (line.strip().removeprefix("$ ").strip() for line in blocks.splitlines())
    return [line for line in lines if re.match(r"(uv run )?reaper-aeq(\s|$)", line)]


def parse(line: str) -> None:
    """Raises where the command line does not parse; options that do not exist are among the reasons."""
    words = shlex.split(re.split(r"\s(?:\||>|&&)\s", line)[0], comments=True)
    arguments = words[words.index("reaper-aeq") + 1 :]
    command, path = typer.main.get_command(app), ["reaper-aeq"]
    while arguments and arguments[0] in getattr(command, "commands", {}):
        command = command.commands[arguments[0]]
        path.append(arguments.pop(0))
    if arguments not in (["--help"], ["--version"]):
        assert not hasattr(command, "commands"), f"{' '.join(path)} needs a command"
        command.make_context(" ".join(path), arguments).close()


README = command_lines((ROOT / "README.md").read_text(encoding="utf-8"))
NOTES = command_lines((ROOT / "reascripts" / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", dict.fromkeys([*README, *NOTES]))
def test_command_lines_parse(line):
    parse(line)


def test_inline_commands_exist():
    """`reaper-aeq x` within a sentence, up to the first word that is no command."""
    known = typer.main.get_command(app).commands
    for path in (ROOT / "README.md", ROOT / "reascripts" / "README.md"):
        for name in re.findall(r"`reaper-aeq ([a-z]+)", path.read_text(encoding="utf-8")):
            assert name in known, f"{path.name} speaks of 'reaper-aeq {name}'"


def test_the_reader_of_the_readme_finds_mistakes():
    text = "```console\n$ reaper-aeq adapt a.wav \\\n    warm -o b.wav  # a remark\n```\n```json\nreaper-aeq no\n```\n"
    assert command_lines(text) == ["reaper-aeq adapt a.wav      warm -o b.wav  # a remark"]
    parse(command_lines(text)[0])
    parse("uv run reaper-aeq words --json | head")
    for wrong in (
        "reaper-aeq adapt a.wav warm --wet 3",
        "reaper-aeq adapt a.wav",
        "reaper-aeq train",
        "reaper-aeq eat",
    ):
        with pytest.raises((Exception, AssertionError)):
            parse(wrong)
