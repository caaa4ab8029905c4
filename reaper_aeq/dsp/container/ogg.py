"""OGG: a file may hold several streams one behind the other (RFC 3533, "chained"), each with its own headers.

libsndfile reads the first. Each is given to it as a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .layout import FilePart, FileWindow, Layout, Span, add_span
from .tags import tag_size

_AUDIO = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_BEGINS = 2  # a flag of a page
WORTH_TELLING = 4096  # bytes


@dataclass
class _Link:
    """Streams side by side. `sound`: the number of the first that is sound; `data`: whether any page was met but the
    first of each stream; `pages`: of the sound, `others`: bytes of all others, such as the picture of a film."""

    sound: bytes | None = None
    data: bool = False
    pages: list[Span] = field(default_factory=list)
    others: int = 0


def look(window: FileWindow, start: int) -> Layout | None:
    """None if no OGG page begins at `start`."""
    links: list[_Link] = []
    position, unread, cut = start, 0, 0
    while position < window.size:
        head = window.at(position, 27)
        if len(head) < 27 and head[:4] == b"OggS"[: len(head)]:
            cut = window.size - position  # in the head of a page
            break
        if head[:4] != b"OggS" or len(head) < 27:
            found = window.find(b"OggS", position + 1, window.size)
            skipped = (found if found >= 0 else window.size) - position
            unread += max(0, skipped - tag_size(window, position))
            position += skipped
            continue
        table = window.at(position + 27, head[26])
        size = 27 + head[26] + sum(table)
        if position + size > window.size:
            cut = window.size - position
            break
        serial = head[14:18]
        if head[5] & _BEGINS:
            if not links or links[-1].data:
                links.append(_Link())
            if links[-1].sound is None and window.at(position + 27 + head[26], 8).startswith(_AUDIO):
                links[-1].sound = serial
        elif links:
            links[-1].data = True
        if links and serial == links[-1].sound:
            add_span(links[-1].pages, position, position + size)
        elif links:
            links[-1].others += size
        position += size
    sounding = [tuple(link.pages) for link in links if link.pages]
    if not sounding:
        return None
    unread += sum(link.others for link in links if not link.pages)
    remark = None
    if cut:
        remark = "is cut off in the middle of a page: what lies before it was read"
    elif unread > WORTH_TELLING:
        remark = f"is damaged: {unread} bytes of it are no sound that can be read"
    if sounding == [((0, window.size),)]:
        return Layout()
    return Layout(tuple(FilePart(pages) for pages in sounding), remark)
