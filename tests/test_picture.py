"""The pictures of the documents can be drawn again, and what they show is so."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
PNG = b"\x89PNG"


def test_the_picture_is_drawn_and_the_thin_voice_gets_more(tmp_path, capsys):
    runpy.run_path(str(DOCS / "draw_picture.py"))["main"](tmp_path / "word.png")
    assert (tmp_path / "word.png").read_bytes().startswith(PNG)
    first = [float(re.search(r": ([+-][\d.]+) dB", line)[1]) for line in capsys.readouterr().out.splitlines()]
    assert len(first) == 2 and first[0] > first[1]


def test_few_bands_do_with_less_what_five_do_against_each_other(tmp_path):
    script = runpy.run_path(str(DOCS / "before_after.py"))
    five, few = script["settings"]("drums", "less muddy")
    assert len(five.bands) == 5 > len(few.bands) > 0
    assert max(abs(band.gain_db) for band in few.bands) < 0.5 * max(abs(band.gain_db) for band in five.bands)
    script["draw"]((five, few), ("before", "now"), tmp_path / "two.png")
    assert (tmp_path / "two.png").read_bytes().startswith(PNG)


def test_the_panel_is_drawn(tmp_path):
    subprocess.run([sys.executable, DOCS / "draw_panel.py", tmp_path / "panel.png"], check=True)
    assert (tmp_path / "panel.png").read_bytes().startswith(PNG)
