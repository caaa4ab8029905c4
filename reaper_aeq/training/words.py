"""`reaper-aeq train words`: people's settings and what charts say turned into distributions, in closed form.

Both data sets count, a SAFE row for more than a person in SocialEQ: it is an EQ that somebody set and heard, whereas
SocialEQ's curves are inferred from ratings and their scale in dB is a convention. The mean of few settings is drawn
towards flat (`pooling`), their covariance leans on the common one (how people differ whatever the word); what the two
sets disagree on, and how uncertain the mean is, is added to it.

Charts (`charts`) count beside them, each as much as it is worth; settings that do not agree with one another weigh
less. From 20 settings on people are followed whatever charts say.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from ..model.curves import COMPARED, rms_db
from ..model.eq_autoencoder import N_LATENT, EqAutoencoder
from ..model.word_table import DISPUTED_BELOW, FULL_AGREEMENT, PEOPLE_WIN, Evidence
from ..model.words import DescriptorSettings as Gaussian
from ..model.words import Vocabulary, Word
from ..util.settings import WordsTraining
from .charts import ChartCurve, Charted, charted_words, correlation, scale_to_people
from .datasets.descriptor_settings import ALSO_SAID, FORMS, WordSettings
from .datasets.eq_terms import has_charts, read_charts
from .datasets.readers import PeopleData, read_people_data
from .empirical_bayes import Pool, learn
from .loop import Run

MEANT_AS_LESS = {"unmuddy": "less muddy", "mud-free": "less muddy", "unboxy": "less boxy", "de-harsh": "less harsh"}
# Words that people ask for, kept although few settings stand behind them; the tool says how weak they are.
ASKED_FOR = (
    "warm", "bright", "muddy", "deep", "airy", "tinny", "dark", "thin", "boomy", "harsh", "smooth", "soft", "cold",
    "crisp", "mellow", "heavy", "clear", "full", "tight", "boxy", "bassy", "punchy", "hollow", "sharp", "dull", "toppy",
    "presence", "fat", "rich", "thick", "nasal", "big", "sweet", "muffled", "body", "sparkle", "defined",
)  # fmt: skip
AGREEMENT_ROWS = 200
CHARTS = "charts"
MOST_GIVEN_BACK = 1.6


def train_words(
    settings: WordsTraining, data: Path | str, eq_model: EqAutoencoder, out: Path, run: Run
) -> dict[str, float]:
    """Builds the vocabulary from the data sets and writes `words` into `out`. Returns the metrics."""
    everything, pool = learn(settings, read_people_data(data))
    charts = known_charts(data)
    if not charts:
        run.tell(f"no EQ charts in {data}: words from people's settings alone")
    vocabulary = vocabulary_of(settings, everything, pool, eq_model, charts)
    confidences = {name: word.evidence.confidence for name, word in vocabulary.items()}
    evidence = dict(sorted(confidences.items(), key=lambda item: -item[1]))
    metrics: dict[str, float] = {"words": len(vocabulary), "weak": sum(word.weak for word in vocabulary.values())}
    metrics["flat_settings"] = round(pool.flat, 2)
    metrics["charted"] = sum(word.evidence.charts > 0 for word in vocabulary.values())
    metrics["disputed"] = sum(word.evidence.disputed for word in vocabulary.values())
    for i, (name, confidence) in enumerate(evidence.items()):
        run.log("words", i, confidence=confidence, settings=vocabulary[name].evidence.settings)
        run.step_done("words", i + 1, len(evidence))
    run.tell(f"{metrics['words']} words, {metrics['weak']} of them weak; best known: {', '.join(list(evidence)[:6])}")
    info = {
        "architecture": {"n_latent": N_LATENT},
        "data": "SAFE Equalizer settings (Stables et al. 2014), SocialEQ (Cartwright and Pardo 2013), EQ charts",
        "settings": asdict(settings),
        "metrics": metrics,
    }
    vocabulary.save(out, info)
    return metrics


def build_words(
    settings: WordsTraining, people: PeopleData, eq_model: EqAutoencoder, charts: Mapping[str, Charted] | None = None
) -> Vocabulary:
    """People's settings and charts -> `Vocabulary`. Pure, so that an examination can leave settings out."""
    return vocabulary_of(settings, *learn(settings, people), eq_model, charts or {})


