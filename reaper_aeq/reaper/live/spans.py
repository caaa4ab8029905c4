"""From when to when targets are heard, and which of them one render can serve: at most a minute each, that in which the
most is heard of the most tracks, and a quarter of an hour of what is to follow the song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import soundfile

from .api import Api
from .target import Target
from .tracks import Span, above, all_tracks, is_null, items_of, plays, plays_midi, source_of, span_of, track_value

LONGEST_S = 60.0
ALONG_S = 900.0  # of what follows the song, which is heard from end to end
NOTES_PER_ITEM = 500  # looked at, evenly over all of them
_PROBE_S = 0.05  # read of each second of a file
_ENOUGH = 0.5  # of what a track's own best minute holds


@dataclass
class Group:
    """Targets that one render can serve: stems, or the master. Seconds of the project.

    `spans`: by the `id` of a target with chosen items, where those lie; of others all is heard.
    """

    how: str
    targets: list[Target]
    start_s: float = 0.0
    end_s: float = 0.0
    spans: dict[int, list[Span]] = field(default_factory=dict)


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


def groups(reaper: Api, targets: Sequence[Target], longest_s: float) -> list[Group]:
    """Each target in one group at least; one with chosen items may be in several. At most `longest_s` of each is heard.

    An item is rendered as a part of its track's stem: what renders of items hold is measured for the track's FX only.
    """
    chosen = [(target, span) for target in targets if target.items for span in _chosen_spans(reaper, target, longest_s)]
    found = _around(chosen, longest_s)
    whole = [target for target in targets if not target.items]
    tracks = all_tracks(reaper)[1:] if whole else []
    for how in ("stem", "master"):
        alike = [target for target in whole if target.is_master == (how == "master")]
        heard = [
            [piece for member in one.members for piece in _pieces_of(reaper, member, tracks, longest_s)]
            for one in alike
        ]
        for (start_s, end_s), numbers in windows(heard, longest_s):
            found.append(Group(how, [alike[n] for n in numbers], start_s, end_s))
        # nothing on the time line: a track that sounds by itself, heard as long as the project
        rest = [target for target, pieces in zip(alike, heard, strict=True) if not pieces]
        if rest:
            found.append(Group(how, rest, 0.0, min(longest_s, max(1.0, reaper("GetProjectLength", reaper.project)))))
    return found


def _chosen_spans(reaper: Api, target: Target, longest_s: float) -> list[Span]:
    """Where a target's chosen items lie, those that touch made one; of more than `longest_s` the loudest."""
    found: list[Span] = []
    items = [item for one in target.members for item in one.items]  # linked ones are summed: the same times
    for start_s, end_s in sorted(span_of(reaper, item) for item in items):
        if found and start_s <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end_s))
        else:
            found.append((start_s, end_s))
    if sum(end_s - start_s for start_s, end_s in found) <= longest_s:
        return found
    (first_s, last_s), _ = windows([_pieces(reaper, items, longest_s)], longest_s)[0]
    return [(max(a, first_s), min(b, last_s)) for a, b in found if a < last_s and b > first_s]


def _around(chosen: Sequence[tuple[Target, Span]], longest_s: float) -> list[Group]:
    """Renders that hold all of these spans, each at most `longest_s` of the project."""
    found: list[Group] = []
    for target, (start_s, end_s) in sorted(chosen, key=lambda one: one[1][0]):
        if not found or max(found[-1].end_s, end_s) - found[-1].start_s > longest_s:
            found.append(Group("stem", [], start_s, end_s))
        group = found[-1]
        group.end_s = max(group.end_s, end_s)
        if id(target) not in group.spans:
            group.targets.append(target)
        group.spans.setdefault(id(target), []).append((start_s, end_s))
    return found


def _pieces_of(reaper: Api, target: Target, tracks: Sequence[str], longest_s: float) -> list[Piece]:
    """What is heard through a target: its own items, for a bus those of what feeds it."""
    if target.is_master or reaper("GetTrackNumSends", target.track, -1) > 0:
        sources = list(tracks)
    elif track_value(reaper, target.track, "I_FOLDERDEPTH") > 0:
        sources = [one for one in tracks if one == target.track or target.track in above(reaper, one)]
    else:
        sources = [target.track]
    items = [item for track in sources for item in items_of(reaper, track) if plays(reaper, item)]
    return _pieces(reaper, items, longest_s)


def _pieces(reaper: Api, items: Sequence[str], longest_s: float) -> list[Piece]:
    """What the items play is only looked up where a stretch has to be chosen."""
    spans = [span_of(reaper, item) for item in items]
    long = bool(spans) and max(end for _, end in spans) - min(start for start, _ in spans) > longest_s
    pieces = zip(items, spans, strict=True)
    return [_detailed(reaper, item, *span) if long else Piece(*span) for item, span in pieces]


def _detailed(reaper: Api, item: str, start_s: float, end_s: float) -> Piece:
    take = reaper("GetActiveTake", item)
    if plays_midi(reaper, item):
        return Piece(start_s, end_s, notes=_notes(reaper, take))
    source = source_of(reaper, take)
    path = reaper.text("GetMediaSourceFileName", source) if not is_null(source) else ""
    offset_s, rate = (reaper("GetMediaItemTakeInfo_Value", take, key) for key in ("D_STARTOFFS", "D_PLAYRATE"))
    return Piece(start_s, end_s, path or None, offset_s, rate)


def _notes(reaper: Api, take: str) -> tuple[float, ...]:
    """Where notes begin, seconds of the project."""
    # [events, take, notes, ...], then for each note [ok, take, n, selected, muted, start, ...]
    count = reaper("MIDI_CountEvts", take, 0, 0, 0)[2]
    chosen = range(0, count, max(1, count // NOTES_PER_ITEM))
    starts = [reaper("MIDI_GetNote", take, n, 0, 0, 0.0, 0.0, 0, 0, 0)[5] for n in chosen]
    return tuple(reaper("MIDI_GetProjTimeFromPPQPos", take, start) for start in starts)


def windows(tracks: Sequence[Sequence[Piece]], longest_s: float) -> list[tuple[tuple[float, float], list[int]]]:
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
