"""`reaper-aeq demo`: a song made here, each of its tracks adapted to a word; the files to listen to and to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import OutputError
from ...reaper.reaeq.names import instance_name
from ...util.files import make_folder, write_text_atomic
from ...util.printable import printable
from ...util.scores import shown_change
from .adapt import decibels, most
from .checks import check_models, check_new_folder
from .console import print_json, progress, say, table
from .options import Json, Models
from .outputs import Outputs, all_opened

if TYPE_CHECKING:
    import numpy as np

    from ...demo.song import SongTrack
    from ...engine import AdaptiveEQ
    from ...result.result import Result

RATE = 44_100
SUMMARY = "summary.json"


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the results; files of an earlier demo are replaced.")
    ] = Path("aeq-demo"),
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Make a short song and adapt its six tracks."""
    check_new_folder(out)
    check_models(models)
    refuse_others_files(out)
    from ...demo.song import make_song
    from .sound import load_engine

    make_folder(out)
    with progress() as (tell, step_done):
        engine = load_engine(models)
        if not as_json:
            tell("playing the song")
        tracks = make_song(sample_rate=RATE)
        rows, lines, after = [], [], []
        for number, track in enumerate(tracks, 1):
            step_done("adapting the tracks", number - 1, len(tracks))
            result = adapt_track(engine, track, number, out)
            row = {"track": track.name, "flaw": track.flaw, "done": most(result.eq), **result.to_dict()}
            rows.append(row)
            lines.append(cells(row, result))
            after.append(result.eq.apply(track.audio, RATE))
            step_done("adapting the tracks", number, len(tracks))
        write_wav(out / "song-before.wav", sum_of([track.audio for track in tracks]))
        write_wav(out / "song-after.wav", sum_of(after))
    summary = {"folder": str(out), "tracks": rows}
    write_text_atomic(out / SUMMARY, json.dumps(summary, indent=1) + "\n")
    write_text_atomic(out / "summary.md", as_markdown(rows, lines))
    if as_json:
        print_json(summary)
        return
    table(["track", "word", "score", "what was done", ">output gain"], lines)
    say(f"\nwrote {printable(out)}: compare song-before.wav and song-after.wav; summary.md says what was done and why")


def refuse_others_files(out: Path) -> None:
    """Raises `OutputError` if files would be replaced that are not of an earlier demo."""
    with suppress(OSError, ValueError):
        if {"folder", "tracks"} <= set(json.loads((out / SUMMARY).read_bytes())):
            return
    there = [name for name in (SUMMARY, "summary.md", "song-before.wav", "song-after.wav") if (out / name).exists()]
    if there:
        raise OutputError(
            f"{out / there[0]} is there already and was not made by a demo: choose another folder with --out"
        )


def adapt_track(engine: AdaptiveEQ, track: SongTrack, number: int, out: Path) -> Result:
    """Writes the four files of one track."""
    stem = f"{number}-{track.name}"
    result = engine.adapt(track.audio, RATE, track.word)
    write_wav(out / f"{stem}-before.wav", track.audio)
    outputs = Outputs(out / f"{stem}-after.wav", out / f"{stem}.RfxChain", out / f"{stem}.png")
    with all_opened([outputs], RATE, len(track.audio)) as (files,):
        files.write(result, [track.audio], instance_name(track.word, 1.0), f"{track.name}: {track.word}")
    return result


def write_wav(path: Path, audio: np.ndarray) -> None:
    """A sound (channels, samples) at `RATE` as a WAV file. Raises `OutputError`."""
    from ...dsp.write import AudioWriter

    with AudioWriter(path, RATE, len(audio)) as writer:
        writer.write(audio)


def sum_of(stems: Sequence[np.ndarray]) -> np.ndarray:
    """(2, samples) float32"""
    import numpy as np

    return np.asarray(np.sum(stems, axis=0, dtype=np.float64), np.float32)


def cells(row: dict[str, Any], result: Result) -> list[str]:
    """A line of the table on the screen and in summary.md, rounded as the explanation is, once."""
    name = f"{row['track']} ({row['flaw']})" if row["flaw"] else row["track"]
    score = shown_change(result.score_before, result.score_after)
    return [name, row["word"], score, row["done"], decibels(row["output_gain_db"])]


def as_markdown(rows: Sequence[dict[str, Any]], lines: Sequence[list[str]]) -> str:
    """The text of summary.md."""
    head = "# reaper-aeq demo\n\nSix tracks made by a program; the voice is thin and the guitar boomy on purpose.\n\n"
    table = ["| track | word | score | what was done | output gain |", "|---|---|---|---|---|"]
    table += ["| " + " | ".join(line) + " |" for line in lines]
    told = "".join(f"\n## {row['track']}: {row['word']}\n\n{row['explanation']}\n" for row in rows)
    return head + "\n".join(table) + "\n" + told
