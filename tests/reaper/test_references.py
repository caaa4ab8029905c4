"""A project written to another folder finds its media from there."""

import os
from pathlib import Path

import pytest

from reaper_aeq.reaper.rpp.project import Project

HEAD = b'<REAPER_PROJECT 0.1 "7.66/linux-x86_64" 0\r\n  <TRACK\r\n    <ITEM\r\n      <SOURCE WAVE\r\n        '
TAIL = b"\r\n      >\r\n    >\r\n  >\r\n>\r\n"


def moved(line: bytes, old: Path, new: Path) -> bytes:
    old.mkdir(parents=True, exist_ok=True)
    new.mkdir(parents=True, exist_ok=True)
    (old / "song.rpp").write_bytes(HEAD + line + TAIL)
    data = Project.read(old / "song.rpp").to_bytes_in(new)
    assert data.startswith(HEAD) and data.endswith(TAIL)
    return data[len(HEAD) : -len(TAIL)]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b'FILE "vox.wav" 1', b"FILE ../songs/a/vox.wav 1"),
        (b'FILE "audio/lead vox.wav"', b'FILE "../songs/a/audio/lead vox.wav"'),
        (b'FILE "audio\\lead vox.wav"', b'FILE "..\\songs\\a\\audio\\lead vox.wav"'),
        (b'FILE "../shared.wav"', b"FILE ../songs/shared.wav"),
        (b'FILE "caf\xe9.wav"', b"FILE ../songs/a/caf\xe9.wav"),
        (b'FILE "/studio/vox.wav"', b'FILE "/studio/vox.wav"'),
        (b'FILE "D:\\studio\\vox.wav"', b'FILE "D:\\studio\\vox.wav"'),
        (b'FILE ""', b'FILE ""'),
        (b"FILE", b"FILE"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="the paths are written for POSIX")
def test_relative_names_lead_to_the_same_files(tmp_path, line, wanted):
    assert moved(line, tmp_path / "songs" / "a", tmp_path / "out") == wanted


def test_in_its_own_folder_nothing_changes(tmp_path):
    assert moved(b'FILE "vox.wav" 1', tmp_path, tmp_path) == b'FILE "vox.wav" 1'


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_behind_a_link_too(tmp_path):
    (tmp_path / "deep" / "out").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "deep" / "out")
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "vox.wav").write_bytes(b"x")
    line = moved(b'FILE "vox.wav"', tmp_path / "songs", tmp_path / "out")
    assert (tmp_path / "out" / line.split()[1].decode()).samefile(tmp_path / "songs" / "vox.wav")
