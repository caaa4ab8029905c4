"""A project file as a tree of lines: what was not touched comes back byte for byte (docs/reaper.md, section 6)."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence

from reaper_aeq.reaper.reaeq.instance import quote_token

_TOKEN = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s]+))""")


class Node:
    """One `<NAME ...` to `>`: `body` holds lines (with their indentation, without line end) and nodes, in order."""

    __slots__ = ("body", "head", "tail")

    def __init__(self, head: str, body: list[str | Node] | None = None, tail: str | None = None):
        self.head = head
        self.body = body if body is not None else []
        self.tail = tail if tail is not None else head[: len(head) - len(head.lstrip())] + ">"

    @property
    def name(self) -> str:
        return tokens(self.head)[0][1:]

    @property
    def arguments(self) -> list[str]:
        return tokens(self.head)[1:]

    @property
    def indent(self) -> str:
        return self.head[: len(self.head) - len(self.head.lstrip())]

    def nodes(self, *names: str) -> list[Node]:
        return [part for part in self.body if isinstance(part, Node) and (not names or part.name in names)]

    def node(self, *names: str) -> Node | None:
        return next(iter(self.nodes(*names)), None)

    def index(self, key: str, start: int = 0, stop: int | None = None) -> int:
        """Where the line `key ...` is in `body`; -1 if nowhere."""
        for place in range(start, len(self.body) if stop is None else stop):
            part = self.body[place]
            if isinstance(part, str) and part.split(None, 1)[:1] == [key]:
                return place
        return -1

    def get(self, key: str, start: int = 0, stop: int | None = None) -> list[str] | None:
        place = self.index(key, start, stop)
        return None if place < 0 else tokens(self.body[place])[1:]

    def number(self, key: str, field: int = 0, default: float = 0.0, start: int = 0, stop: int | None = None) -> float:
        values = self.get(key, start, stop)
        return float(values[field]) if values and field < len(values) else default

    def line(self, key: str, values: Sequence[object]) -> str:
        return " ".join((self.indent + "  " + key, *map(_text, values)))

    def set(self, key: str, values: Sequence[object], after: Sequence[str] = (), start: int = 0) -> None:
        """Replaces the line `key` from `start` on, or puts one behind the last of `after` (else at the front)."""
        place = self.index(key, start)
        if place >= 0:
            self.body[place] = self.line(key, values)
            return
        place = max((self.index(other, start) for other in after), default=-1)
        self.body.insert(max(place, start - 1) + 1, self.line(key, values))

    def set_field(self, key: str, field: int, value: object, defaults: Sequence[object] = ()) -> None:
        """Changes one value of a line and leaves the others as they were written."""
        values: list[object] = list(self.get(key) or ())
        values += list(defaults)[len(values) :]
        values[field] = value
        self.set(key, values)

    def lines(self) -> Iterator[str]:
        yield self.head
        for part in self.body:
            if isinstance(part, Node):
                yield from part.lines()
            else:
                yield part
        yield self.tail

    def copy(self) -> Node:
        return copy.deepcopy(self)

    def reindent(self, indent: str) -> Node:
        """The same lines, two spaces a level from `indent` on (chunks that scripts pass have none)."""
        body = [p.reindent(indent + "  ") if isinstance(p, Node) else indent + "  " + p.lstrip() for p in self.body]
        return Node(indent + self.head.lstrip(), body, indent + ">")

    def flat(self) -> str:
        """The chunk as `Get...StateChunk` hands it out: no indentation."""
        return "\n".join(line.lstrip() for line in self.lines()) + "\n"


def parse(data: bytes) -> tuple[Node, str]:
    """A whole file as its outermost node and its line end; raises ValueError for what is not a project."""
    text = data.decode("utf-8", "surrogateescape")
    ending = "\r\n" if "\r\n" in text else "\n"
    return parse_lines(text.split(ending)), ending


def parse_lines(lines: Sequence[str]) -> Node:
    root = Node("", [])
    stack = [root]
    for line in lines:
        word = line.strip()
        if word.startswith("<"):
            node = Node(line, [])
            stack[-1].body.append(node)
            stack.append(node)
        elif word == ">":
            if len(stack) == 1:
                raise ValueError("a chunk is closed that was never opened")
            stack.pop().tail = line
        elif len(stack) > 1:
            stack[-1].body.append(line)
        elif word:
            raise ValueError(f"a line outside every chunk: {line!r}")
    if len(stack) != 1 or len(root.body) != 1:
        raise ValueError("not one whole chunk")
    return root.body[0]


def tokens(line: str) -> list[str]:
    """REAPER's splitting: three kinds of quotes, no escaping.

    >>> tokens("NAME 'say \\"hey\\"' ``")
    ['NAME', 'say "hey"', '']
    """
    return [next((g for g in match.groups() if g is not None), "") for match in _TOKEN.finditer(line)]


def number_text(value: float) -> str:
    """A number as REAPER's newer versions write it: no trailing zeros, 14 places at most."""
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.14f}".rstrip("0")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return number_text(value)
    return quote_token(str(value))
