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
from string import ascii_lowercase

from ..errors import check_known

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
MELODIC = ("vocals", "guitar", "keys", "strings", "wind", "synth")  # hard to tell from one another by sound alone
MELODIC_KIND, UNSURE = "melodic", "unsure"  # what is said where no kind is named
NAME_SURE = 0.97  # of a telling name: how often the track really is of that kind
COMMIT_FROM = 0.55  # of the likeliest kind: below, no kind is named
# Where the sound alone seems to be one of these it mostly is not (models/README.md): 'melodic' is all that is said.
NOT_BY_SOUND = ("strings", "wind", "synth")

# Whole words; '*' stands for any ending. Words that mean two things to two people (solo, lead, bus, hi) are left out.
WORDS: dict[str, str] = {
    "mix": "mix master premaster mixdown stereomix fullmix bounce 2mix submix band orchestra orchester orquesta "
        "orchestre orquestra instrumental playback backingtrack mixbus song gesamt summe mezcla mistura melange "
        "missaggio",
    "drums": "drum* kick* kik bd snare* sn sd hat hats hihat* hh tom toms cymbal* crash ride oh ohs overhead* perc "
        "percs percussi* shaker* tambo conga* bongo* cajon clap claps snap snaps rimshot* cowbell* timbale* "
        "timpani beat beats 808 909 breakbeat* schlagzeug trommel* becken pauke* batterie batteria bateria* "
        "rullante piatti tamburo tamburi tambourin* bombo caja platillo* redoblante tambor* bumbo charleston "
        "chimbal prato pratos tamborim pandeiro* djembe tabla taiko udu woodblock* perkussion perkusion percusion "
        "percussao percussioni grancassa",
    "speech": "speech spoken voiceover* vo narrat* dialog* podcast* interview* host guest speaker* "
        "announcer* moderator* "
        "sprache sprecher* locutor* locucao locucion narrador* erzahler* commentary lecture* lavalier lav parole "
        "parlato parlante falado parlee hablada hablado gesprochen dialogo dialoghi",
    "bass": "bass basses bassline* subbass sub basse basses basso bassi bajo bajos baixo baixos contrabajo contrabaixo "
        "contrebasse contrabbasso kontrabass* ebass reese fretless trilian ebassgitarre bassgitarre synthbass",
    "vocals": "vocal* vox voc vocs voice voices lv ldv bv bvs bgv bgvs bvox singer* singing choir* chorus chor chore "
        "adlib* harmonies soprano tenor baritone alto* acapella acappella rap rapper gesang sanger* saenger* "
        "stimme stimmen voix chant chants chanteu* choeur* coro coros cori voz vozes voces voce voci cantante* "
        "canto cantor* vocais hum humming",
    "guitar": "guitar* gtr gtrs gt gtar agtr egtr acgtr elgtr strat stratocaster tele telecaster ukulele* uke banjo* "
        "mandolin* bouzouki charango lute gitarre* egitarre agitarre guitare* guitarra* chitarra* chitarre violao "
        "violoes cavaquinho dobro amplitube strumming",
    "keys": "keys piano* pno rhodes wurli* epiano organ organs hammond b3 clav clavinet harpsichord celesta celeste "
        "glockenspiel vibes vibraphon* marimba xylophon* mallet* keyboard* klavier flugel fluegel orgel orgue "
        "organo tastiera* teclado* clavier* clavecin cembalo pianoteq keyscape accordion akkordeon accordeon "
        "fisarmonica acordeon kalimba",
    "strings": "string strings violin* vln vlns fiddle* viola violas vla cello* celli vcl pizz pizzicato arco legato "
        "geige* bratsche* streicher* violon violons archi cuerda* violino* violoncell* violoncelo* corda cordas "
        "cordes chelo harp harfe harpe arpa erhu sitar",
    "wind": "brass horn horns trumpet* tpt flugelhorn trombone* tbn tuba sax saxes saxo saxophon* altosax tenorsax "
        "barisax flute* clarinet* oboe* bassoon* piccolo harmonica* woodwind* winds bagpipe* trompete* posaune* "
        "blaser blaeser saxofon* sassofon* flote* floete* klarinette* fagott trompette* cuivre* hautbois basson "
        "tromba trombe tromboni flauto flauti fiati ottoni trompeta* trombon metales vientos flauta* clarinete* "
        "metais sopros ocarina didgeridoo whistle",
    "synth": "synth* pad pads arp arps arpegg* pluck plucks seq sequence* saw saws supersaw* drone drones riser* "
        "uplifter* downlifter* fx sfx sweep sweeps atmo atmos atmosphere* texture* ambience moog juno dx7 prophet "
        "jupiter serum massive sylenth* vital surge diva omnisphere synthe synthetiseur* sintetizador* "
        "sintetizzator* vocoder wavetable modular chiptune 303 tb303 sintetizzatore nave",
}  # fmt: skip
# Several words, separated by commas.
PHRASES: dict[str, str] = {
    "mix": "full mix, stereo mix, mix bus, master bus, music bus, minus one, backing track, drum and bass, drums and "
        "bass, drums bass, all instruments, two track",
    "drums": "bass drum*, hi hat*, hi hats, floor tom*, steel drum*, kick in, kick out, sub kick, snare top, snare "
        "bottom, drum synth, synth drum*, synth perc, drum loop, drum room, room mic*, body percussion, grosse "
        "caisse, caisse claire, cassa, gran cassa, grosse trommel, kleine trommel, bass kick, vocal perc, bombo "
        "legüero, beat box",
    "speech": "voice over*, voix off, voz en off, voce narrante, spoken word, voice of god, lead speaker, talking head",
    "bass": "808 bass, synth bass, bass synth, bass di, bass amp, bass guitar, bass gtr, sub bass, upright bass, acid "
        "bass, moog bass, e bass, double bass, slap bass, picked bass, bass line, modo bass, guitare basse, "
        "guitarra baixo, bass gitarre, basse synthe",
    "vocals": "lead vox, lead voc, backing vocal*, backing vox, gang vox, ad lib, ad libs, a cappella, background "
        "vocal*, synth choir, vocal synth, vocal chop*, guitar vox, male voice, female voice, voix lead, voz "
        "principal, voz lead, coro masculino",
    "guitar": "les paul, pedal steel, lap steel, ac gtr, el gtr, acoustic gtr, electric gtr, guitar rig, guitar synth, "
        "bass vi, viola caipira, power chord*, guitarra electrica, e gitarre, a gitarre, e git, a git, nylon "
        "string, steel string, 12 string",
    "keys": "el piano, e piano, electric piano, toy piano, music box, tubular bell*, synth keys, bass keys, bells, "
        "church organ, grand piano, piano a queue, orgue hammond, harmonium",
    "strings": "string section, string quartet, string ensemble, solo violin, bowed bass, contrabass arco, viola da "
        "gamba, double bass arco, celli bass",
    "wind": "alto sax, tenor sax, bari sax, baritone sax, soprano sax, bass clarinet*, french horn*, english horn, cor "
        "anglais, pan flute, bass trombone*, bass flute, contra bassoon, horn section, brass section, bass sax",
    "synth": "lead synth, synth lead, synth pad, string pad, synth strings, synth string, synth brass, synth pluck, "
        "synth arp, string synth, strings synth, fx synth, choir pad, bell pad, piano pad, vocal pad, guitar pad",
}  # fmt: skip


