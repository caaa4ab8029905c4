"""ReaEQ's state and text forms: built by hand from the documented layout, round trips, damage, and real projects."""

import base64
import csv
import re
import shlex
import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reaper_aeq import Band, BandKind, Eq
from reaper_aeq.errors import AeqError, RangeError
from reaper_aeq.reaper.chunks import quote_token
from reaper_aeq.reaper.reaeq import instance as reaeq
from reaper_aeq.reaper.reaeq.instance import decode_state, encode_state, to_eq, to_state
from reaper_aeq.reaper.reaeq.state import ReaEqState, StateBand, StateError, parse_state

# What a current REAPER stores for a ReaEQ that was just inserted.
DEFAULT = ReaEqState(
    (
        StateBand(0, True, 100.0, 1.0, 0.8),
        StateBand(8, True, 300.0, 1.0, 2.0),
        StateBand(8, True, 1000.0, 1.0, 2.0),
        StateBand(1, True, 5000.0, 1.0, 0.8),
        StateBand(4, False, 100.0, 1.0, 2.0),
    )
)
HEADER_LINE = "cWVlcu5e7f4CAAAAAQAAAAAAAAACAAAAAAAAAAIAAAABAAAAAAAAAAIAAAAAAAAAzQAAAAEAAAAAABAA"


def header(size, flags=0x100000):
    return struct.pack("<4sII2QI2QIII", b"qeer", 0xFEED5EEE, 2, 1, 2, 2, 1, 2, size, 1, flags)


def body(bands, element=33, gain=1.0, options=(0, 0, 0, 2), flag=1):
    data = struct.pack("<ii", element, len(bands))
    for band in bands:
        data += struct.pack("<iiddd", *band) + (bytes([flag]) if element == 33 else b"")
    return data + struct.pack("<iid", 1, 1, gain) + struct.pack(f"<{len(options)}i", *options)


DEFAULT_BODY = body([(b.type, b.enabled, b.freq_hz, b.gain, b.bandwidth_oct) for b in DEFAULT.bands])
TRAILER = bytes.fromhex("000010000000")
OLD_BANDS = [(0, 1, 100.0, 1.0, 2.0), (2, 1, 300.0, 0.5, 2.0)]

gains_db = st.integers(-150_000, 12_041).map(lambda thousandths: thousandths / 1000)
eqs = st.builds(
    Eq,
    st.lists(
        st.builds(Band, st.sampled_from(BandKind), st.floats(20, 24_000), gains_db, st.floats(0.01, 4), st.booleans()),
        max_size=12,
    ),
    gains_db,
)


def test_default_instance_has_the_factory_bytes():
    lines = encode_state(DEFAULT)
    assert lines[0] == HEADER_LINE
    assert lines[1].startswith("IQAAAAUAAAAAAAAAAQAAAAAAAAAAAFlA")
    assert lines[-1] == "AAAQAAAA"
    assert b"".join(map(base64.b64decode, lines)) == header(205) + DEFAULT_BODY + TRAILER


def test_default_instance_decodes():
    assert parse_state(header(205) + DEFAULT_BODY + TRAILER) == DEFAULT
    assert to_eq(DEFAULT).bands[-1] == Band(BandKind.HIGH_PASS, 100.0, 0.0, 2.0, enabled=False)


def test_parts_are_separate_runs_of_lines_as_reaper_writes_them():
    assert [len(base64.b64decode(line)) for line in encode_state(DEFAULT)] == [60, 96, 96, 13, 6]


@given(eqs)
def test_round_trip_is_exact(eq):
    lines = encode_state(eq)
    assert max(map(len, lines)) <= 128
    assert to_eq(decode_state(lines)) == eq
    assert to_eq(decode_state([f"      {line}\r" for line in lines])) == eq


def test_eq_is_stored_in_reaeqs_units():
    state = to_state(Eq((Band("band", 440.0, 6.0, 1.5),), output_gain_db=-20.0))
    assert state.bands == (StateBand(8, True, 440.0, pytest.approx(1.99526, abs=1e-5), 1.5, 1),)
    assert state.gain == pytest.approx(0.1)


@pytest.mark.parametrize(
    "number, kind",
    [
        (0, "low_shelf"),
        (1, "high_shelf"),
        (2, "band"),
        (3, "low_pass"),
        (4, "high_pass"),
        (6, "notch"),
        (7, "band_pass"),
        (8, "band"),
        (9, "band"),
    ],
)
def test_type_numbers(number, kind):
    assert to_eq(ReaEqState((StateBand(number, True, 99.0),))).bands[0].kind == kind


