"""What people did and what music sounds like: the data sets, read into curves on the grid.

`--data` is a folder with `safe_eq.csv`, `socialeq_words.csv`, `socialeq_contributions.csv` and `ltas_prior.tsv`;
`--audio` folders of recordings, each with a `MANIFEST.tsv` or not (then each sub-folder counts as a source).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...dsp.audio import AudioFile
from ...dsp.response import bandwidth_from_q, response_db
from ...dsp.spectrum import GRID_HZ, Analysis, analyze_blocks
from ...eq import SHELF_BANDWIDTH_OCT, BandKind
from ...errors import AeqError, AudioError
from ...model.curves import GRID, REFERENCE_RATE, on_grid
from ...util.companions import files_below
from .tables import CONTRIBUTIONS, SETTINGS, SPECTRA, WORDS, band_columns, read_manifest, read_table

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"}
MP3_SKIP_S = 0.05  # the encoder's padding at the start
# Octaves: a recording played faster or slower is as likely a sound as itself, and its balance moves with its partials.
OTHER_SPEEDS_OCT = (1 / 6, -1 / 6)
SAFE_BANDS = {
    "low_shelf": BandKind.LOW_SHELF, "peak1": BandKind.BAND, "peak2": BandKind.BAND, "peak3": BandKind.BAND,
    "high_shelf": BandKind.HIGH_SHELF,
}  # fmt: skip
SAFE_KINDS = tuple(SAFE_BANDS.values())


@dataclass(frozen=True)
class PeopleSettings:
    """People's EQ settings: `words` (n,), `curves_db` (n, bands) float64, level as they left it."""

    words: tuple[str, ...]
    curves_db: Tensor

    def of(self, word: str) -> Tensor:
        """(k, bands)"""
        return self.curves_db[[i for i, name in enumerate(self.words) if name == word]]

    def subset(self, keep: Sequence[bool]) -> PeopleSettings:
        """`keep`: one a row."""
        chosen = [i for i, use in enumerate(keep) if use]
        return PeopleSettings(tuple(self.words[i] for i in chosen), self.curves_db[chosen])


def safe_params(rows: Iterable[dict[str, str]]) -> Tensor:
    """SAFE's 13 parameters -> (n, 5, 3) ReaEQ parameters [freq_hz, gain_db, bandwidth_oct].

    SAFE's shelves (Q 0.71) are ReaEQ's at one octave; a peak's Q becomes octaves by the digital octave law.
    """

    def band(row: dict[str, str], name: str) -> tuple[float, float, float]:
        freq_hz, q = float(row[f"{name}_freq_hz"]), row.get(f"{name}_q")
        width_oct = bandwidth_from_q(float(q), freq_hz, REFERENCE_RATE) if q else SHELF_BANDWIDTH_OCT
        return freq_hz, float(row[f"{name}_gain_db"]), width_oct

    return torch.tensor([[band(row, name) for name in SAFE_BANDS] for row in rows], dtype=torch.float64)


def read_safe(folder: Path | str) -> PeopleSettings:
    """SAFE Equalizer settings; rows of the word 'test' are none. Raises `AeqError` where the file is missing."""
    rows = _safe_rows(folder)
    words = tuple(row["descriptor"].strip().lower() for row in rows)
    return PeopleSettings(words, response_db(safe_params(rows), SAFE_KINDS, GRID, REFERENCE_RATE))


def read_safe_params(folder: Path | str) -> Tensor:
    """The same settings as bands, (n, 5, 3). Raises `AeqError` where the file is missing."""
    return safe_params(_safe_rows(folder))


def _safe_rows(folder: Path | str) -> list[dict[str, str]]:
    return [row for row in read_table(Path(folder) / SETTINGS) if row["descriptor"].strip().lower() != "test"]


@dataclass(frozen=True)
class SocialWord:
    """A SocialEQ word: mean curve in SocialEQ's units, how many people, its language."""

    name: str
    language: str
    people: int
    curve: Tensor


def read_social_words(folder: Path | str) -> list[SocialWord]:
    """Raises `AeqError` where the file is missing."""
    rows = read_table(Path(folder) / WORDS)
    curves = _social_curves(rows)
    return [SocialWord(r["word"], r["language"], int(r["n_people"]), c) for r, c in zip(rows, curves, strict=True)]


def read_contributions(folder: Path | str) -> tuple[list[tuple[str, str]], Tensor]:
    """Single people's SocialEQ curves: [(word, language)], (n, bands) in SocialEQ's units."""
    rows = read_table(Path(folder) / CONTRIBUTIONS)
    return [(r["word"], r["language"]) for r in rows], _social_curves(rows)


def _social_curves(rows: list[dict[str, str]]) -> Tensor:
    keys = band_columns(rows[0], "g")
    return on_grid(np.array([float(k[1:]) for k in keys]), np.array([[float(r[k]) for k in keys] for r in rows]))