def known_charts(data: Path | str) -> dict[str, Charted]:
    """What charts in a folder of data say; nothing where it holds none. Raises `AeqError` for a part of them."""
    return charted_words(read_charts(data)) if has_charts(data) else {}


def vocabulary_of(
    settings: WordsTraining, everything: Mapping[tuple[str, str], WordSettings], pool: Pool, eq_model: EqAutoencoder,
    charts: Mapping[str, Charted],
) -> Vocabulary:  # fmt: skip
    """What people showed of each (word, language), and charts say -> what is known well enough or asked for."""
    english = dict.fromkeys((name, "en") for name in ASKED_FOR)
    known = dict.fromkeys(key for key, shown in everything.items() if shown.people >= settings.min_people)
    shown_means = {name: pool.meaning(everything[name, "en"])[0] for name in charts if (name, "en") in everything}
    scale, usual_size = scale_to_people(charts, shown_means), usual_size_of(everything)
    words: dict[str, Word] = {}
    for name, language in english | known | dict.fromkeys((name, "en") for name in charts):
        shown = everything.get((name, language))
        if shown is not None and len(shown.rows) < settings.min_settings and not shown.people:
            shown = None  # nobody has shown what it means
        said = charts[name].scaled(scale) if language == "en" and name in charts else None
        if said is not None and shown is not None and shown.settings < settings.min_beside_charts:
            shown = None
        if shown is None and said is None:
            continue  # asked for, and nobody knows what it means
        meant, kinds = meaning(settings, shown, said, pool, usual_size)
        label = name if name not in words else f"{name} ({language})"
        code, by_kind = _coded(meant, eq_model), {kind: _coded(one, eq_model) for kind, one in kinds.items()}
        core = language == "en" and name in ASKED_FOR
        words[label] = Word(label, language, code.mean, code.cov, evidence_of(shown, said), core, by_kind=by_kind)
    names = [(form, word) for said in (FORMS, ALSO_SAID) for word, forms in said.items() for form in forms]
    aliases = {form: word for form, word in names if word in words and form not in words}
    aliases |= {form: less for form, less in MEANT_AS_LESS.items() if less.removeprefix("less ") in words}
    return Vocabulary(words, aliases)


def meaning(
    settings: WordsTraining, shown: WordSettings | None, said: Charted | None, pool: Pool, usual_size: float
) -> tuple[Gaussian, dict[str, Gaussian]]:
    """What a word means, and what for single kinds of sounds, as curves: (bands,) and (bands, bands) dB.

    `usual_size`: of the mean curves of words that many people have shown, dB RMS. One of `shown`, `said` is known.
    """
    if said is None:
        assert shown is not None, "one of both is known"
        return _by_people(settings, shown, pool), {}
    if shown is None:
        # nobody has shown how people differ in it: charts speak of touches, and a touch leaves so much less open
        touch = min(1.0, (float(rms_db(said.curve.mean)) / usual_size) ** 2)
        curves = {"": said.curve, **said.by_kind}
        alone = {kind: _by_charts(settings, curve, touch * pool.within) for kind, curve in curves.items()}
        return alone.pop(""), alone
    people = _by_people(settings, shown, pool)
    if evidence_of(shown, said).from_people:
        return people, {}
    share = _charts_share(shown, said.curve)

    def fused(curve: ChartCurve, share: float) -> Gaussian:
        return _fused(people, shown.settings, _by_charts(settings, curve, pool.within), curve.worth, share)

    # people did not say what they heard: where a kind's charts say something else, those are followed
    agree = {kind: float(correlation(people.mean, one.mean)) >= DISPUTED_BELOW for kind, one in said.by_kind.items()}
    kinds = {kind: fused(one, share if agree[kind] else 1.0) for kind, one in said.by_kind.items()}
    return fused(said.curve, share), kinds


def _by_people(settings: WordsTraining, shown: WordSettings, pool: Pool) -> Gaussian:
    """As curves, (bands,) and (bands, bands)."""
    mean, uncertain = pool.meaning(shown)
    cov = word_covariance(settings, shown.rows, shown.singles, pool.within) + shown.disagreement + uncertain
    return Gaussian(mean, cov)


def _by_charts(settings: WordsTraining, curve: ChartCurve, differ: Tensor) -> Gaussian:
    """As curves. `differ` (bands, bands) dB²: how people differ in such a word, whatever it is."""
    return Gaussian(curve.mean, curve.cov + differ + settings.cov_floor_db**2 * torch.eye(len(differ)).to(differ))


