"""Synthesizers: scores that a server reads, states that a plugin takes for its own, notes that add up."""

import gzip
import random
import re
import struct
import sys
from pathlib import Path
from types import ModuleType

import dx7
import numpy as np
import pytest
import soundfile
import supercollider
import zynaddsubfx
from packages import Missing, Package
from patterns import Note
from recording import PEAK, RATE, RENDERED_S, played

NOTES = [Note(1.0, 64, 0.5, 127), Note(0.25, 60, 0.5, 127)]


class Cache:
    """Of one package that lies unpacked in a folder."""

    packages = {"some": Package("debian", "some", "1", "somebody", "MIT")}  # noqa: RUF012

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def unpacked(self, name: str) -> Path:
        return self.folder


def bundles_of(score: bytes) -> list[tuple[float, bytes]]:
    """When, and what is in it."""
    found, at = [], 0
    while at < len(score):
        (size,) = struct.unpack(">i", score[at : at + 4])
        part, at = score[at + 4 : at + 4 + size], at + 4 + size
        assert part[:8] == b"#bundle\0" and size % 4 == 0
        found.append((struct.unpack(">Q", part[8:16])[0] / 2**32, part[16:]))
    assert at == len(score)
    return found


def test_what_is_rendered_is_centred_and_loud_and_silence_and_clicks_are_none():
    noise = 0.1 * np.random.default_rng(0).standard_normal((RATE, 2))
    ready = played(noise + 0.5, RATE)
    assert np.abs(ready).max() == pytest.approx(PEAK) and np.abs(ready[RATE // 2 :].mean()) < 1e-3
    click = np.zeros((RATE, 1))
    click[100:1100] = 1.0
    for nothing in (1e-4 * noise, click, 0 * click, np.full((RATE, 1), np.nan)):
        assert played(nothing, RATE) is None


def test_a_message_is_padded_to_multiples_of_four():
    assert supercollider.message("/g_new", 1, 2.0, "ab", b"abcde") == (
        b"/g_new\0\0,ifsb\0\0\0" + struct.pack(">if", 1, 2.0) + b"ab\0\0" + struct.pack(">i", 5) + b"abcde\0\0\0"
    )
    assert supercollider.message("/abc") == b"/abc\0\0\0\0,\0\0\0"


def test_a_score_says_first_what_is_played_and_then_when_in_time(tmp_path):
    (tmp_path / "beep").write_bytes(b"definition")
    settings, late = {"attack": 0.1, "release": 0.2}, Note(RENDERED_S + 1, 60, 0.5, 127)
    score = supercollider.score_of([tmp_path / "beep"], "beep", [*NOTES, late], settings, ("echo", {"mix": 0.5}))
    parts = bundles_of(score)
    assert [at_s for at_s, _ in parts] == [0.0, 0.25, 1.0, RENDERED_S]
    assert b"definition" in parts[0][1] and b"sonic-pi-fx_echo" in parts[0][1] and b"seeding" in parts[0][1]
    assert not any(b"sonic-pi-fx" in part for _, part in parts[1:])
    assert b"note\0\0\0\0" + struct.pack(">f", 60.0) in parts[1][1]
    assert b"sustain\0" + struct.pack(">f", 0.4) in parts[1][1]
    plain = supercollider.score_of([], "beep", NOTES, settings, ("", {}))
    assert b"sonic-pi-fx" not in plain and b"out_bus\0" + struct.pack(">i", supercollider.OUT) in plain
    assert b"out_bus\0" + struct.pack(">i", supercollider.TO_EFFECT) in parts[1][1]


@pytest.fixture
def server(monkeypatch):
    """In place of the server: hears the score, plays noise."""
    scores = []

    def run(command):
        scores.append(Path(command[command.index("-N") + 1]).read_bytes())
        noise = 0.1 * np.random.default_rng(0).standard_normal((RATE, 2))
        soundfile.write(command[command.index("-N") + 3], noise, RATE, subtype="FLOAT")

    monkeypatch.setattr(supercollider, "run", run)
    return scores


def test_a_synthesizer_is_played_as_it_is_and_otherwise_always_alike(tmp_path, server):
    for name in ("beep", *(f"fx_{name}" for name, _ in supercollider.EFFECTS if name)):
        (tmp_path / f"sonic-pi-{name}.scsyndef").write_bytes(name.encode())
    cache = Cache(tmp_path)
    first, second = supercollider.sonic_pi(cache, "beep", "some")
    assert (first.name, first.kind, second.name) == ("sonicpi_beep_0", "synth", "sonicpi_beep_1")
    assert server[0] != server[1] and b"cutoff" not in server[0]
    assert [one.name for one in supercollider.sonic_pi(cache, "beep", "some", plain=False)] == ["sonicpi_beep_1"]
    list(supercollider.sonic_pi(cache, "beep", "some"))
    assert server[3:] == server[:2]
    assert {one.kind for one in supercollider.sonic_pi(cache, "beep", "some", bass=True)} == {"synth_bass"}
    with pytest.raises(Missing, match="some holds no synthesizer boop"):
        list(supercollider.sonic_pi(cache, "boop", "some"))


def test_a_preset_becomes_the_first_part_of_a_state_and_keeps_its_version():
    text = b'<?xml version="1.0"?><ZynAddSubFX-data version-major="1"><INSTRUMENT><x/></INSTRUMENT></ZynAddSubFX-data>'
    head = zynaddsubfx.BANK.ljust(zynaddsubfx.HEAD, b"\0")
    state = zynaddsubfx.state_of(head, gzip.compress(text))
    assert state == zynaddsubfx.state_of(head, text) and state.startswith(head)
    data = state[zynaddsubfx.HEAD + zynaddsubfx.SIZE :]
    assert int.from_bytes(state[zynaddsubfx.HEAD :][: zynaddsubfx.SIZE], "big") == len(data)
    assert re.fullmatch(
        rb'state\0\n<\?xml.*version-major="1"><MASTER>.*<PART id="0">.*<INSTRUMENT><x/></INSTRUMENT></PART></MASTER>'
        rb"</ZynAddSubFX-data>\n\0\0",
        data,
        re.DOTALL,
    )


def test_presets_are_drawn_from_their_banks_once_by_name_without_drums_and_noises():
    names = ("Pads/0001-Soft Pad", "Pads/0002-Soft pad", "Pads/0003-Drum Loop", "Pads/0004-Wind", "Else/0001-Lead")
    presets = [Path(f"banks/{name}.xiz") for name in names] + [Path("banks/Pads/0005-Organ.xiz")]
    chosen = zynaddsubfx.drawn(presets, ["Pads"], random.Random(0))
    assert sorted(one.stem for one in chosen) == ["0001-Soft Pad", "0005-Organ"]


@pytest.mark.parametrize(
    ("name", "kind"), [("0001-Warm Pad", "synth"), ("0002-Synth Bass", "synth_bass"), ("0003-DX Rhodes", "keys")]
)
def test_a_preset_is_called_by_its_name(name, kind):
    assert zynaddsubfx.kind_of(name) == kind


def test_a_plugin_whose_noise_cannot_be_seeded_is_named(tmp_path):
    plugin = tmp_path / "plugin.so"
    plugin.write_bytes(b"no library")
    with pytest.raises(Missing, match=r"plugin\.so draws noise in another way than it did"):
        zynaddsubfx.noise_of(str(plugin))


def test_voices_are_found_by_name_and_their_notes_add_up(tmp_path, monkeypatch):
    def voice(name):
        return bytes(118) + name.ljust(10).encode()

    (tmp_path / "bank").write_bytes(voice("E.PIANO  1") + voice("SYN"))
    said, fake = [], ModuleType("dexed")

    class Synth:
        def __init__(self, rate):
            assert rate == RATE

        def load_patch(self, patch):
            said.append(patch)

        def render(self, key, velocity, held_s, seconds):
            return np.random.default_rng(key).standard_normal(int(seconds * RATE)).astype(np.float32)

    class Patch:
        from_packed = staticmethod(dx7.name_of)

    fake.DexedSynth, fake.Patch = Synth, Patch
    monkeypatch.setitem(sys.modules, "dexed", fake)
    made = list(dx7.dx7(Cache(tmp_path), "some", "bank", "b", {"synth": ["SYN"], "keys": ["E.PIANO 1"]}))
    assert [(one.name, one.kind) for one in made] == [("b_syn", "synth"), ("b_e_piano_1", "keys")]
    assert said == ["SYN", "E.PIANO 1"] and {len(one.samples) for one in made} == {int(RENDERED_S * RATE)}
    with pytest.raises(Missing, match="some holds no voice 'NONE' in bank"):
        list(dx7.dx7(Cache(tmp_path), "some", "bank", "b", {"synth": ["NONE"]}))


def test_notes_are_summed_where_they_begin_and_cut_at_the_end():
    def render(key, velocity, held_s, seconds):
        return np.ones(int(seconds * RATE), np.float32)

    mixed = dx7.mix(render, [*NOTES, Note(RENDERED_S - 0.1, 60, 1.0, 127), Note(RENDERED_S + 0.1, 60, 1.0, 127)])
    assert mixed.shape == (int(RENDERED_S * RATE), 1)
    at = [mixed[int(s * RATE), 0] for s in (0.2, 0.3, 1.1, 5.0, RENDERED_S - 0.05)]
    assert at == [0.0, 1.0, 2.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("make", "module"),
    [
        (lambda cache: zynaddsubfx.zynaddsubfx(cache, "some", "/no/plugin.so", {}), "dawdreamer"),
        (lambda cache: dx7.dx7(cache, "some", "bank", "b", {}), "dexed-py"),
    ],
)
def test_a_module_that_is_missing_is_named(make, module, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module.removesuffix("-py"), None)
    with pytest.raises(Missing, match=f"the Python package {module} is missing: install it"):
        list(make(Cache(tmp_path)))


def test_a_plugin_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dawdreamer", ModuleType("dawdreamer"))
    with pytest.raises(Missing, match=r"there is no /no/plugin\.so: install zynaddsubfx-vst"):
        list(zynaddsubfx.zynaddsubfx(Cache(tmp_path), "some", "/no/plugin.so", {}))
