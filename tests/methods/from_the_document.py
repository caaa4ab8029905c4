"""`docs/algorithm.md` written again in numpy, from the page and the tensors of the shipped models alone.

Float64 throughout, where the program has single precision in the spectra and in what tells how bands move. Nothing of
`reaper_aeq` is imported; sections are those of the page, and so are the names.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from math import ceil, erf, floor
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

MODELS = Path(__file__).parents[2] / "models"
KINDS = ("mix", "drums", "speech", "bass", "vocals", "guitar", "keys", "strings", "wind", "synth")

GRID = 1000 * 2 ** (np.arange(-32, 26 + 1) / 6)
COMPARED = (np.arange(59) >= 6) & (np.arange(59) <= 56)
N_FINE, N_SPECTRAL = 409, 121


# Curves


def center(curve):
    return curve - curve[COMPARED].mean()


def rms(curve):
    return np.sqrt((center(curve)[COMPARED] ** 2).mean())


def share_of(curve, axis, weight):
    """How many times `axis` a curve holds, by least squares, each band as much as its weight."""
    weight = weight / weight.sum()
    curve, axis = curve - weight @ curve, axis - weight @ axis
    return (weight * curve) @ axis / ((weight * axis) @ axis)


def bounded(d):
    return np.sign(d) * np.where(np.abs(d) <= 15, np.abs(d), 15 + 9 * np.log1p(np.maximum(np.abs(d) - 15, 0) / 9))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# 1. Features
@dataclass
class Measured:
    """`ltas` (59,) dB, `features` (649,), NaN where unknown, `reach` (59,) bool."""

    ltas: np.ndarray
    features: np.ndarray
    reach: np.ndarray


def rise(count, samples, length):
    """Half a cosine, of the first `count` samples of a fade of `length` samples."""
    at = np.minimum((np.arange(count) + 0.5) / length, 1)
    return np.concatenate([0.5 - 0.5 * np.cos(np.pi * at), np.ones(samples - count)])


def frames_of(sound, rate, size):
    """(channels, samples) -> (frames, bins): |FFT|^2, channels summed."""
    sound = sound.astype(np.float64)
    hop, samples = size // 2, sound.shape[1]
    sound = sound * rise(min(ceil(0.002 * rate), samples), samples, 0.002 * rate)
    sound = np.pad(sound, ((0, 0), (hop, 0)))
    whole = (sound.shape[1] - size) // hop + 1 if sound.shape[1] >= size else 0
    rest = sound[:, whole * hop :]
    rest = rest * rise(rest.shape[1], rest.shape[1], 0.01 * rate)[::-1]
    last = np.pad(rest, ((0, 0), (0, size - rest.shape[1] % hop)))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)

    def powers(x, count):
        cut = np.stack([x[:, n * hop : n * hop + size] for n in range(count)], 1) * window
        return (np.abs(np.fft.rfft(cut)) ** 2).sum(0)

    parts = [powers(sound, whole)] if whole else []
    return np.concatenate([*parts, powers(last, (last.shape[1] - size) // hop + 1)])


def sixths(rate, bins, width):
    """(bins, 59): the share of each bin that lies in each band."""
    middle, edge = np.arange(bins)[:, None] * width, 2 ** (1 / 12)
    inside = np.minimum(middle + width / 2, GRID * edge) - np.maximum(middle - width / 2, GRID / edge)
    return np.clip(inside / width, 0, 1) * (GRID * edge <= rate / 2)


def mels(bins, width):
    """(bins, 64): triangles from 30 Hz to 16 kHz, even in mel."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (30, 16_000))
    corners = 700 * (10 ** (np.linspace(low, high, 66) / 2595) - 1)
    hz = np.arange(bins)[:, None] * width
    up = (hz - corners[:-2]) / (corners[1:-1] - corners[:-2])
    down = (corners[2:] - hz) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(up, down))


