"""Files of chunks that say how long they are: WAV, RF64 and BW64, W64, AIFF, CAF.

A recorder writes the lengths at its end. One that crashed leaves none, or those of its last safe moment; one that
writes into a pipe leaves a mark for "unknown"; a copy that broke off says more than there is. So each length is held
against the size of the file, and where they differ the decoder gets a header with the true one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .layout import FilePart, FileWindow, Layout, Piece, Span, clock, cut_off
from .tags import zeros

# "Unknown", as programs write it that write into a pipe: all ones, 2 GB, or a little less than that.
UNKNOWN_FROM = 0x7FFF_0000
FOLLOWED = 2048  # bytes behind the sound that nobody need be told of


@dataclass(frozen=True)
class FileChunk:
    """`stated`: bytes by its own word, None for "unknown"; `start`: of its content."""

    id: bytes
    start: int
    stated: int | None


@dataclass(frozen=True)
class _Described:
    """Bytes a frame, bytes a second, and what makes the header for a sound of so many bytes."""

    frame: int
    bytes_s: int
    build: Callable[[int], tuple[Piece, ...]]


@dataclass(frozen=True)
class _FileKind:
    """How a kind of file is built: `head` bytes before its first chunk, how chunks follow, which one holds the sound,
    to how many bytes they are filled up; and what the chunks before the sound say of it."""

    head: int
    walk: Callable[[FileWindow, int], Iterator[FileChunk]]
    data: bytes
    aligned: int
    describe: Callable[[FileWindow, list[FileChunk]], _Described | None]


def look(window: FileWindow, start: int, sounds_like: Callable[[FilePart, FilePart], bool]) -> Layout | None:
    """None if no such file begins at `start`.

    Args:
        sounds_like: whether the second stream, whose bytes nobody counted, sounds like the first.
    """
    kind = _kind(window.at(start, 16))
    if kind is None:
        return None
    before: list[FileChunk] = []
    for data in kind.walk(window, start + kind.head):
        if data.id == kind.data:
            break
        before.append(data)
    else:
        return None
    named = window.at(start, 4) != b"BW64"  # else the decoder does not know its name
    described = kind.describe(window, before)
    if described is None:  # a coding whose length cannot be told from its bytes
        return Layout() if named else None

    def part(stop: int, begin: int = data.start) -> FilePart:
        return FilePart((*described.build(stop - begin), (begin, stop)))

    stated, there = data.stated, window.size - data.start
    whole = there - there % described.frame
    all_there = (part(data.start + whole),)
    if stated is None:
        return Layout(all_there)
    if stated > there:
        cut = (stated - there) / described.bytes_s > 0.1
        return Layout(all_there, cut_off(stated / described.bytes_s, whole / described.bytes_s) if cut else None)
    end = data.start + stated
    rest = window.size - end
    counted = () if named or not stated else (part(end),)  # the decoder can be left alone with a name that it knows
    if rest <= max(kind.aligned, FOLLOWED if stated else 0) or _chunks_to_the_end(window, kind, end):
        return Layout(counted)
    unfinished = f"was not finished by its recorder: all {clock(whole / described.bytes_s)} of it were read"
    if stated == 0:
        return Layout(all_there, unfinished)
    if _padding_or_tags(window, end):
        return Layout(counted)
    aligned = end - stated % described.frame
    if sounds_like(part(end), part(window.size - (window.size - aligned) % described.frame, aligned)):
        return Layout(all_there, unfinished)
    return Layout(counted, f"has {rest} bytes behind its sound that were not read")


def _kind(head: bytes) -> _FileKind | None:
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _WAV
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    return _W64 if head == _W64_RIFF else _CAF if head[:4] == b"caff" else None


def _chunks_to_the_end(window: FileWindow, kind: _FileKind, position: int) -> bool:
    """Whether what follows the sound are chunks, up to the end of the file or nearly."""
    begin = position = position + -position % kind.aligned
    if window.size - position <= 8:
        return True
    for chunk in kind.walk(window, position):
        named = len(chunk.id) == 16 or all(0x20 <= byte < 0x7F for byte in chunk.id)
        if not named or not 0 <= (chunk.stated or 0) <= window.size + 1 - chunk.start:
            return False
        position = chunk.start + (chunk.stated or 0)
    return position > begin and (window.size - position <= FOLLOWED or _padding_or_tags(window, position))


def _padding_or_tags(window: FileWindow, position: int) -> bool:
    head = window.at(position, 8)
    tag = head[:3] in (b"ID3", b"TAG") or head == b"APETAGEX"
    return tag or position + zeros(window, position) == window.size


# How each kind counts -------------------------------------------------------------------------------------------------


def _riff(window: FileWindow, position: int) -> Iterator[FileChunk]:
    long: int | None = None
    while len(head := window.at(position, 8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        stated: int | None = size
        if name == b"ds64" and size >= 16:
            long = int.from_bytes(window.at(position + 16, 8), "little")
        if name == b"data" and size >= UNKNOWN_FROM:
            if size == 0xFFFF_FFFF and long is not None:
                stated = long
            elif position + 8 + size > window.size:
                stated = None
        yield FileChunk(name, position + 8, stated)
        if stated is None:
            return
        position += 8 + stated + stated % 2


def _form(window: FileWindow, position: int) -> Iterator[FileChunk]:
    while len(head := window.at(position, 8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "big")
        if name == b"SSND":  # eight bytes of offset and block size come before the sound
            stated = None if size >= UNKNOWN_FROM and position + 8 + size > window.size else max(0, size - 8)
            yield FileChunk(name, position + 16, stated)
        else:
            yield FileChunk(name, position + 8, size)
        position += 8 + size + size % 2


def _w64(window: FileWindow, position: int) -> Iterator[FileChunk]:
    while len(head := window.at(position, 24)) == 24:
        size = max(24, int.from_bytes(head[16:], "little"))
        name = head[:4] if head[4:16] == _W64_TAIL else head[:16]
        yield FileChunk(name, position + 24, size - 24)
        position += size + -size % 8


def _caf(window: FileWindow, position: int) -> Iterator[FileChunk]:
    while len(head := window.at(position, 12)) == 12:
        name, size = head[:4], int.from_bytes(head[4:], "big", signed=True)
        if name == b"data":  # four bytes of edit count come before the sound
            yield FileChunk(name, position + 16, None if size < 0 else max(0, size - 4))
        else:
            yield FileChunk(name, position + 12, size)
        if size < 0:
            return
        position += 12 + size


_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
MAGICS = (b"RIFF", b"RF64", b"BW64", b"FORM", _W64_RIFF[:4], b"caff")

# The headers they get -------------------------------------------------------------------------------------------------

_KEPT = (b"LIST", b"bext", b"cart", b"id3 ", b"ID3 ")
_LAWS = (b"alaw", b"ulaw", b"ALAW", b"ULAW")
_PLAIN = (b"NONE", b"sowt", b"twos", b"raw ", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64")


def _content(window: FileWindow, before: list[FileChunk], name: bytes, least: int) -> bytes:
    """Of the first chunk of this name with `least` bytes; nothing where there is none, or one too large to be true."""
    sizes = ((chunk.start, chunk.stated or 0) for chunk in before if chunk.id == name)
    start, size = next((one for one in sizes if one[1] >= least), (0, 0))
    return window.at(start, size) if size <= 1000 else b""


def _format(window: FileWindow, before: list[FileChunk]) -> tuple[bytes, int, int]:
    """How samples are coded in a WAV or W64, bytes a frame, bytes a second; zeros where it is not told."""
    content = _content(window, before, b"fmt ", 16)
    coding, channels, rate, bytes_s, frame = struct.unpack_from("<HHIIH", content or bytes(14))
    if not rate or not frame or not channels:
        return b"", 0, 0
    # of other codings a frame holds more than one sample
    return content, frame, frame * rate if coding in (1, 3, 6, 7, 0xFFFE) or not bytes_s else bytes_s


def _describe_wav(window: FileWindow, before: list[FileChunk]) -> _Described | None:
    content, frame, bytes_s = _format(window, before)
    if not frame:
        return None
    kept = [_span(chunk) for chunk in before if chunk.id in _KEPT]

    def build(size: int) -> tuple[Piece, ...]:
        header = b"fmt " + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        more = sum(stop - start for start, stop in kept)
        whole = 4 + len(header) + more + 8 + size
        if whole + 36 < 0xFFFF_0000:
            return (struct.pack("<4sI4s", b"RIFF", whole, b"WAVE") + header, *kept, struct.pack("<4sI", b"data", size))
        long = struct.pack("<4sIQQQI", b"ds64", 28, whole + 36, size, size // frame, 0)
        begin = struct.pack("<4sI4s", b"RF64", 0xFFFF_FFFF, b"WAVE")
        return (begin + long + header, *kept, struct.pack("<4sI", b"data", 0xFFFF_FFFF))

    return _Described(frame, bytes_s, build)


def _span(chunk: FileChunk) -> Span:
    """With its own header, for a chunk whose header has eight bytes."""
    size = chunk.stated or 0
    return chunk.start - 8, chunk.start + size + size % 2


def _describe_aiff(window: FileWindow, before: list[FileChunk]) -> _Described | None:
    content = _content(window, before, b"COMM", 18)
    if not content:
        return None
    channels, _, bits = struct.unpack_from(">hIh", content)
    coding = content[18:22] if len(content) >= 22 else b"NONE"
    frame = channels * (1 if coding in _LAWS else (bits + 7) // 8)
    exponent, mantissa = struct.unpack_from(">HQ", content, 8)
    power = (exponent & 0x7FFF) - 16383
    rate = round(mantissa * 2.0 ** (power - 63)) if -1 < power < 32 else 0  # an 80-bit float
    if coding not in _LAWS + _PLAIN or frame <= 0 or rate <= 0:
        return None
    version = [_span(chunk) for chunk in before if chunk.id == b"FVER"][:1]

    def build(size: int) -> tuple[Piece, ...]:
        counted = content[:2] + struct.pack(">I", min(size // frame, 0xFFFF_FFFF)) + content[6:]
        form = b"AIFC" if len(content) > 18 else b"AIFF"
        comm_chunk = b"COMM" + struct.pack(">I", len(counted)) + counted + bytes(len(counted) % 2)
        sound = b"SSND" + struct.pack(">III", min(size + 8, 0xFFFF_FFFF), 0, 0)
        more = sum(stop - start for start, stop in version)
        whole = struct.pack(">4sI4s", b"FORM", min(4 + more + len(comm_chunk) + 16 + size, 0xFFFF_FFFF), form)
        return (whole, *version, comm_chunk + sound)

    return _Described(frame, frame * rate, build)


def _describe_w64(window: FileWindow, before: list[FileChunk]) -> _Described | None:
    content, frame, bytes_s = _format(window, before)
    if not frame:
        return None

    def build(size: int) -> tuple[Piece, ...]:
        header = b"fmt " + _W64_TAIL + struct.pack("<Q", 24 + len(content)) + content
        header += bytes(-len(header) % 8)
        sound = b"data" + _W64_TAIL + struct.pack("<Q", 24 + size)
        whole = 40 + len(header) + 24 + size
        return (_W64_RIFF + struct.pack("<Q", whole) + b"wave" + _W64_TAIL + header + sound,)

    return _Described(frame, bytes_s, build)


def _describe_caf(window: FileWindow, before: list[FileChunk]) -> _Described | None:
    content = _content(window, before, b"desc", 32)
    if len(content) != 32:
        return None
    rate, _, _, packet, per_packet = struct.unpack_from(">d4sIII", content)
    if not packet or per_packet != 1 or not 1 <= rate <= 1e6:
        return None  # packets of various size are counted in a table

    def build(size: int) -> tuple[Piece, ...]:
        header = struct.pack(">4sHH", b"caff", 1, 0) + b"desc" + struct.pack(">q", 32) + content
        return (header + b"data" + struct.pack(">qI", size + 4, 0),)

    return _Described(packet, packet * round(rate), build)


_WAV = _FileKind(12, _riff, b"data", 2, _describe_wav)
_AIFF = _FileKind(12, _form, b"SSND", 2, _describe_aiff)
_W64 = _FileKind(40, _w64, b"data", 8, _describe_w64)
_CAF = _FileKind(8, _caf, b"data", 1, _describe_caf)
