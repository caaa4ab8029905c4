"""The line-exact tree: every byte survives, structure is what REAPER means, damage is named with its line."""

import re

import pytest
from counted import calls_of
from hypothesis import given
from hypothesis import strategies as st

from reaper_aeq.errors import ProjectError
from reaper_aeq.reaper import chunks
from reaper_aeq.reaper.chunks import Chunk, Line, parse, quote_token, split_tokens

PROJECT = b"""<REAPER_PROJECT 0.1 "7.66/linux-x86_64" 1785070350 0
  <NOTES 0 2
    |> not an end
    |<NOT a chunk
  >
  SAMPLERATE 48000 0 0
  <TRACK {40BC5E07-BC90-1576-0196-1CCBAF05B305}
    NAME 'say "hey"'
    <ITEM
      NAME take>
      <SOURCE MIDI
        E 0 90 3c 60
      >
    >
  >
  <TRACK {7F749FEE-0076-3268-7121-D73877E47682}
    NAME Bass
  >
>
"""

variants = {
    "lf": PROJECT,
    "crlf": PROJECT.replace(b"\n", b"\r\n"),
    "no final line end": PROJECT[:-1],
    "tabs": PROJECT.replace(b"  ", b"\t"),
    "no indentation": re.sub(rb"(?m)^ +", b"", PROJECT),
    "byte order mark": b"\xef\xbb\xbf" + PROJECT,
    "latin-1": PROJECT.replace(b"Bass", b"B\xe4ss"),
    "trailing spaces": PROJECT.replace(b">\n", b">  \n"),
}


@pytest.fixture(params=variants, ids=str)
def data(request):
    return variants[request.param]


def test_every_byte_comes_out_again(data):
    assert parse(data).to_bytes() == data


def test_structure(data):
    root = parse(data)
    assert root.head is None
    project = root.find("REAPER_PROJECT")
    assert project.tokens == ["REAPER_PROJECT", "0.1", "7.66/linux-x86_64", "1785070350", "0"]
    assert [child.name for child in project.children] == ["NOTES", "SAMPLERATE", "TRACK", "TRACK"]
    assert project.values("SAMPLERATE") == ["48000", "0", "0"]
    assert project.values("TEMPO") == [] and project.find("ITEM") is None and project.line("NAME") is None
    first, second = project.find_all("TRACK")
    assert first.values("NAME") == ['say "hey"']
    assert second.values("NAME") == ["B\xe4ss" if b"\xe4" in data else "Bass"]
    assert [chunk.name for chunk in project.walk()] == ["NOTES", "TRACK", "ITEM", "SOURCE", "TRACK"]
    assert (first.number, first.find("ITEM").line("NAME").number) == (7, 10)


def test_files_without_one_chunk_around_them():
    template = parse(b"<TRACK\n  NAME a\n>\n<TRACK\n  NAME b\n>\n")
    assert [track.values("NAME") for track in template.find_all("TRACK")] == [["a"], ["b"]]
    chain = parse(b"BYPASS 0 0 0\n<VST x\n  AAAA\n>\nWAK 0 0")
    assert [child.name for child in chain.children] == ["BYPASS", "VST", "WAK"]
    assert parse(b"").children == [] and parse(b"").to_bytes() == b""


def test_a_carriage_return_on_its_own_ends_no_line():
    assert len(parse(b"NAME a\rb\nX\n").children) == 2


@given(st.lists(st.sampled_from([b"<A", b">", b"x", b" ", b"\n", b"\r", b"\t", b"\xff", b"\xef\xbb\xbf", b"|<", b'"'])))
def test_any_bytes_are_kept_or_refused_with_a_line(parts):
    data = b"".join(parts)
    try:
        assert parse(data).to_bytes() == data
    except ProjectError as error:
        assert error.line and str(error).startswith(f"line {error.line}: ")


# Tokens ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text, token", [
    ("", '""'), ("warm", "warm"), ("AEQ: warm 70%", '"AEQ: warm 70%"'), ("a\tb", '"a\tb"'), ("#1", '"#1"'),
    (";", '";"'), ('"hey"', "'\"hey\"'"), ("it's", "it's"), ("'tis", "\"'tis\""), ('say "it\'s"', "`say \"it's\"`"),
    ("`x", '"`x"'), ("a \"b' `c", "`a \"b' 'c`"), ('5"', '5"'), ("back\\slash", "back\\slash"),
])  # fmt: skip
def test_quoting_rule(text, token):
    assert quote_token(text) == token


@given(st.lists(st.text(st.sampled_from("a <>\"'`#;\\|\t\xe4")), min_size=1))
def test_what_is_quoted_is_read_back(texts):
    line = " ".join(map(quote_token, texts))
    lost = [text.replace("`", "'") if {'"', "'", "`"} <= set(text) and quote_token(text)[0] == "`" else text
            for text in texts]  # fmt: skip
    assert split_tokens(line) == lost


@pytest.mark.parametrize("line, tokens", [
    ("", []), ("A  b\tc", ["A", "b", "c"]), ('A "" b', ["A", "", "b"]), ('A "b"c', ["A", "b", "c"]),
    ('A "never closed', ["A", "never closed"]), ("A b'c d", ["A", "b'c", "d"]), ("A #1 ;2", ["A", "#1", ";2"]),
])  # fmt: skip
def test_tokens_as_reapers_parser_takes_them(line, tokens):
    assert split_tokens(line) == tokens


