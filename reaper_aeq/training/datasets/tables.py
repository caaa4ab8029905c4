"""The tables of `--data`: which there are, and whether what they hold can be used. Standard library only."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from ...errors import AeqError

SETTINGS, WORDS, CONTRIBUTIONS = "safe_eq.csv", "socialeq_words.csv", "socialeq_contributions.csv"
SPECTRA = "ltas_prior.tsv"
STATEMENTS, SOURCES, PRESETS = "eq_terms.tsv", "eq_terms_sources.tsv", "eq_presets.tsv"
CHARTS, CHARTS_BY_INSTRUMENT = "eq_terms_summary.tsv", "eq_terms_by_instrument.tsv"


@dataclass(frozen=True)
class Columns:
    """What a table must have: columns of text, columns of numbers, and more numbers in all that begin with `bands`."""

    text: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    bands: str = ""
    gaps: bool = False  # a band may be nan


_SHELVES = tuple(f"{shelf}_{what}" for shelf in ("low_shelf", "high_shelf") for what in ("freq_hz", "gain_db"))
_PEAKS = tuple(f"peak{n}_{what}" for n in (1, 2, 3) for what in ("freq_hz", "gain_db", "q"))
COLUMNS = {
    SETTINGS: Columns(("descriptor",), (*_SHELVES, *_PEAKS)),
    WORDS: Columns(("word", "language"), ("n_people",), "g"),
    CONTRIBUTIONS: Columns(("word", "language"), (), "g"),
    SPECTRA: Columns(("source_repo",), ("codec_cutoff_hz",), "hz_", gaps=True),
    STATEMENTS: Columns(("canonical", "instrument", "effect", "gain_db", "source_ref"), ("low_hz", "high_hz")),
    SOURCES: Columns(("source_ref", "class")),
    PRESETS: Columns(("instrument", "term", "bands")),
    CHARTS: Columns(("canonical", "direction"), ("n_sources", "median_low_hz", "median_high_hz")),
    CHARTS_BY_INSTRUMENT: Columns(
        ("canonical", "instrument", "direction"), ("n_sources", "median_low_hz", "median_high_hz")
    ),
    "MANIFEST.tsv": Columns(("file",)),
}


def band_columns(row: dict[str, str], start: str) -> list[str]:
    """The names of the columns that hold a band each: 'g120', 'hz_24.8'."""
    return [key for key in row if key.startswith(start) and key[len(start) :].replace(".", "", 1).isdigit()]


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a table with a header line, separated by tabs where its name ends in .tsv.

    Raises `AeqError` for what cannot be read, or lacks what `COLUMNS` says of a table of this name.
    """
    delimiter = "\t" if path.suffix == ".tsv" else ","
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=delimiter, restkey="", restval=""))
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or error
        raise AeqError(f"cannot read the data set {path}: {reason}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise AeqError(f"cannot read the data set {path}: it is not a table of text ({error})") from None
    if path.name in COLUMNS:
        _check(path, rows, COLUMNS[path.name])
    return rows


def read_manifest(folder: Path) -> dict[str, dict[str, str]]:
    """What a folder's `MANIFEST.tsv` says of its recordings, {name: row}; nothing where there is none."""
    path = folder / "MANIFEST.tsv"
    return {row["file"]: row for row in read_table(path)} if path.is_file() else {}


def _check(path: Path, rows: list[dict[str, str]], wanted: Columns) -> None:
    if not rows:
        raise AeqError(f"the data set {path} holds no rows: get it anew")
    for name in (*wanted.text, *wanted.numbers):
        if name not in rows[0]:
            raise AeqError(f"the data set {path} has no column {name!r}: get it anew")
    bands = band_columns(rows[0], wanted.bands) if wanted.bands else []
    if wanted.bands and len(bands) < 2:
        raise AeqError(f"the data set {path} has no columns for bands ({wanted.bands}...): get it anew")
    for number, row in enumerate(rows, 2):
        for name in (*wanted.numbers, *bands):
            if not (_is_number(row[name]) or (wanted.gaps and name in bands and row[name] == "nan")):
                raise AeqError(f"the data set {path}: line {number} has no number for {name!r} but {row[name]!r}")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
