"""The laws (docs/examinations.md), measured on real audio through real filters: each figure was heard, not computed.

Each law is a function of the engine and the recordings; `run_laws` runs them all and keeps what they found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..engine import AdaptiveEQ
from ..errors import AeqError
from ..methods.validation import AnalyzedRequest
from ..request import DEFAULT_METHOD
from ..result.result import Result
from .folds import Tell
from .law import Law, TestSound
from .laws_of_answers import adaptive, convergent, monotone, not_one_answer, null, score, settling
from .laws_of_bounds import form, human, level, safe
from .laws_of_hearing import heard
from .laws_of_signing import signable

# in the order in which one yields to another; after these four none yields
CHECKS = (
    safe, null, level, heard, monotone, adaptive, convergent, settling, form, human, score, not_one_answer, signable,
)  # fmt: skip


class By:
    """An engine that answers by one method where none is named."""

    def __init__(self, engine: AdaptiveEQ, method: str) -> None:
        self._engine, self._method = engine, method

    def adapt(self, *args: Any, **options: Any) -> Result:
        """As `AdaptiveEQ.adapt`."""
        return self._engine.adapt(*args, **{"method": self._method, **options})

    def adapt_many(self, asked: Sequence[AnalyzedRequest]) -> list[Result | AeqError]:
        """As `AdaptiveEQ.adapt_many`."""
        own = [replace(one, request=replace(one.request, method=self._method)) for one in asked]
        return self._engine.adapt_many(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def run_laws(
    engine: AdaptiveEQ, sounds: Sequence[TestSound], tell: Tell = lambda _: None, *, method: str = DEFAULT_METHOD,
    only: Sequence[str] = (),
) -> list[Law]:  # fmt: skip
    """All laws (or `only` those, by the names of their functions) over `sounds`, in the order of docs/results.md."""
    laws: list[Law] = []
    by: Any = By(engine, method)
    for check in [check for check in CHECKS if not only or check.__name__ in only]:
        tell(check.__name__.replace("_", " "))
        laws += check(by, sounds)
    return laws
