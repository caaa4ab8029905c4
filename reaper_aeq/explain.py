"""What was done and why, in one sentence; and what to try next."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from .dsp.spectrum import GRID_HZ
from .model.audio_encoder import Observation
from .model.words import Vocabulary, Word

HAS_IT, LACKS_IT = 0.7, 0.3
ABOUT_USUAL = (0.4, 0.6)
NARROW_SHARE = 0.6
UNWELCOME = {"boomy", "boxy", "dull", "harsh", "hollow", "muddy", "muffled", "nasal", "sharp", "thin", "tinny"}
SUGGESTED_FROM = 0.45  # confidence a word needs to be suggested
REGIONS = (
    ("the sub-bass", 20, 60), ("the bass", 60, 150), ("the low mids", 150, 400), ("the mids", 400, 1500),
    ("the upper mids", 1500, 4000), ("the presence region", 4000, 8000), ("the air", 8000, 20_000),
)  # fmt: skip


def explain(
    asked: Word, wanted: Word, seen: Observation, before: float, after: float, share: float,
    intensity: float, method: str, response_db: Tensor,
) -> str:  # fmt: skip
    """One sentence: the score before and after, how much of people's usual curve it got and why, where."""
    if intensity == 0:
        return f"Intensity 0: nothing was changed ('{asked.name}' stays at {before:.2f})."
    name, percent = wanted.name, round(100 * share)
    where = _where(response_db, seen)
    if method == "fixed":
        why = f"got people's average curve for '{name}', whatever its own balance"
    else:
        state = before if wanted is asked else 1 - before
        if share < 0.25:
            why = f"has it already and got only {percent} % of what people usually do for '{name}'"
        elif state < LACKS_IT:
            why = f"lacks it and got {percent} % of what people usually do for '{name}'"
        else:
            much = "more of it than" if state > ABOUT_USUAL[1] else "less of it than"
            much = "about as much of it as" if ABOUT_USUAL[0] <= state <= ABOUT_USUAL[1] else much
            why = f"has {much} is usual for such a sound and got {percent} % of what people usually do for '{name}'"
    notes = []
    if wanted.weak:
        notes.append(f"'{wanted.name}' is a weak word: {wanted.evidence.settings} settings that hardly agree")
    if seen.visible_share < NARROW_SHARE:
        notes.append("the source is narrow, so silent bands were left alone")
    tail = f" ({'; '.join(notes)})" if notes else ""
    return f"At {before:.2f} for '{asked.name}' this sound {why}: {where}, which brings it to {after:.2f}{tail}."


def explain_understood(asked: Word) -> str:
    """What free text was taken for, a sentence that ends in a space; '' for words that are known."""
    if not asked.understood:
        return ""
    parts = {f"less {name}" if share < 0 else name: abs(share) for name, share in asked.understood.items()}
    if list(parts.values()) == [1.0]:
        return f"'{asked.name}' was taken for '{next(iter(parts))}'. "
    return f"'{asked.name}' was taken for {' + '.join(f'{name} {share:g}' for name, share in parts.items())}. "


def explain_match(
    seen: Observation, response_db: Tensor, before_db: float, after_db: float, references: int, heard_share: float,
    intensity: float,
) -> str:  # fmt: skip
    """One sentence: how far the balance was from the reference's, what was done, how far it is now.

    `heard_share`: 0..1, the part of what is matched that both sounds hold.
    """
    whose = "the reference's" if references == 1 else f"the mean of {references} references"
    if intensity == 0:
        return f"Intensity 0: nothing was changed (the balance stays {before_db:.1f} dB from {whose})."
    note = " (bands that one of them lacks were left to their neighbours)" if heard_share < NARROW_SHARE else ""
    where = _where(response_db, seen)
    return f"The balance was {before_db:.1f} dB from {whose}: {where}, which brings it to {after_db:.1f} dB{note}."


def _where(response_db: Tensor, seen: Observation) -> str:
    """The two heard regions that change most, as words."""
    response = response_db.numpy() - float(np.median(response_db.numpy()))
    changes = []
    for name, low, high in REGIONS:
        inside = (low <= GRID_HZ) & (high > GRID_HZ) & (seen.visible.numpy() > 0.5)
        if inside.any():
            changes.append((float(response[inside].mean()), name))
    changes = [c for c in sorted(changes, key=lambda c: -abs(c[0])) if abs(c[0]) >= 0.3][:2]
    if not changes:
        return "hardly any change"
    return " and ".join(f"{'more' if change > 0 else 'less'} of {name} ({change:+.1f} dB)" for change, name in changes)


def suggest(profile: Mapping[str, float], words: Vocabulary) -> str:
    """From a profile {word: score}: what the sound has already and what it could be asked for.

    Only words for sounds that are known well enough are named; what nobody wishes for is only ever asked less of.
    """
    known = {n: w for n, w in words.items() if w.core and w.evidence.confidence >= SUGGESTED_FROM}
    ranked = sorted((name for name in profile if name in known), key=lambda name: -profile[name])
    if not ranked:
        return "no word is known well enough to suggest one."
    top = ranked[0]
    welcome = [name for name in reversed(ranked) if name not in UNWELCOME and name != top]
    lacking = [name for name in welcome if profile[name] < LACKS_IT]
    if profile[top] >= HAS_IT:
        other = [f"less {top}", *lacking[:1]] if top in UNWELCOME else _apart(lacking or welcome, known)
        tried = f": try {' or '.join(repr(name) for name in other)}" if other else ""
        return f"already {top} ({profile[top]:.2f}){tried}."
    if lacking:
        return f"lacks {_noun(lacking[0])}: try {lacking[0]!r}."
    return f"well balanced: try any word, for instance {top!r} at intensity 0.5."


def _apart(names: list[str], words: Mapping[str, Word]) -> list[str]:
    """The first name and the next that does not mean nearly the same."""
    first, *others = names or [""]
    for name in others:
        a, b = words[first].mean, words[name].mean
        if float(a @ b / (a.norm() * b.norm()).clamp_min(1e-9)) < 0.8:
            return [first, name]
    return [first] if first else []


def _noun(word: str) -> str:
    return {"warm": "warmth", "deep": "depth", "clear": "clarity", "airy": "air"}.get(
        word, f"what people call {word!r}"
    )
