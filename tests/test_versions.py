"""What is installed is what pyproject.toml holds to: nothing that the README's commands bring may move by itself."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UV = PROJECT["tool"]["uv"]
# the installer's own tools, where an environment holds them
TOOLS = {"pip", "uv", "reaper-aeq"}


def held(key: str = "constraint-dependencies") -> dict[str, Version]:
    """Name -> version of one list of [tool.uv]; each line must be exact, for every system and Python."""
    found = {}
    for line in UV[key]:
        name, version = line.split("==")
        assert re.fullmatch(r"[a-z0-9-]+", name) and name not in found, line
        found[name] = Version(version)
    return found


def installed() -> dict[str, importlib.metadata.Distribution]:
    return {canonicalize_name(one.metadata["Name"]): one for one in importlib.metadata.distributions()}


def asked_for(*tables: dict[str, list[str]]) -> list[str]:
    return [line for table in tables for lines in table.values() for line in lines]


def strays(found: dict[str, str], wanted: dict[str, Version]) -> list[str]:
    """What is not held, or is there in another version."""
    return [
        f"{name} {version}, held: {wanted.get(name, 'nothing')}"
        for name, version in found.items()
        # a build of another index carries its name behind a plus: torch 2.11.0+cpu
        if name not in TOOLS and Version(Version(version).public) != wanted.get(name)
    ]


def reached(names: list[str]) -> set[str]:
    """All that these requirements bring along on this machine, themselves included."""
    seen: set[tuple[str, frozenset]] = set()
    here, queue = installed(), [Requirement(name) for name in names]
    while queue:
        requirement = queue.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in here:  # of a group that this environment was made without
            continue
        for line in here[name].requires or []:
            below = Requirement(line)
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras or {""}):
                queue.append(below)
    return {name for name, _ in seen}


def test_what_is_installed_is_what_the_file_says():
    found = {name: one.version for name, one in installed().items()}
    assert len(found) > 60 and not strays(found, held())


def test_a_package_that_nobody_holds_is_found():
    assert strays({"torch": "2.11.0", "left-pad": "1.0"}, held()) == ["left-pad 1.0, held: nothing"]
    assert strays({"torch": "2.11.1"}, held()) == ["torch 2.11.1, held: 2.11.0"]
    assert strays({"torch": "2.11.0+cpu"}, held()) == []


def test_everything_that_is_asked_for_is_held():
    project = PROJECT["project"]
    asked = project["dependencies"] + asked_for(project["optional-dependencies"], PROJECT["dependency-groups"])
    missing = reached(asked) - set(held()) - TOOLS
    assert not missing, f"not held to a version: {sorted(missing)} ('make lock')"


def test_every_dependency_of_the_wheel_has_both_bounds_and_the_held_version_lies_between():
    project = PROJECT["project"]
    for one in map(Requirement, project["dependencies"] + asked_for(project["optional-dependencies"])):
        operators = {part.operator for part in one.specifier}
        assert operators in ({">=", "<"}, {"=="}), f"{one}: give a lower and an upper bound"
        assert one.specifier.contains(held()[canonicalize_name(one.name)]), str(one)


def test_every_tool_of_the_check_has_both_bounds_and_the_held_version_lies_between():
    for one in map(Requirement, PROJECT["dependency-groups"]["lint"]):
        assert {part.operator for part in one.specifier} == {">=", "<"}, f"{one}: give a lower and an upper bound"
        assert one.specifier.contains(held()[canonicalize_name(one.name)]), str(one)


def test_torch_and_torchaudio_are_one_pair():
    exact = {one for one in PROJECT["project"]["dependencies"] if one.startswith("torch")}
    assert exact == {"torch==2.11.0", "torchaudio==2.11.0"}
    assert held()["torch"] == held()["torchaudio"] == Version("2.11.0")


def test_what_builds_the_package_is_held_too():
    build = held("build-constraint-dependencies")
    for line in PROJECT["build-system"]["requires"]:
        assert Requirement(line).specifier.contains(build[Requirement(line).name]), line


def test_the_readme_names_one_exact_installer():
    commands = re.findall(r"pip install --quiet (\S+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(commands) >= 2 and len(set(commands)) == 1
    name, _, version = commands[0].partition("==")
    assert name == "uv" and Version(version)
    if os.environ.get("AEQ_CI"):  # there the README's command started these tests
        ran = subprocess.run([os.environ["UV"], "--version"], capture_output=True, text=True, check=True).stdout
        assert ran.split()[1] == version


def test_nothing_of_the_project_names_a_host_to_install_from():
    assert not {"index", "index-url", "extra-index-url", "find-links", "sources"} & set(UV)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    assert not [name for name in tracked.stdout.split() if name.endswith((".lock", "poetry.lock"))]
