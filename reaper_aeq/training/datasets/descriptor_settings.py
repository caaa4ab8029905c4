"""What people did for each word, gathered from both data sets."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...model.curves import center
from ...util.settings import WordsTraining
from .readers import PeopleData, PeopleSettings

# Other forms of a word: their settings count for it, and users may type them.
FORMS = {
    "airy": ("air", "airier"), "bassy": ("bass", "bassier"), "boomy": ("boomier",), "boxy": ("box", "boxier"),
    "bright": ("brighter",), "clear": ("clarity", "clearer"), "cold": ("colder",), "crisp": ("crisper", "crispy"),
    "dark": ("darker",), "deep": ("deeper",), "dull": ("duller",), "full": ("fuller",), "harsh": ("harsher",),
    "heavy": ("heavier",), "mellow": ("mellower",), "muddy": ("mud", "muddier"), "sharp": ("sharper",),
    "smooth": ("smoother",), "soft": ("softer",), "thin": ("thinner",), "tight": ("tighter",), "tinny": ("tinnier",),
    "warm": ("warmer", "warmth"),
}  # fmt: skip
# What else users may type for a word; settings under these names count for nothing.
ALSO_SAID = {
    "airy": ("airiness",), "attack": ("attacks",), "bite": ("biting", "bitey"), "body": ("bodied",),
    "boomy": ("boominess", "boom"), "bottom": ("bottom end",), "boxy": ("boxiness",), "breathy": ("breathiness",),
    "bright": ("brightness",), "brilliant": ("brilliance", "brilliancy"), "brittle": ("brittleness",),
    "chesty": ("chest", "chestiness", "chest resonance"), "clang": ("clangy", "clank", "clanging"),
    "clear": ("clearness",), "click": ("clicky", "clicks", "beater click"), "crack": ("snare crack", "cracking"),
    "crisp": ("crispness",), "crunchy": ("crunch", "crunchiness"), "defined": ("definition",),
    "detailed": ("detail", "details"), "distant": ("distance", "far away"), "dull": ("dullness",),
    "edgy": ("edge", "edginess", "edgier"), "fat": ("fatness", "fatter"), "fizzy": ("fizz", "fizziness"),
    "forward": ("forwardness", "upfront"), "full": ("fullness",), "growl": ("growly", "growling"),
    "hard": ("hardness", "harder"), "harsh": ("harshness",), "hissy": ("hiss", "hissing", "hissiness"),
    "hollow": ("hollowness",), "honky": ("honk", "honkiness"), "intelligible": ("intelligibility", "speech clarity"),
    "muddy": ("muddiness",), "muffled": ("muffle", "muffledness"), "nasal": ("nasally", "nasality"),
    "open": ("openness", "opened up"), "piercing": ("pierce",), "plosive": ("plosives", "p-pops", "plosive pops"),
    "powerful": ("power",), "presence": ("present",), "punchy": ("punch", "punchier", "punchiness"),
    "rich": ("richness", "richer"), "rumble": ("rumbly", "rumbling"), "shimmer": ("shimmering", "shimmery"),
    "shrill": ("shrillness",), "sibilant": ("sibilance", "sibilants", "essy", "esses"),
    "sizzle": ("sizzly", "sizzling"), "snappy": ("snap", "snappiness", "snappier"), "sparkle": ("sparkly", "sparkling"),
    "telephone": ("phone", "telephonic", "telephone voice"), "thick": ("thickness", "thicker"), "thin": ("thinness",),
    "thump": ("thumpy", "thumping", "thud"), "tight": ("tightness",), "tinny": ("tinniness",),
    "weighty": ("weight", "weightier"),
}  # fmt: skip
SAME_DB = 1e-3  # settings this near are the same one
_WORD_OF_FORM = {form: word for word, forms in FORMS.items() for form in forms}


@dataclass(frozen=True)
class WordSettings:
    """What people did for a word, level-free in dB.

    Attributes:
        rows: (n, bands), SAFE's settings. singles: (k, bands), what is published of single people in SocialEQ.
        social: (bands,), the mean of all `people` of SocialEQ; 0 where there are none.
        safe_weight: how many people of SocialEQ one of SAFE's settings counts for in the mean. Many, as SocialEQ's are
            inferred from ratings: their mean may be sure and still not be what somebody does with an EQ.
        people_per_setting: how many people of SocialEQ make the word as well known as one setting.
        safe_alike: 0..1, how far SAFE's settings of a word are correlated, as the same people made many of them.
    """

    rows: Tensor
    singles: Tensor
    social: Tensor
    people: float
    safe_weight: float
    people_per_setting: float
    safe_alike: float = 0.0

    @property
    def safe(self) -> Tensor:
        """(bands,), the mean of SAFE's settings; 0 where there are none."""
        return self.rows.sum(0) / max(len(self.rows), 1)

    @property
    def independent(self) -> float:
        """How many independent settings SAFE's are worth (Kish 1965: n correlated ones average out less)."""
        return len(self.rows) / (1 + max(len(self.rows) - 1, 0) * self.safe_alike)

    @property
    def settings(self) -> float:
        """How well the word is known from both data sets together, in independent settings."""
        return self.independent + self.people / self.people_per_setting

    @property
    def safe_share(self) -> float:
        """0..1, SAFE's part in the mean."""
        return self.independent / max(self.independent + self.people / self.safe_weight, 1e-9)

    @property
    def mean(self) -> Tensor:
        """(bands,), of both data sets, each as much as it is worth."""
        return self.safe_share * self.safe + (1 - self.safe_share) * self.social

    @property
    def stands_for(self) -> float:
        """How many people each published curve of SocialEQ stands for: not everybody's was published."""
        return self.people / max(len(self.singles), 1)

    @property
    def disagreement(self) -> Tensor:
        """(bands, bands) dB², the variance of which of the two data sets is right."""
        apart = self.safe - self.social if len(self.rows) and self.people else 0 * self.social
        return self.safe_share * (1 - self.safe_share) * torch.outer(apart, apart)

    def without_row(self, n: int) -> WordSettings:
        """As if SAFE's n-th setting had never been made."""
        return replace(self, rows=torch.cat((self.rows[:n], self.rows[n + 1 :])))

    def without_person(self, n: int) -> WordSettings:
        """The same for SocialEQ's n-th published curve, which stands for some of the people that were not published."""
        left = self.people - self.stands_for
        if left <= 0:
            return replace(self, social=0 * self.social, people=0.0)
        rest = (self.people * self.social - self.stands_for * self.singles[n]) / left
        return replace(self, social=rest, people=left)


