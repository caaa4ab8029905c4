"""`python models/recordings/gather.py OUT`: recordings of free packages, to train the model of usual balance on.

Downloads what the cache does not hold yet, cuts and renders, and writes OUT/*.flac and OUT/MANIFEST.tsv. What is there
already is kept: an interrupted run goes on. Exit code 1 where something is missing, which is told at the end.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

from packages import Cache, Missing, Package
from recording import Recording, codec_cutoff_hz, write
from table import Set, read_sets

COLUMNS = (
    "file", "kind", "genre", "licence", "source_repo", "source_path", "sample_rate", "channels", "duration_s",
    "codec_cutoff_hz", "note", "set",
)  # fmt: skip
Row = dict[str, str]


def main() -> int:
    options = read_options()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    cache = Cache(options.cache or out.with_name(out.name + "-packages"))
    sets = [one for one in read_sets() if options.only in one.name]
    rows, missing = read_manifest(out), dict[str, str]()
    for n, one in enumerate(sets, 1):
        if complete(one, rows, out):
            continue
        print(f"[{n}/{len(sets)}] {one.name}", flush=True)
        try:
            made = gather(one, cache, out)
        except Missing as error:
            missing[one.name] = str(error)
            print(f"  {error}", flush=True)
            continue
        rows = [row for row in rows if row["set"] != one.name] + made
        write_manifest(out, rows)
    print(f"{len(rows)} recordings in {out}")
    for name, reason in missing.items():
        print(f"missing: {name}: {reason}")
    return 1 if missing else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Recordings from free packages to train the usual balance on.")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder of the recordings")
    parser.add_argument("--cache", metavar="DIR", type=Path, help="folder of the packages, by default beside OUT")
    parser.add_argument("--only", metavar="TEXT", default="", help="only sets in whose names this text is found")
    return parser.parse_args()


def gather(one: Set, cache: Cache, out: Path) -> list[Row]:
    """Makes and writes a set; the rows of it. Raises `Missing`."""
    rows = []
    for recording in one.make(cache):
        row = store(recording, cache.packages[recording.package], out)
        if row is None:
            print(f"  {recording.name} is silent: left out", flush=True)
        else:
            rows.append(row | {"set": one.name})
    return rows


def store(recording: Recording, package: Package, out: Path) -> Row | None:
    """Writes a recording; its row, None where it is silent."""
    samples = recording.finished()
    if samples is None:
        return None
    file, rate = f"{recording.name}.flac", recording.rate
    write(out / file, samples, rate)
    return {
        "file": file,
        "kind": recording.kind,
        "genre": recording.style,
        "licence": package.licence,
        "source_repo": recording.source or package.source,
        "source_path": recording.path,
        "sample_rate": str(rate),
        "channels": str(samples.shape[1]),
        "duration_s": f"{len(samples) / rate:.2f}",
        "codec_cutoff_hz": str(round(codec_cutoff_hz(samples, rate))),
        "note": recording.note,
    }


def complete(one: Set, rows: Iterable[Row], out: Path) -> bool:
    """Whether an earlier run made the set and all of it is still there."""
    own = [row["file"] for row in rows if row["set"] == one.name]
    return bool(own) and all((out / file).is_file() for file in own)


def read_manifest(out: Path) -> list[Row]:
    path = out / "MANIFEST.tsv"
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def write_manifest(out: Path, rows: Iterable[Row]) -> None:
    """Whole or not at all."""
    part = out / "MANIFEST.tsv.part"
    with open(part, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(out / "MANIFEST.tsv")


if __name__ == "__main__":
    raise SystemExit(main())
