"""From what a user names to tasks."""

import io
import os
import sys
from pathlib import Path

import pytest

from reaper_aeq.batch.inputs import PROJECT, SOUND, Task, find_tasks, portable_stem
from reaper_aeq.errors import AeqError


@pytest.fixture
def catalog(tmp_path, monkeypatch) -> Path:
    """Two projects of one name with media, results of `project`, loose recordings, other files."""
    for name in (
        "a/song.rpp", "a/vox.wav", "a/audio/bass.FLAC", "b/song.RPP", "b/song.aeq.rpp", "b/song.rpp-bak", "b/notes.txt",
        "loose/take 1.wav", "loose/take 2.mp3", "loose/deep/take [3].ogg", "out/song-1/song.rpp",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*named, listed=None, sounds=True, out="out"):
    tasks, _ = find_tasks(named, listed, Path(out), sounds)
    return [Path(os.path.relpath(task.path)).as_posix() for task in tasks]


def test_a_folder_gives_projects_and_loose_recordings(catalog):
    assert names(".", sounds=False) == ["a/song.rpp", "b/song.RPP"]
    assert names(".") == [
        "a/song.rpp", "b/song.RPP", "loose/take 1.wav", "loose/take 2.mp3", "loose/deep/take [3].ogg",
    ]  # fmt: skip
    tasks, media = find_tasks(["."], None, Path("out"), True)
    assert media == 2 and [task.kind for task in tasks] == [PROJECT] * 2 + [SOUND] * 3
    assert names("a", "out", out="elsewhere") == ["a/song.rpp", "out/song-1/song.rpp"]


def test_what_is_named_itself_is_taken_once(catalog):
    assert names("a/vox.wav", "b/song.aeq.rpp", "a", "./a/song.rpp") == ["a/vox.wav", "b/song.aeq.rpp", "a/song.rpp"]
    assert names("**/*.[rR][pP][pP]", sounds=False, out="x") == [
        "a/song.rpp", "b/song.RPP", "b/song.aeq.rpp", "out/song-1/song.rpp",
    ]  # fmt: skip
    assert names("loose/*.wav", "loose/deep/take [3].ogg") == ["loose/take 1.wav", "loose/deep/take [3].ogg"]


def test_a_list(catalog, monkeypatch):
    Path("a/list.txt").write_text("\ufeff# of today\nsong.rpp\n\n  ../b \r\n", "utf-8")
    assert names(listed="a/list.txt") == ["a/song.rpp", "b/song.RPP"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a/song.rpp\n")))
    assert names(listed="-") == ["a/song.rpp"]


COMPANIONS = (
    "a/._song.rpp", "a/._vox.wav", ".DS_Store", "loose/._take 1.wav", "__MACOSX/a/._song.rpp", "__MACOSX/a/vox.wav",
    ".Trash-1000/files/deleted.wav", ".Trashes/501/gone.rpp", "$RECYCLE.BIN/S-1-5/$R1.wav", "RECYCLER/x.wav",
    "System Volume Information/x.wav", "lost+found/x.wav", "@eaDir/take 1.wav", "#recycle/x.rpp", ".hidden/song.rpp",
    "loose/.secret.wav", "loose/.aeq-0123456789ab-01234567.wav", "a/.aeq-0123456789ab.rpp", "loose/~$take.wav",
    ".Spotlight-V100/x.wav", ".fseventsd/x.wav", ".AppleDouble/take.wav", "Network Trash Folder/x.wav",
)  # fmt: skip


def test_companions_of_the_operating_system_are_no_tasks(catalog):
    """Of a folder as it comes from a Mac, Windows or a NAS: `._song.rpp` even made its recordings look like media."""
    before = names(".", out="elsewhere")
    for name in (*COMPANIONS, "loose/._song.rpp"):
        path = catalog / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    assert names(".", out="elsewhere") == before
    assert find_tasks(["."], None, Path("out"), True)[1] == 2
    assert names("loose/*") == ["loose/deep/take [3].ogg", "loose/take 1.wav", "loose/take 2.mp3"]
    assert names("**/*.wav") == ["a/vox.wav", "loose/take 1.wav"]
    # whoever names such a thing itself means it
    assert names("loose/.secret.wav", ".hidden", sounds=True) == ["loose/.secret.wav", ".hidden/song.rpp"]


def test_recordings_in_a_project_s_folder_that_are_named_are_not_left_out(catalog):
    tasks, media = find_tasks(["a", "a/*.wav", "a/audio/bass.FLAC"], None, Path("out"), True)
    assert [Path(task.path).name for task in tasks] == ["song.rpp", "vox.wav", "bass.FLAC"] and media == 0
    tasks, media = find_tasks(["a/*"], None, Path("out"), True)
    assert [Path(task.path).name for task in tasks] == ["bass.FLAC", "song.rpp", "vox.wav"] and media == 0
    assert find_tasks(["a", "a/vox.wav"], None, Path("out"), True)[1] == 1


def test_results_into_the_folder_that_is_read_are_told_so(catalog):
    """It said that no project was found, to somebody who had named a folder of recordings and a word."""
    with pytest.raises(AeqError, match=r"^no project and no recording was found: loose is where the results go, and"):
        find_tasks(["loose"], None, Path("loose"), True)


@pytest.mark.parametrize(
    ("named", "listed", "sounds", "sentence"),
    [
        (["no.rpp"], None, True, "no.rpp: there is no such file"),
        (["c/*.rpp"], None, True, "c/*.rpp: nothing has a name like that"),
        (["loose"], None, False, "no project was found; to treat recordings, say with --word"),
        (["a/vox.wav"], None, False, "a/vox.wav is not a project: say with --word"),
        ([], "no.txt", True, "the list no.txt cannot be read"),
        ([], "latin.txt", True, "latin.txt is not text in UTF-8"),
        ([], "wrong.txt", True, "wrong.txt: line 2: nowhere.rpp: there is no such file"),
    ],
)
def test_mistakes(catalog, named, listed, sounds, sentence):
    Path("latin.txt").write_bytes(b"caf\xe9.rpp\n")
    Path("wrong.txt").write_text("a/song.rpp\nnowhere.rpp\n")
    with pytest.raises(AeqError) as error:
        names(*named, listed=listed, sounds=sounds)
    assert sentence in str(error.value)


def test_the_same_path_has_the_same_place_for_ever(catalog):
    one, other = (Task.of(str(catalog / name), PROJECT).id for name in ("a/song.rpp", "b/song.rpp"))
    assert one != other and one.startswith("song-") and one == Task.of(str(catalog / "a/song.rpp"), PROJECT).id
    assert len(Task.of("/" + "ж" * 300 + ".rpp", PROJECT).id.encode()) < 90


@pytest.mark.parametrize("name", ["...rpp", "a:b?.rpp", "ж" * 120 + ".rpp", "\udcff.rpp", " .rpp"])
def test_any_name_becomes_one_that_any_disk_can_keep(name):
    stem = portable_stem(name, 60)
    assert stem and len(stem.encode()) <= 60 and not set(stem) & set('<>:"/\\|?*') and stem.strip(". ") == stem


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_in_circles_end(catalog):
    (catalog / "a" / "again").symlink_to(catalog)
    assert names(".", sounds=False) == ["a/song.rpp", "b/song.RPP"]
