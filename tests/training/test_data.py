"""The data sets as curves: parameters read by the law of the filters, repeated settings found, mistakes told."""

from __future__ import annotations

import csv
import wave

import numpy as np
import pytest
import torch

from reaper_aeq.dsp.response import eq_from_params
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.errors import AeqError
from reaper_aeq.model.curves import GRID, N_GRID, rms_db
from reaper_aeq.training.datasets.readers import (
    SAFE_KINDS,
    read_clips,
    read_contributions,
    read_ltas_prior,
    read_safe,
    read_safe_params,
    read_social_words,
)
from reaper_aeq.training.loop import near_duplicates

SAFE_KEYS = [
    "low_shelf_gain_db", "low_shelf_freq_hz", "peak1_gain_db", "peak1_freq_hz", "peak1_q", "peak2_gain_db",
    "peak2_freq_hz", "peak2_q", "peak3_gain_db", "peak3_freq_hz", "peak3_q", "high_shelf_gain_db", "high_shelf_freq_hz",
]  # fmt: skip
FLAT = [0, 100, 0, 300, 0.7, 0, 1000, 0.7, 0, 3000, 0.7, 0, 8000]
SOCIAL_HZ = (20, 100, 1000, 10_000, 19_682)


def table(path, keys, rows, delimiter=","):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([keys, *rows])


def safe_row(word: str, **changes: float) -> list:
    values = dict(zip(SAFE_KEYS, FLAT, strict=True)) | changes
    return [1, word, *values.values(), "", ""]


@pytest.fixture
def folder(tmp_path):
    rows = [
        safe_row("Warm", low_shelf_gain_db=6.0, low_shelf_freq_hz=200),
        safe_row(" bright ", high_shelf_gain_db=4.0),
        safe_row("test", peak1_gain_db=12.0),
        safe_row("warm", peak2_gain_db=-6.0, peak2_q=1.4142),
    ]
    table(tmp_path / "safe_eq.csv", ["id", "descriptor", *SAFE_KEYS, "genre", "source"], rows)
    gains = [f"g{hz}" for hz in SOCIAL_HZ]
    table(
        tmp_path / "socialeq_words.csv",
        ["word", "language", "n_people", "agreement", *gains],
        [["warm", "en", 7, 0.5, 2, 2, 0, -1, -1], ["claro", "es", 3, 0.4, -1, -1, 0, 1, 1]],
    )
    table(
        tmp_path / "socialeq_contributions.csv",
        ["word", "language", "audio_id", "consistency", *gains],
        [["warm", "en", 8, 0.8, 1, 1, 0, 0, 0]],
    )
    table(
        tmp_path / "ltas_prior.tsv",
        ["source_repo", "codec_cutoff_hz", *(f"hz_{hz:.1f}" for hz in GRID_HZ)],
        [["a/b", 24_000, *range(N_GRID)], ["c/d", 15_200, *range(N_GRID)]],
        "\t",
    )
    return tmp_path


def test_safe_rows_become_curves(folder):
    safe = read_safe(folder)
    assert safe.words == ("warm", "bright", "warm")  # 'test' is no word
    assert safe.curves_db.shape == (3, N_GRID) and safe.curves_db.dtype == torch.float64
    low, high = safe.curves_db[0], safe.curves_db[1]
    assert low[0].item() == pytest.approx(6.0, abs=0.1) and low[-1].item() == pytest.approx(0.0, abs=0.01)
    assert np.interp(200, GRID_HZ, low) == pytest.approx(3.0, abs=0.1)  # a shelf's corner is at half its gain
    assert high[0].item() == pytest.approx(0.0, abs=0.01) and high[-1].item() == pytest.approx(4.0, abs=0.3)
    peak = safe.curves_db[2]
    assert peak[32].item() == pytest.approx(-6.0, abs=0.01)
    half = GRID_HZ[(peak < -2.95).numpy()]
    assert 0.8 < np.log2(half.max() / half.min()) < 1.2  # Q 1.41 is an octave between the points of half gain
    assert safe.of("warm").shape == (2, N_GRID) and safe.of("loud").shape == (0, N_GRID)
    assert safe.subset([False, True, True]).words == ("bright", "warm")


def test_a_safe_row_as_an_eq_does_the_same(folder):
    eq = eq_from_params(read_safe_params(folder)[0], SAFE_KINDS)
    assert [band.kind for band in eq.bands] == ["low_shelf", "band", "band", "band", "high_shelf"]
    np.testing.assert_allclose(eq.response_db(GRID_HZ, 48_000), read_safe(folder).curves_db[0].numpy(), atol=1e-9)


def test_socialeq_words_and_people(folder):
    warm, claro = read_social_words(folder)
    assert (warm.name, warm.language, warm.people) == ("warm", "en", 7) and claro.language == "es"
    assert warm.curve[0] == 2.0 and warm.curve[32] == 0.0 and warm.curve[-1] == -1.0
    keys, curves = read_contributions(folder)
    assert keys == [("warm", "en")] and curves.shape == (1, N_GRID)


