"""The baseline: what people do on average for the word, whatever the sound. Presets do this."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..method import MethodInput


def curves(requests: Sequence[MethodInput]) -> Tensor:
    """(n, bands) dB, level-free."""
    return torch.stack([request.mean_db for request in requests])
