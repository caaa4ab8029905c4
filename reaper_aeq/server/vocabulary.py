"""What the backend says of words, and what it learns of them from what people made by hand of answers: into the same
store, by the same code as `profile learn`."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from fastapi import FastAPI

from ..request import check_learnable
from . import wire

if TYPE_CHECKING:
    from ..engine import AdaptiveEQ
    from ..model.words import DescriptorSettings, Word

log = logging.getLogger("reaper_aeq.server")
_one_at_a_time = threading.Lock()  # each edit is counted beside those before it


def add_words(app: FastAPI, engine: Future[AdaptiveEQ]) -> None:
    """Adds `/v1/words`, `/v1/words/curves` and `/v1/profile/learn`."""

    async def loaded() -> AdaptiveEQ:
        return await asyncio.shield(asyncio.wrap_future(engine))

    @app.get("/v1/words")
    async def words() -> wire.Words:
        vocabulary = (await loaded()).words
        known = sorted(vocabulary.values(), key=lambda word: (-word.evidence.confidence, word.name))
        rows = [wire.WordInfo(**word.to_dict()) for word in known]
        return wire.Words(words=rows, aliases=dict(sorted(vocabulary.aliases.items())))

    @app.get("/v1/words/curves")
    async def word_curves() -> wire.WordCurves:
        return await asyncio.to_thread(curves_of_words, await loaded())

    @app.post("/v1/profile/learn")
    async def learn(asked: wire.LearnRequest) -> wire.Learned:
        return await asyncio.to_thread(learn_edits, await loaded(), asked)


def curves_of_words(engine: AdaptiveEQ) -> wire.WordCurves:
    """Mean and standard deviation in dB where curves are compared; by kind of sound where a word differs."""
    import torch

    from ..model.curves import COMPARED, GRID, center

    decoder = center(engine.eq_model.decoder.weight.detach().double().cpu().T).T[COMPARED]  # (bands, 32)

    def curve(kind: str, settings: Word | DescriptorSettings) -> wire.WordCurve:
        variance = torch.einsum("bi,ij,bj->b", decoder, settings.cov, decoder)
        mean, spread = decoder @ settings.mean, variance.clamp_min(0.0).sqrt()
        mean_db, spread_db = ([round(value, 2) for value in line.tolist()] for line in (mean, spread))
        return wire.WordCurve(kind=kind, mean_db=mean_db, spread_db=spread_db)

    words = {
        name: [curve("", word), *(curve(kind, one) for kind, one in word.by_kind.items())]
        for name, word in engine.words.items()
    }
    return wire.WordCurves(freqs_hz=[round(f, 1) for f in GRID[COMPARED].tolist()], words=words)


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
