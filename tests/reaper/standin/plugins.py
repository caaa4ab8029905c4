"""The sound of FX: ReaEQ, two stand-ins for instruments; everything else passes audio through unchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import eq_filters
from .envelopes import lanes
from .errors import StandInError
from .fx_chain import Fx, children, fx_list
from .fx_params import plugin_count
from .handles import Take, Track


@dataclass(frozen=True)
class Note:
    """A MIDI note in project time: seconds, Hz, amplitude 0..1."""

    start_s: float
    end_s: float
    freq_hz: float
    velocity: float


def run_chain(
    owner: Track | Take, audio: np.ndarray, sample_rate: float, start_s: float = 0.0, notes: list[Note] = ()
) -> np.ndarray:
    """(samples, channels) through the FX that are neither bypassed nor offline; `start_s` is where the audio begins."""
    if isinstance(owner, Track) and not owner.node.number(owner.key("FX"), 0, 1.0):
        return audio  # the whole chain is bypassed
    return _through(fx_list(owner), audio, sample_rate, start_s, notes)


def _through(chain: list[Fx], audio: np.ndarray, sample_rate: float, start_s: float, notes) -> np.ndarray:
    for fx in chain:
        if fx.flag(1):
            continue
        active = [number for number, node in lanes(fx) if node.number("ACT")]
        # one of the bypass itself would switch on what a script has switched off
        if active and (not fx.flag(0) or plugin_count(fx) in active):
            raise StandInError("not modeled", "envelopes of FX parameters")
        if fx.flag(0):
            continue
        wet = _process(fx, audio, sample_rate, start_s, notes)
        audio = wet if fx.wet == 1 else fx.wet * wet + (1 - fx.wet) * audio
    return audio


def _process(fx: Fx, audio: np.ndarray, sample_rate: float, start_s: float, notes) -> np.ndarray:
    if fx.is_container:  # one after another; parallel ones are not modeled
        return _through(children(fx), audio, sample_rate, start_s, notes)
    if fx.is_reaeq:
        return eq_filters.process(fx.eq.state, audio, sample_rate)
    if fx.node.name == "JS" and fx.plugin_name == "JS: synthesis/tonegenerator":
        return audio + _tone(fx, len(audio), sample_rate, start_s)[:, None]
    if fx.plugin_name == "VSTi: ReaSynth (Cockos)":
        return audio + _synth(notes, len(audio), sample_rate, start_s)[:, None]
    return audio


def _tone(fx: Fx, samples: int, sample_rate: float, start_s: float) -> np.ndarray:
    """The JSFX tone stand-in: sliders are level in dB and Hz of a saw of eight partials."""
    level_db, freq_hz = (float(word) for word in str(fx.node.body[0]).split()[:2])
    t = start_s + np.arange(samples) / sample_rate
    return 10 ** (level_db / 20) * _partials(t, freq_hz, sample_rate)


def _partials(t: np.ndarray, freq_hz: float, sample_rate: float) -> np.ndarray:
    wave = np.zeros(len(t))
    for k in range(1, 9):
        if k * freq_hz < sample_rate / 2:
            wave += np.sin(2 * np.pi * k * freq_hz * t) / k
    return wave


def _synth(notes, samples: int, sample_rate: float, start_s: float) -> np.ndarray:
    """A plain instrument that sounds only while notes are held."""
    out = np.zeros(samples)
    for note in notes:
        first = max(0, round((note.start_s - start_s) * sample_rate))
        last = min(samples, round((note.end_s - start_s) * sample_rate))
        if last > first:
            t = np.arange(last - first) / sample_rate
            out[first:last] += 0.3 * note.velocity * _partials(t, note.freq_hz, sample_rate)
    return out
