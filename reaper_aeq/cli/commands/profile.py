"""`reaper-aeq profile ...`: what was learned from one's own settings: listed, exported, erased."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ...errors import AeqError
from ...model.profile_store import ProfileStore, check_profile, exported
from ...util.files import atomic_write
from ...util.printable import printable
from .console import print_json, say, table
from .options import App, Json

profile = App("What the words mean to you: list, export or erase what was learned from your own settings.")
Whose = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Only this profile; by default all of them.")
]


def _tell(store: ProfileStore) -> None:
    for sentence in store.told:
        typer.echo(f"note: {printable(sentence)}", err=True)


@profile.command("list")
def profile_list(name: Whose = None, as_json: Json = False) -> None:
    """List how many settings of each word were learned, and where they are kept."""
    store = ProfileStore()
    edits = store.edits(check_profile(name) if name else None)
    _tell(store)
    counts = Counter((one.profile, one.word) for one in edits)
    if as_json:
        rows = [{"profile": who, "word": word, "edits": count} for (who, word), count in sorted(counts.items())]
        print_json({"store": str(store.path), "learned": rows})
        return
    if counts:
        rows_shown = [[who, word, str(count)] for (who, word), count in sorted(counts.items())]
        table({"profile": "left", "word": "left", "edits": "right"}, rows_shown)
    say(f"{len(edits)} settings in {printable(store.path)}")


@profile.command("export")
def profile_export(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: JSON.")],
    name: Whose = None,
    as_json: Json = False,
) -> None:
    """Write all that was learned as JSON: each setting with its word, kind, curves and date."""
    store = ProfileStore()
    edits = store.edits(check_profile(name) if name else None)
    _tell(store)
    if out.resolve() == store.path.resolve():
        raise AeqError(f"{out} is the store itself: name another file")
    with atomic_write(out) as temporary:
        temporary.write_text(json.dumps({"edits": exported(edits)}, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json({"outputs": [str(out)], "edits": len(edits)})
    else:
        say(f"wrote {printable(out)}: {len(edits)} settings")


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
    if as_json:
        print_json({"erased": count})
    else:
        say(f"erased {count} settings")
