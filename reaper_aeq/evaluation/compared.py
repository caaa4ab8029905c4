"""Who takes part in `evaluate compare`, by the names in its tables. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from ..errors import AeqError
from ..model import NETWORKS
from ..request import METHODS

NEIGHBOR, MATCHERING = "match to neighbor", "matchering, neighbor"
USUAL_RULE = "rule of usual balance"
RULES = ("nothing", "fixed SAFE", "fixed SocialEQ", "scalar rule", "posterior rule", USUAL_RULE)
OURS = tuple(method for method in METHODS if method != "fixed")
BY_ENCODER = {f"adaptive, {name}": name for name in NETWORKS}


def chosen_names(only: Sequence[str], with_matchering: bool) -> list[str]:
    """All names, or `only` these. Raises `AeqError` for a name that is none, or a matchering that is not installed."""
    names = [*RULES, NEIGHBOR, *[MATCHERING] * with_matchering, *OURS, *BY_ENCODER]
    for name in only:
        if name == MATCHERING and not with_matchering:
            raise AeqError(f"{name!r} is only compared with --matchering")
        if name not in names:
            raise AeqError(f"unknown method {name!r}: use one of {', '.join(map(repr, names))}")
    if with_matchering and find_spec("matchering") is None:
        raise AeqError("matchering is not installed: 'python -m pip install matchering', or leave --matchering out")
    return list(only) or names
