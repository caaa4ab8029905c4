"""`reaper-aeq words`: what can be asked for, and how well each word is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...errors import AeqError
from ...request import DEFAULT_PROFILE, check_profile
from .console import bar, print_json, say, table
from .options import Json, Models


def words(
    language: Annotated[str | None, typer.Option(metavar="en|es", help="Only words of this language.")] = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="Only words learned from you: how far yours are from everybody's.")
    ] = False,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Whose, with --mine.")] = DEFAULT_PROFILE,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """List the words, and how well each is known."""
    if mine:
        return _mine(check_profile(profile), models, as_json)
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
    rows = []
    for word in chosen:
        seen = word.evidence
        both = "" if seen.cross is None else f" ({seen.cross:+.2f})"
        kinds = f"; otherwise for {', '.join(word.kinds)}" if word.kinds else ""
        sources = " and ".join(seen.sources) + both + (" against charts" if seen.disputed else "") + kinds
        bars = bar(seen.confidence) + (" weak" if word.weak else "")
        rows.append(
            [word.name, word.language, f"{seen.confidence:.2f}", bars, str(seen.people), str(seen.settings),
             str(seen.charts), f"{seen.agreement:+.2f}", sources]
        )  # fmt: skip
    headings = ["word", "language", ">confidence", "", ">people", ">settings", ">charts", ">agreement", "data sets"]
    table(headings, rows)
    say(
        f"\n{len(chosen)} words. Confidence: how many people and charts, and how far they agree;"
        f" below {WEAK_BELOW:g} a word is weak."
        " In brackets: how alike the word is in both data sets. 'less <word>' turns each word round."
    )
    if aliases and language is None:
        say("Also understood: " + ", ".join(f"{alias} ({word})" for alias, word in aliases.items()))


def _mine(profile: str, models: Path | None, as_json: bool) -> None:
    """How far one's own words are from everybody's, dB RMS."""
    from collections import Counter

    from ...model.profile_store import ProfileStore

    rows = []
    edits = ProfileStore().edits(profile)
    if edits:
        from ...model.curves import rms_db
        from ...model.eq_autoencoder import EqAutoencoder
        from ...model.personal import Profiles
        from ...model.words import Vocabulary

        profiles = Profiles(Vocabulary.load(models), EqAutoencoder.load(models))
        decoder, own = profiles.eq_model.decoder.weight.detach().double(), profiles.words_of(profile)
        for word, count in sorted(Counter(edit.word for edit in edits).items()):
            if word in own:
                away = float(rms_db(decoder @ (own[word].mean - profiles.words[word].mean)))
                rows.append({"word": word, "edits": count, "distance_db": round(away, 2)})
    if as_json:
        print_json({"profile": profile, "words": rows})
        return
    if rows:
        cells = [[str(row["word"]), str(row["edits"]), f"{row['distance_db']:.2f} dB RMS"] for row in rows]
        table(["word", ">edits", ">from everybody's"], cells)
    say(f"{len(rows)} words learned from {profile!r}")
