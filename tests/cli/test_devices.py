"""What is certain of CUDA before torch is loaded, on machines of all kinds."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest

from reaper_aeq.cli.commands import devices
from reaper_aeq.errors import AeqError

TYPES = "from typing import Optional\n"
CPU = TYPES + "cuda: Optional[str] = None\nhip: Optional[str] = None\n"
CUDA = TYPES + "cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"
OLD_CUDA = "cuda = '11.8'\nhip = None\n"
ROCM = TYPES + "cuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n"


def torch_of(version: str | None, folder, monkeypatch) -> None:
    (folder / "version.py").write_text("" if version is None else version)
    found = SimpleNamespace(origin=str(folder / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)


@pytest.mark.parametrize(
    "version, driver, sentence",
    [
        (CPU, True, "was built without CUDA"),
        (CPU, False, "was built without CUDA"),
        (CUDA, False, "there is no CUDA device here"),
        (OLD_CUDA, False, "there is no CUDA device here"),
        (CUDA, True, None),  # only torch can tell
        (ROCM, False, None),  # its devices are called cuda as well
        ("cuda = found()\nhip = None\n", False, None),
        ("this is no Python", False, None),
        (None, False, None),
    ],
)
def test_it_is_refused_where_that_is_certain(version, driver, sentence, tmp_path, monkeypatch):
    torch_of(version, tmp_path, monkeypatch)
    monkeypatch.setattr(devices, "has_driver", lambda: driver)
    for other in ("auto", "cpu"):
        devices.check_device(other)
    if sentence is None:
        devices.check_device("cuda")
        return
    with pytest.raises(AeqError, match=sentence):
        devices.check_device("cuda")


@pytest.mark.parametrize("found", [None, SimpleNamespace(origin=None), SimpleNamespace(origin="/nowhere/__init__.py")])
def test_a_torch_that_cannot_be_found_is_for_torch_to_tell(found, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    devices.check_device("cuda")


def test_the_driver_is_looked_for_by_its_name(monkeypatch):
    asked = []

    def load(name):
        asked.append(name)
        raise OSError("not found")

    monkeypatch.setattr(devices.ctypes, "CDLL", load)
    assert not devices.has_driver("linux") and not devices.has_driver("win32") and not devices.has_driver("darwin")
    assert asked == ["libcuda.so.1", "nvcuda.dll"] and devices.has_driver("freebsd14")
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda name: object())
    assert devices.has_driver("linux") and devices.has_driver("win32")


def test_torch_itself_agrees():
    import torch

    assert devices.torch_builds() == {"cuda": torch.version.cuda, "hip": torch.version.hip}
    ask = "import torch; print(torch.cuda.is_available())"
    there = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True).stdout.strip() == "True"
    try:
        devices.check_device("cuda")
        refused = False
    except AeqError:
        refused = True
    assert not (there and refused)
