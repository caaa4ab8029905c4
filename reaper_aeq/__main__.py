"""`python -m reaper_aeq` and the command `reaper-aeq`: the command line; Ctrl-C is answered from the first moment."""

import os
import sys

from .util import ctrl_c


def main() -> int:
    """Runs the command line of this process. Returns the exit code."""
    # Threads of OpenMP wait for one another awake, which makes a second one cost up to twenty times the processor time
    # where the other core is taken (tests/bench/bench_threads.py); torch reads this when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
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
    _leave(code)
    return code


def _leave(code: int) -> None:
    """Ends the process here, where it is this program's and has loaded torch: to take that apart, which Python does
    last of all, takes half a second and 120 MB, and files are closed where they were opened."""
    import atexit
    import threading

    by_name = os.path.basename(sys.argv[0]).startswith("reaper-aeq") or sys.argv[0] == __file__
    watched = sys.gettrace() or sys.getprofile() or sys.flags.interactive  # whoever watches is not done yet
    if "torch" not in sys.modules or not by_name or threading.active_count() > 1 or watched:
        return
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        return  # Python says so in its own way
    os._exit(code)


def _fill_gaps() -> None:
    """Where a standard stream was closed, the next file to be opened would get its place, and what others print."""
    for descriptor in range(3 if os.name == "posix" else 0):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
