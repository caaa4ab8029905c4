"""Kinds of sounds: what a track's name says, and what is said of a probability over kinds."""

import pytest

from reaper_aeq.errors import AeqError
from reaper_aeq.model.kinds import FROM_MANIFEST, KINDS, heard_as, kind_prior, known_kind, plain_words

NAMES = {
    "vocals": ["Lead Vox", "LeadVocal_dbl", "BGV 2", "Stimme", "voix", "VOZ", "Coro", "02 - voce", "Background Vocals"],
    "drums": [
        "Kick In",
        "01_snare top",
        "OH L",
        "Drum Bus",
        "Bass Drum",
        "Schlagzeug",
        "batterie",
        "Batería",
        "hi-hat",
    ],
    "bass": ["Bass DI", "bass guitar", "Synth Bass", "Bajo", "Baixo", "basse", "Sub", "E-Bass", "Basso"],
    "guitar": ["E-Gitarre L", "AcGtr", "Guitarra", "guitare", "chitarra", "Gtr 3", "Les Paul", "violão"],
    "keys": ["Klavier", "Piano", "Rhodes", "Hammond", "Orgue", "E-Piano", "teclado", "Keys L"],
    "strings": ["Violins I", "Streicher", "cordes", "archi", "Cuerdas", "Vc. Cello"],
    "wind": ["Alto Sax", "Trompete", "flauta", "Horns", "Bass Clarinet", "fiati", "Metais"],
    "synth": ["Synth Lead", "Pad", "Synth Strings", "arp 2", "Serum", "sintetizador"],
    "speech": ["Voice Over", "Narrator", "Podcast guest", "Sprecher", "locución", "Dialogue"],
    "mix": ["Mix", "Full Mix", "MASTER", "Mezcla"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names])
def test_names_say_the_kind(kind, name):
    prior = dict(zip(KINDS, kind_prior(name), strict=True))
    assert prior[kind] == max(prior.values()) > 0.9, (name, prior)
    assert sum(prior.values()) == pytest.approx(1)


@pytest.mark.parametrize("name", ["", None, "Track 12", "Audio 01.wav", "take 3", "new folder", "solo", "idea"])
def test_other_names_say_nothing(name):
    assert kind_prior(name) is None


def test_the_first_name_that_says_something_counts_and_two_kinds_share():
    assert kind_prior("Track 3", "Drums") == kind_prior("Drums")
    assert kind_prior("Vox", "Drums") == kind_prior("Vox")
    both = dict(zip(KINDS, kind_prior("guitar and piano"), strict=True))
    assert both["guitar"] == both["keys"] > 0.45


def test_words_of_a_name_are_plain():
    assert plain_words("02-LeadVox_dbl.wav") == ["lead", "vox", "dbl", "wav"]
    assert plain_words("Gtr2 Große_Flöte 808") == ["gtr", "grosse", "flote", "808"]


def test_what_a_sound_is_called():
    sure = [0.0] * len(KINDS)
    sure[list(KINDS).index("drums")] = 1.0
    assert heard_as(sure) == ("drums", 1.0)
    between = dict.fromkeys(KINDS, 0.0) | {"guitar": 0.4, "keys": 0.35, "synth": 0.15, "mix": 0.1}
    kind, probability = heard_as(list(between.values()))
    assert (kind, round(probability, 2)) == ("melodic", 0.9)
    assert heard_as([1 / len(KINDS)] * len(KINDS))[0] in ("melodic", "unsure")


def test_a_kind_said_outright_is_certain_and_unknown_ones_are_refused():
    assert max(known_kind("bass")) == 1.0 == sum(known_kind("bass"))
    with pytest.raises(AeqError, match="unknown kind 'sousaphone': use one of mix, drums"):
        known_kind("sousaphone")


def test_every_kind_of_the_manifests_is_one_of_ours():
    assert set(FROM_MANIFEST.values()) == set(KINDS)


def test_kinds_that_the_sound_tells_badly_are_named_only_where_a_name_says_them():
    strings = dict.fromkeys(KINDS, 0.0) | {"strings": 0.8, "wind": 0.2}
    assert heard_as(list(strings.values())) == ("melodic", pytest.approx(1.0))
    assert heard_as(list(strings.values()), by_name=True) == ("strings", 0.8)
