"""Typed settings read from one TOML file: a wrong name or type is refused with the line's key, nothing is guessed.

The classes are plain data, which `train --help` loads; what checks a file against them is loaded with the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ..errors import SettingsError
from .small_files import read_toml

MAX_BYTES = 1_000_000

T = TypeVar("T")
WAYS = ("noise", "music", "bootstrap")  # in which `reaper-aeq train audio` comes by sounds: `train.sounds`


def setting(default: Any, why: str) -> Any:
    """A field with the reason for its value."""
    return field(default=default, metadata={"why": why})


@dataclass(frozen=True)
class EqTraining:
    """`reaper-aeq train eq`"""

    seed: int = setting(1, "every random draw follows from it")
    steps: int = setting(4000, "the proposer's error stops falling here")
    batch: int = setting(256, "curves a step")
    learning_rate: float = setting(2e-3, "peak of a one-cycle schedule")
    weight_decay: float = setting(1e-4, "AdamW")
    people_share: float = setting(0.6, "curves drawn from people's settings; the rest are random EQs of every shape")
    proposal_weight: float = setting(0.3, "of the proposer's error beside the curve's own")
    valid_share: float = setting(0.15, "of the people's settings kept for validation")
    save_every: int = setting(500, "steps between saved states; a killed run goes on from the last")


@dataclass(frozen=True)
class AudioTraining:
    """`reaper-aeq train audio`"""

    seed: int = setting(1, "every random draw follows from it")
    network: str = setting("cnn", "or transformer; --encoder says it on the command line")
    members: int = setting(4, "networks; each leaves out a quarter of the source repositories and is judged on it")
    steps: int = setting(600, "of each member; more begins to fit single recordings")
    batch: int = setting(32, "segments a step")
    learning_rate: float = setting(3e-3, "peak of a one-cycle schedule")
    weight_decay: float = setting(0.1, "AdamW; there are a few hundred recordings, so strong")
    jitter_db: float = setting(1.0, "random offset of each mel band: an EQ is removed, but not to the last tenth")
    kernel_gamma: float = setting(0.3, "width of the kernel regression, per standardized statistic")
    kernel_ridge: float = setting(0.3, "its regularization")
    repository_power: float = setting(0.5, "a repository with n recordings is drawn n^(1 - power) times as often")
    cov_ridge_db: float = setting(1.0, "added to the standard deviation of what music leaves open, each band")
    bootstrap_sounds: int = setting(240, "synthetic sounds made where no recordings are given")
    save_every: int = setting(100, "steps between saved states; a killed run goes on from the last")


@dataclass(frozen=True)
class UsualTraining:
    """`reaper-aeq train usual`"""

    kind_power: float = setting(0.2, "a kind of n recordings counts n^(1 - power) in the mean; more costs mixes")
    source_power: float = setting(0.4, "the same for a source repository")
    kind_penalty: float = setting(0.3, "of the kind classifier, in the kernel's norm")
    mean_ridge: float = setting(0.7, "regularisation of the expected spectrum")
    scale_penalty: float = setting(3.0, "of what the covariance's scale hangs on")
    calibration_penalty: float = setting(30.0, "of each kind's calibration being other than 1")
    scale_steps: int = setting(40, "L-BFGS steps for it; the likelihood hardly moves beyond")


@dataclass(frozen=True)
class ProxyTraining:
    """`reaper-aeq train proxy`"""

    seed: int = setting(1, "every random draw follows from it")
    steps: int = setting(6000, "the error on unseen settings hardly falls beyond")
    batch: int = setting(128, "EQs a step, five bands each")
    hidden: int = setting(128, "width of the two hidden layers")
    learning_rate: float = setting(3e-3, "peak of a one-cycle schedule")
    weight_decay: float = setting(1e-5, "AdamW; data never end, so next to none")
    people_share: float = setting(0.5, "EQs drawn from people's settings; the rest are random ones of every shape")
    valid_share: float = setting(0.15, "of the people's settings kept for validation")
    save_every: int = setting(500, "steps between saved states; a killed run goes on from the last")


@dataclass(frozen=True)
class CvaeTraining:
    """`reaper-aeq train cvae`"""

    seed: int = setting(1, "every random draw follows from it")
    steps: int = setting(1500, "unseen settings are no likelier after more")
    batch: int = setting(128, "settings a step, each with a sound of its own")
    learning_rate: float = setting(2e-3, "peak of a one-cycle schedule")
    weight_decay: float = setting(0.1, "AdamW; there are two thousand settings, so strong")
    axes: int = setting(16, "directions in which settings are drawn; they hold 99.8 % of how people differ")
    latent: int = setting(8, "dimensions of z")
    text: int = setting(16, "dimensions that a sentence model's vector is brought down to")
    hidden: int = setting(96, "width of encoder and decoder")
    dropout: float = setting(0.2, "in encoder and decoder")
    kl_weight: float = setting(1.0, "of what z tells, beside what is left to be told")
    known_from: float = setting(64.0, "settings that a word needs for half of its vector to count; fewer memorizes")
    word_power: float = setting(0.3, "a word with n settings is drawn n^(1 - power) times as often")
    safe_weight: float = setting(3.0, "how many times as often a SAFE setting is drawn as a person of SocialEQ")
    socialeq_db: float = setting(5.0, "one SocialEQ unit in dB, as in words")
    no_sound_share: float = setting(0.25, "settings that are given no sound: adaptation 0")
    narrow_share: float = setting(0.2, "sounds without bass or treble")
    valid_share: float = setting(0.1, "of the settings kept for validation")
    save_every: int = setting(250, "steps between saved states; a killed run goes on from the last")


@dataclass(frozen=True)
class WordsTraining:
    """`reaper-aeq train words`"""

    min_people: int = setting(5, "SocialEQ words with fewer people are left out unless listed in `asked_for`")
    min_settings: int = setting(3, "SAFE words with fewer settings are left out unless SocialEQ has them")
    min_beside_charts: float = setting(2.0, "fewer independent settings do not count where charts define a word")
    socialeq_db: float = setting(5.0, "one SocialEQ unit in dB")
    safe_weight: float = setting(12.0, "how many SocialEQ people one SAFE setting counts for in the mean of a word")
    safe_alike: float = setting(0.0125, "correlation of a word's SAFE settings: the same people made many of them")
    people_per_setting: float = setting(3.0, "how many SocialEQ people make a word as well known as one setting")
    generic_settings: float = setting(30.0, "how many settings the common covariance counts for in each word's own")
    cov_floor_db: float = setting(0.25, "standard deviation added in every direction")


def load_settings(cls: type[T], path: Path | str | None) -> T:
    """Reads `cls` from a TOML file; missing keys keep their defaults, `None` gives all defaults.

    Raises `SettingsError` for a file that cannot be read, an unknown key, or a value of another type.
    """
    if path is None:
        return cls()
    data = read_toml(path, MAX_BYTES, "the settings", "a settings file")
    from pydantic import TypeAdapter, ValidationError

    types, checked = get_type_hints(cls), {}
    for key, value in data.items():
        if key not in types:
            raise SettingsError(f"{path}: unknown setting {key!r}; known are {', '.join(types)}")
        try:
            checked[key] = TypeAdapter(types[key]).validate_python(value, strict=True)
        except ValidationError:
            raise SettingsError(f"{path}: {key} must be of type {types[key].__name__}, not {value!r}") from None
    return cls(**checked)
