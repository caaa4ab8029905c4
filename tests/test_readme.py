"""Every `reaper-aeq` line in README and docs is one that the program understands, and what is pointed to is there.

Nothing is executed.
"""

import re
import shlex
from pathlib import Path

import pytest
import typer

from reaper_aeq.cli.main import app

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


PAGES = [ROOT / "README.md", ROOT / "reascripts" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINES = [line for page in PAGES for line in command_lines(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("line", dict.fromkeys(LINES))
def test_command_lines_parse(line):
    parse(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_inline_commands_exist(page):
    """`reaper-aeq x` within a sentence, up to the first word that is no command."""
    known = typer.main.get_command(app).commands
    for name in re.findall(r"`reaper-aeq ([a-z]+)", page.read_text(encoding="utf-8")):
        assert name in known, f"{page.name} speaks of 'reaper-aeq {name}'"


def anchors(page: Path) -> set[str]:
    """What links into a page may end with: its headings, as they are shown by whoever shows Markdown."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        where = (page.parent / name).resolve() if name else page
        assert where.exists(), f"{page.name} points to {target}"
        assert not anchor or anchor in anchors(where), f"{page.name} points to {target}"


def test_comments_point_to_sections_that_exist():
    """`docs/reaper.md, section 4` or `docs/reaper.md, 4` in code, tests and actions."""
    numbers = {
        page.name: set(re.findall(r"^## (\d+)\.", page.read_text(encoding="utf-8"), re.MULTILINE)) for page in PAGES
    }
    found = 0
    for folder, pattern in (("reaper_aeq", "*.py"), ("tests", "*.py"), ("reascripts", "*.lua")):
        for file in (ROOT / folder).rglob(pattern):
            text = file.read_text(encoding="utf-8")
            for page, said in re.findall(r"docs/(\w+\.md)((?:, (?:sections? )?\d+(?: and \d+)?)?)", text):
                found += 1
                assert page in numbers, f"{file.name} points to docs/{page}"
                assert set(re.findall(r"\d+", said)) <= numbers[page], f"{file.name} points to docs/{page}{said}"
    assert found > 40


def test_the_readme_is_short_and_starts_with_a_picture_and_the_first_command():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    assert "](docs/one_word.png)" in text.split("\n## ")[0]
    first, tests = re.findall(r"^```sh\n(python3 -m pip install.*)\n```$", text, re.MULTILINE)
    installer = r"python3 -m pip install --quiet uv==[\d.]+ && python3 -m uv run "
    assert re.fullmatch(installer + "reaper-aeq demo", first) and re.fullmatch(installer + "--group test pytest", tests)
    assert f"<!-- tests -->\n```sh\n{tests}\n```\n" in text  # where .ci/run looks for it


def test_the_hooks_run_the_quick_half_of_the_check_and_fetch_nothing():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (quick,) = re.findall(r"^quick: (.*) ##", makefile, re.MULTILINE)
    assert re.findall(r"entry: make (\w+)", hooks) == quick.split() and "://" not in hooks
    assert re.search(r"^check: quick types test ", makefile, re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert ci.index("make quick") < ci.index("make types") < ci.index('bash -euo pipefail -c "$command"')


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
