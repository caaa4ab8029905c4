"""Audio as arrays: what callers pass in, whatever its type and layout. Torch is loaded when needed.

Shapes are (channels, samples) throughout, float32, full scale 1.0.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from ..eq import Range
from ..errors import AudioError

if TYPE_CHECKING:
    import torch

SAMPLE_RATES_HZ = Range(8_000, 192_000)
MAX_CHANNELS = 64


def as_channels(audio: Any, sample_rate: int) -> torch.Tensor:
    """Audio from a caller as a contiguous float32 tensor (channels, samples) on the device it came from.

    Args:
        audio: numpy or torch, (samples,) or (channels, samples), any memory layout. Floats have full scale 1.0;
            integers are PCM and are divided by their type's full scale (int8, int16, int32; uint8 is centered on 128).
        sample_rate: Hz, 8000 to 192000.

    The result may share memory with `audio`. Raises `AudioError` for any other type or shape, for no samples, more
    than 64 channels, NaN or infinity, and a sample rate out of range.
    """
    import torch

    sample_rate = check_sample_rate(sample_rate)
    tensor = _tensor(audio)
    if tensor.ndim == 1:
        tensor = tensor[None]
    if tensor.ndim != 2:
        raise AudioError(f"audio must be (samples,) or (channels, samples), not {tensor.ndim}-dimensional")
    channels, samples = tensor.shape
    if channels == 0 or samples == 0:
        raise AudioError(f"audio of shape {(channels, samples)} holds no samples")
    if channels > MAX_CHANNELS:
        hint = ": it looks like (samples, channels), pass audio.T" if samples <= MAX_CHANNELS else ""
        raise AudioError(f"audio of shape {(channels, samples)} has more than {MAX_CHANNELS} channels{hint}")
    tensor = tensor.to(torch.float32).contiguous()
    # a sum is finite only where all of it is, and looking at each sample takes ten times as long
    if not torch.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
        check_finite(tensor.cpu().numpy(), sample_rate, "audio")
    return tensor


def check_sample_rate(sample_rate: Any, what: str = "audio") -> int:
    """`sample_rate` as an int; raises `AudioError` if it is no whole number from 8000 to 192000 Hz."""
    with suppress(TypeError, ValueError, OverflowError):
        if isinstance(sample_rate, str | bytes | bytearray):  # which Python takes for numbers, and nothing later does
            raise TypeError
        if int(sample_rate) == float(sample_rate) and int(sample_rate) in SAMPLE_RATES_HZ:
            return int(sample_rate)
    low, high = SAMPLE_RATES_HZ.low, SAMPLE_RATES_HZ.high
    raise AudioError(f"{what} has a sample rate of {sample_rate} Hz: it must lie between {low} and {high}")


def check_finite(block: np.ndarray, sample_rate: int, what: str, offset: int = 0) -> None:
    """Raises `AudioError` with the time of the first sample that is no number.

    Args:
        block: (channels, samples), which begins `offset` samples after the start of `what`.
    """
    finite = np.isfinite(block)
    if not finite.all():
        frame = int(np.argmin(finite.all(axis=0)))
        seconds = (offset + frame) / sample_rate
        value = "NaN" if np.isnan(block[:, frame]).any() else "infinity"
        raise AudioError(f"{what} holds {value} at {seconds:.6g} s: repair or export it again")


def _tensor(audio: Any) -> torch.Tensor:
    import torch

    if isinstance(audio, torch.Tensor):
        tensor = audio.detach()
    else:
        try:
            array = np.asarray(audio)
        except (ValueError, TypeError):
            raise AudioError("audio must be an array of numbers, with as many in each channel") from None
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            raise AudioError(f"audio must be an array of floats or PCM integers, not of type {array.dtype}")
        # torch takes neither a foreign byte order nor negative strides, and warns of read-only memory.
        array = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
        # An axis of one sample counts as contiguous whatever its stride.
        odd = any(stride < 0 or stride % array.itemsize for stride in array.strides)
        try:
            tensor = torch.from_numpy(array.copy() if odd or not array.flags.writeable else array)
        except TypeError:  # numpy has several types of one size, such as ulonglong and uint64, of which torch knows one
            raise AudioError(f"audio of type {array.dtype} is not PCM: pass floats, int16 or int32") from None
    if tensor.is_floating_point():
        return tensor
    if tensor.dtype == torch.uint8:
        return (tensor.to(torch.float32) - 128) / 128
    if tensor.dtype not in (torch.int8, torch.int16, torch.int32):
        raise AudioError(f"audio of type {str(tensor.dtype)[6:]} is not PCM: pass floats, int16 or int32")
    return (tensor.to(torch.float64) / -torch.iinfo(tensor.dtype).min).to(torch.float32)
