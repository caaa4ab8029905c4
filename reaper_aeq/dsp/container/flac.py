"""FLAC (RFC 9639): the count in the header may be missing (a file written into a pipe) or wrong; the last frame tells
the truth, for it carries its own number. Several files joined are read one behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .layout import FilePart, FileWindow, Layout, Piece, cut_off
from .tags import before_tags

MAGIC = b"fLaC"
_STREAMINFO = bytes((0, 0, 0, 34)), bytes((0x80, 0, 0, 34))
_LARGEST_FRAME = 2**21  # 8 channels of 65,535 samples of 32 bits, uncompressed
_LARGEST_CHECKED = 2**19
WORTH_TELLING_S = 0.1
_CRC8, _CRC16 = (8, 0x07), (16, 0x8005)  # bits and polynomial


@dataclass(frozen=True)
class _Header:
    """`rest` is where the block of 34 bytes lies that counts; `sound` is where the frames begin."""

    start: int
    sound: int
    block_size: int
    sample_rate: int
    channels: int
    bits: int
    total: int


def look(window: FileWindow, start: int) -> Layout | None:
    """None if no FLAC stream begins at `start`, or none of its frames can be found."""
    starts, position = [], start
    while position >= 0:
        if window.at(position + 4, 4) in _STREAMINFO:
            starts.append(position)
        position = window.find(MAGIC, position + 4, window.size)
    if not starts or starts[0] != start:
        return None
    parts, remark = [], None
    for n, at in enumerate(starts):
        end = before_tags(window, at, starts[n + 1] if n + 1 < len(starts) else window.size)
        header = _header(window, at)
        if header is None or header.sound >= end:
            continue
        total, stop = _length(window, header, end)
        if total is None:
            parts.append(FilePart(((at, end),)))
            continue
        missing_s = (header.total - total) / header.sample_rate
        if missing_s > WORTH_TELLING_S:
            remark = cut_off(header.total / header.sample_rate, total / header.sample_rate)
        elif stop < end:
            remark = "is cut off in the middle of a frame: what lies before it was read"
        if (start, stop, len(starts), total) == (0, window.size, 1, header.total):
            return Layout()
        parts.append(FilePart(_counted(window, header, total, stop)))
    return Layout(tuple(parts), remark) if parts else None


def _header(window: FileWindow, start: int) -> _Header | None:
    info = window.at(start + 8, 34)
    if len(info) < 34:
        return None
    packed = int.from_bytes(info[10:18], "big")
    position, last = start + 4, False
    while not last:
        block = window.at(position, 4)
        if len(block) < 4:
            return None
        last = bool(block[0] & 0x80)
        position += 4 + int.from_bytes(block[1:4], "big")
    rate, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    if not rate:
        return None
    block_size = int.from_bytes(info[2:4], "big")
    return _Header(start, position, block_size, rate, channels, bits, packed & (2**36 - 1))


def _length(window: FileWindow, header: _Header, end: int) -> tuple[int | None, int]:
    """Samples a channel up to the last whole frame, and where that ends; None if no frame can be found.

    Where the bytes up to `end` are no whole frame, the file was cut, or something unknown follows: then the last frame
    counts only if the header says so.
    """
    begin = max(header.sound, end - _LARGEST_FRAME)
    data = window.at(begin, end - begin)
    position = len(data)
    later: dict[int, tuple[int, int, int]] = {}  # first sample, samples, place of each by its first sample
    while (position := data.rfind(b"\xff", 0, position)) >= 0:
        found = _frame(data[position : position + 16], header)
        if found is None:
            continue
        number, count = found
        if len(data) - position < _LARGEST_CHECKED and (stop := _end_of(window, data[position:], end)):
            return number + count, stop
        # two frames that follow each other are no chance: the later one is the last, though it is not whole
        if number == 0 or number + count in later:
            first, samples, at = later.get(number + count, (number, count, begin + position))
            if first < header.total <= first + samples:
                return header.total, end
            return (first, at) if first else (None, end)
        later.setdefault(number, (number, count, begin + position))
    return None, end


def _end_of(window: FileWindow, data: bytes, end: int) -> int | None:
    """Where a frame ends that ends at `end`, or with zeros that looked like padding; None if its checksum is wrong."""
    value = _crc(data, *_CRC16)
    for more in range(3):
        if value == 0:
            return end + more
        if window.at(end + more, 1) != b"\0":
            return None
        value = _crc(b"\0", *_CRC16, value)
    return None


def _frame(data: bytes, header: _Header) -> tuple[int, int] | None:
    """The number of a frame's first sample, and its samples, if its header is whole and fits the stream's."""
    if len(data) < 6 or data[0] != 0xFF or data[1] & 0xFE != 0xF8 or data[3] & 1:
        return None
    size_code, rate_code, assignment, bits_code = data[2] >> 4, data[2] & 15, data[3] >> 4, data[3] >> 1 & 7
    if not size_code or rate_code == 15 or assignment > 10 or bits_code == 3:
        return None
    if (assignment + 1 if assignment < 8 else 2) != header.channels:
        return None
    if bits_code and (0, 8, 12, 0, 16, 20, 24, 32)[bits_code] != header.bits:
        return None
    number, position = _coded_number(data, 4)
    if number is None:
        return None
    if size_code == 6:
        count, position = data[position] + 1, position + 1
    elif size_code == 7:
        count, position = int.from_bytes(data[position : position + 2], "big") + 1, position + 2
    else:
        count = 192 if size_code == 1 else 576 << size_code - 2 if size_code < 6 else 256 << size_code - 8
    position += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if position >= len(data) or _crc(data[:position], *_CRC8) != data[position]:
        return None
    return number if data[1] & 1 else number * header.block_size, count


def _coded_number(data: bytes, position: int) -> tuple[int | None, int]:
    """As UTF-8 codes characters, up to 36 bits."""
    first = data[position]
    if first < 0x80:
        return first, position + 1
    more = 7 - (first ^ 0xFF).bit_length()
    tail = data[position + 1 : position + 1 + more]
    if not 1 <= more <= 6 or len(tail) < more or any(byte & 0xC0 != 0x80 for byte in tail):
        return None, position
    number = first & (0x3F >> more)
    for byte in tail:
        number = number << 6 | byte & 0x3F
    return number, position + 1 + more


def _counted(window: FileWindow, header: _Header, total: int, stop: int) -> tuple[Piece, ...]:
    at = header.start + 4 + 4 + 13  # the byte that ends with the four highest bits of the count
    highest = window.at(at, 1)[0] & 0xF0 | total >> 32 & 0x0F
    return (header.start, at), bytes((highest,)) + (total & 0xFFFF_FFFF).to_bytes(4, "big"), (at + 5, stop)


@lru_cache(maxsize=2)
def _table(bits: int, polynomial: int) -> tuple[int, ...]:
    top, mask, found = 1 << bits - 1, (1 << bits) - 1, []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        found.append(value)
    return tuple(found)


def _crc(data: bytes, bits: int, polynomial: int, value: int = 0) -> int:
    """0 over something and the checksum at its end."""
    table, mask = _table(bits, polynomial), (1 << bits) - 1
    for byte in data:
        value = ((value << 8) & mask) ^ table[(value >> (bits - 8)) ^ byte]
    return value
