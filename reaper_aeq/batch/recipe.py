"""What is asked of every task of a batch, as plain data that travels to workers. Standard library only."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .. import __version__
from ..errors import AeqError, ModelError
from ..project.plan import DEFAULT_PLAN, Plan, parse_plan, read_plan
from ..request import METHODS, EqRequest, check_range, parse_word
from ..util.paths import shipped
from .inputs import PROJECT


@dataclass(frozen=True)
class Recipe:
    """For projects the plan, for recordings the word ('' if none was given) and how; for both the models.

    Attributes:
        plan_text: as it was when the batch began. plan_path: None is the default plan.
        render: write recordings with their EQ too.
        models: a folder that workers see; None is the shipped ones, which `models_hash` compares.
    """

    plan_text: str
    plan_path: str | None
    word: str
    intensity: float
    adaptation: float | None
    method: str
    render: bool
    models: str | None
    models_hash: str
    version: str = __version__

    @classmethod
    def of(
        cls, *, plan: Path | None, word: str | None, intensity: float, adaptation: float | None, method: str,
        render: bool, models: Path | None,
    ) -> Recipe:  # fmt: skip
        """Raises `PlanError`, `AeqError` and `RangeError` for what is known to be wrong before any engine is loaded."""
        if word is not None:
            parse_word(word)
        check_range("intensity", intensity)
        if adaptation is not None:
            check_range("adaptation", adaptation)
        if method not in METHODS:
            raise AeqError(f"unknown method {method!r}: use one of {', '.join(METHODS)}")
        folder = os.path.abspath(models) if models else None
        plan_path = str(plan.absolute()) if plan else None
        return cls(
            read_plan(plan).text, plan_path, word or "", intensity, adaptation, method, render,
            folder, hash_of_models(folder),
        )  # fmt: skip

    @cached_property
    def plan(self) -> Plan:
        """The text, not the file, which may be edited while the batch runs."""
        return parse_plan(self.plan_text.encode(), Path(self.plan_path) if self.plan_path else DEFAULT_PLAN)

    @property
    def request(self) -> EqRequest:
        """For each recording; a word must have been given."""
        return EqRequest(parse_word(self.word), self.intensity, self.adaptation, self.method)

    def asked_of(self, kind: str) -> str:
        """A hash of all that a task of this kind depends on besides its files."""
        if kind == PROJECT:
            asked: list[object] = [self.plan_text]
        else:
            asked = [self.word, self.intensity, self.adaptation, self.method, self.render]
        text = json.dumps([kind, *asked, self.models_hash, self.version])
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def hash_of_models(folder: str | None) -> str:
    """Of the descriptions of all models in a folder, each of which holds its weights' hash. Raises `ModelError`."""
    digest = hashlib.sha256()
    try:
        for path in sorted((Path(folder) if folder else shipped("models")).glob("*.json")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    except OSError as error:
        raise ModelError(f"the models in {folder} cannot be read: {error.strerror or error}") from None
    return digest.hexdigest()
