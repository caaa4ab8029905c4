"""The panel in a session of the stand-in, and the user's hands on it."""

from __future__ import annotations

import math

from actions_kit import Clip, Strip, noise, ours
from fake_backend import answer

LEFT, RIGHT, TAB, ENTER, ESCAPE = 1818584692, 1919379572, 9, 13, 27
SOURCE = " ".join(str(-200 - 9 * n + (37 * n) % 50) for n in range(59))
LOW = " ".join(str(-230 - 8 * n) for n in range(59))
HIGH = " ".join(str(-150 - 8 * n) for n in range(59))
SKETCH = {
    "sample_rate": 48000,
    "source": SOURCE,
    "low": LOW,
    "high": HIGH,
    "most": 1.5,
    "gains": "0 0 1 -0.93 1.5 -1.4",
}
WHY = "This sound has less of 120 to 500 Hz than most vocals, so it got 1.2 times what people do for 'warm'."


def told(task):
    seen = {"kind": "vocals", "probability": 0.9, "by": "sound", "kinds": {"vocals": 0.9}}
    return {**answer(task), "sketch": SKETCH, "explanation": WHY, "heard_as": seen}


def gains(s, track="Vox"):
    """dB of the bands of our EQ on a track."""
    return [20 * math.log10(band.gain) for band in ours(s.project)[track][0][1].bands]


class Panel:
    """The open panel of a session, and the user's hands on it."""

    def __init__(self, session):
        self.s, self.ui = session, session.reaper.ui
        self.script = session.start("Panel")
        session.reaper.step(4)

    @property
    def window(self):
        return self.script.gfx_window

    def texts(self):
        return [call[4] for call in self.window.shown if call[0] == "text"]

    def at(self, text):
        calls = [call for call in self.window.shown if call[0] == "text" and call[4].startswith(text)]
        scale = self.window.scale
        return (calls[0][2] + 3) / scale, (calls[0][3] + 3) / scale  # the status line comes last

    def click(self, text):
        self.ui.mouse, self.ui.buttons = self.at(text), 1
        self.s.reaper.step(2)
        self.ui.buttons = 0
        self.s.reaper.step(2)

    def settle(self, timeout_s=30.0):
        """Until nothing is under way any more."""
        self.s.reaper.step(3)
        running = self.s.reaper.ext_state.values.get
        self.s.reaper.run_until(lambda: running(("reaper-aeq", "running")) is None, timeout_s=timeout_s)
        self.s.reaper.step(12)

    def drag(self, text, *shares, let_go=True):
        y = self.at(text)[1]
        width = self.window.width - 20 - 82 - 48  # the slider's own, panel_controls.lua
        for share in shares:
            self.ui.mouse, self.ui.buttons = (10 + 82 + width * share, y), 1
            self.s.reaper.step(2)
        if let_go:
            self.ui.buttons = 0
            self.settle()

    def key(self, *codes):
        for code in codes:
            self.ui.keys.append(code)
            self.s.reaper.step(2)

    def close(self):
        self.key(ESCAPE)
        self.s.reaper.run_until()


def strips(tmp_path, count=1):
    sound = noise(tmp_path / "a.wav")
    return [Strip(f"Vox {n}" if n else "Vox", [Clip(sound)], selected=True) for n in range(count)]
