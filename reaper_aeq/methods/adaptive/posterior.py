"""The missing EQ that is most likely, given how far a sound is from what is usual.

People's settings for the word are a Gaussian N(m, C) over curves; what is left of a sound's balance once its kind is
known is a Gaussian N(0, R). Somebody who asks for 'warm' has, on average, a sound that lacks it: the observed deviation
is d = (what is natural) - (the EQ that is missing). The posterior mean of the missing EQ is

    m + K (-d - m),    K = r C (r C + s R)^-1,    r = EVIDENCE adaptation / (1 - adaptation)

which is how one Gaussian is conditioned on another's sum with noise (Rasmussen and Williams, Gaussian Processes for
Machine Learning, 2006, eq. 2.22 to 2.26; Wiener's filter). `s` widens R for a sound that no Gaussian of music explains,
as a distribution of heavier tails than the word's would: then the word is believed, not the sound (O'Hagan, On outlier
rejection phenomena in Bayes inference, Journal of the Royal Statistical Society B 41, 1979).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...model.audio_encoder import BLIND_VAR
from ...model.curves import COMPARED, center, rms_db
from ..method import MethodInput

EVIDENCE = 0.9  # of r: how far a deviation is taken at its word; more costs on people's edits (models/README.md)
RATIO_LIMIT = 2.0  # of r: beyond it single partials are followed
LEVEL_VAR = 1e4  # dB²: the level of a recording says nothing
# How far an average sound may come out from people's mean (law "human"), and what of that is left to few bands: they
# miss large curves by more.
HUMAN_DB, BANDS_MISS_DB, BANDS_MISS_SHARE = 1.5, 0.25, 0.065
WORD_VAR = 1e4  # in units of the word's curve: any amount of it is alike
ODD_ABOVE = 1.0  # squared Mahalanobis distance per band from which the usual spread is taken as wider: tails are heavy


def posterior(mean_db: Tensor, gain: Tensor, deviation_db: Tensor, expected_db: Tensor) -> Tensor:
    """m - K d - K m, level-free, (bands,) dB.

    Args:
        mean_db: m (bands,), what people do for the word. gain: K (bands, bands), `kalman_gain`.
        deviation_db: d (bands,), of a sound from what is usual for it.
        expected_db: K m (bands,), or less of it: what of the word's curve sounds are expected to lack.
    """
    return center(mean_db - gain @ deviation_db - expected_db)


def kalman_gain(word_cov: Tensor, natural_cov: Tensor) -> Tensor:
    """K = C (C + R)^-1 for covariances (bands, bands): from a deviation to the part of it that is a missing EQ."""
    return torch.linalg.solve(word_cov + natural_cov, word_cov).T


def evidence_ratio(adaptation: float) -> float:
    """r: how many times its spread the word is given, which is how much the sound's deviation counts against it."""
    return min(EVIDENCE * adaptation / max(1.0 - adaptation, 1e-9), RATIO_LIMIT)


def likeliest(request: MethodInput, gain: Tensor, ratio: float) -> tuple[Tensor, Tensor]:
    """The posterior mean before its bounds, and what of the word's curve sounds are expected to lack; (bands,) dB."""
    pull = gain @ request.mean_db
    expected = missing_share(pull, human_limit_db(request.mean_db, ratio)) * pull
    return posterior(request.mean_db, gain, request.observation.deviation_db, expected), expected


def missing_share(pull: Tensor, limit_db: float) -> float:
    """0..1, how much of K m (bands,) a sound is expected to lack: an average one must still get what people do on
    average, and strong words would fall short of it."""
    return min(1.0, limit_db / max(float(rms_db(pull)), 1e-9))


def human_limit_db(m: Tensor, ratio: float) -> float:
    """How far (RMS, dB) the answer of an average sound may be from the word's mean curve m (bands,), before bands."""
    return (HUMAN_DB - max(BANDS_MISS_DB, BANDS_MISS_SHARE * float(rms_db(m)))) * max(1.0, ratio) ** 2


def posterior_gain(request: MethodInput, ratio: float, far: float | None = None) -> Tensor:
    """K, (bands, bands): from a deviation to the part of it that the word's EQ is expected to undo. `far`: `distance`,
    where it is known already."""
    return kalman_gain(ratio * request.cov_db, natural_cov(request, ratio, far))


def natural_cov(request: MethodInput, ratio: float, far: float | None = None) -> Tensor:
    """(bands, bands): how far a sound deviates that lacks nothing, where it can be seen; `far` as above."""
    noise, blind = _unexplained(request)
    far = distance(request, ratio) if far is None else far
    # Student's t in spirit: the further a source lies from all music, the less its deviation is taken at its word
    oddness = max(1.0, far / ODD_ABOVE)
    return oddness * noise + blind


def distance(request: MethodInput, ratio: float) -> float:
    """How far a sound is from what is usual for it, squared, per band that can be seen: 0 just that, 1 as far as
    sounds are on average."""
    seen = request.observation
    noise, blind = _unexplained(request)
    # How much of the word a sound has must not make it odd, or the thinnest versions would be listened to least and get
    # less than thicker ones.
    total = ratio * request.cov_db + noise + blind + WORD_VAR * torch.outer(request.mean_db, request.mean_db)
    squared = float(seen.deviation_db @ torch.linalg.solve(total, seen.deviation_db))
    return squared / float((seen.visible * COMPARED).sum().clamp_min(1))


def _unexplained(request: MethodInput) -> tuple[Tensor, Tensor]:
    """Covariances (bands, bands) of what is natural, level and all, and of bands out of sight."""
    visible = request.observation.visible * COMPARED
    blind = torch.diag(BLIND_VAR * (1 - visible) / visible.clamp_min(1e-4))
    return request.residual_cov + LEVEL_VAR, blind
