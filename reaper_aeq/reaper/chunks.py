"""REAPER's text format as a tree of lines: what is not changed comes out byte for byte (docs/reaper.md, section 6).

A line that begins with `<` opens a chunk, a line that is `>` alone closes it; everything else (values, base64, MIDI
events, notes and code behind `|`) is a line of the chunk it stands in. Project files hold one chunk at the top; track
templates hold several and FX chains hold bare lines, so the root of a tree is a chunk without a head.

Standard library only.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import ProjectError

# Largest real project seen is under 1 MB, a very large one some 100 MB; beyond this it is some other file.
MAX_BYTES = 512 * 2**20
# A plug-in in a folder of FX containers lies some ten deep.
MAX_DEPTH = 200

# As REAPER's own parser reads: a quote counts only where a token begins, and ends at the same quote or with the line.
_TOKEN = re.compile(r""" "([^"]*)"? | '([^']*)'? | `([^`]*)`? | ([^ \t]+) """, re.VERBOSE)
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True, eq=False)
class Line:
    """One line with its indentation and line end. `number` counts from 1 in the file it was read from; 0 is new."""

    raw: bytes
    number: int = 0

    def to_bytes(self) -> bytes:
        """The line as it stands in the file."""
        return self.raw

    @property
    def text(self) -> str:
        """Without indentation and line end. Bytes that are not UTF-8 (old or foreign files) are read as Latin-1."""
        data = self.raw.strip()
        if self.number == 1:
            data = data.removeprefix(_BOM)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    @property
    def tokens(self) -> list[str]:
        """The values on the line with their quotes taken off; of a chunk's head, the first has no `<`."""
        return split_tokens(self.text.removeprefix("<"))

    @property
    def name(self) -> str:
        """The first token, such as `NAME` or `TRACK`; '' for an empty line."""
        words = self.text.removeprefix("<").split(None, 1)
        return words[0] if words else ""

    @property
    def indent(self) -> bytes:
        """What stands before its text."""
        return self.raw[: len(self.raw) - len(self.raw.lstrip(b" \t"))]

    @property
    def line_end(self) -> bytes:
        """What ends it; empty for the last line of some files."""
        return self.raw[len(self.raw.rstrip(b"\r\n")) :]


@dataclass(slots=True, eq=False, repr=False)
class Chunk:
    """`head`, `children` (lines and chunks in order) and `end`, the closing line. The root has neither head nor end."""

    head: Line | None = None
    children: list[Line | Chunk] = field(default_factory=list)
    end: Line | None = None

    @property
    def name(self) -> str:
        """The first token of its head; '' for the root."""
        return self.head.name if self.head else ""

    @property
    def tokens(self) -> list[str]:
        """Those of its head."""
        return self.head.tokens if self.head else []

    @property
    def number(self) -> int:
        """The line number of the head."""
        return self.head.number if self.head else 0

    @property
    def chunks(self) -> list[Chunk]:
        """The chunks that stand directly in this one."""
        return [child for child in self.children if isinstance(child, Chunk)]

    @property
    def lines(self) -> list[Line]:
        """Lines that stand directly in this chunk."""
        return [child for child in self.children if isinstance(child, Line)]

    def find(self, name: str) -> Chunk | None:
        """The first chunk of this name directly inside."""
        return next((chunk for chunk in self.chunks if chunk.name == name), None)

    def find_all(self, name: str) -> list[Chunk]:
        """All chunks of this name directly inside."""
        return [chunk for chunk in self.chunks if chunk.name == name]

    def line(self, name: str) -> Line | None:
        """The first line of this name directly inside."""
        start = name.encode()  # compared before anything is decoded: a MIDI source holds a million lines
        for child in self.children:
            if isinstance(child, Line) and start in child.raw and child.name == name:
                return child
        return None

    def values(self, name: str) -> list[str]:
        """The tokens after the name on the first line of this name; empty where there is none."""
        line = self.line(name)
        return line.tokens[1:] if line else []

    def value(self, name: str) -> str:
        """The first of them; '' where there is none."""
        return (self.values(name) or [""])[0]

    def floats(self, name: str, defaults: Sequence[float]) -> list[float]:
        """The numbers after the name on the first such line, as many as there are defaults.

        Old versions of REAPER write fewer fields, so what is missing takes its default. Raises `ProjectError`, with the
        number of the line, for a field that is no finite number.
        """
        line = self.line(name)
        given = [_finite(line, token) for token in line.tokens[1 : 1 + len(defaults)]] if line else []
        return given + list(defaults[len(given) :])

    def ints(self, name: str, defaults: Sequence[int]) -> list[int]:
        """Like `floats`; REAPER reads a whole number off a longer one (a fade of shape 1.1 has shape 1)."""
        return [int(value) for value in self.floats(name, defaults)]

    def positive(self, name: str, default: float) -> float:
        """The first number after the name, which must be above zero."""
        (value,) = self.floats(name, [default])
        if value <= 0:
            line = self.line(name)
            raise ProjectError(f"{name} must be above 0, not {value:g}", line.number if line else None)
        return value

    def walk(self) -> Iterator[Chunk]:
        """Every chunk inside, at any depth, in the order of the file."""
        for chunk in self.chunks:
            yield chunk
            yield from chunk.walk()

    def to_bytes(self) -> bytes:
        """The file again; byte for byte what was read, where nothing was changed."""
        return b"".join(part.to_bytes() for part in (self.head, *self.children, self.end) if part)

    # Changing ------------------------------------------------------------------------------------------------------

    def made(self, lines: Iterable[str]) -> list[Line | Chunk]:
        """New children for these lines, with this chunk's own line end and indentation; they are not put in place.

        The lines may open and close chunks; how they are indented does not matter.
        """
        inner, unit, end = self._layout()
        depth, parts = 0, []
        for text in lines:
            text = text.strip(" \t\r\n")
            depth -= text == ">"
            parts.append(inner + unit * depth + text.encode("utf-8", "surrogateescape") + end)
            depth += text.startswith("<")
        return parse(b"".join(parts), numbered=False).children

    def insert(self, index: int, lines: Iterable[str]) -> list[Line | Chunk]:
        """Puts `made(lines)` before the child at `index` and gives them back."""
        new = self.made(lines)
        before = self.children[index - 1] if index else None
        last = before.end if isinstance(before, Chunk) else before
        if last and not last.line_end:  # an FX chain without a final line end
            last.raw += self._layout()[2]
        self.children[index:index] = new
        return new

    def append(self, lines: Iterable[str]) -> list[Line | Chunk]:
        """Puts `made(lines)` behind the last child and gives them back."""
        return self.insert(len(self.children), lines)

    def replace(self, node: Line | Chunk, lines: Iterable[str]) -> list[Line | Chunk]:
        """Puts `made(lines)` in the place of a child and gives them back."""
        index, new = self.children.index(node), self.made(lines)
        self.children[index : index + 1] = new
        return new

    def _layout(self) -> tuple[bytes, bytes, bytes]:
        """Indentation of children, one step of it, and the line end, as this chunk has them."""
        nodes = [self, *self.children]
        heads = [node.head if isinstance(node, Chunk) else node for node in nodes]
        own, *inside = [head for head in heads if head is not None and head.raw.strip()] or [Line(b"\n")]
        end = next((line.line_end for line in (own, *inside) if line.line_end), b"\n")
        if self.head is None:
            return own.indent, b"  ", end
        unit = b"\t" if own.indent.startswith(b"\t") else b"  "
        if not inside:
            return own.indent + unit, unit, end
        inner = inside[0].indent
        # A file whose indentation was stripped keeps having none.
        step = inner[len(own.indent) :] if inner.startswith(own.indent) else unit
        return inner, step, end

    def __repr__(self) -> str:
        """For whoever debugs."""
        return f"Chunk({self.head!r}, {len(self.children)} children)"


