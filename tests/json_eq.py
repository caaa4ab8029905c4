"""What `--json` prints of an EQ, read back."""

from typing import Any

from reaper_aeq.eq import Band, Eq


def eq_from_json(answer: dict[str, Any]) -> Eq:
    """The `Eq` of an answer with the keys of `Eq.to_dict`, whatever else it says."""
    return Eq(tuple(Band(**band) for band in answer["bands"]), answer["output_gain_db"])
