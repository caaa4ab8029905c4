"""A ReaEQ's parameters over its stored state: order, names, idents and value mappings (docs/reaper.md, 3 and 4).

The mappings are written out here again, apart from reaper_aeq.reaper.reaeq.values: a mistake there must show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from reaper_aeq.reaper.reaeq.instance import decode_state, encode_state
from reaper_aeq.reaper.reaeq.state import ReaEqState, StateBand

from .errors import StandInError
from .tree import Node

NAMES = {
    0: "Low Shelf",
    1: "High Shelf",
    2: "Band (alt 2)",
    3: "Low Pass",
    4: "High Pass",
    5: "All Pass",
    6: "Notch",
    7: "Band Pass",
    8: "Band",
    9: "Band (alt)",
    10: "Parallel Band Pass",
}
# the numbers of GetEQParam and SetEQParam are not those of the state (2.1); all pass has none
API_TYPE = {0: 1, 1: 4, 2: 2, 8: 2, 9: 2, 3: 5, 4: 0, 6: 3, 7: 6, 10: 7}
STATE_TYPE = {1: 0, 4: 1, 2: 8, 5: 3, 0: 4, 3: 6, 6: 7, 7: 10}
MASTER = -1
FREQ, GAIN, WIDTH = 0, 1, 2
_FIELDS = ("freq_hz", "gain", "bandwidth_oct")
DEFAULT = ReaEqState(
    (
        StateBand(0, True, 100.0, 1.0, 0.8),
        StateBand(8, True, 300.0),
        StateBand(8, True, 1000.0),
        StateBand(1, True, 5000.0, 1.0, 0.8),
        StateBand(4, False, 100.0),
    )
)


def to_raw(field: int, value: float) -> float:
    """A value in ReaEQ's units as GetParam gives it."""
    if field == FREQ:
        return math.log((value - 20) * 400 / 23980 + 1) / math.log(401)
    return value / 4


def from_raw(field: int, raw: float) -> float:
    raw = min(max(raw, 0.0), 1.0)
    if field == FREQ:
        return 20 + 23980 * (401**raw - 1) / 400
    return max(raw * 4, 0.01) if field == WIDTH else raw * 4


def to_normalized(field: int, value: float) -> float:
    """The 0..1 of ...ParamNormalized and GetEQParam: only gain differs from the raw scale."""
    if field != GAIN:
        return to_raw(field, value)
    return value / 2 if value <= 1 else 0.5 + (value - 1) / 6


def from_normalized(field: int, x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    if field != GAIN:
        return from_raw(field, x)
    return 2 * x if x <= 0.5 else 1 + 6 * (x - 0.5)


def clamp(field: int, value: float) -> float:
    low, high = ((20.0, 24_000.0), (0.0, 4.0), (0.01, 4.0))[field]
    return min(max(value, low), high)


@lru_cache(maxsize=4096)
def _decoded(lines: tuple[str, ...]) -> ReaEqState:
    """A state is read with every call: what the same lines say is kept."""
    return decode_state(lines)


@dataclass(frozen=True)
class Place:
    """What a parameter index means: field of a band, or of the whole instance (band None: the global gain)."""

    band: int | None
    field: int


class ReaEq:
    """One instance in a chain; every change is written back into its base64 lines."""

    def __init__(self, node: Node):
        self.node = node

    @staticmethod
    def is_one(node: Node) -> bool:
        words = node.arguments
        by_id = any(word.split("<")[0] == "1919247729" for word in words[2:])
        return node.name == "VST" and (by_id or words[1].lower().startswith("reaeq"))

    @property
    def state(self) -> ReaEqState:
        return _decoded(tuple(self.node.body))

    def write(self, state: ReaEqState) -> bool:
        """Whether anything changed; the lines are left alone otherwise."""
        if state == self.state:
            return False
        self.node.body = [f"{self.node.indent}  {line}" for line in encode_state(state)]
        return True

    @property
    def count(self) -> int:
        """Parameters of its own: three a band and the global gain."""
        return 3 * len(self.state.bands) + 1

    def place(self, index: int) -> Place | None:
        bands = len(self.state.bands)
        if 0 <= index < 3 * bands:
            return Place(index // 3, index % 3)
        return Place(None, GAIN) if index == 3 * bands else None

    def value(self, place: Place) -> float:
        state = self.state
        return state.gain if place.band is None else getattr(state.bands[place.band], _FIELDS[place.field])

    def set_value(self, place: Place, value: float) -> bool:
        state, value = self.state, clamp(place.field, value)
        if place.band is None:
            return self.write(replace(state, gain=value))
        return self.set_band(place.band, **{_FIELDS[place.field]: value})

    def set_band(self, band: int, **fields) -> bool:
        state = self.state
        bands = list(state.bands)
        bands[band] = replace(bands[band], **fields)
        return self.write(replace(state, bands=tuple(bands)))

    def name(self, place: Place) -> str:
        if place.band is None:
            return "Global Gain"
        kind = self.state.bands[place.band].type
        number = "" if kind == 0 and place.band == 0 else f" {place.band + 1}"
        return f"{('Freq', 'Gain', 'BW')[place.field]}-{NAMES[kind]}{number}"

    def formatted(self, place: Place, value: float) -> str:
        """Numbers without a unit (2.4)."""
        if place.field == GAIN:
            return f"{20 * math.log10(value):.1f}" if value > 0 else "-inf"
        return f"{value:.1f}" if place.field == FREQ else f"{value:.2f}"

    def find(self, api_type: int, number: int) -> int | None:
        """Index of the `number`-th band of a type in SetEQParam's numbering."""
        found = [i for i, band in enumerate(self.state.bands) if API_TYPE.get(band.type) == api_type]
        return found[number] if 0 <= number < len(found) else None

    def number_of(self, band: int) -> tuple[int, int]:
        """A band's type and number in GetEQParam's numbering."""
        bands = self.state.bands
        kind = API_TYPE.get(bands[band].type)
        if kind is None:
            raise StandInError("not modeled", "what GetEQParam says of an all-pass band")
        return kind, sum(API_TYPE.get(other.type) == kind for other in bands[:band])

    def create(self, api_type: int, at_end: bool) -> int:
        """A band that was missing; real REAPER makes it, at a place that nobody has confirmed."""
        state = self.state
        new = StateBand(STATE_TYPE[api_type], True, 1000.0)
        place = len(state.bands) if at_end else 0
        self.write(replace(state, bands=(*state.bands[:place], new, *state.bands[place:])))
        return place
