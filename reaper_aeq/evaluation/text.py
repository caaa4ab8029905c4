"""Does free text mean what people mean by it? Phrases with an obvious answer, text that has none, typing mistakes, and
words of SocialEQ that the vocabulary does not hold: what their own people did, beside the blend they are taken for."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from ..errors import AeqError, NotUnderstoodError, UnknownWordError
from ..model.curves import center
from ..model.eq_autoencoder import EqAutoencoder
from ..model.free_text.free_text import NEAR_ENOUGH, Guess, compare, known
from ..model.free_text.sentences import sentences
from ..model.words import Vocabulary
from ..training.charts import correlation
from ..training.datasets.descriptor_settings import form_name
from ..training.datasets.readers import read_contributions, read_social_words
from .folds import Table, Tell

# Phrases and the words that a listener would take them for, '-' where less of it; none stands in synonyms.toml.
PHRASES = {
    "snug and homely": "warm", "glistening": "bright", "a foggy mess": "muddy", "chilling": "cold scary",
    "thunderous": "boomy loud", "paper thin": "thin", "silky vocals": "smooth soft", "rounder": "full",
    "bottomless": "deep", "a wall of bass": "bassy deep boomy", "ear-splitting": "harsh loud shrill",
    "piercing highs": "harsh shrill sharp bright toppy", "like talking through a pillow": "muffled",
    "like an old telephone": "telephone tinny", "breath of fresh air": "airy crisp", "as heavy as lead": "heavy",
    "in the shadows": "dark", "sunlight": "bright light", "soft as a feather": "soft light airy",
    "a whisper": "soft quiet", "weeping": "sad", "in a good mood": "happy",
    "restful sleep": "relaxing peaceful calm soothing", "a sharp blade": "sharp", "fatter bass": "fat bassy",
    "punchier kick drum": "punchy", "scratchy": "raspy harsh", "a ghost story": "scary", "like velvet": "smooth soft",
    "a metallic clang": "clang tinny", "lifeless and flat": "dull flat", "clear as day": "clear",
    "sweet as honey": "sweet",
    "freezing": "cold", "a cosy evening": "warm mellow", "glowing embers": "warm", "hollow and small": "thin hollow",
    "not as shrill": "-shrill", "without the harshness": "-harsh",
    "less bass please": "-bassy",
    "voz sedosa": "smooth soft", "sonido metálico": "tinny", "gordo y redondo": "fat full",
    "como bajo el agua": "muffled", "nítido": "crisp", "menos turbio": "-muddy", "demasiado áspero": "-harsh",
}  # fmt: skip
# Nothing that an EQ could be asked for.
NONSENSE = (
    "banana", "kubernetes cluster", "the train leaves at five", "delete all files", "reverb", "more compression",
    "stereo width", "political", "purple", "tax return", "dog", "invoice number 12", "my password", "football",
    "quarterly report", "left channel", "pan it to the right", "autotune", "fade out", "slower tempo", "pitch up",
    "asdf", "qqqq", "buy milk", "grandmother's address", "triangle", "a minor chord", "louder by 3 dB",
    "wet and dry mix",
)  # fmt: skip
LIKENESS = (0.0, 0.45, NEAR_ENOUGH, 0.65, 1.01)
LEAST_PEOPLE = 2


def run_text(data: Path | str, models: Path | str | None = None, tell: Tell = lambda _: None) -> Table:
    """{examination: {what: figures}}. Raises `AeqError` for missing data or without a sentence model."""
    vocabulary, eq_model = Vocabulary.load(models), EqAutoencoder.load(models)
    tell("phrases")
    report = {"phrases": {"the obvious word": phrases(vocabulary, tell)}, "refused": refused(vocabulary, tell)}
    tell("words of SocialEQ")
    return report | {"agreement with people": agreement(data, vocabulary, eq_model)}


def phrases(vocabulary: Vocabulary, tell: Tell) -> dict[str, float]:
    """How many phrases mean what they should, mean something else, or are refused."""
    right = wrong = 0
    for phrase, wanted in PHRASES.items():
        try:
            parts = vocabulary.blend(phrase).made_of
        except UnknownWordError:
            continue
        name, weight = max(parts.items(), key=lambda part: abs(part[1]))
        met = ("-" if weight < 0 else "") + name in wanted.split()
        right, wrong = right + met, wrong + (not met)
        if not met:
            tell(f"'{phrase}' was taken for {dict(parts)}")
    total = len(PHRASES)
    return {"texts": total, "met": right / total, "mistaken": wrong / total, "refused": 1 - (right + wrong) / total}


def refused(vocabulary: Vocabulary, tell: Tell) -> dict[str, dict[str, float]]:
    """The share of nonsense and of typing mistakes that is refused; of these, whose right word is named."""
    accepted = [text for text in NONSENSE if not isinstance(_answer(text, vocabulary), AeqError)]
    for text in accepted:
        tell(f"'{text}' was accepted")
    mistakes = {typo: name for name in vocabulary if len(name) > 3 for typo in typos(name, vocabulary)}
    answers = {typo: _answer(typo, vocabulary) for typo in mistakes}
    errors = {typo: answer for typo, answer in answers.items() if isinstance(answer, UnknownWordError)}
    named = sum(mistakes[typo] in error.nearest for typo, error in errors.items())
    return {
        "no word at all": {"texts": len(NONSENSE), "refused": 1 - len(accepted) / len(NONSENSE)},
        "typing mistakes": {
            "texts": len(mistakes), "refused": len(errors) / len(mistakes), "right word named": named / len(mistakes)
        },
    }  # fmt: skip


def _answer(text: str, vocabulary: Vocabulary) -> object:
    """The blend, or why there is none: no such word, or a number that is no weight."""
    try:
        return vocabulary.blend(text)
    except AeqError as error:
        return error


def typos(word: str, vocabulary: Vocabulary) -> list[str]:
    """Two letters changed over, one left out, one twice: each once, in the middle of the word."""
    k = len(word) // 2
    made = (word[: k - 1] + word[k] + word[k - 1] + word[k + 1 :], word[:k] + word[k + 1 :], word[:k] + word[k - 1 :])
    return [typo for typo in dict.fromkeys(made) if typo != word and known(typo, vocabulary) is None]


def agreement(data: Path | str, vocabulary: Vocabulary, eq_model: EqAutoencoder) -> dict[str, dict[str, float]]:
    """Mean correlation of a blend's curve with that of the people who were asked for the word itself.

    Words of SocialEQ in English that are neither known nor a synonym; by how near the nearest known word is. Beside it:
    one person's curve and that of the others who were asked for the same word.
    """
    decoder = eq_model.decoder.weight.double()
    outside = [
        word
        for word in read_social_words(data)
        if word.language == "en" and word.people >= LEAST_PEOPLE and known(form_name(word.name), vocabulary) is None
    ]
    found = compare([word.name for word in outside], vocabulary, sentences(), near_enough=-1.0)
    rows: list[tuple[float, float]] = []
    for word, guess in zip(outside, found, strict=True):
        if isinstance(guess, Guess):
            curve = center(decoder @ vocabulary.blend(dict(guess.shares)).mean)
            rows.append((guess.likeness, float(correlation(curve, word.curve))))
    report = {}
    for low, high in pairwise(LIKENESS):
        inside = [value for likeness, value in rows if low <= likeness < high]
        if inside:
            report[f"likeness {low:g} to {min(high, 1):g}"] = _mean(inside)
    beyond = sum(isinstance(guess, NotUnderstoodError) for guess in found)
    report["taken for no sound"] = {"words": beyond}
    report["one person and the others"] = _mean(list(_people(data, {(word.name, "en") for word in outside})))
    return report


def _people(data: Path | str, wanted: set[tuple[str, str]]) -> Iterator[float]:
    keys, curves = read_contributions(data)
    for key in wanted:
        own = center(curves[[n for n, other in enumerate(keys) if other == key]])
        if len(own) >= LEAST_PEOPLE:
            yield float(correlation(own, (own.sum(0) - own) / (len(own) - 1)).mean())


def _mean(values: Sequence[float]) -> dict[str, float]:
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return {"words": len(values), "correlation": statistics.fmean(values), "standard error": error}
