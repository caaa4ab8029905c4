"""Damaged projects: one clear error with the line number, or every byte kept; never a hang, never another exception."""

import math
import os
import random
import re

import pytest
from counted import calls_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rpp_samples import CURRENT_STATE, EQ, FORMS, NAME, real_projects, song

from reaper_aeq.errors import ProjectError
from reaper_aeq.reaper import chunks
from reaper_aeq.reaper.rpp.project import Project


def use(project):
    """What any command does with a project."""
    for holder in [*project.tracks, *([project.master] if project.master else [])]:
        for eq in holder.eqs():
            assert eq.state.bands is not None
        holder.set_eq(EQ, NAME)
        holder.remove_eq(NAME)
        for item in getattr(holder, "items", ()):
            assert math.isfinite(item.position_s) and item.length_s >= 0
            assert holder.plays(item) in (True, False) and (item.take is None or item.take.rate > 0)


def check_damaged(data):
    """Damaged bytes are read and kept to the byte, or refused with the line number."""
    try:
        project = Project.from_bytes(data)
        assert project.to_bytes() == data
        use(project)
    except ProjectError as error:
        assert error.line and str(error).startswith(f"line {error.line}: ") and len(str(error)) < 300
        assert error.line <= data.count(b"\n") + 1
    else:
        assert project.to_bytes() == data


def test_cut_anywhere_is_an_error_with_a_line():
    data = FORMS["6.11 windows"]
    with pytest.raises(ProjectError, match="it is an empty file"):
        Project.from_bytes(b"")
    for end in range(1, len(data) - 2):
        with pytest.raises(ProjectError, match=r"^line \d+: "):
            Project.from_bytes(data[:end])


@pytest.mark.parametrize("old, new, message", [
    (CURRENT_STATE[1], "IQ!AAA", "not base64"),
    (CURRENT_STATE[1], CURRENT_STATE[1][:-3], "not base64"),
    (CURRENT_STATE[1], CURRENT_STATE[1][:-4], "the ReaEQ state"),
    (CURRENT_STATE[1], "", "the ReaEQ state"),
    (CURRENT_STATE[0], "A" * len(CURRENT_STATE[0]), "not a ReaEQ state"),
    ("AAAQAAAA", "AAAQAA", "not base64"),
    ("AAAQAAAA", "AAAQ", "not its program name"),
])  # fmt: skip
def test_a_damaged_state_names_its_line(tmp_path, old, new, message):
    data = re.sub(rb"(?m)^( +)" + re.escape(old.encode()), rb"\1" + new.encode(), song())
    path = tmp_path / "song.rpp"
    path.write_bytes(data)
    project = Project.read(path)  # the rest can be worked with
    project.tracks[1].set_eq(EQ, NAME)
    for holder in (project.tracks[0], project.master):
        with pytest.raises(ProjectError, match=message) as caught:
            holder.eqs()
        line = data.splitlines()[caught.value.line - 1].strip().decode()
        assert line in (new, old) or line.startswith('<VST "VST: ReaEQ')
        assert str(caught.value).startswith(f"{path}: line {caught.value.line}: ")
        with pytest.raises(ProjectError, match=message):
            holder.set_eq(EQ, "Gain")


