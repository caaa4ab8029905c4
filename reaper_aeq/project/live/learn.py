"""What somebody made by hand of our EQs in the open project teaches the words: `profile learn` without a file."""

from __future__ import annotations

from dataclasses import dataclass

from ...engine import AdaptiveEQ
from ...reaper.edits import HandEdit, signature, toward
from ...reaper.live import check, instances, write
from ...reaper.live.api import Api, LiveError
from ...reaper.live.tracks import enter_front_project
from ...result.realization import eq_curve
from ...result.sketch import ltas_of
from ..live.run import TrackChoice


@dataclass(frozen=True)
class LearnedEdit:
    """One edit: the track, the word, what was changed, and how many settings of the word there are now; or why nothing
    was learned of it."""

    track: str
    word: str = ""
    change: str = ""
    settings: int = 0
    left: str = ""


def learn(reaper: Api, engine: AdaptiveEQ, choice: TrackChoice, profile: str) -> list[LearnedEdit]:
    """Raises `LiveError` where nothing was changed by hand, and `AeqError`."""
    with reaper.held():
        enter_front_project(reaper)
        targets = choice.targets(reaper, "word")
        found = [
            (one, edit)
            for one in targets
            for instance in instances.ours(reaper, one.track)
            if (edit := instances.edit_of(reaper, one.track, instance))
        ]
        for one, _ in found:
            check.may_change(reaper, one)
    if not found:
        raise LiveError("no EQ of ours on these tracks was changed by hand: turn its bands in ReaEQ, then try again")
    rows, noted = [], []
    for one, edit in found:
        if left := hindrance(edit):
            rows.append(LearnedEdit(one.name, change=edit.change, left=left))
            continue
        ((word, intensity),) = edit.record.blend.items()
        assert edit.record.heard is not None, "`hindrance` asks"
        rate, kind = edit.record.heard["sample_rate"], edit.record.heard.get("kind") or ""
        computed_db, made_db = (eq_curve(eq, rate) for eq in (edit.computed, edit.held.known))
        ltas_db = ltas_of(edit.record.heard["ltas"])
        told = engine.profiles.learn(profile, word, intensity, computed_db, made_db, kind, ltas_db, once=True)
        rows.append(LearnedEdit(one.name, told.word, edit.change, told.settings))
        noted.append((one, edit, toward(edit.computed, edit.held, told.share)))
    if noted:
        with reaper.held(), write.undo_point(reaper, "learn from my edits", [one for one, _, _ in noted]):
            for one, edit, computed in noted:
                write.note_learned(reaper, one, edit, computed)
    return rows


def hindrance(edit: HandEdit) -> str:
    """Why nothing can be learned of it, the end of a sentence; '' where something can."""
    record, heard = edit.record, edit.record.heard
    if record.learned == signature(edit.held):
        return "it was learned already"
    if record.family != "word" or len(record.blend) != 1 or not all(record.blend.values()):
        return "it is not for one word, so nobody knows which is meant"
    if heard is None or not isinstance(heard.get("sample_rate"), int) or not isinstance(heard.get("ltas"), str):
        return "what was heard is not known any more: ask for the word again, then change its EQ"
    return "it has a band of a kind that cannot be computed" if None in edit.held.bands else ""
