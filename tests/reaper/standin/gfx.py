"""gfx, as much as a progress window needs: a window for each script, keys from the test, drawing recorded."""

from __future__ import annotations

from .errors import StandInError
from .registry import api

CLOSED = -1


def _window(reaper):
    window = reaper.running.gfx_window
    if window is None:
        raise StandInError("gfx", "drawing without a window (gfx.init)")
    return window


def _measure(text: str) -> tuple[int, int]:
    return 8 * max(map(len, text.split("\n"))), 16 * (text.count("\n") + 1)


@api
def gfx_init(reaper, title, width=None, height=None, dock=None, x=None, y=None):
    """A second call with "" only resizes or renames, as in REAPER."""
    script = reaper.running
    if script.gfx_window is None:
        reaper.ui.windows.append(title)
    script.gfx_window = [0, x or 0, y or 0, width or 640, height or 480]
    gfx = script.lua.globals().gfx
    gfx.w, gfx.h, gfx.texth = script.gfx_window[3], script.gfx_window[4], 16
    return 1


@api
def gfx_quit(reaper):
    reaper.running.gfx_window = None


@api
def gfx_update(reaper):
    _window(reaper)


@api
def gfx_getchar(reaper, char=None, unichar=None):
    if reaper.running.gfx_window is None:
        return CLOSED
    key = reaper.ui.keys.popleft() if reaper.ui.keys else 0
    if key == CLOSED:
        reaper.running.gfx_window = None
    return key


@api
def gfx_dock(reaper, value, x=None, y=None, w=None, h=None):
    window = _window(reaper)
    extra = sum(v is not None for v in (x, y, w, h))
    return tuple(window[: 1 + extra])


@api
def gfx_drawstr(reaper, text, flags=None, right=None, bottom=None):
    _window(reaper)
    reaper.ui.drawn.append(text)
    gfx = reaper.running.lua.globals().gfx
    gfx.x += _measure(text)[0]


@api
def gfx_measurestr(reaper, text):
    return _measure(text)


@api
def gfx_setfont(reaper, index, face=None, size=None, flags=None):
    if size:
        reaper.running.lua.globals().gfx.texth = size
    return None


@api
def gfx_set(reaper, r, g=None, b=None, a=None, mode=None, dest=None, a2=None):
    gfx = reaper.running.lua.globals().gfx
    for name, value in (("r", r), ("g", r if g is None else g), ("b", r if b is None else b), ("a", a)):
        if value is not None:
            gfx[name] = value


@api
def gfx_rect(reaper, x, y, w, h, filled=None):
    _window(reaper)


@api
def gfx_roundrect(reaper, x, y, w, h, radius, antialias=None):
    _window(reaper)


@api
def gfx_line(reaper, x, y, x2, y2, antialias=None):
    _window(reaper)


@api
def gfx_circle(reaper, x, y, radius, fill=None, antialias=None):
    _window(reaper)
