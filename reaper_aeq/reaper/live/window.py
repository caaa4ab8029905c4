"""Which minute of a long project is rendered: the one in which the most is heard of the most tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile

LONGEST_S = 60.0
_PROBE_S = 0.05  # read of each second of a file
_ENOUGH = 0.5  # of what a track's own best minute holds


@dataclass(frozen=True)
class Piece:
    """A stretch of a track that sounds: `start_s` to `end_s` of the project, and what plays there.

    `path` is its file, from `offset_s` on at `rate`; None where there is none. `notes` are the starts of MIDI notes in
    the project, seconds.
    """

    start_s: float
    end_s: float
    path: str | None = None
    offset_s: float = 0.0
    rate: float = 1.0
    notes: tuple[float, ...] = ()


def windows(
    tracks: Sequence[Sequence[Piece]], longest_s: float = LONGEST_S
) -> list[tuple[tuple[float, float], list[int]]]:
    """As few spans of at most `longest_s` as will do: [((start, end), which of `tracks` are heard there)].

    A track is heard in a span that holds at least half of what its own best span would. Tracks without a piece are in
    none.
    """
    left = [n for n, pieces in enumerate(tracks) if pieces]
    start_s = min((piece.start_s for n in left for piece in tracks[n]), default=0.0)
    end_s = max((piece.end_s for n in left for piece in tracks[n]), default=0.0)
    if not left or end_s - start_s <= longest_s:
        return [((start_s, end_s), left)] if left else []
    count = int(np.ceil(end_s - start_s))
    width = int(longest_s)
    held = {n: _sums(np.sum([_loudness(piece, start_s, count) for piece in tracks[n]], axis=0), width) for n in left}
    share = {n: sums / max(sums.max(), 1e-30) for n, sums in held.items()}  # (seconds,): each track counts alike
    found = []
    while left:
        first = int(np.argmax(sum(share[n] for n in left)))
        fit = [n for n in left if share[n][first] >= _ENOUGH] or [max(left, key=lambda n: share[n][first])]
        if len(fit) == 1:
            first = int(np.argmax(share[fit[0]]))
        inside = [
            p for n in fit for p in tracks[n] if p.end_s > start_s + first and p.start_s < start_s + first + width
        ]
        begin = max(start_s + first, min((p.start_s for p in inside), default=0.0))
        stop = min(start_s + first + width, max((p.end_s for p in inside), default=end_s))
        found.append(((begin, stop), fit))
        left = [n for n in left if n not in fit]
    return found


def _sums(per_second: np.ndarray, width: int) -> np.ndarray:
    """(seconds,): what each span of `width` seconds holds, by its first."""
    total = np.concatenate(([0.0], np.cumsum(per_second)))
    starts = np.arange(max(1, len(per_second) - width + 1))
    return total[np.minimum(starts + width, len(per_second))] - total[starts]


def _loudness(piece: Piece, start_s: float, count: int) -> np.ndarray:
    """(seconds,): how loud a piece is in each second of the project from `start_s` on, roughly."""
    per_second = np.zeros(count)
    first, last = int(piece.start_s - start_s), min(count, int(np.ceil(piece.end_s - start_s)))
    if piece.notes:
        places = np.clip((np.array(piece.notes) - start_s).astype(int), 0, count - 1)
        np.add.at(per_second, places, 1.0)
    elif piece.path:
        per_second[first:last] = _probed(piece, last - first)
    else:
        per_second[first:last] = 1.0
    return per_second


def _probed(piece: Piece, seconds: int) -> np.ndarray:
    """(seconds,): mean squares of short stretches of the file; of what cannot be read every second counts alike."""
    try:
        with soundfile.SoundFile(piece.path) as file:
            found = np.zeros(seconds)
            for n in range(seconds):
                file.seek(int((piece.offset_s + (n + 0.5) * piece.rate) * file.samplerate) % max(1, file.frames))
                block = file.read(int(_PROBE_S * file.samplerate), dtype="float32")
                found[n] = float(np.mean(block**2)) if block.size else 0.0
    except (soundfile.LibsndfileError, OSError, ValueError):
        return np.ones(seconds)
    return found if found.any() else np.ones(seconds)
