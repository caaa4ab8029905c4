"""Tracks that feed each other in a circle: which these are, and where a long circle is cut.

By hand, for `graphlib` gives no order as soon as there is one circle, and REAPER allows them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

Feeds = Sequence[Sequence[int]]  # for each track the numbers of those that feed it


def groups(feeds: Feeds) -> list[list[int]]:
    """All tracks, those that feed each other in a circle together, what feeds others first (Tarjan 1972)."""
    found: list[list[int]] = []
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for start in range(len(feeds)):
        waiting = [] if start in low else [(start, iter(feeds[start]))]
        order: dict[int, int] = {}
        while waiting:
            number, left = waiting[-1]
            if number not in order:
                order[number] = low[number] = len(low)
                stack.append(number)
                on_stack.add(number)
            for source in left:
                if source not in low:
                    waiting.append((source, iter(feeds[source])))
                    break
                if source in on_stack:
                    low[number] = min(low[number], low[source])
            else:
                waiting.pop()
                if waiting:
                    low[waiting[-1][0]] = min(low[waiting[-1][0]], low[number])
                if low[number] == order[number]:
                    found.append([stack.pop()])
                    while found[-1][-1] != number:
                        found[-1].append(stack.pop())
                    on_stack.difference_update(found[-1])
    return found


def closing(group: Sequence[int], feeds: Feeds, sounding: Collection[int]) -> set[tuple[int, int]]:
    """(source, receiver) of what has to be left out of a circle so that none is left.

    It is cut behind one track: the one that most others feed, as a bus that sends back to what it is fed by; of several
    one that lies before a track of the `sounding`, which have a sound of their own, and has none itself: so little of
    what sounds is lost.
    """
    inside = set(group)
    before_sound = {source for number in group if number in sounding for source in feeds[number]}

    def rank(number: int) -> tuple[int, bool, bool, int]:
        fed_by = len(inside.intersection(feeds[number]))
        return -fed_by, number in sounding, number not in before_sound, number

    cut: set[tuple[int, int]] = set()
    done: set[int] = set()
    for start in sorted(group, key=rank):
        under_way = {} if start in done else {start: iter(feeds[start])}
        while under_way:
            number, left = next(reversed(under_way.items()))
            for source in left:
                if source in under_way:
                    cut.add((source, number))
                elif source in inside and source not in done:
                    under_way[source] = iter(feeds[source])
                    break
            else:
                del under_way[number]
                done.add(number)
    return cut