def _charts_share(shown: WordSettings, charts: ChartCurve) -> float:
    """0..1, of the charts in the mean of a word that people have shown too.

    Two that have nothing in common have no middle: the better known one is followed alone.
    """
    known = evidence_of(shown)
    people = shown.settings * min(max(known.agreement, 0.0) / FULL_AGREEMENT, 1.0) * known.both_agree
    share = charts.worth / (charts.worth + people)
    return share if float(correlation(shown.mean, charts.mean)) >= DISPUTED_BELOW else float(share > 0.5)


def _fused(people: Gaussian, settings: float, charts: Gaussian, worth: float, share: float) -> Gaussian:
    """Both as curves. `share`: of the charts in the mean; people are `settings` independent ones, charts worth `worth`.

    Charts say where, people how much: they set an EQ and heard it, so the mean gets back the peak of theirs that mixing
    two shapes took from it. The covariance is the mixture's about this mean: whichever of the two is followed, the
    other has been said or shown as well.
    """
    both = share * charts.mean + (1 - share) * people.mean
    if share < 1.0:
        lost = float(people.mean[COMPARED].abs().max() / both[COMPARED].abs().max().clamp_min(1e-9))
        both = min(max(lost, 1.0), MOST_GIVEN_BACK) * both
    cov = torch.zeros_like(people.cov)
    for one, part in ((charts, worth), (people, settings)):
        off = one.mean - both
        cov = cov + part / (worth + settings) * (one.cov + torch.outer(off, off))
    return Gaussian(both, cov)


def usual_size_of(everything: Mapping[tuple[str, str], WordSettings]) -> float:
    """dB RMS, of the mean curves of words that many people have shown."""
    sizes = [float(rms_db(shown.mean)) for shown in everything.values() if len(shown.rows) + shown.people >= PEOPLE_WIN]
    return statistics.fmean(sizes) if sizes else 1.0


def _coded(meant: Gaussian, eq_model: EqAutoencoder) -> Gaussian:
    encoder = eq_model.encoder.weight.double()
    return Gaussian(eq_model.encode(meant.mean.float()).double(), encoder @ meant.cov @ encoder.T)


def word_covariance(settings: WordsTraining, rows: Tensor, singles: Tensor, common: Tensor) -> Tensor:
    """Own covariance, each data set around its own mean, shrunk towards the common one (bands, bands)."""
    own = torch.zeros_like(common)
    for curves in (rows, singles):
        if len(curves) > 1:
            centered = curves - curves.mean(0)
            own += centered.T @ centered
    n, lean = len(rows) + len(singles), settings.generic_settings
    return (own + lean * common) / (n + lean) + settings.cov_floor_db**2 * torch.eye(len(common)).to(common)


def evidence_of(shown: WordSettings | None, charts: Charted | None = None) -> Evidence:
    """How many stand behind a word and how far they agree."""
    if shown is None:
        assert charts is not None
        return Evidence(0, 0, round(charts.curve.agreement, 3), None, (CHARTS,), charts.sources)
    agreements = [(_agreement(curves), len(curves)) for curves in (shown.rows, shown.singles) if len(curves) > 1]
    total = sum(n for _, n in agreements)
    agreement = sum(value * n for value, n in agreements) / total if total else 0.0
    cross = round(float(correlation(shown.safe, shown.social)), 3) if len(shown.rows) >= 3 and shown.people else None
    sources = (("SAFE",) if len(shown.rows) else ()) + (("SocialEQ",) if shown.people else ())
    people = Evidence(len(shown.rows) + shown.people, shown.people, round(agreement, 3), cross, sources)
    if charts is None:
        return people
    charted = round(float(correlation(shown.mean, charts.curve.mean)), 3)
    if not people.from_people:
        share = _charts_share(shown, charts.curve)
        agreement = share * charts.curve.agreement + (1 - share) * agreement
    return replace(
        people, agreement=round(agreement, 3), sources=(*sources, CHARTS), charts=charts.sources, charted=charted
    )  # fmt: skip


def _agreement(curves: Tensor) -> float:
    """Mean correlation of each curve with the mean of the others."""
    curves = curves[:AGREEMENT_ROWS]
    others = (curves.sum(0) - curves) / (len(curves) - 1)
    return float(correlation(curves, others).mean())
