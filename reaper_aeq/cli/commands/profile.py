"""`reaper-aeq profile ...`: learning from one's own settings; what was learned listed, exported, erased."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...eq import Eq
from ...errors import AeqError, ProjectError
from ...model import DEFAULT_ENCODER
from ...model.profile_store import Edit, ProfileStore
from ...reaper.chunks import parse
from ...reaper.rpp.fxchain import read_eqs
from ...reaper.rpp.project import read_file
from ...request import DEFAULT_PROFILE, EqRequest, check_learnable, check_profile
from ...util.files import write_text_atomic
from ...util.printable import printable
from .checks import check_kind, check_request, check_sounds
from .console import answer, print_json, report, say, table
from .options import App, Json, Kind, Models, range_of

profile = App("What the words mean to you: learn from your own settings; list, export or erase what was learned.")
Whose = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Only this profile; by default all of them.")
]


def _tell(store: ProfileStore) -> None:
    for sentence in store.told:
        report(f"note: {sentence}")


def _learned(name: str | None) -> tuple[ProfileStore, list[Edit]]:
    """The store, and what it holds of a profile, or of all. Raises `AeqError`."""
    store = ProfileStore()
    edits = store.edits(check_profile(name) if name else None)
    _tell(store)
    return store, edits


@profile.command("learn")
def profile_learn(
    source: Annotated[Path, typer.Argument(metavar="SOUND", help="The recording that the setting is for.")],
    word: Annotated[str, typer.Argument(metavar="WORD", help="The word that was asked for.")],
    chain: Annotated[
        Path, typer.Argument(metavar="CHAIN", help="Your setting: an FX chain saved in REAPER (.RfxChain).")
    ],
    intensity: Annotated[float, typer.Option(help=f"That was asked for, {range_of('intensity')}, not 0.")] = 1.0,
    kind: Kind = None,
    name: Annotated[str, typer.Option("--profile", metavar="NAME", help="Whose meaning.")] = DEFAULT_PROFILE,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Learn what WORD means to you from the EQ that you made of our answer for this sound."""
    request = EqRequest(word, intensity, kind=kind, profile=name)
    request.check()
    check_learnable(intensity)
    check_kind(kind)
    check_sounds([source])
    made = read_chain_eq(chain)
    check_request(request, models, DEFAULT_ENCODER)

    from ...dsp.analyze_file import analyze_file
    from ...methods.validation import AnalyzedRequest
    from ...result.realization import eq_curve
    from .sound import load_engine

    engine = load_engine(models, DEFAULT_ENCODER)
    analysis = analyze_file(str(source)).analysis
    result = engine.adapt_request(AnalyzedRequest(analysis, request))
    sure = kind or result.known_kind
    profiles = engine.profiles
    computed_db, made_db = (eq_curve(eq, result.sample_rate) for eq in (result.eq, made))
    found = profiles.learn(name, word, intensity, computed_db, made_db, sure, analysis.ltas_db())
    _tell(profiles.store)
    settings = f"{found.settings} setting{'s' if found.settings > 1 else ''}"
    told = {"profile": name, "word": word, "kind": sure, "edits": found.settings, "store": str(profiles.store.path)}
    answer(as_json, told, f"learned from {settings} of {word!r}: 'words --mine' shows how far yours is")


def read_chain_eq(path: Path) -> Eq:
    """The first ReaEQ of a chain that REAPER saved. Raises `AeqError`."""
    try:
        found = read_eqs(parse(read_file(path)))
    except ProjectError as error:
        raise AeqError(f"{path} cannot be used: {error}") from None
    if not found:
        raise AeqError(f"{path} holds no ReaEQ: save the chain with your EQ in it in REAPER (FX window, Chains)")
    return found[0].eq


@profile.command("list")
def profile_list(name: Whose = None, as_json: Json = False) -> None:
    """List how many settings of each word were learned, and where they are kept."""
    store, edits = _learned(name)
    counts = sorted(Counter((one.profile, one.word) for one in edits).items())
    if as_json:
        rows = [{"profile": who, "word": word, "edits": count} for (who, word), count in counts]
        print_json({"store": str(store.path), "learned": rows})
        return
    if counts:
        table(["profile", "word", ">edits"], [[who, word, str(count)] for (who, word), count in counts])
    say(f"{len(edits)} settings in {printable(store.path)}")


@profile.command("export")
def profile_export(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: JSON.")],
    name: Whose = None,
    as_json: Json = False,
) -> None:
    """Write all that was learned as JSON: each setting with its word, kind, curves and date."""
    store, edits = _learned(name)
    if out.resolve() == store.path.resolve():
        raise AeqError(f"{out} is the store itself: name another file")
    text = json.dumps({"edits": [asdict(one) for one in edits]}, indent=1)
    write_text_atomic(out, text + "\n")
    answer(as_json, {"outputs": [str(out)], "edits": len(edits)}, f"wrote {printable(out)}: {len(edits)} settings")


@profile.command("erase")
def profile_erase(
    name: Whose = None,
    word: Annotated[str | None, typer.Option(metavar="WORD", help="Only this word; by default all of them.")] = None,
    as_json: Json = False,
) -> None:
    """Erase what was learned, without a trace: everything, one profile, or one word."""
    store = ProfileStore()
    count = store.erase(check_profile(name) if name else None, word)
    _tell(store)
    answer(as_json, {"erased": count}, f"erased {count} settings")
