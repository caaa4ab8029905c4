"""`make picture`: the README's picture can be drawn, and what it shows of two voices is so."""

import re
import runpy
from pathlib import Path

DRAW = Path(__file__).parents[1] / "docs" / "draw_picture.py"


def test_the_picture_is_drawn_and_the_thin_voice_gets_more(tmp_path, capsys):
    runpy.run_path(str(DRAW))["main"](tmp_path / "word.png")
    assert (tmp_path / "word.png").read_bytes().startswith(b"\x89PNG")
    first = [float(re.search(r": ([+-][\d.]+) dB", line)[1]) for line in capsys.readouterr().out.splitlines()]
    assert len(first) == 2 and first[0] > first[1]