def test_spectra_of_music_know_where_a_codec_cut(folder):
    prior = read_ltas_prior(folder)
    assert prior.sources == ("a/b", "c/d") and prior.ltas_db[0].tolist() == list(range(N_GRID))
    assert bool(prior.known[0].all())
    assert GRID[prior.known[1]].max() < 15_200 / 2 ** (1 / 12) < GRID[~prior.known[1]].min()


@pytest.mark.parametrize("read", [read_safe, read_social_words, read_contributions, read_ltas_prior])
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(AeqError, match=r"cannot read the data set .*\.(csv|tsv): there is no such file"):
        read(tmp_path)


def test_near_duplicates_share_a_group():
    base = torch.sin(GRID.log2())[None] * torch.tensor([[1.0], [5.0], [9.0]])
    curves = torch.cat([base, base[1:2] + 0.2 * torch.cos(GRID.log2()), base[:1] + 7.0])
    assert near_duplicates(curves).tolist() == [0, 1, 2, 1, 0]  # another level is the same setting
    assert near_duplicates(curves[:3]).tolist() == [0, 1, 2]


def test_near_duplicates_follow_chains():
    step = torch.sin(GRID.log2())
    step = 0.4 / rms_db(step) * step
    curves = torch.stack([k * step for k in (3, 1, 0, 2, 30)])
    assert near_duplicates(curves).tolist() == [0, 0, 0, 0, 1]


def store(path, sound: np.ndarray, rate: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((32767 * sound).astype("<i2").tobytes())


def noise(seed: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(16_000)


def test_recordings_of_sub_folders_are_sources(tmp_path):
    store(tmp_path / "band" / "one.wav", noise(0))
    store(tmp_path / "other" / "two.wav", noise(1))
    store(tmp_path / "other" / "silent.wav", np.zeros(16_000))
    (tmp_path / "other" / "broken.wav").write_bytes(b"RIFF and nothing else")
    (tmp_path / "other" / "notes.txt").write_text("no audio")
    told: list[str] = []
    clips = read_clips([tmp_path], told.append)
    assert [(c.name, c.source, c.kind) for c in clips] == [("one.wav", "band", "mix"), ("two.wav", "other", "mix")]
    assert len(told) == 2 and "silent.wav is silent: left out" in " ".join(told) and "broken.wav" in " ".join(told)
    assert GRID[clips[0].known].max() < 8000  # Nyquist


def test_a_manifest_says_what_recordings_are(tmp_path):
    store(tmp_path / "one.wav", noise(0))
    store(tmp_path / "two.wav", noise(1))
    table(
        tmp_path / "MANIFEST.tsv", ["file", "kind", "source_repo", "codec_cutoff_hz"],
        [["one.wav", "vocals", "a/b", "4000"]], "\t",
    )  # fmt: skip
    one, two = read_clips([tmp_path])
    assert (one.kind, one.source) == ("vocals", "a/b") and GRID[one.known].max() < 4000
    assert (two.kind, two.source) == ("mix", tmp_path.name) and GRID[two.known].max() > 4000


def test_recordings_are_also_heard_faster_and_slower(tmp_path):
    """A sixth of an octave is one band of the grid."""
    hz = np.fft.rfftfreq(32_000, 1 / 16_000)
    peak = np.exp(-0.5 * np.log2(np.maximum(hz, 1) / 1000) ** 2)
    store(tmp_path / "one.wav", np.fft.irfft(np.fft.rfft(np.random.default_rng(0).standard_normal(32_000)) * peak))
    (plain,), (clip,) = read_clips([tmp_path]), read_clips([tmp_path], other_speeds=True)
    assert plain.other_speeds == () and len(clip.other_speeds) == 2
    here = clip.analysis.ltas_db()
    for other, bands in zip(clip.other_speeds, (1, -1), strict=True):
        assert (other.name, other.source, other.kind) == (clip.name, clip.source, clip.kind)
        moved = other.analysis.ltas_db().roll(-bands)
        assert (moved - here)[20:44].std() < 0.2
        assert int(other.known.sum()) == int(clip.known.sum()) + bands


def test_a_folder_without_recordings_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no audio")
    with pytest.raises(AeqError, match="holds no recordings"):
        read_clips([tmp_path])


@pytest.mark.shared
def test_the_data_sets_are_read_whole(shared_dir):
    safe = read_safe(shared_dir / "data")
    assert len(safe.words) > 1000 and len(safe.of("warm")) > 300 and bool(torch.isfinite(safe.curves_db).all())
    words, (keys, curves) = read_social_words(shared_dir / "data"), read_contributions(shared_dir / "data")
    assert len(words) > 100 and len(keys) == len(curves) > 1000
    prior = read_ltas_prior(shared_dir / "data")
    assert len(prior.sources) > 400 and bool(torch.isfinite(prior.ltas_db[prior.known]).all())
