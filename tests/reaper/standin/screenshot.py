"""Replays what a script drew (gfx.py) to a picture. Fonts: matplotlib's DejaVu Sans, drawn as small as Arial looks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_EM = 0.74  # of the height that gfx.setfont takes: DejaVu is wider than the fonts that REAPER finds
BOLD = ord("b")


@cache
def _font(size: int, bold: bool):
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), max(6, round(size * _EM)))


def _of(font: tuple):
    return _font(int(font[1]), font[2] == BOLD)


@cache
def text_size(text: str, font: tuple) -> tuple[int, int]:
    """Width and height in pixels, of several lines the widest and all."""
    lines = text.split("\n")
    return max(round(_of(font).getlength(line)) for line in lines), int(font[1]) * len(lines)


def replay(calls: list, size: tuple[int, int]) -> Image.Image:
    """The picture of a frame: `GfxWindow.shown` and `.size`."""
    image = Image.new("RGB", size, "magenta")  # what nobody painted is seen at once
    for what, (r, g, b, a), *values in calls:
        color = tuple(round(255 * min(max(v, 0.0), 1.0)) for v in (r, g, b, a))
        if color[3] == 0:
            continue
        layer = image if color[3] == 255 else Image.new("RGBA", size, (0, 0, 0, 0))
        _DRAW[what](ImageDraw.Draw(layer), color, *values)
        if layer is not image:
            image.paste(layer, (0, 0), layer)
    return image


def _rect(draw, color, x, y, w, h, filled):
    if w >= 1 and h >= 1:
        box = (round(x), round(y), round(x + w) - 1, round(y + h) - 1)
        draw.rectangle(box, fill=color if filled else None, outline=None if filled else color)


def _roundrect(draw, color, x, y, w, h, radius):
    draw.rounded_rectangle((round(x), round(y), round(x + w), round(y + h)), radius, outline=color)


def _line(draw, color, x, y, x2, y2):
    draw.line((x, y, x2, y2), fill=color)


def _circle(draw, color, x, y, radius, fill):
    box = (x - radius, y - radius, x + radius, y + radius)
    draw.ellipse(box, fill=color if fill else None, outline=color)


def _text(draw, color, x, y, text, font, flags, box):
    width, height = text_size(text, font)
    right, bottom = box or (None, None)
    if box and flags & 3:
        x = x + (right - x - width) / (2 if flags & 1 else 1)
    if box and flags & 12:
        y = y + (bottom - y - height) / (2 if flags & 4 else 1)
    offset = 0.06 * font[1]
    for n, line in enumerate(text.split("\n")):
        draw.text((round(x), round(y + offset + n * font[1])), line, fill=color, font=_of(font))


_DRAW = {"rect": _rect, "roundrect": _roundrect, "line": _line, "circle": _circle, "text": _text}
