"""The presets of ZynAddSubFX's banks, by many hands, played with patterns of our own by its plugin."""

from __future__ import annotations

import ctypes
import gzip
import random
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packages import Cache, Missing
from patterns import play
from recording import RATE, RENDERED_S, Recording, played, slug

BLOCK = 128
ROLES = ("melody", "arpeggio", "pad", "comp")
KEYS, BASS_KEYS = (43, 84), (28, 52)
# The first whose words are found in a preset's name; all others are synthesizers.
KINDS = {
    "synth_bass": re.compile(r"bass", re.IGNORECASE),
    "keys": re.compile(r"organ|rhodes|piano|e_p_|clavi|wurli|harpsi", re.IGNORECASE),
}
# No synthesizers that somebody would call so, or no sounds that one would play tunes on.
OTHERS = re.compile(
    r"drum|snare|kick|hat\b|cymbal|perc|gong|noise|wind|fx\b|effect|laser|cricket|sparo|alarm|rain|storm|explo|thunder"
    r"|radio|ufo|_car\b|machine|flute|clarinet|sax|fischi|asteroide|chirp|bird|helicop|siren|accordion|violin|guitar"
    r"|sequen|demo|readme",
    re.IGNORECASE,
)
# What the plugin's host keeps of a state, as JUCE writes it to a file: a head, how many bytes follow, and those.
BANK, HEAD, SIZE = b"CcnK", 156, 4
NOISE, SEED = "_ZN3zyn10prng_stateE", 1


def zynaddsubfx(cache: Cache, package: str, plugin: str, hands: Mapping[str, Mapping[str, Any]]) -> Iterator[Recording]:
    """Of each hand's banks so many presets, in an order drawn from a seed."""
    try:
        import dawdreamer
    except ImportError:
        raise Missing("the Python package dawdreamer is missing: install it") from None
    if not Path(plugin).is_file():
        raise Missing(f"there is no {plugin}: install zynaddsubfx-vst")
    folder = cache.unpacked(package)
    presets = sorted(folder.rglob("*.xiz"), key=lambda file: (file.parent.name, file.name))
    engine = dawdreamer.RenderEngine(RATE, BLOCK)
    synth = engine.make_plugin_processor("s", plugin)
    engine.load_graph([(synth, [])])
    noise = noise_of(plugin)
    with tempfile.TemporaryDirectory() as own:
        file = Path(own, "state")
        synth.save_state(str(file))
        head = file.read_bytes()[:HEAD]
        if not head.startswith(BANK):
            raise Missing(f"{plugin} keeps its state in another way than it did: zynaddsubfx.py was made for 3.0.6")
        for hand, choice in hands.items():
            rng, left = random.Random(hand), choice["count"]
            for preset in drawn(presets, choice["banks"], rng):
                if not left:
                    break
                kind = kind_of(preset.stem)
                role = "bass" if kind == "synth_bass" else rng.choice(ROLES)
                file.write_bytes(state_of(head, preset.read_bytes()))
                noise.value = SEED
                synth.load_preset(str(file))
                synth.clear_midi()
                for note in play(role, rng, *(BASS_KEYS if kind == "synth_bass" else KEYS)):
                    synth.add_midi_note(note.midi, note.velocity, note.at_s, note.length_s)
                noise.value = SEED
                engine.render(RENDERED_S)
                samples = played(engine.get_audio().T[: int(RENDERED_S * RATE)], RATE)
                if samples is None:
                    continue
                left -= 1
                name, path = f"zyn_{hand}_{name_of(preset)}", preset.relative_to(folder).as_posix()
                source = f"zynaddsubfx:{hand}"
                yield Recording(name, kind, role, package, samples, RATE, "rendered; preset", source, path)


def noise_of(plugin: str) -> ctypes.c_uint32:
    """The number from which the plugin draws all its noise and phases, else another in each run."""
    try:
        return ctypes.c_uint32.in_dll(ctypes.CDLL(plugin), NOISE)
    except (OSError, ValueError):
        raise Missing(f"{plugin} draws noise in another way than it did: zynaddsubfx.py was made for 3.0.6") from None


def drawn(presets: Iterable[Path], banks: Iterable[str], rng: random.Random) -> list[Path]:
    """Those of the banks that one would play tunes on, of each name the first, in an order drawn."""
    fitting = [one for one in presets if one.parent.name in banks and not OTHERS.search(one.stem)]
    fitting = list({name_of(one): one for one in reversed(fitting)}.values())[::-1]
    rng.shuffle(fitting)
    return fitting


def name_of(preset: Path) -> str:
    """Without its number."""
    return slug(preset.stem.partition("-")[2])


def kind_of(name: str) -> str:
    return next((kind for kind, words in KINDS.items() if words.search(name)), "synth")


def state_of(head: bytes, preset: bytes) -> bytes:
    """What the plugin takes for a state of its own in which this preset is its first part.

    The preset's version is kept, by which the plugin knows how to read it.
    """
    text = gzip.decompress(preset) if preset.startswith(b"\x1f\x8b") else preset
    start, end = text.index(b"<INSTRUMENT>"), text.rindex(b"</INSTRUMENT>")
    instrument = text[start:end] + b"</INSTRUMENT>"
    whole = (
        text[:start] + b'<MASTER><par name="volume" value="80"/><PART id="0"><par_bool name="enabled" value="yes"/>'
        b'<par name="volume" value="96"/>' + instrument
        + b"</PART></MASTER></ZynAddSubFX-data>"
    )  # fmt: skip
    data = b"state\0\n" + whole + b"\n\0\0"
    return head + len(data).to_bytes(SIZE, "big") + data
