"""The stand-in in a process of its own: reapy's server in it needs an interpreter for itself.

`python -m standin.host` is told by environment variables where its test listens (`HOST_ADDRESS`, `HOST_KEY`) and sends
over that connection what each function it is given answers. `live_kit.Host` is the other end.
"""

from __future__ import annotations

import os
import sys
import traceback
from multiprocessing.connection import Client, Connection
from pathlib import Path

import cloudpickle

from . import Reaper, StandInError, checks
from .python_script import enter_reaper
from .web_interface import WebInterface, ports

PACE_S = 0.01  # a cycle; REAPER's own takes 33 ms


class Session:
    """What a function of the test gets: the stand-in, and what went wrong since it was asked last."""

    def __init__(self, reaper: Reaper):
        self.reaper: Reaper = reaper
        self.wrong: list[StandInError] = []

    def verify(self) -> None:
        """Raises the first broken rule: of a cycle, or that something is not as it was before."""
        wrong, self.wrong = self.wrong, []
        if not wrong:
            checks.after_all(self.reaper)
            wrong, self.reaper.violations = self.reaper.violations, []
        if wrong:
            raise wrong[0]


def main() -> None:
    port = int(os.environ["HOST_ADDRESS"])
    connection = Client(("127.0.0.1", port), authkey=bytes.fromhex(os.environ["HOST_KEY"]))
    resource, web_port, server_port = connection.recv()
    reaper = Reaper(connection.recv_bytes(), resource, pace_s=PACE_S)
    web = None
    if web_port is not None:
        # reaper.ini may list reapy's usual port as well, which on this machine may be somebody else's
        assert web_port in ports(Path(resource)), "reaper.ini has no such web interface"
        web = WebInterface(web_port)
        _choose_server_port(reaper, server_port)
    connection.send("ready")
    try:
        _run(reaper, web, connection)
    finally:
        reaper.close()


def _choose_server_port(reaper: Reaper, port: int) -> None:
    """reapy has no setting for the port of its server: it is a constant of a module, changed before it is used."""
    enter_reaper(reaper)
    import reapy

    assert reapy.is_inside_reaper()
    reapy.config.REAPY_SERVER_PORT = port


def _run(reaper: Reaper, web: WebInterface | None, connection: Connection) -> None:
    session = Session(reaper)
    while True:
        try:
            reaper.step()
            if web:
                web.answer(reaper)
        except StandInError as error:
            session.wrong.append(error)
        while connection.poll():
            try:
                function, arguments = cloudpickle.loads(connection.recv_bytes())
            except EOFError:
                return
            try:
                answer = (True, function(session, *arguments))
            except Exception as error:
                answer = (False, (type(error).__name__, str(error), traceback.format_exc()))
            connection.send_bytes(cloudpickle.dumps(answer))


if __name__ == "__main__":
    sys.exit(main())
