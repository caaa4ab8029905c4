"""gfx: a window for each script, the user's hands on it, and every draw call recorded (`screenshot.py` replays them).

Sizes: `gfx.init` takes logical pixels; once a script has set `gfx.ext_retina` to 1, `gfx.w`, `gfx.h`, the mouse and all
drawing are in physical ones, and `gfx.ext_retina` tells how many there are to a logical one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import StandInError
from .lua_state import to_lua
from .registry import api
from .screenshot import text_size

CLOSED = -1
INFO = 65536  # of getchar: what the window is, 1 known, 2 focus, 4 visible, 8 under the mouse
KEPT_FRAMES = 400
MODIFIERS = 4 | 8 | 16 | 32  # control, shift, alt, win


@dataclass
class GfxWindow:
    """Logical size and place; `shown` is the last frame that `gfx.update` put on the screen."""

    title: str
    dock: int
    x: int
    y: int
    width: int
    height: int
    scale: float = 1.0
    frame: list = field(default_factory=list)
    shown: list = field(default_factory=list)
    frames: int = 0
    fonts: dict = field(default_factory=dict)
    font: tuple = ("Arial", 15, 0)
    getchar_called: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Physical."""
        return round(self.width * self.scale), round(self.height * self.scale)


def _window(reaper) -> GfxWindow:
    window = reaper.running.gfx_window
    if window is None:
        raise StandInError("gfx", "drawing without a window (gfx.init)")
    return window


def _gfx(reaper):
    return reaper.running.lua.globals().gfx


def refresh(script) -> None:
    """Before each cycle: what the user's hands did is put where a script reads it."""
    window, gfx, ui = script.gfx_window, script.lua.globals().gfx, script.reaper.ui
    if window is None:
        return
    wanted = float(gfx.ext_retina or 0)
    window.scale = ui.scale if wanted else 1.0
    if wanted:
        gfx.ext_retina = window.scale
    gfx.w, gfx.h = window.size
    gfx.mouse_x, gfx.mouse_y = (int(v * window.scale) for v in ui.mouse)
    buttons = ui.buttons & ~MODIFIERS
    # modifiers are told while a button is down, or once the script asks for keys
    gfx.mouse_cap = ui.buttons if buttons or window.getchar_called else 0
    gfx.mouse_wheel = (gfx.mouse_wheel or 0) + ui.wheel
    ui.wheel = 0


@api
def gfx_init(reaper, title, width=None, height=None, dock=None, x=None, y=None):
    """A second call with "" only resizes, as in REAPER."""
    script = reaper.running
    if script.gfx_window is None:
        reaper.ui.windows.append(title)
        script.gfx_window = GfxWindow(title, int(dock or 0), int(x or 0), int(y or 0), 640, 480)
    window = script.gfx_window
    window.title = title or window.title
    window.width, window.height = int(width or window.width), int(height or window.height)
    if dock is not None:
        window.dock = int(dock)
    refresh(script)
    _gfx(reaper).texth = 16
    return 1


@api
def gfx_quit(reaper):
    reaper.running.gfx_window = None


@api
def gfx_update(reaper):
    window = _window(reaper)
    window.frames += 1
    if window.frame:
        window.shown, window.frame = window.frame, []


@api
def gfx_getchar(reaper, char=None, unichar=None):
    window, ui = reaper.running.gfx_window, reaper.ui
    if window is None:
        return CLOSED
    if char == INFO:
        return 1 | (2 if ui.focused else 0) | 4 | (8 if ui.mouse_inside else 0)
    if char:
        return 0
    window.getchar_called = True
    key = ui.keys.popleft() if ui.keys and (ui.focused or ui.keys[0] == CLOSED) else 0
    if key == CLOSED:
        reaper.running.gfx_window = None
    return key


@api
def gfx_dock(reaper, value, x=None, y=None, w=None, h=None):
    window = _window(reaper)
    if value >= 0:
        window.dock = int(value)
    told = (window.dock, window.x, window.y, window.width, window.height)
    return told[: 1 + sum(v is not None for v in (x, y, w, h))]


def _record(reaper, what: str, *values) -> None:
    window, gfx = _window(reaper), _gfx(reaper)
    window.frame.append((what, (gfx.r, gfx.g, gfx.b, gfx.a), *values))


@api
def gfx_drawstr(reaper, text, flags=None, right=None, bottom=None):
    window, gfx = _window(reaper), _gfx(reaper)
    reaper.ui.drawn.append(text)
    box = (right, bottom) if right is not None else None
    _record(reaper, "text", gfx.x, gfx.y, text, window.font, int(flags or 0), box)
    gfx.x += text_size(text, window.font)[0]


@api
def gfx_measurestr(reaper, text):
    return text_size(text, _window(reaper).font)


@api
def gfx_setfont(reaper, index, face=None, size=None, flags=None):
    """With an index alone the font that was set for it."""
    window = _window(reaper)
    if face:
        window.fonts[index] = (face, int(size or 10), int(flags or 0))
    elif index and index not in window.fonts:
        raise StandInError("gfx", f"font {index:g} was never set")
    window.font = window.fonts.get(index, window.font)
    _gfx(reaper).texth = window.font[1]
    return None


@api
def gfx_set(reaper, r, g=None, b=None, a=None, mode=None, dest=None, a2=None):
    gfx = _gfx(reaper)
    for name, value in (("r", r), ("g", r if g is None else g), ("b", r if b is None else b), ("a", a)):
        if value is not None:
            gfx[name] = value


@api
def gfx_rect(reaper, x, y, w, h, filled=None):
    """REAPER takes a number or a boolean; not saying it fills."""
    if w < 0 or h < 0:
        raise StandInError("gfx", f"a rectangle of {w:g} x {h:g}")
    _record(reaper, "rect", x, y, w, h, filled is None or (filled is not False and filled != 0))


@api
def gfx_roundrect(reaper, x, y, w, h, radius, antialias=None):
    _record(reaper, "roundrect", x, y, w, h, radius)


@api
def gfx_line(reaper, x, y, x2, y2, antialias=None):
    _record(reaper, "line", x, y, x2, y2)


@api
def gfx_circle(reaper, x, y, radius, fill=None, antialias=None):
    _record(reaper, "circle", x, y, radius, bool(fill))


@api
def gfx_showmenu(reaper, text):
    """A menu stops the script until the user chose; here what `ui.menus` says, 0 for nothing, or what a function there
    answers once it has done something else."""
    _window(reaper)
    reaper.ui.asked.append(("menu", text, ""))
    if not reaper.ui.menus:
        raise StandInError("dialog", f"nobody chooses from the menu {text}")
    chosen = reaper.ui.menus.popleft()
    chosen = chosen() if callable(chosen) else chosen
    entries = [part.lstrip("!#<>") for part in text.split("|")]
    return chosen if isinstance(chosen, int) else 1 + entries.index(to_lua(chosen))
