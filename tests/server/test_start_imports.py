"""What a backend loads before it answers: torch takes longer than all the rest, and comes beside it."""

import subprocess
import sys


def test_the_server_is_there_before_torch():
    asked = "import sys, reaper_aeq.server.run; print('torch' in sys.modules, 'numpy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["False", "False"]
