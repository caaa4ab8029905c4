"""The action list: our lines come and go, every other byte stays."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reaper_aeq.errors import InstallError
from reaper_aeq.reaper.chunks import quote_token
from reaper_aeq.reaper.install.key_bindings import command_id, own_ids, uses, with_scripts, without_scripts

FILES = ["reaper-aeq/AEQ_Make warmer.lua", "reaper-aeq/AEQ_More.lua"]
IDS = [command_id(file) for file in FILES]
SCRIPTS = Path('/home/ann/REAPER\'s "own"/Scripts')
OTHER = "SCR 4 0 RS" + "ab" * 20 + ' "Custom: other.lua" other.lua'


def add(data, separator="/"):
    return with_scripts(data, FILES, SCRIPTS, separator)


def test_the_lines():
    warmer, more = add(b"", "/").decode().split("\n")[:2]
    assert warmer == f'SCR 516 0 {IDS[0]} "Custom: AEQ_Make warmer.lua" "reaper-aeq/AEQ_Make warmer.lua"'
    assert more == f'SCR 516 0 {IDS[1]} "Custom: AEQ_More.lua" reaper-aeq/AEQ_More.lua'
    assert add(b"", "\\").endswith(b"reaper-aeq\\AEQ_More.lua\n")


def test_ids_are_for_ever():
    # keys of users refer to these: a change of this line breaks their bindings
    assert IDS[0] == "RS8c6336b39a16d9a821b8b6fbc95355feea990aab"


def test_line_ends_and_place_are_the_files_own():
    data = f'ACT 0 0 "x" "Custom: x" 40001\r\n{OTHER}\r\nKEY 1 87 40005 0\r\n'.encode()
    result = add(data)
    assert result.count(b"\n") == result.count(b"\r\n") == 5
    assert [line[:4] for line in result.splitlines()] == [b"ACT ", b"SCR ", b"SCR ", b"SCR ", b"KEY "]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"KEY 1 87 40005 0",
        OTHER.encode(),
        b"\xef\xbb\xbfKEY 1 87 40005 0\n",
        b"\xef\xbb\xbf",
        b"\n\n\r\nKEY 1 87 40005 0\r\n\n  ",
        'SCR 4 0 RSx "Custom: Überblendung.lua" Über.lua\n'.encode("latin-1"),
        "SCR 4 0 RSx 'Custom: \u0416 \"q\".lua' '\u0416 \"q\".lua'\r\n".encode("cp1251"),
        b"\xff\x80\x81 no text in any way\nKEY\nSCR\nSCR 4 0\n",
    ],
    ids=range(9),
)
def test_out_again_is_as_before(data):
    assert add(data) != data
    assert without_scripts(add(data), "reaper-aeq") == data
    assert add(add(data)) == add(data)


LINE = st.sampled_from([OTHER.encode(), b"KEY 1 87 _RSab 0", b'ACT 0 0 "a" "Custom: a" 1', b"", b"# note", b"SCR"])
ANY_LINE = LINE | st.binary(max_size=30).filter(lambda data: b"\0" not in data)
END = st.sampled_from([b"\n", b"\r\n"])


@settings(max_examples=150)
@given(st.lists(st.tuples(ANY_LINE, END)), ANY_LINE, st.booleans())
def test_any_file_survives(lines, last, bom):
    data = b"\xef\xbb\xbf" * bom + b"".join(map(b"".join, lines)) + last
    result = add(data)
    assert all(result.count(name.encode()) == 1 for name in IDS)
    assert without_scripts(result, "reaper-aeq") == data


@pytest.mark.parametrize("path", ["reaper-aeq\\AEQ_More.lua", "REAPER-AEQ/aeq_more.lua", str(SCRIPTS / FILES[1])])
def test_a_script_that_the_user_loaded_keeps_its_line(path):
    data = f'SCR 260 0 RS{"cd" * 20} "Custom: AEQ_More.lua" {quote_token(path)}\n'.encode()
    result = add(data)
    assert IDS[1].encode() not in result and IDS[0].encode() in result and data in result


def test_some_may_be_kept():
    assert without_scripts(add(OTHER.encode()), "reaper-aeq", FILES[1:]) == with_scripts(
        OTHER.encode(), FILES[1:], SCRIPTS, "/"
    )


def test_ours_wherever_reaper_writes_that_they_lie():
    for path in (FILES[1].replace("/", "\\"), str(SCRIPTS / FILES[1]), "C:\\Old place\\AEQ_More.lua"):
        line = f'SCR 260 0 {IDS[1]} "Custom: AEQ_More.lua" {quote_token(path)}\n'.encode()
        assert own_ids(line, "reaper-aeq") == {IDS[1]} and without_scripts(line, "reaper-aeq") == b""


def test_the_id_of_another_file_makes_no_line_ours():
    line = f'SCR 4 0 {IDS[1]} "Custom: AEQ_Mine.lua" reaper-aeq/AEQ_Mine.lua\n'.encode()
    assert without_scripts(line, "reaper-aeq") == line


def test_flags_that_reaper_changed_stay():
    data = add(b"").replace(b"SCR 516 0 " + IDS[1].encode(), b"SCR 260 0 " + IDS[1].encode())
    assert add(data) == data


def test_other_sections_are_other_scripts():
    midi = f'SCR 4 32060 {IDS[1]} "Custom: AEQ_More.lua" reaper-aeq/AEQ_More.lua\n'.encode()
    assert add(midi).count(IDS[1].encode()) == 2
    assert without_scripts(add(midi), "reaper-aeq") == midi


def test_what_refers_to_our_actions():
    data = f'KEY 1 87 _{IDS[0]} 0\nKEY 1 88 40005 0\nACT 0 0 "a" "Custom: a" 40001 _{IDS[1]}\n'.encode()
    assert uses(add(data), IDS) == 2


def test_a_file_that_is_no_text():
    with pytest.raises(InstallError, match=r"reaper-kb\.ini is damaged or no text"):
        add("KEY 1 87 40005 0\n".encode("utf-16"))


def test_lines_of_an_earlier_version_no_longer_ask_and_those_of_others_stay():
    old = add(OTHER.encode() + b"\r\n").replace(b"SCR 516", b"SCR 4")
    now = add(old)
    assert now == old.replace(b"SCR 4 0 " + IDS[0].encode(), b"SCR 516 0 " + IDS[0].encode()).replace(
        b"SCR 4 0 " + IDS[1].encode(), b"SCR 516 0 " + IDS[1].encode()
    )
    assert OTHER.encode() in now
    chosen = now.replace(b"SCR 516 0 " + IDS[0].encode(), b"SCR 260 0 " + IDS[0].encode())
    assert add(chosen) == chosen, "what the user told REAPER to remember stays"
