"""Examples in docstrings run, and names of classes stand for one thing: every module of the package is walked, so that
none can be forgotten."""

import doctest
import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest

import reaper_aeq

MODULES = sorted(module.name for module in pkgutil.walk_packages(reaper_aeq.__path__, "reaper_aeq."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    module = importlib.import_module(name)
    assert module.__doc__ or module.__file__.endswith("__init__.py"), f"{name} does not say what it is"
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def test_some_examples_are_there():
    finder = doctest.DocTestFinder(exclude_empty=True)
    count = sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert count >= 10


def test_a_name_of_a_class_stands_for_one_class():
    texts = [path.read_text(encoding="utf-8") for path in Path(reaper_aeq.__path__[0]).rglob("*.py")]
    found = Counter(name for text in texts for name in re.findall(r"^class (\w+)", text, re.MULTILINE))
    assert len(found) > 200 and [name for name, count in found.items() if count > 1] == []
