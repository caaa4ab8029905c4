"""What is found for one sound: the EQ, and all that is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from ..dsp.analyze_file import AnalyzedAudio
from ..dsp.loudness import loudness_through
from ..dsp.peaks import largest_sample_db, most_rise_db, true_peaks_db, true_peaks_of_pieces_db
from ..dsp.spectrum import GRID_HZ, Analysis
from ..eq import WITHOUT_GAIN, Eq, EqSection, MovingEq
from ..errors import AeqError, AudioError
from ..model.audio_encoder import Usual
from ..model.kinds import KINDS, heard_as
from ..util.scores import rounded_score, shown_change
from .safety import OUTPUT, OUTPUT_LIMIT_DB, Held

PEAK_RISE_DB = 1.0  # that an EQ may add to a true peak which lies at full scale or above
PEAK_ROOM_DB = 0.05
PEAK_HALVINGS = 7  # of an intensity
SAME_PEAK_DB = 0.01  # a sound that is read again and peaks elsewhere is another one
TOLD_FROM_DB = 0.1  # of output gain, and of what of it gave way to peaks
NOTHING_DB = 0.05  # what is smaller is shown as 0.0 dB


@dataclass(frozen=True)
class HeardAs:
    """What a sound was taken for: one of `kinds.KINDS`, 'melodic' or 'unsure', how sure that is (0..1), and by what."""

    kind: str
    probability: float
    by: str
    probabilities: Mapping[str, float]

    @classmethod
    def of(cls, usual: Usual | None) -> HeardAs | None:
        """None where whoever listened tells no kinds apart."""
        if usual is None or usual.kinds is None:
            return None
        kind, sure = heard_as(usual.kinds.tolist(), by_name=usual.by_name)
        by = "name and sound" if usual.by_name else "sound"
        return cls(kind, sure, by, dict(zip(KINDS, usual.kinds.tolist(), strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; kinds by how likely they are."""
        likely = sorted(self.probabilities.items(), key=lambda one: -one[1])
        shares = {kind: round(share, 3) for kind, share in likely if share >= 0.005}
        return {"kind": self.kind, "probability": round(self.probability, 3), "by": self.by, "kinds": shares}