def kind_prior(*names: str | None) -> tuple[float, ...] | None:
    """What names of a track, its folder and its instrument say: (kinds,), a likelihood for each kind; None for nothing.

    The first name that says anything counts: give the nearest first (the track before its folder).
    """
    for name in names:
        said = _said(name or "")
        if said:
            rest = (1 - NAME_SURE) / (len(KINDS) - len(said))
            return tuple(NAME_SURE / len(said) if kind in said else rest for kind in KINDS)
    return None


def known_kind(kind: str) -> tuple[float, ...]:
    """The prior of somebody who says the kind outright, (kinds,). Raises `AeqError` for one that is none."""
    check_known("kind", kind, KINDS)
    return tuple(float(name == kind) for name in KINDS)


def heard_as(probabilities: Sequence[float], *, by_name: bool = False) -> tuple[str, float]:
    """What a sound is called, and how sure that is: a kind, else 'melodic', else 'unsure'.

    `by_name`: whether a name or a person said something of the kind; by sound alone not all kinds are named.
    """
    kinds = dict(zip(KINDS, probabilities, strict=True))
    best = max(kinds, key=kinds.__getitem__)
    if kinds[best] >= COMMIT_FROM and (by_name or best not in NOT_BY_SOUND):
        return best, kinds[best]
    melodic = sum(kinds[kind] for kind in MELODIC)
    return (MELODIC_KIND, melodic) if melodic >= COMMIT_FROM else (UNSURE, kinds[best])


@lru_cache(maxsize=4096)
def _said(name: str) -> tuple[str, ...]:
    """The kinds that a name speaks of."""
    words = plain_words(name)
    taken = [False] * len(words)
    kinds: list[str] = []
    initials = {word[0] for word in words}
    for pattern, kind in _patterns():
        if pattern[0][0] not in initials:
            continue
        for start in range(len(words) - len(pattern) + 1):
            span = range(start, start + len(pattern))
            if any(taken[i] for i in span) or not all(map(_fits, words[start : span.stop], pattern)):
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


def _fits(word: str, pattern: str) -> bool:
    """Whether a word is what a pattern says; '*' at its end stands for more letters."""
    if not pattern.endswith("*"):
        return word == pattern
    return word.startswith(pattern[:-1]) and not word[len(pattern) - 1 :].strip(ascii_lowercase)


@lru_cache(maxsize=1)
def _patterns() -> Sequence[tuple[tuple[str, ...], str]]:
    """(words of a pattern, kind), longest first."""
    found = []
    for kind in KINDS:
        for entry in [*WORDS[kind].split(), *(phrase.strip() for phrase in PHRASES[kind].split(","))]:
            plain = unicodedata.normalize("NFKD", entry).encode("ascii", "ignore").decode()
            found.append((tuple(plain.split()), kind))
    return sorted(found, key=lambda one: (-len(one[0]), -_length(one[0])))


def _length(pattern: Sequence[str]) -> int:
    """What is open at its end counts as six letters."""
    return sum(len(word) + 5 * word.endswith("*") for word in pattern)
