"""What every message of the wire is made of, and what can be wrong with one, in our own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

_CHOICE = re.compile(r"\^\(([\w|-]+)\)\$")
# From pydantic's names of a fault, with what it says of the limit that was broken.
_TOLD = {
    name: told
    for told, names in {
        "is missing": ("missing",),
        "is not known here": ("extra_forbidden",),
        "is not written as it has to be": ("string_pattern_mismatch",),
        "must be text": ("string_type", "string_unicode"),
        "must not be empty": ("string_too_short",),
        "may have {max_length} characters at most": ("string_too_long",),
        "must be {expected}": ("literal_error", "enum"),
        "must be above {gt:g}": ("greater_than",),
        "must be {ge:g} or more": ("greater_than_equal",),
        "must be below {lt:g}": ("less_than",),
        "must be {le:g} or less": ("less_than_equal",),
        "must hold {min_length} or more": ("too_short",),
        "may hold {max_length} at most": ("too_long",),
        "must be a list": ("list_type",),
        "must be an object": ("dict_type", "model_type", "model_attributes_type"),
        "must be a finite number": ("finite_number",),
        "must be a number": ("float_type", "float_parsing"),
        "must be a whole number": ("int_type", "int_parsing", "int_from_float"),
        "must be true or false": ("bool_type", "bool_parsing"),
        "the body is not JSON": ("json_invalid", "json_type"),
    }.items()
    for name in names
}

AudioPath = Annotated[str, Field(min_length=1, max_length=4096, description="Absolute path of an audio file")]


class Message(BaseModel):
    """A JSON object without keys that nobody knows: a typing mistake must not pass as a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def fault_told(fault: Mapping[str, Any]) -> str | None:
    """One of pydantic's faults without its place; None where its words are our own already.

    >>> fault_told({"type": "greater_than_equal", "ctx": {"ge": 1}})
    'must be 1 or more'
    """
    told, limits = _TOLD.get(fault["type"]), fault.get("ctx", {})
    if told and (choice := _CHOICE.fullmatch(str(limits.get("pattern")))):
        return f"must be one of {', '.join(choice[1].split('|'))}"
    return told and told.format_map(limits).replace(" 1 characters", " 1 character")