@pytest.mark.parametrize("old, new, message", [
    ("LENGTH 4", "LENGTH four", "LENGTH holds 'four', which is not a number"),
    ("LENGTH 4", "LENGTH -4", "cannot be -4"),
    ("LENGTH 4", "LENGTH nan", "not a number"), ("SOFFS 0.25", "SOFFS 1e999", "not a number"),
    ("PLAYRATE 1.5", "PLAYRATE 0", "PLAYRATE must be above 0, not 0"), ("ISBUS 1 1", "ISBUS 1 x", "ISBUS holds 'x'"),
    ("SAMPLERATE 48000", "SAMPLERATE -1", "SAMPLERATE must be above 0"),
])  # fmt: skip
def test_impossible_numbers_name_their_line(tmp_path, old, new, message):
    data = song().replace(old.encode(), new.encode())
    path = tmp_path / "song.rpp"
    path.write_bytes(data)
    with pytest.raises(ProjectError, match=message) as caught:
        Project.read(path)
    line = data.splitlines()[caught.value.line - 1].decode().strip()
    assert line.startswith(new) or line == "<ITEM"
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("data, message", [
    (b"", "it is an empty file"), (b"hello\n", "begins with 'hello'"), (b"RIFF\x00\x01WAVEfmt ", "not a REAPER"),
    ("<REAPER_PROJECT 0.1\n>\n".encode("utf-16"), "not a REAPER"), (b"<html>\n</html>\n", "begins with '<html>"),
    (b"<TRACK\n" * 1_000_000, "nested more than"), (b"\x00" * 100_000, "not a REAPER project"),
])  # fmt: skip
def test_other_files(tmp_path, data, message):
    path = tmp_path / "song.rpp"
    path.write_bytes(data)

    def refused():
        with pytest.raises(ProjectError, match=message) as caught:
            Project.read(path)
        return str(caught.value)

    calls, told = calls_of(refused)
    assert told.startswith(f"{path}: ") and len(told) < 300 + len(str(path))
    assert calls < 5000  # nobody waits for what is no project, however large


def test_what_cannot_be_opened(tmp_path, monkeypatch):
    with pytest.raises(ProjectError, match=r"song\.rpp: there is no such file"):
        Project.read(tmp_path / "song.rpp")
    with pytest.raises(ProjectError, match="it is not a file"):
        Project.read(tmp_path)
    with pytest.raises(ProjectError, match="cannot be read"):
        Project.read("a\0b")
    path = tmp_path / "big.rpp"
    path.write_bytes(b"<TRACK\n" * 300_000)
    monkeypatch.setattr(chunks, "MAX_BYTES", 2**20)
    with pytest.raises(ProjectError, match="larger than any project"):
        Project.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.rpp")
    with pytest.raises(ProjectError, match="it is not a file"):
        Project.read(tmp_path / "pipe.rpp")


@given(st.sampled_from(sorted(FORMS)), st.integers(0, 6000), st.integers(0, 60), st.binary(max_size=12))
@settings(max_examples=150, deadline=None)
def test_fuzz_with_bytes(form, position, gone, junk):
    data = FORMS[form]
    check_damaged(data[:position] + junk + data[position + gone :])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_fuzz_with_lines(draw):
    """Lines dropped, doubled, swapped, and values replaced: structure that is nearly right."""
    lines = FORMS[draw.draw(st.sampled_from(sorted(FORMS)))].splitlines(keepends=True)
    for _ in range(draw.draw(st.integers(1, 4))):
        i, j = (draw.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        change = draw.draw(st.sampled_from(["drop", "double", "swap", "value", "open", "close"]))
        if change == "drop" and len(lines) > 2:
            del lines[i]
        elif change == "double":
            lines.insert(j, lines[i])
        elif change == "swap":
            lines[i], lines[j] = lines[j], lines[i]
        elif change == "value":
            value = draw.draw(st.sampled_from([b"nan", b"-1", b"1e308", b'"', b"x", b"99999999999", b"\xff"]))
            lines[i] = re.sub(rb"(\w+) \S+", rb"\1 " + value, lines[i], count=1)
        else:
            lines.insert(i, b"<X\n" if change == "open" else b">\n")
    check_damaged(b"".join(lines))


@pytest.mark.shared
def test_mutations_of_real_projects(shared_dir):
    """Bounded by time as well as number: large files cost more."""
    rng = random.Random(4)
    paths = [path for path in real_projects(shared_dir) if path.stat().st_size < 25_000]
    for path in paths:
        data = path.read_bytes()
        for _ in range(12):
            a, b = (rng.randrange(len(data)) for _ in range(2))
            junk = bytes(rng.choice(b"<>\"'`\n\r \t|0.-=A\xff") for _ in range(rng.randrange(4)))
            check_damaged(rng.choice([
                data[:a], data[:a] + junk + data[a + len(junk) :], data[:a] + junk + data[a:],
                data[: min(a, b)] + data[max(a, b) :], data[:a] + data[b : b + 200] + data[a:],
            ]))  # fmt: skip
