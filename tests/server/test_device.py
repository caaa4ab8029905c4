"""Networks on a GPU, the rest on the CPU: torch's fake tensors know devices without having them."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from reaper_aeq.model import audio_encoder
from reaper_aeq.model.eq_autoencoder import EqAutoencoder


@pytest.mark.parametrize("moved", ["everything", "only the networks"])  # cuda, mps (see AdaptiveEQ.load)
def test_codes_find_their_way_back_from_a_gpu(monkeypatch, moved):
    with FakeTensorMode():
        # their results are plain numbers on the CPU, which fake tensors cannot count out
        monkeypatch.setattr(audio_encoder, "segments", lambda texture_map: torch.zeros(3, 64, 96))
        monkeypatch.setattr(audio_encoder, "statistics", lambda texture_map: torch.zeros(50))
        encoder, eq_model = audio_encoder.AudioEncoder(2, 3, 50).eval(), EqAutoencoder()
        with torch.device("cuda"):
            there = audio_encoder.AudioEncoder(2, 3, 50).eval()
        if moved == "everything":
            encoder = there
        else:
            encoder.members = there.members
        assert next(encoder.members.parameters()).device.type == "cuda"
        codes = torch.stack([encoder.natural_code(torch.zeros(64, 200)) for _ in range(2)])
        assert codes.shape == (2, 32)
        assert eq_model.decode_curve(codes.to(eq_model.decoder.weight)).device.type == "cpu"
