"""MPEG audio (MP3 and its elder brothers): every frame is visited, so that files joined from several, tags in the
middle and headers with no or a wrong count are read to their true end.

libmpg123, which decodes, believes the count in the first frame (the Xing, Info or VBRI header of ISO/IEC 11172-3
streams, as the LAME and Fraunhofer encoders write it) and stops there; where there is none it reckons a length from the
first frame's bit rate. So each stream is given to it with a header that holds the true count.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .layout import FilePart, FileWindow, Layout, Span, clock, merged
from .tags import before_tags, tag_size

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version bits
_KBPS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
CERTAIN = 3  # frames in a row that are no chance
SEARCHED = 2**16  # bytes of rubbish before the first frame
WORTH_TELLING_S = 0.1


@dataclass
class _Stream:
    """Frames of one kind that belong together. `info` is where its header frame begins and ends, if it has one."""

    kind: tuple[int, int, bool]
    info: Span | None = None
    frames: int = 0
    spans: list[Span] = field(default_factory=list)


def look(window: FileWindow, start: int) -> Layout | None:
    """None if no MPEG frames begin at `start` or soon behind it."""
    end = before_tags(window, start, window.size)
    first = _next_frame(window, start, min(end, start + SEARCHED), end)
    if first < 0:
        return None
    streams, unread = _walk(window, first, end)
    unread += first - start
    frame_bytes = sum(stop - at for stream in streams for at, stop in stream.spans) / sum(s.frames for s in streams)
    unread_s = unread / frame_bytes * _frame_s(streams[0].kind)
    if len(streams) == 1 and _is_plain(window, streams[0], start, end) and not unread:
        return Layout()
    return Layout(tuple(_part(window, stream) for stream in streams), _remark(window, streams, unread, unread_s))


def _is_plain(window: FileWindow, stream: _Stream, start: int, end: int) -> bool:
    """Whether the decoder can be left alone: at most one tag in front, and a true count."""
    stated = _stated(window, stream)
    one_tag = start == 0 or (start == tag_size(window, 0) and window.at(0, 3) == b"ID3")
    whole = stream.info is not None and merged([stream.info, *stream.spans]) == ((start, end),)
    return stated is not None and stated[1] == stream.frames and one_tag and whole


def _walk(window: FileWindow, position: int, end: int) -> tuple[list[_Stream], int]:
    """Every frame from the one at `position`, and the number of bytes that are neither frames nor tags."""
    streams: list[_Stream] = []
    unread, starting = 0, True
    while position < end:
        head = window.at(position, 4)
        length = frame_length(head)
        kind = _kind(head) if length else None
        if kind and length and (starting or kind == streams[-1].kind or _certain(window, position, end)):
            beyond = window.at(end, position + length - end)
            if position + length > window.size or beyond.strip(b"\0"):
                break  # the last frame is not whole: it cannot be decoded
            info = _counts(window, position, head)
            if starting or kind != streams[-1].kind or info:
                streams.append(_Stream(kind))
                starting = False
            if info:
                streams[-1].info = position, position + length
            else:
                streams[-1].frames += 1
                spans = streams[-1].spans
                if spans and spans[-1][1] == position:
                    spans[-1] = spans[-1][0], position + length
                else:
                    spans.append((position, position + length))
            position += length
        elif size := tag_size(window, position):
            position += size
        else:
            found = _next_frame(window, position + 1, end, end)
            found = _next_tag(window, position + 1, found if found >= 0 else end)
            unread += found - position
            position = found
    return [stream for stream in streams if stream.frames], unread


def frame_length(head: bytes) -> int:
    """Bytes of the frame with this header of four bytes; 0 if it is none, or of free format.

    >>> frame_length(bytes.fromhex("fffb9064"))
    417
    """
    return _LENGTHS.get(head[1] << 8 | head[2], 0) if len(head) == 4 and head[0] == 0xFF else 0


def _lengths() -> dict[int, int]:
    found = {}
    for second in range(0xE0, 0x100):
        version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
        if version == 1 or layer == 4:
            continue
        generation = 1 if version == 3 else 2
        for third in range(256):
            bitrate, rate, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
            if 0 < bitrate < 15 and rate < 3:
                bits_s, hz = 1000 * _KBPS[generation, layer][bitrate - 1], _RATES[version][rate]
                if layer == 1:
                    length = 4 * (12 * bits_s // hz + padding)
                else:
                    length = (72 if layer == 3 and generation == 2 else 144) * bits_s // hz + padding
                found[second << 8 | third] = length
    return found


_LENGTHS = _lengths()


def _kind(head: bytes) -> tuple[int, int, bool]:
    """Version and layer, sample rate, mono: what stays the same in a stream."""
    return head[1] & 0x1E, head[2] & 0x0C, head[3] >> 6 == 3


def _frame_s(kind: tuple[int, int, bool]) -> float:
    version, layer = kind[0] >> 3, 4 - (kind[0] >> 1 & 3)
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    return samples / _RATES[version][kind[1] >> 2]


def _certain(window: FileWindow, position: int, end: int) -> bool:
    """Whether frames of one kind follow each other here, or the last of them ends where the sound does."""
    kind = _kind(window.at(position, 4))
    for n in range(CERTAIN):
        head = window.at(position, 4)
        length = frame_length(head)
        if not length or _kind(head) != kind:
            return False
        position += length
        if position == end:
            return n > 0
    return True


def _next_frame(window: FileWindow, position: int, stop: int, end: int) -> int:
    """The next place before `stop` where frames begin, -1 if there is none."""
    while position < stop:
        position = window.find(b"\xff", position, stop)
        if position < 0:
            return -1
        if frame_length(window.at(position, 4)) and _certain(window, position, end):
            return position
        position += 1
    return -1


def _next_tag(window: FileWindow, position: int, stop: int) -> int:
    """Where a tag or padding begins before `stop`, else that."""
    for mark in (b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"TAG", bytes(64)):  # the first holds the last but one
        found = window.find(mark, position, stop)
        if found >= 0 and tag_size(window, found):
            stop = found
    return stop


# The header frame ----------------------------------------------------------------------------------------------------


def _counts(window: FileWindow, position: int, head: bytes) -> bool:
    """Whether this frame only tells how long the stream is."""
    if head[1] >> 1 & 3 != 1:  # not layer III
        return False
    at = _mark_at(head)
    data = window.at(position, 40)
    return data[at : at + 4] in (b"Xing", b"Info") or data[36:40] == b"VBRI"


def _mark_at(head: bytes) -> int:
    """Behind the side information."""
    mpeg1, mono = head[1] >> 3 & 3 == 3, head[3] >> 6 == 3
    return 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))


def _stated(window: FileWindow, stream: _Stream) -> tuple[int, int] | None:
    """Where in its header frame the count of frames lies, and the count."""
    if stream.info is None:
        return None
    data = window.at(stream.info[0], stream.info[1] - stream.info[0])
    at = _mark_at(data[:4])
    if data[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(data[at + 4 : at + 8], "big")
        return (at + 8, int.from_bytes(data[at + 8 : at + 12], "big")) if flags & 1 else None
    return 50, int.from_bytes(data[50:54], "big")


def _part(window: FileWindow, stream: _Stream) -> FilePart:
    """The stream with a header that tells its true count; elder layers know no such header."""
    spans = merged(stream.spans)
    if stream.kind[0] >> 1 & 3 != 1:
        return FilePart(spans, endless=True)
    size = sum(stop - start for start, stop in spans)
    stated = _stated(window, stream)
    if stream.info and stated:
        data = bytearray(window.at(stream.info[0], stream.info[1] - stream.info[0]))
        at, _ = stated
        struct.pack_into(">I", data, at, stream.frames)
        if data[36:40] == b"VBRI":
            struct.pack_into(">I", data, 46, size + len(data))
        elif data[at - 1] & 2:
            struct.pack_into(">I", data, at + 4, size + len(data))
        return FilePart((bytes(data), *spans))
    head = bytearray(window.at(spans[0][0], 4))
    head[1] |= 1  # no checksum
    head[2] = head[2] & 0x0D | 0x80  # a bit rate whose frames have room for the header, no padding
    data = bytearray(frame_length(bytes(head)))
    at = _mark_at(bytes(head))
    data[:4] = head
    struct.pack_into(">4sIII", data, at, b"Xing", 3, stream.frames, size + len(data))
    return FilePart((bytes(data), *spans))


def _remark(window: FileWindow, streams: list[_Stream], unread: int, unread_s: float) -> str | None:
    missing_s = whole_s = 0.0
    for stream in streams:
        stated, each_s = _stated(window, stream), _frame_s(stream.kind)
        count = max(stream.frames, stated[1] if stated else 0)
        whole_s += count * each_s
        missing_s += (count - stream.frames) * each_s
    # counts that nobody could mean are wrong, not a sign of damage
    if WORTH_TELLING_S + 0.001 * whole_s < missing_s < 100 * max(1.0, whole_s - missing_s):
        there_s = whole_s - missing_s
        return f"is cut off: it says that it lasts {clock(whole_s)}, {clock(there_s)} are there"
    if unread_s > WORTH_TELLING_S:
        return f"is damaged: {unread} bytes of it are no sound that can be read, about {clock(unread_s)}"
    return None