def gather(settings: WordsTraining, people: PeopleData) -> dict[tuple[str, str], WordSettings]:
    """What people did, by (word, language); all of SAFE is English."""
    safe, social, contributions = once_each(people.safe), people.social, people.contributions
    safe_keys = [(form_name(name), "en") for name in safe.words]
    single_keys = [(form_name(name), language) for name, language in contributions[0]]
    social_keys = [(form_name(word.name), word.language) for word in social]
    rows, singles, means = _places(safe_keys), _places(single_keys), _places(social_keys)
    safe_db = center(safe.curves_db)
    single_db = center(settings.socialeq_db * contributions[1])
    everything = {}
    for key in dict.fromkeys([*safe_keys, *social_keys, *single_keys]):
        group = [social[n] for n in means.get(key, [])]
        count = sum(word.people for word in group)
        nothing = torch.zeros(safe_db.shape[-1], dtype=safe_db.dtype)
        total = sum((word.people * settings.socialeq_db * center(word.curve) for word in group), nothing)
        own, single = safe_db[rows.get(key, [])], single_db[singles.get(key, [])]
        weights = (settings.safe_weight, settings.people_per_setting, settings.safe_alike)
        everything[key] = WordSettings(own, single, total / max(count, 1), count, *weights)
    return everything


def once_each(safe: PeopleSettings) -> PeopleSettings:
    """Without the settings that somebody saved again for the same word.

    Measured: 45 of 1,294, most of them one or two rows further on, some with the instrument filled in that was missing
    before. That is one decision of one person, not two.
    """
    kept: dict[tuple[str, bytes], int] = {}
    for n, (name, curve) in enumerate(zip(safe.words, safe.curves_db, strict=True)):
        kept.setdefault((form_name(name), (curve / SAME_DB).round().long().numpy().tobytes()), n)
    chosen = set(kept.values())
    return safe.subset([n in chosen for n in range(len(safe.words))])


def form_name(name: str) -> str:
    """The word that a form such as 'brighter' or 'warmth' counts for."""
    return _WORD_OF_FORM.get(name, name)


def _places(keys: Iterable[Hashable]) -> dict[Hashable, list[int]]:
    """Where each key stands."""
    out: dict[Hashable, list[int]] = {}
    for n, key in enumerate(keys):
        out.setdefault(key, []).append(n)
    return out