# Changing ----------------------------------------------------------------------------------------------------------


def test_new_lines_take_the_files_own_form(data):
    root = parse(data)
    track = root.find("REAPER_PROJECT").find_all("TRACK")[1]
    (chain,) = track.append(["<FXCHAIN", "      SHOW 0", "<VST x", "  AAAA", ">", ">"])
    written = root.to_bytes()
    assert chain.number == chain.find("VST").lines[0].number == 0

    # The first track shows how this file indents and ends lines at the same depths.
    def model(line):
        return re.escape(re.search(rb"(?m)^[ \t]*" + line, data)[0][: -len(line)])  # fmt: skip

    newline = b"\r\n" if b"\r\n" in data else b"\n"
    expected = [model(b"<ITEM") + b"<FXCHAIN", model(b"NAME take") + b"SHOW 0", model(b"NAME take") + b"<VST x",
                model(b"E 0") + b"AAAA", model(b"NAME take") + b">", model(b"<ITEM") + b">"]  # fmt: skip
    assert re.search(newline.join(expected) + newline, written)
    track.children.remove(chain)
    assert root.to_bytes() == data


def test_insert_and_replace_touch_nothing_else():
    root = parse(PROJECT)
    track = root.find("REAPER_PROJECT").find("TRACK")
    track.insert(1, ["MUTESOLO 1 0 0"])
    track.replace(track.line("NAME"), ["NAME x"])
    expected = PROJECT.replace(b"NAME 'say \"hey\"'\n", b"NAME x\n    MUTESOLO 1 0 0\n")
    assert root.to_bytes() == expected


def test_lines_behind_a_file_without_a_final_line_end():
    for data in (b"BYPASS 0\r\nWAK 0", b"BYPASS 0\r\n<JS a\r\n>"):
        root = parse(data)
        root.append(["BYPASS 1"])
        assert root.to_bytes() == data + b"\r\nBYPASS 1\r\n"


def test_first_child_of_an_empty_chunk_is_one_step_in():
    root = parse(b"<A\n\t<B\n\t>\n>")
    root.find("A").find("B").append(["x \u00fc"])
    assert root.to_bytes() == "<A\n\t<B\n\t\tx \u00fc\n\t>\n>".encode()


# Damage ------------------------------------------------------------------------------------------------------------


def test_every_cut_inside_the_file_names_the_chunk_that_stays_open():
    for end in range(1, len(PROJECT) - 1):
        with pytest.raises(ProjectError, match=r"^line \d+: the chunk <\w* is never closed") as caught:
            parse(PROJECT[:end])
        head = PROJECT.splitlines()[caught.value.line - 1]
        assert head.strip().startswith(b"<")


def test_too_many_ends():
    with pytest.raises(ProjectError, match=r"^line 20: a '>'") as caught:
        parse(PROJECT + b">\n")
    assert caught.value.line == 20
    assert str(caught.value.in_file("song.rpp")) == f"song.rpp: {caught.value}"


@pytest.mark.parametrize("end", [b"", b">\n" * 1_000_000])
def test_a_million_nested_chunks_end_at_once(end):
    data = b"<A\n" * 1_000_000 + end

    def refused():
        with pytest.raises(ProjectError, match="nested more than 200 deep") as caught:
            parse(data)
        return caught.value.line

    assert (told := calls_of(refused))[1] == 201
    assert told[0] < 20 * chunks.MAX_DEPTH


def test_as_deep_as_allowed_can_be_walked_and_written():
    data = b"<A\n" * chunks.MAX_DEPTH + b">\n" * chunks.MAX_DEPTH
    root = parse(data)
    assert len(list(root.walk())) == chunks.MAX_DEPTH
    assert root.to_bytes() == data


def test_oversize(monkeypatch):
    monkeypatch.setattr(chunks, "MAX_BYTES", 2**20)
    with pytest.raises(ProjectError, match=r"larger than any project \(2 MB; 1 MB are allowed\)"):
        parse(b"\n" * (2 * 2**20))


def test_each_line_is_looked_at_once():
    """MIDI events, the shortest lines that occur in bulk; `tests/bench/bench_rpp.py` says how long 20 MB take."""

    def calls(lines):
        data = b"<P\n" + b"        E 480 90 3c 60\n" * lines + b">\n"
        count, written = calls_of(lambda: parse(data).to_bytes())
        assert written == data
        return count

    few, many = calls(1000), calls(10_000)
    assert many - few <= 9000 * 8


def test_repr_says_where():
    assert repr(Line(b"x\n", 3)) == "Line(raw=b'x\\n', number=3)"
    assert "2 children" in repr(parse(b"a\nb\n")) and isinstance(parse(b""), Chunk)


@pytest.mark.shared
def test_real_files_come_out_byte_for_byte(shared_dir):
    count = 0
    for path in (shared_dir / "rpp").iterdir():
        if path.suffix.lower() in (".rpp", ".rfxchain", ".rtracktemplate", ".rpl"):
            data = path.read_bytes()
            assert parse(data).to_bytes() == data
            count += 1
    assert count >= 45
