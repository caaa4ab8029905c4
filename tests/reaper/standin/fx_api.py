"""TrackFX_ and TakeFX_: the same functions over a chain of a track or of a take."""

from __future__ import annotations

from .errors import StandInError
from .fx_chain import (
    IN_CONTAINER,
    REAEQ_NAMES,
    Fx,
    all_fx,
    container_at,
    copied,
    fx_list,
    insert,
    new_container,
    new_reaeq,
    put_inside,
    remove,
)
from .registry import FUNCTIONS, api
from .undo import step_outside_block


def get(owner, index: int) -> Fx | None:
    """None for an index that is not there. Input FX have indices of their own, not modeled."""
    if index >= IN_CONTAINER:
        return next((fx for fx in all_fx(owner) if fx.index == index), None)
    if index >= 0x1000000:
        raise StandInError("not modeled", f"FX index {index:#x} (input FX)")
    chain = fx_list(owner)
    found = chain[index] if 0 <= index < len(chain) else None
    if found and owner.project.reaper.disputed.envelope_overrides == "at once":
        from .envelopes import drive  # the audio thread was faster than the script

        drive(found)
    return found


def closed(owner) -> bool:
    """Whether writes to a track's FX do nothing, as its controls are locked."""
    if owner.project.reaper.disputed.locked_tracks != "left" or not hasattr(owner, "is_master"):
        return False
    return not owner.is_master and bool(owner.node.number("LOCK"))


def both(function):
    """Registers `function(reaper, owner, ...)` as TrackFX_<name> and TakeFX_<name>."""
    for prefix in ("TrackFX_", "TakeFX_"):
        FUNCTIONS[prefix + function.__name__] = function
    return function


@both
def GetCount(reaper, owner):
    return len(fx_list(owner))


@both
def GetFXName(reaper, owner, index):
    """The user's name of the instance where there is one, else the plug-in's."""
    fx = get(owner, index)
    return (False, "") if fx is None else (True, fx.renamed or fx.plugin_name)


@both
def GetFXGUID(reaper, owner, index):
    fx = get(owner, index)
    return fx.guid if fx else None


@both
def GetEnabled(reaper, owner, index):
    fx = get(owner, index)
    return fx is not None and not fx.flag(0)


@both
def SetEnabled(reaper, owner, index, enabled):
    fx = get(owner, index)
    if fx and not closed(owner):
        fx.set_flag(0, not enabled)
        step_outside_block(owner.project, f"{'Enable' if enabled else 'Bypass'} FX: {fx.plugin_name}")


@both
def GetOffline(reaper, owner, index):
    fx = get(owner, index)
    return fx is not None and fx.flag(1)


@both
def SetOffline(reaper, owner, index, offline):
    fx = get(owner, index)
    if fx:
        fx.set_flag(1, offline)


@both
def GetOpen(reaper, owner, index):
    return False


@both
def SetOpen(reaper, owner, index, is_open):
    if is_open and get(owner, index):
        raise StandInError("fx window", "the script opened an FX window")


@both
def Show(reaper, owner, index, flag):
    if flag in (1, 3):
        raise StandInError("fx window", "the script opened an FX window")


@both
def Delete(reaper, owner, index):
    fx = get(owner, index)
    if fx is None or closed(owner):
        return False
    remove(fx)
    return True


def add_by_name(owner, name: str, instantiate: int) -> int:
    """0 only looks, -1 always adds, 1 adds if there is none; -1000 - x adds at place x."""
    wanted = name.lower()
    found = [i for i, fx in enumerate(fx_list(owner)) if wanted in (fx.plugin_name.lower(), fx.renamed.lower())]
    if wanted in REAEQ_NAMES:
        found = [i for i, fx in enumerate(fx_list(owner)) if fx.is_reaeq]
    if instantiate == 0 or (instantiate > 0 and found):
        return found[0] if found else -1
    is_container = wanted == "container" and owner.project.reaper.version >= "7"
    if (wanted not in REAEQ_NAMES and not is_container) or closed(owner):
        return -1  # no other plug-in is installed here
    place = -1000 - instantiate if instantiate <= -1000 else len(fx_list(owner))
    index = insert(owner, place, new_container(owner) if is_container else new_reaeq(owner))
    step_outside_block(owner.project, f"Add FX: {'Container' if is_container else 'VST: ReaEQ (Cockos)'}")
    return index


@api
def TrackFX_AddByName(reaper, track, name, rec_fx, instantiate):
    if rec_fx:
        raise StandInError("not modeled", "input FX")
    return add_by_name(track, name, instantiate)


@api
def TakeFX_AddByName(reaper, take, name, instantiate):
    return add_by_name(take, name, instantiate)


@api
def TrackFX_GetByName(reaper, track, name, instantiate):
    return add_by_name(track, name, int(instantiate))


@api
def TrackFX_GetInstrument(reaper, track):
    return next((i for i, fx in enumerate(fx_list(track)) if fx.is_instrument), -1)


@api
def TrackFX_GetRecCount(reaper, track):
    return 0


@api
def TrackFX_CopyToTrack(reaper, source, index, target, place, is_move):
    fx = get(source, index)
    if fx is None:
        return
    inside = container_at(target, place) if place >= IN_CONTAINER else None
    if inside and target.project.reaper.disputed.container_moves:
        container, number = inside
        if not is_move or source is not target:
            raise StandInError("not modeled", "copies into a container")
        lines = remove(fx, keep_chain=True)
        put_inside(container, number, lines)
    elif not is_move:
        insert(target, place, copied(fx, target))
    elif source is target:
        # the place counts in the chain without the moved FX
        insert(target, place, remove(fx, keep_chain=True))
    else:
        lines = copied(fx, target)
        remove(fx)
        insert(target, place, lines)


@both
def GetPreset(reaper, owner, index):
    fx = get(owner, index)
    name = fx.chain.get("PRESETNAME", fx.start, fx.stop) if fx else None
    return bool(name), name[0] if name else ""


@api
def TrackFX_CopyToTake(reaper, source, index, take, place, is_move):
    fx = get(source, index)
    if fx is None:
        return
    lines = copied(fx, take)
    if is_move:
        remove(fx)
    insert(take, place, lines)
