"""A study: which recordings, words and methods are compared, and where their sounds lie. One file, `study.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import AeqError
from ...request import METHODS
from ...util.files import Writing

ORIGINAL, ANCHOR = "original", "anchor"
MIN_EXCERPT_S = 1.0
FILE, SOUNDS, ANSWERS = "study.json", "stimuli", "answers.sqlite"
VERSION = 1


class StudyError(AeqError):
    """The folder of a study, what it is to be made of, or its answers are not as they must be."""


@dataclass(frozen=True)
class StudyItem:
    """One recording and one word.

    Attributes:
        id: unique in the study; says nothing of the recording.
        start_s, duration_s: the excerpt.
        lufs: integrated loudness of all its sounds.
        sounds: condition -> name of its file in `stimuli`.
        eqs: method -> the EQ that made its sound (`Eq.to_dict`).
    """

    id: str
    recording: str
    word: str
    start_s: float
    duration_s: float
    sample_rate: int
    lufs: float
    sounds: dict[str, str]
    eqs: dict[str, Any]


@dataclass(frozen=True)
class Study:
    """Everything but the answers.

    Attributes:
        seed: every listener's order follows from it and their number.
        token: whoever has it may open the page; kept, so that a page outlives a restart.
        methods: what is compared in pairs; `original` is the excerpt as it was.
    """

    folder: Path
    seed: str
    token: str
    created: str
    methods: tuple[str, ...]
    items: tuple[StudyItem, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """What is rated: the hidden reference, every method, the anchor."""
        return (ORIGINAL, *(name for name in self.methods if name != ORIGINAL), ANCHOR)

    @property
    def pairs(self) -> int:
        """How many of two methods a listener compares."""
        return len(self.items) * len(self.methods) * (len(self.methods) - 1) // 2

    @property
    def words(self) -> list[str]:
        """Each once, in the order of the items."""
        return list(dict.fromkeys(item.word for item in self.items))

    def item(self, item_id: str) -> StudyItem:
        """The item of that id."""
        return next(item for item in self.items if item.id == item_id)

    def sound(self, item_id: str, condition: str) -> Path:
        """The file of a sound."""
        return self.folder / SOUNDS / self.item(item_id).sounds[condition]

    def save(self, writing: Writing) -> None:
        """Writes `study.json` as part of `writing`, which has held the file so that no other run makes a study in the
        same folder meanwhile. Raises `OutputError`."""
        data = {"version": VERSION} | {name: value for name, value in asdict(self).items() if name != "folder"}
        with writing.to(self.folder / FILE) as temporary:
            temporary.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


def load_study(folder: Path) -> Study:
    """Raises `StudyError` where there is none, it cannot be read or a sound is missing."""
    path = Path(folder) / FILE
    try:
        data = json.loads(path.read_text("utf-8"))
        if data.pop("version") != VERSION:
            raise StudyError(f"{path} is from another version of reaper-aeq: make the study anew in another folder")
        items = tuple(StudyItem(**item) for item in data.pop("items"))
        study = Study(Path(folder), methods=tuple(data.pop("methods")), items=items, **data)
        missing = [sound for item in study.items for sound in item.sounds if not study.sound(item.id, sound).is_file()]
    except FileNotFoundError:
        raise StudyError(f"{folder} holds no study yet: make one with --audio and --word") from None
    except NotADirectoryError:
        raise StudyError(f"{folder} is not a folder: name the one that holds the study") from None
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StudyError(f"{path} is damaged: restore it, or make the study anew in another folder") from None
    if missing:
        raise StudyError(f"{len(missing)} sounds are missing in {path.parent / SOUNDS}: restore them")
    return study


def check_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """`original` and methods, at least two, each once. Raises `StudyError`."""
    for name in methods:
        if name not in (ORIGINAL, *METHODS):
            raise StudyError(f"unknown method {name!r}: use {ORIGINAL} and any of {', '.join(METHODS)}")
    if len(set(methods)) < 2 or len(set(methods)) < len(methods):
        raise StudyError("--methods needs at least two different ones, such as 'original,adaptive'")
    return tuple(methods)
