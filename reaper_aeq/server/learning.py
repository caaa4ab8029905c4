"""Learning from what people made by hand of answers: into the same store, by the same code as `profile learn`."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ..request import check_learnable
from . import wire

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ

log = logging.getLogger("reaper_aeq.server")
_one_at_a_time = threading.Lock()  # each edit is counted beside those before it


def learn_edits(engine: AdaptiveEQ, asked: wire.LearnRequest) -> wire.Learned:
    """Of one sound and word the latest edit counts. Raises `AeqError`, and then none of them is learned."""
    from ..result.realization import eq_curve
    from ..result.sketch import ltas_of

    profiles = engine.profiles
    curves = [
        [eq_curve(bands.eq(), one.heard.sample_rate) for bands in (one.computed, one.made)] for one in asked.edits
    ]
    heard = [ltas_of(one.heard.ltas) for one in asked.edits]
    for one in asked.edits:  # before the first is learned
        profiles.words_of(asked.profile).find(one.word)
        check_learnable(one.intensity)
    learned = []
    with _one_at_a_time:
        for one, (computed_db, made_db), heard_db in zip(asked.edits, curves, heard, strict=True):
            found = profiles.learn(
                asked.profile, one.word, one.intensity, computed_db, made_db, one.heard.kind or "", heard_db, once=True
            )
            learned.append(wire.LearnedWord(word=found.word, settings=found.settings, share=found.share))
        for sentence in profiles.store.told:
            log.warning("%s", sentence)
        profiles.store.told.clear()
    log.info("learned from %d edits", len(learned))
    return wire.Learned(learned=learned, store=str(profiles.store.path))
