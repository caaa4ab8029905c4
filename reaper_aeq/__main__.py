"""`python -m reaper_aeq` and the command `reaper-aeq`: the command line; Ctrl-C is answered from the first moment."""

import os
import sys

from .util import ctrl_c


def main() -> int:
    """Runs the command line of this process. Returns the exit code."""
    try:
        ctrl_c.install()
        _fill_gaps()
        from .cli.main import main as run

        code = run()
    except BaseException:
        # an interrupted import may come out as any error
        if not ctrl_c.was_pressed():
            raise
        code = ctrl_c.EXIT_CODE
    if ctrl_c.was_pressed() and code:
        code = ctrl_c.tell()
    ctrl_c.finish()
    return code


def _fill_gaps() -> None:
    """Where a standard stream was closed, the next file to be opened would get its place, and what others print."""
    for descriptor in range(3 if os.name == "posix" else 0):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
