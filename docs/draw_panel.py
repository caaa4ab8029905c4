"""Draws docs/panel.png: the panel in the stand-in for REAPER, with what is computed for the demo's voice.

python docs/draw_panel.py [PNG]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "reaper"))

import soundfile
from actions_kit import Clip, Session, Strip
from fake_backend import answer
from panel_kit import Panel
from standin.screenshot import replay

from reaper_aeq import AdaptiveEQ
from reaper_aeq.demo.song import make_song
from reaper_aeq.result.sketch import sketch_of

PICTURE = Path(__file__).with_name("panel.png")
RATE = 44_100


def main(path: Path = PICTURE) -> None:
    voice = next(track for track in make_song() if track.name == "voice")
    aeq = AdaptiveEQ.load()
    analysis = aeq.analyze(voice.audio, RATE)
    result = aeq.adapt_analysis(analysis, "warm", name="Lead vocal")

    def told(task: dict) -> dict:
        return {**answer(task), **result.to_dict(), "sketch": sketch_of(result, analysis)}

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TMPDIR"] = str(folder / "temp")
        sound = folder / "voice.wav"
        soundfile.write(sound, voice.audio.T, RATE)
        session = Session(folder, [Strip("Lead vocal", [Clip(sound)], selected=True)])
        session.backend.answer = told
        session.reaper.ui.theme["col_main_bg2"], session.reaper.ui.scale = 0x303030, 2
        session.reaper.ext_state.values["reaper-aeq", "panel"] = "0 200 150 400 620"
        panel = Panel(session)
        panel.click("warm")
        panel.settle()
        image = replay(panel.window.shown, panel.window.size)
        image.quantize(128).save(path, optimize=True)
        panel.close()
        session.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
