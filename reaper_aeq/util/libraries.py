"""A library that cannot be loaded, as one sentence: which versions lie here, what is wrong, what to type.

Wheels of compiled libraries fail to load for reasons that are no defect of this program: torchaudio beside a torch of
another release ("undefined symbol"), a libsndfile that is missing, a driver's library that was removed. The error then
comes out of somebody else's import, at whatever moment that library is first needed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator

from ..errors import LibraryError

PAIR = ("torch", "torchaudio")  # installed together: a wheel fits only beside its partner of the same release
COMPILED = (*PAIR, "soundfile", "soxr", "numpy", "scipy", "safetensors")
LONGEST_REASON = 200


def explain(error: BaseException) -> LibraryError | None:
    """The sentence for an error that came out of loading one of `COMPILED`, or None for any other error."""
    for cause in _chain(error):
        if name := _library_of(cause):
            return LibraryError(_sentence(PAIR if name in PAIR else (name,), cause))
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from, the first cause last."""
    met: set[int] = set()
    while error is not None and id(error) not in met:
        met.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _library_of(error: BaseException) -> str | None:
    """The library whose loading raised this: the innermost one that was running its module's top level."""
    if isinstance(error, ImportError) and (found := _root(error.name)) in COMPILED:
        return found
    running = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name == "<module>"]
    names = [name for frame in running if (name := _root(frame.f_globals.get("__name__"))) in COMPILED]
    return names[-1] if names else None


def _root(name: object) -> str:
    return name.partition(".")[0] if isinstance(name, str) else ""


def _sentence(names: tuple[str, ...], error: BaseException) -> str:
    here = " and ".join(f"{name} {_version(name) or '(not installed)'}" for name in names)
    reason = re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
    reason = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]} ..."
    return f"{here} cannot be loaded ({reason}): install what this program was tested with: {_remedy(names)}"


def _remedy(names: tuple[str, ...]) -> str:
    """The command that installs them anew, as this environment can run it: uv's environments hold no pip."""
    wanted = " ".join(f'"{_requirement(name)}"' for name in names)
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    if importlib.util.find_spec("pip"):
        return f"{python} -m pip install --force-reinstall {wanted}"
    return f"uv pip install --python {python} --reinstall {wanted}"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _requirement(name: str) -> str:
    """Our own word on a library, such as 'torch==2.11.0': the range that pyproject.toml gives."""
    try:
        ours = importlib.metadata.requires("reaper-aeq") or []
    except importlib.metadata.PackageNotFoundError:  # run from a folder that was never installed
        ours = []
    for line in ours:
        if re.match(rf"{re.escape(name)}\b(?!-)", line) and ";" not in line:
            return line.replace(" ", "")
    return name
