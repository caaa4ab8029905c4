"""OGG: a file may hold several streams one behind the other (RFC 3533, "chained"), each with its own headers.

libsndfile reads the first. Each is given to it as a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Layout, Part, Window

_AUDIO = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_BEGINS = 2  # a flag of a page


@dataclass
class _Link:
    start: int
    stop: int
    audio: bool
    data: bool = False


def look(window: Window, start: int) -> Layout | None:
    """None if no OGG page begins at `start`."""
    links: list[_Link] = []
    position, unread, cut = start, 0, 0
    while position < window.size:
        head = window.at(position, 27)
        if head[:4] != b"OggS" or len(head) < 27:
            found = window.find(b"OggS", position + 1, window.size)
            skipped = (found if found >= 0 else window.size) - position
            unread += skipped if window.at(position, 3) != b"TAG" and window.at(position, skipped).strip(b"\0") else 0
            position += skipped
            continue
        table = window.at(position + 27, head[26])
        size = 27 + head[26] + sum(table)
        if position + size > window.size:
            cut = window.size - position
            break
        if head[5] & _BEGINS:
            first = window.at(position + 27 + head[26], 8)
            audio = first.startswith(_AUDIO)
            if links and not links[-1].data:  # several streams side by side begin together
                links[-1].audio = links[-1].audio or audio
            else:
                links.append(_Link(position, position, audio))
        elif links:
            links[-1].data = True
        position += size
        if links:
            links[-1].stop = position
    if not links:
        return None
    others = sum(link.stop - link.start for link in links if not link.audio)
    sounding = [link for link in links if link.audio]
    if not sounding:
        return None
    remark = None
    if cut:
        remark = "is cut off in the middle of a page: what lies before it was read"
    elif unread + others > 4096:
        remark = f"is damaged: {unread + others} bytes of it are no sound that can be read"
    if len(sounding) == 1 and not remark and (sounding[0].start, sounding[0].stop) == (0, window.size):
        return Layout()
    return Layout(tuple(Part(((link.start, link.stop),)) for link in sounding), remark)