@pytest.mark.parametrize("options", [(), (1,), (0, 596, 368), (0, 593, 428, 2)])
@pytest.mark.parametrize("element, flag", [(32, 0), (33, 0), (33, 1)])
def test_every_old_form_is_read_and_written_anew(element, flag, options):
    old = body(OLD_BANDS, element, 2.0, options, flag)
    for data in (header(len(old), 0) + old + TRAILER, header(len(old)) + old, old):
        state = parse_state(data)
        assert state.bands == (StateBand(0, True, 100.0, 1.0, 2.0, flag), StateBand(2, True, 300.0, 0.5, 2.0, flag))
        assert (state.gain, state.options) == (2.0, options)
        again = decode_state(encode_state(state))
        assert (again.bands, again.gain, again.wrapper) == (state.bands, 2.0, state.wrapper)
        assert again.options == options + (0, 0, 0, 2)[len(options) :]


def test_lines_may_break_anywhere():
    data = header(205) + DEFAULT_BODY + TRAILER
    for size in (1, 40, 96, 400):
        assert decode_state([base64.b64encode(data[i : i + size]) for i in range(0, len(data), size)]) == DEFAULT


def test_program_name_and_pins_are_kept():
    state = ReaEqState(
        DEFAULT.bands, 0.5, "Überall", (1, 2), (1, 2, 4, 8), 0xFEED5EEF, (1, 0x180000), (1, 1), (1, 5, 6, 65538), 0
    )
    assert decode_state(encode_state(state)) == state


def test_bands_we_cannot_compute_are_kept_but_never_dropped_unseen():
    state = ReaEqState((StateBand(5, True, 500.0), StateBand(8, True, 900.0, 2.0), StateBand(10, False, 1000.0)))
    assert decode_state(encode_state(state)) == state
    with pytest.raises(StateError, match=r"band 1.*All Pass"):
        to_eq(state)


def test_silence_and_zero_width_become_values_a_band_can_hold():
    band = to_eq(ReaEqState((StateBand(4, True, 80.0, 0.0, 0.0),), gain=0.0)).bands[0]
    assert (band.gain_db, band.bandwidth_oct) == (-150.0, 0.01)


@pytest.mark.parametrize("eq", [
    Eq((Band("band", 19.0),)), Eq((Band("band", 24_001.0),)), Eq((Band("band", 1e3, 12.1),)),
    Eq((Band("band", 1e3, 0.0, 4.1),)), Eq((Band("band", 1e3, 1e9),)), Eq((), 13.0),
])  # fmt: skip
def test_what_reaeq_cannot_reach_is_refused(eq):
    with pytest.raises(RangeError, match="in ReaEQ must lie between"):
        encode_state(eq)


def test_every_cut_is_noticed():
    data = header(205) + DEFAULT_BODY + TRAILER
    for end in range(len(data)):
        if end != 265:  # without part C, as the oldest files are
            with pytest.raises(StateError):
                parse_state(data[:end])


@given(st.integers(0, 270), st.binary(min_size=1, max_size=8))
def test_damage_raises_nothing_but_a_state_error(position, junk):
    data = header(205) + DEFAULT_BODY + TRAILER
    for damaged in (data[:position] + junk + data[position + len(junk) :], data[:position] + junk + data[position:]):
        try:
            state = parse_state(damaged)
            to_eq(state)
        except StateError:
            continue


@given(st.lists(st.text(max_size=40)) | st.binary(max_size=80))
def test_anything_else_is_refused(source):
    with pytest.raises(StateError):
        parse_state(source) if isinstance(source, bytes) else decode_state(source)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
@pytest.mark.parametrize("place", [2, 3, 4])
def test_impossible_numbers_are_refused(place, value):
    band = [8, 1, 100.0, 1.0, 1.0]
    band[place] = value
    with pytest.raises(StateError, match="band 1"):
        parse_state(body([band]))


@pytest.mark.parametrize("element, count", [(31, 1), (34, 1), (0, 0), (33, -1), (33, 2**31 - 1), (32, 4)])
def test_wrong_sizes_are_refused(element, count):
    wrong = struct.pack("<ii", element, count) + body(OLD_BANDS)[8:]
    with pytest.raises(StateError):
        parse_state(header(len(wrong)) + wrong)


@pytest.mark.parametrize("extra", [1, 2, 3])
def test_a_tail_of_broken_integers_is_refused(extra):
    with pytest.raises(StateError, match="cut short"):
        parse_state(DEFAULT_BODY[:-extra])


