"""What is wrong with a message, in one sentence of our own instead of the library's that reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Context = Mapping[str, Any]

# What pydantic puts into the place of a fault where a field has several forms.
_FORM = re.compile(r"constrained-\w+|dict\[.*\]|ReferenceInfo")
_KEY = "[key]"  # the same, where it is the name in an object that is at fault
_CHOICE = re.compile(r"\^\(([\w|-]+)\)\$")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _as_it_should_be(ctx: Context) -> str:
    choice = _CHOICE.fullmatch(ctx["pattern"])
    return f"must be one of {', '.join(choice[1].split('|'))}" if choice else "is not written as it has to be"


# From pydantic's name of a fault, and what it says of the limit that was broken.
_TOLD: dict[str, Callable[[Context], str]] = {
    "missing": lambda _: "is missing",
    "extra_forbidden": lambda _: "is not known here",
    "string_type": lambda _: "must be text",
    "string_unicode": lambda _: "must be text",
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda ctx: f"may have {_counted(ctx['max_length'], 'character')} at most",
    "string_pattern_mismatch": _as_it_should_be,
    "literal_error": lambda ctx: f"must be {ctx['expected']}",
    "enum": lambda ctx: f"must be {ctx['expected']}",
    "greater_than": lambda ctx: f"must be above {ctx['gt']:g}",
    "greater_than_equal": lambda ctx: f"must be {ctx['ge']:g} or more",
    "less_than": lambda ctx: f"must be below {ctx['lt']:g}",
    "less_than_equal": lambda ctx: f"must be {ctx['le']:g} or less",
    "too_short": lambda ctx: f"must hold {ctx['min_length']} or more",
    "too_long": lambda ctx: f"may hold {ctx['max_length']} at most",
    "list_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be an object",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "finite_number": lambda _: "must be a finite number",
    "json_invalid": lambda _: "the body is not JSON",
    "json_type": lambda _: "the body is not JSON",
}
_TOLD |= dict.fromkeys(("float_type", "float_parsing"), lambda _: "must be a number")
_TOLD |= dict.fromkeys(("int_type", "int_parsing", "int_from_float"), lambda _: "must be a whole number")
_TOLD |= dict.fromkeys(("bool_type", "bool_parsing"), lambda _: "must be true or false")


def first_fault(errors: list[dict[str, Any]] | Any) -> str:
    """One sentence from pydantic's list of what is wrong with a message.

    >>> first_fault([{"loc": ("body", "tasks", 3, "path"), "msg": "Field required", "type": "missing"}])
    'tasks.3.path is missing'
    """
    fault = max(_of_one_field(errors), key=lambda one: len(one["loc"]))  # of several forms, the one that was meant
    parts = [str(part) for part in fault["loc"][1:]]  # [0]: body or query
    place = ".".join(part for part in parts if not _FORM.fullmatch(part) and part != _KEY)[:200]
    if _KEY in parts:
        place = f"a name in {place.rpartition('.')[0]}"
    told = _TOLD.get(fault["type"])
    if told is None:  # a sentence of our own models, about what they are given as a whole
        own = str(fault["msg"]).removeprefix("Value error, ")
        return f"{place}: {own[:1].lower()}{own[1:]}" if place else own
    if fault["type"].startswith("json"):
        return told({})
    return f"{place or 'the body'} {told(fault.get('ctx', {}))}"


def _of_one_field(errors: Any) -> list[Any]:
    """The first fault, and those of the other forms that the same field may have."""
    place = errors[0]["loc"]
    if not (place and _FORM.fullmatch(str(place[-1]))):
        return [errors[0]]
    return [one for one in errors if one["loc"][: len(place) - 1] == place[:-1]]
