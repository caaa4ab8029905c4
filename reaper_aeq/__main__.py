"""`python -m reaper_aeq` and the command `reaper-aeq`: the command line; Ctrl-C is answered from the first moment on."""

import sys

from . import interrupts


def main() -> int:
    """Runs the command line of this process. Returns the exit code."""
    try:
        interrupts.install()
        from .cli import main as run

        code = run()
    except BaseException:
        # an interrupted import may come out as any error
        if not interrupts.was_pressed():
            raise
        code = interrupts.EXIT_CODE
    if interrupts.was_pressed() and code:
        code = interrupts.tell()
    interrupts.finish()
    return code


if __name__ == "__main__":
    sys.exit(main())
