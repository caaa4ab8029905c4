"""Making a study: every recording and word in every version, cut alike, equally loud."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...dsp.analyze_file import AnalyzedAudio, analyze_opened
from ...dsp.audio import AudioFile
from ...dsp.write import AudioWriter
from ...errors import AudioError
from ...training.datasets.readers import AUDIO_SUFFIXES
from ...util.companions import files_below
from ...util.files import output_error, write_all
from .excerpt import Cut, alike_in_loudness, anchor, cut, faded, most_active
from .study import ANCHOR, FILE, MIN_EXCERPT_S, ORIGINAL, SOUNDS, Study, StudyError, StudyItem

if TYPE_CHECKING:
    from ...engine import AdaptiveEQ

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class StudyRequest:
    """What a study is made of; `methods` were checked by `check_methods`."""

    words: tuple[str, ...]
    methods: tuple[str, ...]
    excerpt_s: float
    intensity: float = 1.0


def recordings_in(paths: Sequence[Path]) -> list[Path]:
    """Files as given, folders by the recordings in them, sorted by name. Raises `StudyError` where there are none."""
    found: list[Path] = []
    for path in paths:
        inside = files_below(path, AUDIO_SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise StudyError(f"{path} holds no recordings (WAV, FLAC, OGG, MP3 or AIFF)")
        found += [one for one in inside if one not in found]
    return found


def make_study(folder: Path, recordings: Sequence[Path], wanted: StudyRequest, engine: AdaptiveEQ, told: Told) -> Study:
    """Writes the sounds and then `study.json`, which makes the folder a study; a run that fails leaves neither.

    Args:
        told: called with a name, how many recordings are done and of how many.

    Raises `AudioError` for a recording that cannot be used, `UnknownWordError`, `StudyError`, `OutputError`.
    """
    # 'brighter' and 'bright' are one word
    words = list(dict.fromkeys(engine.words.blend(word).name for word in wanted.words))
    if (folder / FILE).exists():
        raise StudyError(f"{folder} holds a study already: leave out --audio to go on, or choose another folder")
    try:
        (folder / SOUNDS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from None
    written: list[Path] = []
    with write_all([folder / FILE], mode=0o600) as writing:
        writing.otherwise(lambda: _remove(written, folder))
        if (folder / FILE).exists():
            raise StudyError(f"{folder} holds a study by now: choose another folder")
        items = []
        for n, path in enumerate(recordings):
            told("recordings", n, len(recordings))
            items += _items(folder / SOUNDS, path, words, wanted, engine, written)
        told("recordings", len(recordings), len(recordings))
        created = datetime.now(UTC).isoformat(timespec="seconds")
        seed, token = secrets.token_hex(8), secrets.token_hex(32)
        study = Study(folder, seed, token, created, wanted.methods, tuple(items))
        study.save(writing)
    return study


def _remove(written: Sequence[Path], folder: Path) -> None:
    for path in written:
        path.unlink(missing_ok=True)
    with suppress(OSError):
        (folder / SOUNDS).rmdir()


def _items(
    sounds: Path, path: Path, words: Sequence[str], wanted: StudyRequest, engine: AdaptiveEQ, written: list[Path]
) -> list[StudyItem]:
    """A recording with each word. The EQ is that of the whole recording, as `reaper-aeq adapt` computes it."""
    with AudioFile(path) as file:
        if file.channels > 2:
            raise AudioError(f"{path} has {file.channels} channels: listeners hear one or two, mix it down first")
        heard = analyze_opened(file)
        start, length = most_active(file, wanted.excerpt_s)
        if length < MIN_EXCERPT_S * file.sample_rate:
            raise AudioError(f"{path} is shorter than {MIN_EXCERPT_S:g} s: too short to be judged")
        part = cut(file, start, length)
    return [_item(sounds, path, word, wanted, engine, heard, part, written) for word in words]


def _item(
    folder: Path, path: Path, word: str, wanted: StudyRequest, engine: AdaptiveEQ, heard: AnalyzedAudio, part: Cut,
    written: list[Path],
) -> StudyItem:  # fmt: skip
    rate, eqs = part.sample_rate, {}
    made = {ORIGINAL: part.audio, ANCHOR: anchor(part.audio, rate)}
    for method in wanted.methods:
        if method != ORIGINAL:
            asked = engine.adapt_analysis(heard.analysis, word, method=method, intensity=wanted.intensity)
            # loudness is matched below, so the exact output gain does not matter here
            eqs[method] = asked.eq.to_dict()
            made[method] = asked.eq.apply(part.audio, rate)
    cuts = {name: faded(part.trim(audio), rate) for name, audio in made.items()}
    matched, lufs = alike_in_loudness(cuts, rate)
    files = {name: _write(folder, audio, rate, written) for name, audio in matched.items()}
    duration_s = cuts[ORIGINAL].shape[1] / rate
    return StudyItem(
        secrets.token_hex(4), str(path), word, round(part.start_s, 3), duration_s, rate, round(lufs, 2), files, eqs
    )


def _write(folder: Path, audio: np.ndarray, sample_rate: int, written: list[Path]) -> str:
    """A name that says nothing, and WAV, so that not even sizes tell the versions apart."""
    path = folder / f"{secrets.token_hex(8)}.wav"
    written.append(path)
    with AudioWriter(path, sample_rate, audio.shape[0]) as out:
        out.write(audio)
    return path.name
