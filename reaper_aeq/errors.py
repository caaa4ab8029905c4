"""What can go wrong through no fault of the program: each error is one sentence a user can act on.

The command line prints the sentence and exits with `exit_code`; a server maps `http_status`. Anything that is not an
`AeqError` is a defect and keeps its trace.
"""

from __future__ import annotations

import difflib
import errno
import os
import reprlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any


class AeqError(Exception):
    """A user's mistake or a condition of their machine. `str(error)` is the whole sentence shown."""

    exit_code = 2
    http_status = 400


class AudioError(AeqError):
    """The audio cannot be read, or holds nothing an EQ can be computed from."""


class UnknownWordError(AeqError):
    """A word that the vocabulary does not hold; names the nearest ones, and what keeps it from being guessed."""

    http_status = 404

    def __init__(self, word: str, known: Iterable[str], because: object = None):
        near = difflib.get_close_matches(word.lower(), list(known), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(w) for w in near)}?" if near else "see 'reaper-aeq words'."
        super().__init__(f"unknown word {word!r}: {hint}" + (f" Otherwise: {because}." if because else ""))
        self.nearest = tuple(near)


class NotUnderstoodError(UnknownWordError):
    """A phrase that lies near to no word; names those that lie nearest."""

    def __init__(self, why: str, nearest: Sequence[str]):
        names = f"the nearest words are {', '.join(map(repr, nearest))}; " if nearest else ""
        AeqError.__init__(self, f"{why}: {names}see 'reaper-aeq words'.")
        self.nearest = tuple(nearest)


class NoTextModelError(AeqError):
    """No sentence model is installed, or the setting names none."""


class RangeError(AeqError):
    """A number outside the range it may have."""

    def __init__(self, name: str, value: float, low: float, high: float):
        super().__init__(f"{name} must lie between {low:g} and {high:g}, not {value:g}")


class WrongTypeError(AeqError, TypeError):
    """A value of a type that it cannot have."""

    def __init__(self, name: str, value: object, wanted: str):
        super().__init__(f"{name} must be {wanted}, not {reprlib.repr(value)} ({type(value).__name__})")


def as_number(name: str, value: Any, *, whole: bool = False) -> float:
    """`value`, of Python, numpy or torch, as a float; raises `WrongTypeError` for what is no number.

    >>> as_number("intensity", 1)
    1.0
    """
    wanted = "a whole number" if whole else "a number"
    try:
        if isinstance(value, str | bytes | bytearray | bool):
            raise TypeError
        number = float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    except (TypeError, ValueError, RuntimeError):
        raise WrongTypeError(name, value, wanted) from None
    if whole and not number.is_integer():
        raise WrongTypeError(name, value, wanted)
    return number


def check_known(what: str, name: object, known: Collection[str]) -> None:
    """Raises `AeqError` for the name of a `what` that is none of `known`."""
    if not isinstance(name, str) or name not in known:
        raise AeqError(f"unknown {what} {name!r}: use one of {', '.join(known)}")


class OutputError(AeqError):
    """A result that cannot be written; nothing half-written is left behind."""


class ProjectError(AeqError):
    """A REAPER file that cannot be read or changed; `line` is the number of the line that is wrong, where there is one.

    Readers know no path: who opened the file names it with `in_file`.
    """

    def __init__(self, reason: str, line: int | None = None, path: object = None):
        where = f"{path}: " if path is not None else ""
        super().__init__(f"{where}line {line}: {reason}" if line else f"{where}{reason}")
        self.reason, self.line = reason, line

    def in_file(self, path: object) -> ProjectError:
        """The same, told of the file `path`."""
        return ProjectError(self.reason, self.line, path)


class InstallError(AeqError):
    """REAPER's folder, its action list or the actions to install are not as they must be, or REAPER is running."""


class SettingsError(AeqError):
    """A settings file that cannot be read, names an unknown setting or gives one a wrong type."""


class ModelError(AeqError):
    """Weights that are missing, damaged or of another version."""


class LibraryError(AeqError):
    """A compiled library that cannot be loaded; names the versions that lie here and what to type."""

    http_status = 500


_FULL = "the disk is full (or your quota is used up): free some space or choose another disk"
_FORBIDDEN = "you may not write there: choose another place or change its permissions"
_REASONS = {
    errno.ENOSPC: _FULL,
    getattr(errno, "EDQUOT", errno.ENOSPC): _FULL,  # Windows has no quota error of its own
    errno.EFBIG: "the file would be larger than this disk or your limits allow",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: "the disk is read-only: choose another place",
    errno.ENOENT: "its folder does not exist: create it first",
    errno.ENOTDIR: "part of its path is a file, not a folder: check the path",
    errno.EISDIR: "it is a folder: give the name of a file",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}


def output_error(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """The sentence for a refusal by the operating system while `path` was written."""
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__
    return OutputError(f"cannot write {os.fspath(path)}: {reason}")
