"""The presets of amsynth, a subtractive synthesizer, played with patterns of our own by its plugin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from packages import Cache, Missing
from patterns import play
from recording import QUIET_RMS, RATE, RENDERED_S, Recording, slug

BLOCK = 128
ROLES = ("melody", "arpeggio", "pad", "comp")
KEYS, BASS_KEYS = (43, 84), (28, 52)
# Least and most of what a bank stores of a parameter; the plugin takes it as 0..1. What is not here has these already.
RANGES = {
    "filter_resonance": (0, 0.97), "filter_env_amount": (-16, 16), "filter_cutoff": (-0.5, 1.5), "osc2_detune": (-1, 1),
    "osc1_waveform": (0, 4), "osc2_waveform": (0, 4), "lfo_freq": (0, 7.5), "lfo_waveform": (0, 6),
    "osc2_range": (-3, 4), "osc_mix": (-1, 1), "freq_mod_amount": (0, 1.25992105), "filter_mod_amount": (-1, 1),
    "amp_mod_amount": (-1, 1), "distortion_crunch": (0, 0.9), "keyboard_mode": (0, 2), "osc2_pitch": (-12, 12),
    "filter_type": (0, 4), "freq_mod_osc": (0, 2),
} | {
    f"{envelope}_{part}": (0, 1 if part == "sustain" else 2.5)
    for envelope in ("amp", "filter") for part in ("attack", "decay", "sustain", "release")
}  # fmt: skip


@dataclass(frozen=True)
class Preset:
    author: str
    name: str
    values: dict[str, float]


def amsynth(cache: Cache, package: str, plugin: str, banks: str, most: dict[str, int]) -> Iterator[Recording]:
    """Presets in an order drawn from a seed, of each author at most so many.

    A preset keeps what it does not set from the one before: they are rendered one after the other or not at all.
    """
    try:
        import dawdreamer
    except ImportError:
        raise Missing("the Python package dawdreamer is missing: install it") from None
    if not Path(plugin).is_file():
        raise Missing(f"there is no {plugin}: install {package}")
    engine = dawdreamer.RenderEngine(RATE, BLOCK)
    synth = engine.make_plugin_processor("s", plugin)
    places = {one["name"]: one["index"] for one in synth.get_parameters_description()}
    engine.load_graph([(synth, [])])
    presets, rng = read_banks(Path(banks)), random.Random(package)
    rng.shuffle(presets)
    left = dict(most)
    for preset in presets:
        if not left[preset.author]:
            continue
        for name, value in preset.values.items():
            if name in places:
                low, high = RANGES.get(name, (0, 1))
                synth.set_parameter(places[name], min(1, max(0, (value - low) / (high - low))))
        bass = "bass" in preset.name.lower()
        role = "bass" if bass else rng.choice(ROLES)
        synth.clear_midi()
        for note in play(role, rng, *(BASS_KEYS if bass else KEYS)):
            synth.add_midi_note(note.midi, note.velocity, note.at_s, note.length_s)
        engine.render(RENDERED_S)
        samples = engine.get_audio().T[: int(RENDERED_S * RATE)].copy()
        if np.sqrt((samples**2).mean()) < QUIET_RMS:
            continue
        left[preset.author] -= 1
        name, kind = f"amsynth_{preset.author}_{slug(preset.name)}", "synth_bass" if bass else "synth"
        source = f"amsynth:{preset.author}"
        yield Recording(name, kind, role, package, samples, RATE, "rendered; preset", source=source)


def read_banks(folder: Path) -> list[Preset]:
    """All presets that somebody made; the author is in the name of the bank."""
    presets = []
    for bank in sorted(folder.iterdir()):
        author = next((name for name in ("brian", "patrik") if name in bank.name.lower()), "factory")
        for text in bank.read_text(encoding="utf-8", errors="replace").split("<preset> <name> ")[1:]:
            name, *lines = text.splitlines()
            words = [line.split() for line in lines if line.startswith("<parameter>")]
            values = {word[1]: float(word[2]) for word in words if len(word) > 2}
            made = name.strip() and "unused" not in name.lower() and "New" not in name
            if made and len(values) > 20:
                presets.append(Preset(author, name.strip(), values))
    return presets
