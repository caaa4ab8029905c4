"""What a sound is: ten kinds, and what the name of a track says about them.

Names are read without accents, capitals and numbers, in English, German, French, Spanish, Italian and Portuguese. The
longest pattern that fits wins over those inside it ('bass drum' is drums, 'bass clarinet' wind); of several others each
counts alike ('guitar and piano').
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

KINDS = {
    "mix": "several instruments at once: mixes, submixes, groups",
    "drums": "drum kits, single drums, percussion, loops",
    "speech": "spoken voice",
    "bass": "bass guitar, upright bass, synthesized bass",
    "vocals": "singing, one voice or a choir",
    "guitar": "acoustic and electric guitars, plucked lutes",
    "keys": "piano, electric piano, organ, mallets",
    "strings": "violins to double basses, alone or in sections",
    "wind": "brass and woodwind",
    "synth": "synthesizers: leads, pads, sequences, effects",
}
# What the manifests of recordings call them; what is not here is left out of training.
FROM_MANIFEST = {kind: kind for kind in KINDS} | {
    "submix": "mix", "choir": "vocals", "percussion": "drums", "piano": "keys", "mallet": "keys", "brass": "wind",
    "woodwind": "wind", "electric_guitar": "guitar", "acoustic_guitar": "guitar",
}  # fmt: skip
NAME_SURE = 0.97  # of a telling name: how often the track really is of that kind
TELLING = 0.9  # of what a name says: enough to speak of it
COMMIT_FROM = 0.6  # of the likeliest kind: below, no kind is named
LEAST_PRIOR = 0.02  # of a kind that the sound speaks against: a classifier is never that sure

# Whole words, singular and plural; '*' stands for any ending. Two or more words are a phrase.
NAMES: dict[str, str] = {
    "mix": "mix master premaster mixdown stereo mix full mix bounce print 2mix submix band orchestra orchester orquesta "
    "orchestre instrumental playback minus one stems song reference ref track, backing track, mixbus, mix bus, master "
    "bus, music bus, all instruments, drum and bass, drums and bass, gesamt, summe, mezcla, mistura, melange, missaggio",
    "drums": "drum* kick* kik bd snare* sn sd hat hats hihat* hh tom toms cymbal* crash ride oh ohs overhead* perc* "
    "shaker* tambo* conga* bongo* cajon clap* snap snaps rim rimshot cowbell* timbale* timpani beat beats groove 808 "
    "909 breakbeat* loop loops schlagzeug trommel* becken pauke* batterie batteria bateria* grosse caisse, caisse "
    "claire, cassa rullante tamburo bombo caja caixa platillo* platos redoblante tambor* bumbo room mics, drum room, "
    "bass drum*, hi hat*, drum bus, drum loop, steel drum, kick in, kick out, floor tom*, grosse trommel, snare top, "
    "snare bottom, charleston chimbal prato pratos tamborim pandeiro djembe tabla taiko udu woodblock*",
    "speech": "speech spoken voiceover* vo narrat* dialog* dialogue podcast interview host guest speaker announcer "
    "moderator sprache sprecher* stimme interview* voz en off, voice over*, voix off, voce narrante, locutor locucao "
    "locucion narrador* erzahler* commentary radio talk lecture lav lavalier parole parlato parlante falado fala",
    "bass": "bass basses bas bs sub subbass bassline basslines 808 bass, synth bass, bass synth, bass di, bass amp, "
    "bass guitar, bass gtr, sub bass, upright bass, fretless, acid bass, reese, moog bass, e bass, kontrabass bass, "
    "basse, basso, bajo, baixo, contrabajo, contrabaixo, bass line, picked bass, slap bass, trilian, modo bass",
    "vocals": "vocal* vox voc vocs voice voices lead vox, lv bv bvs bgv bgvs bvox singer* sing singing sung choir* "
    "chor choral chorus vox, backing vocal*, backings adlib* ad lib, ad libs, harmony harmonies soprano alto tenor "
    "baritone acapella acappella a cappella, rap rapper double vox, gesang sanger* saenger* chore voix chant chanteu* "
    "choeur choeurs coro coros voz voces voce voci cantante canto cantor* vocais vocalist* gang vox, backing vox, lead "
    "voc, beatbox humming hum",
    "guitar": "guitar* gtr gtrs gt gtar agtr egtr acgtr elgtr acoustic acoustics ac gtr, el gtr, acoustic gtr, strat "
    "stratocaster tele telecaster les paul, strumming strums riff ukulele uke banjo mandolin* bouzouki charango lute "
    "gitarre* git e git, guitare* guitarra* chitarra* chitarre violao viola caipira, cavaquinho powerchords power "
    "chords, di gtr, amp gtr, lead gtr, rhythm gtr, nylon dobro slide pedal steel, lap steel, amplitube guitar rig",
    "keys": "keys key piano* pno pianos rhodes wurli wurlitzer epiano ep e piano, el piano, electric piano, organ "
    "organs hammond b3 clav clavinet harpsichord celesta celeste glockenspiel vibes vibraphon* marimba xylophon* "
    "mallet* music box, toy piano, keyboard* klavier flugel fluegel orgel orgue tastiera* teclado* tecla clavier "
    "clavecin pianoteq keyscape accordion akkordeon accordeon fisarmonica acordeon bells tubular bells, kalimba",
    "strings": "string strings str violin* vln vlns fiddle* viola violas vla cello* celli vc vcl double bass*, "
    "contrabass* string section, string quartet, quartet pizz pizzicato arco legato strings, geige* bratsche* "
    "streicher* kontrabass* violon* alto solo, cordes archi corda cuerda* violino* violoncell* violoncelo* cordas "
    "chello harp harfe harpe arpa erhu sitar",
    "wind": "brass horn horns trumpet* tpt tp flugelhorn trombone* tbn tuba sax saxes saxophon* altosax tenorsax alto "
    "sax, tenor sax, bari sax, baritone sax, soprano sax, flute* fl clarinet* cl bass clarinet*, oboe* bassoon* piccolo "
    "recorder* harmonica* woodwind* winds bagpipe* french horn*, english horn, trompete* posaune* blaser blaeser "
    "saxofon* flote* floete* klarinette* fagott horner trompette* cuivre* cor anglais, hautbois basson saxo tromba "
    "trombe tromboni flauto flauti fiati ottoni trompeta* trombon* metales vientos flauta* clarinete* metais sopros "
    "trompete pan flute, whistle ocarina didgeridoo bass trombone*",
    "synth": "synth* syn lead synth, synth lead, pad pads arp arps arpegg* pluck plucks seq sequence* saw saws "
    "supersaw* drone drones riser* uplifter* downlifter* fx sfx sweep sweeps atmo atmos atmosphere* texture* ambience "
    "moog juno dx7 prophet jupiter serum massive sylenth* vital surge diva zebra omnisphere nexus synthe "
    "synthetiseur sintetizador* sintetizzatore* synth strings, synth brass, synth pad, string pad, synth keys, synth "
    "choir, vocoder wavetable modular chiptune 303",
}


def kind_prior(*names: str | None) -> Tensor | None:
    """What names of a track, its folder and its instrument say: (kinds,), a likelihood for each kind; None for nothing.

    The first name that says anything counts: give the nearest first (the track before its folder).
    """
    for name in names:
        said = _said(name or "")
        if said:
            prior = torch.full((len(KINDS),), (1 - NAME_SURE) / (len(KINDS) - 1), dtype=torch.float64)
            for kind in said:
                prior[list(KINDS).index(kind)] = NAME_SURE / len(said)
            return prior
    return None


def known_kind(kind: str) -> Tensor:
    """The prior of somebody who says the kind outright, (kinds,). Raises `KeyError` for one that is none."""
    if kind not in KINDS:
        raise KeyError(kind)
    return torch.tensor([float(name == kind) for name in KINDS], dtype=torch.float64)


def combined(by_sound: Tensor, prior: Tensor | None) -> Tensor:
    """Probabilities by sound (kinds,) and a likelihood by name -> probabilities by both."""
    if prior is None:
        return by_sound
    both = (by_sound + LEAST_PRIOR) * prior
    return both / both.sum()


@lru_cache(maxsize=4096)
def _said(name: str) -> tuple[str, ...]:
    """The kinds that a name speaks of."""
    words = plain_words(name)
    taken = [False] * len(words)
    kinds: list[str] = []
    for length, pattern, kind in _patterns():
        for start in range(len(words) - length + 1):
            span = range(start, start + length)
            if any(taken[i] for i in span) or not pattern.fullmatch(" ".join(words[i] for i in span)):
                continue
            for i in span:
                taken[i] = True
            kinds.append(kind)
    return tuple(dict.fromkeys(kinds))


def plain_words(name: str) -> list[str]:
    """'02-LeadVox_dbl.wav' -> ['lead', 'vox', 'dbl', 'wav']: lower case, without accents and counting numbers."""
    name = re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])", " ", name)
    name = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return [w for w in re.findall(r"[a-z]+|\d+[a-z]+\d*|\d+", re.sub(r"(?<=[a-z]{3})\d+", " ", name)) if not _counts(w)]


def _counts(word: str) -> bool:
    return word.isdigit() and word not in {"808", "909", "303"}


@lru_cache(maxsize=1)
def _patterns() -> Sequence[tuple[int, re.Pattern[str], str]]:
    """(number of words, pattern, kind), longest first."""
    found = []
    for kind, text in NAMES.items():
        for entry in _entries(text):
            pattern = re.compile(re.escape(entry).replace(r"\*", "[a-z]*").replace(r"\ ", " "))
            found.append((len(entry.split()), pattern, kind))
    return sorted(found, key=lambda one: (-one[0], -len(one[1].pattern)))
