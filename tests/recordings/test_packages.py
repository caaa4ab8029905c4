"""Packages: unpacked whole or not at all, searched by pattern and length, and a sentence where one is missing."""

import io
import tarfile

import numpy as np
import packages
import pytest
import soundfile
from packages import Cache, Missing, Package, program


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Of one npm package with three sounds, and one that nobody has."""
    known = {
        name: Package("npm", name, "1.0.0", f"npm:{name}", "MIT") for name in ("@some/sounds", "no-such-sounds")
    } | {"broken": Package("npm", "broken", "1.0.0", "npm:broken", "MIT")}
    monkeypatch.setattr(packages, "read_packages", lambda: known)
    (tmp_path / "npm").mkdir()
    with tarfile.open(tmp_path / "npm" / "some-sounds-1.0.0.tgz", "w:gz") as tar:
        for name, seconds in (("music/b.wav", 2.0), ("music/a.wav", 1.0), ("bell.WAV", 0.1)):
            sound = io.BytesIO()
            soundfile.write(sound, np.zeros(int(8000 * seconds)), 8000, format="WAV")
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(sound.getvalue())
            tar.addfile(member, io.BytesIO(sound.getvalue()))
        readme = tarfile.TarInfo("package/README.md")
        tar.addfile(readme)
    (tmp_path / "npm" / "broken-1.0.0.tgz").write_bytes(b"no archive")
    return Cache(tmp_path)


def test_sounds_are_found_by_pattern_and_length(cache):
    def names(*search):
        return [cache.path_in("@some/sounds", file) for file in cache.files("@some/sounds", *search)]

    assert names("") == ["package/bell.WAV", "package/music/a.wav", "package/music/b.wav"]
    assert names("/music/", 1.5) == ["package/music/b.wav"] and names("", 0.0, 0.5) == ["package/bell.WAV"]
    assert names("some/sounds/package/bell") == ["package/bell.WAV"]  # the package's name is searched too
    assert not list(cache.unpacked("@some/sounds").rglob("README.md"))
    with pytest.raises(Missing, match=r"@some/sounds holds no sound that fits 'drum'"):
        cache.files("@some/sounds", "drum")


def test_a_damaged_archive_is_told_and_leaves_no_folder(cache):
    with pytest.raises(Missing, match=r"broken-1\.0\.0\.tgz is damaged: delete it"):
        cache.files("broken", "")
    assert not any((cache.folder / "unpacked").iterdir())


def test_a_package_or_program_that_is_missing_is_named(cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match="the program fluidsynth is missing: install it"):
        program("fluidsynth")
    with pytest.raises(Missing, match="the program npm is missing"):
        cache.files("no-such-sounds", "")
    monkeypatch.setitem(packages.DOWNLOAD, "npm", ["npm"])
    monkeypatch.setattr(
        packages, "run", lambda *args, **options: packages.subprocess.CompletedProcess(args, 1, "", "x\nnot found\n")
    )
    with pytest.raises(Missing, match="npm has no no-such-sounds for this machine: not found"):
        cache.files("no-such-sounds", "")
    assert not list((cache.folder / "npm").glob("tmp*"))


def test_what_only_a_source_holds_is_asked_for_by_name(cache, monkeypatch):
    asked = []

    def record(command, **options):
        asked.append(command)
        return packages.subprocess.CompletedProcess(command, 1, "", "not found\n")

    monkeypatch.setattr(packages, "run", record)
    cache.packages["some-data"] = Package("pypi-source", "some-data", "1.0", "pypi:some-data", "MIT")
    with pytest.raises(Missing, match="pypi-source has no some-data for this machine: not found"):
        cache.files("some-data", "")
    assert asked[0][-2:] == ["--no-binary=some-data", "some-data"]
