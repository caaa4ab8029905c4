"""What was done and why, in two sentences, and where an EQ follows the song, what moves and when; what to try next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..eq import PASS_FILTERS, WITHOUT_GAIN, Band, BandKind, Eq, hz_text
from ..model.audio_encoder import Observation
from ..model.words import Vocabulary, Word
from ..util.scores import rounded_score, shown_score
from .result import AnyResult, HeardAs, SectionResult
from .safety import BOOST, CUT, OUTPUT, SILENCE

HAS_IT, LACKS_IT = 0.7, 0.3
ABOUT_USUAL = (0.4, 0.6)
FAR = 0.1  # from the end of the scale
AUDIBLE_DB = 0.5
ENOUGH = 0.5  # of the word's curve: what limits left of it is told below that
WHOLE = 0.9  # from which it is all that people do
REASONS = {
    SILENCE: "would lift noise where it has next to no sound",
    OUTPUT: "would need more output gain than is safe",
    BOOST: "would boost by over 12 dB",
    CUT: "would cut by over 12 dB",
}
NARROW_SHARE = 0.6
UNWELCOME = {"boomy", "boxy", "dull", "harsh", "hollow", "muddy", "muffled", "nasal", "sharp", "thin", "tinny"}
NOUNS = {"presence", "body", "sparkle"}  # of the words that may be suggested: a sound has them, it is not "sparkle"
SUGGESTED_FROM = 0.45  # confidence a word needs to be suggested
# What a shelf is said to be of, up to which corner frequency, Hz.
LOWS = (("sub-bass", 60.0), ("bass", 160.0), ("lows", 20_000.0))
HIGHS = (("highs", 3000.0), ("treble", 7000.0), ("air", 20_000.0))
BROAD_OCT, NARROW_OCT = 1.8, 0.9  # bells of that bandwidth


def explain(
    asked: Word, wanted: Word, seen: Observation, before: float, after: float, share: float, intensity: float,
    method: str, eq: Eq, net_db: float, held_by: str | None,
) -> str:  # fmt: skip
    """Two short sentences, what this sound has and what was done; a third where a user should know more.

    Args:
        before, after: scores for `asked`. share: how many times people's usual curve for `wanted` was given.
        eq: what it got. net_db: the largest change that comes out.
        held_by: the limit (`safety`) that held the EQ back, or None.
    """
    plain = asked.opposite() if asked.name.startswith("less ") else asked
    turned = plain is not asked
    before, after = rounded_score(before), rounded_score(after)
    before, after = (1 - before, 1 - after) if turned else (before, after)
    has = f"This sound scores {shown_score(before)} for '{plain.name}', {_beside_usual(before)}."
    if intensity == 0:
        return f"{has} Intensity 0 changes nothing."
    if method == "fixed" and held_by is None:
        got = f"It got people's average curve for '{wanted.name}', whatever its own balance"
    else:
        got = f"It got {_amount(share)} what people usually do for '{wanted.name}'"
    told = [has, f"{got}: {moves(eq)}, and now scores {shown_score(after)}."]
    if net_db < AUDIBLE_DB and abs(intensity) >= 1:
        told.append(_what_would_force_it(method, held_by, eq, share))
    elif held_by and share < ENOUGH * abs(intensity):
        told.append(f"More {REASONS[held_by]}.")
    if wanted.weak:
        told.append(f"'{wanted.name}' is a weak word: its {wanted.evidence.settings} settings hardly agree.")
    if seen.visible_share < NARROW_SHARE:
        told.append("Where the source has no sound it was left alone.")
    return " ".join(told)


def _beside_usual(score: float) -> str:
    """Of a score 0..1."""
    if ABOUT_USUAL[0] <= score <= ABOUT_USUAL[1]:
        return "about as much as usual"
    far = "far " if score < FAR or score > 1 - FAR else ""
    return f"{far}{'less' if score < 0.5 else 'more'} than usual"


def _amount(share: float) -> str:
    """Before 'what people usually do': 'about', 'a quarter of', '60 % of', '1.8 times'."""
    if share < 0.02:
        return "none of"
    if 0.22 <= share < 0.29:
        return "a quarter of"
    if 0.45 <= share < 0.55:
        return "half of"
    if WHOLE <= share < 1.1:
        return "about"
    return f"{round(100 * share)} % of" if share < 1 else f"{share:.1f} times"


def _what_would_force_it(method: str, held_by: str | None, eq: Eq, share: float) -> str:
    if held_by:
        return f"This can hardly be heard, but more {REASONS[held_by]}."
    if method == "fixed" or share >= WHOLE:
        return "This can hardly be heard: a higher intensity does more."
    if not eq.bands:  # of which more is nothing as well
        return "This can hardly be heard: the method 'fixed' does more."
    return "This can hardly be heard: a higher intensity does more, and so does the method 'fixed'."


def explain_heard(heard: HeardAs | None) -> str:
    """What the sound was taken for, a sentence that begins with a space; '' where nothing is known of it."""
    if heard is None:
        return ""
    if heard.kind == "unsure":
        return " Heard as: no kind for sure."
    return f" Heard as: {heard.kind}, {heard.probability:.2f}, by {heard.by}."


def explain_own(asked: Word) -> str:
    """Whose meaning of the words counted, a sentence that begins with a space; '' for everybody's."""
    if not asked.own:
        return ""
    told = [f"'{name}' ({count} setting{'s' if count > 1 else ''})" for name, count in asked.own.items()]
    return f" This is with your own {' and '.join(told)}."


