"""ReaEQs in chains, templates, preset libraries and REAPER's preset file; and what is wrong with broken ones."""

import base64
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rpp_samples import CURRENT_STATE, chain, laid_out, song

from reaper_aeq import Band, Eq
from reaper_aeq.errors import ProjectError
from reaper_aeq.reaper.reaeq.instance import encode_state, to_state, write_rfxchain
from reaper_aeq.reaper.rpp import presets
from reaper_aeq.reaper.rpp.presets import read_presets

EQ = Eq((Band("low_shelf", 180.0, 3.1), Band("band", 2500.0, -1.25, 1.4)), -1.5)
STATE = CURRENT_STATE[:-1]  # libraries may lack the last part
FREQS = [100, 300, 1000, 5000, 100]


def ini(states, newline="\r\n", names=None):
    parts = ["[General]", "LastDefImpTime=1617129212", f"NbPresets={len(states)}", ""]
    for i, state in enumerate(states):
        data = b"".join(map(base64.b64decode, encode_state(state)))
        name = names[i] if names else f"preset = {i}"
        parts += [
            f"[Preset{i}]",
            f"Data={data.hex().upper()}{sum(data) % 256:02X}",
            f"Len={len(data)}",
            f"Name={name}",
            "",
        ]
    return newline.join(parts).encode()


def library(newline="\r\n"):
    lines = [
        '<REAPER_PRESET_LIBRARY "VST: ReaEQ (Cockos)"',
        '<PRESET `it\'s "one"`',
        *STATE,
        ">",
        "<PRESET two",
        *STATE,
        ">",
        ">",
    ]
    return laid_out(lines, newline)


FILES = {
    "warm.RfxChain": laid_out(chain("FXCHAIN")[5:-1]),
    "wrapped.rfxchain": laid_out(chain("FXCHAIN"), "\r\n"),
    "channels.RfxChain": laid_out(["REQUIRED_CHANNELS 2", *chain("FXCHAIN")[5:-1]]),
    "band.RTrackTemplate": laid_out(["<TRACK", *chain("FXCHAIN"), ">", "<TRACK", "NAME empty", ">"]),
    "ReaEQ.RPL": library(),
    "vst-reaeq.ini": ini([to_state(EQ), to_state(Eq())]),
}


@pytest.fixture(params=FILES, ids=str)
def file(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(FILES[request.param])
    return path


def test_every_kind_of_file(file):
    found = read_presets(file)
    if file.suffix == ".ini":
        assert [(preset.name, preset.eq) for preset in found] == [("preset = 0", EQ), ("preset = 1", Eq())]
        return
    names = ['it\'s "one"', "two"] if file.suffix == ".RPL" else ["Gain"]
    assert [preset.name for preset in found] == names
    for preset in found:
        assert [band.freq_hz for band in preset.eq.bands] == FREQS
        assert file.read_bytes().splitlines()[preset.line - 1].strip().startswith((b"<VST", b"<PRESET"))


def test_our_own_chain_file(tmp_path):
    write_rfxchain(tmp_path / "a.RfxChain", EQ, "AEQ: warm 70%")
    assert [(preset.name, preset.eq) for preset in read_presets(tmp_path / "a.RfxChain")] == [("AEQ: warm 70%", EQ)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_preset_names_that_are_not_utf_8(tmp_path, newline):
    path = tmp_path / "vst-reaeq.ini"
    path.write_bytes(ini([to_state(EQ)], newline, ["B\xe4ss"]).replace("\xe4".encode(), b"\xe4"))
    assert [preset.name for preset in read_presets(path)] == ["B\xe4ss"]


def damaged(name, old, new, tmp_path):
    path = tmp_path / name
    path.write_bytes(re.sub(old, new, FILES[name], count=1))
    return path


@pytest.mark.parametrize("name, old, new, message", [
    ("vst-reaeq.ini", rb"Data=7", b"Data=8", r"line 5: \[Preset0\] is damaged: its checksum is wrong"),
    ("vst-reaeq.ini", rb"Data=7", b"Data=x", "line 5: the data of .Preset0. are not hexadecimal"),
    ("vst-reaeq.ini", rb"Len=\d+", b"Len=7", "line 5: .Preset0. has 172 bytes, not the 7 it should"),
    ("vst-reaeq.ini", rb"Len=\d+\r\n", b"", "line 5: .Preset0. has no Len"),
    ("vst-reaeq.ini", rb"(?s)\[Preset1.*", b"", "holds 1 presets, not the 2 it should: the file is cut short"),
    ("vst-reaeq.ini", rb"\[General\]", b"[Other]", "line 1: it is not a file of REAPER's presets"),
    ("vst-reaeq.ini", rb"Data=\S+", b"Data=0000", "line 5: .Preset0. has 1 bytes, not"),
    ("ReaEQ.RPL", rb"PRESET_LIB", b"OTHER_LIB", "line 1: it is not a preset library"),
    ("ReaEQ.RPL", rb"cWVlcu5e", b"cWVlcu5!", "line 3: the ReaEQ state is not base64"),
    ("ReaEQ.RPL", rb"cWVlcu5e", b"AAAAAAAA", "line 2: not a ReaEQ state"),
    ("ReaEQ.RPL", rb"(?s)two.*", b"two", r"line \d+: the chunk <PRESET is never closed"),
    ("warm.RfxChain", rb"(?s).*", b"hello", "line 1: it is not an FX chain"),
    ("warm.RfxChain", rb"IQAAAAUA", b"IQAAAAcA", r"line 2: the ReaEQ state is cut short"),
    ("band.RTrackTemplate", rb"<TRACK", b"<TRACKS", "line 1: it is not a REAPER project"),
])  # fmt: skip
def test_damage_names_the_line(tmp_path, name, old, new, message):
    path = damaged(name, old, new, tmp_path)
    with pytest.raises(ProjectError, match=message) as caught:
        read_presets(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_other_files(tmp_path):
    with pytest.raises(ProjectError, match=r"a\.wav: presets are read from files of these kinds: \.RfxChain"):
        read_presets(tmp_path / "a.wav")
    with pytest.raises(ProjectError, match=r"a\.RPL: there is no such file"):
        read_presets(tmp_path / "a.RPL")


@given(st.sampled_from(sorted(FILES)), st.integers(0, 3000), st.integers(0, 400), st.binary(max_size=8))
@example("vst-reaeq.ini", 60, 9, b"")  # the data run into their section's name
@settings(max_examples=150, deadline=None)
def test_fuzz(name, position, gone, junk):
    data = FILES[name][:position] + junk + FILES[name][position + gone :]
    reader = presets._READERS["." + name.rpartition(".")[2].lower()]
    try:
        for preset in reader(data):
            assert preset.state.bands is not None
    except ProjectError as error:
        assert len(str(error)) < 300


def test_template_of_a_whole_song():
    assert [preset.name for preset in presets.read_template(song())] == ["Gain"]


@pytest.mark.shared
def test_real_preset_file(shared_dir):
    (path,) = (shared_dir / "rpp").glob("*vst-reaeq.ini")
    found = read_presets(path)
    assert len(found) == 24
    assert {len(preset.state.bands) for preset in found} == {4, 6, 11}
    assert found[0].name == "stock - Basic 11 band"


@pytest.mark.shared
def test_real_chain(shared_dir):
    (path,) = (shared_dir / "rpp").glob("*fx-chain-tag.rpp")
    assert list(presets.read_chain(path.read_bytes())) == []  # other plug-ins only