@dataclass(frozen=True)
class PeopleData:
    """What people showed: SAFE's settings, SocialEQ's words, and single people's curves for these, as
    `read_contributions` gives them."""

    safe: PeopleSettings
    social: Sequence[SocialWord]
    contributions: tuple[Sequence[tuple[str, str]], Tensor]


def read_people_data(folder: Path | str) -> PeopleData:
    """Raises `AeqError` where a file is missing."""
    return PeopleData(read_safe(folder), read_social_words(folder), read_contributions(folder))


@dataclass(frozen=True)
class TrackSpectra:
    """LTAS of whole tracks: `ltas_db` (n, bands), `known` (n, bands) bool (codec artifacts masked), source of each."""

    ltas_db: Tensor
    known: Tensor
    sources: tuple[str, ...]

    def without(self, sources: set[str]) -> TrackSpectra:
        """The tracks of all other sources."""
        keep = [i for i, source in enumerate(self.sources) if source not in sources]
        return TrackSpectra(self.ltas_db[keep], self.known[keep], tuple(self.sources[i] for i in keep))


def read_ltas_prior(folder: Path | str) -> TrackSpectra:
    """Raises `AeqError` where the file is missing, or has other bands."""
    rows = read_table(Path(folder) / SPECTRA)
    keys = band_columns(rows[0], "hz_")
    if len(keys) != len(GRID):
        raise AeqError(f"{Path(folder) / SPECTRA} has {len(keys)} bands, not {len(GRID)}: get it anew")
    ltas = torch.tensor([[float(r[k]) for k in keys] for r in rows], dtype=torch.float64)
    cutoff = torch.tensor([float(r["codec_cutoff_hz"]) for r in rows], dtype=torch.float64)
    return TrackSpectra(ltas, cutoff[:, None] >= GRID * 2 ** (1 / 12), tuple(r["source_repo"] for r in rows))


@dataclass(frozen=True)
class Clip:
    """One recording: where it came from, what it is, its analysis; bands above `cutoff_hz` are codec artifacts.

    `other_speeds`: itself as it is heard at `OTHER_SPEEDS_OCT`, where that was asked for.
    """

    name: str
    source: str
    kind: str
    cutoff_hz: float
    analysis: Analysis
    genre: str = ""
    path: str = ""
    other_speeds: tuple[Clip, ...] = ()

    @property
    def known(self) -> Tensor:
        """(bands,) bool"""
        return torch.from_numpy(min(self.cutoff_hz, self.analysis.sample_rate / 2) >= GRID_HZ * 2 ** (1 / 12))


def read_clips(
    folders: Iterable[Path | str], tell: Callable[[str], None] = lambda _: None, *, other_speeds: bool = False
) -> list[Clip]:
    """Every recording in `folders`; unreadable or silent ones are told of and left out. With `other_speeds` each is
    also analyzed as it sounds a sixth of an octave higher and lower.

    Raises `AeqError` where a folder holds no recording at all.
    """
    clips: list[Clip] = []
    for folder in map(Path, folders):
        rows = read_manifest(folder)
        files = files_below(folder, AUDIO_SUFFIXES)
        if not files:
            raise AeqError(f"{folder} holds no recordings ({', '.join(sorted(AUDIO_SUFFIXES))})")
        for path in files:
            row = rows.get(path.name, {})
            skip_s = MP3_SKIP_S if path.suffix.lower() == ".mp3" else 0.0
            try:
                analysis = analyze_file(path, skip_s)
            except AudioError as error:
                tell(str(error))
                continue
            if analysis.silent:
                tell(f"{path} is silent: left out")
                continue
            source = row.get("source_repo") or path.parent.name
            cutoff_hz = float(row.get("codec_cutoff_hz") or 1e9)
            kind, genre = row.get("kind", "mix"), row.get("genre") or ""
            clip = Clip(path.name, source, kind, cutoff_hz, analysis, genre, str(path))
            if other_speeds:
                faster = [2**octaves for octaves in OTHER_SPEEDS_OCT]
                found = [(cutoff_hz * by, analyze_file(path, skip_s, speed=by)) for by in faster]
                # nothing that only an answer for the sound itself would need, as thousands are kept
                bare = [(hz, replace(one, loudest=None, most_peak_db=None, node_power=None)) for hz, one in found]
                others = tuple(replace(clip, cutoff_hz=hz, analysis=one) for hz, one in bare)
                clip = replace(clip, other_speeds=others)
            clips.append(clip)
    return clips


def analyze_file(path: Path | str, skip_s: float = 0.0, *, speed: float = 1.0) -> Analysis:
    """Streams a file through the analysis, leaving out its first `skip_s` seconds, as if its sample rate were `speed`
    times what it is. Raises `AudioError`."""
    with AudioFile(path) as file:
        blocks = _skipping(file.blocks(), round(skip_s * file.sample_rate))
        return analyze_blocks(blocks, round(file.sample_rate * speed))


def _skipping(blocks: Iterable[np.ndarray], samples: int) -> Iterable[np.ndarray]:
    for block in blocks:
        if samples < block.shape[1]:
            yield block[:, samples:]
        samples = max(0, samples - block.shape[1])
