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
        run = _compiled() or _public
    # of pieces of `PIECE` samples, the last one being shorter, those that hold zeros only: (channels, pieces)
    quiet = ~np.logical_or.reduceat(sound != 0, np.arange(0, sound.shape[1], PIECE), axis=1)
    if not quiet.any():
        return run(sections, sound, state)
    if (quiet != quiet[0]).any():
        alone = [sosfilt(sections, sound[n : n + 1], state[:, n : n + 1]) for n in range(len(sound))]
        return np.concatenate([out for out, _ in alone]), np.concatenate([after for _, after in alone], axis=1)
    # After a sound the filters ring on, soon with numbers so small that processors take fifty times as long for them.
    edges = [0, *(np.flatnonzero(quiet[0, :-1] | quiet[0, 1:]) + 1) * PIECE, sound.shape[1]]
    parts = []
    for start, stop in pairwise(edges):
        if quiet[0, start // PIECE] and np.abs(state).max() < SPENT:
            found, state = np.zeros((len(sound), stop - start)), np.zeros(state.shape)
        else:
            found, state = run(sections, sound[:, start:stop], state)
        parts.append(found)
    return np.concatenate(parts, axis=1), state


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
def _compiled() -> Callable[..., tuple[np.ndarray, np.ndarray]] | None:
    if "scipy.signal" in sys.modules:
        return None  # nothing to be saved
    try:
        package: Any = find_spec("scipy")
        spec: Any = PathFinder.find_spec(_NAME, [f"{folder}/signal" for folder in package.submodule_search_locations])
        module: Any = module_from_spec(spec)
        spec.loader.exec_module(module)
        run = partial(_filtered, module._sosfilt)
        # two one-pole filters whose states are at 1 and 0
        found, after = run(
            np.array([[1.0, 0, 0, 1, -0.5, 0], [2.0, 0, 0, 1, 0.25, 0]]), np.array([[1.0, 0.0, 0.0]]),
            np.array([[[1.0, 0.0]], [[0.0, 0.0]]]),
        )  # fmt: skip
    except Exception:  # it is not there, or something else by now
        return None
    right = np.allclose(found, [[4.0, 1.0, 0.75]]) and np.allclose(after[:, 0, 0], [0.25, -0.1875])
    return run if right else None