def parse(data: bytes, *, numbered: bool = True) -> Chunk:
    """The tree of a file; `numbered=False` for lines that stand in no file yet.

    Raises:
        ProjectError: a chunk that is never closed, a `>` without a chunk, chunks nested beyond reason, a file beyond
            `MAX_BYTES`. The line number is in the message and in `.line`.
    """
    check_size(len(data))
    chunk = root = Chunk()
    open_chunks: list[Chunk] = []
    # Only line feeds end a line for REAPER; a carriage return on its own stays inside it.
    for number, raw in enumerate(io.BytesIO(data), 1):
        text = raw.lstrip()
        if number == 1:
            text = text.removeprefix(_BOM)
        line = Line(raw, number if numbered else 0)
        if text.startswith(b"<"):
            if len(open_chunks) == MAX_DEPTH:
                raise ProjectError(f"chunks are nested more than {MAX_DEPTH} deep", number)
            open_chunks.append(chunk)
            inner = Chunk(line)
            chunk.children.append(inner)
            chunk = inner
        elif text.startswith(b">") and text.rstrip() == b">":
            if not open_chunks:
                raise ProjectError("a '>' closes a chunk that was never opened", number)
            chunk.end = line
            chunk = open_chunks.pop()
        else:
            chunk.children.append(line)
    if open_chunks:
        raise ProjectError(f"the chunk <{chunk.name} is never closed: the file is cut short", chunk.number)
    return root


def check_size(size_bytes: int) -> None:
    """Raises `ProjectError` for more than `MAX_BYTES`."""
    if size_bytes > MAX_BYTES:
        raise ProjectError(f"it is larger than any project ({size_bytes >> 20} MB; {MAX_BYTES >> 20} MB are allowed)")


def number(token: str) -> float:
    """NaN for what is no number; REAPER takes a comma for a point as well."""
    try:
        return float(token.replace(",", "."))
    except ValueError:
        return math.nan


def _finite(line: Line, token: str) -> float:
    value = number(token)
    if not math.isfinite(value):
        raise ProjectError(f"{line.name} holds {token[:40]!r}, which is not a number", line.number)
    return value


def split_tokens(text: str) -> list[str]:
    """The tokens of one line, without their quotes.

    >>> split_tokens('NAME "lead vocal" 5" `"x"`')
    ['NAME', 'lead vocal', '5"', '"x"']
    """
    return [match[match.lastindex or 0] for match in _TOKEN.finditer(text)]


def quote_token(text: str) -> str:
    """REAPER's quoting of one token on a project line: there is no escaping, only a choice of quote character.

    >>> quote_token("AEQ: warm 70%")
    '"AEQ: warm 70%"'
    """
    if text and not re.search(r"[ \t\r\n]", text) and text[0] not in "\"'`#;":
        return text
    for quote in "\"'`":
        if quote not in text:
            return f"{quote}{text}{quote}"
    # All three occur: REAPER gives up one of them.
    return "`" + text.replace("`", "'") + "`"
