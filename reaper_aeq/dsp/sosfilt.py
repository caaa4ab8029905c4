"""Second-order sections in series over a stream, by scipy's compiled loop.

All of `scipy.signal` takes more than a second to load, and nothing else of it is needed to hear a project or to write a
sound. So the one extension module is loaded by itself, and proven on a known filter; where that does not work out,
whatever scipy has become, its public function is used.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from itertools import pairwise
from typing import Any

import numpy as np

_NAME = "scipy.signal._sosfilt"
_loading = threading.Lock()
PIECE = 4096  # samples
SPENT = 1e-25  # of a filter's state: -500 dB, where nothing but silence follows


def sosfilt(sections: np.ndarray, sound: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What comes out, and the state after it; in silence what rings on below -500 dB is nothing.

    Args:
        sections: (n, 6) as scipy has them, a0 being 1, at least one.
        sound: (channels, samples) float64, at least one sample.
        state: (n, channels, 2), zeros at the beginning.
    """
    with _loading:
        compiled = _compiled()
    run = _public if compiled is None else partial(_filtered, compiled)
    each = [_silent_pieces(channel) for channel in sound]
    quiet = each[0]
    if not any(one.any() for one in each):
        return run(sections, sound, state)
    if not all(np.array_equal(one, quiet) for one in each[1:]):
        alone = [sosfilt(sections, sound[n : n + 1], state[:, n : n + 1]) for n in range(len(sound))]
        return np.concatenate([out for out, _ in alone]), np.concatenate([after for _, after in alone], axis=1)
    # After a sound the filters ring on, soon with numbers so small that processors take fifty times as long for them.
    edges = [0, *(np.flatnonzero(np.diff(quiet)) + 1) * PIECE, sound.shape[1]]
    parts = []
    for start, stop in pairwise(edges):
        silent = quiet[start // PIECE]
        at = start
        while at < stop:
            end = stop
            if silent and np.abs(state).max() < SPENT:
                found, state = np.zeros((len(sound), stop - at)), np.zeros(state.shape)
            else:
                end = min(at + PIECE, stop) if silent else stop
                found, state = run(sections, sound[:, at:end], state)
            parts.append(found)
            at = end
    return np.concatenate(parts, axis=1), state


def _silent_pieces(channel: np.ndarray) -> np.ndarray:
    """(samples,) -> (pieces,) bool: which pieces of `PIECE` samples, the last one being shorter, hold zeros only."""
    return ~np.logical_or.reduceat(channel != 0, np.arange(0, len(channel), PIECE))


def _public(sections: np.ndarray, sound: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.signal import sosfilt as public

    return public(sections, sound, axis=-1, zi=state)


def _filtered(
    compiled: Callable[..., None], sections: np.ndarray, sound: np.ndarray, state: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    out = np.array(sound, np.float64, order="C")
    after = np.array(state.transpose(1, 0, 2), np.float64, order="C")  # (channels, n, 2)
    compiled(np.array(sections, np.float64, order="C"), out, after)  # writes into both
    return out, after.transpose(1, 0, 2)


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., None] | None:
    if "scipy.signal" in sys.modules:
        return None  # nothing to be saved
    try:
        package = find_spec("scipy")
        folders = [f"{folder}/signal" for folder in (package.submodule_search_locations or ())] if package else []
        spec = PathFinder.find_spec(_NAME, folders)
        if spec is None or spec.loader is None:
            return None
        module: Any = module_from_spec(spec)
        spec.loader.exec_module(module)
        # two one-pole filters whose states are at 1 and 0
        found, after = _filtered(
            module._sosfilt, np.array([[1.0, 0, 0, 1, -0.5, 0], [2.0, 0, 0, 1, 0.25, 0]]), np.array([[1.0, 0.0, 0.0]]),
            np.array([[[1.0, 0.0]], [[0.0, 0.0]]]),
        )  # fmt: skip
    except Exception:
        return None
    right = np.allclose(found, [[4.0, 1.0, 0.75]]) and np.allclose(after[:, 0, 0], [0.25, -0.1875])
    return module._sosfilt if right else None
