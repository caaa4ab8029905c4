"""Whether a CUDA device can be used, as far as that is certain before torch is loaded. Standard library only."""

from __future__ import annotations

import ctypes
import importlib.util
import runpy
import sys
from pathlib import Path

from ...errors import AeqError

NO_CUDA = "there is no CUDA device here: use --device cpu"
# The part of the driver that torch's CUDA looks for; macOS has none.
DRIVERS = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}


def check_device(device: str) -> None:
    """Raises `AeqError` where CUDA is asked for and certain not to be there; what only torch can tell passes."""
    built_for = torch_builds() if device == "cuda" else None
    if built_for is None:
        return
    if not any(built_for.values()):
        raise AeqError("the installed torch was built without CUDA: use --device cpu, or install one built with it")
    # a torch for AMD's ROCm calls its devices cuda as well, and has another driver
    if not built_for["hip"] and not has_driver():
        raise AeqError(NO_CUDA)


def torch_builds() -> dict[str, str | None] | None:
    """For which CUDA and which ROCm ('hip') the installed torch was made, each None where it was not; None where
    that cannot be read."""
    spec = importlib.util.find_spec("torch")  # runs nothing of it
    if spec is None or spec.origin is None:
        return None
    try:
        found = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
        return {name: found[name] for name in ("cuda", "hip")}
    except Exception:  # whatever it is, loading torch will tell
        return None


def has_driver(platform: str = sys.platform) -> bool:
    """Whether the driver's library can be loaded; where it is not known by name, it is taken to be there."""
    name = DRIVERS.get(platform)
    if name is None:
        return platform != "darwin"
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
