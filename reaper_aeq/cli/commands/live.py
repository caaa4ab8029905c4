"""`reaper-aeq live`: the project that is open in REAPER, from a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from ...errors import AeqError, InstallError
from ...model import DEFAULT_ENCODER
from ...reaper.live import WEB_PORT
from ...request import DEFAULT_PROFILE, EqRequest, check_profile, check_range, parse_word
from ...util.printable import printable
from .checks import check_audio, check_models, check_plan, check_request
from .console import answer, print_json, progress, say
from .options import App, Json, Models, PlanFile, References, RequestOptions, ResourcePath, range_of

if TYPE_CHECKING:
    from ...engine import AdaptiveEQ
    from ...project.analysis_pool import Progress
    from ...project.live.run import TrackChoice
    from ...project.rows import Row
    from ...reaper.live.api import Api


class WordOrCommand(typer.core.TyperGroup):
    """`live warm` is `live word warm`: what is no command is a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The rest of the command line, as click asks for it."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["word", *args]
        return super().parse_args(ctx, args)


live = App(
    "The project that is open in REAPER: 'live warm --selected'. See 'live setup' for the first time.",
    cls=WordOrCommand,
)

Linked = Annotated[
    bool, typer.Option("--linked", help="Tracks that belong together: one EQ for all, computed from their sum.")
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of REAPER's web interface.")]


@dataclass(frozen=True)
class LiveSession:
    """With which REAPER and models, and how it is told."""

    port: Port = WEB_PORT
    models: Models = None
    as_json: Json = False

    @contextmanager
    def opened(self) -> Iterator[tuple[Api, AdaptiveEQ, Progress]]:
        """REAPER, the engine, and whom to tell how far it is. Raises `AeqError`."""
        from ...reaper.live.reach import connected

        with connected(self.port) as reaper, progress() as (_, step_done):
            from .sound import load_engine

            yield reaper, load_engine(self.models), step_done


@dataclass(frozen=True)
class WritingOptions:
    """How tracks are heard and written."""

    always_render: Annotated[
        bool,
        typer.Option("--render", help="Let REAPER render every track, also where its files hold all of its sound."),
    ] = False
    afresh: Annotated[
        bool,
        typer.Option("--afresh", help="Drop what was changed by hand in our EQs; else it is kept beside the new EQ."),
    ] = False


@dataclass(frozen=True)
class WritingSession(LiveSession, WritingOptions):
    """A session that writes; its own options come first."""

    def show(self, rows: Sequence[Row]) -> None:
        """What became of the tracks."""
        if self.as_json:
            print_json({"tracks": [row.to_dict() for row in rows]})
            return
        from .project import show

        show(rows)
        for row in rows:
            if row.heard.startswith("rendered"):
                say(f"{row.title} was {row.heard}")
        changed = sum(row.inserted for row in rows)
        told = (
            f"{changed} of {len(rows)} tracks changed, one undo point in REAPER" if changed else "nothing was changed"
        )
        say(f"\n{told}")


@dataclass(frozen=True)
class Chosen:
    """Whose EQ."""

    selected: Annotated[bool, typer.Option("--selected", help="What is selected in REAPER: the default.")] = False
    everything: Annotated[bool, typer.Option("--all", help="Every track that sounds.")] = False
    tracks: Annotated[
        list[str] | None,
        typer.Option("--track", metavar="NAME", help="A track by name, with * and ?; may be repeated."),
    ] = None

    def __post_init__(self) -> None:
        """Raises `AeqError` where two of them are said."""
        if sum(map(bool, (self.selected, self.everything, self.tracks))) > 1:
            raise AeqError("say only one of --selected, --all and --track")

    def tracks_of(self, how: WritingOptions = WritingOptions(), linked: bool = False) -> TrackChoice:
        """The same, as the rest of the program takes it."""
        from ...project.live.run import TrackChoice

        return TrackChoice(tuple(self.tracks or ()), self.everything, how.always_render, linked, how.afresh)


@live.command("word")
def live_word(
    word: Annotated[str, typer.Argument(metavar="WORD", help="A word, 'less muddy', or 'warm 0.7, airy 0.3'.")],
    chosen: Chosen,
    how: RequestOptions,
    *,
    sections: Annotated[
        bool, typer.Option("--sections", help="Follow the song: the same bands, whose gains move as envelopes.")
    ] = False,
    linked: Linked = False,
    session: WritingSession,
) -> None:
    """Make tracks or items more WORD. The same word again replaces its EQ, another word joins it."""
    # what can be wrong with the request is said before REAPER is looked for, and that before models are loaded
    wanted = EqRequest(parse_word(word), **how.fields, sections=sections)
    check_request(wanted, session.models)
    with session.opened() as (reaper, engine, step_done):
        from ...project.live.run import make

        rows = make(reaper, engine, chosen.tracks_of(session, linked), wanted, step_done)
    session.show(rows)


@live.command("project")
def live_project(*, plan: PlanFile = None, session: WritingSession) -> None:
    """Give each track, and the master, the EQ that a plan asks for."""
    from ...project.plan import read_plan

    chosen = read_plan(plan)
    check_plan(chosen, session.models)
    with session.opened() as (reaper, engine, step_done):
        from ...project.live.backend import run_plan

        chosen.check(engine.words.blend)
        rows = run_plan(reaper, engine, chosen, step_done, session.always_render, session.afresh)
    session.show(rows)


@live.command("match")
def live_match(
    references: References,
    chosen: Chosen,
    *,
    intensity: Annotated[
        float, typer.Option(help=f"How far to go, {range_of('match_intensity')}; 1 is the reference.")
    ] = 1.0,
    linked: Linked = False,
    session: WritingSession,
) -> None:
    """Bring tracks or items to the balance of one or several references."""
    check_range("match_intensity", intensity, "intensity")
    check_audio(references)
    check_models(session.models)
    with session.opened() as (reaper, engine, step_done):
        from ...project.live.run import match

        rows = match(reaper, engine, chosen.tracks_of(session, linked), references, intensity, step_done)
    session.show(rows)


@live.command("learn")
def live_learn(
    chosen: Chosen,
    *,
    name: Annotated[str, typer.Option("--profile", metavar="NAME", help="Whose meaning.")] = DEFAULT_PROFILE,
    session: LiveSession,
) -> None:
    """Learn what words mean to you from what you changed by hand in our EQs. Nothing of it leaves this machine."""
    check_profile(name)
    check_models(session.models, DEFAULT_ENCODER)
    with session.opened() as (reaper, engine, _):
        from ...project.live.learn import learn

        rows = learn(reaper, engine, chosen.tracks_of(), name)
        store = engine.profiles.store.path
    told = []
    for row in rows:
        count = f"{row.settings} setting{'s' if row.settings > 1 else ''} of {row.word!r} now, in {printable(store)}"
        what = f"nothing was learned ({row.left})" if row.left else f"learned {row.change}; {count}"
        told.append(f"{printable(row.track)}: {what}")
    data = {"profile": name, "store": str(store), "learned": [vars(row) for row in rows]}
    answer(session.as_json, data, "\n".join(told))


@live.command("remove")
def live_remove(chosen: Chosen, port: Port = WEB_PORT, as_json: Json = False) -> None:
    """Take our EQs away, and nothing else."""
    from ...reaper.live.reach import connected

    with connected(port) as reaper:
        from ...project.live.run import remove

        gone = remove(reaper, chosen.tracks_of())
    removed = [{"track": target.name, "instance": name} for target, name in gone]
    told = "\n".join(f"{printable(target.name)}: removed {printable(name)}" for target, name in gone)
    answer(as_json, {"removed": removed}, told)


@live.command("setup")
def live_setup(given: ResourcePath = None, port: Port = WEB_PORT, as_json: Json = False) -> None:
    """Enable reapy's distant API in REAPER, once. REAPER must not be running."""
    from ...reaper.install.resource_path import resource_path
    from ...reaper.install.running import running_reaper
    from ...reaper.live.setup import SERVER_PORT, enable

    resource = resource_path(given)
    if (pid := running_reaper()) is not None:
        raise InstallError(f"REAPER is running (process {pid}) and would undo this when it ends: quit it first")
    copies = enable(resource, port)
    kept = f" Copies of what was changed lie beside it ({', '.join(path.name for path in copies)})." if copies else ""
    told = (
        f"Done: reapy is enabled in {resource}.{kept}\n"
        f"REAPER's web interface (port {port}) and reapy's server (port {SERVER_PORT}) have no password: whoever"
        " reaches them can control REAPER and run programs as you. Close both ports to other machines in your"
        " firewall.\nStart REAPER, open a project, then try: reaper-aeq live warm --selected"
    )
    data = {"resource_path": str(resource), "port": port, "copies": [str(path) for path in copies]}
    answer(as_json, data, told)
