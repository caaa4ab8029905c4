"""Words that mean that nothing should be left at an end of the spectrum: less rumble, tight, less fizzy.

Where an engineer hears such a word a pass filter is dialled in, not a shelf. It is told by the word's curve: a cut that
reaches the very end, is half done close to it, and leaves the rest alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..dsp.few_bands import all_wanted
from ..model.curves import GRID

LOW_UP_TO_HZ, HIGH_FROM_HZ = 82.0, 7900.0  # where the cut is half done at most, and at least
MIDDLE_HZ = (250.0, 2000.0)
LEAST_CUT_DB = 1.5
ELSEWHERE = 0.5  # of the cut: what the word may do beside it


def ends_wanted_gone(word_db: Tensor | None) -> tuple[Tensor, Tensor]:
    """Of a word's curve (bands,) dB: below and above what nothing is wanted, Hz (2,), 0 and infinity where all is; and
    where that is, bool (bands,): there more of a cut is no error."""
    ends, where = all_wanted(), torch.zeros(len(GRID), dtype=torch.bool)
    if word_db is None:
        return ends, where
    middle = (MIDDLE_HZ[0] < GRID) & (MIDDLE_HZ[1] > GRID)
    cut = word_db[middle].median() - word_db
    for end, towards in enumerate((cut, cut.flip(0))):
        depth = float(towards[0])
        gone = int((towards < 0.5 * depth).int().argmax()) if depth >= LEAST_CUT_DB else 0
        edge_hz = float(GRID[gone - 1] if end == 0 else GRID[-gone]) if gone else 0.0
        near = 0 < edge_hz <= LOW_UP_TO_HZ if end == 0 else edge_hz >= HIGH_FROM_HZ
        if near and float(towards[gone:].abs().max()) <= ELSEWHERE * depth:
            ends[end] = edge_hz
            where[slice(0, gone) if end == 0 else slice(len(GRID) - gone, None)] = True
    return ends, where
