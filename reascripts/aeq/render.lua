-- One render without dialogs: set the keys, run the action, find the files.

local files = require("aeq.files")
local lock = require("aeq.lock")
local log = require("aeq.log")
local options = require("aeq.options")

local render = {}

local RENDER_AND_CLOSE = 42230 -- "Render project, using the most recent render settings, auto-close render dialog"
local WAV_32_FLOAT = "ZXZhdyAAAA==" -- 'evaw', depth byte 0x20
-- RENDER_SETTINGS and RENDER_BOUNDSFLAG (facts sheet, 4). 8192: a stem before the fader, so that its volume and pan
-- play no part; versions that do not know this bit render it behind the fader, which the EQ does not mind either.
local SOURCE = { items = 32, stem = 2 | 8192, master = 0 }
local BOUNDS = { custom = 0, items = 4 }
-- $tracknumber tells whose file it is; $itemnumber keeps the items of one track apart.
local PATTERN = { items = "-$tracknumber-$itemnumber", stem = "-$tracknumber", master = "" }

local count = 0

local function set_keys(project, given, folder, pattern)
  local numbers = {
    RENDER_SETTINGS = SOURCE[given.how],
    RENDER_BOUNDSFLAG = given.how == "items" and BOUNDS.items or BOUNDS.custom,
    RENDER_CHANNELS = 2,
    RENDER_SRATE = 0, -- the project's
    RENDER_TAILFLAG = 0,
    RENDER_ADDTOPROJ = 0,
    RENDER_DITHER = 0,
    RENDER_NORMALIZE = 0,
  }
  if given.how ~= "items" then
    numbers.RENDER_STARTPOS, numbers.RENDER_ENDPOS = given.start_s, given.end_s
  end
  local strings =
    { RENDER_FILE = folder, RENDER_PATTERN = pattern, RENDER_FORMAT = WAV_32_FLOAT, RENDER_FORMAT2 = "" }
  for key, text in pairs(strings) do
    reaper.GetSetProjectInfo_String(project, key, text, true)
  end
  for key, value in pairs(numbers) do
    reaper.GetSetProjectInfo(project, key, value, true)
  end
end

--- The names REAPER is going to write. It says them itself, so no wildcard has to be understood here.
local function targets_of(project)
  local _, list = reaper.GetSetProjectInfo_String(project, "RENDER_TARGETS", "", false)
  local found = {}
  for path in list:gmatch("[^;]+") do
    found[#found + 1] = path:match("[^/\\]+$")
  end
  return found
end

--- Renders the selected items ("items"), the selected tracks ("stem") or the mix ("master") of `project` to `temp`.
--- The caller has saved the render keys. Returns {[track number] = {paths}}; the master's number is -1.
function render.run(project, temp, given)
  options.check(given, { how = "string", start_s = "number?", end_s = "number?" })
  count = count + 1
  -- A name that exists could raise a question in a dialog, so every render has a new one.
  local stem = ("aeq%d%s"):format(count, given.how:sub(1, 1))
  set_keys(project, given, temp.path, stem .. PATTERN[given.how])
  local names = targets_of(project)
  log.add(("render %s: %d files"):format(given.how, #names))
  -- Returns when all is rendered; REAPER shows its own progress and lets the user stop it.
  reaper.Main_OnCommandEx(RENDER_AND_CLOSE, 0, project)
  lock.beat()
  local by_number = {}
  for _, name in ipairs(names) do
    local number = given.how == "master" and -1 or math.tointeger(tonumber(name:match("^" .. stem .. "%-(%d+)")))
    if number then
      by_number[number] = by_number[number] or {}
      table.insert(by_number[number], files.join(temp.path, name))
    end
  end
  return by_number
end

return render
