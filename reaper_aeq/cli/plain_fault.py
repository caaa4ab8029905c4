"""Faults of a command line in our own words: typer hands on what the library says that checks its options."""

from __future__ import annotations

import re

_OPTION = re.compile(r"Invalid value for '(.+?)': (?:Value error, )?(.+)", re.DOTALL)
_TOLD = (
    (re.compile(r"Input should be greater than or equal to (.+)"), r"must be \1 or more"),
    (re.compile(r"Input should be less than or equal to (.+)"), r"must be \1 or less"),
    (re.compile(r"Input should be greater than (.+)"), r"must be above \1"),
    (re.compile(r"Input should be less than (.+)"), r"must be below \1"),
    (re.compile(r"Input should be a finite number"), "must be a finite number"),
    (re.compile(r"Input should be a valid integer.*"), "must be a whole number"),
    (re.compile(r"Input should be a valid number.*"), "must be a number"),
    (re.compile(r"Input should be a valid boolean.*"), "must be true or false"),
)


def plain_fault(sentence: str) -> str:
    """
    >>> plain_fault("Invalid value for '--top': Input should be greater than or equal to 1")
    '--top must be 1 or more'
    >>> plain_fault("No such command 'foo'.")
    "No such command 'foo'"
    """
    sentence = sentence.removesuffix(".").replace("Value error, ", "")
    option = _OPTION.fullmatch(sentence)
    if option:
        for pattern, told in _TOLD:
            if pattern.fullmatch(option[2]):
                return f"{option[1]} {pattern.sub(told, option[2])}"
    return sentence
