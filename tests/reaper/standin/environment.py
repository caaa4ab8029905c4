"""The script's surroundings: time, defer, context, files, versions, GUIDs."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from .registry import api, exists
from .systems import real, shown


@api
def time_precise(reaper):
    return reaper.clock.now


@api
def defer(reaper, function):
    reaper.running.pending.append(function)
    reaper.running.deferred_ever = True
    return True


@api
def runloop(reaper, function):
    return defer(reaper, function)


@api
def atexit(reaper, function):
    reaper.running.exits.append(function)


@api
def get_action_context(reaper):
    """is_new_value, filename, sectionID, cmdID, mode, resolution, val, contextstr"""
    script = reaper.running
    return True, str(script.path), 0, script.command_id, *script.context, ""


@api
def set_action_options(reaper, flag):
    reaper.running.options = flag & 3
    if flag & 12:
        reaper.toggle_states[reaper.running.command_id] = int(bool(flag & 4))
        reaper.lamps[reaper.running.command_id] = int(bool(flag & 4))


@api
def APIExists(reaper, name):
    return exists(name, reaper) and not name.startswith("gfx_")


@api
def GetOS(reaper):
    return reaper.os_name


@api
def GetAppVersion(reaper):
    return reaper.version


@api
def GetResourcePath(reaper):
    return shown(reaper, str(reaper.resource_path))


@api
def GetExePath(reaper):
    return "/opt/REAPER"


@api
def get_ini_file(reaper):
    return str(reaper.resource_path / "reaper.ini")


@api
def genGuid(reaper, guid):
    return "{" + str(uuid.uuid4()).upper() + "}"


@api
def RecursiveCreateDirectory(reaper, path, ignored):
    """The number of folders made; 0 also when it failed or was there already."""
    folder, made = Path(real(reaper, path)), 0
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        for part in reversed(missing):
            part.mkdir()
            made += 1
    except OSError:
        pass
    return made


@api
def file_exists(reaper, path):
    return os.path.isfile(real(reaper, path))


@api
def EnumerateFiles(reaper, path, index):
    """REAPER keeps a folder's listing, for all scripts: only index -1 makes it read the folder anew."""
    return _listing(reaper, path, index, os.path.isfile)


@api
def EnumerateSubdirectories(reaper, path, index):
    return _listing(reaper, path, index, os.path.isdir)


def _listing(reaper, path, index, wanted):
    cache, path = reaper.listings, real(reaper, path)
    key = (path, wanted)
    if index == -1 or key not in cache:
        names = sorted(os.listdir(path)) if os.path.isdir(path) else []
        cache[key] = [name for name in names if wanted(os.path.join(path, name))]
    return cache[key][index] if 0 <= index < len(cache[key]) else None


@api
def UpdateArrange(reaper):
    pass


@api
def UpdateTimeline(reaper):
    pass


@api
def TrackList_AdjustWindows(reaper, minor):
    pass


class Window:
    """A handle of one of REAPER's own windows."""

    lua_type = "HWND"
    alive = True


MAIN_WINDOW = Window()


@api
def GetMainHwnd(reaper):
    return MAIN_WINDOW


class Array:
    """reaper.array: numbers from 1 on; its methods are called with a dot."""

    lua_type = "reaper_array"
    alive = True

    def __init__(self, size: int):
        self.values = [0.0] * size

    def __getitem__(self, key):
        if isinstance(key, str):
            return {"table": self._table, "clear": self._clear, "get_alloc": lambda: len(self.values)}[key]
        if not 1 <= key <= len(self.values):
            raise IndexError(f"reaper.array index {key} of {len(self.values)}")
        return self.values[int(key) - 1]

    def __setitem__(self, key, value):
        self.values[int(key) - 1] = float(value)

    def __len__(self):
        return len(self.values)

    def _clear(self, value=0.0, offset=1, size=None):
        stop = len(self.values) if size is None else int(offset) - 1 + int(size)
        self.values[int(offset) - 1 : stop] = [float(value)] * (stop - int(offset) + 1)

    def _table(self, offset=1, size=None):
        start = int(offset) - 1
        stop = len(self.values) if size is None else start + int(size)
        return self.make_table(self.values[start:stop])


@api
def new_array(reaper, first=None, size=None):
    """A size, or a table to copy (and then a size)."""
    given = [] if first is None or isinstance(first, int | float) else list(first.values())
    count = int(size if size is not None else (first if isinstance(first, int | float) else len(given)))
    array = Array(count)
    array.values[: len(given)] = map(float, given[:count])
    array.make_table = reaper.running.lua.table_from
    return array
