"""MPEG audio (MP3 and its elder brothers): every frame is visited, so that files joined from several, tags in the
middle and headers with no or a wrong count are read to their true end.

libmpg123, which decodes, believes the count in the first frame (the Xing, Info or VBRI header of ISO/IEC 11172-3
streams, as the LAME and Fraunhofer encoders write it) and stops there; where there is none it reckons a length from the
first frame's bit rate. So each stream is given to it with a header that holds the true count.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from .layout import FilePart, FileWindow, Layout, Span, add_span, clock, cut_off
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


class _StreamKind(NamedTuple):
    """What stays the same in a stream."""

    layer: int
    sample_rate: int
    mono: bool

    @property
    def samples(self) -> int:
        """Of each channel, a frame."""
        return 384 if self.layer == 1 else 576 if self.layer == 3 and self.sample_rate < 32_000 else 1152

    @property
    def frame_s(self) -> float:
        """How long a frame lasts."""
        return self.samples / self.sample_rate

    @property
    def mark_at(self) -> int:
        """Where in a header frame its mark is: behind the side information."""
        return 4 + ((17 if self.mono else 32) if self.sample_rate >= 32_000 else (9 if self.mono else 17))


@dataclass
class _Stream:
    """Frames of one kind that belong together. `header` is its header frame, with which it starts if it has one."""

    kind: _StreamKind
    start: int
    header: bytes = b""
    frames: int = 0
    spans: list[Span] = field(default_factory=list)

    @property
    def count_at(self) -> int:
        """Where in its header frame the count of frames lies; 0 where there is none."""
        at = self.kind.mark_at
        if self.header[at : at + 4] in (b"Xing", b"Info"):
            return at + 8 if int.from_bytes(self.header[at + 4 : at + 8], "big") & 1 else 0
        return 50 if self.header else 0

    @property
    def stated(self) -> int | None:
        """Frames by its own word."""
        at = self.count_at
        return int.from_bytes(self.header[at : at + 4], "big") if at else None


def look(window: FileWindow, start: int) -> Layout | None:
    """None if no MPEG frames begin at `start` or soon behind it."""
    end = before_tags(window, start, window.size)
    first = _next_frame(window, start, min(end, start + SEARCHED), end)
    if first < 0:
        return None
    streams, unread = _walk(window, first, end)
    unread += first - start
    if len(streams) == 1 and _is_plain(window, streams[0], start, end) and not unread:
        return Layout()
    return Layout(tuple(_part(window, stream) for stream in streams), _remark(streams, unread))


def _is_plain(window: FileWindow, stream: _Stream, start: int, end: int) -> bool:
    """Whether the decoder can be left alone: at most one tag in front, and a true count."""
    one_tag = start == 0 or (start == tag_size(window, 0) and window.at(0, 3) == b"ID3")
    whole = stream.start == start and stream.spans == [(start + len(stream.header), end)]
    return stream.stated == stream.frames and one_tag and whole


def _walk(window: FileWindow, position: int, end: int) -> tuple[list[_Stream], int]:
    """Every frame from the one at `position`, and the number of bytes that are neither frames nor tags."""
    streams: list[_Stream] = []
    unread = 0
    while position < end:
        head = window.at(position, 4)
        length = frame_length(head)
        if length and (not streams or _kind(head) == streams[-1].kind or _certain(window, position, end)):
            beyond = window.at(end, position + length - end)
            if position + length > window.size or beyond.strip(b"\0"):
                break  # the last frame is not whole: it cannot be decoded
            kind, counts = _kind(head), _counts(window, position, head)
            if not streams or kind != streams[-1].kind or counts:
                streams.append(_Stream(kind, position, window.at(position, length) if counts else b""))
            if not counts:
                streams[-1].frames += 1
                add_span(streams[-1].spans, position, position + length)
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
    return _FRAMES[head[1:3]][0] if len(head) == 4 and head[0] == 0xFF and head[1:3] in _FRAMES else 0


def _kind(head: bytes) -> _StreamKind:
    """Of a frame with this header, which has a length."""
    _, layer, sample_rate = _FRAMES[head[1:3]]
    return _StreamKind(layer, sample_rate, head[3] >> 6 == 3)


def _frames() -> dict[bytes, tuple[int, int, int]]:
    """Length, layer and sample rate by the two bytes that tell them."""
    found = {}
    for second in range(0xE0, 0x100):
        version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
        if version == 1 or layer == 4:
            continue
        for third in range(256):
            bitrate, rate, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
            if 0 < bitrate < 15 and rate < 3:
                bits_s, hz = 1000 * _KBPS[1 if version == 3 else 2, layer][bitrate - 1], _RATES[version][rate]
                slot = 4 if layer == 1 else 1  # bytes
                slots = _StreamKind(layer, hz, False).samples // 8 // slot * bits_s // hz + padding
                found[bytes((second, third))] = slot * slots, layer, hz
    return found


_FRAMES = _frames()


def _certain(window: FileWindow, position: int, end: int) -> bool:
    """Whether frames of one kind follow the one here, or the last of them ends where the sound does."""
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
    position = window.find(b"\xff", position, stop)
    while position >= 0 and not (frame_length(window.at(position, 4)) and _certain(window, position, end)):
        position = window.find(b"\xff", position + 1, stop)
    return position


def _next_tag(window: FileWindow, position: int, stop: int) -> int:
    """Where a tag or padding begins before `stop`, else that."""
    for mark in (b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"TAG", bytes(64)):  # the first holds the last but one
        found = window.find(mark, position, stop)
        if found >= 0 and tag_size(window, found):
            stop = found
    return stop


def _counts(window: FileWindow, position: int, head: bytes) -> bool:
    """Whether this frame only tells how long the stream is."""
    kind, data = _kind(head), window.at(position, 40)
    at = kind.mark_at
    return kind.layer == 3 and (data[at : at + 4] in (b"Xing", b"Info") or data[36:40] == b"VBRI")


def _part(window: FileWindow, stream: _Stream) -> FilePart:
    """The stream with a header that tells its true count; elder layers know no such header."""
    if stream.kind.layer != 3:
        return FilePart(tuple(stream.spans), endless=True)
    size = sum(stop - start for start, stop in stream.spans)
    if at := stream.count_at:
        data = bytearray(stream.header)
        struct.pack_into(">I", data, at, stream.frames)
        if data[36:40] == b"VBRI":
            struct.pack_into(">I", data, 46, size + len(data))
        elif data[at - 1] & 2:
            struct.pack_into(">I", data, at + 4, size + len(data))
        return FilePart((bytes(data), *stream.spans))
    head = bytearray(window.at(stream.spans[0][0], 4))
    head[1] |= 1  # no checksum
    head[2] = head[2] & 0x0D | 0x80  # a bit rate whose frames have room for the header, no padding
    data = bytearray(frame_length(bytes(head)))
    data[:4] = head
    struct.pack_into(">4sIII", data, stream.kind.mark_at, b"Xing", 3, stream.frames, size + len(data))
    return FilePart((bytes(data), *stream.spans))


def _remark(streams: list[_Stream], unread: int) -> str | None:
    missing_s = whole_s = 0.0
    for stream in streams:
        count = max(stream.frames, stream.stated or 0)
        whole_s += count * stream.kind.frame_s
        missing_s += (count - stream.frames) * stream.kind.frame_s
    # counts that nobody could mean are wrong, not a sign of damage
    if WORTH_TELLING_S + 0.001 * whole_s < missing_s < 100 * max(1.0, whole_s - missing_s):
        return cut_off(whole_s, whole_s - missing_s)
    frame_bytes = sum(stop - at for stream in streams for at, stop in stream.spans) / sum(s.frames for s in streams)
    unread_s = unread / frame_bytes * streams[0].kind.frame_s
    if unread_s > WORTH_TELLING_S:
        return f"is damaged: {unread} bytes of it are no sound that can be read, about {clock(unread_s)}"
    return None
