"""MP3 files that do not state their length, of which libsndfile would leave out the end."""

from __future__ import annotations

import io
import os

UNKNOWN_FRAMES = 2**40  # longer than any recording; libsndfile's own "unknown" is 2^63 - 1


def lacks_length(path: str) -> bool:
    """Whether this is an MP3 that does not state its length.

    libsndfile then reckons it from the first frame's bit rate and stops reading there: of a variable-rate MP3 half
    may be missing.
    """
    with open(path, "rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)))
            head = b""
        head += file.read(1024)
    # 11 bits set start a frame; its layer bits are 01 for layer III. The length is told in the first frame.
    is_mp3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
    return is_mp3 and not any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


class Mp3WithoutLength(io.FileIO):
    """A file that claims to be huge, so that libsndfile reads on until it truly ends."""

    _at_end = False

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at_end = whence == os.SEEK_END
        return super().seek(offset, whence)

    def tell(self) -> int:
        return super().tell() + (UNKNOWN_FRAMES if self._at_end else 0)
