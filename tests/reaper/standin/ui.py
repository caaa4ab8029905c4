"""Dialogs, console and tooltip: recorded; a question without a prepared answer is an error, because REAPER waits."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .errors import StandInError
from .registry import api


@dataclass
class UserInterface:
    """What the user saw, and what a test lets them answer.

    `answers`: numbers for message boxes with a choice. `inputs`: a string (fields joined as REAPER returns them) or
    None for Cancel, or a function of the dialog's initial text. `files`: a path, or None. `keys`: what gfx.getchar
    returns next.
    """

    messages: list[tuple[str, str]] = field(default_factory=list)  # text, title
    console: str = ""
    tooltips: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)  # REAPER's own, such as a failed render
    asked: list[tuple] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    inputs: deque = field(default_factory=deque)
    files: deque[str | None] = field(default_factory=deque)
    keys: deque[int] = field(default_factory=deque)
    drawn: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    clipboard: str = ""
    menus: deque = field(default_factory=deque)  # what is chosen next: a number, the words of an entry, or a function
    spoken: list[str] = field(default_factory=list)  # through OSARA
    mouse: tuple[float, float] = (-100.0, -100.0)  # in a gfx window, logical pixels
    buttons: int = 0  # as gfx.mouse_cap: 1 left, 2 right, 64 middle, 4 control, 8 shift, 16 alt
    wheel: int = 0  # 120 a notch, until a script has read it
    focused: bool = True  # whether keys go to the gfx window
    mouse_inside: bool = True
    scale: float = 1.0  # physical pixels to a logical one
    theme: dict[str, int] = field(default_factory=dict)  # colors by their ini key, 0xRRGGBB
    sent_keys: list[tuple] = field(default_factory=list)  # handed to REAPER's own window (SWS)

    def texts(self) -> list[str]:
        return [text for text, _ in self.messages]

    def press_escape(self) -> None:
        self.keys.append(27)


@api
def ShowMessageBox(reaper, text, title, kind):
    reaper.ui.messages.append((text, title))
    if kind == 0:
        return 1
    choices = {1: (1, 2), 2: (3, 4, 5), 3: (6, 7, 2), 4: (6, 7), 5: (4, 2)}.get(kind)
    if choices is None:
        raise StandInError("argument", f"message box type {kind}")
    if not reaper.ui.answers:
        raise StandInError("dialog", f"nobody answers: {text}")
    answer = reaper.ui.answers.popleft()
    if answer not in choices:
        raise StandInError("dialog", f"a box of type {kind} has no button {answer}")
    return answer


@api
def MB(reaper, text, title, kind):
    return ShowMessageBox(reaper, text, title, kind)


@api
def GetUserInputs(reaper, title, count, captions, values):
    """Fields joined by commas, or by `separator=` among the captions."""
    reaper.ui.asked.append((title, captions, values))
    if not 1 <= count <= 16:
        raise StandInError("argument", f"GetUserInputs with {count} fields")
    if not reaper.ui.inputs:
        raise StandInError("dialog", f"nobody answers: {title}")
    answer = reaper.ui.inputs.popleft()
    answer = answer(values) if callable(answer) else answer
    return (answer is not None, values if answer is None else answer)


@api
def GetUserFileNameForRead(reaper, name, title, extension):
    reaper.ui.asked.append((title, name, extension))
    if not reaper.ui.files:
        raise StandInError("dialog", f"nobody answers: {title}")
    answer = reaper.ui.files.popleft()
    return (answer is not None, answer or "")


@api
def ShowConsoleMsg(reaper, text):
    reaper.ui.console += text


@api
def ClearConsole(reaper):
    reaper.ui.console = ""


@api
def TrackCtl_SetToolTip(reaper, text, x, y, topmost):
    reaper.ui.tooltips.append(text)


@api
def GetMousePosition(reaper):
    return 100, 100


@api
def ReaScriptError(reaper, message):
    """A message that begins with ! ends the script without REAPER's error window."""
    raise StandInError("script error", message)


@api
def CF_SetClipboard(reaper, text):
    reaper.ui.clipboard = text


@api
def osara_outputMessage(reaper, message):
    reaper.ui.spoken.append(message)


@api
def GetThemeColor(reaper, key, flags):
    """The native color of a theme's key, -1 for one that it has not."""
    return _swapped(reaper, reaper.ui.theme[key]) if key in reaper.ui.theme else -1


@api
def ColorFromNative(reaper, color):
    color = _swapped(reaper, color)
    return color >> 16 & 255, color >> 8 & 255, color & 255


def _swapped(reaper, color):
    """A native color has red lowest on Windows, blue elsewhere."""
    if not reaper.os_name.startswith("Win"):
        return color
    return (color & 255) << 16 | color & 0xFF00 | color >> 16 & 255


@api
def CF_SendActionShortcut(reaper, window, section, key, modifiers=None):
    reaper.ui.sent_keys.append((section, key, modifiers or 0))
    return True
