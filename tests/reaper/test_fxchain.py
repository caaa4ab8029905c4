"""FX chains: which FX is a ReaEQ, where one FX ends, containers, and links that follow when an FX comes or goes."""

import pytest
from rpp_samples import CURRENT_STATE, laid_out

from reaper_aeq import Band, Eq
from reaper_aeq.reaper.chunks import parse
from reaper_aeq.reaper.rpp.fxchain import is_reaeq, read_eqs, split_fx
from reaper_aeq.reaper.rpp.tracks import Track

EQ = Eq((Band("band", 1000.0, 3.0, 1.0),))
REAEQ = ["BYPASS 0 0 0", '<VST "VST: ReaEQ (Cockos)" reaeq.dll 0 "" 1919247729', *CURRENT_STATE, ">"]


def track(*lines):
    return parse(laid_out(["<TRACK", "<FXCHAIN", "SHOW 0", *lines, ">", ">"])).find("TRACK")


def holder(chunk):
    return Track(chunk, 0, None, "linux", None)


@pytest.mark.parametrize("rest, expected", [
    ('reaeq.dll 0 "" 1919247729<56535472656571726561657100000000> ""', True), ('reaeq.vst.so 0 "" 1919247729 ""', True),
    ('reaeq.dll 0 "" 1919247729', True), ('"reaeq.dll" 0 ""', True), ('"reaeq.dll"', True), ("REAEQ.DLL", True),
    (r'"C:\Program Files\REAPER\Plugins\FX\reaeq.dll" 0 ""', True), ('reaeq.vst.dylib 0 "my EQ"', True),
    ('reacomp.dll 0 "" 1919247213', False), ('reaeq.dll 0 "" 1919247213', False), ("", False), ("reaeq", False),
    ('notreaeq.dll 0 ""', False),
])  # fmt: skip
def test_which_plugin_is_reaeq(rest, expected):
    assert is_reaeq(parse(f'<VST "renamed" {rest}\n>\n'.encode()).find("VST")) is expected


def test_other_kinds_of_plugin_are_not():
    assert not is_reaeq(None)
    assert not is_reaeq(parse(b"<JS reaeq.dll reaeq.dll\n>\n").find("JS"))


def test_where_one_fx_ends():
    chain = track(
        "BYPASS 0", "<JS a", ">", "WAK 0", "<JS b", ">", "<JS_SER", ">", "PARALLEL 1", "BYPASS 0", "<AU c", ">"
    )
    head, fxs = split_fx(chain.find("FXCHAIN"))
    assert [part.name for part in head] == ["SHOW"]
    assert [[part.name for part in fx.children] for fx in fxs] == [
        ["BYPASS", "JS", "WAK"], ["JS", "JS_SER"], ["BYPASS", "AU"]]  # fmt: skip


def test_eqs_in_containers_are_found_but_not_ours_to_set():
    named = [line.replace('0 "" 19', "0 mine 19") for line in REAEQ]
    chain = track("BYPASS 0", "<JS a", ">", "BYPASS 0", "<CONTAINER Container", *REAEQ, "WAK 0 0",
                  "BYPASS 0", "<CONTAINER inner", *named, ">", ">", "WAK 0 0")  # fmt: skip
    found = read_eqs(chain.find("FXCHAIN"))
    assert [(eq.name, eq.in_container) for eq in found] == [("", True), ("mine", True)]
    before = chain.to_bytes()
    assert not holder(chain).remove_eq("mine")
    assert holder(chain).set_eq(EQ, "mine")
    assert [eq.in_container for eq in read_eqs(chain.find("FXCHAIN"))] == [False, True, True]
    assert holder(chain).remove_eq("mine") and chain.to_bytes() == before


def test_bypassed_and_offline():
    lines = [("BYPASS 1 0 0", True, False), ("BYPASS 0 1 0", False, True), ("BYPASS 0", False, False)]
    chain = track(*(line for bypass, *_ in lines for line in (bypass, *REAEQ[1:])))
    found = read_eqs(chain.find("FXCHAIN"))
    assert [(eq.bypassed, eq.offline) for eq in found] == [(bypassed, offline) for _, bypassed, offline in lines]


def test_states_in_the_lines_of_very_old_files():
    """Lines of 40 bytes, no break between the parts, bands of 32 bytes, no more than the gain behind them."""
    import base64
    import struct

    bands = b"".join(struct.pack("<iiddd", 2, 1, hz, 2.0, 2.0) for hz in (100.0, 1000.0))
    body = struct.pack("<ii", 32, 2) + bands + struct.pack("<iid", 1, 1, 1.0)
    data = struct.pack("<4sII2QI2QIII", b"qeer", 0xFEED5EEE, 2, 1, 2, 2, 1, 2, len(body), 1, 0) + body
    lines = [base64.b64encode(data[i : i + 40]).decode() for i in range(0, len(data), 40)]
    chain = track("BYPASS 0 0", '<VST "VST: ReaEQ (Cockos)" "reaeq.dll"', *lines, ">")
    (eq,) = read_eqs(chain.find("FXCHAIN"))
    assert [(band.kind, band.freq_hz, round(band.gain_db, 2)) for band in eq.eq.bands] == [
        ("band", 100.0, 6.02), ("band", 1000.0, 6.02)]  # fmt: skip


def links(chain):
    fxs = split_fx(chain.find("FXCHAIN"))[1]
    return [part.values("PLINK")[1] for fx in fxs for part in fx.children if part.name == "PROGRAMENV"]


def linked(*targets):
    return [line for target in targets for line in ("BYPASS 0 0 0", "<JS a", ">", "<PROGRAMENV 0 0",
            f"PLINK 1 {target} 3 0", ">", "WAK 0 0")]  # fmt: skip


def test_links_between_fx_follow():
    chain = track(*linked("0:0", "0:-1", "2", "-1", "-100", "3:-1"))
    before = chain.to_bytes()
    holder(chain).set_eq(EQ, "ours")
    assert links(chain) == ["1:0", "1:-1", "3", "-1", "-100", "4:-1"]
    holder(chain).remove_eq("ours")
    assert chain.to_bytes() == before


def test_links_across_ours_get_the_new_distance():
    """The user moved ours into the middle and linked over it."""
    ours = [line.replace('0 "" 19', "0 ours 19") for line in REAEQ]
    chain = track(*linked("2:2"), *ours, *linked("0:-2", "1:-2"))
    holder(chain).remove_eq("ours")
    assert links(chain) == ["1:1", "0:-1", "1:-2"]  # the last was linked to ours: nothing it could point at


def test_a_new_first_fx_does_not_run_in_parallel_with_the_old_one():
    chain = track("PARALLEL 1", "BYPASS 0 0 0", "<JS a", ">", "WAK 0 0")
    before = chain.to_bytes()
    holder(chain).set_eq(EQ, "ours")
    names = [child.name for child in chain.find("FXCHAIN").children]
    assert names[:4] == ["SHOW", "PARALLEL", "BYPASS", "VST"] and names.count("PARALLEL") == 1
    holder(chain).remove_eq("ours")
    assert chain.to_bytes() == before
