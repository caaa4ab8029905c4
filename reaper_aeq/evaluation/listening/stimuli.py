"""Making a study: every recording and word in every version, cut alike, equally loud."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve, firwin, kaiserord, sosfilt

from ...dsp.analyze_file import analyze_opened
from ...dsp.audio import AudioFile
from ...dsp.loudness import ABSOLUTE_GATE_LUFS, integrated_loudness, k_weighting
from ...dsp.peaks import true_peak_db
from ...dsp.write import AudioWriter
from ...engine import AdaptiveEQ
from ...errors import AudioError
from ...training.datasets.readers import AUDIO_SUFFIXES
from ...util.companions import files_below
from ...util.files import output_error, write_all
from .study import ANCHOR, FILE, MIN_EXCERPT_S, ORIGINAL, SOUNDS, Study, StudyError, StudyItem

STEP_S = 0.1
MOMENTARY_STEPS = 4  # EBU Tech 3341: momentary loudness is that of 400 ms
FADE_S = 0.02
LEAD_S = 1.0  # of sound before the excerpt, so that no filter starts from rest in the middle of a note
TARGET_LUFS = -23.0
CEILING_DBTP = -1.0  # a browser resamples to the rate of the sound card: leave room for peaks between samples
ANCHOR_HZ, ANCHOR_STOP_HZ, ANCHOR_DB = 3500.0, 4000.0, 60.0


def most_active(file: AudioFile, seconds: float) -> tuple[int, int]:
    """The excerpt to hear: first sample and length.

    Of all windows of `seconds`, every 100 ms, the one whose momentary loudness (400 ms) has the highest mean in LUFS,
    each value counted with at least -70; the earliest of equals. A mean of levels, not of powers: one loud blow in a
    long rest does not win. A shorter recording is heard whole. Raises `AudioError`.
    """
    sections = k_weighting(file.sample_rate)
    state = np.zeros((len(sections), file.channels, 2))
    power, samples, step = [], 0, int(STEP_S * file.sample_rate)
    for block in file.blocks(STEP_S):
        weighted, state = sosfilt(sections, block, axis=1, zi=state)
        power.append(float(np.mean(weighted**2, axis=1).sum()))
        samples += block.shape[1]
    length = min(round(seconds * file.sample_rate), samples)
    momentary = np.convolve(power, np.full(MOMENTARY_STEPS, 1 / MOMENTARY_STEPS), mode="valid")
    level = np.maximum(-0.691 + 10 * np.log10(np.maximum(momentary, 1e-12)), ABSOLUTE_GATE_LUFS)
    width = max(1, length // step - MOMENTARY_STEPS + 1)
    if len(level) <= width:
        return 0, length
    mean = np.convolve(level, np.full(width, 1 / width), mode="valid")
    # rounding must not decide between equals
    best = int(np.flatnonzero(mean > mean.max() - 1e-6)[0])
    return min(best * step, samples - length), length


def cut(file: AudioFile, start: int, length: int) -> tuple[np.ndarray, int]:
    """Reads an excerpt and up to a second before it: (channels, lead + length) float32, and how long the lead is.

    Raises `AudioError`.
    """
    first = max(0, start - round(LEAD_S * file.sample_rate))
    parts, at = [], 0
    for block in file.blocks():
        parts.append(block[:, max(0, first - at) : max(0, start + length - at)])
        at += block.shape[1]
        if at >= start + length:
            break
    return np.concatenate(parts, axis=1), start - first


def anchor(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """`audio` (channels, n) without what lies above 3.5 kHz: the low anchor of ITU-R BS.1534-3.

    The Recommendation asks for +-0.1 dB up to 3.5 kHz, at least 25 dB less at 4 kHz and 50 dB at 4.5 kHz. A symmetric
    FIR filter, its delay taken out, so that the anchor is in step with the other sounds.
    """
    taps, beta = kaiserord(ANCHOR_DB, (ANCHOR_STOP_HZ - ANCHOR_HZ) / (sample_rate / 2))
    kernel = firwin(taps | 1, (ANCHOR_HZ + ANCHOR_STOP_HZ) / 2, window=("kaiser", beta), fs=sample_rate)
    return fftconvolve(audio, kernel[None], mode="same", axes=1).astype(np.float32)


def faded(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """`audio` (channels, n) with half-cosine fades of 20 ms, so that looping does not click."""
    n = min(round(FADE_S * sample_rate), audio.shape[1] // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
    shape = np.ones(audio.shape[1])
    shape[:n], shape[audio.shape[1] - n :] = ramp, ramp[::-1]
    return (audio * shape).astype(np.float32)


def alike_in_loudness(sounds: dict[str, np.ndarray], sample_rate: int) -> tuple[dict[str, np.ndarray], float]:
    """`sounds`, each (channels, n), brought to one integrated loudness (BS.1770-4), and that loudness in LUFS.

    -23 LUFS, or as much less as keeps the true peak of all of them under -1 dBTP: all are turned down alike. Raises
    `AudioError` where one is silent.
    """
    found = {name: integrated_loudness(audio, sample_rate) for name, audio in sounds.items()}
    if not np.all(np.isfinite(list(found.values()))):
        raise AudioError("a version of the excerpt is silent: choose a longer --excerpt or another recording")
    peaks_db = [true_peak_db(audio) + TARGET_LUFS - found[name] for name, audio in sounds.items()]
    target = TARGET_LUFS - max(0.0, max(peaks_db) - CEILING_DBTP)
    gains = {name: 10 ** ((target - lufs) / 20) for name, lufs in found.items()}
    return {name: (audio * gains[name]).astype(np.float32) for name, audio in sounds.items()}, target


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
    _check_free(folder)
    try:
        (folder / SOUNDS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from None
    written: list[Path] = []
    with write_all([folder / FILE], mode=0o600) as writing:
        writing.otherwise(lambda: _remove(written, folder))
        _check_free(folder)  # another run may have made one before this one had the lock
        items: list[StudyItem] = []
        for n, path in enumerate(recordings):
            told("recordings", n, len(recordings))
            items += _items(folder / SOUNDS, path, words, wanted, engine, written)
        told("recordings", len(recordings), len(recordings))
        created = datetime.now(UTC).isoformat(timespec="seconds")
        seed, token = secrets.token_hex(8), secrets.token_hex(32)
        study = Study(folder, seed, token, created, wanted.methods, tuple(items))
        study.save(writing)
    return study


def _check_free(folder: Path) -> None:
    if (folder / FILE).exists():
        raise StudyError(f"{folder} holds a study already: leave out --audio to go on, or choose another folder")


def _remove(written: Sequence[Path], folder: Path) -> None:
    for path in written:
        path.unlink(missing_ok=True)
    with suppress(OSError):
        (folder / SOUNDS).rmdir()


def _items(
    folder: Path, path: Path, words: Sequence[str], wanted: StudyRequest, engine: AdaptiveEQ, written: list[Path]
) -> Iterator[StudyItem]:
    """A recording with each word. The EQ is that of the whole recording, as `reaper-aeq adapt` computes it."""
    with AudioFile(path) as file:
        if file.channels > 2:
            raise AudioError(f"{path} has {file.channels} channels: listeners hear one or two, mix it down first")
        heard = analyze_opened(file)
        start, length = most_active(file, wanted.excerpt_s)
        if length < MIN_EXCERPT_S * file.sample_rate:
            raise AudioError(f"{path} is shorter than {MIN_EXCERPT_S:g} s: too short to be judged")
        audio, lead = cut(file, start, length)
        rate = file.sample_rate
    for word in words:
        made, eqs = {ORIGINAL: audio, ANCHOR: anchor(audio, rate)}, {}
        for method in wanted.methods:
            if method != ORIGINAL:
                asked = engine.adapt_analysis(heard.analysis, word, method=method, intensity=wanted.intensity)
                # loudness is matched below, so the exact output gain does not matter here
                eqs[method] = asked.eq.to_dict()
                made[method] = asked.eq.apply(audio, rate)
        cuts = {name: faded(sound[:, lead:], rate) for name, sound in made.items()}
        matched, lufs = alike_in_loudness(cuts, rate)
        files = {name: _write(folder, sound, rate, written) for name, sound in matched.items()}
        span_s = round(start / rate, 3), length / rate
        yield StudyItem(secrets.token_hex(4), str(path), word, *span_s, rate, round(lufs, 2), files, eqs)


def _write(folder: Path, audio: np.ndarray, sample_rate: int, written: list[Path]) -> str:
    """A name that says nothing, and WAV, so that not even sizes tell the versions apart."""
    path = folder / f"{secrets.token_hex(8)}.wav"
    written.append(path)
    with AudioWriter(path, sample_rate, audio.shape[0]) as out:
        out.write(audio)
    return path.name
