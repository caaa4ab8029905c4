"""What is kept about the EQs that were put on a track, whoever put them there: the actions, `live` or `project`.

It lies beside the track as JSON, in REAPER's P_EXT and so in the project's text. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..eq import Band, Eq
from ..errors import AeqError

NAME, VERSION = "reaper-aeq", 1
EDITED = " (edited)"  # behind the name of an EQ that somebody changed by hand
_SAME_DB, _SAME_HZ, _SAME_OCT = 0.05, 1e-3, 5e-3


@dataclass(frozen=True)
class InstanceRecord:
    """One EQ: GUID of its FX, "word" or "match", the name it was given, its blend, and the bands that were computed, as
    JSON has them.

    `heard`: the sound it was computed for (`result.sketch`). `told`: what was said last of a change by hand that is
    kept. `learned`: the signature of the setting that was learned from; `taught`: that was since the last answer.
    `lanes`: parameters that envelopes of ours move, where the actions made it follow the song.
    """

    fx: str
    family: str
    name: str
    blend: Mapping[str, float]
    eq: Mapping[str, Any]
    heard: Mapping[str, Any] | None = None
    told: str = ""
    learned: str = ""
    taught: bool = False
    lanes: tuple[int, ...] = ()

    @property
    def computed(self) -> Eq | None:
        """None where it cannot be read: anybody may write there."""
        try:
            return Eq(tuple(Band(**band) for band in self.eq["bands"]), float(self.eq["output_gain_db"]))
        except (AeqError, TypeError, KeyError, ValueError, OverflowError):
            return None

    def holds(self, bands: Sequence[Band | None]) -> bool:
        """Whether an instance with these bands is as it was written."""
        kept = self.eq["bands"]  # as it stands there: other versions write more of a band than we read
        if len(bands) < len(kept) or any(band is None or band.enabled for band in bands[len(kept) :]):
            return False
        pairs = enumerate(zip(bands, kept, strict=False))
        return all(band and _same(band, known, moved=3 * n + 1 in self.lanes) for n, (band, known) in pairs)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        blend = [{"word": word, "weight": weight} for word, weight in self.blend.items()]
        more = {name: value for name in ("heard", "told", "learned", "taught") if (value := getattr(self, name))}
        more |= {"lanes": list(self.lanes)} if self.lanes else {}
        return {"fx": self.fx, "family": self.family, "name": self.name, "blend": blend, "eq": dict(self.eq), **more}


@dataclass
class Kept:
    """All of a track. `group`: of tracks that share an EQ, as the actions make them; `more`: what else they keep, such
    as the kind of sound that the user says it is.

    `before`: what lay there before the first EQ, to be put back behind the last, where it would not come back by itself
    ("": an empty chunk in a project's text)."""

    records: list[InstanceRecord] = field(default_factory=list)
    group: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    before: str | None = None


def loads(text: str, track: str) -> Kept:
    """What a text says of the track with this GUID. What cannot be read counts as nothing: anybody may write there."""
    try:
        found = json.loads(text)
        if found["version"] != VERSION or not isinstance(found["eqs"], list):
            return Kept()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Kept()
    # a copied track is no member of the group, and what lay beside the first one before is no business of its
    names = ("kind", "group", "before") if found.get("track") == track else ("kind",)
    texts = {name: found[name] for name in names if isinstance(found.get(name), str)}
    group, before = texts.pop("group", None), texts.pop("before", None)
    records = [record for one in found["eqs"] if (record := _record(one)) is not None]
    return Kept(records, group, texts, before)


def dumps(kept: Kept, track: str) -> str:
    """The text of it; "" for nothing. Without records it is what lay there before, unless that changed meanwhile."""
    if kept.before is not None and not kept.records:
        then = loads(kept.before, track)
        if (then.group, then.more) == (kept.group, kept.more):
            return kept.before
    if not kept.records and not kept.group and not kept.more:
        return ""
    found: dict[str, Any] = {"version": VERSION, "track": track, **kept.more}
    found |= {"group": kept.group} if kept.group else {}
    found |= {"before": kept.before} if kept.before is not None and kept.records else {}
    found["eqs"] = [record.to_dict() for record in kept.records]
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _record(one: Any) -> InstanceRecord | None:
    try:
        blend = {part["word"]: float(part["weight"]) for part in one["blend"]}
        heard, told, learned = (one.get(name) for name in ("heard", "told", "learned"))
        record = InstanceRecord(
            fx=one["fx"], family=one["family"], name=one["name"], blend=blend, eq=one["eq"],
            heard=heard if isinstance(heard, dict) else None, told=told if isinstance(told, str) else "",
            learned=learned if isinstance(learned, str) else "", taught=one.get("taught") is True,
            lanes=tuple(int(lane) for lane in one.get("lanes") or ()),
        )  # fmt: skip
        texts = (record.fx, record.name, *blend)
        fine = all(isinstance(text, str) for text in texts) and record.family in ("word", "match")
        return record if fine and isinstance(record.eq["bands"], list) else None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _same(band: Band, kept: Any, moved: bool) -> bool:
    """`moved`: an envelope of ours drives its gain."""
    try:
        return (
            (band.kind, band.enabled) == (kept["kind"], kept["enabled"])
            and abs(band.freq_hz / kept["freq_hz"] - 1) < _SAME_HZ
            and (moved or abs(band.gain_db - kept["gain_db"]) < _SAME_DB)
            and abs(band.bandwidth_oct - kept["bandwidth_oct"]) < _SAME_OCT
        )
    except (TypeError, KeyError, ZeroDivisionError, OverflowError):
        return False
