"""`reaper-aeq words`: what can be asked for, and how well each word is known."""

from __future__ import annotations

from typing import Annotated

import typer

from ...errors import AeqError
from .console import bar, print_json, say, table
from .options import Json, Models


def words(
    language: Annotated[str | None, typer.Option(metavar="en|es", help="Only words of this language.")] = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """List the words, and how well each is known."""
    from ...model.word_table import WEAK_BELOW, WordTable

    vocabulary = WordTable.load(models)
    known = sorted({word.language for word in vocabulary.values()})
    if language is not None and language not in known:
        raise AeqError(f"no words of language {language!r}: there are words in {', '.join(known)}")
    chosen = [word for word in vocabulary.values() if language in (None, word.language)]
    chosen.sort(key=lambda word: (-word.evidence.confidence, word.name))
    aliases = {alias: word for alias, word in sorted(vocabulary.aliases.items())}
    if as_json:
        print_json({"words": [word.to_dict() for word in chosen], "aliases": aliases})
        return
    columns = {"word": "left", "language": "left", "confidence": "right", "": "left", "people": "right"}
    columns |= {"settings": "right", "charts": "right", "agreement": "right", "data sets": "left"}
    rows = []
    for word in chosen:
        seen = word.evidence
        both = "" if seen.cross is None else f" ({seen.cross:+.2f})"
        agreement = f"{seen.agreement:+.2f}"
        kinds = f"; otherwise for {', '.join(word.kinds)}" if word.kinds else ""
        sources = " and ".join(seen.sources) + both + (" against charts" if seen.disputed else "") + kinds
        confidence = f"{seen.confidence:.2f}"
        bars = bar(seen.confidence) + (" weak" if word.weak else "")
        rows.append(
            [word.name, word.language, confidence, bars, str(seen.people), str(seen.settings), str(seen.charts),
             agreement, sources]
        )  # fmt: skip
    table(columns, rows)
    say(
        f"\n{len(chosen)} words. Confidence: how many people and charts, and how far they agree;"
        f" below {WEAK_BELOW:g} a word is weak."
        " In brackets: how alike the word is in both data sets. 'less <word>' turns each word round."
    )
    if aliases and language is None:
        say("Also understood: " + ", ".join(f"{alias} ({word})" for alias, word in aliases.items()))