@pytest.mark.parametrize("platform, file", [("windows", "reaeq.dll"), ("macos", "reaeq.vst.dylib"),
                                            ("linux", "reaeq.vst.so")])  # fmt: skip
def test_vst_block(platform, file):
    eq = Eq((Band("low_shelf", 200.0, 3.0),))
    block = reaeq.vst_block(eq, "AEQ: warm 70%", platform)
    assert block[0] == (
        f'<VST "VST: ReaEQ (Cockos)" {file} 0 "AEQ: warm 70%" 1919247729<56535472656571726561657100000000> ""'
    )
    assert block[-1] == ">"
    assert all(line.startswith("  ") for line in block[1:-1])
    assert to_eq(decode_state(block[1:-1])) == eq


def test_a_name_cannot_break_its_line():
    head = reaeq.vst_block(Eq(), "one\r\n>\ntwo", "linux")[0]
    assert '"one > two"' in head and "\n" not in head


def test_unknown_platform_is_refused():
    with pytest.raises(AeqError, match=r"amiga.*windows, macos, linux"):
        reaeq.vst_block(Eq(), "", "amiga")


def test_rfxchain_file():
    lines = reaeq.rfxchain_text(Eq((Band("band", 500.0, -2.5, 1.0),), 1.25), "AEQ: warm", "macos").splitlines()
    assert lines[0] == "BYPASS 0 0 0"
    assert lines[1].startswith("<VST ") and lines[-4:-2] == [">", "FLOATPOS 0 0 0 0"]
    assert re.fullmatch(r"FXID \{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", lines[-2])
    assert lines[-1] == "WAK 0 0"
    assert to_eq(decode_state(lines[2:-4])).bands[0].gain_db == -2.5


def test_each_chain_has_its_own_fxid():
    assert reaeq.rfxchain_text(Eq()) != reaeq.rfxchain_text(Eq())


# Real projects -----------------------------------------------------------------------------------------------------

NAMES = {0: "lowshelf", 1: "highshelf", 2: "band_alt2", 3: "lowpass", 4: "highpass", 8: "band"}


def real_instances(folder):
    """(REAPER version, name token, lines of base64) of each ReaEQ in the projects."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".rpp":
            continue
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
        version = re.match(r'<REAPER_PROJECT 0\.1 "?([^" ]+)', lines[0])
        for i, line in enumerate(lines):
            if re.match(r"\s*<VST.*\breaeq\.", line):
                end = next(j for j in range(i + 1, len(lines)) if lines[j].strip() == ">")
                yield version[1] if version else "-", line, lines[i + 1 : end]


def described(state):
    """The columns of the table that was decoded independently."""
    bands = " | ".join(
        f"{NAMES[b.type]},{int(b.enabled)},{b.freq_hz:.2f},{reaeq.linear_to_db(b.gain):.2f},{b.bandwidth_oct:.3f},{b.flag}"
        for b in state.bands
    )
    return str(len(state.bands)), bands, str(state.gain), str(state.options), state.program


@pytest.mark.shared
def test_real_projects_decode_to_the_independent_table(shared_dir):
    with open(shared_dir / "reaeq_decoded.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    table = Counter((r[0], r[3], r[4], r[7], r[8], r[9]) for r in rows)
    found = [(version, *described(decode_state(lines))) for version, _, lines in real_instances(shared_dir / "rpp")]
    assert len(found) > 25
    assert not Counter(found) - table


@pytest.mark.shared
def test_real_current_instances_are_rewritten_line_by_line_as_they_were(shared_dir):
    same = 0
    for _, _, lines in real_instances(shared_dir / "rpp"):
        state = decode_state(lines)
        if len(state.options) == 4:
            assert encode_state(state) == [line.strip() for line in lines]
            same += 1
    assert same > 15


@pytest.mark.shared
def test_real_instance_names_are_quoted_as_reaper_quotes_them(shared_dir):
    for _, line, _ in real_instances(shared_dir / "rpp"):
        file, name = shlex.split(line)[2], shlex.split(line)[4]
        assert f"{file} 0 {quote_token(name)} " in line


@pytest.mark.shared
def test_real_presets_decode(shared_dir):
    count = 0
    for path in (shared_dir / "rpp").glob("*vst-reaeq.ini"):
        for data in re.findall(r"^Data=([0-9A-Fa-f]+)", path.read_text("utf-8", "replace"), re.M):
            state = parse_state(bytes.fromhex(data)[:-1])  # the last byte is the preset file's checksum
            assert state.bands and to_eq(state).bands
            count += 1
    assert count >= 24
