"""Second-order sections in series over a stream, by scipy's compiled loop.

All of `scipy.signal` takes more than a second to load, and nothing else of it is needed to hear a project or to write a
sound. So the one extension module is loaded by itself, and proven on a known filter; where that does not work out,
whatever scipy has become, its public function is used.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

import numpy as np

_NAME = "scipy.signal._sosfilt"
_loading = threading.Lock()


def sosfilt(sections: np.ndarray, sound: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What comes out, and the state after it.

    Args:
        sections: (n, 6) as scipy has them, a0 being 1, at least one.
        sound: (channels, samples) float64, at least one sample.
        state: (n, channels, 2), zeros at the beginning.
    """
    with _loading:
        compiled = _compiled()
    if compiled is None:
        from scipy.signal import sosfilt as public

        return public(sections, sound, axis=-1, zi=state)
    return _filtered(compiled, sections, sound, state)


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
