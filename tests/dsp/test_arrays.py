"""Every array that can be audio becomes float32 (channels, n) with its values kept."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reaper_aeq.dsp.arrays import as_channels, check_sample_rate
from reaper_aeq.errors import AudioError

FLOATS = st.sampled_from([np.float16, np.float32, np.float64, np.dtype(">f4")])
SHAPES = st.one_of(st.tuples(st.integers(1, 300)), st.tuples(st.integers(1, 64), st.integers(1, 40)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_float_array_of_a_lawful_shape_keeps_its_values(data):
    kind = data.draw(FLOATS)
    width = np.dtype(kind).itemsize * 8
    elements = st.floats(-2, 2, width=width)
    array = data.draw(hnp.arrays(kind, data.draw(SHAPES), elements=elements))
    layout = data.draw(st.sampled_from(["C", "F", "reversed", "read-only", "torch", "torch.T"]))
    expected = np.atleast_2d(array).astype(np.float32)
    if layout == "F":
        array = np.asfortranarray(array)
    elif layout == "reversed":
        array = array[..., ::-1].copy()[..., ::-1]
    elif layout == "read-only":
        array.flags.writeable = False
    elif layout.startswith("torch"):
        array = torch.from_numpy(array.astype(kind if kind != np.dtype(">f4") else np.float32))
        array = array.T.contiguous().T if layout == "torch.T" and array.ndim == 2 else array
    tensor = as_channels(array, 44_100)
    assert tensor.dtype == torch.float32 and tensor.is_contiguous()
    assert np.array_equal(tensor.numpy(), expected)


def test_one_sample_in_an_odd_layout():
    packed = np.array([(1, 0.5)], dtype=[("id", "i2"), ("sample", "f4")])["sample"]  # a stride of 6 bytes
    assert as_channels(packed, 44_100).tolist() == [[0.5]]
    assert as_channels(np.array([[0.5], [1.0]])[::-1, ::-1], 44_100).tolist() == [[1.0], [0.5]]
    assert as_channels(np.array([0.5])[::-1], 44_100).tolist() == [[0.5]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_first_bad_sample_of_an_array_is_named(data):
    array = np.zeros(data.draw(st.tuples(st.integers(1, 64), st.integers(1, 50))))
    channel = data.draw(st.integers(0, array.shape[0] - 1))
    frame = data.draw(st.integers(0, array.shape[1] - 1))
    array[channel, frame:] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf, 1e300]))
    with pytest.raises(AudioError, match=re.escape(f" at {frame / 8000:.6g} s:")):
        as_channels(array if data.draw(st.booleans()) else torch.from_numpy(array), 8000)


@pytest.mark.parametrize("kind", ["int8", "int16", "int32"])
def test_pcm_is_scaled_by_its_full_scale(kind):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    array = np.array([low, 0, high // 2 + 1, high], dtype=kind)
    for audio in (array, torch.from_numpy(array)):
        assert as_channels(audio, 44_100)[0].tolist() == pytest.approx([-1, 0, 0.5, high / -low])
    assert as_channels(np.array([0, 128, 192], dtype=np.uint8), 44_100)[0].tolist() == [-1, 0, 0.5]


@pytest.mark.parametrize(
    ("audio", "sentence"),
    [
        (np.zeros((44_100, 2)), r"shape \(44100, 2\) .* it looks like \(samples, channels\), pass audio.T"),
        (np.zeros((65, 100)), r"shape \(65, 100\) has more than 64 channels$"),
        (np.zeros(0), "holds no samples"),
        (np.zeros((0, 10)), "holds no samples"),
        (torch.zeros(2, 0), "holds no samples"),
        (np.zeros((1, 2, 3)), "not 3-dimensional"),
        (np.float32(1), "not 0-dimensional"),
        (np.zeros(10, dtype=np.int64), "int64 is not PCM: pass floats, int16 or int32"),
        (np.zeros(10, dtype=np.uint16), "uint16 is not PCM"),
        (np.zeros(10, dtype=np.ulonglong), "uint64 is not PCM"),
        (torch.zeros(10, dtype=torch.bool), "bool is not PCM"),
        (np.zeros(10, dtype=complex), "not of type complex128"),
        (np.zeros(10, dtype=bool), "not of type bool"),
        (torch.zeros(10, dtype=torch.complex64), "complex64 is not PCM"),
        (None, "not of type object"),
        ("a.wav", "not of type <U5"),
    ],
)
def test_arrays_that_are_no_audio(audio, sentence):
    with pytest.raises(AudioError, match=sentence):
        as_channels(audio, 44_100)


def test_a_tensor_that_requires_gradients_is_only_read():
    assert not as_channels(torch.zeros(4, requires_grad=True), 44_100).requires_grad


@pytest.mark.parametrize("rate", [0, -1, 7_999, 192_001, 44_100.5, float("nan"), float("inf"), None, "fast"])
def test_sample_rates_out_of_range(rate):
    with pytest.raises(AudioError, match=r"between 8000 and 192000$"):
        as_channels(np.zeros(4), rate)


def test_sample_rates_of_other_types():
    assert [check_sample_rate(r) for r in (8_000, 192_000, 44_100.0, np.int64(48_000))] == [
        8_000,
        192_000,
        44_100,
        48_000,
    ]
