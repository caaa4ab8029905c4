"""`reaper-aeq reapack`: the index.xml with which ReaPack installs the actions from a web address."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ... import __version__
from ...errors import InstallError
from ...reaper.install.scripts import FOLDER, REAPACK_CATEGORY, shipped_scripts
from ...util.files import refuse_replacing, write_bytes_atomic
from ...util.paths import shipped
from .console import answer
from .options import Json


def reapack(
    base: Annotated[str, typer.Option(metavar="URL", help="Where the folder 'reascripts' is on the web.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("index.xml"),
    as_json: Json = False,
) -> None:
    """Write the index with which ReaPack installs the actions."""
    from ...reaper.install.reapack import build_index

    scripts = shipped_scripts()
    refuse_replacing([out], [shipped("reascripts") / name for name in scripts])
    write_bytes_atomic(out, build_index(scripts, base, release_time(), FOLDER, REAPACK_CATEGORY))
    told = (
        f"Wrote {out}: {len(scripts)} files of version {__version__}. Put the folder reascripts where {base} points to,"
        " and this file on the web too; users give its address to ReaPack (Extensions > ReaPack > Import repositories)."
    )
    answer(as_json, {"index": str(out), "files": len(scripts), "version": __version__}, told)


def release_time() -> datetime:
    """Now, or what SOURCE_DATE_EPOCH says (reproducible-builds.org), so that the same release gives the same file."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)
    except (ValueError, OverflowError, OSError):
        raise InstallError(f"SOURCE_DATE_EPOCH must be a number of seconds, not {given!r}") from None
