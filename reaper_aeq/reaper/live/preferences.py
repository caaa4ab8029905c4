"""What REAPER's own preferences do to a render: seen before anything is rendered, and said by their names."""

from __future__ import annotations

from .api import Api, LiveError, RefusedCall
from .tracks import is_null, source_of

# bits of `projsellock`, as the SWS extension reads them; loop points may be linked with the time selection
LOCKING, LOCKED_SELECTION, LOCKED_LOOP = 1 << 14, 1, 1 << 10
MEDIA_ONLINE = 40101  # "Item: Set all media online"


def value(reaper: Api, name: str) -> str:
    """A preference as REAPER keeps it, "" where this REAPER does not tell."""
    try:
        return reaper.text_if("get_config_var_string", name)
    except RefusedCall:
        return ""


def check(reaper: Api) -> None:
    """Raises `LiveError` for a preference with which a render would take as long as it sounds."""
    if value(reaper, "projrenderlimit") not in ("", "0"):
        raise LiveError(
            "REAPER renders no faster than it plays: choose 'Full-speed Offline' in File > Render once, then try again"
        )


def refuse_locked_selection(reaper: Api) -> None:
    """Raises `LiveError` where REAPER would ask in a box whether a locked time selection may be changed."""
    bits = value(reaper, "projsellock")
    locked = int(bits) if bits.isdigit() else 0
    if locked & LOCKING and locked & (LOCKED_SELECTION | LOCKED_LOOP):
        raise LiveError(
            "the time selection is locked, and this REAPER renders nothing without it: switch off the lock in Options >"
            " Locking, then try again"
        )


def media_online(reaper: Api) -> None:
    """REAPER may take media offline while another window, such as this terminal, is in front: silence is rendered.

    Only where all of it is offline: the action would also bring back single items that the user set so.
    """
    if value(reaper, "offlineinact") in ("", "0"):
        return
    count = reaper("CountMediaItems", reaper.project)
    takes = [reaper("GetActiveTake", reaper("GetMediaItem", reaper.project, n)) for n in range(count)]
    media = [take for take in takes if not is_null(take) and not reaper("TakeIsMIDI", take)]
    if media and not any(_length_s(reaper, take) > 0 for take in media):
        reaper("Main_OnCommandEx", MEDIA_ONLINE, 0, reaper.project)


def _length_s(reaper: Api, take: str) -> float:
    """Of the media that a take plays; 0 while it is offline."""
    source = source_of(reaper, take)
    return 0.0 if is_null(source) else reaper("GetMediaSourceLength", source, 0)[0]


def silence_hint(reaper: Api) -> str:
    """What may have made a whole render silent, as the end of a sentence."""
    if value(reaper, "offlineinact") not in ("", "0"):
        return ", or switch off Preferences > Media > 'Set media items offline when application is not active'"
    return ", and bring REAPER's window up if it is minimized"
