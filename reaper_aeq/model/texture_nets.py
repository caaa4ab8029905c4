"""The two networks that read a texture: a CNN and a transformer. Same input, same output.

Both pool over time and never over frequency: where something happens is the point.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from ..dsp.spectrum import N_MELS
from .eq_autoencoder import N_LATENT
from .texture import SEGMENT


class TextureNet(nn.Module):
    """CNN, (batch, mels, frames) -> (batch, 32)."""

    def __init__(self, keep_frequency: bool = True) -> None:
        """`keep_frequency` False is the published mistake, kept to show what it costs (`evaluate training`)."""
        super().__init__()
        self.keep_frequency = keep_frequency
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.GELU(),  # (16, 32, T/2)
            nn.Conv2d(16, 32, (3, 5), stride=2, padding=(1, 2)), nn.BatchNorm2d(32), nn.GELU(),  # (32, 16, T/4)
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.GELU(),  # (32, 16, T/4)
        )  # fmt: skip
        self.dropout = nn.Dropout(0.5)
        self.head = _head(32 * 2 * (N_MELS // 4 if keep_frequency else 1))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, mels, SEGMENT) -> codes (batch, 32)."""
        h = self.features(x[:, None])
        h = h if self.keep_frequency else h.flatten(2)[:, :, None]
        pooled = torch.cat([h.mean(-1), (h.var(-1, correction=0) + 1e-4).sqrt()], 1).flatten(1)  # (batch, 64 * 16)
        return self.head(self.dropout(pooled))


class TextureTransformer(nn.Module):
    """Patches of 8 mels by 16 frames (1.6 s) are a transformer encoder's tokens, (batch, mels, SEGMENT) -> (batch, 32).

    As the audio spectrogram transformer (Gong, Chung and Glass 2021), small, trained from nothing, and with a head that
    sees each frequency row of patches for itself instead of one class token.
    """

    PATCH, WIDTH = (8, 16), 48

    def __init__(self) -> None:
        super().__init__()
        width, rows, columns = self.WIDTH, N_MELS // self.PATCH[0], SEGMENT // self.PATCH[1]
        self.patches = nn.Conv2d(1, width, self.PATCH, stride=self.PATCH)
        self.where = nn.Parameter(0.02 * torch.randn(1, width, rows, 1))
        self.when = nn.Parameter(0.02 * torch.randn(1, width, 1, columns))
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, 0.3, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(0.5)
        self.head = _head(2 * width * rows)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, mels, SEGMENT) -> codes (batch, 32)."""
        patches = self.patches(x[:, None]) + self.where + self.when  # (batch, width, rows, columns)
        tokens = self.norm(self.encoder(patches.flatten(2).transpose(1, 2)))
        h = tokens.transpose(1, 2).unflatten(2, patches.shape[2:])
        pooled = torch.cat([h.mean(-1), (h.var(-1, correction=0) + 1e-4).sqrt()], 1).flatten(1)
        return self.head(self.dropout(pooled))


def _head(inputs: int) -> nn.Sequential:
    first, last = nn.Linear(inputs, 64), nn.Linear(64, N_LATENT)
    # starts by saying "usual", so that training only adds what it learns
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(first, nn.GELU(), nn.Dropout(0.5), last)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "cnn": TextureNet,
    "transformer": TextureTransformer,
    "cnn-pooled": partial(TextureNet, keep_frequency=False),
}