@dataclass(frozen=True)
class Result:
    """What `adapt` found. Curves are numpy (59,) on `dsp.spectrum.GRID_HZ`, dB, NaN where nothing is heard.

    `word` is None where a reference was matched (`match.MatchResult`). `understood`: where it is free text, the blend
    of known words that it was taken for. `variations`: other answers that people might give, where they were asked for.
    `result_db`: what comes out, output gain included. `most_gain_db`: the output gain that limits on lifting allow.
    `gave_way_db`: how far the output gain stays under equal loudness, so that peaks do not rise.
    `sections`: where the EQ follows the song, at least two; `eq` is then that of the whole song in the same bands.
    """

    word: str | None
    intensity: float
    method: str
    eq: Eq
    score_before: float
    score_after: float
    confidence: float
    explanation: str
    sample_rate: int
    source_db: np.ndarray
    result_db: np.ndarray
    target_low_db: np.ndarray
    target_high_db: np.ndarray
    understood: Mapping[str, float] | None = None
    variations: tuple[Result, ...] = ()
    most_gain_db: float = OUTPUT_LIMIT_DB
    gave_way_db: float = 0.0
    heard_as: HeardAs | None = None
    sections: tuple[SectionResult, ...] = ()

    @property
    def moving(self) -> MovingEq | None:
        """The EQ along the song; None where one EQ does for all of it."""
        eqs = (EqSection(one.start_s, one.stop_s, one.result.eq) for one in self.sections)
        return MovingEq(tuple(eqs)) if self.sections else None

    @property
    def kind(self) -> str | None:
        """What the sound was taken for, None where nothing was."""
        return self.heard_as.kind if self.heard_as else None

    @property
    def known_kind(self) -> str:
        """The same where it is one of `kinds.KINDS`, else ''."""
        return self.kind if self.kind in KINDS else ""

    @property
    def does_nothing(self) -> bool:
        """Whether the EQ would be 0.0 dB everywhere, so that nothing is worth inserting."""
        if self.sections:
            return False
        if not any(b.enabled and (b.kind in WITHOUT_GAIN or abs(b.gain_db) >= NOTHING_DB) for b in self.eq.bands):
            return abs(self.eq.output_gain_db) < NOTHING_DB
        freqs_hz = GRID_HZ[: int(np.searchsorted(GRID_HZ, self.sample_rate / 2))]
        response = self.eq.response_db(freqs_hz, self.sample_rate)
        return float(np.abs(response + self.eq.output_gain_db).max()) < NOTHING_DB

    def __repr__(self) -> str:
        asked = "a reference" if self.word is None else repr(self.word)
        bands = ", ".join(f"{b.kind} {b.freq_hz:.0f} Hz {b.gain_db:+.1f} dB" for b in self.eq.bands if b.enabled)
        return (
            f"<{type(self).__name__} {asked} x {self.intensity:g} by {self.method}: {bands or 'no bands'}; output"
            f" {self.eq.output_gain_db:+.1f} dB; score {shown_change(self.score_before, self.score_after)}>"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as `--json` prints it; numbers are rounded to what they mean."""
        return {
            "word": self.word,
            **({"understood": dict(self.understood)} if self.understood else {}),
            "intensity": self.intensity,
            "method": self.method,
            "score": {"before": rounded_score(self.score_before), "after": rounded_score(self.score_after)},
            "confidence": round(self.confidence, 2),
            "explanation": self.explanation,
            **({"heard_as": self.heard_as.to_dict()} if self.heard_as else {}),
            **self.eq.to_dict(),
            **({"sections": [one.to_dict() for one in self.sections]} if self.sections else {}),
            **({"variations": [one.to_dict() for one in self.variations]} if self.variations else {}),
        }


AnyResult = TypeVar("AnyResult", bound=Result)  # `match` answers with more than `adapt` does
Blocks = Iterable[np.ndarray]
Peaks = tuple[float, float]  # of a sound and of what an EQ makes of it, dBTP
Again = Callable[[Callable[[Blocks], Peaks]], Peaks]  # gives what is made of a sound's blocks


@dataclass(frozen=True)
class SectionResult:
    """What was found for one section of a song, seconds from its beginning."""

    start_s: float
    stop_s: float
    result: Result

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: gains in the order of the result's bands, and the scores."""
        one = self.result
        return {
            "start_s": round(self.start_s, 3),
            "stop_s": round(self.stop_s, 3),
            "score": {"before": rounded_score(one.score_before), "after": rounded_score(one.score_after)},
            "gains_db": [band.gain_db for band in one.eq.bands],
            "output_gain_db": one.eq.output_gain_db,
        }


def raised(answer: Result | AeqError) -> Result:
    """The answer; raises it where it is an error."""
    if isinstance(answer, AeqError):
        raise answer
    return answer


def with_measured_loudness(result: AnyResult, analysis: Analysis, again: Again | None) -> AnyResult:
    """The result with its output gain from the exact loudness and peaks of a sound.

    Args:
        analysis: of the sound. again: calls what it is given with the sound's blocks (channels, n); asked only where an
            EQ may raise its peaks too far, which is seldom. None: its loudest pieces have to do.
    """
    variations = tuple(with_measured_loudness(one, analysis, again) for one in result.variations)
    result = replace(result, variations=variations)
    if not result.eq.bands or analysis.node_power is None:
        return result
    eq, rate = result.eq, result.sample_rate
    before, after = loudness_through(
        analysis.node_power, rate, analysis.frame_rate, lambda freqs_hz: eq.response_db(freqs_hz, rate)
    )
    gain_db = eq.output_gain_db + result.gave_way_db
    if np.isfinite(before) and np.isfinite(after):
        gain_db = float(np.clip(before - after, -OUTPUT_LIMIT_DB, result.most_gain_db))
    gain_db = round(gain_db, 2)
    return under_peaks(result, gain_db, *_peaks_db(eq, gain_db, analysis, again))


def _peaks_db(eq: Eq, gain_db: float, analysis: Analysis, again: Again | None = None) -> Peaks:
    """True peaks of a sound and of what bands make of it: the least and the most that they can be where that with this
    output gain is within the limit, else those of the sound itself; where it is gone or is another one by now, by its
    loudest pieces."""
    pieces, most_db, rate = analysis.loudest, analysis.most_peak_db, analysis.sample_rate
    if pieces is None or most_db is None:
        return again(lambda blocks: true_peaks_db(blocks, eq, rate)) if again else (0.0, -np.inf)
    least_db, after_db = largest_sample_db(pieces, rate), most_db + most_rise_db(eq.bands, rate)
    if after_db + gain_db <= peak_limit_db(least_db):
        return least_db, after_db
    if again is not None:
        with suppress(AudioError):
            peaks = again(lambda blocks: true_peaks_db(blocks, eq, rate))
            if least_db - SAME_PEAK_DB <= peaks[0] <= most_db + SAME_PEAK_DB:
                return peaks
    return true_peaks_of_pieces_db(pieces, eq, rate)


def with_loudness(result: AnyResult, heard: AnalyzedAudio) -> AnyResult:
    """The result with its output gain from the exact loudness, where the sound is at hand and short enough for that."""
    return with_measured_loudness(result, heard.analysis, heard.again) if heard.is_measured else result


def with_known_peaks(result: AnyResult, analysis: Analysis) -> AnyResult:
    """The result with its output gain held by the peaks of a sound that is no longer at hand."""
    if not result.eq.bands or analysis.loudest is None:
        return result
    gain_db = result.eq.output_gain_db
    return under_peaks(result, gain_db, *_peaks_db(result.eq, gain_db, analysis))


def peak_limit_db(before_db: float) -> float:
    """What a true peak may become that was at `before_db`, dBTP."""
    return max(before_db + PEAK_RISE_DB, 0.0) - PEAK_ROOM_DB


def held_for_peaks(at: Callable[[float], Held], intensity: float, analysis: Analysis) -> Held:
    """What `at` makes of an intensity, or of the largest below it whose true peaks the smallest output gain can still
    keep low, at any level: how far peaks rise is not linear in it."""
    held = at(intensity)
    if _room_for_peaks(held.eq, analysis):
        return held
    low, high, held = 0.0, intensity, at(0.0)
    for _ in range(PEAK_HALVINGS):
        middle = 0.5 * (low + high)
        tried = at(middle)
        if _room_for_peaks(tried.eq, analysis):
            low, held = middle, tried
        else:
            high = middle
    return replace(held, by=held.by or OUTPUT)


def _room_for_peaks(eq: Eq, analysis: Analysis) -> bool:
    if analysis.loudest is None or not eq.bands:
        return True
    most_db = PEAK_RISE_DB - 2 * PEAK_ROOM_DB + OUTPUT_LIMIT_DB
    if most_rise_db(eq.bands, analysis.sample_rate) <= most_db:
        return True
    before_db, after_db = true_peaks_of_pieces_db(analysis.loudest, eq, analysis.sample_rate)
    return after_db - before_db <= most_db


def under_peaks(result: AnyResult, gain_db: float, before_db: float, after_db: float) -> AnyResult:
    """The result with this output gain, or as much less as keeps the true peak low; and a sentence where that is told.

    Args:
        before_db, after_db: true peaks of the source and of what the bands make of it, dBTP.
    """
    gain_db = round(gain_db, 2)
    held = round(max(min(gain_db, peak_limit_db(before_db) - after_db), -OUTPUT_LIMIT_DB), 2) + 0.0
    gave_way = round(gain_db - held, 2)
    told = result.explanation.removesuffix(explain_output(result.eq.output_gain_db, result.gave_way_db))
    told += explain_output(held, gave_way)
    moved = result.result_db + (held - result.eq.output_gain_db)
    return replace(result, eq=result.eq.with_output_gain(held), result_db=moved, gave_way_db=gave_way, explanation=told)


def explain_output(gain_db: float, gave_way_db: float = 0.0) -> str:
    """What the output gain does, and where peaks held it: sentences that begin with a space, or ''."""
    soft = gave_way_db >= TOLD_FROM_DB
    told = ""
    if abs(gain_db) >= TOLD_FROM_DB:
        told = f" Output gain {gain_db:+.1f} dB{'' if soft else ' keeps it as loud as before'}."
    return told + (f" It comes out {gave_way_db:.1f} dB softer, so that its peaks do not clip." if soft else "")


def nothing_heard(word: str | None, intensity: float, method: str, analysis: Analysis) -> Result:
    """The answer to silence."""
    empty = np.full(len(GRID_HZ), np.nan)
    nothing = "Nothing was matched." if word is None else f"Nothing was computed for '{word}'."
    told = f"There is no sound between 25 Hz and 20 kHz. {nothing}"
    return Result(
        word, float(intensity), method, Eq(), 0.5, 0.5, 0.0, told, analysis.sample_rate, empty, empty, empty, empty
    )