def measured(sound, rate):
    size = 2 * round(0.18 * rate / 2)
    width = rate / size
    power = frames_of(sound, rate, size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    scaled = power * 2 / (size * (window**2).sum())
    band = (scaled @ sixths(rate, power.shape[1], width)).mean(0)
    ltas = 10 * np.log10(np.maximum(np.maximum(band, band.max() * 1e-12), 1e-30))
    moving = movement(scaled @ mels(power.shape[1], width), 2 * rate / size)
    every = 1
    while ceil(len(power) / every) >= 1024:
        every *= 2
    top = min(ceil(14_400 / width), size // 2) + 1
    features = np.concatenate([moving, fine_structure(power[::every, :top], width)])
    return Measured(ltas, features, rate / 2 >= GRID * 2 ** (1 / 12))


def movement(power, frame_rate):
    """(frames, 64) -> (240,)"""
    power, count = power.T, max(1, round(len(power) / frame_rate * 10))
    at = np.maximum((np.arange(count) + 0.5) * power.shape[1] / count - 0.5, 0)
    low = at.astype(int)
    high = np.minimum(low + 1, power.shape[1] - 1)
    power = power[:, low] * (1 - (at - low)) + power[:, high] * (at - low)
    mean = power.mean(1, keepdims=True)
    db = 10 * np.log10(np.clip(power / np.maximum(mean, 1e-30), 1e-6, 100))
    db = np.where(mean > 1e-20, db, 0)
    active = db.mean(0) > -45
    db = db[:, active] if active.any() else db
    db = db - 10 * np.log10((10 ** (db / 10)).mean(1, keepdims=True))
    if db.shape[1] > 768:
        starts = np.round(np.linspace(0, db.shape[1] - 96, 8)).astype(int)
        db = np.concatenate([db[:, s : s + 96] for s in starts], 1)
    if db.shape[1] < 96:
        db = np.tile(db, (1, ceil(96 / db.shape[1])))[:, :96]

    step = np.diff(db, axis=1)
    off = db - db.mean(1, keepdims=True)
    unit = off / (db.std(1, keepdims=True) + 1e-3)
    rows = list(np.quantile(db, (0.05, 0.25, 0.5, 0.75, 0.95), axis=1))
    rows += [db.mean(1), db.std(1), step.std(1), np.maximum(step, 0).mean(1)]
    rows += [np.abs(db[:, lag:] - db[:, :-lag]).mean(1) for lag in (2, 8)]
    rows += [6 * (unit[:, lag:] * unit[:, :-lag]).mean(1) for lag in (1, 4, 12)]
    rows += [6 * (unit * unit.mean(0)).mean(1)]
    wide = np.pad(np.stack(rows), ((0, 0), (2, 2)), mode="edge")
    return np.clip(np.stack([wide[:, k : k + 5].mean(1) for k in range(0, 64, 4)], 1).ravel(), -40, 40)


def fine_structure(power, width):
    """(frames, bins) -> (409,)"""
    bins, out = power.shape[1], np.full((4, 24), np.nan)
    mean = power.mean(0)
    db = 10 * np.log10(np.maximum(mean, mean.max() * 1e-10))
    k = np.arange(bins)
    half = np.maximum(k * (2**0.25 - 1), 2)
    low, high = np.maximum(np.round(k - half), 0).astype(int), np.minimum(np.round(k + half), bins - 1).astype(int)
    envelope = np.array([db[a : b + 1].mean() for a, b in zip(low, high, strict=True)])
    white = np.maximum(power / 10 ** (envelope / 10), 1e-9)

    edges = []
    for f in 63 * 2 ** (np.arange(24) / 3):
        first, end = ceil(f * 2 ** (-1 / 6) / width), floor(f * 2 ** (1 / 6) / width) + 1
        edges.append((first, max(end, first + 2)) if end <= bins else None)
    loud = [mean[slice(*e)].mean() if e else 0 for e in edges]
    levels, single = {}, np.full((12, 24), np.nan)
    for n, edge in enumerate(edges):
        if not loud[n] > max(loud) * 1e-10:
            continue
        inside = white[:, slice(*edge)]
        level = 10 * np.log10(inside.mean(1) / inside.mean())
        flat = (10 * np.log10(inside.mean(1)) - (10 * np.log10(inside)).mean(1))[level > -30]
        out[:, n] = [flat.mean(), *np.quantile(flat, (0.1, 0.9)), (db - envelope)[slice(*edge)].std()]
        levels[n] = level
        single[:10, n] = single_bins(white[level > -30], edge, level[level > -30])
    for n, (row, above) in product(levels, ((10, 1), (11, 3))):
        if n + above in levels:
            single[row, n] = moving_together(levels[n], levels[n + above])
    level = np.mean(list(levels.values()), 0)

    rows = np.sqrt(np.clip(white[level > level.max() - 30, : round(5000 / width)], 1e-3, 1e3))
    rows = rows - rows.mean(1, keepdims=True)
    lags = np.abs(np.fft.rfft(rows, 2048)) / np.maximum(np.abs(rows).sum(1, keepdims=True), 1e-9)
    span = 2048 * width
    first, end = round(span / 800), min(round(span / 60), 1024)
    peak, pitch = lags[:, first:end].max(1), np.log2(span / (lags[:, first:end].argmax(1) + first))
    at = np.round(span / (55 * 2 ** (np.arange(21) / 4))).astype(int)
    mean = lags.mean(0)
    strength = [mean[b : max(a, b + 1)].max() for a, b in pairwise(at)]
    low, middle, high = np.quantile(pitch, (0.25, 0.5, 0.75))
    pitch = [peak.mean(), *np.quantile(peak, (0.1, 0.9)), middle, high - low]
    return np.concatenate([out.ravel(), pitch, strength, single.ravel()])


def single_bins(white, edge, level):
    """Whitened power of the frames that count (frames, bins), the band's first bin and end, its level -> (10,)."""
    first, end = edge
    own = white[:, first:end]
    off = 10 * np.log10(white) - 10 * np.log10(own.mean(1, keepdims=True))
    square = (off[:, first:end] ** 2).mean()
    rows = [np.sqrt(square)]
    for apart in (1, 2, 3, 5, 8, 13):
        lower = off[:, first : min(end, white.shape[1] - apart)]
        rows.append((lower * off[:, first + apart : first + apart + lower.shape[1]]).mean() / (square + 1))
    under = (10 * np.log10(own.mean(0)) - (10 * np.log10(own)).mean(0)).mean()
    return [*rows, under, level.max() - level.mean(), level.mean()]


def moving_together(lower, upper):
    """Levels (frames,) of two bands -> their correlation where either counts."""
    either = (lower > -30) | (upper > -30)
    lower, upper = (np.maximum(x[either], -30) for x in (lower, upper))
    lower, upper = lower - lower.mean(), upper - upper.mean()
    return (lower * upper).mean() / np.sqrt(((lower**2).mean() + 0.01) * ((upper**2).mean() + 0.01))


# 2 to 4. What is usual
@dataclass
class Usual:
    """`mean`, `granted` (59,) dB, `cov` (59, 59), `kinds` (10,)."""

    mean: np.ndarray
    granted: np.ndarray
    cov: np.ndarray
    kinds: np.ndarray


def tensors(name):
    return {key: value.astype(np.float64) for key, value in load_file(MODELS / f"{name}.safetensors").items()}


def apart(x, y):
    return ((x - y) ** 2).sum(1)


def likeness(x, known, left_out):
    d = len(x) + left_out
    near = apart(x, known) / (2 * d)
    return 0.5 * known @ x / d + 0.5 * sum(np.exp(-g * near) for g in (0.5, 2, 6))


def usual(model, heard, name_says=None):
    z = np.nan_to_num(np.clip((heard - model["feature_mean"]) / model["feature_scale"], -4, 4))
    z[-N_FINE : len(z) - N_FINE + N_SPECTRAL] *= 1.5
    z = z @ model["basis"]
    left_out = len(heard) - len(z)
    features, shifted = model["step"] * model["features"], model["step"] * model["shifted"]
    logits = likeness(z, features, left_out) @ model["classifier"][:-1] + model["classifier"][-1]
    p = np.exp(logits - logits.max())
    p /= p.sum()
    if name_says is not None:
        p = (p + 0.02) * name_says
        p /= p.sum()

    known = np.vstack([
        np.hstack([features, 10 * model["kind_probability"]]),
        np.hstack([shifted, 10 * model["shifted_probability"]]),
    ])  # fmt: skip
    mean = model["mean_db"] + likeness(np.concatenate([z, 10 * p]), known, left_out) @ model["alpha"]
    of_kind = p @ model["kind_mean_db"]

    place, places = (((x - model["near_mean"]) * model["near_scale"])[..., :40] for x in (z, features))
    w = model["weight"] * np.exp(-apart(place, places) / (2 * 40)) * (p[model["kind"].astype(int)] + 0.1)
    r = model["residual"]
    own = (r.T * w) @ r / w.sum()
    pooled = (r.T * model["weight"]) @ r / model["weight"].sum()
    n = w.sum() ** 2 / (w**2).sum()

    fine = heard[-N_FINE:]
    tonal = np.nan_to_num([np.nanmean(fine[:24]), np.nanmean(fine[3 * 24 : 4 * 24])])
    away = np.sqrt(np.sort(apart(place, places))[:5].mean() / 40)
    away = (away - model["away_mean"]) / model["away_scale"]
    says = np.concatenate([p, (tonal - model["tonal_mean"]) / 3, place[:12], [away]])
    f = np.exp(np.clip(says @ model["scale"] + model["scale_offset"], -4, 5))
    octaves = np.log2(GRID[:, None] / GRID)
    cov = f[0] * (n * own + 8 * pooled) / (n + 8) + f[1] * np.eye(59)
    for factor, size, length in ((f[2], 3.2, 0.25), (f[3], 5.0, 1.0), (f[4], 5.0, 3.0)):
        cov = cov + factor * size**2 * np.exp(-0.5 * (octaves / length) ** 2)
    return Usual(mean, of_kind + 0.37 * (mean - of_kind), cov, p)


def name_says(*kinds):
    """What the name of a track says that speaks of these kinds."""
    return np.array([0.97 / len(kinds) if kind in kinds else 0.03 / (10 - len(kinds)) for kind in KINDS])


# 7. Words
@dataclass
class Word:
    """`m` (59,) dB, `cov` (59, 59), `settings`: how many of people's it rests on."""

    m: np.ndarray
    cov: np.ndarray
    settings: float


def word(words, rows, decoder, name, kinds):
    at = [row["name"] for row in rows].index(name)
    before = sum(len(row["kinds"]) for row in rows[:at])
    own = {kind: before + n for n, kind in enumerate(rows[at]["kinds"])}
    each = [
        (words["kind_mean"][own[k]], words["kind_cov"][own[k]]) if k in own else (words["mean"][at], words["cov"][at])
        for k in KINDS
    ]
    mean = sum(p * m for p, (m, _) in zip(kinds, each, strict=True))
    cov = sum(p * (c + np.outer(m - mean, m - mean)) for p, (m, c) in zip(kinds, each, strict=True))
    return Word(center(decoder @ mean), decoder @ cov @ decoder.T, rows[at]["settings"])


# 5. The sound against what is usual
@dataclass
class Compared:
    """`visible`: 0..1; `balance`, `deviation`: dB; all (59,)."""

    visible: np.ndarray
    balance: np.ndarray
    deviation: np.ndarray


def level_free(d, weight):
    weight = weight * COMPARED if (weight * COMPARED).sum() > 0.5 else weight + 1e-9
    low, high = d.min(), d.max()
    for _ in range(80):
        level = (low + high) / 2
        low, high = (level, high) if weight @ bounded(d - level) > 0 else (low, level)
    return bounded(d - level)


def compared(ltas, reach, usual):
    visible = sigmoid((ltas - ltas.max() + 60) / 4) * reach
    balance = level_free(ltas - usual.granted, np.ones(59))
    unseen = 3600 * (1 - visible) / np.maximum(visible, 1e-6)
    known = level_free(ltas - usual.mean, visible)
    deviation = usual.cov @ np.linalg.solve(usual.cov + np.diag(unseen + 1e-6), known)
    return Compared(visible, balance, deviation)


# 5. The posterior, and what is asked of it beside being likely
def curve(ltas, seen, usual, word, adaptation):
    """(59,) dB: the target before it is made into bands."""
    m = word.m
    r = min(0.9 * adaptation / max(1 - adaptation, 1e-9), 2)
    if r == 0:
        return m
    in_sight = seen.visible * COMPARED
    unseen = np.diag(3600 * (1 - in_sight) / np.maximum(in_sight, 1e-4))
    natural = usual.cov + 1e4
    total = r * word.cov + natural + unseen + 1e4 * np.outer(m, m)
    odd = seen.deviation @ np.linalg.solve(total, seen.deviation) / max(in_sight.sum(), 1)
    gain = r * word.cov @ np.linalg.inv(r * word.cov + max(1, odd) * natural + unseen)
    pull = gain @ m
    limit = (1.5 - max(0.25, 0.065 * rms(m))) * max(1, r) ** 2
    expected = min(1, limit / rms(pull)) * pull
    answer = center(m - gain @ seen.deviation - expected)

    axis = matched(m, usual.cov)
    lacking = axis @ (m - expected - seen.balance - answer) / (axis @ m)
    known = word.settings / (word.settings + 64)
    follow = usual.kinds[0] * known * (0.76 * min(1, r) + 0.25 * max(0, r - 1))
    average = -follow * (axis @ (usual.mean - usual.granted)) / (axis @ m)
    size, both, own = (
        np.mean((a * b)[COMPARED]) for a, b in ((m, m), (m, center(expected)), (center(expected), center(expected)))
    )
    reach = np.sqrt(max((both / size) ** 2 - (own - limit**2) / size, 0))
    held = min(max(average, both / size - reach), both / size + reach)
    answer = answer + (follow * lacking + max(0, 1 - odd) * (held - average)) * m

    near = sigmoid((ltas - ltas.max() + 40) / 4)[COMPARED].mean()
    most = 1.85 + (3 - 1.85) * np.clip((near - 0.64) / (0.74 - 0.64), 0, 1)
    most = most * max(1, r)
    z = axis @ seen.balance / np.sqrt(axis @ usual.cov @ axis)
    left = max(0.06 / most, min(1, 3 - z))
    return bounded_by_word(answer, m, most * left ** min(1, r / 0.9), seen.visible)


def bounded_by_word(answer, m, most, visible):
    share = share_of(answer, m, COMPARED * 1.0)
    rest = (center(answer) - share * center(m)) * min(1, most / max(share, 1e-9))
    share = min(share, most)
    kept = np.clip((share - 0.06) / (0.2 - 0.06), 0, 1)
    share = 0.25 + 0.05 * np.logaddexp(0, (share - 0.25) / 0.05)
    undone = -share_of(rest, m, visible * COMPARED)
    if undone > 0:
        kept = min(kept, (share - 0.25) / undone)
    return share * center(m) + kept * rest


# 6. Scores
def matched(m, cov):
    certain = COMPARED / np.diag(cov)
    certain = certain / certain.sum()
    return (m - certain @ m) * certain


def score(seen, usual, word):
    axis = matched(word.m, usual.cov)
    return 0.5 + 0.5 * erf(axis @ seen.balance / np.sqrt(axis @ usual.cov @ axis) / np.sqrt(2))


# 8. What bands are searched for
def k_weighting(hz):
    """Power of BS.1770's filter at 48 kHz, (n,) Hz -> (n,)."""
    z = np.exp(-2j * np.pi * np.minimum(hz, 24_000) / 48_000)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return np.abs(shelf * high_pass) ** 2


def loudness(blocks, response):
    """LUFS of K-weighted band powers (blocks, 59) through an EQ (59,) dB."""
    power = blocks @ 10 ** (response / 10)
    loud = power > 10 ** ((-70 + 0.691) / 10)
    return -0.691 + 10 * np.log10(power[loud & (power > power[loud].mean() / 10)].mean())


def gating_blocks(band_power, frame_rate):
    """(frames, 59) -> (blocks, 59), K-weighted, as if the whole lay at -23 LUFS."""
    frames = min(max(1, round(0.4 * frame_rate)), len(band_power))
    weighted = band_power * k_weighting(GRID)
    weighted = weighted * 10 ** ((-23 + 0.691) / 10) / weighted.sum(1).mean()
    sums = np.cumsum(np.vstack([np.zeros(59), weighted]), 0)
    return (sums[frames:] - sums[:-frames]) / frames


def may_be_lifted(ltas):
    """(59,) dB"""
    return np.interp(ltas.max() - ltas, (37.5, 39.5, 57.5, 59.5), (11.8, 5.7, 5.7, 2.7))


def most_lift(ltas):
    """(59,) dB: what may be asked for at most."""
    wide = np.pad(may_be_lifted(ltas), 4, mode="edge")
    lowest = np.array([wide[k : k + 5].min() for k in range(len(wide) - 4)])
    return np.array([lowest[k : k + 5].mean() for k in range(59)])


def at_equal_loudness(curve, lift, visible, blocks):
    before = loudness(blocks, np.zeros(59))
    low, high = -curve.max(), -curve.min()
    for _ in range(40):
        level = (low + high) / 2
        softer = loudness(blocks, np.minimum(curve + level, lift)) < before
        low, high = (level, high) if softer else (low, level)
    out = np.minimum(curve + level, lift)
    return np.where(visible > 0.5, np.maximum(out, -11.8), out)


def target(autoencoder, curve, m, ltas, visible, blocks):
    """(59,) dB: what bands and output gain are to make together, before it is rounded."""
    curve = autoencoder["decoder.weight"] @ (autoencoder["encoder.weight"] @ curve)
    lift = most_lift(ltas)

    def made_of(part, rest):
        out = at_equal_loudness(part * m + rest, lift, visible, blocks)
        return out, share_of(out, m, visible * COMPARED)

    share = share_of(curve, m, visible * COMPARED)
    out, got = made_of(share, curve - share * m)
    if share <= 0 or got >= min(share, 0.4) - 0.01:
        return out
    rest, share = curve - share * m, max(share, 0.4)
    for mixed in (lambda x: (share, x * rest), lambda x: (0.4 + x * (share - 0.4), 0 * m)):
        out, got = made_of(*mixed(0))
        if got < 0.265:
            continue
        low, high = 0.0, 1.0
        for _ in range(6):
            middle = (low + high) / 2
            tried, got = made_of(*mixed(middle))
            low, high, out = (middle, high, tried) if got >= 0.39 else (low, middle, out)
        break
    return out


def importance(ltas, visible):
    """(59,): how much each point of the target counts."""
    octaves = np.log2(GRID[:, None] / GRID)
    masked = (ltas - 12 - np.where(octaves > 0, 25, 60) * np.abs(octaves)).max(1)
    heard = 0.5 + 0.5 * sigmoid((ltas - masked) / 3)
    top = np.where(COMPARED, np.interp(GRID, (10_000, 16_000), (1, 0.6)), 0.1)
    return (0.02 + 0.98 * visible * heard) * top
