"""How long a file truly is: its bytes are asked, not its header's word about them.

`layout` holds what comes out, `chunks`, `flac`, `mpeg` and `ogg` know one family of files each, `tags` what lies around
the sound. `look` asks the one that knows a file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

from . import chunks, flac, mpeg, ogg
from .layout import FilePart, FileWindow, Layout
from .tags import after_tags


def look(path: str, sounds_like: Callable[[FilePart, FilePart], bool]) -> Layout:
    """The layout of a file; of one that nobody here knows the decoder is left to make what it can.

    Args:
        sounds_like: whether a second stream of the file sounds like the first, see `chunks.look`.

    Raises `OSError`.
    """
    with open(path, "rb") as file:
        window = FileWindow(file, os.fstat(file.fileno()).st_size)
        start = after_tags(window, 0)
        magic = window.at(start, 4)
        if magic == flac.MAGIC:
            found = flac.look(window, start)
        elif magic == b"OggS":
            found = ogg.look(window, start)
        elif magic in chunks.MAGICS:
            try:
                found = chunks.look(window, start, sounds_like)
            except (struct.error, OverflowError):  # figures of a damaged header that no header can hold
                found = None
        else:
            found = mpeg.look(window, start)  # it begins with anything
        return found or Layout()
