"""Files of chunks that say how long they are: WAV, RF64 and BW64, W64, AIFF, CAF.

A recorder writes the lengths at its end. One that crashed leaves none, or those of its last safe moment; one that
writes into a pipe leaves a mark for "unknown"; a copy that broke off says more than there is. So each length is held
against the size of the file, and where they differ the decoder gets a header with the true one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .layout import FilePart, FileWindow, Layout, Piece, Span, clock

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
class _Kind:
    """How a kind of file is built: `head` bytes before the first chunk, and its chunks."""

    name: str
    head: int
    walk: Callable[[FileWindow, int], Iterator[FileChunk]]
    data: bytes
    aligned: int


def look(window: FileWindow, start: int, sounds_like: Callable[[FilePart, FilePart], bool]) -> Layout | None:
    """None if no such file begins at `start`.

    Args:
        sounds_like: whether the second stream, whose bytes nobody counted, sounds like the first.
    """
    head = window.at(start, 40)
    for magic, kind in _KINDS.items():
        if head.startswith(magic) and (kind.name != "WAV" or head[8:12] == b"WAVE"):
            if kind.name == "AIFF" and head[8:12] not in (b"AIFF", b"AIFC"):
                continue
            return _look(window, start, kind, sounds_like)
    return None


def _look(
    window: FileWindow, start: int, kind: _Kind, sounds_like: Callable[[FilePart, FilePart], bool]
) -> Layout | None:
    before: list[FileChunk] = []
    data: FileChunk | None = None
    for chunk in kind.walk(window, start + kind.head):
        if chunk.id == kind.data:
            data = chunk
            break
        before.append(chunk)
    if data is None:
        return None
    described = _DESCRIBERS[kind.name](window, before, data)
    if described is None:  # a coding whose length cannot be told from its bytes
        return Layout() if window.at(start, 4) != b"BW64" else None
    frame, bytes_s, build = described
    size = window.size

    def part(stop: int, begin: int = data.start) -> FilePart:
        return FilePart((*build(stop - begin), (begin, stop)))

    there = size - data.start
    stated = data.stated
    whole = there - there % frame
    if stated is None:
        return Layout((part(data.start + whole),))
    if stated > there:
        missing_s = (stated - there) / bytes_s
        remark = None
        if missing_s > 0.1:
            lasts, found = clock(stated / bytes_s), clock(whole / bytes_s)
            remark = f"is cut off: it says that it lasts {lasts}, {found} are there"
        return Layout((part(data.start + whole),), remark)
    end = data.start + stated
    rest = size - end
    if rest <= max(kind.aligned, FOLLOWED if stated else 0) or _chunks_to_the_end(window, kind, end):
        return _as_counted(window, start, part, end, stated)
    remark = f"was not finished by its recorder: all {clock(whole / bytes_s)} of it were read"
    if stated == 0:
        return Layout((part(data.start + whole),), remark)
    if _padding_or_tags(window, end):
        return _as_counted(window, start, part, end, stated)
    aligned = end - stated % frame
    uncounted = part(size - (size - aligned) % frame, aligned)
    if sounds_like(part(end), uncounted):
        return Layout((part(data.start + whole),), remark)
    counted = _as_counted(window, start, part, end, stated)
    return Layout(counted.parts, f"has {rest} bytes behind its sound that were not read")


def _as_counted(window: FileWindow, start: int, part: Callable[..., FilePart], end: int, stated: int) -> Layout:
    """The decoder can be left alone with it, unless it does not know its name."""
    if window.at(start, 4) == b"BW64" and stated:
        return Layout((part(end),))
    return Layout()


def _chunks_to_the_end(window: FileWindow, kind: _Kind, position: int) -> bool:
    """Whether what follows the sound are chunks, up to the end of the file or nearly."""
    position += -position % kind.aligned if kind.aligned > 1 else 0
    if window.size - position <= 8:
        return True
    found = 0
    for chunk in kind.walk(window, position):
        if not _is_name(chunk.id, kind) or not 0 <= (chunk.stated or 0) <= window.size + 1 - chunk.start:
            return False
        found, position = found + 1, chunk.start + (chunk.stated or 0)
    return found > 0 and (window.size - position <= FOLLOWED or _padding_or_tags(window, position))


def _is_name(name: bytes, kind: _Kind) -> bool:
    return len(name) == 16 or all(0x20 <= byte < 0x7F for byte in name)


def _padding_or_tags(window: FileWindow, position: int) -> bool:
    head = window.at(position, 8)
    if head[:3] in (b"ID3", b"TAG") or head == b"APETAGEX":
        return True
    while data := window.at(position, min(2**20, window.size - position)):
        if data.strip(b"\0"):
            return False
        position += len(data)
    return True


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
_KINDS = {
    b"RIFF": _Kind("WAV", 12, _riff, b"data", 2),
    b"RF64": _Kind("WAV", 12, _riff, b"data", 2),
    b"BW64": _Kind("WAV", 12, _riff, b"data", 2),
    b"FORM": _Kind("AIFF", 12, _form, b"SSND", 2),
    _W64_RIFF: _Kind("W64", 40, _w64, b"data", 8),
    b"caff": _Kind("CAF", 8, _caf, b"data", 1),
}

MAGICS = {magic[:4] for magic in _KINDS}

# The headers they get -------------------------------------------------------------------------------------------------

# bytes a frame, bytes a second, and what makes the header of a sound of so many bytes
_Described = tuple[int, int, Callable[[int], tuple[Piece, ...]]] | None
_KEPT = (b"LIST", b"bext", b"cart", b"id3 ", b"ID3 ")


def _describe_wav(window: FileWindow, before: list[FileChunk], data: FileChunk) -> _Described:
    fmt = next((chunk for chunk in before if chunk.id == b"fmt " and chunk.stated and chunk.stated >= 16), None)
    if fmt is None or not fmt.stated or fmt.stated > 1000:
        return None
    content = window.at(fmt.start, fmt.stated)
    coding, channels, rate, bytes_s, frame = struct.unpack_from("<HHIIH", content)
    if coding in (1, 3, 6, 7, 0xFFFE) or not bytes_s:  # else a frame holds more than one sample
        bytes_s = frame * rate
    if not rate or not frame or not channels:
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

    return frame, bytes_s, build


def _span(chunk: FileChunk) -> Span:
    """With its own header, for a chunk whose header has eight bytes."""
    size = chunk.stated or 0
    return chunk.start - 8, chunk.start + size + size % 2


def _describe_aiff(window: FileWindow, before: list[FileChunk], data: FileChunk) -> _Described:
    comm = next((chunk for chunk in before if chunk.id == b"COMM" and chunk.stated and chunk.stated >= 18), None)
    if comm is None or not comm.stated:
        return None
    content = window.at(comm.start, comm.stated)
    channels, _, bits = struct.unpack_from(">hIh", content)
    coding = content[18:22] if len(content) >= 22 else b"NONE"
    frame = channels * {b"alaw": 1, b"ulaw": 1, b"ALAW": 1, b"ULAW": 1}.get(coding, (bits + 7) // 8)
    known = coding in (b"NONE", b"sowt", b"twos", b"raw ", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64")
    known = known or coding in (b"alaw", b"ulaw", b"ALAW", b"ULAW")
    exponent, mantissa = struct.unpack_from(">HQ", content, 8)
    power = (exponent & 0x7FFF) - 16383
    rate = round(mantissa * 2.0 ** (power - 63)) if -1 < power < 32 else 0  # an 80-bit float
    if not known or frame <= 0 or rate <= 0:
        return None
    version = next((_span(chunk) for chunk in before if chunk.id == b"FVER"), None)

    def build(size: int) -> tuple[Piece, ...]:
        counted = content[:2] + struct.pack(">I", min(size // frame, 0xFFFF_FFFF)) + content[6:]
        form = b"AIFC" if len(content) > 18 else b"AIFF"
        comm_chunk = b"COMM" + struct.pack(">I", len(counted)) + counted + bytes(len(counted) % 2)
        sound = b"SSND" + struct.pack(">III", min(size + 8, 0xFFFF_FFFF), 0, 0)
        more = version[1] - version[0] if version else 0
        whole = struct.pack(">4sI4s", b"FORM", min(4 + more + len(comm_chunk) + 16 + size, 0xFFFF_FFFF), form)
        return (whole, *([version] if version else []), comm_chunk + sound)

    return frame, frame * rate, build


def _describe_w64(window: FileWindow, before: list[FileChunk], data: FileChunk) -> _Described:
    fmt = next((chunk for chunk in before if chunk.id == b"fmt " and chunk.stated and chunk.stated >= 16), None)
    if fmt is None or not fmt.stated:
        return None
    content = window.at(fmt.start, min(fmt.stated, 1000))
    channels, rate, _, frame = struct.unpack_from("<HIIH", content, 2)
    if not rate or not frame or not channels:
        return None

    def build(size: int) -> tuple[Piece, ...]:
        header = b"fmt " + _W64_TAIL + struct.pack("<Q", 24 + len(content)) + content
        header += bytes(-len(header) % 8)
        sound = b"data" + _W64_TAIL + struct.pack("<Q", 24 + size)
        whole = 40 + len(header) + 24 + size
        return (_W64_RIFF + struct.pack("<Q", whole) + b"wave" + _W64_TAIL + header + sound,)

    return frame, frame * rate, build


def _describe_caf(window: FileWindow, before: list[FileChunk], data: FileChunk) -> _Described:
    desc = next((chunk for chunk in before if chunk.id == b"desc" and chunk.stated == 32), None)
    if desc is None:
        return None
    content = window.at(desc.start, 32)
    rate, _, _, packet, per_packet = struct.unpack_from(">d4sIII", content)
    if not packet or per_packet != 1 or not 1 <= rate <= 1e6:
        return None  # packets of various size are counted in a table

    def build(size: int) -> tuple[Piece, ...]:
        header = struct.pack(">4sHH", b"caff", 1, 0) + b"desc" + struct.pack(">q", 32) + content
        return (header + b"data" + struct.pack(">qI", size + 4, 0),)

    return packet, packet * round(rate), build


_DESCRIBERS: dict[str, Callable[[FileWindow, list[FileChunk], FileChunk], _Described]] = {
    "WAV": _describe_wav,
    "AIFF": _describe_aiff,
    "W64": _describe_w64,
    "CAF": _describe_caf,
}
