"""Whether a file can be read at all, said in one sentence. Standard library only: known before anything is loaded."""

from __future__ import annotations

import os
import stat

from ..errors import AudioError


def check_readable(path: str) -> None:
    """Raises `AudioError` for what is not there, no file, empty, or not ours to read."""
    try:
        status = os.stat(path)
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise AudioError(f"{path} is a device or a pipe: audio is read from files")
        with open(path, "rb"):
            pass
    except (FileNotFoundError, NotADirectoryError):
        raise AudioError(f"{path} does not exist: check the path") from None
    except IsADirectoryError:
        raise AudioError(f"{path} is a folder: give an audio file") from None
    except PermissionError:
        raise AudioError(f"{path} cannot be opened: you have no permission to read it") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{path!r} cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    if status.st_size == 0:
        raise AudioError(f"{path} is an empty file: record or export it again")