def explain_understood(asked: Word) -> str:
    """What free text was taken for, a sentence that ends in a space; '' for words that are known."""
    if not asked.understood:
        return ""
    parts = {f"less {name}" if share < 0 else name: abs(share) for name, share in asked.understood.items()}
    if list(parts.values()) == [1.0]:
        return f"'{asked.name}' was taken for '{next(iter(parts))}'. "
    return f"'{asked.name}' was taken for {' + '.join(f'{name} {share:g}' for name, share in parts.items())}. "


def explain_match(
    eq: Eq, before_db: float, after_db: float, references: int, heard_share: float, intensity: float,
    held_by: str | None = None,
) -> str:  # fmt: skip
    """Two sentences: how far the balance was from the reference's; what was done, and how far it is now.

    `heard_share`: 0..1, the part of what is matched that both sounds hold. `held_by`: the limit (`safety`) that held
    the EQ back, or None.
    """
    whose = "the reference's" if references == 1 else f"the mean of {references} references"
    was = f"The balance was {before_db:.1f} dB from {whose}."
    if intensity == 0:
        return f"{was} Intensity 0 changes nothing."
    told = [was, f"It got {moves(eq)}, and is now {after_db:.1f} dB away."]
    if held_by:
        told.append(f"More {REASONS[held_by]}.")
    if heard_share < NARROW_SHARE:
        told.append("Bands that one of the two lacks follow their neighbors.")
    return " ".join(told)


def moves(eq: Eq) -> str:
    """What each band does, pass filters and the largest first: 'a high-pass at 62 Hz, -3.2 dB in a broad bell around
    420 Hz and +1.5 dB of air above 9 kHz'."""
    on = [band for band in eq.bands if band.enabled]
    bands = sorted(on, key=lambda band: (band.kind not in WITHOUT_GAIN, -abs(band.gain_db)))
    told = [_move(band) for band in bands if band.kind in WITHOUT_GAIN or f"{abs(band.gain_db):.1f}" != "0.0"]
    if not told:
        return "no band"
    return _listed(told)


def _listed(texts: Sequence[str]) -> str:
    """'a, b and c'"""
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _move(band: Band) -> str:
    gain, where = f"{band.gain_db:+.1f} dB", hz_text(band.freq_hz)
    if band.kind is BandKind.LOW_SHELF:
        return f"{gain} of {_named(LOWS, band.freq_hz)} below {where}"
    if band.kind is BandKind.HIGH_SHELF:
        return f"{gain} of {_named(HIGHS, band.freq_hz)} above {where}"
    if band.kind is BandKind.BAND:
        width = "broad " if band.bandwidth_oct >= BROAD_OCT else "narrow " if band.bandwidth_oct <= NARROW_OCT else ""
        return f"{gain} in a {width}bell around {where}"
    return f"a {band.kind.replace('_', '-' if band.kind in PASS_FILTERS else ' ')} at {where}"


def _named(names: Sequence[tuple[str, float]], freq_hz: float) -> str:
    return next(name for name, up_to in names if freq_hz <= up_to)


def told_along(sections: Sequence[SectionResult]) -> str:
    """One sentence on what moves, and where."""
    eqs = [one.result.eq for one in sections]
    moved = []
    for n, band in enumerate(eqs[0].bands):
        gains = [eq.bands[n].gain_db for eq in eqs]
        if max(gains) - min(gains) >= 0.1:
            what = f"{band.kind.replace('_', ' ')} at {hz_text(band.freq_hz)}"
            moved.append(f"{what} from {min(gains):+.1f} to {max(gains):+.1f} dB")
    at = _listed([clock(one.start_s) for one in sections[1:]])
    return f"It follows the song in {len(sections)} sections, changing at {at}: {', '.join(moved) or 'output gain'}."


def clock(seconds: float) -> str:
    """As a transport shows it.

    >>> clock(83.4)
    '1:23'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def in_project_time(result: AnyResult, in_project: Callable[[float], float]) -> AnyResult:
    """The result with the times of its sections, and in its sentence, as a function of seconds of the sound gives
    them."""
    if not result.sections:
        return result
    sections = tuple(
        replace(one, start_s=in_project(one.start_s), stop_s=in_project(one.stop_s)) for one in result.sections
    )
    told = result.explanation.replace(told_along(result.sections), told_along(sections))
    return replace(result, sections=sections, explanation=told)


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
        return f"already {'has ' if top in NOUNS else ''}{top} ({shown_score(profile[top])}){tried}."
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
    if word in NOUNS:
        return word
    return {"warm": "warmth", "deep": "depth", "clear": "clarity", "airy": "air"}.get(
        word, f"what people call {word!r}"
    )
